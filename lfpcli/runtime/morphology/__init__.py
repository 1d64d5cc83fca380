"""Morphologies: read from files, held in memory, made into sections of NEURON."""

from __future__ import annotations

from lfpcli.runtime.morphology.build import Loaded, instantiate, load_sections
from lfpcli.runtime.morphology.hdf5 import read_hdf5
from lfpcli.runtime.morphology.reading import kind_of_file, read_morphology
from lfpcli.runtime.morphology.swc import read_swc
from lfpcli.runtime.morphology.tree import Morphology, Section

__all__ = [
    "Loaded",
    "Morphology",
    "Section",
    "instantiate",
    "kind_of_file",
    "load_sections",
    "read_hdf5",
    "read_morphology",
    "read_swc",
]
