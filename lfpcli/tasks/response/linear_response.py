"""The linear response of a network: what one spike of a population adds to its signals.

The cells of a population are taken as linear about a working point: their channels conduct what
they do there, and all synapses, firing at their mean rates, add to that. One spike reaches the
synapses that its cell has in the mean, at the places and with the delays of their tables (Hagen et
al. 2022, PLoS Comput Biol 18:e1010353); those on one cell shunt each other. A spike of cells is
also a current of their own. Depths and turns are those of cells of the network itself, chosen
evenly through its depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft

from lfpcli.errors import InputError, UsageError, located, nearest
from lfpcli.forward.axial import AxialNetwork
from lfpcli.forward.gated import GatedCable, Gates, fitted_gates
from lfpcli.forward.instrument import Instrument, dipole_instrument
from lfpcli.forward.passive import Drive, LinearCable
from lfpcli.geometry import Geometry
from lfpcli.io.kernels import Kernels
from lfpcli.model import Connection, Input, Model
from lfpcli.model.candidates import resolve
from lfpcli.model.varied import constants
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.conductance import answer_to_a_step, capacitance
from lfpcli.runtime.cell.own_spike import HeldCell, HeldState, held_cell
from lfpcli.runtime.synapses.unit_response import UnitResponse, unit_response
from lfpcli.tasks.measure.instruments import refuse_mixtures
from lfpcli.tasks.response.expected import (
    delay_weights,
    spread_places,
    synapses_at_once,
    synapses_per_pair,
)
from lfpcli.tasks.response.linear_cell import is_second_order
from lfpcli.tasks.response.working_point import WorkingPoint, source_rate
from lfpcli.tasks.simulate.build import standing
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout, only_kind
from lfpcli.vocabulary import GATES

_LINEAR = GATES[0]
# cells that own spikes are averaged over, times those of synapses: near contacts each counts
_OWN = 8
# conductance of what stands for a current, uS
_LEAST = 1e-6


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
    gates : str
        One of `lfpcli.vocabulary.GATES`: what gates do about the working point.
    """

    pre: Sequence[str] = ()
    post: Sequence[str] = ()
    signals: Sequence[str] = ()
    length: float = 100.0
    cells: int = 16
    gates: str = _LINEAR


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


@dataclass(frozen=True, kw_only=True)
class _Membrane:
    """What a cell of N segments is about a working point, without synapses.

    Attributes
    ----------
    network : AxialNetwork
        Its axial resistances, MOhm.
    capacitance, conductance : ndarray, shape (N,)
        nF, and uS with the gates held.
    gates : Gates or None
        What gates add as they move.
    """

    network: AxialNetwork
    capacitance: np.ndarray
    conductance: np.ndarray
    gates: Gates | None = None

    def cable(self, synapses: np.ndarray) -> LinearCable:
        """The cell with the mean conductance of synapses (N,), uS."""
        conductance = self.conductance + synapses
        if self.gates is None:
            return LinearCable(self.network, self.capacitance, conductance)
        return GatedCable(self.network, self.capacitance, conductance, self.gates)


@dataclass(frozen=True, kw_only=True)
class _Driven:
    """What a spike does to a cell by one connection.

    Attributes
    ----------
    table : Connection
        The connection.
    drives : list of (float, Drive)
        What drives the cell, and how many times.
    """

    table: Connection
    drives: list[tuple[float, Drive]]


class Response:
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
        if not self.model.connections:
            raise InputError(
                "a model without [[connection]] has no kernels",
                source=self.model.path,
                remedy="name the model of a network",
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
        unconnected: set[str] = set()
        # cells that nothing listens to spike too
        posts = list(dict.fromkeys([*(post for _, post in self.pairs), *self._spiking()]))
        for number, post in enumerate(posts):
            pres = [pre for pre, other in self.pairs if other == post]
            for pre, signals in self._of_population(post, pres).items():
                if (pre, post) not in self.pairs:
                    self.pairs.append((pre, post))
                    unconnected.add(post)
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
                unconnected=frozenset(unconnected),
            )
            for instrument, kept in zip(self.instruments, values, strict=True)
        ]

    def _spiking(self) -> list[str]:
        """Populations of cells whose own spikes are wanted."""
        scope = self.scope
        names = []
        for name in self.layout.kinds:
            if (not scope.pre or name in scope.pre) and (not scope.post or name in scope.post):
                names.append(name)
        return names

    def _of_population(self, post: str, pres: Sequence[str]) -> dict[str, list[np.ndarray]]:
        """Per presynaptic population, the kernels (L, C) of all signals."""
        cell = self._cell(post)
        tables = self._tables(post)
        gids = self._representatives(post, self.scope.cells)
        middle = self._standing(cell, post, gids[len(gids) // 2])
        at_rest = held_cell(cell, self._held_state(tables, middle, post), self.samples)
        # along the cell the potential differs from that of the soma, which is recorded or stated
        apart = at_rest.potentials - np.mean(at_rest.potentials[cell.geometry.is_soma])
        opened = self._in_the_mean(tables, middle, "conductance")
        potentials = self.point.potentials[post] + apart
        membrane = self._membrane(cell, post, potentials, opened)
        sums: dict[str, list[np.ndarray]] = {}
        for pre in pres:
            sums[pre] = [np.zeros((self.samples, each.channels)) for each in self.instruments]
        for turn, gid in enumerate(gids):
            geometry = self._standing(cell, post, gid)
            # synapses open a part of the membrane all the time, which shortens the response
            cable = membrane.cable(self._in_the_mean(tables, geometry, "conductance"))
            matrices = [instrument.matrix(geometry) for instrument in self.instruments]
            part = (turn + 0.5) / len(gids)
            driven = [
                self._driven(entry, entry.table, geometry, post=post, part=part, apart=apart)
                for entry in tables
                if isinstance(entry.table, Connection) and entry.table.pre in pres
            ]
            for table, currents in self._currents(cable, driven):
                for total, matrix in zip(sums[table.pre], matrices, strict=True):
                    total += currents @ matrix.T / len(gids)
        if post in self._spiking():
            self._add_own_spike(post, cell, at_rest, sums)
        return sums

    def _membrane(
        self, cell: Cell, post: str, potentials: np.ndarray, opened: np.ndarray
    ) -> _Membrane:
        """What a cell conducts whose segments are at potentials (N,), mV; synapses open (N,) uS."""
        times, conductances = answer_to_a_step(
            cell, potentials, celsius=self.model.run.celsius, dt=self.dt, steps=self.samples
        )
        held = _Membrane(
            network=cell.axial_network(),
            capacitance=capacitance(cell),
            conductance=conductances[0],
        )
        gates = fitted_gates(times, conductances) if self.scope.gates == _LINEAR else None
        if gates is None:
            return held
        membrane = replace(held, gates=gates)
        moving = membrane.cable(opened)
        if isinstance(moving, GatedCable) and moving.grows(self.dt, self.samples):
            self.notes.append(
                f"gates of '{post}' are held: moving, they take its cells away from"
                f" {self.point.potentials[post]:.4g} mV"
            )
            return held
        return membrane

    def _add_own_spike(
        self,
        post: str,
        cell: Cell,
        at_rest: HeldCell,
        sums: dict[str, list[np.ndarray]],
    ) -> None:
        """Add what a spike of a population is on its own cell, where that can be told."""
        currents = at_rest.spike
        if currents is None:
            return
        gids = self._representatives(post, _OWN * self.scope.cells)
        if post not in sums:
            sums[post] = [np.zeros((self.samples, i.channels)) for i in self.instruments]
        for gid in gids:
            geometry = self._standing(cell, post, gid)
            for total, instrument in zip(sums[post], self.instruments, strict=True):
                total += currents @ instrument.matrix(geometry).T / len(gids)

    def _held_state(self, tables: Sequence[_Table], geometry: Geometry, post: str) -> HeldState:
        """What holds a cell at the working point."""
        potential = self.point.potentials[post]
        conductance = self._in_the_mean(tables, geometry, "conductance")
        current = self._in_the_mean(tables, geometry, "current")
        # synapses that inject a current alone are one that hardly conducts and reverses far away
        conductance = np.where((conductance < _LEAST) & (np.abs(current) > 0), _LEAST, conductance)
        reversal = np.full(len(geometry), potential)
        opened = conductance > 0
        reversal[opened] -= current[opened] / conductance[opened]
        return HeldState(
            potential=potential,
            conductance=conductance,
            reversal=reversal,
            threshold=self.model.resolved_populations()[post].threshold,
            celsius=self.model.run.celsius,
            dt=self.dt,
            secondorder=2 if is_second_order(self.model) else 0,
        )

    def _standing(self, cell: Cell, post: str, gid: int) -> Geometry:
        """Segments of a cell of a population where it is."""
        geometry = standing(
            cell.geometry, self.model, self.layout, population=post, gid=gid, seed=self.seed
        )
        geometry.gid[:] = gid
        return geometry

    def _driven(
        self,
        entry: _Table,
        table: Connection,
        geometry: Geometry,
        *,
        post: str,
        part: float,
        apart: np.ndarray,
    ) -> _Driven:
        """What a spike does to a cell where all cells of its population are like it.

        `part`, between 0 and 1, differs from cell to cell: it chooses among places of synapses.
        `apart` (N,) is the potential of each segment less that of the working point, mV.
        """
        pre_size, post_size = len(self.layout.gids(table.pre)), len(self.layout.gids(post))
        # each cell stands for all of its population
        number = post_size * synapses_per_pair(table, pre_size, post_size)
        shares = _shares(table, geometry)
        response = entry.response
        factors = 1.0 + apart / response.driving_force
        strengths = number * shares * factors
        drives = []
        if np.abs(response.conductance).max(initial=0.0) > 0:
            # a spike reaches few cells by several synapses each, which shunt each other
            together = synapses_at_once(table, pre_size, post_size)
            segments = spread_places(shares, together, part)
            alike = np.bincount(segments, minlength=len(geometry))
            shunted = Drive(
                strengths=factors,
                course=response.current,
                segments=segments,
                conductances=response.conductance,
            )
            drives.append((number / together, shunted))
            # the linear part is the mean over all places, the rest over those chosen
            strengths -= number / together * alike * factors
        drives.append((1.0, Drive(strengths=strengths, course=-response.current)))
        return _Driven(table=table, drives=drives)

    def _currents(
        self, cable: LinearCable, driven: Sequence[_Driven]
    ) -> Iterator[tuple[Connection, np.ndarray]]:
        """Membrane currents (L, N), nA, of a cell that each connection causes."""
        drives = [drive for each in driven for _, drive in each.drives]
        responses = iter(cable.responses(drives, self.dt))
        for each in driven:
            states = np.zeros((self.samples, len(cable.root)))
            for factor, _ in each.drives:
                states += factor * next(responses)
            with located(each.table.source_line):
                weights = delay_weights(each.table.delay, self.dt)
            yield each.table, _delayed(cable.currents(states), weights)

    def _in_the_mean(self, tables: Sequence[_Table], geometry: Geometry, course: str) -> np.ndarray:
        """Mean conductance, uS, or current, nA, of all synapses on each segment, (N,)."""
        total = np.zeros(len(geometry))
        for entry in tables:
            area = getattr(entry.response, course).sum() * self.dt
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
        name = only_kind(self.layout, post)
        if name not in self._cells:
            self._cells[name] = CellFactory(self.model.cells[name]).make(0)
        return self._cells[name]

    def _representatives(self, post: str, count: int) -> list[int]:
        """Gids of some cells evenly spread through the depth of a population."""
        gids = self.layout.cells[post]
        # stable, so that cells of one depth are taken in the order of gids
        order = np.argsort(self.layout.positions[post][:, 2], kind="stable")
        count = min(count, len(gids))
        # quantiles of the depths, not random ones: fewer cells give the same mean
        middles = ((np.arange(count) + 0.5) * len(gids) / count).astype(np.int64)
        return [gids.start + int(index) for index in order[middles]]


def _chosen_instruments(model: Model, wanted: Sequence[str]) -> list[Instrument]:
    instruments = instruments_of(model)
    refuse_mixtures(instruments, "a kernel")
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
