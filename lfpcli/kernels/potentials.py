"""Potentials of line and point sources at weighted sets of points, in an infinite medium.

Everything that a volume conductor does to them (faces averaged over, images, scaled
coordinates) is a matter of which points, with which weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.kernels import _potentials
from lfpcli.kernels.threads import threads_for

# a segment shorter than this fraction of its radius is a point
POINT_LENGTH = 1e-9
FOUR_PI = 4.0 * np.pi
CACHE_LINE, HUGE_PAGE = 64, 1 << 21

START = slice(_potentials.START, _potentials.START + 3)
ALONG = slice(_potentials.ALONG, _potentials.ALONG + 3)


@dataclass(frozen=True)
class Table:
    """Segments as the kernels take them.

    Attributes
    ----------
    tiles : ndarray, shape (tiles, rows, TILE)
        The rows that potentials.h names; the last tile is filled up with its last segment.
    count : int
        Number of segments.
    """

    tiles: np.ndarray
    count: int

    @property
    def is_line(self) -> bool:
        """Whether the segments are lines, not points."""
        return bool(self.tiles.shape[1] == _potentials.LINE_ROWS)


def line_table(start: np.ndarray, end: np.ndarray, radius: np.ndarray) -> Table:
    """Table of uniform lines.

    Parameters
    ----------
    start, end : ndarray, shape (N, 3)
        End points, um.
    radius : ndarray, shape (N,)
        Least distances, um, > 0. A segment shorter than 1e-9 of it becomes a point.
    """
    return _table(start, end, radius, _potentials.LINE_ROWS)


def source_table(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    as_points: bool,
    stretch: ArrayLike = (1.0, 1.0, 1.0),
) -> Table:
    """Table of points in the middle of the segments, or of lines; see `line_table`.

    `stretch` (3,) are factors of the coordinates along x, y and z.
    """
    rows = _potentials.POINT_ROWS if as_points else _potentials.LINE_ROWS
    return _table(start, end, radius, rows, stretch=stretch)


def potential(
    table: Table,
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
    table : Table
        N segments, from `line_table` or `source_table`.
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
    positions, weight = _weighted(points, weights)
    shape = (len(positions), table.count)
    if out is None:
        out = _empty(shape, dtype)
    if out.shape != shape or not out.flags.c_contiguous:
        raise UsageError(f"out has shape {out.shape}, expected {shape} in C order")
    if out.dtype not in (np.float64, np.float32):
        raise UsageError(f"potentials are float64 or float32, not {out.dtype}")
    if out.size and positions.shape[1]:
        threads = threads_for(out.size * positions.shape[1])
        _potentials.fill(
            table.tiles, positions, weight / FOUR_PI, out, line=table.is_line, threads=threads
        )
    else:
        out[...] = 0.0
    return out


def near_pairs(
    start: np.ndarray, end: np.ndarray, radius: np.ndarray, points: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a point and a segment that are nearer to each other than the segment's radius.

    Parameters
    ----------
    start, end, radius : ndarray
        As in `line_table`.
    points : array_like, shape (P, 3)
        Positions, um.

    Returns
    -------
    point, segment : ndarray of int, shape (K,)
        The pairs, in order of points and then of segments.
    distance : ndarray, shape (K,)
        From the point to the segment, um.
    """
    positions = np.ascontiguousarray(points, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise UsageError(f"points have shape {positions.shape}, expected (P, 3)")
    start, end, radius = _as_doubles(start, end, radius)
    some = _within_reach(start, end, radius, positions)
    first, last, least = start[some], end[some], radius[some]
    most = np.full(len(positions), least.max(initial=0.0))
    these = _within_reach(positions, positions, most, np.concatenate([first, last]))
    table = line_table(first, last, least)
    is_near = np.zeros((len(these), len(table.tiles)), dtype=np.uint8)
    if is_near.size:
        threads = threads_for(len(these) * len(some) // 4)
        _potentials.near_tiles(table.tiles, positions[these], is_near, threads)
    pairs: list[tuple[np.ndarray, ...]] = [(np.empty(0, int), np.empty(0, int), np.empty(0))]
    for row, tile in zip(*np.nonzero(is_near), strict=True):
        column = tile * _potentials.TILE
        lines = table.tiles[tile, :, : len(some) - column]
        distance = _distance_to_lines(lines, positions[these[row]])
        near = np.flatnonzero(distance * distance < lines[_potentials.RADIUS2])
        pairs.append((np.full(len(near), these[row]), some[near + column], distance[near]))
    rows, columns, distances = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return rows, columns, distances


def _distance_to_lines(lines: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Distances from one point to each segment of a tile, um."""
    offset, vector = point[:, None] - lines[START], lines[ALONG]
    share = np.sum(offset * vector, axis=0) * lines[_potentials.INVERSE] ** 2
    return np.asarray(np.linalg.norm(offset - np.clip(share, 0.0, 1.0) * vector, axis=0))


def _within_reach(
    start: np.ndarray, end: np.ndarray, radius: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Indices of the segments that come nearer than the radius to the box around all points."""
    if not len(points):
        return np.empty(0, dtype=np.int64)
    inside = np.empty(len(radius), dtype=np.uint8)
    low, high = points.min(axis=0), points.max(axis=0)
    _potentials.within(start, end, radius, low=low, high=high, found=inside)
    return np.flatnonzero(inside)


def _table(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    rows: int,
    stretch: ArrayLike = (1.0, 1.0, 1.0),
) -> Table:
    count, tile = len(radius), _potentials.TILE
    if start.shape != (count, 3) or end.shape != (count, 3):
        raise UsageError(f"ends have shapes {start.shape}, {end.shape}, expected {(count, 3)}")
    start, end, radius = _as_doubles(start, end, radius)
    tiles = _empty((-(-count // tile), rows, tile), np.float64)
    factors = np.array(stretch, dtype=np.float64)
    _potentials.make(start, end, radius, stretch=factors, tiles=tiles, threads=threads_for(count))
    return Table(tiles, count)


def _as_doubles(*values: np.ndarray) -> Iterator[np.ndarray]:
    return (np.ascontiguousarray(value, dtype=np.float64) for value in values)


def _empty(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Memory that starts at a cache line, or where it is large at a huge page of Linux.

    As much is left behind it, for its end to be in a huge page too: the system hands out few
    large pages much sooner than many small ones.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    boundary = HUGE_PAGE if size > HUGE_PAGE else CACHE_LINE
    buffer = np.empty(size + 2 * boundary, dtype=np.uint8)
    first = -buffer.__array_interface__["data"][0] % boundary
    return buffer[first : first + size].view(dtype).reshape(shape)


def _weighted(points: ArrayLike, weights: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    positions = np.ascontiguousarray(points, dtype=np.float64)
    if positions.ndim == 2:
        positions = positions[:, None, :]
    if positions.ndim != 3 or positions.shape[2] != 3:
        raise UsageError(f"points have shape {positions.shape}, expected (C, Q, 3)")
    if weights is None:
        return positions, np.ones(positions.shape[:2])
    weight = np.ascontiguousarray(weights, dtype=np.float64)
    if weight.shape != positions.shape[:2]:
        raise UsageError(f"weights have shape {weight.shape}, expected {positions.shape[:2]}")
    return positions, weight
