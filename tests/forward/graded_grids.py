"""Grids that are fine about a place, for media whose fields are known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

# by how much each cell beyond is wider than the one before
GROWTH = 1.12


def graded_faces(
    low: float,
    high: float,
    *,
    spacing: float,
    reach: float,
    planes: Sequence[float],
    growth: float = GROWTH,
) -> np.ndarray:
    """Faces that are `spacing` apart from low to high and ever farther beyond.

    Parameters
    ----------
    low, high : float
        Where cells are fine, um.
    spacing : float
        Their width at most, um.
    reach : float
        How far the grid goes on at either side, um.
    planes : sequence of float
        Where faces must be, um; those beyond the grid are left out.
    growth : float
        By how much each cell beyond is wider than the one before.

    Returns
    -------
    ndarray, shape (n,)
        um, ascending.
    """
    sides = (
        (high, [plane for plane in planes if high < plane < high + reach]),
        (-low, [-plane for plane in planes if low - reach < plane < low]),
    )
    inner = sorted({low, high, *(plane for plane in planes if low < plane < high)})
    faces = [inner[0]]
    for begin, end in itertools.pairwise(inner):
        count = max(1, int(np.ceil((end - begin) / spacing - 1e-9)))
        faces += (begin + (end - begin) * np.arange(1, count + 1) / count).tolist()
    above, below = (
        _growing(begin, begin + reach, spacing, growth=growth, planes=stops)
        for begin, stops in sides
    )
    return np.array([*(-face for face in reversed(below)), *faces, *above])


def _growing(
    begin: float, end: float, spacing: float, *, growth: float, planes: Sequence[float]
) -> list[float]:
    """Faces beyond `begin`, each cell wider than the one before, with a face on each plane."""
    faces: list[float] = []
    position, width = begin, spacing
    for stop in (*sorted(planes), end):
        while position < stop - 1e-9:
            width *= growth
            # what is left must not be a sliver
            if stop - position < 1.5 * width:
                width = min(width, stop - position)
                position = stop
            else:
                position += width
            faces.append(position)
    return faces
