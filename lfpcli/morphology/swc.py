"""SWC files, read and written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from lfpcli.errors import InputError, LfpWarning, printable
from lfpcli.morphology import repair as mending
from lfpcli.morphology.checks import doubtful_points
from lfpcli.morphology.faults import Fault, FaultyFileError
from lfpcli.morphology.points import LARGEST_TYPE, depth_first, rank_of, value_faults
from lfpcli.morphology.table import PLACED, TOO_LONG, Table, read_table
from lfpcli.morphology.tree import Morphology

REMEDY = "correct it, or mend it with lfp morph --repair"
NUMBER_REMEDY = "number the points anew, from 1 on"
COMMA_REMEDY = "write decimal points, or let lfp morph --repair read the commas as points"


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
    table = read_table(source, name, decimal_commas=repair)
    repairs: list[str] = []
    if repair:
        table, repairs = mending.mend(table)
    if table.comma_lines:
        count, first = len(table.comma_lines), table.comma_lines[0]
        fault = Fault(first, f"decimal commas in {count} line{'s' * (count > 1)}")
        raise FaultyFileError([fault, *table.faults], name=table.name, remedy=COMMA_REMEDY)
    if not (table.rows or table.faults):
        raise InputError("has no points", source=table.name, remedy="check that it is an SWC file")
    cell = _to_morphology(table, repairs)
    _check_sections(cell)
    return cell


def _to_morphology(table: Table, repairs: list[str]) -> Morphology:
    whole, values = table.columns()
    parents, faults = _parent_rows(table, whole)
    faults += table.faults
    faults += [Fault(table.lines[row], message) for row, message in value_faults(values)]
    for row in np.flatnonzero(np.abs(whole[:, 1]) > LARGEST_TYPE).tolist():
        faults.append(Fault(table.lines[row], "type is beyond 31 bits"))
    order = _topological_order(whole[:, 0], parents)
    if len(order) < len(parents):
        faults.append(_loop(table, whole[:, 0], order))
    if faults:
        first = min(faults)
        faults += _doubts(table, whole[:, 1], values, parents)
        others = sorted(set(faults) - {first})
        # repair would drop points whose numbers are too long, and the tree that hangs on them
        too_long = any(fault.message.endswith(TOO_LONG) for fault in faults)
        remedy = NUMBER_REMEDY if too_long else REMEDY
        raise FaultyFileError([first, *others], name=table.name, remedy=remedy)
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
        repairs=tuple(repairs),
        placed=table.placed,
    )


def _parent_rows(table: Table, whole: np.ndarray) -> tuple[np.ndarray, list[Fault]]:
    """Return the row of each row's parent, -1 for roots, shape (n,), and what is wrong with ids.

    A negative parent marks a root, as does 0 where no point has that id.
    """
    ids, wanted = whole[:, 0], whole[:, 2]
    if len(ids) == 0:
        return np.empty(0, np.int64), []
    order = np.argsort(ids, kind="stable")
    ranked = ids[order]
    faults = []
    for position in np.flatnonzero(ranked[1:] == ranked[:-1]).tolist():
        first, second = order[position], order[position + 1]
        message = f"id {ids[second]} occurs twice, first in line {table.lines[first]}"
        faults.append(Fault(table.lines[second], message))
    nearest = np.minimum(np.searchsorted(ranked, wanted), len(ids) - 1)
    exists = ranked[nearest] == wanted
    root = (wanted < 0) | ((wanted == 0) & ~exists)
    missing = ~exists & ~root
    for row in np.flatnonzero(missing).tolist():
        # points may hang on what lines said that could not be read
        if str(wanted[row]) in table.unread_ids:
            continue
        message = f"parent {wanted[row]} of point {ids[row]} does not exist"
        faults.append(Fault(table.lines[row], message))
    return np.where(root | missing, -1, order[nearest]), faults


def _loop(table: Table, ids: np.ndarray, order: np.ndarray) -> Fault:
    """The fault of the first point that hangs on no root."""
    left = np.ones(len(ids), bool)
    left[order] = False
    row = int(np.flatnonzero(left)[0])
    return Fault(table.lines[row], f"point {ids[row]} hangs on a loop of parents, not on a root")


def _doubts(
    table: Table, types: np.ndarray, values: np.ndarray, parents: np.ndarray
) -> list[Fault]:
    """What stands out beside the faults of a file, so that all of it is told at once."""
    doubts = []
    for row, message in doubtful_points(types, values, parents):
        doubts.append(Fault(table.lines[row], message))
    return doubts


def _topological_order(ids: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return an order of rows in which each point follows its parent; without those on loops.

    By id where parents have the smaller ids, else branch by branch from the roots.
    """
    has_parent = parents >= 0
    by_id = np.argsort(ids, kind="stable")
    if np.all(ids[parents[has_parent]] < ids[has_parent]):
        return np.array(by_id)
    return depth_first(parents, by_id)


def _check_sections(cell: Morphology) -> None:
    """Warn of trees that nothing joins, and refuse sections without length."""
    roots = np.flatnonzero(cell.parents < 0)
    if len(roots) > 1:
        sources = ", ".join(cell.source_of(root) for root in roots[1:4])
        more = ", ..." if len(roots) > 4 else ""
        warnings.warn(
            f"{len(roots)} separate trees, joined by nothing [{sources}{more}]; "
            "lfp morph --repair joins them to the soma",
            LfpWarning,
            stacklevel=3,
        )
    faults = []
    for section in cell.sections:
        if not np.any(np.diff(section.points[:, :3], axis=0)):
            line = int(cell.lines[section.start])
            faults.append(Fault(line, f"section {section.name} has no length"))
    if faults:
        raise FaultyFileError(sorted(faults), name=cell.name, remedy=REMEDY)


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
    # names of files may hold line breaks
    lines = [f"# {printable(line)}" if line else "#" for line in comments]
    if morphology.placed:
        lines.append(f"# {PLACED}")
    lines.append("# id type x y z radius parent; um")
    # adding zero turns -0 into 0
    values = (morphology.points * [1.0, 1.0, 1.0, 0.5] + 0.0).astype(np.float32)
    types, parents = morphology.types.tolist(), morphology.parents.tolist()
    for number, (code, parent, row) in enumerate(zip(types, parents, values, strict=True), start=1):
        numbers = " ".join(str(value).removesuffix(".0") for value in row)
        lines.append(f"{number} {code} {numbers} {parent + 1 if parent >= 0 else -1}")
    return "\n".join(lines) + "\n"
