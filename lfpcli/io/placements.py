"""Places and turns of one cell from files."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.placements import Placements
from lfpcli.forward.rotations import rotation_matrix
from lfpcli.guarded.hdf5 import numbers, whole
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
        with open_hdf5(source) as (file, name):
            return _placements(_from_hdf5(file, name), source)
    table = read_columns(source, ("x", "y", "z"), optional=("rx", "ry", "rz"))
    turns = []
    for row in range(len(table["x"])):
        angles = {axis: table[f"r{axis}"][row] for axis in "xyz" if f"r{axis}" in table}
        turns.append(rotation_matrix(angles))
    return Placements(vectors(table, ("x", "y", "z")), np.array(turns))


def _from_hdf5(file: h5py.File, name: str) -> dict[str, np.ndarray]:
    return {key: whole(numbers(file, key, name)) for key in _NAMES if key in file}


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
        raise InputError(
            "holds no placements", source=source, remedy="give at least one place x, y, z in um"
        )
    return placements
