"""hybridLFPy's files: one dataset of channels by samples and its rate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import CheckedDataset, number, numbers
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.contents import Contents, Target, Traces
from lfpcli.io.exchange.samples import Samples, Turned
from lfpcli.io.recording import open_hdf5


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write ``populations/POPULATION_population_SIGNAL.h5``, ``SIGNAL_sum.h5`` and spikes as gdf.

    Each file holds ``/data`` (channels, samples) and ``/srate`` (Hz).

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The folder, which is there and empty.
    target : Target
        The type of the samples.

    Raises
    ------
    UsageError
        Where there is neither a signal nor a spike.
    """
    populations = path / "populations"
    populations.mkdir()
    for traces in contents.traces:
        name = traces.name.replace("/", "_")
        _write(traces.samples, traces.dt, path / f"{name}_sum.h5", target.dtype)
        for share, samples in traces.shares.items():
            file = populations / f"{share}_population_{name}.h5"
            _write(samples, traces.dt, file, target.dtype)
    for trains in contents.trains:
        lines = zip(trains.node_ids.tolist(), trains.times.tolist(), strict=True)
        text = "".join(f"{gid} {time!r}\n" for gid, time in lines)
        (path / f"population_spikes-{trains.population}.gdf").write_text(text, encoding="utf-8")
    if not contents.traces and not contents.trains:
        raise UsageError(f"{contents.source} holds no signal", remedy="see lfp info")


def _write(samples: Samples, dt: float, path: Path, dtype: str) -> None:
    count, channels = samples.shape
    with new_hdf5(path) as file:
        data = file.create_dataset("data", shape=(channels, count), dtype=dtype)
        for start, block in samples.blocks():
            data[:, start : start + len(block)] = block.T
        file["srate"] = 1000.0 / dt


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the signal of a file of hybridLFPy (channels first) or ViSAPy (samples first).

    The longer axis of ``/data`` is time.

    Raises
    ------
    InputError
        Where it has no ``/data`` and ``/srate``.
    """
    with open_hdf5(source) as (file, name):
        data = numbers(file, "data", name, ndim=2, remedy="see lfp info")
        rate = number(file, "srate", name, remedy="see lfp info")
        if not rate > 0:
            raise InputError(
                f"has a rate of {rate:g} Hz", source=f"{name}:/srate", remedy="see lfp info"
            )
        values: CheckedDataset | Turned = data
        if data.shape[0] < data.shape[1]:
            values = Turned(data)
        traces = Traces(
            name=Path(name).stem,
            samples=Samples(values),
            units="mV",
            dt=1000.0 / rate,
            t_start=0.0,
            channels=[str(k) for k in range(values.shape[1])],
            model="from hybridLFPy",
        )
        yield Contents(traces=[traces], source=name)
