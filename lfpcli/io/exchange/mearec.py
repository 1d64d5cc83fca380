"""MEArec's files: recordings with ground truth, and templates."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import attribute_number, number, numbers, whole
from lfpcli.io.exchange.contents import Contents, Traces, Trains
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.recording import open_hdf5

_AGAIN = "make it with gen_recordings"
MILLIVOLT = 1e-3
"""1 uV in mV."""


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the recording (mV) and the spikes of a file of ``gen_recordings``.

    Raises
    ------
    InputError
        Where it is none, or one of before MEArec 1.5, whose axes are the other way.
    """
    with open_hdf5(source) as (file, name):
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
        yield Contents(traces=[traces], trains=_trains(file, name), source=name)


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
