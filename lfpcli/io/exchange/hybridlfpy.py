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
from lfpcli.io.exchange.lfpy_files import units_of
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


def _population(label: str) -> str:
    """The population that a file is of, "total" of their sum."""
    head, between, _ = label.partition("_population_")
    return head if between else "total"


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the signal of a file of hybridLFPy (channels first) or ViSAPy (samples first).

    The longer axis of ``/data`` is time. The name of the file tells the class of LFPykit that
    measured, and so the unit; a dipole moment becomes one.

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
        label = Path(name).stem
        units = units_of(label)
        share, channels = "", [str(k) for k in range(values.shape[1])]
        if units == "nA um" and values.shape[1] == 3:
            population = _population(label)
            share = "total" if population == "total" else "population"
            label, channels = f"dipole/{population}", ["x", "y", "z"]
        elif "CSD" in label:
            units = "nA/um3"
        traces = Traces(
            name=label,
            samples=Samples(values),
            units=units,
            dt=1000.0 / rate,
            t_start=0.0,
            channels=channels,
            model="from hybridLFPy",
            share=share,
        )
        yield Contents(traces=[traces], source=name)
