"""From points to sections, by the rules that NEURON's Import3d applies to SWC files.

Indices of sections and segments then agree with those of other programs that load the file
through NEURON. The rules, as NEURON 9 has them (share/lib/hoc/import3d):

- A section is a run of consecutive points, each the only child of the one before and of its
  type; a soma is cut at a branch only where more than one soma point follows.
- A one-point soma is a cylinder along x with length = diameter; so is NeuroMorpho's soma of
  three points, where the outer two lie one radius from the first.
- What hangs on a one-point soma, or on an inner point of a longer one, is joined to its middle
  by a wire. What hangs on a root's first point is joined to its 0 end, all else to a 1 end.
- A branch at the first point of a neurite that a wire joins to the soma, or at a root that is no
  soma, begins at the 0 end of that neurite.
- All sections but roots begin with the parent's point; on a soma with the next diameter.
- Sections of one point or of no length vanish; their children move to their parent. A point that
  repeats the end of its parent, and is followed in the file by one that does not hang on it, so
  lets a branch begin with its own diameter.
- Sections are created type by type.
- Coordinates are read in single precision, and passed on as text of eight digits.

Where a wired neurite branches at its first point and no branch follows that point in the file,
Import3d runs into the next branch instead; here each run stays on its own branch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import LfpWarning
from lfpcli.morphology.points import TracedPoints
from lfpcli.morphology.section import SOMA, Section, cylinder, numbered, rounded

# NEURON compares coordinates with this tolerance, um
TOUCHING = 1e-11


@dataclass
class _Run:
    """A section in the making; `first` 1 leaves out the point on the parent, for a wire."""

    start: int
    raw: np.ndarray
    type: int
    parent: _Run | None = None
    parent_x: float = 1.0
    first: int = 0
    index: int = -1

    @property
    def last_point(self) -> int:
        """Index of its last point among the points of the cell."""
        return self.start + len(self.raw) - (1 if self.parent is None else 2)

    @property
    def vanishes(self) -> bool:
        """Whether it has no extent; a root is a sphere then."""
        if self.parent is None:
            return False
        drawn = self.raw[self.first :, :3]
        return len(drawn) <= 1 or (
            len(drawn) == 2 and bool(np.all(np.abs(drawn[1] - drawn[0]) <= TOUCHING))
        )


def split(cell: TracedPoints) -> list[Section]:
    """Return the sections of a cell.

    Parameters
    ----------
    cell : TracedPoints
        Points, each after its parent.

    Returns
    -------
    list of Section
        In the order in which NEURON creates them.
    """
    cell = replace(cell, points=cell.points.astype(np.float32).astype(np.float64))
    sphere = three_point_sphere(cell)
    ends, at_start = _run_ends(cell, sphere)
    runs = _drop_vanishing(cell, _make_runs(cell, ends, at_start, sphere))
    return _named(runs)


def three_point_sphere(cell: TracedPoints) -> bool:
    """Whether the soma is NeuroMorpho's three points that stand for a sphere."""
    types, points, parents = cell.types, cell.points, cell.parents
    if np.count_nonzero(types == SOMA) != 3 or not np.all(types[:3] == SOMA):
        return False
    if parents[1] != 0 or parents[2] != 0 or np.isin(parents, (1, 2)).any():
        return False
    if not np.all(points[1:3, 3] == points[0, 3]) or points[0, 3] <= 0:
        return False
    length = np.linalg.norm(points[1:3, :3] - points[0, :3], axis=1).sum()
    return bool(abs(length / points[0, 3] - 1) < 0.01)


def _run_ends(cell: TracedPoints, sphere: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return which points end a run, and which begin at the 0 end of their parent's run."""
    types, parents = cell.types, cell.parents.copy()
    n = len(types)
    index = np.arange(n)
    rooted = parents < 0
    children = np.bincount(parents[~rooted], minlength=n)
    apart = ~rooted & (parents != index - 1)
    ends = (children != 1) | _next(apart | rooted, True) | _next(types != np.roll(types, 1), True)
    eligible = (types != SOMA) & (rooted | ((index > 1) & ~rooted & (types[parents] == SOMA)))
    at_start = apart & eligible[parents]
    last_child = np.zeros(n, np.int64)
    last_child[parents[at_start]] = index[at_start]
    branched = last_child > 0
    ends[branched] = types[last_child[branched]] != types[branched]
    if sphere:
        parents[2] = 1
    in_line = ~rooted & (parents == index - 1)
    soma_children = soma_child_count(cell)
    inner = (types == SOMA) & _next(in_line & (types == SOMA), False)
    ends[inner & (rooted | (soma_children <= 1))] = False
    ends |= ~_next(in_line, False)
    return ends, at_start


def soma_child_count(cell: TracedPoints) -> np.ndarray:
    """How many soma points hang on each soma point, shape (N,)."""
    on_soma = (cell.types == SOMA) & (cell.parents >= 0)
    on_soma &= cell.types[cell.parents] == SOMA
    return np.bincount(cell.parents[on_soma], minlength=len(cell.types))


def _next(values: np.ndarray, last: bool) -> np.ndarray:
    """Value of the following point, `last` for the last one."""
    return np.append(values[1:], last)


def _make_runs(
    cell: TracedPoints, ends: np.ndarray, at_start: np.ndarray, sphere: bool
) -> list[_Run]:
    stops = np.flatnonzero(ends) + 1
    starts = np.concatenate([[0], stops[:-1]])
    run_of = np.repeat(np.arange(len(starts)), stops - starts)
    soma_children = soma_child_count(cell)
    runs: list[_Run] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        anchor, code = int(cell.parents[start]), int(cell.types[start])
        drawn = cell.points[start:stop]
        if anchor < 0:
            # the outer two points of a sphere only tell its radius
            runs.append(_Run(start, drawn[:1] if sphere and start == 0 else drawn, code))
            continue
        parent = runs[run_of[anchor]]
        run = _Run(start, np.vstack([cell.points[anchor : anchor + 1], drawn]), code, parent)
        _join(run, anchor, int(soma_children[anchor]))
        if parent.type == SOMA and code != SOMA:
            # a neurite does not begin as wide as the soma
            run.raw[0, 3] = run.raw[1, 3]
        if at_start[start]:
            run.parent_x = 0.0
        runs.append(run)
    return runs


def _join(run: _Run, anchor: int, soma_children: int) -> None:
    """Set where a run hangs on its parent, and whether by a wire."""
    parent = run.parent
    assert parent is not None
    on_soma = parent.type == SOMA
    leaves_soma = on_soma and run.type != SOMA
    long = len(run.raw) > 2
    if parent.parent is None and leaves_soma and len(parent.raw) == 1:
        run.parent_x, run.first = 0.5, int(long)
    elif parent.parent is None and anchor == parent.start:
        run.parent_x, run.first = 0.0, int(run.type != SOMA and soma_children > 1)
    elif on_soma and anchor < parent.last_point:
        run.parent_x, run.first = 0.5, int(leaves_soma and long)
    elif leaves_soma and long and soma_children > 1:
        run.first = 1


def _drop_vanishing(cell: TracedPoints, runs: list[_Run]) -> list[_Run]:
    vanished = {id(run): run for run in runs if run.vanishes}
    if not vanished:
        return runs
    # parents come before their children, so one pass reaches past any number of them
    for run in runs:
        parent = run.parent
        if parent is not None and id(parent) in vanished:
            run.parent, run.parent_x = parent.parent, parent.parent_x
    # a junction that is repeated gives the branch after it a diameter of its own
    told = [run for run in vanished.values() if len(run.raw) > 2]
    if told:
        sources = ", ".join(cell.source_of(run.start) for run in told[-1:-4:-1])
        warnings.warn(
            f"{len(told)} section{'s' * (len(told) > 1)} without extent left out [{sources}]",
            LfpWarning,
            stacklevel=2,
        )
    return [run for run in runs if id(run) not in vanished]


def _named(runs: list[_Run]) -> list[Section]:
    ordered = sorted(runs, key=lambda run: run.type)
    for index, run in enumerate(ordered):
        run.index = index
    sections = []
    names = numbered([run.type for run in ordered])
    for run, name in zip(ordered, names, strict=True):
        points = run.raw[run.first :]
        x, y, z = rounded(run.raw[0, :3]).tolist()
        sections.append(
            Section(
                name=name,
                type=run.type,
                points=rounded(points if len(points) > 1 else cylinder(points[0])),
                parent=-1 if run.parent is None else run.parent.index,
                parent_x=run.parent_x,
                wire=(x, y, z) if run.first else None,
                start=run.start,
            )
        )
    return sections
