"""From currents to signals: many cells at once, and the same bits however they are dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.forward.sums import OrderFreeSum
from lfpcli.kernels.contraction import contract, packed
from lfpcli.runtime.engine.background import leaving


@dataclass
class CurrentShare:
    """Currents of one kind of the cells of this process.

    Attributes
    ----------
    name : str
        Name of the share.
    offsets : ndarray of int, shape (cells + 1,)
        Columns of cell k are ``offsets[k]:offsets[k + 1]``.
    index : sequence of ndarray of int
        Per cell, the segments of its columns.
    factor : sequence of ndarray
        Per cell, what turns its columns into nA.
    """

    name: str
    offsets: np.ndarray
    index: Sequence[np.ndarray]
    factor: Sequence[np.ndarray]

    @classmethod
    def of_columns(cls, sizes: Sequence[int]) -> CurrentShare:
        """All columns, as they are: `sizes` of them per contributor."""
        return cls(
            name="",
            offsets=np.cumsum([0, *sizes]),
            index=[np.arange(size) for size in sizes],
            factor=[np.ones(size) for size in sizes],
        )


class Contraction:
    """What currents of one kind contribute to a signal.

    Parameters
    ----------
    share : CurrentShare
        The currents.
    matrices : sequence of ndarray, shape (N, C)
        Per cell, what its segments contribute per nA.
    groups : ndarray of int, shape (cells,)
        Per cell, which sum it is part of.
    summer : OrderFreeSum
        How cells are added.
    """

    def __init__(
        self,
        share: CurrentShare,
        matrices: Sequence[np.ndarray],
        groups: np.ndarray,
        summer: OrderFreeSum,
    ) -> None:
        self._bounds = summer.bounds
        scaled = [
            matrix[index] * factor[:, None]
            for matrix, index, factor in zip(matrices, share.index, share.factor, strict=True)
        ]
        self._matrices = packed(
            scaled,
            columns=share.offsets[:-1],
            groups=groups,
            channels=summer.bounds.shape[1],
        )

    def add(self, parts: np.ndarray, currents: np.ndarray) -> None:
        """Add the contributions of currents to sums.

        Parameters
        ----------
        parts : ndarray, shape (groups, 2, n, C)
            Sums in the parts of an `OrderFreeSum`.
        currents : ndarray, shape (n, columns)
            Samples.

        Raises
        ------
        SimulatorError
            Where a contribution is beyond all reason.
        """
        leaving()
        if not contract(currents, self._matrices, self._bounds, parts):
            raise SimulatorError(
                "a signal is not finite or beyond all reason",
                remedy="use a smaller dt, and check the conductances and weights",
            )
