"""Line sources whose axis contacts keep a distance from, as bmtk measures circuits.

The usual rule takes a contact that is nearer to a segment than its radius at the radius. bmtk's
holds for contacts beside a segment and less than the distance beyond its ends: these are moved away
from the line through the segment. The two differ where a contact is near an end.
"""

from __future__ import annotations

import numpy as np

from lfpcli.geometry import Geometry

AUTO = "auto"
"""The distance is the radius of each segment."""
# um2; what a contact on the axis is taken at where there is no distance
_LEAST_SQUARE = 1e-12


def keep_distance(
    matrix: np.ndarray,
    segments: Geometry,
    positions: np.ndarray,
    *,
    least: float | str,
    sigma: float,
) -> None:
    """Replace the entries of a matrix whose contacts are near to a segment.

    Parameters
    ----------
    matrix : ndarray, shape (C, N)
        Potentials of line sources at points, mV/nA.
    segments : Geometry
        The segments; those without length stay as they are.
    positions : ndarray, shape (C, 3)
        The contacts, um.
    least : float or 'auto'
        Least distance from the axis, um.
    sigma : float
        Conductivity, S/m.
    """
    along = segments.end - segments.start
    length = np.linalg.norm(along, axis=1)
    radius = segments.diam / 2
    distance = radius if least == AUTO else np.full(len(radius), float(least))
    # all that either rule may change
    reach = np.maximum(radius, distance)
    for contact, position in enumerate(positions):
        away = position - segments.middle
        near = np.einsum("ij,ij->i", away, away) < (length / 2 + 2 * reach) ** 2
        index = np.flatnonzero(near & (length > 0))
        if not len(index):
            continue
        size, held = length[index], distance[index]
        shift = np.abs(np.einsum("ij,ij->i", away[index], along[index])) / size
        square = np.einsum("ij,ij->i", away[index], away[index]) - shift**2
        # from the nearer end on, and below 0 beside the segment
        beyond = shift - size / 2
        changed = (beyond < reach[index]) & (square < reach[index] ** 2)
        square = np.where(beyond < held, np.maximum(square, held**2), square)
        square = np.maximum(square, _LEAST_SQUARE)
        far = beyond + size
        ratio = (far + np.sqrt(far**2 + square)) / (beyond + np.sqrt(beyond**2 + square))
        values = np.log(ratio) / (4 * np.pi * sigma * size)
        matrix[contact, index[changed]] = values[changed]
