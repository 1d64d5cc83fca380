"""Spike trains drawn and written, without cells."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.builtin import resolved
from lfpcli.errors import InputError, UsageError, located
from lfpcli.forward.point_network import point_spikes
from lfpcli.forward.spike_trains import Process, Rate, spike_trains
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.table import read_columns
from lfpcli.io.trains import DURATION, FIRST, SIZE
from lfpcli.io.writer import RecordingWriter
from lfpcli.model.point_network import PointNetworkFile
from lfpcli.model.trains import TrainPopulation

_GAMMA_SHAPE = 2.0
_BURST_INTERVAL = 4.0


def write_trains(
    populations: Mapping[str, TrainPopulation],
    output: str | os.PathLike[str],
    *,
    duration: float,
    seed: int,
    force: bool = False,
    command: Sequence[str] = ("lfp", "spikes"),
) -> dict[str, int]:
    """Draw trains and write them as the spikes of a recording.

    Parameters
    ----------
    populations : mapping of str to TrainPopulation
        What to draw; ids go on from one population to the next, in this order.
    output : path-like
        Recording to write, or ``-``.
    duration : float
        Of the trains, ms.
    seed : int
        Seed.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.

    Returns
    -------
    dict of str to int
        Number of spikes of each population.

    Raises
    ------
    InputError, UsageError
        Where a process cannot be.
    """
    check_recording_output(output, force=force)
    inputs: dict[str, str] = {}
    drawn: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    firsts: dict[str, int] = {}
    first = 0
    for number, (name, population) in enumerate(populations.items()):
        with located(population.source_line):
            process = process_of(population, inputs)
            times, trains = spike_trains(
                process, population.size, duration, seed=seed, number=number
            )
        drawn[name], firsts[name] = (times, trains + first), first
        first += population.size
    record = provenance(command, inputs=inputs, seed=seed)
    sizes = {name: population.size for name, population in populations.items()}
    with atomic_output(output, force=force) as target, RecordingWriter(target, record) as writer:
        _write(writer, drawn, sizes=sizes, firsts=firsts, duration=duration)
    return {name: len(times) for name, (times, _) in drawn.items()}


def write_point_spikes(
    file: PointNetworkFile,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    duration: float,
    seed: int,
    force: bool = False,
    command: Sequence[str] = ("lfp", "spikes"),
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, tuple[int, int]]:
    """Run a network of point neurons and write its spikes.

    Parameters
    ----------
    file : PointNetworkFile
        The network.
    source : path-like
        File that it was read from, for the provenance.
    output : path-like
        Recording to write, or ``-``.
    duration : float
        ms.
    seed : int
        Seed.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Returns
    -------
    dict of str to (int, int)
        Neurons and spikes of each population.

    Raises
    ------
    InputError, UsageError
        Where the network cannot be.
    """
    check_recording_output(output, force=force)
    with located(file.network.source_line):
        sizes, network = file.scaled()
        times, neurons = point_spikes(network, duration, seed=seed, progress=progress)
    path = Path(resolved(source))
    record = provenance(command, inputs={path.name: digest(path)}, seed=seed)
    drawn, firsts, first = {}, {}, 0
    for name, size in sizes.items():
        members = (neurons >= first) & (neurons < first + size)
        drawn[name], firsts[name] = (times[members], neurons[members]), first
        first += size
    with atomic_output(output, force=force) as target, RecordingWriter(target, record) as writer:
        _write(writer, drawn, sizes=sizes, firsts=firsts, duration=duration)
    return {name: (size, len(drawn[name][0])) for name, size in sizes.items()}


def _write(
    writer: RecordingWriter,
    trains: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    sizes: Mapping[str, int],
    firsts: Mapping[str, int],
    duration: float,
) -> None:
    """Write times, ms, and ids of populations, and which ids each has; silent ones too."""
    for name, (times, ids) in trains.items():
        writer.spikes(name, times, ids)
        group = writer.file[f"spikes/{name}"]
        group.attrs[SIZE] = np.int64(sizes[name])
        group.attrs[FIRST] = np.int64(firsts[name])
        group.attrs[DURATION] = duration


def process_of(population: TrainPopulation, inputs: dict[str, str]) -> Process:
    """The process of a table; the digest of a file that it reads goes into `inputs`."""
    shape, rate = 1.0, population.poisson
    if population.gamma is not None:
        shape, rate = population.shape or _GAMMA_SHAPE, population.gamma
    if population.regular is not None:
        shape, rate = np.inf, population.regular
        if population.refractory:
            raise UsageError("regular trains have no refractory period", remedy="leave it out")
    facts: dict[str, Any] = {}
    if population.burst is not None:
        interval = population.burst_interval
        facts["burst_size"] = population.burst
        facts["burst_interval"] = _BURST_INTERVAL if interval is None else interval
    if population.rates is not None:
        shape = population.shape or 1.0
        facts["rate"] = _read_rate(population.rates, inputs)
    else:
        facts["rate"] = rate
    return Process(
        **facts,
        shape=shape,
        refractory=population.refractory,
        rate_sd=population.rate_sd,
        rate_min=population.rate_min,
        correlation=population.correlation,
        jitter=population.jitter,
    )


def _read_rate(path: Path, inputs: dict[str, str]) -> Rate:
    columns = read_columns(path, ("time", "rate"))
    inputs[str(path.name)] = digest(path)
    try:
        return Rate(times=np.array(columns["time"]), values=np.array(columns["rate"]))
    except UsageError as error:
        raise InputError(
            error.message, source=path, remedy="give times in ms that ascend, and rates in Hz"
        ) from error
