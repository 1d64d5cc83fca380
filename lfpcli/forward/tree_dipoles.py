"""Axial dipoles of a cell from its membrane currents alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry

if TYPE_CHECKING:
    from scipy import sparse


def tree_dipoles(geometry: Geometry) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """Matrix from membrane currents to axial currents, and the paths these run along.

    In a tree of segments the current into a segment along the axis is what leaves the membrane
    of that segment and of all that hang on it (conservation of charge), so neither potentials nor
    resistances are needed. Each runs from the parent's middle to the segment's near end and on
    to its middle; a current times such a vector is a dipole moment (Hagen et al. 2018, Front
    Neuroinform 12:92, section 2.3). Where the membrane currents of a cell add to zero, the
    dipoles add to the cell's dipole moment.

    Parameters
    ----------
    geometry : Geometry
        Segments of one or many cells, N of them, M of which have a parent.

    Returns
    -------
    currents : scipy.sparse.csr_array, shape (2 M, N)
        Axial current of each path, nA, from the membrane currents, nA.
    vectors : ndarray, shape (2 M, 3)
        The paths, um.
    positions : ndarray, shape (2 M, 3)
        Their middles, um.

    Raises
    ------
    InputError
        Where the parents run in a circle.
    """
    child = np.flatnonzero(geometry.parent >= 0)
    parent = geometry.parent[child]
    middle = geometry.middle
    near = np.where(
        _is_reversed(geometry)[child][:, None], geometry.end[child], geometry.start[child]
    )
    corners = np.stack([middle[parent], near, middle[child]], axis=1)
    from scipy import sparse

    # what flows into a segment along the tree leaves through its membrane and that of all beyond it
    currents = sparse.csr_array(_descendants(geometry.parent)[child])
    row = np.repeat(np.arange(len(child)), 2)
    return (
        currents[row],
        np.diff(corners, axis=1).reshape(-1, 3),
        (0.5 * (corners[:, :-1] + corners[:, 1:])).reshape(-1, 3),
    )


def _is_reversed(geometry: Geometry) -> np.ndarray:
    """Which segments hang on their parents by their ends, not their starts, shape (N,) bool.

    The places along the sections tell: where a dendrite folds back, the far end of a segment may be
    nearer to its parent than the near one. A section of one segment has its start at its parent,
    unless its end alone touches it.
    """
    child = np.flatnonzero(geometry.parent >= 0)
    parent = geometry.parent[child]
    is_inside = (geometry.section[child] == geometry.section[parent]) & (
        geometry.gid[child] == geometry.gid[parent]
    )
    # places that are equal tell nothing
    is_inside &= geometry.x[child] != geometry.x[parent]
    # of a section connected by its end, the places fall along the tree
    falls = is_inside & (geometry.x[child] < geometry.x[parent])
    reversed_segments = np.zeros(len(geometry), dtype=bool)
    reversed_segments[child[falls]] = reversed_segments[parent[falls]] = True
    # the first segment of a section shows it by the next one; alone it must touch
    followed = np.zeros(len(geometry), dtype=bool)
    followed[parent[is_inside]] = True
    alone = ~is_inside & ~followed[child]
    corners = np.stack([geometry.start[parent], geometry.middle[parent], geometry.end[parent]])
    from_start = np.linalg.norm(corners - geometry.start[child], axis=2).min(axis=0)
    from_end = np.linalg.norm(corners - geometry.end[child], axis=2).min(axis=0)
    touching = 1e-6 * (1.0 + geometry.length[child])
    by_end = alone & (from_end <= touching) & (from_start > touching)
    reversed_segments[child[by_end]] = True
    # a parent of another section is no witness
    root_like = parent[falls & ~np.isin(parent, child)]
    reversed_segments[root_like] = False
    return reversed_segments


def _descendants(parent: np.ndarray) -> sparse.csr_array:
    """Matrix (N, N) with 1 where the column is the row itself or hangs on it."""
    from scipy import sparse

    count = len(parent)
    row, column = [np.arange(count)], [np.arange(count)]
    ancestor = parent.copy()
    for _ in range(count):
        alive = np.flatnonzero(ancestor >= 0)
        if not len(alive):
            entries = np.concatenate(row), np.concatenate(column)
            return sparse.csr_array((np.ones(len(entries[0])), entries), shape=(count, count))
        row.append(ancestor[alive])
        column.append(alive)
        ancestor[alive] = parent[ancestor[alive]]
    raise InputError("geometry: parents of the segments run in a circle")
