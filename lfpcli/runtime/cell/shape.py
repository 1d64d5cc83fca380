"""Where the sections of a cell lie, as NEURON would lay them out.

NEURON draws sections without 3-d points as straight lines and moves each section to where it hangs
on its parent, but does so for all cells of the process at once, gives those sections 3-d points,
from which it computes their areas anew, and rounds lengths to single precision. Here the sections
themselves stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.runtime.neuron import nrn

# sections that hang on one place of a parent fan out over this angle, rad
FAN = 0.8
# um between sections that hang on nothing
ROOT_DISTANCE = 100.0
# nearer than this to where it hangs a section is where it belongs, um; NEURON's points have
# single precision
TOUCHING = 1e-4


@dataclass(frozen=True)
class Line:
    """The path of a section.

    Attributes
    ----------
    points : ndarray, shape (P, 3)
        From its start to its end, um.
    arc : ndarray, shape (P,)
        Where on the section each is, 0 to 1.
    """

    points: np.ndarray
    arc: np.ndarray

    def at(self, x: np.ndarray) -> np.ndarray:
        """Places at positions from 0 to 1 along the section, shape (len(x), 3), um."""
        places = np.empty((len(x), 3))
        for axis in range(3):
            places[:, axis] = np.interp(x, self.arc, self.points[:, axis])
        return places

    def attachment(self, x: float) -> np.ndarray:
        """Place on the straight line between the ends, where sections hang, shape (3,), um."""
        attached: np.ndarray = self.points[0] * (1.0 - x) + self.points[-1] * x
        return attached


def lines(sections: Sequence[Any]) -> list[Line]:
    """Lay out the sections of one cell, or of several.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections; one whose parent is not among them is taken for a root.

    Returns
    -------
    list of Line

    Raises
    ------
    InputError
        Where sections hang on each other.
    """
    number = {section: k for k, section in enumerate(sections)}
    laid_out: list[Line | None] = [None] * len(sections)
    roots = 0
    for first in range(len(sections)):
        # up to the root, or to a section that lies already, and back again
        way = [first]
        while laid_out[way[-1]] is None:
            parent = _parent(sections[way[-1]], number)
            if parent is None:
                break
            if len(way) == len(sections):
                raise InputError(
                    f"sections hang on each other in a ring, {sections[parent].name()} among them",
                    remedy="connect one of them elsewhere",
                )
            way.append(parent)
        for k in reversed(way):
            if laid_out[k] is not None:
                continue
            section = sections[k]
            parent = _parent(section, number)
            if parent is None:
                begin = np.array([0.0, 0.0, ROOT_DISTANCE * roots])
                laid_out[k] = _traced(section) or _straight(section, begin, angle=0.0)
                roots += 1
            else:
                laid_out[k] = _hung(section, laid_out[parent])
    return [line for line in laid_out if line is not None]


def _parent(section: Any, number: dict[Any, int]) -> int | None:
    above = section.parentseg()
    if above is None:
        return None
    return number.get(above.sec)


def _traced(section: Any) -> Line | None:
    """The 3-d points of a section; None where it has none."""
    count = section.n3d()
    if count < 2:
        return None
    points = np.empty((count, 3))
    arc = np.empty(count)
    for k in range(count):
        points[k] = section.x3d(k), section.y3d(k), section.z3d(k)
        arc[k] = section.arc3d(k)
    if section.L > 0:
        # L of the section, not the length of the points, is what its positions refer to
        arc /= section.L
    return Line(points, arc)


def _straight(section: Any, begin: np.ndarray, angle: float) -> Line:
    """A section without 3-d points, in the plane of x and y."""
    step = section.L * np.array([math.cos(angle), math.sin(angle), 0.0])
    points = np.array([begin, begin + step])
    if section.orientation() == 1.0:
        points = points[::-1]
    return Line(points, np.array([0.0, 1.0]))


def _hung(section: Any, parent: Line | None) -> Line:
    """A section where it hangs on its parent."""
    assert parent is not None
    above = section.parentseg()
    attached = parent.attachment(above.x)
    line = _traced(section)
    if line is None:
        return _straight(section, attached, _direction(section, parent))
    shift = attached - _begin(section, line)
    if np.abs(shift).max() < TOUCHING:
        return line
    return Line(line.points + shift, line.arc)


def _begin(section: Any, line: Line) -> np.ndarray:
    """The point by which a section hangs on its parent: an end of it, or of the wire to it."""
    h = nrn()
    if h.pt3dstyle(sec=section) == 1:
        x, y, z = h.ref(0.0), h.ref(0.0), h.ref(0.0)
        h.pt3dstyle(1, x, y, z, sec=section)
        return np.array([x[0], y[0], z[0]])
    begin: np.ndarray = line.points[-1 if section.orientation() == 1.0 else 0]
    return begin


def _direction(section: Any, parent: Line) -> float:
    """Angle in the plane of x and y, by that of the parent.

    Sections leave the end of the parent along it, its start the other way, and in between at a
    right angle, to one side from its first half and to the other from its second; those that leave
    from one place fan out.
    """
    x = section.parentseg().x
    along = parent.points[-1] - parent.points[0]
    angle = 0.0
    if np.abs(along[:2]).max() >= 1e-6:
        angle = math.atan2(along[1], along[0])
        if x == 0.0:
            angle += math.pi
    if 0.0 < x < 1.0:
        angle += math.copysign(0.5 * math.pi, x - 0.5)
    siblings = [s for s in section.parentseg().sec.children() if s.parentseg().x == x]
    if len(siblings) > 1:
        angle += FAN * (siblings.index(section) / (len(siblings) - 1) - 0.5)
    return angle
