"""MEG sensors from files."""

from __future__ import annotations

import os

import numpy as np

from lfpcli.forward.sensors import Sensors
from lfpcli.io.mne import mne_sensors
from lfpcli.io.table import read_columns, vectors


def load_sensors(source: str | os.PathLike[str]) -> Sensors:
    """Read MEG sensors.

    Parameters
    ----------
    source : path-like
        CSV with the columns x, y, z (um) and nx, ny, nz (orientation), and where wanted name and
        weight; lines of one name are the integration points of one channel. Or a FIF file of
        MNE with measurement information.

    Raises
    ------
    InputError
        Where the file is not what it should be.
    MissingDependencyError
        Where MNE is needed and not there.
    """
    if str(source).lower().endswith((".fif", ".fif.gz")):
        return mne_sensors(source)
    table = read_columns(
        source, ("x", "y", "z", "nx", "ny", "nz"), optional=("weight",), text=("name",)
    )
    return Sensors(
        vectors(table, ("x", "y", "z")),
        vectors(table, ("nx", "ny", "nz")),
        np.array(table["weight"], dtype=float) if "weight" in table else None,
        table.get("name"),
    )
