"""Metal in a medium on a grid: cells that share one potential, which floats.

Metal conducts so much better than tissue that it is an equipotential, and carries no net current
where nothing is connected to it. So all cells of a piece of metal are one unknown.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from lfpcli.errors import InputError
from lfpcli.forward.regions import Medium


class Metals:
    """Pieces of metal on a grid.

    Parameters
    ----------
    medium : Medium
        The medium.
    sigma : ndarray, shape (nx, ny, nz, 3)
        Conductivity of the cells, infinite in metal, S/m.
    centres : ndarray, shape (nx, ny, nz, 3)
        Middles of the cells, um.

    Attributes
    ----------
    cells : ndarray of bool, shape (nx, ny, nz)
        Which are of metal.
    labels : ndarray of int, shape (nx, ny, nz)
        Number of the region that is the piece; -1 elsewhere.
    """

    def __init__(self, medium: Medium, sigma: np.ndarray, centres: np.ndarray) -> None:
        self.cells = np.isinf(sigma[..., 0])
        self.labels = np.full(self.cells.shape, -1)
        self.labels[self.cells] = medium.metal_of(centres[self.cells])
        pieces = np.unique(self.labels[self.cells])
        # cells without metal keep their order, and each piece is one more unknown
        free = np.flatnonzero(~self.cells.ravel())
        self._unknown = np.empty(self.cells.size, np.int64)
        self._unknown[free] = np.arange(len(free))
        self._counts = np.ones(len(free) + len(pieces))
        for number, piece in enumerate(pieces.tolist()):
            members = np.flatnonzero(self.labels.ravel() == piece)
            self._unknown[members] = len(free) + number
            self._counts[len(free) + number] = len(members)

    @property
    def any(self) -> bool:
        """Whether there is some."""
        return bool(self.cells.any())

    def check_apart(self, axis: int) -> None:
        """Raise `InputError` where two pieces touch along an axis."""
        near, far = np.delete(self.labels, -1, axis=axis), np.delete(self.labels, 0, axis=axis)
        if np.any((near >= 0) & (far >= 0) & (near != far)):
            raise InputError(
                "two regions of metal touch", remedy="move them apart, or make them one region"
            )

    def merged(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """A matrix of all cells as one of the unknowns."""
        entries = matrix.tocoo()
        rows, columns = self._unknown[entries.row], self._unknown[entries.col]
        size = len(self._counts)
        return sparse.csr_array((entries.data, (rows, columns)), shape=(size, size))

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sums of values of cells, (cells,) in any unit, over each unknown, (unknowns,)."""
        return np.bincount(self._unknown, values, minlength=len(self._counts))

    def shared(self, values: np.ndarray) -> np.ndarray:
        """Values of unknowns, (unknowns,) in any unit, shared out evenly to their cells."""
        return np.asarray((values / self._counts)[self._unknown])

    def averaged(self, values: np.ndarray) -> np.ndarray:
        """Means of values of cells, (cells,) in any unit, over each unknown, (unknowns,)."""
        return self.summed(values) / self._counts

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of unknowns, (unknowns,) in any unit, in each of their cells."""
        return np.asarray(values[self._unknown])
