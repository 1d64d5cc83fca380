"""Sections as what is written down of them, by which they can be made again and again.

hoc code makes its sections at the top level, where there is one of each name. What it makes once is
copied here, with all that it put into the membrane, into sections that belong to Python alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.runtime.cell.points import parameter_names
from lfpcli.runtime.neuron import nrn

# nothing to set: those that every section has
_ALWAYS = ("capacitance", "morphology")


@dataclass(frozen=True, kw_only=True)
class SectionCopy:
    """A section of NEURON, written down.

    Attributes
    ----------
    name : str
        Its name, without that of a template.
    length, resistivity : float
        um, ohm cm.
    parent : int
        Number of the parent, -1 for a root.
    parent_x, child_x : float
        Where on the parent it hangs, and by which end.
    points : ndarray, shape (P, 4)
        x, y, z and diameter of its 3-d points, um.
    wire : tuple of float or None
        The point on the parent that a wire without weight joins to its first point.
    segments : list of dict of str to float
        For each segment the values of range variables.
    mechanisms : tuple of str
        Density mechanisms.
    """

    name: str
    length: float
    resistivity: float
    parent: int
    parent_x: float
    child_x: float
    points: np.ndarray
    wire: tuple[float, float, float] | None
    segments: list[dict[str, Any]] = field(default_factory=list)
    mechanisms: tuple[str, ...] = ()


def copied(sections: Sequence[Any]) -> list[SectionCopy]:
    """Write sections down.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections of one or several cells.

    Returns
    -------
    list of SectionCopy
    """
    number = {section: k for k, section in enumerate(sections)}
    copies = []
    for section in sections:
        above = section.parentseg()
        parent, parent_x = -1, 1.0
        if above is not None and above.sec in number:
            parent, parent_x = number[above.sec], above.x
        names = [mechanism.name() for mechanism in section(0.5)]
        mechanisms = tuple(name for name in names if name not in _ALWAYS)
        copies.append(
            SectionCopy(
                name=str(section.name()).rpartition(".")[2],
                length=section.L,
                resistivity=section.Ra,
                parent=parent,
                parent_x=parent_x,
                child_x=section.orientation(),
                points=_points(section),
                wire=_wire(section),
                segments=[_values(segment, mechanisms) for segment in section],
                mechanisms=mechanisms,
            )
        )
    return copies


def _points(section: Any) -> np.ndarray:
    points = np.empty((section.n3d(), 4))
    for k in range(len(points)):
        points[k] = section.x3d(k), section.y3d(k), section.z3d(k), section.diam3d(k)
    return points


def _wire(section: Any) -> tuple[float, float, float] | None:
    h = nrn()
    if h.pt3dstyle(sec=section) != 1:
        return None
    x, y, z = h.ref(0.0), h.ref(0.0), h.ref(0.0)
    h.pt3dstyle(1, x, y, z, sec=section)
    return x[0], y[0], z[0]


def _values(segment: Any, mechanisms: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"cm": segment.cm, "diam": segment.diam}
    for mechanism in mechanisms:
        names = list(parameter_names(mechanism))
        if mechanism.endswith("_ion"):
            # concentrations and reversal potentials of ions are no parameters to NEURON
            ion = mechanism.removesuffix("_ion")
            names += [f"e{ion}", f"{ion}i", f"{ion}o"]
        for name in names:
            value = getattr(segment, name, None)
            # an array of parameters is read element by element
            values[name] = value if isinstance(value, float) or value is None else list(value)
    return values


def make_copies(copies: Sequence[SectionCopy]) -> list[Any]:
    """Make sections of NEURON that belong to Python, as they were written down.

    Returns
    -------
    list of nrn.Section
    """
    h = nrn()
    sections = [h.Section(name=copy.name) for copy in copies]
    for copy, section in zip(copies, sections, strict=True):
        if copy.parent >= 0:
            section.connect(sections[copy.parent](copy.parent_x), copy.child_x)
        if copy.wire is not None:
            h.pt3dstyle(1, *copy.wire, sec=section)
        if len(copy.points):
            h.pt3dadd(*map(h.Vector, np.ascontiguousarray(copy.points.T)), sec=section)
        else:
            section.L = copy.length
        section.nseg = len(copy.segments)
        section.Ra = copy.resistivity
        for mechanism in copy.mechanisms:
            # an ion comes with the mechanism that uses it
            if not mechanism.endswith("_ion"):
                section.insert(mechanism)
        for segment, values in zip(section, copy.segments, strict=True):
            _set(segment, values, with_diameter=not len(copy.points))
    return sections


def _set(segment: Any, values: dict[str, Any], *, with_diameter: bool) -> None:
    for name, value in values.items():
        # 3-d points say the diameter
        if value is None or (name == "diam" and not with_diameter):
            continue
        if isinstance(value, list):
            target = getattr(segment, name)
            for k, element in enumerate(value):
                target[k] = element
        else:
            setattr(segment, name, value)
