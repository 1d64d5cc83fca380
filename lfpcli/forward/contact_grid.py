"""A grid about a contact: fine where the potential bends, and ever coarser away from it.

The potential of a contact less its singular part bends over the distance to the nearest face
between media; away from the contact it bends over the distance from it. So cells are as wide as a
share of that distance, curved regions have cells of a share of their radius, and flat faces lie
between cells. All cells are divided alike to refine the grid, so that two of them tell the error.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from lfpcli.forward.grid import Grid
from lfpcli.forward.regions import SURFACE, Medium, Region, directions

# widths of cells of the coarsest grid: in distances to the nearest face, in um at most, their
# growth with distance from where they are fine, and in radii of curved regions
_NEAREST, _WIDEST, _SLOPE, _CURVED = 0.5, 25.0, 0.5, 0.25
# in gaps between curved regions, as of shells
_GAP = 0.5
# and in largest extents of pieces of metal, at whose edges the current crowds
_METAL = 0.1
# share of directions in which the medium must change for a face to be there
_SHARE = 0.03
# points of a cell at which its width is asked
_STEPS = 6


def contact_grid(medium: Medium, contact: np.ndarray, *, parts: int, reach: float) -> Grid:
    """Cells about a contact.

    Parameters
    ----------
    medium : Medium
        Its flat faces lie between cells.
    contact : ndarray, shape (3,)
        um.
    parts : int
        Into how many each double cell of the coarsest grid is divided, at least 2.
    reach : float
        How far the grid goes, um.

    Returns
    -------
    Grid
    """
    width = min(_WIDEST, _NEAREST * nearest_face(medium, contact, reach))
    axes = []
    for axis in range(3):
        wanted = [_Width(low=contact[axis], high=contact[axis], width=width)]
        for region in medium.regions:
            radius = region.shape.curvature(axis)
            low, high = region.shape.extent[axis]
            if np.isfinite(radius):
                width_there = min(_CURVED * radius, _GAP * _thinnest(medium, region, axis))
                wanted.append(_Width(low=low, high=high, width=width_there))
            if region.is_metal:
                # through its thickness nothing changes
                size = float(np.diff(region.shape.extent).max())
                wanted.append(_Width(low=low, high=high, width=_METAL * size))
        ends = contact[axis] - reach, contact[axis] + reach
        axes.append(_faces(ends, medium.planes(axis), wanted, parts))
    return Grid(faces=(axes[0], axes[1], axes[2]))


def _thinnest(medium: Medium, region: Region, axis: int) -> float:
    """Least gap along an axis between the surfaces of a region and of curved ones that nest, um.

    Cells that are wider than a shell mix it with what is inside and outside.
    """
    gaps = [np.inf]
    extent = np.array(region.shape.extent)
    for other in medium.regions:
        ends = np.array(other.shape.extent)
        with np.errstate(invalid="ignore"):
            beyond = np.column_stack([extent[:, 0] - ends[:, 0], ends[:, 1] - extent[:, 1]])
        # both without an end
        beyond[np.isnan(beyond)] = 0.0
        nests = bool(np.all(beyond >= 0) or np.all(beyond <= 0))
        if nests and np.isfinite(other.shape.curvature(axis)):
            gaps += [float(gap) for gap in np.abs(beyond[axis]) if gap > 0 and np.isfinite(gap)]
    return min(gaps)


def nearest_face(medium: Medium, contact: np.ndarray, reach: float) -> float:
    """Distance of a contact from the nearest face between media, other than one that it lies on.

    Parameters
    ----------
    medium : Medium
        The medium.
    contact : ndarray, shape (3,)
        um.
    reach : float
        The most, um.

    Returns
    -------
    float
        um, within a fifth.
    """
    around = directions(400)
    about = medium.at(contact + SURFACE * around)
    distance = 20 * SURFACE
    while distance < reach:
        there = medium.at(contact + distance * around)
        if np.mean(np.any(there != about, axis=1)) > _SHARE:
            break
        distance *= 1.2
    return distance


@dataclass(frozen=True, kw_only=True)
class _Width:
    """Width of cells that is wanted between two ends, and more beyond them."""

    low: float
    high: float
    width: float

    def at(self, position: float) -> float:
        beyond = max(self.low - position, position - self.high, 0.0)
        return self.width + _SLOPE * beyond


def _faces(
    ends: tuple[float, float], planes: list[float], wanted: list[_Width], parts: int
) -> np.ndarray:
    """Faces of cells along an axis, shape (n + 1,), um."""
    low, high = ends
    knots = [low]
    for plane in sorted(planes):
        if knots[-1] + 1e-6 < plane < high - 1e-6:
            knots.append(plane)
    knots.append(high)
    faces = [low]
    for begin, end in itertools.pairwise(knots):
        positions, numbers = _cells_up_to(begin, end, wanted)
        # cells are divided alike everywhere, so that the error is that of one width
        count = parts * max(1, int(np.ceil(numbers[-1] / 2.0)))
        inner = np.interp(np.arange(1, count) / count * numbers[-1], numbers, positions)
        faces += [*inner.tolist(), end]
    return np.array(faces)


def _cells_up_to(begin: float, end: float, wanted: list[_Width]) -> tuple[np.ndarray, np.ndarray]:
    """Positions from begin to end, um, and how many cells there are to each, both (n,)."""
    positions, densities = [begin], []
    while positions[-1] < end:
        width = min(want.at(positions[-1]) for want in wanted)
        densities.append(1.0 / width)
        positions.append(min(end, positions[-1] + width / _STEPS))
    densities.append(1.0 / min(want.at(end) for want in wanted))
    steps = np.diff(positions) * (np.array(densities[1:]) + densities[:-1]) / 2.0
    return np.array(positions), np.concatenate([[0.0], np.cumsum(steps)])
