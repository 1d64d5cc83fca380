"""Sections of NEURON: how many segments they get, and where those lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.geometry import Geometry
from lfpcli.morphology.measures import whole
from lfpcli.runtime.cell.shape import lines
from lfpcli.runtime.neuron import nrn

# um that the Allen Institute divides lengths by
ALLEN_LENGTH = 40.0


@dataclass(frozen=True)
class Discretisation:
    """How many segments a section gets.

    Attributes
    ----------
    rule : {'d_lambda', 'length', 'lfpy', 'allen', 'fixed', 'keep'}
        By the length constant at `frequency`; by a largest length, int(L / max) + 1, or with an odd
        number, 1 + 2 int(L / (2 max)), as LFPy and bmtk do it; 1 + 2 int(L / 40), as the Allen
        Institute does it; a number for all sections; or as the sections have it.
    d_lambda : float
        Largest length of a segment in units of the length constant.
    frequency : float
        Frequency at which that constant is taken, Hz.
    max : float
        Largest length of a segment, um, for ``length`` and ``lfpy``.
    n : int
        Number of segments of each section, for ``fixed``.
    """

    rule: str = "d_lambda"
    d_lambda: float = 0.1
    frequency: float = 100.0
    max: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        if self.rule not in vocabulary.NSEG_RULES:
            raise UsageError(
                f"unknown rule '{self.rule}' for segments",
                remedy=nearest(self.rule, vocabulary.NSEG_RULES, "rule"),
            )
        if self.rule == "fixed" and not (self.n and self.n > 0):
            raise UsageError("the rule 'fixed' for segments needs 'n', a number above zero")
        if self.rule in ("length", "lfpy") and not (self.max and self.max > 0):
            raise UsageError(f"the rule '{self.rule}' for segments needs 'max', a length in um")

    def apply(self, sections: Sequence[Any]) -> None:
        """Set `nseg` of each section.

        d_lambda: nseg = 2 int((L / (d_lambda lambda_f) + 0.9) / 2) + 1 (Hines and Carnevale 2001,
        Neuroscientist 7:123), always odd.
        """
        if self.rule == "keep":
            return
        count = {
            "fixed": lambda section: int(self.n or 1),
            "length": lambda section: whole(section.L / float(self.max or 0)) + 1,
            "lfpy": lambda section: 1 + 2 * whole(section.L / (2.0 * float(self.max or 0))),
            "allen": lambda section: 1 + 2 * int(section.L / ALLEN_LENGTH),
            "d_lambda": self._by_length_constant,
        }[self.rule]
        numbers = []
        for section in sections:
            number = count(section)
            numbers.append(number)
            if number > vocabulary.MOST_SEGMENTS:
                raise InputError(
                    f"section {section.name()} would have {number:,} segments",
                    remedy=f"NEURON takes up to {vocabulary.MOST_SEGMENTS:,}; use longer segments",
                )
        # a small file of long branches, in other units than um as a rule, would fill the memory
        total = sum(numbers)
        if total > vocabulary.MOST_SEGMENTS_OF_CELL:
            most = vocabulary.MOST_SEGMENTS_OF_CELL
            raise InputError(
                f"the cell would have {total:,} segments, more than {most:,}",
                remedy="see whether its lengths are in um, or use longer segments",
            )
        for section, number in zip(sections, numbers, strict=True):
            section.nseg = number

    def _by_length_constant(self, section: Any) -> int:
        points = int(section.n3d())
        # NEURON has a tiny L for points in one place, and its lambda_f divides by their way
        if points > 1 and not section.arc3d(points - 1) > 0:
            raise InputError(
                f"section {section.name()} has no length",
                remedy="take it out, or move its points apart",
            )
        unit = self.d_lambda * nrn().lambda_f(self.frequency, sec=section)
        return whole((section.L / unit + 0.9) / 2 if unit > 0 else math.inf) * 2 + 1


@dataclass(frozen=True)
class Places:
    """Where the segments of a cell lie, and how they hang together.

    Attributes
    ----------
    start, end : ndarray, shape (N, 3)
        um.
    x : ndarray, shape (N,)
        Positions of their middles along their sections, 0 to 1.
    section : ndarray of int, shape (N,)
        Number of the section.
    parent : ndarray of int, shape (N,)
        Index of the segment that each hangs on, -1 for a root.
    """

    start: np.ndarray
    end: np.ndarray
    x: np.ndarray
    section: np.ndarray
    parent: np.ndarray


class PlacesOfCells:
    """Finds the `Places` of cells; cells of one shape, made in turn, share them."""

    def __init__(self) -> None:
        self._shape: list[tuple[Any, ...]] = []
        self._places: Places | None = None

    def of(self, sections: Sequence[Any]) -> Places:
        """Return where the segments of a cell are.

        The ends of a segment lie on the path of its section, at x -+ 1/(2 nseg) of the section's
        `L`, by linear interpolation of its 3-d points along their arc length.
        """
        shape = _shape_of(sections)
        if self._places is None or shape != self._shape:
            self._shape, self._places = shape, _places(sections)
        return self._places


def _shape_of(sections: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What two cells have in common if they are of one shape, to be told by a few calls."""
    number = {section: k for k, section in enumerate(sections)}
    shape = []
    for section in sections:
        above, count = section.parentseg(), section.n3d()
        facts = [section.nseg, section.L, count, section.orientation()]
        if above is not None:
            facts += [number.get(above.sec, -1), above.x]
        for k in {0, count // 2, count - 1} if count else ():
            facts += [section.x3d(k), section.y3d(k), section.z3d(k), section.arc3d(k)]
        shape.append(tuple(facts))
    return shape


def _places(sections: Sequence[Any]) -> Places:
    counts = [section.nseg for section in sections]
    first = np.cumsum([0, *counts])
    n = int(first[-1])
    start, end, x = np.empty((n, 3)), np.empty((n, 3)), np.empty(n)
    for k, line in enumerate(lines(sections)):
        span = slice(first[k], first[k + 1])
        edges = line.at(np.linspace(0.0, 1.0, counts[k] + 1))
        start[span], end[span] = edges[:-1], edges[1:]
        x[span] = (np.arange(counts[k]) + 0.5) / counts[k]
    return Places(
        start=start,
        end=end,
        x=x,
        section=np.repeat(np.arange(len(sections)), counts),
        parent=_parents(sections, first),
    )


def collect_geometry(
    sections: Sequence[Any],
    names: Sequence[str] | None = None,
    gid: int = 0,
    places: PlacesOfCells | None = None,
) -> Geometry:
    """Read the segments of sections, see `PlacesOfCells`.

    Parameters
    ----------
    sections : sequence of nrn.Section
        Sections in the order that segments are numbered in.
    names : sequence of str, optional
        Names of the sections, NEURON's own by default.
    gid : int
        Number of the cell.
    places : PlacesOfCells, optional
        What remembers where the segments of equal cells lie.

    Returns
    -------
    Geometry
    """
    lie = (places or PlacesOfCells()).of(sections)
    segments = list(itertools.chain.from_iterable(sections))
    if names is None:
        names = [section.name() for section in sections]
    return Geometry(
        lie.start,
        lie.end,
        np.array([segment.diam for segment in segments]),
        area=np.array([segment.area() for segment in segments]),
        gid=np.full(len(segments), gid, np.int64),
        section=lie.section,
        parent=lie.parent,
        x=lie.x,
        section_names=list(names),
    )


def is_deleted(section: Any) -> bool:
    """Whether a section of NEURON was deleted, by hoc or with what it belonged to."""
    try:
        return section.L is None
    except ReferenceError:
        return True


def _parents(sections: Sequence[Any], first: np.ndarray) -> np.ndarray:
    """Index of the segment that each segment hangs on, -1 for a root."""
    parents = np.arange(int(first[-1])) - 1
    number = {section: k for k, section in enumerate(sections)}
    for k, section in enumerate(sections):
        nearest_root = first[k]
        if section.orientation() == 1:
            # hung by its far end: the way to the root leads up the segments
            parents[first[k] : first[k + 1]] += 2
            nearest_root = first[k + 1] - 1
        attachment = section.parentseg()
        # a section may hang on one that was left out
        if attachment is None or attachment.sec not in number:
            parents[nearest_root] = -1
            continue
        parent = attachment.sec
        inside = min(int(attachment.x * parent.nseg), parent.nseg - 1)
        parents[nearest_root] = first[number[parent]] + inside
    return parents
