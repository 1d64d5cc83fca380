"""Media of several conductivities: a background and regions in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lfpcli.errors import InputError

# points along each edge of a cell by which its share of a curved region is told
_PROBES = 4


class Shape(Protocol):
    """A part of space."""

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3), um, lie in it, an array of their shape without the last axis."""

    @property
    def planes(self) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
        """Where its flat faces and ends are along x, y and z, um."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box along the axes; a slab where some ends are infinite.

    Attributes
    ----------
    low, high : sequence of float, shape (3,)
        Ends, um; may be infinite.
    """

    low: Sequence[float]
    high: Sequence[float]

    def __post_init__(self) -> None:
        for axis, low, high in zip("xyz", self.low, self.high, strict=True):
            if not low < high:
                raise InputError(f"box from {low:g} to {high:g} um along {axis} has no inside")

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3), um, lie in it, shape (...)."""
        inside = (points >= np.array(self.low)) & (points <= np.array(self.high))
        return np.asarray(inside.all(axis=-1))

    @property
    def planes(self) -> tuple[list[float], list[float], list[float]]:
        """Where its faces are along x, y and z, um."""
        faces = []
        for low, high in zip(self.low, self.high, strict=True):
            faces.append([end for end in (low, high) if np.isfinite(end)])
        return faces[0], faces[1], faces[2]


@dataclass(frozen=True, kw_only=True)
class Ball:
    """A ball.

    Attributes
    ----------
    centre : sequence of float, shape (3,)
        um.
    radius : float
        um.
    """

    centre: Sequence[float]
    radius: float

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise InputError(f"ball has the radius {self.radius:g} um")

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3), um, lie in it, shape (...)."""
        return np.asarray(np.sum((points - np.array(self.centre)) ** 2, axis=-1) <= self.radius**2)

    @property
    def planes(self) -> tuple[list[float], list[float], list[float]]:
        """Where it ends along x, y and z, um."""
        ends = [[c - self.radius, c + self.radius] for c in self.centre]
        return ends[0], ends[1], ends[2]


@dataclass(frozen=True, kw_only=True)
class Cylinder:
    """A cylinder along an axis.

    Attributes
    ----------
    axis : int
        0, 1 or 2.
    centre : sequence of float, shape (2,)
        Of its cross-section along the two other axes, um.
    radius : float
        um.
    low, high : float
        Ends along the axis, um; may be infinite.
    """

    axis: int
    centre: Sequence[float]
    radius: float
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if not (self.radius > 0 and self.low < self.high):
            raise InputError("cylinder has no inside", remedy="give a radius above 0, low < high")

    @property
    def _others(self) -> list[int]:
        return [k for k in range(3) if k != self.axis]

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3), um, lie in it, shape (...)."""
        across = points[..., self._others] - np.array(self.centre)
        along = points[..., self.axis]
        inside = np.sum(across**2, axis=-1) <= self.radius**2
        return np.asarray(inside & (along >= self.low) & (along <= self.high))

    @property
    def planes(self) -> tuple[list[float], list[float], list[float]]:
        """Where it ends along x, y and z, um."""
        ends: list[list[float]] = [[], [], []]
        ends[self.axis] = [end for end in (self.low, self.high) if np.isfinite(end)]
        for axis, middle in zip(self._others, self.centre, strict=True):
            ends[axis] = [middle - self.radius, middle + self.radius]
        return ends[0], ends[1], ends[2]


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of space with a conductivity of its own.

    Attributes
    ----------
    shape : Shape
        Where.
    sigma : tuple of float
        Conductivity along x, y and z, S/m; 0 insulates.
    """

    shape: Shape
    sigma: tuple[float, float, float]

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)


@dataclass(frozen=True, kw_only=True)
class Medium:
    """A background with regions in it, of which the later ones lie over the earlier.

    Attributes
    ----------
    background : tuple of float
        Conductivity along x, y and z, S/m, above zero.
    regions : sequence of Region
        The regions.
    """

    background: tuple[float, float, float] = (0.3, 0.3, 0.3)
    regions: Sequence[Region] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        _check_sigma(self.background)
        if min(self.background) <= 0:
            raise InputError("the background does not conduct", remedy="give it a sigma above 0")

    def at(self, points: np.ndarray) -> np.ndarray:
        """Conductivity at points.

        Parameters
        ----------
        points : ndarray, shape (..., 3)
            um.

        Returns
        -------
        ndarray, shape (..., 3)
            Along x, y and z, S/m.
        """
        sigma = np.broadcast_to(np.array(self.background), points.shape).copy()
        for region in self.regions:
            sigma[region.shape.holds(points)] = region.sigma
        return np.asarray(sigma)

    def about(self, point: np.ndarray, size: float) -> np.ndarray:
        """Mean conductivity on a small sphere about a point.

        On a plane between two media a point source has the potential of one in a medium of their
        mean.

        Parameters
        ----------
        point : ndarray, shape (3,)
            um.
        size : float
            Radius of the sphere, um.

        Returns
        -------
        ndarray, shape (3,)
            S/m.
        """
        signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
        return np.asarray(self.at(point + size * signs / np.sqrt(3.0)).mean(axis=0))

    def planes(self, axis: int) -> list[float]:
        """Where flat faces and ends of regions are along an axis, um."""
        return [plane for region in self.regions for plane in region.shape.planes[axis]]

    def on_grid(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Conductivity of the cells of a grid.

        Cells that regions cut take the harmonic mean over their volume.

        Parameters
        ----------
        faces : sequence of three ndarray
            Faces of the cells along x, y and z, um.

        Returns
        -------
        ndarray, shape (nx, ny, nz, 3)
            S/m.
        """
        shares = (np.arange(_PROBES) + 0.5) / _PROBES
        shape = [len(along) - 1 for along in faces]
        total = np.zeros((*shape, 3))
        conducts = np.ones((*shape, 3), bool)
        for share_x in shares:
            for share_y in shares:
                for share_z in shares:
                    axes = [
                        f[:-1] + share * np.diff(f)
                        for f, share in zip(faces, (share_x, share_y, share_z), strict=True)
                    ]
                    sigma = self.at(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
                    conducts &= sigma > 0
                    total += 1.0 / np.where(sigma > 0, sigma, 1.0)
        return np.where(conducts, _PROBES**3 / total, 0.0)


def _check_sigma(sigma: Sequence[float]) -> None:
    if len(sigma) != 3 or not all(np.isfinite(s) and s >= 0 for s in sigma):
        raise InputError(
            f"conductivity {list(sigma)} is not three numbers of 0 or more",
            remedy="give sigma in S/m",
        )
