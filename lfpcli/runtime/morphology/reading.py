"""One way to read a morphology of any known format, and to make its sections."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lfpcli.builtin import resolved
from lfpcli.morphology import reading
from lfpcli.morphology.formats import assumed_format
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.build import instantiate
from lfpcli.runtime.morphology.hoc_shapes import load_hoc, read_hoc


@dataclass(frozen=True)
class Loaded:
    """Sections made from a file or a morphology.

    Attributes
    ----------
    sections : sequence of nrn.Section
        In the order in which NEURON numbers them.
    names : sequence of str
        Their names.
    format_name : str
        Format they came from: ``swc``, ``asc``, ``hoc``, ``neuroml``, ``h5`` or ``memory``.
    """

    sections: Sequence[Any]
    names: Sequence[str]
    format_name: str


def read_morphology(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    repair: bool = False,
    cell_id: str | None = None,
) -> Morphology:
    """Read a morphology from a file.

    All but hoc code are read without NEURON.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.
    repair : bool
        Whether an SWC file is mended.
    cell_id : str, optional
        Which cell of a NeuroML file of several.

    Returns
    -------
    Morphology
    """
    path = resolved(path)
    format_name = assumed_format(path)
    if format_name == "hoc" and cell_id is None:
        return read_hoc(path, name=name or str(path))
    return reading.read_morphology(path, name=name, repair=repair, cell_id=cell_id)


def load_sections(source: str | os.PathLike[str] | Morphology, into: Any = None) -> Loaded:
    """Load a cell's sections from a file of any known format, or from memory.

    Cells loaded before stay as they are.

    Parameters
    ----------
    source : path-like or Morphology
        A .swc, .h5, .asc, .hoc, .xml or .nml file, or a morphology.
    into : optional
        See `lfpcli.runtime.morphology.build.instantiate`; .hoc files always create their own.

    Returns
    -------
    Loaded
    """
    if isinstance(source, Morphology):
        format_name = "memory"
        sections = instantiate(source, into)
    else:
        source = resolved(source)
        format_name = assumed_format(source)
        if format_name == "hoc":
            sections = load_hoc(source)
        else:
            sections = instantiate(read_morphology(source), into)
    return Loaded(sections, [section.name() for section in sections], format_name)
