"""Sections of NEURON from morphologies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.morphology.section import APICAL, AXON, DENDRITE, SOMA, Section
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.biophysics import apply_biophysics
from lfpcli.runtime.neuron import nrn

# section lists that templates for NEURON use by convention
SUBSETS = {SOMA: "somatic", AXON: "axonal", DENDRITE: "basal", APICAL: "apical"}


def instantiate(morphology: Morphology, into: Any = None) -> list[Any]:
    """Make the sections of a morphology in NEURON, with the biophysics of its file.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    into : optional
        Where hoc code will look for the sections: a template object that declares ``soma``,
        ``dend``, ``apic``, ``axon`` as needed, or ``nrn()`` for the top level of hoc, where one
        cell fits at a time. By default they belong to Python alone.

    Returns
    -------
    list of nrn.Section
        In the order of ``morphology.sections``.

    Raises
    ------
    SimulatorError
        Where another cell's sections would be replaced, or NEURON lacks a mechanism.
    """
    sections = make_sections(morphology.sections, into)
    if morphology.biophysics is not None:
        names = [section.name for section in morphology.sections]
        apply_biophysics(sections, names, morphology.biophysics)
    return sections


def make_sections(sections: Sequence[Section], into: Any = None) -> list[Any]:
    """Make sections of NEURON, joined, with their 3-d points; see `instantiate`."""
    h = nrn()
    names = [section.name for section in sections]
    targets = _create(into, names)
    for section, target in zip(sections, targets, strict=True):
        if section.parent >= 0:
            target.connect(targets[section.parent](section.parent_x), section.child_x)
        if section.wire is not None:
            h.pt3dstyle(1, *section.wire, sec=target)
        # a vector takes what lies side by side at once
        columns = map(h.Vector, np.ascontiguousarray(section.points.T))
        h.pt3dadd(*columns, sec=target)
    if into is not None:
        _fill_subsets(into, sections, targets)
    return targets


def _create(into: Any, names: list[str]) -> list[Any]:
    """Declare section arrays to hoc and return their members in the order of `names`."""
    h = nrn()
    if into is None:
        return [h.Section(name=name) for name in names]
    counts = Counter(name.partition("[")[0] for name in names)
    top = into is h
    if top:
        check_free(set(counts))
    for base, count in counts.items():
        if top:
            h(f"create {base}[{count}]")
        else:
            h.execute(f"~create {base}[{count}]", into)
    keys = [name.rstrip("]").partition("[") for name in names]
    # a section without a number is the only one of its name
    return [getattr(into, base)[int(number or 0)] for base, _, number in keys]


def check_free(bases: set[str]) -> None:
    """Raise `SimulatorError` where hoc's top level has sections of these names."""
    taken = {
        section.name().partition("[")[0]
        for section in nrn().allsec()
        if section.cell() is None and not section.is_pysec()
    }
    if taken & bases:
        raise SimulatorError(
            f"sections named '{min(taken & bases)}' exist at hoc's top level and would be deleted",
            remedy="put the cell into a template of its own, "
            "or convert its shape: lfp morph CELL.hoc -o CELL.swc",
        )


def _fill_subsets(into: Any, sections: Sequence[Section], targets: list[Any]) -> None:
    for section, target in zip(sections, targets, strict=True):
        names = ["all"]
        if section.type in SUBSETS:
            names.append(SUBSETS[section.type])
        for name in names:
            subset = getattr(into, name, None)
            # a template may have something else of that name
            if subset is not None and hasattr(subset, "wholetree"):
                subset.append(sec=target)
