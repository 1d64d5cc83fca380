"""Formats that NEURON reads: Neurolucida's .asc, .hoc code, NeuroML."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError
from lfpcli.runtime.morphology.tree import KINDS, Morphology
from lfpcli.runtime.neuron import nrn

# a point nearer than this to where its section hangs is that point, um
SAME_POINT = 1e-3


def load(path: str | os.PathLike[str], kind: str, into: Any = None) -> list[Any]:
    """Let NEURON load a file, and return the sections that came to be.

    Parameters
    ----------
    path : path-like
        The file.
    kind : {'asc', 'hoc', 'neuroml'}
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
    h = nrn()
    before = set(h.allsec())
    LOADERS[kind](Path(path), into)
    made = [section for section in h.allsec() if section not in before]
    if not made:
        raise InputError("makes no sections", place=path, remedy="check what it declares")
    h.define_shape()
    return made


def read(path: str | os.PathLike[str], kind: str, *, name: str) -> Morphology:
    """Read the shape of a cell through NEURON.

    The sections are made, copied, and deleted again.
    """
    sections = load(path, kind)
    try:
        return from_sections(sections, name)
    finally:
        for section in sections:
            nrn().delete_section(sec=section)


def _load_asc(path: Path, into: Any) -> None:
    h = nrn()
    reader = h.Import3d_Neurolucida3()
    reader.quiet = 1
    _import(reader, path, into)


def _load_neuroml(path: Path, into: Any) -> None:
    if re.search(rb"<neuroml[^>]*neuroml2", path.read_bytes()[:4096]):
        raise InputError(
            "is NeuroML 2; NEURON reads MorphML (NeuroML 1)",
            place=path,
            remedy="export it as SWC, for instance with pyNeuroML",
        )
    _import(nrn().Import3d_MorphML(), path, into)


def _import(reader: Any, path: Path, into: Any) -> None:
    """Run one of NEURON's importers into plain Python sections or a template."""
    h = nrn()
    try:
        reader.input(str(path))
        importer = h.Import3d_GUI(reader, 0)
        importer.instantiate(into if into is not None else h.nil)
    except RuntimeError as error:
        raise InputError(
            f"NEURON cannot read it: {error}", place=path, remedy="see NEURON's message above"
        ) from error


def _load_hoc(path: Path, into: Any) -> None:
    from lfpcli.runtime.morphology.build import check_free

    h = nrn()
    code = path.read_text(encoding="utf-8", errors="replace")
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)
    declared = " ".join(re.findall(r"\bcreate\b([^\n{}]*)", code))
    check_free(set(re.findall(r"[A-Za-z_]\w*", declared)))
    try:
        done = h.load_file(1, str(path))
    except RuntimeError as error:
        raise SimulatorError(f"hoc code fails: {error}", place=path) from error
    if not done:
        raise SimulatorError("NEURON cannot load the file", place=path)


LOADERS: dict[str, Callable[[Path, Any], None]] = {
    "asc": _load_asc,
    "hoc": _load_hoc,
    "neuroml": _load_neuroml,
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
    own: dict[Any, list[int]] = {}
    for section in _parents_first(sections):
        traced = [
            [section.x3d(i), section.y3d(i), section.z3d(i), section.diam3d(i)]
            for i in range(section.n3d())
        ]
        above = section.parentseg()
        at = -1 if above is None else _anchor(own[above.sec], points, above.x)
        if (
            at >= 0
            and len(traced) > 1
            and np.allclose(traced[0][:3], points[at][:3], atol=SAME_POINT)
        ):
            traced = traced[1:]
        kind = _type_of(section.name())
        own[section] = [at] if at >= 0 else []
        for point in traced:
            points.append(point)
            types.append(kind)
            parents.append(at)
            at = len(points) - 1
            own[section].append(at)
    return Morphology(np.array(types), np.array(points), np.array(parents), name=name)


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


def _type_of(name: str) -> int:
    """Type code of SWC for a section's name; dendrite where it says nothing."""
    base = name.rpartition(".")[2].partition("[")[0].lower()
    custom = re.fullmatch(r"dend_(\d+)", base)
    if custom:
        return int(custom[1])
    for code, kind in KINDS.items():
        if base.startswith(kind):
            return code
    return 3
