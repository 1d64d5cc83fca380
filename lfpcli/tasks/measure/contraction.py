"""From currents to signals: many cells at once, and the same bits however they are dealt out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.forward.sums import OrderFreeSum
from lfpcli.kernels.contraction import contract, packed
from lfpcli.runtime.engine.background import leaving


class Contraction:
    """What columns of samples contribute to a signal.

    Parameters
    ----------
    matrices : sequence of ndarray, shape (K, C)
        Per cell, what each of its K columns contributes; the columns of all cells are side by side.
    groups : ndarray of int, shape (cells,)
        Per cell, which sum it is part of.
    summer : OrderFreeSum
        How cells are added.
    """

    def __init__(
        self,
        matrices: Sequence[np.ndarray],
        groups: np.ndarray,
        summer: OrderFreeSum,
    ) -> None:
        self._bounds = summer.bounds
        self._matrices = packed(
            matrices,
            columns=np.cumsum([0, *map(len, matrices)])[:-1],
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
