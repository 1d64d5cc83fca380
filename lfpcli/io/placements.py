"""Places and turns of one cell from files."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.placements import Placements
from lfpcli.forward.rotations import rotation_matrix
from lfpcli.io.npz import check_real, read_npz
from lfpcli.io.recording import open_hdf5
from lfpcli.io.table import read_columns, vectors

_NAMES = ("positions", "rotations")


def read_placements(source: str | os.PathLike[str]) -> Placements:
    """Read places and turns.

    Parameters
    ----------
    source : path-like
        CSV with the columns x, y, z (um) and where wanted rx, ry, rz: degrees about the fixed x,
        y and z axis, in this order. ``.npz`` with positions (P, 3) and where wanted rotations
        (P, 3, 3); or a file of templates, ``.h5``, for the same placements again.

    Returns
    -------
    Placements

    Raises
    ------
    InputError
        Where the file is not of that form.
    """
    suffix = Path(source).suffix.lower()
    if suffix == ".npz":
        return _placements(read_npz(source, _NAMES), source)
    if suffix in (".h5", ".hdf5"):
        with open_hdf5(source) as (file, _):
            return _placements(_from_hdf5(file), source)
    table = read_columns(source, ("x", "y", "z"), optional=("rx", "ry", "rz"))
    angles = [axis for axis in "xyz" if f"r{axis}" in table]
    turns = [
        rotation_matrix({axis: table[f"r{axis}"][k] for axis in angles})
        for k in range(len(table["x"]))
    ]
    return Placements(vectors(table, ("x", "y", "z")), np.array(turns))


def _from_hdf5(file: h5py.File) -> dict[str, np.ndarray]:
    # another file of the sender's choosing is not opened
    own = [n for n in _NAMES if isinstance(file.get(n, getlink=True), h5py.HardLink)]
    return {n: file[n][()] for n in own if isinstance(file[n], h5py.Dataset)}


def _placements(arrays: dict[str, np.ndarray], source: str | os.PathLike[str]) -> Placements:
    if "positions" not in arrays:
        raise InputError("has no positions", source=source, remedy="give positions (P, 3), um")
    for name, array in arrays.items():
        check_real(array, name, source)
    try:
        placements = Placements(**arrays)
    except InputError as error:
        error.source = str(source)
        raise
    if not len(placements):
        raise InputError("holds no placements", source=source)
    return placements
