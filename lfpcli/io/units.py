"""Ground truth of recordings: which cell, place and waveform each unit is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.filters import resample
from lfpcli.guarded.hdf5 import numbers, texts, whole
from lfpcli.io.storage import store

GROUP = "units"
"""Group of a recording that holds them."""
_REMEDY = "make the recording again: lfp convolve"


@dataclass(frozen=True, kw_only=True)
class Units:
    """What is true of the units of a recording.

    Attributes
    ----------
    ids : ndarray of int, shape (U,)
        Numbers of the units among the spikes.
    populations, cell_types : list of str
        Population and type of each unit.
    files, templates : ndarray of int, shape (U,)
        File and row of the template of each unit.
    positions : ndarray, shape (U, 3)
        Somata, um.
    rotations : ndarray, shape (U, 3, 3)
        Turns of the cells.
    waveforms : ndarray of float32, shape (U, L, C)
        mV, before filters.
    dt, before : float
        Sampling interval of waveforms, and their time before the spike, ms.
    """

    ids: np.ndarray
    populations: list[str]
    cell_types: list[str]
    files: np.ndarray
    templates: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    waveforms: np.ndarray
    dt: float
    before: float

    @property
    def troughs(self) -> np.ndarray:
        """Depth of the trough of each unit at each contact, shape (U, C), mV."""
        return np.asarray(-self.waveforms.min(axis=1), float)

    def of_channels(self, columns: np.ndarray) -> Units:
        """The same of some channels, by number, shape (n,)."""
        return replace(self, waveforms=self.waveforms[:, :, columns])

    def at_interval(self, dt: float) -> Units:
        """The same with waveforms of another sampling interval, ms."""
        if dt == self.dt:
            return self
        length = self.waveforms.shape[1]
        # resampling goes along the first axis
        rows = np.moveaxis(self.waveforms, 0, 1).reshape(length, -1)
        resampled = resample(rows.astype(float), self.dt, dt).astype(np.float32)
        shape = (len(resampled), len(self.ids), self.waveforms.shape[2])
        return replace(self, waveforms=np.moveaxis(resampled.reshape(shape), 1, 0), dt=dt)

    def write(self, group: h5py.Group) -> None:
        """Write them into a group."""
        store(group, "ids", self.ids, dtype=np.uint64)
        store(group, "populations", np.array(self.populations, object))
        store(group, "cell_types", np.array(self.cell_types, object))
        store(group, "files", self.files, dtype=np.int64)
        store(group, "templates", self.templates, dtype=np.int64)
        store(group, "positions", self.positions, units="um")
        store(group, "rotations", self.rotations, units="1")
        store(group, "waveforms", self.waveforms, dtype=np.float32, units="mV")
        store(group, "troughs", self.troughs, dtype=float, units="mV")
        group.attrs["dt"] = self.dt
        group.attrs["before"] = self.before


def read_units(file: h5py.File, name: str) -> Units | None:
    """Read the units of a recording, None where it has none.

    Raises
    ------
    InputError
        Where what the group holds does not go together.
    """
    group = file.get(GROUP)
    if not isinstance(group, h5py.Group):
        return None
    arrays = {
        key: whole(numbers(group, key, name), dtype)
        for key, dtype in (("ids", np.int64), ("files", np.int64), ("templates", np.int64))
    }
    count = len(arrays["ids"])
    # those of other tools' recordings are not known
    rotations = np.tile(np.eye(3), (count, 1, 1))
    if "rotations" in group:
        rotations = whole(numbers(group, "rotations", name, ndim=3))
    units = Units(
        **arrays,
        populations=texts(group, "populations", name),
        cell_types=texts(group, "cell_types", name),
        positions=whole(numbers(group, "positions", name, ndim=2)),
        rotations=rotations,
        waveforms=whole(numbers(group, "waveforms", name, ndim=3), np.float32),
        dt=float(group.attrs.get("dt", 0.0)),
        before=float(group.attrs.get("before", -1.0)),
    )
    _check(units, f"{name}:/{GROUP}")
    return units


def _check(units: Units, source: str) -> None:
    count = len(units.ids)
    lengths = {
        "populations": len(units.populations),
        "cell_types": len(units.cell_types),
        "files": len(units.files),
        "templates": len(units.templates),
        "positions": len(units.positions),
        "rotations": len(units.rotations),
        "waveforms": len(units.waveforms),
    }
    for key, length in lengths.items():
        if length != count:
            raise InputError(
                f"has {count} ids and {length} rows of '{key}'", source=source, remedy=_REMEDY
            )
    if units.positions.shape[1:] != (3,) or units.rotations.shape[1:] != (3, 3):
        raise InputError(
            "has positions or rotations that are not in space", source=source, remedy=_REMEDY
        )
    if not (units.dt > 0 and units.before >= 0):
        raise InputError("says no 'dt' or 'before' in ms", source=source, remedy=_REMEDY)
