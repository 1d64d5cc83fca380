"""SONATA as bmtk and neurodamus write it: spikes, compartment reports, extracellular potentials."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError, LfpWarning, UsageError
from lfpcli.guarded.hdf5 import attribute_number, numbers, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.contents import Contents, Target, Traces, Trains
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.exchange.sonata_reports import plain_traces, read_reports
from lfpcli.io.recording import open_hdf5
from lfpcli.io.spike_files import milliseconds
from lfpcli.io.text import as_text
from lfpcli.io.writer import SORTING

MAGIC = np.uint32(0x0A7A)
VERSION = np.array([0, 1], np.uint32)


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write a folder: ``spikes.h5``, a report a variable and population, an ecp file a signal.

    Reports are in single precision, as libsonata demands, and have both names of the pointers, so
    that bmtk reads them too. Contacts of a signal are in ``NAME_electrodes.csv``.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The folder, which is there and empty.
    target : Target
        Not used: the types of the samples are those that SONATA's readers take.

    Raises
    ------
    UsageError
        Where there is nothing that SONATA could hold.
    """
    del target
    written = 0
    left_out: list[str] = []
    if contents.trains:
        _write_spikes(contents.trains, path / "spikes.h5")
        written += 1
    for traces in contents.traces:
        head, _, population = traces.name.partition("/")
        if population and traces.elements is not None:
            _write_report(traces, head, population, path / f"{head}_{population}.h5")
        elif traces.units in ("V", "mV", "uV", "nV") and traces.positions is not None:
            # the unit of bmtk's files, whatever they say
            _write_ecp(traces.in_units("mV"), path)
        else:
            left_out.append(traces.name)
            continue
        written += 1
    others = [name for name in left_out if not name.startswith("dipole/")]
    if others and written:
        warnings.warn(
            f"sonata holds potentials of contacts alone: {', '.join(others)} left out",
            LfpWarning,
            stacklevel=2,
        )
    if not written:
        raise UsageError(
            f"{contents.source} holds nothing that SONATA could hold",
            remedy="see what it holds: lfp info",
        )


def _write_spikes(trains: list[Trains], path: Path) -> None:
    with new_hdf5(path) as file:
        _mark(file)
        for train in trains:
            group = file.create_group(f"spikes/{train.population}")
            group.attrs.create("sorting", 2, dtype=SORTING)
            group["timestamps"] = train.times
            group["timestamps"].attrs["units"] = "ms"
            group["node_ids"] = train.node_ids.astype(np.uint64)


def _mark(file: h5py.File) -> None:
    file.attrs["magic"] = MAGIC
    file.attrs["version"] = VERSION


def _write_report(traces: Traces, variable: str, population: str, path: Path) -> None:
    assert traces.elements is not None
    # the columns of a cell lie side by side, whatever the order in which they were chosen
    order = np.argsort(traces.elements.cells, kind="stable")
    elements, samples = traces.elements.of_columns(order), traces.samples.narrowed(None, order)
    node_ids, counts = np.unique(elements.cells, return_counts=True)
    pointers = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    with new_hdf5(path) as file:
        _mark(file)
        base = f"report/{population}"
        data = file.create_dataset(f"{base}/data", shape=samples.shape, dtype="f4")
        for start, block in samples.blocks():
            data[start : start + len(block)] = block
        data.attrs["units"] = traces.units
        data.attrs["variable"] = variable
        mapping = file.create_group(f"{base}/mapping")
        mapping["node_ids"] = node_ids.astype(np.uint64)
        mapping["node_ids"].attrs["sorted"] = np.uint8(1)
        mapping["index_pointers"] = pointers
        mapping["index_pointer"] = mapping["index_pointers"]
        mapping["element_ids"] = elements.sections.astype(np.uint32)
        mapping["element_pos"] = elements.places
        stop = traces.t_start + traces.dt * samples.shape[0]
        mapping["time"] = np.array([traces.t_start, stop, traces.dt])
        mapping["time"].attrs["units"] = "ms"


def _write_ecp(traces: Traces, folder: Path) -> None:
    samples = traces.samples
    name = traces.name.replace("/", "_")
    with new_hdf5(folder / f"{name}_ecp.h5") as file:
        _mark(file)
        data = file.create_dataset("ecp/data", shape=samples.shape, dtype="f8")
        for start, block in samples.blocks():
            data[start : start + len(block)] = block
        data.attrs["units"] = traces.units
        # bmtk leaves open that its first row is one step after the start; here it is told
        data.attrs["t_start"] = traces.t_start
        stop = traces.t_start + traces.dt * samples.shape[0]
        file["ecp/time"] = np.array([traces.t_start, stop, traces.dt])
        file["ecp/time"].attrs["units"] = "ms"
        file["ecp/channel_id"] = np.arange(samples.shape[1])
    assert traces.positions is not None
    with (folder / f"{name}_electrodes.csv").open("w", encoding="utf-8") as table:
        table.write("channel x_pos y_pos z_pos\n")
        for k, (x, y, z) in enumerate(traces.positions.tolist()):
            table.write(f"{k} {x!r} {y!r} {z!r}\n")


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the spikes, reports and extracellular potentials of a SONATA file.

    Raises
    ------
    InputError
        Where it holds none of them, or their parts do not fit.
    """
    with open_hdf5(source) as (file, name):
        contents = Contents(source=name)
        spikes = file.get("spikes", {})
        if not isinstance(spikes, (h5py.Group, dict)):
            spikes = {}
        # files before version 0.1 of the format have no populations
        for population in ("",) if "timestamps" in spikes else spikes:
            contents.trains.append(read_trains(file, name, population))
        contents.traces += [plain_traces(report) for report in read_reports(file, name)]
        if "ecp/data" in file:
            contents.traces.append(read_potentials(file, name))
        if not contents.traces and not contents.trains:
            raise InputError(
                "holds no SONATA spikes, report or ecp", source=name, remedy="see lfp info"
            )
        yield contents


def read_trains(file: h5py.File, name: str, population: str) -> Trains:
    """Spikes of a population of a file; "" stands for a file that names none."""
    again = "write it again in SONATA's layout"
    base = f"spikes/{population}".rstrip("/")
    stamps = numbers(file, f"{base}/timestamps", name, ndim=1, remedy=again)
    ids = "node_ids" if f"{base}/node_ids" in file else "gids"
    cells = numbers(file, f"{base}/{ids}", name, ndim=1, remedy=again)
    times = whole(stamps) * milliseconds(Path(name), stamps.attrs.get("units", "ms"))
    node_ids = whole(cells, np.int64)
    if len(times) != len(node_ids):
        raise InputError(
            f"has {len(times)} times and {len(node_ids)} cells",
            source=f"{name}:/{base}",
            remedy=again,
        )
    order = np.lexsort((node_ids, times))
    return Trains(population=population or "cells", times=times[order], node_ids=node_ids[order])


def read_potentials(file: h5py.File, name: str) -> Traces:
    """Potentials of bmtk, whose first row is one step after the begin of the run."""
    again = "run bmtk again"
    data = numbers(file, "ecp/data", name, ndim=2, remedy=again)
    time = whole(numbers(file, "ecp/time", name, ndim=1, remedy=again))
    if len(time) != 3:
        raise InputError("has no start, stop and dt", source=f"{name}:/ecp/time", remedy=again)
    start, _, dt = map(float, time)
    count = data.shape[1]
    return Traces(
        name="ecp",
        samples=Samples(data),
        units=as_text(data.attrs.get("units", "mV")),
        dt=dt,
        t_start=attribute_number(data, "t_start", f"{name}:/ecp/data", start + dt),
        channels=[str(k) for k in range(count)],
        model="extracellular report",
    )
