"""One way to read a morphology of any format that needs no NEURON."""

from __future__ import annotations

import os

from lfpcli.errors import InputError
from lfpcli.morphology.asc import read_asc
from lfpcli.morphology.formats import assumed_format
from lfpcli.morphology.hdf5 import read_hdf5
from lfpcli.morphology.neuroml import read_neuroml
from lfpcli.morphology.swc import read_swc
from lfpcli.morphology.tree import Morphology


def read_morphology(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    repair: bool = False,
    cell_id: str | None = None,
) -> Morphology:
    """Read a morphology from an SWC, HDF5, Neurolucida or NeuroML file.

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

    Raises
    ------
    InputError
        With the place in the file, where something is wrong with it.
    """
    file_format = assumed_format(path)
    label = name or str(path)
    if cell_id is not None and file_format != "neuroml":
        raise InputError(
            f"holds one cell, so that '{cell_id}' cannot be chosen",
            source=label,
            remedy="leave the id out",
        )
    if file_format == "swc":
        return read_swc(path, name=label, repair=repair)
    if file_format == "h5":
        return read_hdf5(path, name=label)
    if file_format == "asc":
        return read_asc(path, name=label)
    if file_format == "neuroml":
        return read_neuroml(path, name=label, cell_id=cell_id)
    raise InputError(
        f"format {file_format} is read by NEURON alone",
        source=label,
        remedy="use lfpcli.runtime.morphology.reading.read_morphology",
    )
