"""Outlines of cells, as LFPy gives them for plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.geometry import Geometry
from lfpcli.plotting.morphology import Cones, end_diameters, outlines

Polygon = tuple[np.ndarray, np.ndarray]


class Outlines:
    """Methods of a cell that give polygons, and its points in space.

    Attributes
    ----------
    x3d, y3d, z3d, diam3d, arc3d : list of ndarray
        Points of each section, their diameters, and where they are along it, um.
    """

    geometry: Geometry
    sections: list[Any]
    pt3d: bool
    x3d: list[np.ndarray]
    y3d: list[np.ndarray]
    z3d: list[np.ndarray]
    diam3d: list[np.ndarray]
    arc3d: list[np.ndarray]
    somapos: Any

    def _collect_points(self) -> None:
        """Read the points of sections, about the place of the soma."""
        if not self.pt3d:
            return
        columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("x3d", "y3d", "z3d", "diam3d", "arc3d")
        }
        for section in self.sections:
            for name, lists in columns.items():
                value = getattr(section, name)
                lists.append(np.array([value(k) for k in range(section.n3d())], dtype=float))
        for name, lists in columns.items():
            setattr(self, name, lists)
        # segments lie about the soma already; by how much they were moved is known of the first
        first = self.geometry.start[0] - [self.x3d[0][0], self.y3d[0][0], self.z3d[0][0]]
        self._move_points(lambda points: points + first)

    def _move_points(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        """Let a function of places (P, 3) act on the points of each section."""
        if not self.pt3d or not hasattr(self, "x3d"):
            return
        for k in range(len(self.x3d)):
            points = change(np.column_stack([self.x3d[k], self.y3d[k], self.z3d[k]]))
            self.x3d[k], self.y3d[k], self.z3d[k] = points.T

    def get_idx_polygons(self, projection: Sequence[str] = ("x", "z")) -> list[Polygon]:
        """Outlines of the segments in a plane.

        Parameters
        ----------
        projection : sequence of str
            Two of x, y and z.

        Returns
        -------
        list of (ndarray, ndarray)
            For each segment coordinates along the two, um, as ``Axes.fill`` takes them.
        """
        geometry = self.geometry
        before, behind = end_diameters(geometry)
        return _polygons(Cones(geometry.start, geometry.end, before, behind), projection)

    def get_pt3d_polygons(self, projection: Sequence[str] = ("x", "z")) -> list[Polygon]:
        """Outlines of the pieces between the points of a cell made with ``pt3d=True``.

        Parameters and result are those of `get_idx_polygons`, piece by piece.
        """
        if not self.pt3d:
            raise UsageError("the cell has no points", remedy="make it with pt3d=True")
        starts, ends, before, behind = [], [], [], []
        for k in range(len(self.x3d)):
            points = np.column_stack([self.x3d[k], self.y3d[k], self.z3d[k]])
            starts.append(points[:-1])
            ends.append(points[1:])
            before.append(self.diam3d[k][:-1])
            behind.append(self.diam3d[k][1:])
        cones = Cones(
            np.concatenate(starts),
            np.concatenate(ends),
            np.concatenate(before),
            np.concatenate(behind),
        )
        return _polygons(cones, projection)


def _polygons(cones: Cones, projection: Sequence[str]) -> list[Polygon]:
    view = "".join(projection)
    if len(view) != 2 or not set(view) < set("xyz"):
        raise UsageError(f"projection is {projection}, not two of x, y and z")
    return [(polygon[:, 0], polygon[:, 1]) for polygon in outlines(cones, view)]
