"""Signals of passive cells that spikes drive, cell after cell, by impulse responses.

The hybrid scheme (Hagen et al. 2016, Cereb Cortex 26:4461): spikes of a network of points reach
synapses of cells that do not drive each other. Where the cells are passive and their synapses
inject currents, all is linear: each mode of a cell's cable is a filter of the events that reach the
cell, and the filters are those of the time step that a simulation takes. The result is that of
``lfp sim``, but holds one batch of cells at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.sums import OrderFreeSum
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, Sampled, Signal
from lfpcli.io.tracks import Track
from lfpcli.io.trains import open_trains
from lfpcli.io.writer import RecordingWriter
from lfpcli.model import Model
from lfpcli.model.varied import constants
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import part_from_others
from lfpcli.runtime.synapses.events import Trains, spikes_between
from lfpcli.tasks.measure.instruments import refuse_mixtures
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.response.batches import check_batches, simulate_batch
from lfpcli.tasks.response.linear_cell import (
    LinearCell,
    WindowSums,
    arriving,
    is_second_order,
    linear_cell,
)
from lfpcli.tasks.simulate.build import standing
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.engine import load_mechanisms
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout, lay_out, only_kind
from lfpcli.tasks.simulate.plan import drawn_seed
from lfpcli.tasks.simulate.sources import population_trains
from lfpcli.tasks.simulate.wiring import wire
from lfpcli.vocabulary import GROUPS, TOTAL

WINDOW = 1 << 15
"""Steps of all cells that are made at a time; it changes no sample of them beyond rounding."""
BATCH = 32
"""Cells whose synapses are drawn at a time."""
_DIPOLE = "dipole"
_POPULATION = GROUPS[1]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What there is to tell of a run.

    Attributes
    ----------
    cells, synapses, spikes : int
        Their numbers; spikes are those of all trains.
    leads : bool
        Whether this process is the one that talks.
    """

    cells: int
    synapses: int
    spikes: int
    leads: bool


def convolve_cells(
    model: Model,
    spikes: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    *,
    duration: float | None = None,
    simulated: bool = False,
    force: bool = False,
    float32: bool = False,
    command: Sequence[str] = ("lfp", "convolve"),
    progress: Callable[[float], None] = lambda share: None,
) -> Told:
    """Write the signals of the passive cells of a model that spikes drive.

    Parameters
    ----------
    model : Model
        Cells, and the connections from populations of spike trains onto them.
    spikes : path-like or None
        Recording with the spikes of those populations; others, and all of them where there is no
        recording, have what the model says.
    output : path-like
        Recording to write, or ``-``.
    duration : float, optional
        ms; that of the model's run by default.
    simulated : bool
        Whether cells are simulated, batch after batch, in place of impulse responses: they may have
        channels and any synapses then.
    force, float32 : bool
        Whether an existing file is replaced, and samples are stored in single precision.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Raises
    ------
    InputError, UsageError, SimulatorError
        Where the model is not of passive cells with synapses that inject currents, unless they are
        simulated, or cells drive each other.
    """
    team = Team()
    if team.leads:
        check_recording_output(output, force=force)
    if simulated:
        check_batches(model)
    else:
        _check_linear(model)
    _check_driven(model, team)
    load_mechanisms(model)
    with contextlib.ExitStack() as stack:
        inputs: dict[str, str] = {}
        history: Any = None
        driven = model if duration is None else _until(model, duration)
        if spikes is not None:
            path, name = stack.enter_context(stream.local_file(spikes))
            recording = stack.enter_context(open_trains(path, name))
            driven = _driven(driven, recording, path)
            inputs[name], history = digest(path), recording.provenance
        seed = drawn_seed(driven, team)
        # all processes take part in it, and have the same bits
        solve_media(driven.probes, team)
        hybrid = (_SimulatedCells if simulated else _Hybrid)(driven, seed, team)
        record = provenance(
            command, inputs=inputs, seed=seed, model=model.to_dict(), history=history
        )
        writer = None
        if team.leads:
            target = stack.enter_context(atomic_output(output, force=force))
            writer = stack.enter_context(RecordingWriter(target, record, float32=float32))
        return hybrid.write(writer, progress)


def _until(model: Model, duration: float) -> Model:
    """The model whose run ends after a duration, ms."""
    return replace(model, run=replace(model.run, tstop=duration))


def _check_linear(model: Model) -> None:
    """Refuse what is not linear in the spikes."""
    if model.stimuli:
        raise UsageError("[[stimulus]] is no spike", remedy="simulate it: --simulate, or lfp sim")


def _check_driven(model: Model, team: Team) -> None:
    """Refuse what one cell does to another, and what has no fixed steps."""
    remedy = "simulate it: lfp sim"
    if model.fields:
        raise UsageError("[[field]] is no spike", remedy=remedy)
    if model.circuit is not None or model.run.attach is not None:
        raise UsageError(
            "cells of a circuit or a script have more than current synapses", remedy=remedy
        )
    if model.run.is_adaptive:
        raise UsageError("an adaptive time step has no impulse responses", remedy="give dt in ms")
    populations = model.resolved_populations()
    for table in model.connections:
        if populations[table.pre].has_cells:
            raise InputError(
                f"'{table.pre}' has cells, whose spikes are not known",
                source=table.source_line,
                remedy="connect from populations of spike trains, or simulate: lfp sim",
            )
        if table.rule.outdegree is not None and team.size > 1:
            raise UsageError("outdegree works on one process", remedy="use indegree or total")


def _driven(model: Model, recording: Recording, path: Path) -> Model:
    """The model whose trains are those of a recording, where that has them."""
    populations = dict(model.populations)
    known = [name for name, table in populations.items() if not table.has_cells]
    driven = [name for name in known if name in recording.spike_populations]
    if not driven:
        raise InputError(
            "holds no spikes of a population of the model",
            source=recording.name,
            remedy=f"populations of spike trains: {', '.join(known) or 'none'}",
        )
    for name in driven:
        _, ids = recording.spikes(name)
        group = recording.file[f"spikes/{name}"]
        first = int(group.attrs.get("first_id", ids.min(initial=0)))
        size = int(group.attrs.get("size", ids.max(initial=first) + 1 - first))
        populations[name] = replace(
            populations[name],
            spikes=path.absolute(),
            spikes_population=name,
            rate=None,
            ids=None,
            first_id=first,
            size=size,
        )
    return replace(model, populations=populations)


class _Hybrid:
    """Cells of a model, batch by batch, and what measures them."""

    def __init__(self, model: Model, seed: int, team: Team) -> None:
        self.model, self.seed, self.team = model, seed, team
        self.layout = lay_out(model, seed)
        self.instruments = _summed(model)
        self.populations = list(self.layout.cells)
        self.trains = _trains(model, self.layout, seed)
        self.samples = round(model.run.tstop / model.run.interval) + 1
        # steps of all cells that are made at a time
        self.window = WINDOW
        self._linear: dict[str, LinearCell] = {}
        self._bounds = self._largest_coefficients()

    def write(self, writer: RecordingWriter | None, progress: Callable[[float], None]) -> Told:
        """Make all signals window by window and write them, on rank 0."""
        run = self.model.run
        times, sources = spikes_between(self.trains, run.tstart - 1.0, run.tstop)
        signals = []
        if writer is not None:
            self._write_spikes(writer, times, sources)
            signals = [self._begin(writer, instrument) for instrument in self.instruments]
        synapses = 0
        windows = range(0, self.samples, self.window)
        for number, first in enumerate(windows):
            last = min(first + self.window, self.samples)
            sums = WindowSums(self._bounds, len(self.populations), last - first)
            synapses = 0
            for batch in self._batches():
                synapses += self._add(batch, sums, first, last)
                progress((number + batch.gids[-1] / self.layout.count) / len(windows))
            whole = [self.team.add(part) for part in sums.parts]
            for tracks, part in zip(signals, whole, strict=False):
                tracks.append(part, first)
        synapses = sum(self.team.exchange(synapses))
        own_spikes = self._own_spikes()
        if writer is not None:
            for name, (moments, gids) in own_spikes.items():
                writer.spikes(name, moments, gids)
        return Told(
            cells=self.layout.count,
            synapses=synapses,
            spikes=len(times),
            leads=self.team.leads,
        )

    def _batches(self) -> Iterator[_Batch]:
        """Cells of this process, some of a population at a time."""
        for number, (population, gids) in enumerate(self.layout.cells.items()):
            # a batch is the same cells on any number of processes
            for count, first in enumerate(range(gids.start, gids.stop, BATCH)):
                if count % self.team.size == self.team.rank:
                    part = range(first, min(first + BATCH, gids.stop))
                    yield _Batch(population=population, number=number, gids=part)

    def _members(self, batch: _Batch) -> list[Member]:
        """The cells of a batch where they stand."""
        members = []
        for gid in batch.gids:
            geometry = standing(
                self._geometry(batch.population),
                self.model,
                self.layout,
                population=batch.population,
                gid=gid,
                seed=self.seed,
            )
            geometry.gid[:] = gid
            members.append(Member(gid, batch.population, geometry))
        return members

    def _geometry(self, population: str) -> Geometry:
        """Segments of a cell of a population, its soma at the origin."""
        return self._cell(population).geometry

    def _cell(self, population: str) -> LinearCell:
        name = only_kind(self.layout, population)
        if name not in self._linear:
            self._linear[name] = linear_cell(self.model, name)
        return self._linear[name]

    def _largest_coefficients(self) -> list[np.ndarray]:
        """Largest absolute coefficient of each channel of each instrument among all cells."""
        bounds = [np.zeros(instrument.channels) for instrument in self.instruments]
        for batch in self._batches():
            for member in self._members(batch):
                for bound, instrument in zip(bounds, self.instruments, strict=True):
                    matrix = np.abs(instrument.matrix(member.geometry))
                    np.maximum(bound, matrix.max(axis=1), out=bound)
        return [
            OrderFreeSum(self.layout.count, self.team.largest(bound)).bounds for bound in bounds
        ]

    def _add(self, batch: _Batch, sums: WindowSums, first: int, last: int) -> int:
        """Add what a batch of cells causes; returns the number of its synapses."""
        run, cell = self.model.run, self._cell(batch.population)
        members = self._members(batch)
        _refuse_unlike_synapses(self.model)
        wiring = wire(self.model, self.seed, self.layout, members=members, team=self.team)
        rows = wiring.rows()
        spikes = spikes_between([*self.trains, *wiring.trains], run.tstart - 1.0, run.tstop)
        for index, member in enumerate(members):
            events = arriving(rows, index, spikes, run.interval)
            matrices = [instrument.matrix(member.geometry) for instrument in self.instruments]
            samples = cell.signals(
                np.concatenate(matrices), events, wiring.synapse_types, first=first, last=last
            )
            sums.add(batch.number, samples)
        return len(rows)

    def _write_spikes(
        self, writer: RecordingWriter, times: np.ndarray, sources: np.ndarray
    ) -> None:
        for name, numbers in self.layout.trains.items():
            inside = (sources >= numbers.start) & (sources < numbers.stop)
            writer.spikes(name, times[inside], sources[inside])

    def _own_spikes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Times, ms, and gids of the spikes of each population's cells; passive ones have none."""
        return {}

    def _begin(self, writer: RecordingWriter, instrument: Instrument) -> _Tracks:
        """Begin a signal in the file."""
        every = self.model.record.every
        dt, empty = self.model.run.interval * every, np.zeros((0, instrument.channels))
        # currents of the second order are those of the middle of steps
        late = -self.model.run.interval / 2.0 if is_second_order(self.model) else 0.0
        names = self.populations if instrument.per == _POPULATION else []
        if instrument.name == _DIPOLE:
            shares = {TOTAL: TOTAL, **dict.fromkeys(names, _POPULATION)}
            tracks = {
                name: writer.dipole(name, Sampled(empty, instrument.units, dt, late, share=share))
                for name, share in shares.items()
            }
            return _Tracks(total=tracks.pop(TOTAL), groups=tracks, every=every)
        signal = Signal(
            empty,
            instrument.units,
            dt,
            late,
            positions=instrument.positions,
            names=list(instrument.names),
            model=instrument.model,
            parameters=dict(instrument.parameters),
            groups=dict.fromkeys(names, empty),
            shares=dict.fromkeys(names, _POPULATION),
        )
        tracks = writer.signal(instrument.name, signal)
        return _Tracks(total=tracks.pop(""), groups=tracks, every=every)


class _SimulatedCells(_Hybrid):
    """Cells of a model that are simulated, batch by batch."""

    def __init__(self, model: Model, seed: int, team: Team) -> None:
        self._geometries: dict[str, Geometry] = {}
        self._spikes: list[tuple[np.ndarray, np.ndarray]] = []
        super().__init__(model, seed, team)
        if team.size > 1:
            part_from_others()
        # a batch runs from begin to end
        self.window = self.samples

    def _geometry(self, population: str) -> Geometry:
        name = only_kind(self.layout, population)
        if name not in self._geometries:
            # nothing of it but numbers stays in NEURON
            self._geometries[name] = CellFactory(self.model.cells[name]).make(0).geometry
        return self._geometries[name]

    def _add(self, batch: _Batch, sums: WindowSums, first: int, last: int) -> int:
        outcome = simulate_batch(
            self.model,
            self.seed,
            batch.gids,
            instruments=self.instruments,
            add=lambda begin, samples: sums.add(batch.number, samples, begin),
        )
        if len(outcome.times):
            self._spikes.append((outcome.times, outcome.gids))
        return outcome.synapses

    def _own_spikes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        parts = list(itertools.chain(*self.team.exchange(self._spikes)))
        times = np.concatenate([np.zeros(0), *(each for each, _ in parts)])
        gids = np.concatenate([np.zeros(0, np.int64), *(each for _, each in parts)])
        order = np.lexsort((gids, times))
        times, gids = times[order], gids[order]
        spikes = {}
        for name, numbers in self.layout.cells.items():
            inside = (gids >= numbers.start) & (gids < numbers.stop)
            spikes[name] = times[inside], gids[inside]
        return spikes


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """Some cells of a population, and its number among those of cells."""

    population: str
    number: int
    gids: range


@dataclass(frozen=True, kw_only=True)
class _Tracks:
    """What a signal is written to, each `every`-th sample of it."""

    total: Track
    groups: dict[str, Track]
    every: int

    def append(self, parts: np.ndarray, first: int) -> None:
        """Write sums (groups, 2, n, C) of the samples from number `first` on."""
        kept = slice(-first % self.every, None, self.every)
        self.total.append(OrderFreeSum.join(parts.sum(axis=0))[kept])
        for number, track in enumerate(self.groups.values()):
            track.append(OrderFreeSum.join(parts[number])[kept])


def _trains(model: Model, layout: Layout, seed: int) -> list[Trains]:
    populations = model.resolved_populations()
    return [
        population_trains(populations[name], numbers, model, seed)
        for name, numbers in layout.trains.items()
    ]


def _summed(model: Model) -> list[Instrument]:
    """What measures; shares of cells and currents would grow with the cells and are refused."""
    for probe in model.probes:
        if probe.filter is not None or probe.noise is not None or probe.resample is not None:
            raise InputError(
                f"'{probe.name}' is treated, which is for a recording that is whole",
                source=probe.source_line,
                remedy="filter the output: lfp convert --filter",
            )
    instruments = instruments_of(model)
    refuse_mixtures(instruments, "a response")
    for instrument in instruments:
        if instrument.per not in GROUPS[:2]:
            raise UsageError(
                f"'{instrument.name}' has a share of each {instrument.per}",
                remedy='take per = "population"',
            )
    if not instruments:
        raise UsageError("the model measures nothing", remedy="give it a [[probe]]")
    return instruments


def _refuse_unlike_synapses(model: Model) -> None:
    """Raise `InputError` where synapses of one kind have no one response."""
    synapses = [table.synapse for table in model.connections]
    synapses += [table.synapse for table in model.inputs]
    for synapse in synapses:
        # parameters of a table must be numbers here
        constants(synapse.params, synapse.source_line)
    for connection in model.connections:
        if connection.is_gap:
            raise InputError(
                "gap junctions have no impulse response",
                source=connection.source_line,
                remedy="run lfp sim on the model",
            )
