"""Sections of NEURON: how many segments they get, and where those lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.geometry import Geometry
from lfpcli.runtime.neuron import nrn
from lfpcli.vocabulary import MOST_SEGMENTS


@dataclass(frozen=True)
class Discretisation:
    """How many segments a section gets.

    Attributes
    ----------
    rule : {'d_lambda', 'length', 'fixed', 'keep'}
        By the length constant at `frequency`, by a largest length, a number for all sections, or
        as the sections have it.
    d_lambda : float
        Largest length of a segment in units of the length constant.
    frequency : float
        Frequency at which that constant is taken, Hz.
    max : float
        Largest length of a segment, um, for ``length``.
    n : int
        Number of segments of each section, for ``fixed``.
    """

    rule: str = "d_lambda"
    d_lambda: float = 0.1
    frequency: float = 100.0
    max: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        rules = ("d_lambda", "length", "fixed", "keep")
        if self.rule not in rules:
            raise UsageError(
                f"unknown rule '{self.rule}' for segments",
                remedy=nearest(self.rule, rules, "rule"),
            )
        if self.rule == "fixed" and not (self.n and self.n > 0):
            raise UsageError("the rule 'fixed' for segments needs 'n', a number above zero")
        if self.rule == "length" and not (self.max and self.max > 0):
            raise UsageError("the rule 'length' for segments needs 'max', a length in um")

    def apply(self, sections: Sequence[Any]) -> None:
        """Set `nseg` of each section.

        d_lambda: nseg = 2 int((L / (d_lambda lambda_f) + 0.9) / 2) + 1 (Hines and Carnevale 2001,
        Neuroscientist 7:123), always odd.
        """
        if self.rule == "keep":
            return
        for section in sections:
            number = self._number(section)
            if number > MOST_SEGMENTS:
                raise InputError(
                    f"section {section.name()} would have {number:,} segments",
                    remedy=f"NEURON takes up to {MOST_SEGMENTS:,}; use longer segments",
                )
            section.nseg = number

    def _number(self, section: Any) -> int:
        if self.rule == "fixed":
            return int(self.n or 1)
        if self.rule == "length":
            return int(section.L / float(self.max or 0)) + 1
        unit = self.d_lambda * nrn().lambda_f(self.frequency, sec=section)
        return int((section.L / unit + 0.9) / 2) * 2 + 1


def collect_geometry(
    sections: Sequence[Any], names: Sequence[str] | None = None, gid: int = 0
) -> Geometry:
    """Read the segments of sections.

    The ends of a segment lie on the traced path, at x -+ 1/(2 nseg) of the section's `L`, by
    linear interpolation of its 3-d points along their arc length.

    Parameters
    ----------
    sections : sequence of nrn.Section
        Sections in the order that segments are numbered in.
    names : sequence of str, optional
        Names of the sections, NEURON's own by default.
    gid : int
        Number of the cell.

    Returns
    -------
    Geometry
    """
    if any(section.n3d() < 2 for section in sections):
        nrn().define_shape()
    counts = [section.nseg for section in sections]
    first = np.cumsum([0, *counts])
    n = int(first[-1])
    start, end = np.empty((n, 3)), np.empty((n, 3))
    for k, section in enumerate(sections):
        edges = _edges(section)
        start[first[k] : first[k + 1]] = edges[:-1]
        end[first[k] : first[k + 1]] = edges[1:]
    segments = [segment for section in sections for segment in section]
    if names is None:
        names = [section.name() for section in sections]
    return Geometry(
        start,
        end,
        np.array([s.diam for s in segments]),
        area=np.array([s.area() for s in segments]),
        gid=np.full(n, gid, np.int64),
        section=np.repeat(np.arange(len(sections)), np.diff(first)),
        parent=_parents(sections, first),
        x=np.array([s.x for s in segments]),
        section_names=list(names),
    )


def is_deleted(section: Any) -> bool:
    """Whether a section of NEURON was deleted, by hoc or with what it belonged to."""
    try:
        return section.L is None
    except ReferenceError:
        return True


def _edges(section: Any) -> np.ndarray:
    """End points of the segments of a section, shape (nseg + 1, 3)."""
    count = section.n3d()
    arc = np.array([section.arc3d(i) for i in range(count)])
    if section.L > 0:
        arc = arc / section.L
    at = np.linspace(0.0, 1.0, section.nseg + 1)
    edges = np.empty((len(at), 3))
    for axis, coordinate in enumerate((section.x3d, section.y3d, section.z3d)):
        edges[:, axis] = np.interp(at, arc, [coordinate(i) for i in range(count)])
    return edges


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
