"""Where a cell of a file stands that no table places: at the origin, or where the file has it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from lfpcli import vocabulary
from lfpcli.model import CellSpec, Model
from lfpcli.morphology.section import SOMA
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.reading import read_morphology

# a soma nearer to the origin than this is there, um
_AT_ORIGIN = 1e-3


@lru_cache(maxsize=256)
def _read(path: Path, repair: bool, cell_id: str | None) -> Morphology:
    """Read a file once for all that ask for it."""
    return read_morphology(path, repair=repair, cell_id=cell_id)


def morphology_of(spec: CellSpec) -> Morphology | None:
    """The morphology of a kind of cell; None where hoc code makes it."""
    path = spec.morphology
    if path is None or spec.template is not None or path.suffix.lower() == ".hoc":
        return None
    cell_id = None
    if spec.neuroml is None:
        cell_id = spec.cell_id
    return _read(path, spec.repair, cell_id)


def standing_place(spec: CellSpec) -> np.ndarray:
    """Place of the soma of a cell that no table places, shape (3,), um.

    A stated shift comes first, then what the cell's own file says, where ``lfp morph`` has placed
    the cell or `origin` asks for it.
    """
    shift = np.asarray(spec.shift, dtype=float)
    if "shift" in spec.stated or spec.origin == vocabulary.ORIGINS[0]:
        return shift
    morphology = morphology_of(spec)
    if morphology is None or not (morphology.placed or spec.origin is not None):
        return shift
    return morphology.middle_of_soma


def standing_notes(model: Model) -> list[str]:
    """Say of which cells the files have the soma elsewhere than the run has it."""
    notes = []
    for population in model.resolved_populations().values():
        if population.place is not None:
            continue
        for name in population.cell_names:
            notes += _moved_to_origin(model.cells[name])
    # a kind may be that of several populations
    return list(dict.fromkeys(notes))


def _moved_to_origin(spec: CellSpec) -> list[str]:
    """What to say of a kind of cell that its file has elsewhere, if so."""
    if "shift" in spec.stated or spec.origin is not None:
        return []
    morphology = morphology_of(spec)
    if morphology is None or morphology.placed:
        return []
    middle = morphology.middle_of_soma
    if np.linalg.norm(middle) <= _AT_ORIGIN:
        return []
    x, y, z = (f"{value:.4g}" for value in middle)
    has_soma = any(section.type == SOMA for section in morphology.sections)
    noun = "soma" if has_soma else "root"
    return [
        f"the file of '{spec.name}' has the {noun} at ({x}, {y}, {z}) um; it is moved to "
        f'the origin, cell.{spec.name}.origin = "file" keeps it'
    ]
