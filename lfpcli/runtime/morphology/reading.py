"""One way to read a morphology of any known format."""

from __future__ import annotations

import os

from lfpcli.morphology.formats import kind_of_file
from lfpcli.morphology.hdf5 import read_hdf5
from lfpcli.morphology.neuroml import read_neuroml
from lfpcli.morphology.swc import read_swc
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology import foreign


def read_morphology(
    path: str | os.PathLike[str], *, name: str | None = None, repair: bool = False
) -> Morphology:
    """Read a morphology from a file.

    SWC, HDF5 and NeuroML are read without NEURON; .asc and .hoc by it.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.
    repair : bool
        Whether an SWC file is mended.

    Returns
    -------
    Morphology
    """
    kind = kind_of_file(path)
    label = name or str(path)
    if kind == "swc":
        return read_swc(path, name=label, repair=repair)
    if kind == "h5":
        return read_hdf5(path, name=label)
    if kind == "neuroml":
        return read_neuroml(path, name=label)
    return foreign.read(path, kind, name=label)
