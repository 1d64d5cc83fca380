"""From currents to signals: many cells at once, and the same bits however they are dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.forward.sums import OrderFreeSum
from lfpcli.kernels._contract import PANEL, contract
from lfpcli.kernels.threads import threads_for
from lfpcli.runtime.engine.background import leaving

# products that take as long as the potential of a pair
_PRODUCTS_OF_PAIR = 16


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
        self._columns = share.offsets[:-1].astype(np.intp)
        self._widths = np.diff(share.offsets).astype(np.intp)
        self._groups = groups.astype(np.intp)
        panels = [
            _panels(matrix[index] * factor[:, None])
            for matrix, index, factor in zip(matrices, share.index, share.factor, strict=True)
        ]
        self._panels = np.concatenate([np.empty(0), *panels])

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
        if not contract(
            currents,
            self._columns,
            self._widths,
            self._groups,
            self._panels,
            self._bounds,
            parts,
            threads_for(len(currents) * len(self._panels) // _PRODUCTS_OF_PAIR),
        ):
            raise SimulatorError(
                "a signal is not finite or beyond all reason",
                remedy="use a smaller dt, and check the conductances and weights",
            )


def _panels(matrix: np.ndarray) -> np.ndarray:
    """The columns of a matrix (N, C) in panels, one after the other, filled up with zeros."""
    count, channels = matrix.shape
    panels = -(-channels // PANEL)
    filled = np.zeros((count, panels * PANEL))
    filled[:, :channels] = matrix
    return filled.reshape(count, panels, PANEL).swapaxes(0, 1).ravel()
