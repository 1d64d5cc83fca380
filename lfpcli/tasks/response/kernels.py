"""Kernels: what one spike of a population adds to the signals of a network.

The cells of a population are taken as linear about a working point: their channels conduct what
they do there, and all synapses, firing at their mean rates, add to that. One spike reaches the
synapses that its cell has in the mean, at the places and with the delays of their tables, as
currents at the mean potential (Hagen et al. 2022, PLoS Comput Biol 18:e1010353). Depths and turns
are those of cells of the network itself, chosen evenly through its depth.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy import fft

from lfpcli.errors import UsageError, located, nearest
from lfpcli.forward.instrument import Instrument, dipole_instrument
from lfpcli.forward.passive import LinearCable
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.kernels import Kernels, KernelWriter
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import open_recording
from lfpcli.model import Connection, Input, Model
from lfpcli.model.candidates import resolve
from lfpcli.model.varied import constants
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.conductance import capacitance, held_conductance
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.unit_response import UnitResponse, unit_response
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.response.comparison import explained_variance
from lfpcli.tasks.response.expected import (
    delay_weights,
    spread_places,
    synapses_at_once,
    synapses_per_pair,
)
from lfpcli.tasks.response.working_point import WorkingPoint, source_rate, working_point
from lfpcli.tasks.simulate.build import standing
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.engine import load_mechanisms
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout, lay_out
from lfpcli.tasks.simulate.plan import drawn_seed
from lfpcli.tasks.simulate.step_errors import run_apart
from lfpcli.tasks.simulate.used import used_points


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which kernels are wanted.

    Attributes
    ----------
    pre, post, signals : sequence of str
        Presynaptic populations, those whose cells cause the signal, and signals; all where empty.
    length : float
        Of a kernel, from the spike on, ms.
    cells : int
        Cells of a population that the response is averaged over.
    """

    pre: Sequence[str] = ()
    post: Sequence[str] = ()
    signals: Sequence[str] = ()
    length: float = 100.0
    cells: int = 16


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a computation of kernels tells.

    Attributes
    ----------
    point : WorkingPoint
        Where the response was taken.
    pairs : list of (str, str)
        Pairs of populations that have kernels.
    notes : list of str
        What the user should know.
    explained : dict of str to float
        Share of the variance of the run's signals that kernels and spikes explain.
    """

    point: WorkingPoint
    pairs: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    explained: dict[str, float] = field(default_factory=dict)


def write_kernels(
    model: Model,
    output: str | os.PathLike[str],
    scope: Scope,
    stated: WorkingPoint,
    *,
    run: str | os.PathLike[str] | None = None,
    check: bool = False,
    force: bool = False,
    command: Sequence[str] = ("lfp", "kernel"),
    progress: Callable[[float], None] = lambda share: None,
) -> Facts:
    """Compute the kernels of a network and write them.

    Parameters
    ----------
    model : Model
        The network.
    output : path-like
        File of kernels to write, or ``-``.
    scope : Scope
        Which kernels.
    stated : WorkingPoint
        Rates and potentials that are stated.
    run : path-like, optional
        A recording of the network, for those that are not.
    check : bool
        Whether the network is simulated for that, and compared with.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Raises
    ------
    InputError, UsageError, SimulatorError
        Where the model has no such populations or signals, or is not linear in its synapses.
    """
    check_output(output, force=force)
    load_mechanisms(model, used=used_points(model))
    seed = drawn_seed(model, Team())
    layout = lay_out(model, seed)
    media = solve_media(model.probes, Team())
    inputs: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        recording = None
        if check:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            run = folder / "full.h5"
            run_apart(_recorded(model, seed), run, "the simulation of the network")
            recording = stack.enter_context(open_recording(run))
        elif run is not None:
            path, name = stack.enter_context(stream.local_file(run))
            recording = stack.enter_context(open_recording(path, name))
            inputs[name] = digest(path)
        point = working_point(model, layout, stated, recording)
        response = _Response(model, layout, scope=scope, point=point, seed=seed)
        kernels = response.kernels(progress)
        record = provenance(command, inputs=inputs, seed=seed, model=model.to_dict())
        with (
            atomic_output(output, force=force) as target,
            KernelWriter(target, record) as writer,
        ):
            for each in kernels:
                writer.kernels(each)
        return Facts(
            point=point,
            pairs=response.pairs,
            notes=[*media, *response.notes],
            explained={} if recording is None else explained_variance(kernels, recording),
        )


def _recorded(model: Model, seed: int) -> Model:
    """The model that keeps what kernels are compared with, and nothing large."""
    record = replace(
        model.record,
        spikes=True,
        imem=False,
        variables=(),
        vmem="soma",
        dipole="total" if model.record.dipole == "none" else model.record.dipole,
    )
    run = replace(model.run, seed=seed, stated=model.run.stated | {"seed"})
    return replace(model, run=run, record=record)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A connection or an input onto one population, in the mean.

    Attributes
    ----------
    table : Connection or Input
        The table.
    response : UnitResponse
        Of one of its synapses at the mean weight.
    count : float
        Synapses of a postsynaptic cell.
    rate : float
        Of each, events per s.
    """

    table: Connection | Input
    response: UnitResponse
    count: float
    rate: float


class _Response:
    """The linear response of a network."""

    def __init__(
        self, model: Model, layout: Layout, scope: Scope, point: WorkingPoint, seed: int
    ) -> None:
        self.model, self.layout, self.scope = model, layout, scope
        self.point, self.seed = point, seed
        self.dt = model.run.interval
        self.samples = round(scope.length / self.dt) + 1
        self.notes: list[str] = []
        self.instruments = _chosen_instruments(model, scope.signals)
        self.pairs = self._chosen_pairs()
        # cells of a kind differ in place and turn alone, so one of each is built
        self._cells: dict[str, Cell] = {}

    def _chosen_pairs(self) -> list[tuple[str, str]]:
        scope, layout = self.scope, self.layout
        known = [*layout.cells, *layout.trains]
        for name in (*scope.pre, *scope.post):
            if name not in known:
                raise UsageError(
                    f"there is no population '{name}'", remedy=nearest(name, known, "population")
                )
        pairs = []
        for table in self.model.connections:
            pair = table.pre, table.post
            wanted = (not scope.pre or pair[0] in scope.pre) and (
                not scope.post or pair[1] in scope.post
            )
            if wanted and pair not in pairs:
                pairs.append(pair)
        if not pairs:
            raise UsageError(
                "there is no connection between these populations",
                remedy="leave --pre and --post out to see all",
            )
        return pairs

    def kernels(self, progress: Callable[[float], None]) -> list[Kernels]:
        """Kernels of all signals."""
        values: list[dict[tuple[str, str], np.ndarray]] = [{} for _ in self.instruments]
        posts = list(dict.fromkeys(post for _, post in self.pairs))
        for number, post in enumerate(posts):
            pres = [pre for pre, other in self.pairs if other == post]
            for pre, signals in self._of_population(post, pres).items():
                for kept, signal in zip(values, signals, strict=True):
                    kept[pre, post] = signal
            progress((number + 1) / len(posts))
        return [
            Kernels(
                name=instrument.name,
                units=instrument.units,
                model=instrument.model,
                parameters=instrument.parameters,
                positions=instrument.positions,
                names=list(instrument.names),
                dt=self.dt,
                values=kept,
            )
            for instrument, kept in zip(self.instruments, values, strict=True)
        ]

    def _of_population(self, post: str, pres: Sequence[str]) -> dict[str, list[np.ndarray]]:
        """Per presynaptic population, the kernels (L, C) of all signals."""
        cell = self._cell(post)
        network, nanofarads = cell.axial_network(), capacitance(cell)
        held = held_conductance(cell, self.point.potentials[post])
        tables = self._tables(post)
        gids = self._representatives(post)
        sums: dict[str, list[np.ndarray]] = {
            pre: [np.zeros((self.samples, i.channels)) for i in self.instruments] for pre in pres
        }
        for turn, gid in enumerate(gids):
            geometry = standing(
                cell.geometry, self.model, self.layout, population=post, gid=gid, seed=self.seed
            )
            geometry.gid[:] = gid
            # synapses open a part of the membrane all the time, which shortens the response
            conductance = held + self._synaptic(tables, geometry)
            cable = LinearCable(network, nanofarads, conductance)
            matrices = [instrument.matrix(geometry) for instrument in self.instruments]
            for entry in tables:
                table = entry.table
                if isinstance(table, Input) or table.pre not in pres:
                    continue
                currents = self._currents(
                    cable, entry, geometry, post=post, part=(turn + 0.5) / len(gids)
                )
                for total, matrix in zip(sums[table.pre], matrices, strict=True):
                    total += currents @ matrix.T / len(gids)
        return sums

    def _currents(
        self, cable: LinearCable, entry: _Table, geometry: Geometry, *, post: str, part: float
    ) -> np.ndarray:
        """Membrane currents (L, N), nA, of a cell where all cells of its population are like it.

        `part`, between 0 and 1, differs from cell to cell: it chooses among places of synapses.
        """
        table = entry.table
        assert isinstance(table, Connection)
        pre_size, post_size = len(self.layout.gids(table.pre)), len(self.layout.gids(post))
        # each cell stands for all of its population
        number = post_size * synapses_per_pair(table, pre_size, post_size)
        shares = _shares(table, geometry)
        response = entry.response
        currents = cable.membrane_currents(number * shares, -response.current, self.dt)
        # a spike reaches few cells by several synapses each, which shunt each other
        together = synapses_at_once(table, pre_size, post_size)
        if np.abs(response.conductance).max(initial=0.0) > 0:
            segments = spread_places(shares, together, part)
            alike = np.bincount(segments, minlength=len(geometry)).astype(float)
            shunted = cable.shunted_currents(
                segments, response.current, response.conductance, self.dt
            )
            linear = cable.membrane_currents(alike, -response.current, self.dt)
            # the linear part is the mean over all places, the rest over those chosen
            currents += number / together * (shunted - linear)
        with located(table.source_line):
            return _delayed(currents, delay_weights(table.delay, self.dt))

    def _synaptic(self, tables: Sequence[_Table], geometry: Geometry) -> np.ndarray:
        """Mean conductance of all synapses, (N,), uS."""
        total = np.zeros(len(geometry))
        for entry in tables:
            area = entry.response.conductance.sum() * self.dt
            total += entry.count * entry.rate / 1000.0 * area * _shares(entry.table, geometry)
        return total

    def _tables(self, post: str) -> list[_Table]:
        tables = []
        size = len(self.layout.gids(post))
        for connection in self.model.connections:
            if connection.post != post:
                continue
            pre = len(self.layout.gids(connection.pre))
            count = pre * synapses_per_pair(connection, pre, size)
            tables.append(self._measured(connection, post, count, self.point.rates[connection.pre]))
        for table in self.model.inputs:
            if table.population not in (None, post) or table.cells is not None:
                continue
            rate = source_rate(table.source)
            tables.append(self._measured(table, post, table.count.mean_count, rate))
        return tables

    def _measured(self, table: Connection | Input, post: str, count: float, rate: float) -> _Table:
        with located(table.source_line):
            response = unit_response(
                table.synapse.type,
                constants(table.synapse.params, table.synapse.source_line),
                weight=table.weight.mean,
                potential=self.point.potentials[post],
                celsius=self.model.run.celsius,
                dt=self.dt,
                samples=self.samples,
            )
        peak = np.abs(response.current).max(initial=0.0)
        if peak and np.abs(response.current[-1]) > 1e-3 * peak:
            self.notes.append(
                f"{table.synapse.type} [{table.source_line}] has not decayed after"
                f" {self.scope.length:g} ms; give a larger --length"
            )
        return _Table(table=table, response=response, count=count, rate=rate)

    def _cell(self, post: str) -> Cell:
        """A cell of the kind of a population, its soma at the origin."""
        name = self.layout.cell_names[post]
        if name not in self._cells:
            self._cells[name] = CellFactory(self.model.cells[name]).make(0)
        return self._cells[name]

    def _representatives(self, post: str) -> list[int]:
        """Gids of cells evenly spread through the depth of a population."""
        gids = self.layout.cells[post]
        # stable, so that cells of one depth are taken in the order of gids
        order = np.argsort(self.layout.positions[post][:, 2], kind="stable")
        count = min(self.scope.cells, len(gids))
        # quantiles of the depths, not random ones: fewer cells give the same mean
        middles = ((np.arange(count) + 0.5) * len(gids) / count).astype(np.int64)
        return [gids.start + int(index) for index in order[middles]]


def _chosen_instruments(model: Model, wanted: Sequence[str]) -> list[Instrument]:
    instruments = instruments_of(model)
    if model.record.dipole == "none":
        instruments.insert(0, dipole_instrument())
    names = [instrument.name for instrument in instruments]
    for name in wanted:
        if name not in names:
            raise UsageError(f"there is no signal '{name}'", remedy=nearest(name, names, "signal"))
    return [each for each in instruments if not wanted or each.name in wanted]


def _shares(table: Connection | Input, geometry: Geometry) -> np.ndarray:
    """Chance of each segment to get a synapse of a table, (N,)."""
    candidates = resolve(table.location, geometry)
    shares = np.zeros(len(geometry))
    shares[candidates.indices] = candidates.probabilities
    return shares


def _delayed(currents: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Currents (L, N) after delays of chances (n,)."""
    # long enough that nothing of the end comes round to the begin
    length = fft.next_fast_len(len(currents) + len(weights), real=True)
    spectrum = fft.rfft(currents, length, axis=0) * fft.rfft(weights, length)[:, None]
    return np.asarray(fft.irfft(spectrum, length, axis=0)[: len(currents)])
