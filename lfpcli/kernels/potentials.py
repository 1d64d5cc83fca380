"""Potentials of line and point sources at weighted sets of points, in an infinite medium.

Everything that a volume conductor does to them (faces averaged over, images, scaled
coordinates) is a matter of which points, with which weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.kernels import _potentials
from lfpcli.kernels.threads import threads_for

# A segment shorter than this fraction of its radius is a point; it is computed as a line of
# the second fraction, whose potential is that of the point to the last bit or two.
POINT_LENGTH = 1e-9
LENGTH_OF_POINT = 1e-12
FOUR_PI = 4.0 * np.pi
LINE_OF_CACHE = 64


def line_table(start: np.ndarray, end: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Table of lines for `potential` and `near_pairs`.

    Parameters
    ----------
    start, end : ndarray, shape (N, 3)
        End points, um.
    radius : ndarray, shape (N,)
        Least distances, um, > 0. A segment without length becomes a point.

    Returns
    -------
    ndarray, shape (13, N)
        Start, unit vector, length, radius squared, end, reach of what has to be computed
        with care, 1 / (4 pi length).
    """
    table = np.empty((_potentials.LINE_ROWS, len(start)))
    begin, unit, length = table[0:3], table[3:6], table[6]
    begin[...] = start.T
    np.subtract(end.T, begin, out=unit)
    np.sqrt(unit[0] * unit[0] + unit[1] * unit[1] + unit[2] * unit[2], out=length)
    points = np.flatnonzero(length < POINT_LENGTH * radius)
    length[points] = LENGTH_OF_POINT * radius[points]
    unit /= length
    unit[:, points] = [[0.0], [0.0], [1.0]]
    middle = 0.5 * (start[points] + end[points]).T
    begin[:, points] = middle - 0.5 * length[points] * unit[:, points]
    table[7], table[-1] = radius * radius, 1.0 / (FOUR_PI * length)
    np.multiply(unit, length, out=table[8:11])
    table[8:11] += begin
    # r1 + r2 - length of a point on the sphere about the segment is 0.414 lengths at most
    table[11] = np.maximum(2.000001 * radius, 0.4143 * length)
    return table


def point_table(middle: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Table of point sources for `potential`.

    Parameters
    ----------
    middle : ndarray, shape (N, 3)
        Positions, um.
    radius : ndarray, shape (N,)
        Least distances, um, > 0.

    Returns
    -------
    ndarray, shape (5, N)
        Position, radius squared, 1 / (4 pi).
    """
    table = np.empty((_potentials.POINT_ROWS, len(middle)))
    table[0:3], table[3], table[4] = middle.T, radius * radius, 1.0 / FOUR_PI
    return table


def source_table(
    start: np.ndarray, end: np.ndarray, radius: np.ndarray, as_points: bool
) -> np.ndarray:
    """Table of points in the middle of the segments, or of lines; see `line_table`."""
    if as_points:
        return point_table(0.5 * (start + end), radius)
    return line_table(start, end, radius)


def potential(
    table: np.ndarray,
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    dtype: type = np.float64,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Sum of the potentials at weighted points, per unit of current over conductivity.

    A line source gives ln((r1 + r2 + L) / (r1 + r2 - L)) / (4 pi L), with the
    distances r1, r2 to its ends (Holt and Koch 1999, in prolate spheroidal form); a
    point source 1 / (4 pi r). The distance to a source is its radius at least.

    Parameters
    ----------
    table : ndarray, shape (13, N) or (5, N)
        From `line_table` or `point_table`.
    points : array_like, shape (C, Q, 3) or (C, 3)
        Positions, um.
    weights : array_like, shape (C, Q), optional
        Weights of the points; left out, all 1.
    dtype : numpy.float64 or numpy.float32
        Type of the result; the arithmetic is double in both.
    out : ndarray, shape (C, N), optional
        Where to put the result, C-contiguous.

    Returns
    -------
    ndarray, shape (C, N)
        1/um; over a conductivity in S/m this is mV/nA.

    Raises
    ------
    UsageError
        Where the shapes do not fit together.
    """
    where, weight = _weighted(points, weights)
    shape = (len(where), table.shape[1])
    if out is None:
        out = np.empty(shape, dtype=dtype)
    if out.shape != shape or not out.flags.c_contiguous:
        raise UsageError(f"out has shape {out.shape}, expected {shape} in C order")
    if out.dtype not in (np.float64, np.float32):
        raise UsageError(f"potentials are float64 or float32, not {out.dtype}")
    if table.shape[0] not in (_potentials.LINE_ROWS, _potentials.POINT_ROWS):
        raise UsageError(f"a table of segments has 13 or 5 rows, not {table.shape[0]}")
    if out.size and where.shape[1]:
        line = table.shape[0] == _potentials.LINE_ROWS
        threads = threads_for(out.size * where.shape[1])
        _potentials.fill(_tiles(table), where, weight, out, line, threads)
    else:
        out[...] = 0.0
    return out


def near_pairs(table: np.ndarray, points: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a point and a segment that are nearer to each other than the segment's radius.

    Parameters
    ----------
    table : ndarray, shape (13, N)
        From `line_table`.
    points : array_like, shape (P, 3)
        Positions, um.

    Returns
    -------
    point, segment : ndarray of int, shape (K,)
        The pairs, in order of points and then of segments.
    distance : ndarray, shape (K,)
        From the point to the segment, um.
    """
    where = np.ascontiguousarray(points, dtype=np.float64)
    if where.ndim != 2 or where.shape[1] != 3 or len(table) != _potentials.LINE_ROWS:
        raise UsageError("near_pairs needs a table of lines and points (P, 3)")
    some = _within_reach(table, where)
    tile, table = _potentials.TILE, table[:, some]
    found = np.zeros((len(where), -(-len(some) // tile)), dtype=np.uint8)
    if found.size:
        threads = threads_for(len(where) * len(some) // 4)
        _potentials.near_tiles(_tiles(table), where, found, threads)
    pairs: list[tuple[np.ndarray, ...]] = [(np.empty(0, int), np.empty(0, int), np.empty(0))]
    for row, first in zip(*np.nonzero(found), strict=True):
        part = table[:, first * tile : (first + 1) * tile]
        distance = distance_to_lines(part, where[row])
        near = np.flatnonzero(distance * distance < part[7])
        pairs.append((np.full(len(near), row), some[near + first * tile], distance[near]))
    rows, columns, distances = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return rows, columns, distances


def distance_to_lines(table: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Distances from one point to each segment of a table of lines, um, shape (N,)."""
    offset = point[:, None] - table[0:3]
    along = np.clip(np.sum(offset * table[3:6], axis=0), 0.0, table[6])
    return np.linalg.norm(offset - along * table[3:6], axis=0)


def _within_reach(table: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Indices of the segments that may be near a point, by the box around all points."""
    if not len(points):
        return np.empty(0, dtype=np.int64)
    reach = table[6] + np.sqrt(table[7])
    low, high = points.min(axis=0)[:, None], points.max(axis=0)[:, None]
    inside = (table[0:3] + reach >= low) & (table[0:3] - reach <= high)
    return np.flatnonzero(inside.all(axis=0))


def _tiles(table: np.ndarray) -> np.ndarray:
    """The table in tiles, shape (tiles, rows, TILE), aligned to cache lines.

    The last tile is filled up with the last segment, so that every lane computes something
    that is finite.
    """
    rows, count = table.shape
    tile = _potentials.TILE
    shape = (-(-count // tile), rows, tile)
    size = int(np.prod(shape))
    buffer = np.empty(size + LINE_OF_CACHE // 8)
    first = -buffer.ctypes.data % LINE_OF_CACHE // 8
    tiles = buffer[first : first + size].reshape(shape)
    whole = count // tile
    body = table[:, : whole * tile].reshape(rows, whole, tile)
    tiles[:whole] = body.swapaxes(0, 1)
    if whole < len(tiles):
        rest = table[:, whole * tile :]
        tiles[whole, :, : rest.shape[1]] = rest
        tiles[whole, :, rest.shape[1] :] = rest[:, -1:]
    return tiles


def _weighted(points: ArrayLike, weights: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    where = np.ascontiguousarray(points, dtype=np.float64)
    if where.ndim == 2:
        where = where[:, None, :]
    if where.ndim != 3 or where.shape[2] != 3:
        raise UsageError(f"points have shape {where.shape}, expected (C, Q, 3)")
    if weights is None:
        return where, np.ones(where.shape[:2])
    weight = np.ascontiguousarray(weights, dtype=np.float64)
    if weight.shape != where.shape[:2]:
        raise UsageError(f"weights have shape {weight.shape}, expected {where.shape[:2]}")
    return where, weight
