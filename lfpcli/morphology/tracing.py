"""From sections to points: a tree that says the same in SWC.

A file of points tells of a section only by its points, so a few of them are written for what a
section says beside:

- A branch that begins with a diameter of its own repeats the junction. NEURON (and so
  `lfpcli.morphology.splitting`) takes a lone point on top of its parent for a section without
  length, drops it, and lets the next one begin there; MorphIO does the same. So that the lone point
  stays apart from its branch, the repeated points of a junction follow each other in the file. A
  branch without a sibling gets a second one for this, which ends there.
- A section that begins inside of its parent needs a point of the parent there.
- Cylinders without 3-d points become frusta of the same area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lfpcli.morphology.cylinders import drawn_points
from lfpcli.morphology.layout import parents_first
from lfpcli.morphology.points import TracedPoints
from lfpcli.morphology.section import SOMA, Section

# points nearer than this are at the same place, um; NEURON's single precision may part them
SAME_PLACE = 1e-3
# share of a section's length within which a place is one of its points
SAME_X = 1e-6


@dataclass(frozen=True)
class Trace:
    """Points of sections.

    Attributes
    ----------
    cell : TracedPoints
        The points.
    starts : list of int
        For each section the index of its first own point.
    """

    cell: TracedPoints
    starts: list[int]


@dataclass
class _Tracer:
    """The points while they are written."""

    sections: Sequence[Section]
    points: list[np.ndarray] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.sections)
        self.children: list[list[int]] = [[] for _ in range(count)]
        for index, section in enumerate(self.sections):
            if section.parent >= 0:
                self.children[section.parent].append(index)
        self.starts = [-1] * count
        # the point that each section hangs on, once it is known
        self.anchors = [-1] * count

    def add(self, point: np.ndarray, code: int, parent: int, line: int) -> int:
        """Append a point and return its index."""
        self.points.append(point)
        self.types.append(code)
        self.parents.append(parent)
        self.lines.append(line)
        return len(self.points) - 1

    def write(self, index: int) -> None:
        """Write the points of a section, and the junctions of what hangs on it."""
        section = self.sections[index]
        points, lines, shares = self._with_branch_points(index)
        anchor = self.anchors[index]
        first = 0
        if anchor >= 0 and self._begins_at(points[0], anchor, section):
            first = 1  # the anchor, or the repeated junction, is its first point
        rows = [anchor] * first
        for point, line in zip(points[first:], lines[first:], strict=True):
            anchor = self.add(point, section.type, anchor, line)
            rows.append(anchor)
            if self.starts[index] < 0:
                self.starts[index] = anchor
        begins: dict[int, list[int]] = {}
        for child in self.children[index]:
            nearest = int(np.argmin(np.abs(shares - _share(self, child))))
            begins.setdefault(nearest, []).append(child)
        for position, children in sorted(begins.items()):
            self._begin(children, rows[position], at_end=position == len(rows) - 1)

    def _begins_at(self, point: np.ndarray, anchor: int, section: Section) -> bool:
        """Whether the first point of a section needs no point of its own."""
        # on a soma the second point's diameter counts for the first, so none is left out
        if section.wire is not None or self.types[anchor] == SOMA:
            return False
        return _same_place(point, self.points[anchor]) and point[3] == self.points[anchor][3]

    def _with_branch_points(self, index: int) -> tuple[np.ndarray, list[int], np.ndarray]:
        """Points, lines, and shares of the length, with points where children begin."""
        section = self.sections[index]
        points = drawn_points(section)
        if section.child_x == 1:
            points = points[::-1]
        lines = section.lines.tolist() or [0] * len(points)
        steps = np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        shares = along / along[-1] if along[-1] > 0 else along
        for child in self.children[index]:
            share = _share(self, child)
            if np.abs(shares - share).min() >= SAME_X:
                after = int(np.searchsorted(shares, share))
                weight = (share - shares[after - 1]) / (shares[after] - shares[after - 1])
                between = (1 - weight) * points[after - 1] + weight * points[after]
                points = np.insert(points, after, between, axis=0)
                shares = np.insert(shares, after, share)
                lines.insert(after, lines[after])
        # of points at one place the last one counts for what hangs there
        shares[:-1][shares[:-1] == shares[1:]] = -1.0
        return points, lines, shares

    def _begin(self, children: list[int], row: int, *, at_end: bool) -> None:
        """Say where children hang; repeat their junction where the points would not tell it."""
        for child in children:
            self.anchors[child] = row
        junction = self.points[row]
        touching = [k for k in children if _same_place(_first_point(self, k), junction)]
        if self.types[row] == SOMA or not touching:
            return
        same_width = all(_first_point(self, k)[3] == junction[3] for k in touching)
        alone = len(children) == 1
        # a lone branch of the same type would become one section with its parent
        continues = alone and at_end and self.sections[children[0]].type == self.types[row]
        if same_width and not continues:
            return
        for child in touching:
            section = self.sections[child]
            # bit for bit at the junction, or else it has a length
            point = np.append(junction[:3], _first_point(self, child)[3])
            line = int(section.lines[0]) if len(section.lines) else 0
            self.anchors[child] = self.add(point, section.type, row, line)
        if alone:
            self.add(point, section.type, row, line)


def _share(tracer: _Tracer, child: int) -> float:
    """Where on its parent, from its start as written, a section begins."""
    section = tracer.sections[child]
    turned = tracer.sections[section.parent].child_x == 1
    return 1 - section.parent_x if turned else section.parent_x


def _first_point(tracer: _Tracer, index: int) -> np.ndarray:
    section = tracer.sections[index]
    return np.array(drawn_points(section)[0 if section.child_x == 0 else -1])


def _same_place(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one[:3] - other[:3]).max() < SAME_PLACE)


def trace(sections: Sequence[Section], name: str) -> Trace:
    """Return the points of sections, each after its parent.

    Parameters
    ----------
    sections : sequence of Section
        The sections of a cell.
    name : str
        What to call it in messages.

    Returns
    -------
    Trace
    """
    tracer = _Tracer(sections)
    for index in parents_first(sections):
        tracer.write(index)
    lines = np.array(tracer.lines, np.int64)
    cell = TracedPoints(
        types=np.array(tracer.types),
        points=np.array(tracer.points),
        parents=np.array(tracer.parents),
        name=name,
        lines=lines if lines.any() else np.empty(0, np.int64),
    )
    return Trace(cell, tracer.starts)
