"""Where a cell is, as methods: ends of its segments, turns, and segments by their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.forward import transforms
from lfpcli.geometry import Geometry, select_sections


class Located:
    """Methods of a cell that need no more of it than its geometry.

    Attributes
    ----------
    geometry : Geometry
        The segments, um.
    names : list of str
        Names of the sections.
    """

    geometry: Geometry
    names: list[str]

    @property
    def x(self) -> np.ndarray:
        """Start and end of the segments along x, shape (N, 2), um; can be set."""
        return self._along(0)

    @x.setter
    def x(self, ends: ArrayLike) -> None:
        self._move_along(0, ends)

    @property
    def y(self) -> np.ndarray:
        """Start and end of the segments along y, shape (N, 2), um; can be set."""
        return self._along(1)

    @y.setter
    def y(self, ends: ArrayLike) -> None:
        self._move_along(1, ends)

    @property
    def z(self) -> np.ndarray:
        """Start and end of the segments along z, shape (N, 2), um; can be set."""
        return self._along(2)

    @z.setter
    def z(self, ends: ArrayLike) -> None:
        self._move_along(2, ends)

    def _along(self, axis: int) -> np.ndarray:
        return np.column_stack([self.geometry.start[:, axis], self.geometry.end[:, axis]])

    def _move_along(self, axis: int, ends: ArrayLike) -> None:
        values = np.asarray(ends, dtype=float)
        if values.shape != (self.totnsegs, 2):
            raise UsageError(f"ends have shape {values.shape}, expected ({self.totnsegs}, 2)")
        start, end = self.geometry.start.copy(), self.geometry.end.copy()
        start[:, axis], end[:, axis] = values.T
        self.geometry = replace(self.geometry, start=start, end=end)

    @property
    def length(self) -> np.ndarray:
        """Distance between the ends of each segment, shape (N,), um."""
        return self.geometry.length

    @property
    def area(self) -> np.ndarray:
        """Membrane area of each segment, shape (N,), um2."""
        return self.geometry.area

    def _set_length(self) -> None:
        """Do nothing: LFPykit's slice calls this after it has moved the ends."""

    def _set_area(self) -> None:
        """Do nothing, as `_set_length`; the cable stays as it is."""

    @property
    def d(self) -> np.ndarray:
        """Diameters of the segments, shape (N,), um."""
        return self.geometry.diam

    @property
    def totnsegs(self) -> int:
        """Number of segments."""
        return len(self.geometry)

    @property
    def somaidx(self) -> np.ndarray:
        """Indices of the soma's segments, shape (n,); the first one where there is no soma."""
        return np.flatnonzero(self.geometry.is_soma)

    @property
    def somapos(self) -> np.ndarray:
        """Place of the soma: the mean of its segments' midpoints, shape (3,), um."""
        middle: np.ndarray = self.geometry.middle[self.somaidx].mean(axis=0)
        return middle

    def set_pos(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Move the soma to a place, um."""
        self.geometry = transforms.place(self.geometry, (x, y, z))

    def set_rotation(
        self, x: float = 0.0, y: float = 0.0, z: float = 0.0, order: str = "xyz"
    ) -> None:
        """Turn the cell about its soma, right-handed about fixed axes in the given order; rad."""
        # LFPy takes radians, models degrees
        angles = {"x": np.degrees(x), "y": np.degrees(y), "z": np.degrees(z)}
        matrix = transforms.rotation_matrix({**angles, "order": order})
        self.geometry = transforms.rotate(self.geometry, matrix)

    def get_idx(
        self, section: str | Sequence[str] = "all", z_min: float = -np.inf, z_max: float = np.inf
    ) -> np.ndarray:
        """Indices of the segments of sections whose midpoints lie between two depths.

        Parameters
        ----------
        section : str or sequence of str
            "all", a kind such as "dend", a name, or a glob of names.
        z_min, z_max : float
            Depths, um.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        if isinstance(section, str):
            section = [section]
        inside = np.isin(self.geometry.section, select_sections(self.names, section))
        depth = self.geometry.middle[:, 2]
        return np.flatnonzero(inside & (depth > z_min) & (depth < z_max))

    def get_closest_idx(
        self, x: float = 0.0, y: float = 0.0, z: float = 0.0, section: str = "all"
    ) -> int:
        """Index of the segment whose midpoint is nearest to a point, um."""
        candidates = self.get_idx(section)
        distance = np.linalg.norm(self.geometry.middle[candidates] - (x, y, z), axis=1)
        return int(candidates[np.argmin(distance)])
