"""Formats that NEURON reads: Neurolucida's .asc, and .hoc code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError
from lfpcli.morphology.section import Section, type_name, type_of_name
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.build import SUBSETS, check_free, make_sections
from lfpcli.runtime.neuron import nrn

# a point nearer than this to where its section hangs is that point, um
SAME_POINT = 1e-3


def load(path: str | os.PathLike[str], format_name: str, into: Any = None) -> list[Any]:
    """Let NEURON load a file, and return the sections that came to be.

    Parameters
    ----------
    path : path-like
        The file.
    format_name : {'asc', 'hoc'}
        Its format.
    into : optional
        See `lfpcli.runtime.morphology.build.instantiate`; hoc files take no notice of it.

    Returns
    -------
    list of nrn.Section
        In NEURON's order, each with its 3-d points.

    Raises
    ------
    InputError
        Where the file holds no sections or NEURON cannot read it.
    SimulatorError
        Where hoc code fails, or would delete the sections of another cell.
    """
    sections = LOADERS[format_name](Path(path), into)
    if not sections:
        raise InputError("makes no sections", source=path, remedy="check what it declares")
    nrn().define_shape()
    return sections


def read(path: str | os.PathLike[str], format_name: str, *, name: str) -> Morphology:
    """Read the shape of a cell through NEURON.

    The sections are made, copied, and deleted again.
    """
    sections = load(path, format_name)
    try:
        return from_sections(sections, name)
    finally:
        _delete(sections)


def _delete(sections: list[Any]) -> None:
    for section in sections:
        nrn().delete_section(sec=section)


def _load_asc(path: Path, into: Any) -> list[Any]:
    """Run NEURON's importer, and make the sections again with their plain names."""
    h = nrn()
    before = set(h.allsec())
    try:
        reader = h.Import3d_Neurolucida3()
        reader.quiet = 1
        reader.input(str(path))
        if reader.sections is None or len(reader.sections) == 0:
            raise InputError(
                "holds no sections", source=path, remedy="check that it is Neurolucida"
            )
        # a template of its own, since at top level hoc replaces sections of the same name
        holder = _import_template(int(reader.type.min()), int(reader.type.max()))
        h.Import3d_GUI(reader, 0).instantiate(holder)
    except RuntimeError as error:
        _delete([section for section in h.allsec() if section not in before])
        raise InputError(
            f"NEURON cannot read it: {error}", source=path, remedy="see NEURON's message above"
        ) from error
    loaded = [section for section in h.allsec() if section not in before]
    copies = describe(loaded)
    _delete(loaded)
    return make_sections(copies, into)


def _import_template(lowest: int, highest: int) -> Any:
    """Return an object of a hoc template that takes sections of the types from one to another."""
    h = nrn()
    name = f"LfpImport_{lowest}_{highest}".replace("-", "m")
    if not hasattr(h, name):
        codes = range(lowest, highest + 1)
        lists = ["all", *(SUBSETS.get(code, f"dendritic_{code}") for code in codes)]
        statements = " ".join(f"{subset} = new SectionList()" for subset in lists)
        h(
            f"begintemplate {name}\n"
            f"public {', '.join(lists)}\n"
            f"objref {', '.join(lists)}\n"
            f"create {', '.join(f'{type_name(code)}[1]' for code in codes)}\n"
            f"proc init() {{ {statements} }}\n"
            f"endtemplate {name}\n"
        )
    return getattr(h, name)()


def describe(sections: Sequence[Any]) -> list[Section]:
    """Return sections of NEURON as descriptions, each with its points, parent and wire."""
    h = nrn()
    index = {section: k for k, section in enumerate(sections)}
    described = []
    for section in sections:
        above = section.parentseg()
        parent, parent_x, wire = -1, 1.0, None
        if above is not None:
            parent, parent_x = index[above.sec], above.x
        if h.pt3dstyle(sec=section) == 1:
            # NEURON draws a straight wire from here to the first point
            x, y, z = h.ref(0.0), h.ref(0.0), h.ref(0.0)
            h.pt3dstyle(1, x, y, z, sec=section)
            wire = (x[0], y[0], z[0])
        name = section.name().rpartition(".")[2]
        described.append(
            Section(
                name=name,
                type=type_of_name(name),
                points=np.array(traced_points(section)),
                parent=parent,
                parent_x=parent_x,
                wire=wire,
                child_x=section.orientation(),
            )
        )
    return described


def traced_points(section: Any) -> list[list[float]]:
    """x, y, z and diameter of the 3-d points of a section of NEURON, um."""
    return [
        [section.x3d(i), section.y3d(i), section.z3d(i), section.diam3d(i)]
        for i in range(section.n3d())
    ]


def _load_hoc(path: Path, into: Any) -> list[Any]:
    h = nrn()
    code = path.read_text(encoding="utf-8", errors="replace")
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)
    declared = " ".join(re.findall(r"\bcreate\b([^\n{}]*)", code))
    check_free(set(re.findall(r"[A-Za-z_]\w*", declared)))
    before = set(h.allsec())
    try:
        done = h.load_file(1, str(path))
    except RuntimeError as error:
        raise SimulatorError(
            f"hoc code fails: {error}", source=path, remedy="see NEURON's message above"
        ) from error
    if not done:
        raise SimulatorError("NEURON cannot load the file", source=path)
    return [section for section in h.allsec() if section not in before]


LOADERS: dict[str, Callable[[Path, Any], list[Any]]] = {
    "asc": _load_asc,
    "hoc": _load_hoc,
}


def from_sections(sections: list[Any], name: str) -> Morphology:
    """Return the points of sections of NEURON as a morphology.

    What a file of points cannot say is lost: a neurite that hangs on a soma by a wire hangs on
    the nearest point of that soma, and the first diameter of a section is that of its parent.

    Parameters
    ----------
    sections : list of nrn.Section
        The sections, with 3-d points.
    name : str
        What to call the morphology.
    """
    points: list[list[float]] = []
    types: list[int] = []
    parents: list[int] = []
    rows: dict[Any, list[int]] = {}
    for section in _parents_first(sections):
        traced = traced_points(section)
        above = section.parentseg()
        at = -1
        rows[section] = []
        if above is not None:
            at = _anchor(rows[above.sec], points, above.x)
            rows[section].append(at)
            begins_there = np.allclose(traced[0][:3], points[at][:3], atol=SAME_POINT)
            if begins_there and len(traced) > 1:
                traced = traced[1:]
        for point in traced:
            points.append(point)
            types.append(type_of_name(section.name()))
            parents.append(at)
            at = len(points) - 1
            rows[section].append(at)
    return Morphology(
        types=np.array(types), points=np.array(points), parents=np.array(parents), name=name
    )


def _anchor(candidates: list[int], points: list[list[float]], x: float) -> int:
    """Point of a section nearest to a place along it, 0 to 1."""
    line = np.array([points[k][:3] for k in candidates])
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return candidates[int(np.argmin(np.abs(arc - x * arc[-1])))]


def _parents_first(sections: list[Any]) -> list[Any]:
    """Sections branch by branch, each after its parent."""
    inside = set(sections)
    children: dict[Any, list[Any]] = {}
    roots = []
    for section in sections:
        above = section.parentseg()
        if above is None or above.sec not in inside:
            roots.append(section)
        else:
            children.setdefault(above.sec, []).append(section)
    stack, ordered = roots[::-1], []
    while stack:
        section = stack.pop()
        ordered.append(section)
        stack.extend(reversed(children.get(section, ())))
    return ordered
