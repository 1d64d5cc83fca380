"""Cylinders, of which NEURON makes sections without 3-d points, as points with their areas."""

from __future__ import annotations

import numpy as np

from lfpcli.morphology.section import Section

# steps of the iteration; slopes of 1 need 20, and at each an error shrinks by half at least
STEPS = 200
# relative error of an area that passes
SAME_AREA = 1e-9
# how far diameters between pieces go from the mean of both to the smaller one, tried in turn
NARROWINGS = (0.0, 0.25, 0.5, 0.75, 1.0)


def drawn_points(section: Section) -> np.ndarray:
    """Return the points of a section, which have the area of its cylinders where it is of these.

    Parameters
    ----------
    section : Section
        The section.

    Returns
    -------
    ndarray, shape (n, 4)
        x, y, z and diameter, um.
    """
    if not len(section.cylinders):
        return section.points
    return frusta(section.points, section.cylinders)


def frusta(points: np.ndarray, cylinders: np.ndarray) -> np.ndarray:
    """Return points along a line whose frusta have the area of each of its cylinders.

    A frustum has more area than a cylinder of its mean diameter, the more the steeper it is. So
    diameters are made smaller until the area of each piece is that of its cylinder.

    Parameters
    ----------
    points : ndarray, shape (n, 4)
        Points along the line; their diameters are not used.
    cylinders : ndarray, shape (nseg,)
        Diameters of pieces of equal length, um.

    Returns
    -------
    ndarray, shape (n, 4) or (2 nseg + 1, 4)
        The points as they were where all cylinders are equal.
    """
    if np.all(cylinders == cylinders[0]):
        return points
    steps = np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    half = along[-1] / len(cylinders) / 2
    shares = np.linspace(0.0, along[-1], 2 * len(cylinders) + 1)
    line = np.empty((len(shares), 4))
    for axis in range(3):
        line[:, axis] = np.interp(shares, along, points[:, axis])
    line[1::2, 3], line[0::2, 3] = _diameters(cylinders, half)
    return line


def _diameters(cylinders: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Diameters in the middle of pieces, shape (nseg,), and at their ends, (nseg + 1,), um."""
    wanted = 2 * np.pi * cylinders * half
    fits = []
    for narrowing in NARROWINGS:
        middles = cylinders.astype(float)
        for _ in range(STEPS):
            area = _areas(middles, _faces(middles, narrowing), half)
            # the root keeps steep pieces, whose area grows with the square, from swinging
            middles *= np.sqrt(wanted / area)
        faces = _faces(middles, narrowing)
        error = np.abs(_areas(middles, faces, half) / wanted - 1).max()
        fits.append((error, middles, faces))
        if error < SAME_AREA:
            break
    _, middles, faces = min(fits, key=lambda fit: fit[0])
    return middles, faces


def _areas(middles: np.ndarray, faces: np.ndarray, half: float) -> np.ndarray:
    """Areas of pieces of two frusta each, shape (nseg,), um2."""
    area = np.zeros(len(middles))
    for face in (faces[:-1], faces[1:]):
        area += np.pi * (face + middles) / 2 * np.hypot(half, (face - middles) / 2)
    return area


def _faces(middles: np.ndarray, narrowing: float) -> np.ndarray:
    """Diameters between pieces and at both ends, shape (nseg + 1,), um."""
    between = (middles[1:] + middles[:-1]) / 2
    # an end goes on as it came, but no end vanishes
    first = max(2 * middles[0] - between[0], middles[0] / 2)
    last = max(2 * middles[-1] - between[-1], middles[-1] / 2)
    thinner = np.minimum(middles[1:], middles[:-1])
    between = (1 - narrowing) * between + narrowing * thinner
    return np.concatenate([[first], between, [last]])
