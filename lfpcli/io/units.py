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
MOVEMENT = "movement"
"""Group of that group that holds how they move."""
_REMEDY = "make the recording again: lfp convolve"


@dataclass(frozen=True, kw_only=True)
class Movement:
    """How the units of a recording move along their paths.

    Unit u is `factors[u] @ moved[t]` um from the begin of its path at time t.

    Attributes
    ----------
    dt : float
        Sampling interval of the movement, ms.
    moved : ndarray, shape (T, K)
        Movements that add up, um.
    factors : ndarray, shape (U, K)
        What each unit makes of them; all 1 where units move alike.
    positions : ndarray, shape (U, D, 3)
        Places along the paths, um.
    waveforms : ndarray of float32, shape (U, D, L, C)
        Waveforms there, mV, before filters.
    """

    dt: float
    moved: np.ndarray
    factors: np.ndarray
    positions: np.ndarray
    waveforms: np.ndarray

    def write(self, group: h5py.Group) -> None:
        """Write it into a group."""
        group.attrs["dt"] = self.dt
        store(group, "moved", self.moved, dtype=float, units="um")
        store(group, "factors", self.factors, dtype=float, units="1")
        store(group, "positions", self.positions, dtype=float, units="um")
        store(group, "waveforms", self.waveforms, dtype=np.float32, units="mV")


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
    movement : Movement or None
        How they move along their paths, where they do.
    overlapping : ndarray of int, shape (P, 2), or None
        Rows of units that overlap in space, where that was asked for.
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
    movement: Movement | None = None
    overlapping: np.ndarray | None = None

    @property
    def troughs(self) -> np.ndarray:
        """Depth of the trough of each unit at each contact, shape (U, C), mV."""
        return np.asarray(-self.waveforms.min(axis=1), float)

    def of_channels(self, columns: np.ndarray) -> Units:
        """The same of some channels, by number, shape (n,)."""
        movement = self.movement
        if movement is not None:
            movement = replace(movement, waveforms=movement.waveforms[..., columns])
        return replace(self, waveforms=self.waveforms[:, :, columns], movement=movement)

    def at_interval(self, dt: float) -> Units:
        """The same with waveforms of another sampling interval, ms."""
        if dt == self.dt:
            return self
        movement = self.movement
        if movement is not None:
            moved = _resampled(movement.waveforms, self.dt, dt)
            movement = replace(movement, waveforms=moved)
        waveforms = _resampled(self.waveforms, self.dt, dt)
        return replace(self, waveforms=waveforms, dt=dt, movement=movement)

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
        if self.overlapping is not None:
            store(group, "overlapping", self.overlapping, dtype=np.int64)
        if self.movement is not None:
            self.movement.write(group.create_group(MOVEMENT))


def _resampled(waveforms: np.ndarray, dt: float, other: float) -> np.ndarray:
    """Waveforms (..., L, C) of another sampling interval, ms."""
    rows = np.moveaxis(waveforms, -2, 0)
    flat = resample(rows.reshape(len(rows), -1).astype(float), dt, other).astype(np.float32)
    return np.moveaxis(flat.reshape(len(flat), *rows.shape[1:]), 0, -2)


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
    overlapping = None
    if "overlapping" in group:
        overlapping = whole(numbers(group, "overlapping", name, ndim=2), np.int64)
    units = Units(
        **arrays,
        overlapping=overlapping,
        populations=texts(group, "populations", name),
        cell_types=texts(group, "cell_types", name),
        positions=whole(numbers(group, "positions", name, ndim=2)),
        rotations=rotations,
        waveforms=whole(numbers(group, "waveforms", name, ndim=3), np.float32),
        dt=float(group.attrs.get("dt", 0.0)),
        before=float(group.attrs.get("before", -1.0)),
        movement=_read_movement(group, name),
    )
    _check(units, f"{name}:/{GROUP}")
    return units


def _read_movement(units: h5py.Group, name: str) -> Movement | None:
    group = units.get(MOVEMENT)
    if not isinstance(group, h5py.Group):
        return None
    movement = Movement(
        dt=float(group.attrs.get("dt", 0.0)),
        moved=whole(numbers(group, "moved", name, ndim=2)),
        factors=whole(numbers(group, "factors", name, ndim=2)),
        positions=whole(numbers(group, "positions", name, ndim=3)),
        waveforms=whole(numbers(group, "waveforms", name, ndim=4), np.float32),
    )
    count, steps = movement.waveforms.shape[:2]
    shapes = (count, movement.moved.shape[1]), (count, steps, 3)
    if (movement.factors.shape, movement.positions.shape) != shapes or not movement.dt > 0:
        raise InputError(
            "has factors or positions that do not fit the waveforms, or no dt",
            source=f"{name}:/{GROUP}/{MOVEMENT}",
            remedy=_REMEDY,
        )
    return movement


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
    if units.movement is not None:
        lengths[MOVEMENT] = len(units.movement.waveforms)
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
