"""A built cell as a hoc template of its own, all of it in numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.runtime.cell.points import density_mechanism_names, parameter_names
from lfpcli.runtime.neuron import nrn

# kinds of sections that readers of circuits know, by the names of their arrays
SECTION_TYPES = ("soma", "axon", "dend", "apic")
# hoc refuses procedures that are too long
_STATEMENTS = 200
_EXTRACELLULAR = "extracellular"


@dataclass(kw_only=True)
class FrozenCell:
    """A cell as text.

    Attributes
    ----------
    text : str
        The hoc template.
    names : list of str
        Names that its sections have, in their order.
    renamed : list of str
        Sections whose own names are none that circuits know.
    lost : list of str
        What it had and the text does not hold, in words.
    mechanisms : set of str
        Its density mechanisms.
    """

    text: str
    names: list[str]
    renamed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    mechanisms: set[str] = field(default_factory=set)


def freeze(
    template: str,
    sections: Sequence[Any],
    names: Sequence[str],
    *,
    elsewhere: Collection[str] = (),
) -> FrozenCell:
    """Write a cell as a hoc template that needs no other file.

    Parameters
    ----------
    template : str
        Name of the template.
    sections : sequence of nrn.Section
        The sections; the list `all` of the template has their order.
    names : sequence of str
        Their names.
    elsewhere : collection of str
        NEURON's names of point processes that others write down, such as synapses.

    Returns
    -------
    FrozenCell
    """
    own_names, renamed = _array_names(names)
    number = {section: k for k, section in enumerate(sections)}
    statements: list[str] = []
    frozen = FrozenCell(text="", names=own_names, renamed=renamed)
    for name, section in zip(own_names, sections, strict=True):
        statements += [f"{name} all.append()"]
        statements += _points(name, section)
    for name, section in zip(own_names, sections, strict=True):
        above = section.parentseg()
        if above is not None and above.sec in number:
            parent = own_names[number[above.sec]]
            statements.append(f"connect {name}({section.orientation():g}), {parent}({above.x!r})")
    for name, section in zip(own_names, sections, strict=True):
        statements += _cable(name, section, frozen, elsewhere)
    for mechanism in sorted(frozen.mechanisms):
        statements += _globals(mechanism)
    frozen.text = _template(template, own_names, statements)
    frozen.lost = sorted(set(frozen.lost))
    return frozen


def _array_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names that hoc and bmtk know: arrays of the four types, numbered in the order of sections."""
    counts = dict.fromkeys(SECTION_TYPES, 0)
    own_names: list[str] = []
    renamed: list[str] = []
    for name in names:
        short = name.rpartition(".")[2].partition("[")[0]
        section_type = short if short in counts else "dend"
        if section_type != short:
            renamed.append(name)
        own_names.append(f"{section_type}[{counts[section_type]}]")
        counts[section_type] += 1
    if not counts["soma"] and own_names:
        # the first section takes the part of the soma, to which places refer
        renamed.append(names[0])
        own_names = _array_names(["soma", *names[1:]])[0]
    return own_names, renamed


def _points(name: str, section: Any) -> Iterator[str]:
    count = section.n3d()
    for k in range(count):
        numbers = (section.x3d(k), section.y3d(k), section.z3d(k), section.diam3d(k))
        yield f"{name} pt3dadd({', '.join(map(repr, numbers))})"
    h = nrn()
    if count and h.pt3dstyle(sec=section) == 1:
        # points that stay where they are, though they begin beside their parent
        wire = h.ref(0.0), h.ref(0.0), h.ref(0.0)
        h.pt3dstyle(1, *wire, sec=section)
        yield f"{name} pt3dstyle(1, {', '.join(repr(axis[0]) for axis in wire)})"
    if not count:
        yield f"{name} {{ L = {section.L!r} diam = {section.diam!r} }}"


def _cable(
    name: str, section: Any, frozen: FrozenCell, elsewhere: Collection[str]
) -> Iterator[str]:
    yield f"{name} {{ nseg = {section.nseg} Ra = {section.Ra!r} }}"
    segments = list(section)
    yield from _ranged(name, "cm", segments, [segment.cm for segment in segments])
    if not section.n3d():
        yield from _ranged(name, "diam", segments, [segment.diam for segment in segments])
    known = set(density_mechanism_names())
    facts = section.psection()
    mechanisms = [each for each in facts["density_mechs"] if each in known]
    for mechanism, points in facts["point_processes"].items():
        if any(point.hname() not in elsewhere for point in points):
            frozen.lost.append(f"the point process {mechanism} of the cell itself")
    if _EXTRACELLULAR in mechanisms or section.has_membrane(_EXTRACELLULAR):
        frozen.lost.append("the mechanism extracellular")
    for mechanism in mechanisms:
        if mechanism == _EXTRACELLULAR:
            continue
        frozen.mechanisms.add(mechanism)
        yield f"{name} insert {mechanism}"
        standard = nrn().MechanismStandard(mechanism, 1)
        for parameter in parameter_names(mechanism):
            values = [getattr(segment, parameter, None) for segment in segments]
            if isinstance(values[0], float) and any(v != standard.get(parameter) for v in values):
                yield from _ranged(name, parameter, segments, values)
    for ion in facts["ions"]:
        values = [getattr(segment, f"e{ion}") for segment in segments]
        yield from _ranged(name, f"e{ion}", segments, values)


def _globals(mechanism: str) -> Iterator[str]:
    """Set the GLOBAL variables of a mechanism, which all of its segments share.

    NEURON does not tell which were changed, so that all are set.
    """
    h = nrn()
    standard, name = h.MechanismStandard(mechanism, -1), h.ref("")
    for number in range(int(standard.count())):
        size = int(standard.name(name, number))
        variable = str(name[0])
        value = getattr(h, variable)
        if size == 1:
            yield f"{variable} = {float(value)!r}"
        else:
            for index in range(size):
                yield f"{variable}[{index}] = {float(value[index])!r}"


def _ranged(name: str, variable: str, segments: Sequence[Any], values: list[Any]) -> Iterator[str]:
    """Set a variable of a section, of each segment where they differ."""
    if len(set(values)) == 1:
        yield f"{name} {variable} = {values[0]!r}"
        return
    for segment, value in zip(segments, values, strict=True):
        yield f"{name} {variable}({segment.x!r}) = {value!r}"


def _template(template: str, names: Sequence[str], statements: Sequence[str]) -> str:
    types = [each.partition("[")[0] for each in names]
    sizes = {each: types.count(each) for each in SECTION_TYPES if each in types}
    lines = [
        f"begintemplate {template}",
        f"public all, {', '.join(sizes)}",
        f"create {', '.join(f'{each}[{size}]' for each, size in sizes.items())}",
        "objref all",
        "",
    ]
    calls = []
    for number, first in enumerate(range(0, len(statements), _STATEMENTS)):
        calls.append(f"    part_{number}()")
        lines.append(f"proc part_{number}() {{")
        lines += [f"    {line}" for line in statements[first : first + _STATEMENTS]]
        lines += ["}", ""]
    lines += ["proc init() {", "    all = new SectionList()", *calls, "}", ""]
    return "\n".join([*lines, f"endtemplate {template}", ""])


def euler_angles_zyx(rotation: np.ndarray) -> np.ndarray:
    """Angles about the fixed axes, first z, then y, then x, that make a rotation matrix.

    Parameters
    ----------
    rotation : ndarray, shape (3, 3)
        The matrix Rx Ry Rz.

    Returns
    -------
    ndarray, shape (3,)
        About x, y and z, rad.
    """
    about_y = np.arcsin(np.clip(rotation[0, 2], -1.0, 1.0))
    if abs(rotation[0, 2]) > 1.0 - 1e-12:
        # x and z turn about one axis: all of it goes to x
        return np.array([np.arctan2(rotation[2, 1], rotation[1, 1]), about_y, 0.0])
    about_x = np.arctan2(-rotation[1, 2], rotation[2, 2])
    about_z = np.arctan2(-rotation[0, 1], rotation[0, 0])
    return np.array([about_x, about_y, about_z])
