"""MEG sensors from files."""

from __future__ import annotations

import os

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.forward.sensors import Sensors
from lfpcli.io.mne import mne_sensors
from lfpcli.io.table import read_columns, vectors

# weights in files have some digits
ROUNDING = 1e-4


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
    with located(str(source)):
        sensors = Sensors(
            vectors(table, ("x", "y", "z")),
            vectors(table, ("nx", "ny", "nz")),
            np.array(table["weight"], dtype=float) if "weight" in table else None,
            table.get("name"),
        )
        _check_weights(sensors)
    return sensors


def _check_weights(sensors: Sensors) -> None:
    """Refuse channels that are neither the mean of a coil nor a difference of coils."""
    total, size = (
        np.bincount(sensors.channel, weights, minlength=len(sensors.names))
        for weights in (sensors.weights, np.abs(sensors.weights))
    )
    odd = np.flatnonzero(np.minimum(np.abs(total), np.abs(total - 1)) > ROUNDING * (1 + size))
    if len(odd):
        raise InputError(
            f"weights of channel '{sensors.names[odd[0]]}' add to {total[odd[0]]:g}",
            remedy="those of a magnetometer add to 1, those of a gradiometer to 0",
        )
