"""SWC files, read and written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.morphology import repair as mending
from lfpcli.morphology.points import check_values, depth_first, rank_of
from lfpcli.morphology.table import Table, read_table
from lfpcli.morphology.tree import Morphology

REMEDY = "correct it, or use --repair"


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
    check_values(values, table.source, remedy=REMEDY)
    order = topological_order(table, whole[:, 0], parents)
    rank = rank_of(order)
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
            source=table.source(second),
            remedy=REMEDY,
        )
    nearest = np.minimum(np.searchsorted(ranked, wanted), len(ids) - 1)
    exists = ranked[nearest] == wanted
    root = (wanted < 0) | ((wanted == 0) & ~exists)
    missing = np.flatnonzero(~exists & ~root)
    if len(missing):
        row = missing[0]
        raise InputError(
            f"parent {wanted[row]} of point {ids[row]} does not exist",
            source=table.source(row),
            remedy=REMEDY,
        )
    return np.where(root, -1, order[nearest])


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
            source=table.source(row),
            remedy=REMEDY,
        )
    return order


def _check_roots(cell: Morphology) -> None:
    roots = np.flatnonzero(cell.parents < 0)
    if len(roots) > 1:
        sources = ", ".join(cell.source_of(root) for root in roots[1:4])
        more = ", ..." if len(roots) > 4 else ""
        warnings.warn(
            f"{len(roots)} separate trees, joined by nothing [{sources}{more}]; "
            "--repair joins them to the soma",
            LfpWarning,
            stacklevel=3,
        )
    for section in cell.sections:
        if not np.any(np.diff(section.points[:, :3], axis=0)):
            raise InputError(
                f"section {section.name} has no length",
                source=cell.source_of(section.start),
                remedy=REMEDY,
            )


def swc_text(morphology: Morphology, comments: Sequence[str] = ()) -> str:
    """Return a morphology as SWC; ids count from 1 in the order of the points.

    The shortest numbers are written that give the same values in single precision, in which
    NEURON and HDF5 morphologies hold them.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    comments : sequence of str
        Lines for the head of the file, without ``#``.
    """
    lines = [f"# {line}" if line else "#" for line in comments]
    lines.append("# id type x y z radius parent; um")
    # adding zero turns -0 into 0
    values = (morphology.points * [1.0, 1.0, 1.0, 0.5] + 0.0).astype(np.float32)
    types, parents = morphology.types.tolist(), morphology.parents.tolist()
    for number, (code, parent, row) in enumerate(zip(types, parents, values, strict=True), start=1):
        numbers = " ".join(str(value).removesuffix(".0") for value in row)
        lines.append(f"{number} {code} {numbers} {parent + 1 if parent >= 0 else -1}")
    return "\n".join(lines) + "\n"
