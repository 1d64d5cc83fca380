"""Planes that potentials are mapped in: along two axes of space, or with any normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.geometry import Geometry
from lfpcli.plotting.morphology import axes_of

_AXES = "xyz"
# components of a unit vector below this are rounding
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A plane through cells, and its own coordinates.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Unit vectors to the right, normal to the plane, and upwards, a row each: in the coordinates
        of the plane it is seen as xz.
    names : tuple of three str
        These coordinates in those of space, such as ``x`` or ``0.71 x - 0.71 y``.
    """

    axes: np.ndarray
    names: tuple[str, str, str]

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3), um, in the coordinates of the plane."""
        return np.asarray(points @ self.axes.T)

    def placed(self, seen: np.ndarray) -> np.ndarray:
        """Points (N, 3), um, whose coordinates in the plane are given."""
        return np.asarray(seen @ self.axes)

    def turned(self, geometry: Geometry) -> Geometry:
        """Cells in the coordinates of the plane."""
        return replace(geometry, start=self.seen(geometry.start), end=self.seen(geometry.end))


def plane_of(spoken: str | Sequence[float]) -> Plane:
    """The plane of a view such as ``xz``, or with a normal (3,), its z as far up as can be.

    Raises
    ------
    UsageError
        Where the normal has no direction.
    """
    if isinstance(spoken, str):
        right, up, depth = axes_of(spoken)
        axes = np.eye(3)[[right, depth, up]]
    else:
        axes = _about(np.asarray(spoken, float))
    first, second, third = (_combination(axis) for axis in axes)
    return Plane(axes=axes, names=(first, second, third))


def _about(normal: np.ndarray) -> np.ndarray:
    """Axes of the plane with a normal."""
    length = np.linalg.norm(normal)
    if not length > 0:
        raise UsageError("a normal of length zero has no plane", remedy="give it as in 1,1,0")
    normal = normal / length
    right = np.cross(normal, (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < _ROUNDING:
        right = np.array([1.0, 0.0, 0.0])
    right = right / np.linalg.norm(right)
    # seen from the side from which x, else y, goes to the right, as in the views
    if right[np.abs(right) > _ROUNDING][0] < 0:
        right = -right
    up = np.cross(right, normal)
    if up[2] < -_ROUNDING or (abs(up[2]) <= _ROUNDING and up[1] < 0):
        up = -up
    return np.array([right, normal, up])


def _combination(axis: np.ndarray) -> str:
    """A coordinate along an axis in those of space."""
    text = ""
    for share, name in zip(axis, _AXES, strict=True):
        if abs(share) <= _ROUNDING:
            continue
        factor = "" if abs(abs(share) - 1.0) <= _ROUNDING else f"{abs(share):.2g} "
        sign = "−" if share < 0 else ""
        if text:
            sign = " − " if share < 0 else " + "
        text += f"{sign}{factor}{name}"
    return text
