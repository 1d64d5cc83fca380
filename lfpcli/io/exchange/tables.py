"""Text: signals as rows of time, channel and value; spikes as gid and time."""

from __future__ import annotations

import contextlib
import csv
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.io.exchange.contents import Contents, Target, Traces, Trains, only_traces
from lfpcli.io.spike_files import read_spikes

DELIMITERS = {".csv": ",", ".tsv": "\t", ".gdf": " "}


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write one signal in long form, or spikes.

    A signal has the columns ``time`` (ms), ``channel`` and ``value``; a share of it a column
    each. Spikes have the columns ``gid`` and ``ms``, and ``population`` where there are several;
    a .gdf file has no header. Numbers have as many digits as it takes to read the same ones back.

    Parameters
    ----------
    contents : Contents
        What to write; spikes where nothing else was chosen.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.

    Raises
    ------
    UsageError
        Where there is not one signal, nor spikes.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=DELIMITERS[target.suffix], lineterminator="\n")
        if target.suffix == ".gdf" or not contents.traces:
            if not contents.trains:
                raise UsageError(
                    f"{contents.source} holds no spikes", remedy="see what it holds: lfp info"
                )
            _write_spikes(writer, contents.trains, header=target.suffix != ".gdf")
        else:
            traces = only_traces(contents, target.suffix)
            if contents.trains:
                warnings.warn(
                    f"{target.suffix} holds a signal or spikes: spikes are left out; "
                    "choose them with --signal spikes",
                    LfpWarning,
                    stacklevel=2,
                )
            _write_traces(writer, traces, np.dtype(target.dtype))


def _write_traces(writer: object, traces: Traces, dtype: np.dtype) -> None:
    labels = list(traces.shares)
    writerow = writer.writerow  # type: ignore[attr-defined]
    writerow(["time", "channel", "value", *labels])
    for start, block in traces.samples.blocks():
        stop = start + len(block)
        columns = [block, *(traces.shares[label].read(start, stop) for label in labels)]
        typed = [np.asarray(values, dtype) for values in columns]
        times = traces.t_start + traces.dt * np.arange(start, stop)
        for row, time in enumerate(times.tolist()):
            for number, channel in enumerate(traces.channels):
                writerow([repr(time), channel, *(str(values[row, number]) for values in typed)])


def _write_spikes(writer: object, trains: list[Trains], *, header: bool) -> None:
    writerow = writer.writerow  # type: ignore[attr-defined]
    several = len(trains) > 1
    if header:
        writerow(["gid", "ms", "population"] if several else ["gid", "ms"])
    for train in trains:
        label = [train.population] if several and header else []
        for gid, time in zip(train.node_ids.tolist(), train.times.tolist(), strict=True):
            writerow([gid, repr(time), *label])


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the spikes of a text file of gid and ms, or of an .npz with times and ids."""
    path = Path(source)
    times, ids = read_spikes(path)
    order = np.lexsort((ids, times))
    trains = Trains(population=path.stem, times=times[order], node_ids=ids[order])
    yield Contents(trains=[trains], source=str(path))
