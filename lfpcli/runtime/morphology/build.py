"""Sections of NEURON from morphologies."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.morphology.tree import APICAL, AXON, DENDRITE, SOMA, Morphology
from lfpcli.runtime.neuron import nrn

# section lists that templates for NEURON use by convention
SUBSETS = {SOMA: "somatic", AXON: "axonal", DENDRITE: "basal", APICAL: "apical"}


@dataclass(frozen=True)
class Loaded:
    """Sections made from a file or a morphology.

    Attributes
    ----------
    sections : sequence of nrn.Section
        In the order in which NEURON numbers them.
    names : sequence of str
        Their names.
    kind : str
        Format they came from: ``swc``, ``asc``, ``hoc``, ``neuroml``, ``h5`` or ``memory``.
    """

    sections: Sequence[Any]
    names: Sequence[str]
    kind: str


def instantiate(morphology: Morphology, into: Any = None) -> list[Any]:
    """Make the sections of a morphology in NEURON.

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
        Where another cell's sections would be replaced.
    """
    h = nrn()
    names = [section.name for section in morphology.sections]
    made = [h.Section(name=name) for name in names] if into is None else _create(into, names)
    for section, target in zip(morphology.sections, made, strict=True):
        if section.parent >= 0:
            target.connect(made[section.parent](section.parent_x), section.child_x)
        if section.wire is not None:
            h.pt3dstyle(1, *_as_written(np.array(section.wire)).tolist(), sec=target)
        columns = [h.Vector(column) for column in _as_written(section.points).T]
        h.pt3dadd(*columns, sec=target)
    if into is not None:
        _fill_subsets(into, morphology, made)
    if any(not _touches(morphology, index) for index in range(len(made))):
        # NEURON moves what does not touch its parent; the same place as in other programs
        h.define_shape()
    return made


def _as_written(values: np.ndarray) -> np.ndarray:
    """Round to eight digits, as Import3d does when it passes coordinates on as text."""
    return np.array([f"{v:.8g}" for v in values.ravel().tolist()], dtype=float).reshape(
        values.shape
    )


def _touches(morphology: Morphology, index: int) -> bool:
    """Whether a section begins where it hangs on its parent."""
    section = morphology.sections[index]
    if section.parent < 0 or section.wire is not None:
        return True
    line = morphology.sections[section.parent].points
    end = line[-1, :3] * section.parent_x + line[0, :3] * (1 - section.parent_x)
    return bool(np.allclose(section.points[0, :3], end, rtol=1e-6, atol=1e-6))


def _create(into: Any, names: list[str]) -> list[Any]:
    """Declare section arrays to hoc and return their members in the order of `names`."""
    h = nrn()
    top = into is h
    check_free({name.partition("[")[0] for name in names} if top else set())
    for base, count in Counter(name.partition("[")[0] for name in names).items():
        if top:
            h(f"create {base}[{count}]")
        else:
            h.execute(f"~create {base}[{count}]", into)
    keys = [name.rstrip("]").partition("[") for name in names]
    return [getattr(into, base)[int(number)] for base, _, number in keys]


def check_free(bases: set[str]) -> None:
    """Raise `SimulatorError` where hoc's top level has sections of these names."""
    taken = {
        section.name().partition("[")[0]
        for section in nrn().allsec()
        if section.cell() is None and not section.hoc_internal_name().startswith("__nrnsec_")
    }
    if taken & bases:
        raise SimulatorError(
            f"sections named '{min(taken & bases)}' exist at hoc's top level and would be deleted",
            remedy="put the cell into a template of its own, "
            "or convert its shape: lfp morph CELL.hoc -o CELL.swc",
        )


def _fill_subsets(into: Any, morphology: Morphology, made: list[Any]) -> None:
    for section, target in zip(morphology.sections, made, strict=True):
        for name in ("all", SUBSETS.get(section.type, "")):
            subset = getattr(into, name, None) if name else None
            if subset is not None and hasattr(subset, "wholetree"):
                subset.append(sec=target)


def load_sections(source: str | os.PathLike[str] | Morphology, into: Any = None) -> Loaded:
    """Load a cell's sections from a file of any known format, or from memory.

    Cells loaded before stay as they are.

    Parameters
    ----------
    source : path-like or Morphology
        A .swc, .h5, .asc, .hoc, .xml or .nml file, or a morphology.
    into : optional
        See `instantiate`; .hoc files always create their own.

    Returns
    -------
    Loaded
    """
    from lfpcli.runtime.morphology import foreign, reading

    if isinstance(source, Morphology):
        made, kind = instantiate(source, into), "memory"
    else:
        kind = reading.kind_of_file(source)
        if kind in foreign.LOADERS:
            made = foreign.load(source, kind, into)
        else:
            made = instantiate(reading.read_morphology(source), into)
    return Loaded(made, [section.name() for section in made], kind)
