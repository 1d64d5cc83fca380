"""Cells of a grid: bricks between faces along x, y and z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Faces of the cells along each axis.

    Attributes
    ----------
    faces : tuple of three ndarray
        Ascending, um; along x, y and z.
    """

    faces: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along each axis."""
        x, y, z = (len(faces) - 1 for faces in self.faces)
        return x, y, z

    @property
    def centres(self) -> list[np.ndarray]:
        """Middles of the cells along each axis, each (n,), um."""
        return [(faces[1:] + faces[:-1]) / 2 for faces in self.faces]

    @property
    def widths(self) -> list[np.ndarray]:
        """Widths of the cells along each axis, each (n,), um."""
        return [np.diff(faces) for faces in self.faces]
