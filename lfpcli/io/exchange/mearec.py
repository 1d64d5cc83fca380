"""MEArec's files: recordings with ground truth, and templates."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.exchange.contents import Contents, Traces, Trains
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.recording import open_hdf5

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
        data, rate = file.get("recordings"), file.get("info/recordings/fs")
        if not isinstance(data, h5py.Dataset) or not isinstance(rate, h5py.Dataset):
            raise InputError(
                "holds no recordings of MEArec", source=name, remedy="make it with gen_recordings"
            )
        if "mearec_version" not in file.attrs:
            raise InputError(
                "is of MEArec before 1.5, whose axes are turned",
                source=name,
                remedy="make it again with a later MEArec",
            )
        gain = float(data.attrs.get("gain_to_uV", 1.0))
        positions = file.get("channel_positions")
        traces = Traces(
            name="recordings",
            samples=Samples(data, factor=gain * MILLIVOLT),
            units="mV",
            dt=1000.0 / float(rate[()]),
            t_start=0.0,
            channels=[str(k) for k in range(data.shape[1])],
            positions=None if positions is None else np.asarray(positions[:], float),
            model="MEArec",
        )
        yield Contents(traces=[traces], trains=_trains(file), source=name)


def _trains(file: h5py.File) -> list[Trains]:
    times: list[np.ndarray] = []
    node_ids: list[np.ndarray] = []
    units = file.get("spiketrains", {})
    for unit in sorted(units, key=int):
        spikes = 1000.0 * np.asarray(units[unit]["times"][:], float)
        times.append(spikes)
        node_ids.append(np.full(len(spikes), int(unit), np.int64))
    if not times:
        return []
    merged, cells = np.concatenate(times), np.concatenate(node_ids)
    order = np.lexsort((cells, merged))
    return [Trains(population="units", times=merged[order], node_ids=cells[order])]
