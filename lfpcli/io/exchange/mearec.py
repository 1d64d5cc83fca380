"""MEArec's recordings with ground truth."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import attribute_number, number, numbers, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.contents import (
    Contents,
    Target,
    Traces,
    Trains,
    only_traces,
    with_covered_spikes,
)
from lfpcli.io.exchange.mearec_electrodes import electrode_record
from lfpcli.io.exchange.mearec_truth import read_truth, write_truth
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.recording import GAIN, open_hdf5
from lfpcli.io.units import Units

_AGAIN = "make it with gen_recordings"
MILLIVOLT = 1e-3
"""1 uV in mV."""
MICROVOLT = 1e3
"""1 mV in uV."""
LAYOUT = "1.11.0"
"""Version of MEArec whose layout is written."""
_LEVELS = (1 << 15) - 1


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the recording (mV) and the spikes of a file of ``gen_recordings``.

    Raises
    ------
    InputError
        Where it is none, or one of before MEArec 1.5, whose axes are the other way.
    """
    with open_hdf5(source) as (file, name):
        if "recordings" not in file and {"templates", "locations"} <= set(file):
            raise InputError(
                "holds templates of MEArec, no recordings",
                source=name,
                remedy="--from mearec-templates",
            )
        data = numbers(file, "recordings", name, ndim=2, remedy=_AGAIN)
        rate = number(file, "info/recordings/fs", name, remedy=_AGAIN)
        if not rate > 0:
            raise InputError(
                f"has a rate of {rate:g} Hz", source=f"{name}:/info/recordings/fs", remedy=_AGAIN
            )
        if "mearec_version" not in file.attrs:
            raise InputError(
                "is of MEArec before 1.5, whose axes are turned",
                source=name,
                remedy="make it again with a later MEArec",
            )
        gain = attribute_number(data, "gain_to_uV", f"{name}:/recordings", 1.0)
        positions = None
        if "channel_positions" in file:
            positions = whole(numbers(file, "channel_positions", name, ndim=2, remedy=_AGAIN))
        traces = Traces(
            name="recordings",
            samples=Samples(data, factor=gain * MILLIVOLT),
            units="mV",
            dt=1000.0 / rate,
            t_start=0.0,
            channels=[str(k) for k in range(data.shape[1])],
            positions=positions,
            model="MEArec",
        )
        trains = _trains(file, name)
        units = None
        if "original_templates" in file and trains:
            units = read_truth(file, name, list(map(int, file["spiketrains"])), dt=traces.dt)
        yield Contents(traces=[traces], trains=trains, units=units, source=name)


def _trains(file: h5py.File, name: str) -> list[Trains]:
    times: list[np.ndarray] = []
    node_ids: list[np.ndarray] = []
    units = file.get("spiketrains")
    if not isinstance(units, h5py.Group):
        return []
    for unit in units:
        if not unit.isdecimal():
            raise InputError(
                f"unit '{unit}' has no number", source=f"{name}:/spiketrains", remedy=_AGAIN
            )
    for unit in sorted(units, key=int):
        path = f"spiketrains/{unit}/times"
        spikes = 1000.0 * whole(numbers(file, path, name, ndim=1, remedy=_AGAIN))
        times.append(spikes)
        node_ids.append(np.full(len(spikes), int(unit), np.int64))
    if not times:
        return []
    merged, cells = np.concatenate(times), np.concatenate(node_ids)
    order = np.lexsort((cells, merged))
    return [Trains(population="units", times=merged[order], node_ids=cells[order])]


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write one signal and the spikes as ``gen_recordings`` writes them.

    ``load_recordings`` of MEArec, and Neo and SpikeInterface by it, read the file. Samples are uV;
    those that were stored as integers stay integers, with their gain. The units are numbered from
    0, population by population; names, types and populations are in their annotations.

    Parameters
    ----------
    contents : Contents
        One signal in mV with the places of its contacts, and spikes.
    path : Path
        The file.
    target : Target
        The type of the samples.

    Raises
    ------
    UsageError
        Where there is not one signal of potentials with the places of its contacts.
    """
    traces = only_traces(contents, "MEArec").in_units("uV")
    if traces.positions is None:
        raise UsageError(
            f"{traces.name} has no positions of contacts, which MEArec's files hold",
            remedy="choose a signal of an array with --signal",
        )
    contents = with_covered_spikes(contents, traces, "MEArec")
    gain = MICROVOLT * float(traces.parameters.get(GAIN, 0.0))
    dtype = "i2" if gain else target.dtype
    with new_hdf5(path) as file:
        file.attrs["mearec_version"] = LAYOUT
        _write_samples(file, traces, gain or 1.0, dtype)
        file["channel_positions"] = np.asarray(traces.positions, float)
        annotated = _write_trains(file.create_group("spiketrains"), contents, traces)
        if contents.units is not None:
            units = contents.units.at_interval(traces.dt)
            write_truth(file, units, gain or 1.0, duration=duration_of(traces))
        duration = duration_of(traces)
        info: dict[str, Any] = {
            "recordings/fs": 1000.0 / traces.dt,
            "recordings/duration": duration,
            "recordings/dtype": {"i2": "int16", "f4": "float32", "f8": "float64"}[dtype],
            "recordings/n_neurons": annotated,
            "spiketrains/duration": duration,
            "recordings/drifting": contents.units is not None
            and contents.units.movement is not None,
            "templates/n_overlap_pairs": "null",
        }
        if contents.units is not None:
            units = contents.units.at_interval(traces.dt)
            length = units.waveforms.shape[1]
            info["templates/cut_out"] = [units.before, length * units.dt - units.before]
        for key, value in info.items():
            file[f"info/{key}"] = value
        record = electrode_record(traces.positions, traces.parameters, traces.name)
        for key, value in record.items():
            file[f"info/electrodes/{key}"] = value


def duration_of(traces: Traces) -> float:
    """Length of a signal, s."""
    return traces.samples.shape[0] * traces.dt / 1000.0


def _write_samples(file: h5py.File, traces: Traces, gain: float, dtype: str) -> None:
    shape = traces.samples.shape
    recordings = file.create_dataset("recordings", shape=shape, dtype=dtype)
    recordings.attrs["gain_to_uV"] = gain
    stamps = file.create_dataset("timestamps", shape=shape[:1], dtype="f8")
    for start, block in traces.samples.blocks():
        stop = start + len(block)
        if dtype == "i2":
            block = np.clip(np.rint(block / gain), -_LEVELS, _LEVELS)
        recordings[start:stop] = block
        stamps[start:stop] = np.arange(start, stop) * (traces.dt / 1000.0)


def _write_trains(group: h5py.Group, contents: Contents, traces: Traces) -> int:
    """Write the train of each unit, from 0 on, and return their number."""
    units = contents.units
    rows = {}
    if units is not None:
        listed = zip(units.populations, units.ids.tolist(), strict=True)
        rows = {unit: row for row, unit in enumerate(listed)}
    stop = traces.samples.shape[0] * traces.dt
    number = 0
    for trains in contents.trains:
        for unit, times in contents.members(trains).items():
            # the trains of a file begin at 0 and end with the samples
            inside = (times - traces.t_start) / 1000.0
            row = rows.get((trains.population, unit))
            train = group.create_group(str(number if row is None else row))
            train["times"] = inside
            train["t_stop"] = stop / 1000.0
            annotations: dict[str, Any] = {
                "fr": len(inside) / (stop / 1000.0),
                "cell_type": trains.population,
                "bintype": trains.population,
                "id": unit,
            }
            if units is not None and row is not None:
                annotations["mtype"] = units.cell_types[row]
                annotations["soma_position"] = _places(units, row)
                annotations["drifting"] = units.movement is not None
            for key, value in annotations.items():
                train[f"annotations/{key}"] = value
            number += 1
    return number


def _places(units: Units, row: int) -> np.ndarray:
    """Where a unit is, (3,), or along its path, (D, 3), um."""
    if units.movement is None:
        return np.asarray(units.positions[row])
    return np.asarray(units.movement.positions[row])
