"""Media of several conductivities: a background and regions in it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward import tensors

METAL = (np.inf, np.inf, np.inf)
"""Conductivity of metal, which is an equipotential without net current, S/m."""
SURFACE = 0.01
"""Distance of a contact from a face, um, below which it lies on it."""
# points along each edge of a cell by which its share of a curved region is told
_PROBES = 4
# points of the outlines of balls and of the rims of cylinders, which lie inside by a rounding
_OUTLINE, _RIM, _ROUNDING = 396, 64, 1e-9
# share of a cell that conducts below which it does not
_SLIVER = 0.125

Extent = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Ends along x, y and z, um; infinite ones too."""


class Shape(Protocol):
    """A part of space."""

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points (..., 3), um, lie in it, an array of their shape without the last axis."""

    @property
    def extent(self) -> Extent:
        """Its ends along x, y and z, um."""

    def curvature(self, axis: int) -> float:
        """Radius of its surface across an axis, um; infinite where that is flat."""

    @property
    def outline(self) -> np.ndarray:
        """Points of its surface, (n, 3), um; it lies in what is convex and holds all of them."""


# S/m: less than any insulator, more than any metal
_SIGMAS = 1e-20, 1e12


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
    def extent(self) -> Extent:
        """Its ends along x, y and z, um."""
        x, y, z = zip(self.low, self.high, strict=True)
        return x, y, z

    def curvature(self, axis: int) -> float:
        """Infinite: all its faces are flat."""
        return np.inf

    @property
    def outline(self) -> np.ndarray:
        """Its corners, shape (8, 3), um; may be infinite."""
        return np.array(list(itertools.product(*self.extent)))


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
    def extent(self) -> Extent:
        """Its ends along x, y and z, um."""
        x, y, z = ((c - self.radius, c + self.radius) for c in self.centre)
        return x, y, z

    def curvature(self, axis: int) -> float:
        """Its radius, um."""
        return self.radius

    @property
    def outline(self) -> np.ndarray:
        """Points spread over its surface, shape (402, 3), um, its ends among them."""
        ends = np.concatenate([np.eye(3), -np.eye(3)])
        around = np.concatenate([ends, directions(_OUTLINE)])
        return np.array(self.centre) + (1.0 - _ROUNDING) * self.radius * around


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
    def extent(self) -> Extent:
        """Its ends along x, y and z, um."""
        ends = [(self.low, self.high)] * 3
        for axis, middle in zip(self._others, self.centre, strict=True):
            ends[axis] = (middle - self.radius, middle + self.radius)
        return ends[0], ends[1], ends[2]

    def curvature(self, axis: int) -> float:
        """Its radius across it, um, infinite along it."""
        return np.inf if axis == self.axis else self.radius

    @property
    def outline(self) -> np.ndarray:
        """Points of both its rims, shape (128, 3), um; may be infinite along it."""
        angles = 2.0 * np.pi * np.arange(_RIM) / _RIM
        across = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        points = np.empty((2, _RIM, 3))
        points[..., self._others] = np.array(self.centre) + (1.0 - _ROUNDING) * self.radius * across
        points[0, :, self.axis], points[1, :, self.axis] = self.low, self.high
        return points.reshape(-1, 3)


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of space with a conductivity of its own.

    Attributes
    ----------
    shape : Shape
        Where.
    sigma : tuple of float
        Conductivity along x, y and z, S/m, and where its axes are others the components xy, xz and
        yz too; 0 insulates, `METAL` is an equipotential that floats.
    """

    shape: Shape
    sigma: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.is_metal:
            _check_sigma(self.sigma)
        elif not np.isfinite(self.shape.extent).all():
            raise InputError("metal has no end", remedy="give the region finite ends")

    @property
    def is_metal(self) -> bool:
        """Whether it is of metal."""
        return tuple(self.sigma) == METAL


@dataclass(frozen=True, kw_only=True)
class Medium:
    """A background with regions in it, of which the later ones lie over the earlier.

    Attributes
    ----------
    background : tuple of float
        Conductivity, S/m, as that of a region, above zero.
    regions : sequence of Region
        The regions.
    """

    background: tuple[float, ...] = (0.3, 0.3, 0.3)
    regions: Sequence[Region] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        _check_sigma(self.background)
        if max(self.background) <= 0:
            raise InputError("the background does not conduct", remedy="give it a sigma above 0")

    def at(self, points: np.ndarray) -> np.ndarray:
        """Conductivity at points.

        Parameters
        ----------
        points : ndarray, shape (..., 3)
            um.

        Returns
        -------
        ndarray, shape (..., 3) or (..., 6)
            Along x, y and z, and off the diagonal where the medium is `turned`, S/m.
        """
        count = tensors.TURNED if self.turned else 3
        sigma = np.empty((*points.shape[:-1], count))
        sigma[...] = tensors.widened(self.background, count)
        for region in self.regions:
            sigma[region.shape.holds(points)] = tensors.widened(region.sigma, count)
        return sigma

    @property
    def turned(self) -> bool:
        """Whether a conductivity has components off the diagonal."""
        sigmas = [self.background, *(region.sigma for region in self.regions)]
        return any(len(sigma) == tensors.TURNED for sigma in sigmas)

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
        ndarray, shape (3,) or (6,)
            As of `at`; infinite in and on metal.
        """
        return np.asarray(self.at(corners(point, size)).mean(axis=0))

    def metal_of(self, points: np.ndarray) -> np.ndarray:
        """Numbers of the regions of metal that points (M, 3), um, lie in, shape (M,); else -1."""
        numbers = np.full(len(points), -1)
        for number, region in enumerate(self.regions):
            numbers[region.shape.holds(points)] = number if region.is_metal else -1
        return numbers

    def metal_about(self, point: np.ndarray, size: float) -> int:
        """Number of the region of metal that a point (3,), um, lies in or on; else -1."""
        return int(self.metal_of(np.concatenate([point[None], corners(point, size)])).max())

    def planes(self, axis: int) -> list[float]:
        """Where flat faces and ends of regions are along an axis, um."""
        ends = [end for region in self.regions for end in region.shape.extent[axis]]
        return [end for end in ends if np.isfinite(end)]

    def on_grid(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Conductivity of the cells of a grid.

        Cells that a curved surface cuts take the harmonic mean over the part that conducts, times
        the share of that part.

        Parameters
        ----------
        faces : sequence of three ndarray
            Faces of the cells along x, y and z, um.

        Returns
        -------
        ndarray, shape (nx, ny, nz, 3) or (nx, ny, nz, 6)
            As of `at`.
        """
        middles = [(along[1:] + along[:-1]) / 2.0 for along in faces]
        sigma = self.at(np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1))
        index = np.nonzero(self._cut_cells(faces))
        starts = np.stack([f[:-1][k] for f, k in zip(faces, index, strict=True)], axis=-1)
        widths = np.stack([np.diff(f)[k] for f, k in zip(faces, index, strict=True)], axis=-1)
        sigma[index] = self._means(starts, widths)
        return sigma

    def _means(self, starts: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Mean conductivity, as of `at`, of cells that begin at (n, 3) and are (n, 3) wide, um."""
        count = tensors.TURNED if self.turned else 3
        total, conducting = np.zeros((len(starts), count)), np.zeros(len(starts))
        shares = (np.arange(_PROBES) + 0.5) / _PROBES
        for share in itertools.product(shares, repeat=3):
            inside = self.at(starts + widths * np.array(share))
            conducts = inside[:, 0] > 0
            total[conducts] += tensors.inverse(inside[conducts])
            conducting += conducts
        open_part = conducting / _PROBES**3
        # along an insulator current has what is left of a cell, a sliver of which is none
        open_part[open_part < _SLIVER] = 0.0
        mean = np.zeros_like(total)
        resists = total[:, 0] > 0
        size = (open_part * conducting)[resists, None]
        mean[resists] = size * tensors.inverse(total[resists])
        # of metal through and through, cells have no resistance
        mean[(total[:, 0] == 0) & (conducting == _PROBES**3)] = tensors.widened(METAL, count)
        return mean

    def _cut_cells(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Which cells a curved surface may cut, shape (nx, ny, nz)."""
        cut = np.zeros([len(along) - 1 for along in faces], bool)
        curved = [r.shape for r in self.regions if min(map(r.shape.curvature, range(3))) < np.inf]
        if not curved:
            return cut
        corners = np.stack(np.meshgrid(*faces, indexing="ij"), axis=-1)
        for shape in curved:
            near = np.ones((1, 1, 1), bool)
            for axis, (low, high) in enumerate(shape.extent):
                overlaps = (faces[axis][1:] > low) & (faces[axis][:-1] < high)
                near = near & overlaps.reshape(np.roll((-1, 1, 1), axis))
            whole = shape.holds(corners)
            for axis in range(3):
                # of convex shapes, a cell whose corners all are inside is inside
                whole = np.delete(whole, 0, axis) & np.delete(whole, -1, axis)
            cut |= near & ~whole
        return cut


def directions(count: int) -> np.ndarray:
    """Unit vectors spread evenly on a golden spiral, shape (count, 3)."""
    steps = np.arange(count) + 0.5
    height = 1.0 - 2.0 * steps / count
    angle = np.pi * (1.0 + np.sqrt(5.0)) * steps
    across = np.sqrt(1.0 - height**2)
    return np.column_stack([across * np.cos(angle), across * np.sin(angle), height])


def corners(point: np.ndarray, size: float) -> np.ndarray:
    """Corners of a cube about a point, at a distance from it, shape (8, 3), um."""
    signs = np.array(list(itertools.product((-1, 1), repeat=3)))
    return np.asarray(point + size * signs / np.sqrt(3.0))


def _check_sigma(sigma: Sequence[float]) -> None:
    values = np.asarray(sigma, dtype=float)
    if values.shape == (tensors.TURNED,) and np.isfinite(values).all() and values.any():
        # along the axes that the tissue has
        values = np.linalg.eigvalsh(tensors.matrices(values))
        if values.min() <= 0:
            raise InputError(
                f"conductivity {list(sigma)} is {values.min():.3g} S/m along one of its axes",
                remedy="make the tensor positive definite",
            )
    if len(values) != 3 or not all(np.isfinite(s) and s >= 0 for s in values):
        raise InputError(
            f"conductivity {list(sigma)} is not three numbers of 0 or more",
            remedy="give sigma in S/m",
        )
    # solutions are made of ratios of these, which must not leave the range of floats
    if any(s > 0 and not _SIGMAS[0] <= s <= _SIGMAS[1] for s in values):
        raise InputError(
            f"conductivity {list(sigma)} is that of no matter",
            remedy=f"give sigma in S/m, 0 or {_SIGMAS[0]:g} to {_SIGMAS[1]:g}",
        )
    if min(values) == 0 < max(values):
        raise InputError(
            f"conductivity {list(sigma)} is zero along an axis, but not along all",
            remedy="give a small number instead of 0",
        )
