"""Mending SWC files: each step says what it did."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from lfpcli.errors import InputError
from lfpcli.morphology.contours import FEWEST_CONTOUR_POINTS, is_outline, smooth_soma
from lfpcli.morphology.points import (
    LARGEST_COORDINATE,
    LARGEST_RADIUS,
    LARGEST_TYPE,
    SMALLEST_RADIUS,
    depth_first,
    on_parent,
)
from lfpcli.morphology.section import DENDRITE, SOMA
from lfpcli.morphology.table import Table

# radius of a point where none on its branch is known, um
FALLBACK_RADIUS = 0.5


def mend(table: Table) -> tuple[Table, list[str]]:
    """Return a table that reads without an error, and what was done to get there.

    Decimal commas are read as points. Dropped: lines that are no points, ids that occur again,
    points without a finite place, and points on top of their parent. A soma drawn as a contour
    becomes an equivalent one. Radii that cannot be are taken from the parent, else from the child.
    Trees without a parent and loops are joined to the nearest membrane of the tree that holds the
    soma, which becomes the root. Branches are written one after the other, so that none is cut for
    its order.

    Parameters
    ----------
    table : Table
        Rows as read.

    Returns
    -------
    table : Table
        Ids count from 1.
    notes : list of str
        One for each kind of repair, with the lines.
    """
    notes: list[str] = []
    _note(notes, "read decimal commas as points", table.comma_lines)
    _note(notes, "dropped what is no point", [fault.line for fault in table.faults])
    table = _drop_repeated(table, notes)
    if not table.rows:
        return table, notes
    whole, values = table.columns()
    beyond = np.abs(whole[:, 1]) > LARGEST_TYPE
    whole[beyond, 1] = DENDRITE
    _note(notes, "took types beyond 31 bits for dendrites", np.array(table.lines)[beyond].tolist())
    work = _Work(
        table=table, types=whole[:, 1], values=values, parents=_parents(whole), notes=notes
    )
    work.cut_loops()
    work.drop_unplaced()
    if not work.kept.any():
        raise InputError(
            "has no point that can be mended: none lies anywhere",
            source=table.name,
            remedy="get it again from where it came",
        )
    work.replace_contour()
    work.mend_radii()
    work.join_trees(np.flatnonzero((whole[:, 2] < 0) | (whole[:, 2] == 0)))
    work.root_at_soma()
    work.drop_coincident()
    return work.result(), notes


def _note(notes: list[str], repair: str, lines: Sequence[object]) -> None:
    if len(lines):
        shown = ", ".join(str(line) for line in lines[:5]) + (", ..." if len(lines) > 5 else "")
        notes.append(f"{repair}: line{'s' * (len(lines) > 1)} {shown}")


def _drop_repeated(table: Table, notes: list[str]) -> Table:
    kept = Table(table.name, placed=table.placed)
    seen: set[int] = set()
    again = []
    for row, line in zip(table.rows, table.lines, strict=True):
        if row[0] in seen:
            again.append(line)
            continue
        seen.add(row[0])
        kept.rows.append(row)
        kept.lines.append(line)
    _note(notes, "dropped points whose id occurred before", again)
    return kept


def _parents(whole: np.ndarray) -> np.ndarray:
    """Row of each row's parent; -1 where there is none."""
    rows = {int(number): row for row, number in enumerate(whole[:, 0])}
    return np.array([rows.get(int(parent), -1) for parent in whole[:, 2]], dtype=np.int64)


class _Work:
    """The points while they are mended; rows stay in place, dropped ones are marked."""

    def __init__(
        self,
        table: Table,
        types: np.ndarray,
        values: np.ndarray,
        parents: np.ndarray,
        notes: list[str],
    ) -> None:
        self.table = table
        self.types = types
        self.values = values
        self.parents = parents
        self.notes = notes
        self.kept = np.ones(len(types), bool)

    def note(self, repair: str, rows: Sequence[int] | np.ndarray) -> None:
        """Add a note with the lines of rows."""
        _note(self.notes, repair, [self.table.lines[row] for row in rows])

    def cut_loops(self) -> None:
        """Make the first point of each loop of parents a root."""
        state = np.zeros(len(self.parents), np.int8)  # 1: on the way now, 2: leads to a root
        cut = []
        for start in range(len(self.parents)):
            way = []
            row = start
            while row >= 0 and state[row] == 0:
                state[row] = 1
                way.append(row)
                row = int(self.parents[row])
            if row >= 0 and state[row] == 1:
                first = min(way[way.index(row) :])
                self.parents[first] = -1
                cut.append(first)
            state[way] = 2
        self.note("cut loops of parents", cut)

    def drop_unplaced(self) -> None:
        """Drop points without a finite place; their children go to their parent."""
        position = self.values[:, :3]
        wrong = ~np.isfinite(position).all(axis=1)
        wrong |= (np.abs(position) > LARGEST_COORDINATE).any(axis=1)
        self._drop(wrong, "dropped points without a finite place")

    def drop_coincident(self) -> None:
        """Drop points that lie on their parent, but for those that repeat a junction."""
        parents = np.where(self.kept, self.parents, -1)
        coincident, deliberate = on_parent(self.values, parents)
        self._drop(coincident & ~deliberate, "dropped points on top of their parent")

    def _drop(self, wrong: np.ndarray, repair: str) -> None:
        self.kept &= ~wrong
        for row in np.flatnonzero(self.kept).tolist():
            parent = int(self.parents[row])
            while parent >= 0 and not self.kept[parent]:
                parent = int(self.parents[parent])
            self.parents[row] = parent
        self.note(repair, np.flatnonzero(wrong))

    def replace_contour(self) -> None:
        """Replace a contour of the soma by cylinders along its longest axis."""
        rows = np.flatnonzero(self.kept & (self.types == SOMA))
        if not is_outline(self.values[rows]):
            return
        outline = _outline(self.values[rows, :3])
        if len(outline) < FEWEST_CONTOUR_POINTS:
            return
        soma = smooth_soma(outline) * [1.0, 1.0, 1.0, 0.5]
        if not np.all(soma[:, 3] > 0):
            return  # the points lie on a line
        first = len(self.types)
        # what hung on the outline hangs on the middle, as NEURON has it of contours
        self.parents[np.isin(self.parents, rows) & ~np.isin(np.arange(first), rows)] = (
            first + len(soma) // 2
        )
        self.kept[rows] = False
        self.types = np.append(self.types, np.full(len(soma), SOMA))
        self.values = np.vstack([self.values, soma])
        self.parents = np.append(self.parents, np.arange(first - 1, first + len(soma) - 1))
        self.parents[first] = -1
        self.kept = np.append(self.kept, np.ones(len(soma), bool))
        self.table.lines.extend([self.table.lines[rows[0]]] * len(soma))
        steps = np.linalg.norm(np.diff(soma[:, :3], axis=0), axis=1)
        slants = np.hypot(steps, np.diff(soma[:, 3]))
        area = np.pi * ((soma[:-1, 3] + soma[1:, 3]) * slants).sum()
        self.note(f"replaced the contour by an equivalent soma of {area:.1f} um2", rows)

    def root_at_soma(self) -> None:
        """Turn the way from the root to the soma around, so that the soma is the root."""
        order = self._order()
        root = order[0]
        soma = next((row for row in order if self.types[row] == SOMA), root)
        if soma == root:
            return
        way = [soma]
        while self.parents[way[-1]] >= 0:
            way.append(int(self.parents[way[-1]]))
        for child, parent in itertools.pairwise(way):
            self.parents[parent] = child
        self.parents[soma] = -1
        self.note("made the soma the root", [soma])

    def mend_radii(self) -> None:
        """Replace radii that cannot be by that of the parent, else of a child."""
        radius = self.values[:, 3]
        good = np.isfinite(radius) & (radius >= SMALLEST_RADIUS) & (radius <= LARGEST_RADIUS)
        wrong = np.flatnonzero(self.kept & ~good)
        known = good & self.kept
        order = self._order()
        for row in order:  # from the roots outwards
            parent = self.parents[row]
            if not known[row] and parent >= 0 and known[parent]:
                radius[row], known[row] = radius[parent], True
        for row in order[::-1]:
            parent = self.parents[row]
            if known[row] and parent >= 0 and not known[parent]:
                radius[parent], known[parent] = radius[row], True
        radius[self.kept & ~known] = FALLBACK_RADIUS
        self.note("took radii from neighbours", wrong)

    def join_trees(self, meant: np.ndarray) -> None:
        """Join all other trees to the one that holds the soma, else to the largest.

        Parameters
        ----------
        meant : ndarray of int
            Rows that the file itself calls roots.
        """
        trees = self._trees()
        if len(trees) < 2:
            return
        soma = [np.count_nonzero(self.types[tree] == SOMA) for tree in trees]
        sizes = [len(tree) for tree in trees]
        main = max(range(len(trees)), key=lambda k: (soma[k], sizes[k]))
        body = trees[main]
        for tree in trees[:main] + trees[main + 1 :]:
            root = tree[0]
            away = np.linalg.norm(self.values[body, :3] - self.values[root, :3], axis=1)
            self.parents[root] = body[np.argmin(np.maximum(away - self.values[body, 3], 0.0))]
        joined = [tree[0] for tree in trees[:main] + trees[main + 1 :]]
        lost = ~np.isin(joined, meant)
        self.note("joined trees to the nearest membrane", np.array(joined)[~lost])
        self.note("joined points without a parent to the nearest membrane", np.array(joined)[lost])

    def _trees(self) -> list[list[int]]:
        """Rows of each tree, its root first."""
        trees: dict[int, list[int]] = {}
        root_of: dict[int, int] = {}
        for row in self._order():
            parent = int(self.parents[row])
            root_of[row] = row if parent < 0 else root_of[parent]
            trees.setdefault(root_of[row], []).append(row)
        return list(trees.values())

    def _order(self) -> list[int]:
        """Kept rows branch by branch, each after its parent, the soma in one piece."""
        soma = self.types == SOMA
        rows = np.concatenate([np.flatnonzero(self.kept & soma), np.flatnonzero(self.kept & ~soma)])
        parents = np.where(self.kept, self.parents, -2)
        order: list[int] = depth_first(parents, rows).tolist()
        return order

    def result(self) -> Table:
        """Return the kept rows, each after its parent."""
        order = self._order() if self._is_out_of_order() else np.flatnonzero(self.kept).tolist()
        number = {row: k for k, row in enumerate(order, start=1)}
        rows = []
        for row in order:
            x, y, z, radius = self.values[row].tolist()
            parent = number.get(int(self.parents[row]), -1)
            rows.append((number[row], int(self.types[row]), x, y, z, radius, parent))
        lines = [self.table.lines[row] for row in order]
        return Table(self.table.name, rows, lines, placed=self.table.placed)

    def _is_out_of_order(self) -> bool:
        """Whether a branch is not written point after point, or a child before its parent."""
        rows = np.flatnonzero(self.kept)
        rank = np.full(len(self.kept), -1)
        rank[rows] = np.arange(len(rows))
        parents = np.where(self.parents[rows] >= 0, rank[self.parents[rows]], -1)
        children = np.bincount(parents[parents >= 0], minlength=len(rows))
        apart = (parents >= 0) & (parents != np.arange(len(rows)) - 1)
        scattered = apart & (children[parents] == 1)
        if not (scattered.any() or np.any(parents >= np.arange(len(rows)))):
            return False
        self.note("put branches in order", rows[scattered])
        return True


def _outline(position: np.ndarray) -> np.ndarray:
    """Points of an outline, (n, 3), um, without those that repeat the one before."""
    moved = np.any(position != np.roll(position, 1, axis=0), axis=1)
    return np.array(position[moved])
