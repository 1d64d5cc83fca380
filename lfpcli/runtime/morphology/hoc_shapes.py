"""Shapes that only NEURON can read: hoc code that makes sections."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.morphology.section import Section, type_of_name
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.cell.shape import Line, lines
from lfpcli.runtime.hoc.hoc import check_measures, run_hoc_file
from lfpcli.runtime.hoc.text import (
    outside_templates,
    run_procedures,
    without_hoc_comments,
    without_strings,
)
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.morphology.build import check_free
from lfpcli.runtime.morphology.copies import SectionCopy, copied, make_copies
from lfpcli.runtime.neuron import nrn

# sections of files that were run, by path and time of change
_COPIES: dict[tuple[Path, int], list[SectionCopy]] = {}


def load_hoc(path: str | os.PathLike[str]) -> list[Any]:
    """Return the sections that a hoc file makes, with what it puts into their membrane.

    The file runs once; its sections are copied, and belong to Python alone, so that a process may
    have many such cells. Only where the file puts point processes on its sections, or defines
    procedures of NEURON's run system, which name them, they stay what they are, at the top level of
    hoc, where one such cell fits at a time.
    """
    file = Path(path).resolve()
    key = file, file.stat().st_mtime_ns if file.exists() else 0
    if key not in _COPIES:
        sections = run_hoc(path)
        segments = itertools.chain.from_iterable(sections)
        named_by_code = run_procedures(without_hoc_comments(read_text(file)))
        if named_by_code or any(segment.point_processes() for segment in segments):
            return sections
        _COPIES[key] = copied(sections)
        _delete(sections)
    return make_copies(_COPIES[key])


def run_hoc(path: str | os.PathLike[str]) -> list[Any]:
    """Let NEURON run a hoc file, and return the sections that came to be.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    list of nrn.Section
        In NEURON's order.

    Raises
    ------
    InputError
        Where the file is missing or no text, or makes no sections.
    SimulatorError
        Where hoc code fails, or would delete the sections of another cell.
    """
    h = nrn()
    file = Path(path)
    text = without_hoc_comments(read_text(file))
    code = outside_templates(text)
    declared = " ".join(re.findall(r"\bcreate\b([^\n{}]*)", without_strings(code)))
    check_free(set(re.findall(r"[A-Za-z_]\w*", declared)))
    before = set(h.allsec())
    run_hoc_file(file, again=True)
    sections = [section for section in h.allsec() if section not in before]
    if not sections:
        template = re.search(r"\bbegintemplate\s+(\w+)", text)
        remedy = "check what it declares"
        if template:
            remedy = f'a cell of its template has template = "{file.name}:{template[1]}"'
        raise InputError("makes no sections", source=path, remedy=remedy)
    check_measures(sections, file)
    return sections


def read_hoc(path: str | os.PathLike[str], *, name: str) -> Morphology:
    """Read the shape of the cell that a hoc file makes.

    The sections are made, copied, and deleted again.

    Parameters
    ----------
    path : path-like
        The file.
    name : str
        What to call it in messages.
    """
    sections = run_hoc(path)
    cylinders = [_cylinders(section) for section in sections]
    with located(name):
        laid_out = lines(sections)
    # NEURON draws sections without points that hang by their far end the wrong way round
    is_reversed = any(not s.n3d() and s.parentseg() and s.orientation() for s in sections)
    # sections without 3-d points get them here, and with them other areas
    nrn().define_shape()
    try:
        described = []
        for section, diameters, line in zip(describe(sections), cylinders, laid_out, strict=True):
            if is_reversed:
                section.points[:, :3] = _along(line, section.points[:, :3])
            if not np.isfinite(section.points).all():
                raise InputError(
                    f"section {section.name} has a point or diameter that is no number",
                    source=name,
                    remedy="correct its pt3dadd, L or diam",
                )
            described.append(replace(section, cylinders=diameters))
        return Morphology.from_sections(described, name=name, notes=_trees(described))
    finally:
        _delete(sections)


def _along(line: Line, points: np.ndarray) -> np.ndarray:
    """Points of another path at the same shares of its length, shape (P, 3), um."""
    if len(line.points) == len(points):
        return line.points
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return line.at(np.concatenate([[0.0], np.cumsum(steps)]) / max(steps.sum(), 1e-300))


def _trees(sections: Sequence[Section]) -> tuple[str, ...]:
    """A note of how many cells a file holds, where there are several."""
    roots = [section.name for section in sections if section.parent < 0]
    if len(roots) < 2:
        return ()
    listed = ", ".join(roots)
    return (f"holds {len(roots)} cells or pieces, whose trees begin with {listed}",)


def _cylinders(section: Any) -> np.ndarray:
    """Diameters of the segments of a section without 3-d points, shape (nseg,) or empty, um."""
    return np.array([] if section.n3d() else [segment.diam for segment in section], dtype=float)


def _delete(sections: Sequence[Any]) -> None:
    for section in sections:
        nrn().delete_section(sec=section)


def describe(sections: Sequence[Any]) -> list[Section]:
    """Return sections of NEURON as descriptions, each with its points, parent and wire.

    Parameters
    ----------
    sections : sequence of nrn.Section
        Sections with 3-d points.
    """
    h = nrn()
    index = {section: k for k, section in enumerate(sections)}
    described = []
    for section in sections:
        above = section.parentseg()
        parent, parent_x, wire = -1, 1.0, None
        if above is not None and above.sec in index:
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
                points=_points(section),
                parent=parent,
                parent_x=parent_x,
                wire=wire,
                child_x=section.orientation(),
                Ra=section.Ra,
                cm=section.cm,
            )
        )
    return described


def _points(section: Any) -> np.ndarray:
    """x, y, z and diameter of the 3-d points of a section of NEURON, shape (n, 4), um."""
    return np.array(
        [
            [section.x3d(i), section.y3d(i), section.z3d(i), section.diam3d(i)]
            for i in range(section.n3d())
        ]
    )
