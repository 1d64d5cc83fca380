"""Reading SWC files."""

from __future__ import annotations

import os
import warnings
from typing import TextIO

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.morphology import repair as mending
from lfpcli.morphology.table import Table, read_table
from lfpcli.morphology.tree import Morphology

REMEDY = "correct it, or use --repair"
# a metre, and a centimetre: beyond them a file is in other units or broken
LARGEST_COORDINATE = 1e6
LARGEST_RADIUS = 1e4


def read_swc(
    source: str | os.PathLike[str] | TextIO, *, name: str | None = None, repair: bool = False
) -> Morphology:
    """Read a morphology from an SWC file.

    Parameters
    ----------
    source : path-like or text stream
        The file.
    name : str, optional
        What to call it in messages; the file's name by default.
    repair : bool
        Whether what is wrong is mended where that is possible, and listed in
        ``Morphology.repairs``.

    Returns
    -------
    Morphology
        Points in the order of their ids, each after its parent.

    Raises
    ------
    InputError
        With file and line, for lines that are no points, ids that occur twice, parents that do
        not exist, loops, values that are not finite or out of range, and radii not above zero.

    References
    ----------
    Cannon, Turner, Pyapali and Wheal (1998), J Neurosci Methods 84:49, for the format.
    """
    table = read_table(source, name, lenient=repair)
    notes: list[str] = []
    if repair:
        table, notes = mending.mend(table)
    if not table.rows:
        raise InputError("has no points", source=table.name, remedy="check that it is an SWC file")
    cell = _to_morphology(table, notes)
    _check_roots(cell)
    return cell


def _to_morphology(table: Table, notes: list[str]) -> Morphology:
    whole, values = table.columns()
    parents = parent_indices(table, whole)
    check_values(table, values)
    order = topological_order(table, whole[:, 0], parents)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    parents = parents[order]
    points = values[order]
    points[:, 3] *= 2
    return Morphology(
        types=whole[order, 1],
        points=points,
        parents=np.where(parents >= 0, rank[parents], -1),
        name=table.name,
        lines=np.array(table.lines)[order],
        repairs=tuple(notes),
    )


def parent_indices(table: Table, whole: np.ndarray) -> np.ndarray:
    """Return the row of each row's parent, -1 for roots; shape (n,).

    A negative parent marks a root, as does 0 where no point has that id.
    """
    ids, wanted = whole[:, 0], whole[:, 2]
    order = np.argsort(ids, kind="stable")
    ranked = ids[order]
    twice = np.flatnonzero(ranked[1:] == ranked[:-1])
    if len(twice):
        first, second = order[twice[0]], order[twice[0] + 1]
        raise InputError(
            f"id {ids[second]} occurs twice, first in line {table.lines[first]}",
            source=table.place(second),
            remedy=REMEDY,
        )
    at = np.minimum(np.searchsorted(ranked, wanted), len(ids) - 1)
    found = ranked[at] == wanted
    root = (wanted < 0) | ((wanted == 0) & ~found)
    missing = np.flatnonzero(~found & ~root)
    if len(missing):
        row = missing[0]
        raise InputError(
            f"parent {wanted[row]} of point {ids[row]} does not exist",
            source=table.place(row),
            remedy=REMEDY,
        )
    return np.where(root, -1, order[at])


def check_values(table: Table, values: np.ndarray) -> None:
    """Raise `InputError` for the first row whose place or radius cannot be."""
    finite = np.isfinite(values)
    checks = (
        (~finite[:, :3].all(axis=1), "coordinate is not finite"),
        (~finite[:, 3], "radius is not finite"),
        ((np.abs(values[:, :3]) > LARGEST_COORDINATE).any(axis=1), "coordinate is beyond 1 m"),
        (values[:, 3] > LARGEST_RADIUS, "radius is beyond 1 cm"),
        (values[:, 3] < 0, "radius is negative"),
        (values[:, 3] == 0, "radius is zero"),
    )
    for wrong, what in checks:
        if wrong.any():
            place = table.place(int(np.flatnonzero(wrong)[0]))
            raise InputError(what, source=place, remedy=REMEDY)


def topological_order(table: Table, ids: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return an order of rows in which each point follows its parent; shape (n,).

    By id where parents have the smaller ids, else branch by branch from the roots.
    """
    has_parent = parents >= 0
    if np.all(ids[parents[has_parent]] < ids[has_parent]):
        return np.argsort(ids, kind="stable")
    order = depth_first(parents, np.argsort(ids, kind="stable"))
    if len(order) < len(ids):
        left = np.ones(len(ids), bool)
        left[order] = False
        row = int(np.flatnonzero(left)[0])
        raise InputError(
            f"point {ids[row]} hangs on a loop of parents, not on a root",
            source=table.place(row),
            remedy=REMEDY,
        )
    return order


def depth_first(parents: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the points that hang on roots, each branch to its end before the next.

    Parameters
    ----------
    parents : ndarray of int, shape (n,)
        Index of each point's parent, -1 for roots.
    order : ndarray of int, shape (n,)
        In which order roots and siblings are taken.
    """
    children: dict[int, list[int]] = {}
    for point in order.tolist():
        children.setdefault(int(parents[point]), []).append(point)
    stack = children.get(-1, [])[::-1]
    done = []
    while stack:
        point = stack.pop()
        done.append(point)
        stack.extend(reversed(children.get(point, ())))
    return np.array(done, dtype=np.int64)


def _check_roots(cell: Morphology) -> None:
    roots = np.flatnonzero(cell.parents < 0)
    if len(roots) > 1:
        places = ", ".join(cell.place_of(root) for root in roots[1:4])
        more = ", ..." if len(roots) > 4 else ""
        warnings.warn(
            f"{len(roots)} separate trees, joined by nothing [{places}{more}]; "
            "--repair joins them to the soma",
            LfpWarning,
            stacklevel=3,
        )
    for section in cell.sections:
        if not np.any(np.diff(section.points[:, :3], axis=0)):
            raise InputError(
                f"section {section.name} has no length",
                source=cell.place_of(section.start),
                remedy=REMEDY,
            )
