"""Somata from contours, by the rules that NEURON's Import3d applies to Neurolucida files.

A contour becomes cylinders along its longest principal axis, a stack of contours one frustum from
circle to circle. The arithmetic follows NEURON 9 (share/lib/hoc/import3d), so that the soma of a
file has the same area here and there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.morphology.axes import principal_axes

# points that a contour is resampled to, and pieces of the soma made of it
SAMPLES = 100
PIECES = 20
# fewer points make no outline
FEWEST_CONTOUR_POINTS = 3
# radius of the points of an outline over their distance from its middle
THINNEST_OUTLINE = 0.25
# hoc compares numbers with this tolerance
EPSILON = 1e-11
# least share of an axis that lies in the xy plane
FLATTEST = 1e-6


def resampled(contour: np.ndarray) -> np.ndarray:
    """Return points at equal distances along a contour, shape (101, 3), um.

    Distances are those in the xy plane, and the way back from the last point to the first is
    left out, as in NEURON.

    Parameters
    ----------
    contour : ndarray, shape (n, 3)
        Its points, um.
    """
    steps = np.linalg.norm(np.diff(contour[:, :2], axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    targets = np.arange(SAMPLES + 1) * (along[-1] / SAMPLES)
    return np.column_stack([interpolated(targets, along, column) for column in contour.T])


def interpolated(targets: np.ndarray, along: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values at targets as hoc's Vector.interpolate does, shape (m,).

    Parameters
    ----------
    targets : ndarray, shape (m,)
        Ascending.
    along : ndarray, shape (n,)
        Where the values lie, ascending; of equal ones the first counts.
    values : ndarray, shape (n,)
        The values; the first and the last go on outside.
    """
    below = np.clip(np.searchsorted(along, targets, side="left") - 1, 0, max(len(along) - 2, 0))
    above = np.minimum(below + 1, len(along) - 1)
    span = along[above] - along[below]
    weight = np.divide(targets - along[below], span, out=np.zeros(len(targets)), where=span > 0)
    inside = (1.0 - weight) * values[below] + weight * values[above]
    inside[targets <= along[0]] = values[0]
    inside[targets > along[-1]] = values[-1]
    return np.array(inside)


def mean(points: np.ndarray) -> np.ndarray:
    """Mean of points, shape (3,), added one after the other as hoc does.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        The points, um.
    """
    return np.array(np.cumsum(points, axis=0)[-1] / len(points))


def centre(contour: np.ndarray) -> np.ndarray:
    """Middle of a contour, shape (3,), um."""
    return mean(resampled(contour))


def circle(contour: np.ndarray) -> np.ndarray:
    """Return the circle that stands for a contour: x, y, z and diameter, shape (4,), um.

    The diameter is the mean of the radii to the points, plus the radius of a circle of the same
    perimeter.
    """
    around = resampled(contour)
    middle = mean(around)
    closed = np.vstack([contour, contour[:1]])
    perimeter = np.linalg.norm(np.diff(closed, axis=0), axis=1).sum()
    radius = np.linalg.norm(around - middle, axis=1).mean()
    return np.append(middle, radius + perimeter / (2 * np.pi))


def stack_centre(contours: Sequence[np.ndarray]) -> np.ndarray:
    """Middle of a stack of contours, halfway along the line through their centres, (3,), um."""
    centres = np.array([centre(contour) for contour in contours])
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    half = along[-1] / 2
    if half == 0:
        return np.array(centres[0])
    after = int(np.flatnonzero(along > half + EPSILON)[0])
    weight = (half - along[after - 1]) / (along[after] - along[after - 1])
    return np.array(weight * centres[after] + (1 - weight) * centres[after - 1])


def stacked_soma(contours: Sequence[np.ndarray]) -> np.ndarray:
    """Return the 3-d points of a soma drawn as a stack of contours, shape (n, 4), um."""
    return np.array([circle(contour) for contour in contours])


def single_soma(contour: np.ndarray) -> np.ndarray:
    """Return the 3-d points of a soma drawn as one contour, shape (21, 4), um.

    The contour is cut across its longest principal axis into pieces of equal length; their
    diameters are its widths there. As in NEURON its two outermost points are left out.

    Parameters
    ----------
    contour : ndarray, shape (n, 3)
        Its points, um; n >= 3.
    """
    return _along_axis(resampled(contour), trim=1)


def smooth_soma(contour: np.ndarray) -> np.ndarray:
    """Return the 3-d points of a soma whose outline runs smoothly through points, (21, 4), um.

    As `single_soma`, but the outline is closed by a periodic cubic spline and nothing is left out,
    so that an ellipse of few points has the area of an ellipsoid.

    Parameters
    ----------
    contour : ndarray, shape (n, 3)
        Its points, um; n >= 3, none twice in a row.
    """
    # takes long to import, and few files draw outlines
    from scipy.interpolate import CubicSpline

    closed = np.vstack([contour, contour[:1]])
    steps = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    spline = CubicSpline(along, closed, bc_type="periodic")
    return _along_axis(np.array(spline(np.linspace(0.0, along[-1], 4 * SAMPLES + 1))), trim=0)


def is_outline(soma: np.ndarray) -> bool:
    """Whether points of a soma draw its outline, and not the soma itself.

    They do where none has a radius, or where they go around their middle and come back to where
    they began, thin against their distance from there.

    Parameters
    ----------
    soma : ndarray, shape (n, 4)
        x, y, z and radius, um.
    """
    if len(soma) < FEWEST_CONTOUR_POINTS:
        return False
    if not np.any(soma[:, 3] > 0):
        return True
    position = soma[:, :3]
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    away = np.linalg.norm(position - position.mean(axis=0), axis=1).mean()
    closes = np.linalg.norm(position[-1] - position[0]) <= 2 * np.median(steps)
    thin = soma[:, 3].max() < THINNEST_OUTLINE * away
    return bool(len(soma) > FEWEST_CONTOUR_POINTS and closes and thin)


def _along_axis(around: np.ndarray, *, trim: int) -> np.ndarray:
    """Return cylinders along the longest axis of an outline, shape (21, 4), um."""
    middle = mean(around)
    major, minor = _axes(around - middle)
    along, across = _dot(around - middle, major), _dot(around - middle, minor)
    one, other = _sides(along, across)
    ends = np.sort(np.concatenate([one[0], other[0]]))
    low, high = ends[trim], ends[-1 - trim]
    targets = low + (high - low) / PIECES * np.arange(PIECES + 1)
    width = np.abs(interpolated(targets, *one) - interpolated(targets, *other))
    # no end has zero diameter
    width[0] = (width[0] + width[1]) / 2
    width[-1] = (width[-1] + width[-2]) / 2
    return np.column_stack([middle + targets[:, None] * major, width])


def _dot(points: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Position of points along an axis, its terms added in order, shape (n,)."""
    return np.array(points[:, 0] * axis[0] + points[:, 1] * axis[1] + points[:, 2] * axis[2])


def _axes(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the longest axis of points about their middle, and the one across it in the xy plane.

    Both have unit length; the largest component of the longest one is positive.
    """
    moments = np.empty((3, 3))
    for row in range(3):
        for column in range(3):
            moments[row, column] = np.cumsum(offsets[:, row] * offsets[:, column])[-1]
    lengths, axes = principal_axes(moments)
    longest, shortest = int(np.argmax(lengths)), int(np.argmin(lengths))
    major = axes[:, longest]
    if major[np.argmax(np.abs(major))] < 0:
        major = -major
    # three equal lengths have the same index twice
    middle = axes[:, (3 - longest - shortest) % 3]
    flat = middle * [1.0, 1.0, 0.0]
    size = np.sqrt(flat[0] * flat[0] + flat[1] * flat[1])
    # an outline that stands upright has no width in the xy plane; NEURON gives up there
    minor = middle if size < FLATTEST else flat / size
    return np.array(major), np.array(minor)


def _sides(
    along: np.ndarray, across: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the two sides of a contour between its ends, each ascending along the axis."""
    start = int(np.argmax(along))
    along, across = np.roll(along, -start), np.roll(across, -start)
    turn = int(np.argmin(along))
    # the walk goes from the far end down one side and back up the other
    down = along[:turn][::-1], across[:turn][::-1]
    return _ascending(*down), _ascending(along[turn:], across[turn:])


def _ascending(along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out points that turn back, from the end on, until the rest ascends."""
    kept = list(range(len(along)))
    index = len(kept) - 1
    while index > 0:
        if along[kept[index]] <= along[kept[index - 1]] + EPSILON:
            del kept[index]
            # what came next may now turn back relative to the one before
            index = min(index + 1, len(kept))
        index -= 1
    return along[kept], across[kept]
