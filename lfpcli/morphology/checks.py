"""What looks wrong in a morphology that can be read all the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lfpcli.morphology.contours import is_outline
from lfpcli.morphology.measures import child_counts
from lfpcli.morphology.points import on_parent
from lfpcli.morphology.section import APICAL, SOMA
from lfpcli.morphology.tree import Morphology

# thresholds past which traced data are rarely right
DIAMETER_JUMP = 5.0
THIN = 0.05
LONG_GAP = 100.0
HUGE_GAP = 500.0
# fewer points make a drawing or a model, not a tracing
FEWEST_TRACED = 100


def check(morphology: Morphology) -> list[str]:
    """Return one line for each thing that stands out, with the first places of it."""
    return [*_tree(morphology), *_pieces(morphology), *_order(morphology)]


def doubtful_points(
    types: np.ndarray, values: np.ndarray, parents: np.ndarray
) -> list[tuple[int, str]]:
    """Return points that stand out one by one, and why.

    Parameters
    ----------
    types : ndarray of int, shape (N,)
        Type codes of SWC.
    values : ndarray, shape (N, 4)
        x, y, z and radius, um; they need not be finite.
    parents : ndarray of int, shape (N,)
        Index of each point's parent, -1 for roots.
    """
    doubts = []
    coincident, deliberate = on_parent(values, parents)
    for row in np.flatnonzero(coincident & ~deliberate).tolist():
        doubts.append((row, "point lies on top of its parent"))
    for row, length in _gaps(values, parents, HUGE_GAP):
        doubts.append((row, f"point is {length:.0f} um from its parent"))
    for row in np.flatnonzero(_is_custom(types)).tolist():
        doubts.append((row, f"type {types[row]} is none of soma, axon, dendrite, apical (1 to 4)"))
    return doubts


def _gaps(values: np.ndarray, parents: np.ndarray, longest: float) -> list[tuple[int, float]]:
    """Points further from their parent than a length, and how far."""
    placed = np.isfinite(values[:, :3]).all(axis=1)
    child = np.flatnonzero((parents >= 0) & placed & placed[parents])
    length = np.linalg.norm(values[child, :3] - values[parents[child], :3], axis=1)
    far = length > longest
    return list(zip(child[far].tolist(), length[far].tolist(), strict=True))


def _is_custom(types: np.ndarray) -> np.ndarray:
    return np.array((types < SOMA) | (types > APICAL))


def _listed(morphology: Morphology, finding: str, points: np.ndarray) -> Iterator[str]:
    if len(points):
        sources = ", ".join(morphology.source_of(int(point)) for point in points[:3])
        more = ", ..." if len(points) > 3 else ""
        yield f"{finding}: {len(points)} [{sources}{more}]"


def _tree(morphology: Morphology) -> Iterator[str]:
    """Roots, soma, branchings."""
    types, parents = morphology.types, morphology.parents
    roots = np.flatnonzero(parents < 0)
    if len(roots) > 1:
        yield from _listed(morphology, "roots of trees that nothing joins", roots)
    if not np.any(types == SOMA):
        yield "no soma: positions refer to the root"
    elif types[roots[0]] != SOMA:
        yield "the root is no soma; lfp morph --repair makes it the root"
    soma = morphology.points[types == SOMA] * [1.0, 1.0, 1.0, 0.5]
    if morphology.drawn is None and is_outline(soma):
        yield "the soma is a thin ring; lfp morph --repair makes it an equivalent soma"
    children = np.bincount(parents[parents >= 0], minlength=len(types))
    custom = np.flatnonzero(_is_custom(types))
    yield from _listed(morphology, "points of custom types", custom)
    many = np.flatnonzero((children > 2) & (types != SOMA))
    yield from _listed(morphology, "points with more than two branches", many)


def _pieces(morphology: Morphology) -> Iterator[str]:
    """Distances and diameters between points and their parents."""
    child = np.flatnonzero(morphology.parents >= 0)
    parent = morphology.parents[child]
    position, diameter = morphology.points[:, :3], morphology.points[:, 3]
    length = np.linalg.norm(position[child] - position[parent], axis=1)
    neurite = morphology.types[parent] != SOMA
    coincident, deliberate = on_parent(morphology.points, morphology.parents)
    # on a soma the first point of a neurite may lie where it hangs
    doubtful = coincident & ~deliberate & (morphology.types[morphology.parents] != SOMA)
    yield from _listed(morphology, "points on top of their parent", np.flatnonzero(doubtful))
    count = np.unique(position[~coincident], axis=0, return_counts=True)[1]
    twice = int(np.count_nonzero(count > 1))
    if twice > 0:
        yield f"places that points of different branches share: {twice}"
    longest = LONG_GAP if len(morphology) > FEWEST_TRACED else HUGE_GAP
    far = child[neurite & (length > longest)]
    yield from _listed(morphology, f"points over {longest:g} um from their parent", far)
    ratio = np.maximum(diameter[child], diameter[parent]) / np.minimum(
        diameter[child], diameter[parent]
    )
    # a thin branch on a thick one is no jump
    alone = np.bincount(parent, minlength=len(morphology))[parent] == 1
    jumps = child[neurite & alone & (ratio > DIAMETER_JUMP)]
    yield from _listed(morphology, f"diameters that jump by over {DIAMETER_JUMP:g} times", jumps)
    thin = np.flatnonzero(diameter < THIN)
    yield from _listed(morphology, f"diameters below {THIN:g} um", thin)
    flat = [axis for axis, size in zip("xyz", np.ptp(position, axis=0), strict=True) if size == 0]
    if flat and len(morphology) > FEWEST_TRACED:
        yield f"flat: all points have the same {' and '.join(flat)}"


def _order(morphology: Morphology) -> Iterator[str]:
    """Sections that the order of the points cuts."""
    sections = morphology.sections
    alone = child_counts(sections) == 1
    cut = [
        s.start
        for s in sections
        if s.parent >= 0
        and alone[s.parent]
        and s.type == sections[s.parent].type != SOMA
        and s.parent_x == 1.0
    ]
    yield from _listed(
        morphology, "unbranched sections cut by the order of points", np.array(cut, np.int64)
    )
