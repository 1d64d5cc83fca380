"""Current source density: the currents of segments, shared out exactly among volumes.

Each segment is a line with its current spread evenly along it, cut where it enters and
leaves a volume; a segment without length is a point. Volumes are half-open: a current on a
face belongs to the volume above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.forward.sources import as_geometry

if TYPE_CHECKING:
    from scipy import sparse


def laminar_matrix(geometry: Any, z: ArrayLike, radius: float | ArrayLike) -> np.ndarray:
    """CSD in cylinders about the z axis, per unit of current from each segment.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um.
    z : array_like, shape (L, 2) or (L + 1,)
        Lower and upper ends of L cylinders, or the edges of L layers, um.
    radius : float or array_like, shape (L,)
        Radii, um.

    Returns
    -------
    ndarray, shape (L, N)
        1/um3: nA/um3 per nA.

    Raises
    ------
    UsageError
        Where the volumes make no sense.
    """
    segments = as_geometry(geometry)
    layers = check_layers(z)
    radii = check_radii(radius, len(layers))
    start, along = segments.start, segments.end - segments.start
    bottom = np.minimum(start[:, 2], segments.end[:, 2])
    top = np.maximum(start[:, 2], segments.end[:, 2])
    matrix = np.zeros((len(layers), len(segments)))
    for row, ((low, high), reach) in enumerate(zip(layers, radii, strict=True)):
        some = np.flatnonzero((top >= low) & (bottom < high))
        a, d = start[some], along[some]
        enter, leave = _within_slab(a[:, 2], d[:, 2], low, high)
        nearer, farther = _within_disc(a[:, :2], d[:, :2], reach)
        share = np.minimum(leave, farther) - np.maximum(enter, nearer)
        matrix[row, some] = np.maximum(share, 0.0) / (np.pi * reach**2 * (high - low))
    return matrix


def volumetric_matrix(geometry: Any, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> sparse.csr_array:
    """CSD in the voxels of a grid, per unit of current from each segment.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um.
    x, y, z : array_like, shapes (nx + 1,), (ny + 1,), (nz + 1,)
        Ascending edges of the voxels, um.

    Returns
    -------
    scipy.sparse.csr_array, shape (nx ny nz, N)
        1/um3: nA/um3 per nA. The last axis of the grid runs fastest.

    Raises
    ------
    UsageError
        Where the edges are not finite and ascending.
    """
    segments = as_geometry(geometry)
    from scipy import sparse

    edges = [check_edges(value, axis) for value, axis in zip((x, y, z), "xyz", strict=True)]
    start, along = segments.start, segments.end - segments.start
    owner, t = _cuts(start, along, edges)
    # between two cuts of one segment a piece is in one voxel, that of its middle
    piece = np.flatnonzero(owner[1:] == owner[:-1])
    owner, share = owner[piece], t[piece + 1] - t[piece]
    middle = start[owner] + (0.5 * (t[piece + 1] + t[piece]))[:, None] * along[owner]
    cell = [np.searchsorted(e, middle[:, k], side="right") - 1 for k, e in enumerate(edges)]
    counts = [len(e) - 1 for e in edges]
    inside = (share > 0) & np.all(
        [(c >= 0) & (c < n) for c, n in zip(cell, counts, strict=True)], axis=0
    )
    cell = [c[inside] for c in cell]
    volume = np.prod([np.diff(e)[c] for e, c in zip(edges, cell, strict=True)], axis=0)
    entries = (share[inside] / volume, (np.ravel_multi_index(cell, counts), owner[inside]))
    return sparse.csr_array(entries, shape=(int(np.prod(counts)), len(segments)))


def check_layers(z: ArrayLike) -> np.ndarray:
    """Return the layers as lower and upper ends, shape (L, 2), um, checked."""
    ends = np.asarray(z, dtype=float)
    if ends.ndim == 1 and len(ends) > 1:
        ends = np.column_stack([ends[:-1], ends[1:]])
    if ends.ndim != 2 or ends.shape[1] != 2 or not len(ends):
        raise UsageError(f"layers have shape {np.shape(z)}, expected (L, 2) or edges (L + 1,)")
    if not np.all(np.isfinite(ends)) or np.any(ends[:, 1] <= ends[:, 0]):
        raise UsageError("layers need finite ends, the lower below the upper")
    return ends


def check_radii(radius: float | ArrayLike, count: int) -> np.ndarray:
    """Return one radius for each of `count` layers, shape (count,), um, checked."""
    radii = np.asarray(radius, dtype=float)
    if radii.shape not in ((), (1,), (count,)):
        raise UsageError(f"{radii.size} radii for {count} layers")
    if not np.all(np.isfinite(radii)) or np.any(radii <= 0):
        raise UsageError("radii of layers are not finite and positive")
    return np.broadcast_to(radii, count)


def check_edges(edges: ArrayLike, axis: str) -> np.ndarray:
    """Return the edges of E - 1 voxels along an axis, shape (E,), um, checked."""
    values = np.asarray(edges, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise UsageError(f"edges along {axis} have shape {values.shape}, expected (n + 1,)")
    if not np.all(np.isfinite(values)) or np.any(np.diff(values) <= 0):
        raise UsageError(f"edges along {axis} are not finite and ascending")
    return values


def _within_slab(
    start: np.ndarray, along: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Parameters, 0 to 1, where segments enter and leave low <= z < high."""
    step = np.where(along == 0, 1.0, along)
    first, second = (
        np.clip((low - start) / step, 0.0, 1.0),
        np.clip((high - start) / step, 0.0, 1.0),
    )
    inside = (start >= low) & (start < high)
    enter = np.where(along == 0, 0.0, np.minimum(first, second))
    leave = np.where(along == 0, inside.astype(float), np.maximum(first, second))
    return enter, leave


def _within_disc(
    start: np.ndarray, along: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Parameters, 0 to 1, where segments enter and leave x^2 + y^2 < radius^2."""
    a = np.sum(along * along, axis=1)
    half_b = np.sum(start * along, axis=1)
    c = np.sum(start * start, axis=1) - radius**2
    upright = a == 0
    root = half_b * half_b - a * c
    # an upright segment is inside or outside along all of its length
    misses = np.where(upright, c >= 0, root <= 0)
    # the root with the larger magnitude first, the other from the product: nothing cancels
    q = -(half_b + np.copysign(np.sqrt(np.maximum(root, 0.0)), half_b))
    one = q / np.where(upright, 1.0, a)
    other = np.where(q == 0, one, c / np.where(q == 0, 1.0, q))
    enter = np.where(upright, 0.0, np.clip(np.minimum(one, other), 0.0, 1.0))
    leave = np.where(upright, 1.0, np.clip(np.maximum(one, other), 0.0, 1.0))
    return enter, np.where(misses, enter, leave)


def _cuts(
    start: np.ndarray, along: np.ndarray, edges: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Segment and parameter of every end and every crossing with a plane, in order."""
    count = len(start)
    every = np.arange(count)
    owners, places = [every, every], [np.zeros(count), np.ones(count)]
    for axis, planes in enumerate(edges):
        a, d = start[:, axis], along[:, axis]
        low, high = np.minimum(a, a + d), np.maximum(a, a + d)
        first = np.searchsorted(planes, low, side="right")
        number = np.maximum(np.searchsorted(planes, high, side="left") - first, 0)
        owner = np.repeat(every, number)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
        places.append(np.clip((planes[first[owner] + within] - a[owner]) / d[owner], 0.0, 1.0))
        owners.append(owner)
    owner, t = np.concatenate(owners), np.concatenate(places)
    order = np.lexsort((t, owner))
    return owner[order], t[order]
