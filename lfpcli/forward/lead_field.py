"""Signals from a lead field: potentials or fields of unit dipoles at many places, given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.forward.arrays import moment, points


@dataclass
class LeadField:
    """Lead field of a head: its sources, its electrodes, and the potentials of unit dipoles.

    Attributes
    ----------
    matrix : array-like, shape (S, 3, E)
        Potentials of unit dipoles along x, y, z; an ndarray, or anything that gives those of
        increasing sources where it is indexed.
    scale : float
        What the values are multiplied with to give `units`.
    positions : ndarray, shape (S, 3)
        Places of the sources, um.
    electrodes : ndarray, shape (E, 3)
        Places of the electrodes or sensors, um.
    normals : ndarray, shape (S, 3), or None
        Normals of the cortex at the sources.
    names : sequence of str
        Names of the electrodes.
    units : str or sequence of str
        Unit of the signals per nA um, of all electrodes or of each: ``mV``, ``T`` or ``T/m``.
    sites : dict of str to tuple
        Places that have a name, um.
    """

    matrix: Any
    scale: float
    positions: np.ndarray
    electrodes: np.ndarray
    normals: np.ndarray | None = None
    names: Sequence[str] = ()
    units: str | Sequence[str] = "mV"
    sites: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def channel_units(self) -> list[str]:
        """Unit of each electrode or sensor."""
        if isinstance(self.units, str):
            return [self.units] * len(self.electrodes)
        return list(self.units)

    def nearest(self, position: ArrayLike, within: float = 2000.0) -> int:
        """Index of the source nearest to a place.

        Parameters
        ----------
        position : array_like, shape (3,)
            The place, um.
        within : float
            Largest distance that is accepted, um.

        Raises
        ------
        InputError
            Where no source is that near.
        """
        return int(self.nearest_all(position, within)[0])

    def nearest_all(self, positions: ArrayLike, within: float = 2000.0) -> np.ndarray:
        """Indices of the sources nearest to places, shape (n,); see `nearest`."""
        # a head has 75,000 sources: distances to all of them, for all cells, do not fit into memory
        from scipy.spatial import cKDTree

        wanted = points(positions, "positions")
        distance, index = cKDTree(self.positions).query(wanted)
        far = np.flatnonzero(distance > within)
        if len(far):
            nearest = ", ".join(f"{v:g}" for v in self.positions[index[far[0]]])
            raise InputError(
                f"no source of the head model within {within:g} um of"
                f" {', '.join(f'{v:g}' for v in wanted[far[0]])} um:"
                f" the dipole would lie outside the cortex",
                remedy=f"the nearest source is at {nearest} um",
            )
        return np.asarray(index)

    def columns(self, indices: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles at the sources `indices` (D,); shape (E, D, 3)."""
        chosen = np.asarray(indices, dtype=np.int64)
        unique, inverse = np.unique(chosen, return_inverse=True)
        # a file is read at increasing indices only
        values = np.asarray(self.matrix[unique], dtype=float)
        if not np.all(np.isfinite(values)):
            raise InputError(
                "lead field holds NaN or infinity at a source that is used",
                # what is read from a file knows its name
                source=getattr(self.matrix, "source", None),
                remedy="compute it again, or place the dipole elsewhere",
            )
        return np.ascontiguousarray(values.transpose(2, 0, 1)[:, inverse]) * self.scale

    def get_transformation_matrix(self, index: int) -> np.ndarray:
        """Potentials of unit dipoles at one source, shape (E, 3), `units` per nA um."""
        return np.asarray(self.columns([index])[:, 0])

    def get_dipole_potential(self, p: ArrayLike, index: int) -> np.ndarray:
        """Signals of a dipole p (3, T), nA um, at one source; shape (E, T)."""
        return np.asarray(self.get_transformation_matrix(index) @ moment(p))
