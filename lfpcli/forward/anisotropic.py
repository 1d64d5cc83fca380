"""Potentials where the conductivity differs along x, y and z.

In coordinates stretched by s = (sqrt(sy sz), sqrt(sx sz), sqrt(sx sy)) the potential of a
point source is that of conductivity 1 (Ness et al. 2015), and a line stays a line. Only the
least distance, which is meant in true space, has the pairs nearer than it computed apart.
"""

from __future__ import annotations

import numpy as np

from lfpcli.kernels import potentials as kernel


def matrix(
    sources: tuple[np.ndarray, np.ndarray, np.ndarray, bool],
    points: np.ndarray,
    weights: np.ndarray,
    sigma: np.ndarray,
    dtype: type = np.float64,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Transfer matrix for weighted points in an infinite anisotropic medium.

    Parameters
    ----------
    sources : tuple
        End points (N, 3) and (N, 3), um, least distances (N,), um, and whether all are points; see
        `kernels.potentials.source_table`.
    points : ndarray, shape (C, Q, 3)
        um.
    weights : ndarray, shape (C, Q)
        Their weights.
    sigma : ndarray, shape (3,)
        Conductivities along x, y, z, S/m.
    dtype : type
        numpy.float64 or numpy.float32.
    out : ndarray, shape (C, N), optional
        Where to put the result, C-contiguous.

    Returns
    -------
    ndarray, shape (C, N)
        mV/nA.
    """
    start, end, radius, as_points = sources
    point, segment, _ = kernel.near_pairs(start, end, radius, points.reshape(-1, 3))
    stretch = stretches(sigma)
    # below any stretched distance that comes from a true distance of the radius
    least = radius * (stretch.min() * (1.0 - 1e-9))
    table = kernel.source_table(start, end, least, as_points=as_points, stretch=stretch)
    out = kernel.potential(table, points * stretch, weights, dtype=dtype, out=out)
    # near a segment the least distance is meant in true space, where stretching makes an ellipse of
    # it
    for row, column in sorted(set(zip(point // points.shape[1], segment, strict=True))):
        moved = _at_radius(points[row], start[column], end[column], radius[column])
        one = slice(column, column + 1)
        table = kernel.source_table(
            start[one], end[one], least[one], as_points=as_points, stretch=stretch
        )
        out[row, column] = weights[row] @ kernel.potential(table, moved * stretch)[:, 0]
    return out


def stretches(sigma: np.ndarray) -> np.ndarray:
    """Factors of the coordinates, shape (3,), in which the medium has conductivity 1.

    Parameters
    ----------
    sigma : ndarray, shape (3,)
        Conductivities along x, y, z, S/m.
    """
    # with these the potential of a point current is 1 / (4 pi r) of the stretched distance
    return np.asarray(np.sqrt(np.prod(sigma) / sigma))


def _at_radius(points: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Points (Q, 3), those nearer to the segment than its radius moved away from its axis to it.

    From a point source they move radially. Where there is no direction away, they move across
    the axis, in the plane of the axis and the coordinate axis that it is least along.
    """
    along = end - start
    length = np.linalg.norm(along)
    if length < kernel.POINT_LENGTH * radius:
        middle = 0.5 * (start + end)
        offset = points - middle
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        away = np.where(distance > 0, offset / np.where(distance > 0, distance, 1.0), [1.0, 0, 0])
        return np.where(distance < radius, middle + radius * away, points)
    unit = along / length
    height = (points - start) @ unit
    across = points - start - height[:, None] * unit
    beyond = height - np.clip(height, 0.0, length)
    rho = np.linalg.norm(across, axis=1)
    other = np.eye(3)[np.argmin(np.abs(unit))]
    other = other - (other @ unit) * unit
    # a point on the axis has no direction away from it; any one serves
    on_axis = rho <= 1e-12 * radius
    away = across / np.where(on_axis, 1.0, rho)[:, None]
    away[on_axis] = other / np.linalg.norm(other)
    near = rho * rho + beyond * beyond < radius * radius
    moved_rho = np.sqrt(np.maximum(radius * radius - beyond * beyond, 0.0))
    moved = start + height[:, None] * unit + moved_rho[:, None] * away
    return np.where(near[:, None], moved, points)
