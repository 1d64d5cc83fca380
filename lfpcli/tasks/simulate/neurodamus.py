"""A circuit of neurodamus in NEURON: its synapses with their streams, and its inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, SimulatorError, located
from lfpcli.io.sonata.nodes import index_of
from lfpcli.model import Model
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import (
    check_synapse,
    parameter_default,
    parameter_names,
)
from lfpcli.runtime.hoc.settings import set_mechanism_globals, signal_weight
from lfpcli.runtime.synapses.bulk import SynapseRows, Synapses, SynapseType
from lfpcli.runtime.synapses.draws import StreamDraws, set_common_seed
from lfpcli.runtime.synapses.later import set_later_weights
from lfpcli.runtime.synapses.streams import set_stream
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.edges import (
    AMPA_NMDA,
    EXP2SYN,
    GABA,
    EdgeReader,
    EdgeRows,
    Target,
    edge_populations,
)
from lfpcli.tasks.circuits.neurodamus.numbers import pathway_number
from lfpcli.tasks.circuits.neurodamus.overrides import overridden, read_overrides
from lfpcli.tasks.circuits.neurodamus.replays import Replay
from lfpcli.tasks.circuits.neurodamus.settings import check_simulation
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.circuit_trains import read_trains
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.neurodamus_inputs import set_conditions
from lfpcli.tasks.simulate.trains import ReadTrains

# what neurodamus adds to the numbers that its streams are named by
_CELL, _SYNAPSE, _RELEASE, _RISE = 251, 100, 300, 450
# kinds of events, which synapses tell apart
_OF_CELLS, _OF_MINIS, _OF_REPLAY = 0, 1, 2
_SEED = 2**32
# of spontaneous events: what is added to the numbers of their streams, and their delay, ms
_OF_EVENTS, _EVENT_SYNAPSE, _EVENT_DELAY = 300, 200, 0.1


@dataclass(kw_only=True)
class _Part:
    """Synapses of one population of edges, with all that reaches them."""

    rows: EdgeRows
    # index of each cell among those of this process, and numbers of the streams of its synapses
    cells: np.ndarray
    streams: np.ndarray
    first: int
    connections: list[SynapseRows]
    # times (ms) and factors of weights that hold from then on, with the synapses
    later: list[tuple[float, float, np.ndarray]] = field(default_factory=list)

    def connect(
        self,
        common: dict[str, np.ndarray],
        chosen: np.ndarray,
        *,
        source: np.ndarray,
        weight: np.ndarray,
        delay: np.ndarray,
        signal: int,
    ) -> None:
        """Add the connections of some of the synapses."""
        count = int(np.count_nonzero(chosen))
        if not count:
            return
        self.connections.append(
            SynapseRows(
                **{name: values[chosen] for name, values in common.items()},
                weight=weight[chosen],
                delay=delay[chosen],
                source=source[chosen],
                origin=np.zeros(count, np.int32),
                signal=np.full(count, signal, np.int8),
            )
        )


class NeurodamusWiring:
    """Synapses and electrodes of a circuit of neurodamus on this process.

    Parameters
    ----------
    model : Model
        The model.
    circuit : Circuit
        The circuit.
    layout : Layout
        Its populations.
    cells : sequence of Cell
        The cells of this process.
    members : sequence of Member
        The same cells as signals see them.
    sections : sequence of dict
        Of each, the index of every section by its number, see `section_numbers`.
    replays : sequence of Replay
        Spikes that are replayed.
    seed : int
        What all random streams have in common.

    Attributes
    ----------
    trains : list of ReadTrains
        Replayed spikes of the populations without cells, in their order.
    """

    def __init__(
        self,
        model: Model,
        circuit: Circuit,
        layout: Layout,
        *,
        cells: Sequence[Cell],
        members: Sequence[Member],
        sections: Sequence[dict[int, int]],
        replays: Sequence[Replay],
        seed: int,
    ) -> None:
        assert model.circuit is not None
        self._model, self._circuit, self._layout = model, circuit, layout
        self._cells, self._members, self._sections = cells, members, sections
        config = circuit.config
        check_simulation(config)
        set_common_seed(seed % _SEED)
        self._overrides, common = read_overrides(circuit)
        set_conditions(config)
        set_mechanism_globals(common, f"{config.file}: connection_overrides")
        self._replayed = replays
        self._seeds = {
            name: int(config.run.get(f"{name}_seed", 0)) for name in ("synapse", "minis")
        }
        self._events: list[ReadTrains] = []
        self._first_train = 0
        self._replays = self._replayed_trains()
        self.trains = [self._of_population(name) for name in layout.trains]

    def _replayed_trains(self) -> list[tuple[Any, range, ReadTrains]]:
        """Replays with the numbers of their trains, negative ones, as they are no gids."""
        replays, run = [], self._model.run
        for replay in self._replayed:
            numbers = self._numbers_for(len(self._circuit.whole[replay.population]))
            kept = (replay.times >= run.tstart) & (replay.times <= run.tstop)
            index = replay.index[kept] + numbers.start
            trains = ReadTrains(numbers, replay.times[kept], index)
            replays.append((replay, numbers, trains))
        return replays

    def _numbers_for(self, count: int) -> range:
        numbers = range(self._first_train - count, self._first_train)
        self._first_train -= count
        return numbers

    def _of_population(self, name: str) -> ReadTrains:
        """All that is replayed of a population without cells, for the recording."""
        entries = [replay for replay, _, _ in self._replays if replay.population == name]
        times = np.concatenate([np.empty(0), *(entry.times for entry in entries)])
        index = np.concatenate([np.empty(0, np.int64), *(entry.index for entry in entries)])
        return read_trains(self._layout.trains[name], times, index, self._model)

    def synapses(self) -> Synapses:
        """Synapses onto the cells of this process, with their random streams."""
        parts: list[_Part] = []
        synapse_types: list[SynapseType] = []
        run, first = self._model.run, 0
        reader = EdgeReader(self._circuit, run.interval)
        for name in self._layout.cells:
            targets, cells = self._targets(name)
            for pair, edge_name, edge_type in edge_populations(self._circuit, name):
                rows = reader.rows(pair, edge_name, edge_type, targets)
                part = self._part(rows, targets, cells, first=first, synapse_types=synapse_types)
                first += len(rows.cell)
                parts.append(part)
        connections: list[SynapseRows] = []
        for part in parts:
            connections += part.connections
        synapses = Synapses(
            self._cells,
            synapse_types,
            SynapseRows.joined(connections),
            [*(trains for _, _, trains in self._replays), *self._events],
            dt=run.interval,
            tstart=run.tstart,
        )
        self._set_streams(synapses, parts)
        return synapses

    def _targets(self, name: str) -> tuple[list[Target], np.ndarray]:
        """Cells of this process of a population, and their indices among all cells here."""
        population = self._circuit.cells[name]
        numbers = self._layout.cells[name]
        targets, cells = [], []
        for k, member in enumerate(self._members):
            if member.population != name:
                continue
            node_id = int(population.nodes.node_ids[member.gid - numbers.start])
            whole = self._circuit.whole[name].node_ids
            assert population.first_number is not None
            targets.append(
                Target(
                    index=int(np.searchsorted(whole, node_id)),
                    node_id=node_id,
                    number=population.first_number + node_id,
                    geometry=member.geometry,
                    sections=self._sections[k],
                    along=self._cells[k].along_section,
                )
            )
            cells.append(k)
        return targets, np.array(cells, np.int64)

    def _part(
        self,
        rows: EdgeRows,
        targets: Sequence[Target],
        cells: np.ndarray,
        *,
        first: int,
        synapse_types: list[SynapseType],
    ) -> _Part:
        index = np.array([target.index for target in targets], np.int64)
        changed = overridden(
            self._overrides,
            populations=rows.populations,
            source=rows.source,
            target=index[rows.cell],
        )
        _warn_of_edges(rows, changed.is_named)
        streams = self._streams_of(rows, targets)
        table = self._parameters(rows, streams, changed.settings)
        delay = np.where(np.isnan(changed.delay), rows.delay, changed.delay)
        weight = rows.weight * changed.weight
        part = _Part(rows=rows, cells=cells, streams=streams, first=first, connections=[])
        common = {
            "cell": cells[rows.cell] if len(rows.cell) else np.empty(0, np.int64),
            "segment": rows.segment,
            "synapse_type": self._types(rows, table, synapse_types),
            "values": np.column_stack(list(table.values())) if table else np.empty((0, 0)),
            "point": first + np.arange(len(rows.cell)),
        }
        for chosen, source, signal in self._spikes_onto(rows, index[rows.cell]):
            part.connect(common, chosen, source=source, weight=weight, delay=delay, signal=signal)
        rates = self._event_rates(rows, targets, changed.minis)
        if (rates > 0).any():
            source = self._spontaneous(part, rates)
            wait = np.full(len(delay), _EVENT_DELAY)
            part.connect(
                common, rates > 0, source=source, weight=weight, delay=wait, signal=_OF_MINIS
            )
        part.later = changed.later
        return part

    def _streams_of(self, rows: EdgeRows, targets: Sequence[Target]) -> np.ndarray:
        """Numbers of the random streams of synapses, (S, 3): cell, synapse, pathway."""
        numbers = np.array([target.number for target in targets], np.int64)
        pathway = pathway_number(*rows.populations) + self._seeds["synapse"]
        return np.column_stack(
            [
                numbers[rows.cell] + _CELL,
                rows.number + _SYNAPSE,
                np.full(len(rows.cell), pathway),
            ]
        )

    def _spikes_onto(
        self, rows: EdgeRows, targets: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Of cells, then of each replay: which synapses are reached, their sources, the signal."""
        gids = self._gids(rows)
        yield gids >= 0, gids, _OF_CELLS
        for replay, trains, _ in self._replays:
            if replay.population != rows.populations[0]:
                continue
            reached = np.isin(targets, replay.targets.get(rows.populations[1], ()))
            fires = np.isin(rows.source, np.unique(replay.index))
            yield reached & fires, rows.source + trains.start, _OF_REPLAY

    def _event_rates(
        self, rows: EdgeRows, targets: Sequence[Target], minis: np.ndarray
    ) -> np.ndarray:
        """Rates of the spontaneous events of synapses, (S,), 1/s."""
        nodes = self._circuit.whole[rows.populations[1]]
        of_nodes = np.zeros(len(rows.cell))
        columns = ("inh_mini_frequency", "exc_mini_frequency")
        if set(columns) <= set(nodes.attributes) and rows.mechanisms != (EXP2SYN,):
            index = np.array([target.index for target in targets], np.int64)
            known = np.column_stack([nodes.numbers(column)[index] for column in columns])
            of_nodes = known[rows.cell, rows.mechanism]
        return np.where(np.isnan(minis), of_nodes, minis)

    def _spontaneous(self, part: _Part, rates: np.ndarray) -> np.ndarray:
        """Numbers of the trains of spontaneous events of synapses, (S,); adds the trains."""
        numbers = self._numbers_for(len(rates))
        end = self._model.run.tstop
        times, sources = [np.empty(0)], [np.empty(0, np.int64)]
        pathway = pathway_number(*part.rows.populations) + self._seeds["minis"] + _OF_EVENTS
        for k in np.flatnonzero(rates > 0).tolist():
            ids = (int(part.rows.number[k]) + _EVENT_SYNAPSE, int(part.streams[k, 0]), pathway)
            events = _event_times(StreamDraws(ids), float(rates[k]), end)
            times.append(events)
            sources.append(np.full(len(events), numbers.start + k))
        joined, source = np.concatenate(times), np.concatenate(sources)
        order = np.lexsort((source, joined))
        self._events.append(ReadTrains(numbers, joined[order], source[order]))
        return numbers.start + np.arange(len(rates))

    def _gids(self, rows: EdgeRows) -> np.ndarray:
        """Gids of the presynaptic cells; -1 of nodes that are not simulated."""
        name = rows.populations[0]
        if name not in self._circuit.cells:
            return np.full(len(rows.source), -1, np.int64)
        node_ids = self._circuit.whole[name].node_ids[rows.source]
        index, known = index_of(node_ids, self._circuit.cells[name].nodes.node_ids)
        return np.where(known, self._layout.cells[name].start + index, -1)

    def _parameters(
        self,
        rows: EdgeRows,
        streams: np.ndarray,
        settings: Sequence[tuple[Any, np.ndarray]],
    ) -> dict[str, np.ndarray]:
        """Parameters of synapses by name, (S,) each; NaN where a mechanism has its own."""
        table = dict(rows.values)
        if rows.mechanisms != (EXP2SYN,):
            # a part of newer mechanisms alone
            table["conductance"] = rows.weight
            table["synapseID"] = rows.number.astype(float)
            if self._circuit.config.conditions.get("randomize_gaba_rise_time"):
                table["tau_r_GABAA"] = _rise_times(rows, streams)
        for values, chosen in settings:
            for name, value in values.items():
                column = table.setdefault(name, np.full(len(rows.cell), np.nan))
                column = column.copy()
                column[chosen] = value
                table[name] = column
                self._check_setting(name, rows, chosen)
        return table

    def _check_setting(self, name: str, rows: EdgeRows, chosen: np.ndarray) -> None:
        for number in np.unique(rows.mechanism[chosen]).tolist():
            mechanism = rows.mechanisms[number]
            with located(f"{self._circuit.config.file}: connection_overrides, synapse_configure"):
                check_synapse(mechanism, [name])

    def _types(
        self, rows: EdgeRows, table: dict[str, np.ndarray], synapse_types: list[SynapseType]
    ) -> np.ndarray:
        """Type of each synapse; fills in what mechanisms have of their own."""
        numbers = np.zeros(len(rows.cell), np.int64)
        names = tuple(table)
        for k, mechanism in enumerate(rows.mechanisms):
            inside = rows.mechanism == k
            if not inside.any():
                continue
            with located(rows.name):
                check_mechanism(mechanism)
            known = parameter_names(mechanism)
            for name in names:
                if name in known:
                    unset = inside & np.isnan(table[name])
                    table[name] = np.where(unset, parameter_default(mechanism, name), table[name])
            synapse_type = SynapseType(
                mechanism,
                # NEURON would take a new name for an attribute of the object
                varied=tuple(name if name in known else "" for name in names),
                signal_weight=signal_weight(mechanism),
            )
            if synapse_type not in synapse_types:
                synapse_types.append(synapse_type)
            numbers[inside] = synapse_types.index(synapse_type)
        return numbers

    def _set_streams(self, synapses: Synapses, parts: Sequence[_Part]) -> None:
        """Name the random stream of each synapse as neurodamus does."""
        rows = synapses.rows
        number = np.full(len(synapses.points), -1, np.int64)
        number[synapses.point] = rows.point
        for part in parts:
            if part.rows.mechanisms == (EXP2SYN,):
                continue
            inside = (number >= part.first) & (number < part.first + len(part.rows.cell))
            for k in np.flatnonzero(inside).tolist():
                row = number[k] - part.first
                cell, synapse, pathway = part.streams[row].tolist()
                set_stream(synapses.points[k], (cell, synapse, pathway + _RELEASE))
                changes = [(begin, factor) for begin, factor, named in part.later if named[row]]
                if changes:
                    synapses.pointed_at += set_later_weights(synapses.points[k], sorted(changes))


def _warn_of_edges(rows: EdgeRows, is_named: np.ndarray) -> None:
    """Say which edges make no synapses, and which ones neurodamus would leave out."""
    if rows.left_out:
        warnings.warn(
            f"{rows.name}: {rows.left_out} synapses on axons that templates cut off are left out",
            LfpWarning,
            stacklevel=2,
        )
    if is_named.any() and not is_named.all():
        warnings.warn(
            f"{rows.name}: edges that no connection_override names stay as they are, as SONATA "
            "says; neurodamus leaves them out",
            LfpWarning,
            stacklevel=2,
        )


def _event_times(draws: StreamDraws, rate: float, end: float) -> np.ndarray:
    """Times of spontaneous events before the end of a run, (n,), ms."""
    # the number that NEURON draws when a law is chosen is the one that the generator throws away
    intervals = draws.exponential(1.0, 16)
    times = np.cumsum(1000.0 / rate * intervals)
    while times[-1] < end:
        intervals = draws.more(len(times))
        # one after the other, as a run adds them
        times = np.r_[times, np.cumsum(np.r_[times[-1], 1000.0 / rate * intervals])[1:]]
    return np.asarray(times[times < end])


def _rise_times(rows: EdgeRows, streams: np.ndarray) -> np.ndarray:
    """Rise times of inhibitory synapses, drawn as neurodamus draws them, ms; NaN of others."""
    times = np.full(len(rows.cell), np.nan)
    for k in np.flatnonzero(rows.mechanism == rows.mechanisms.index(GABA)).tolist():
        cell, synapse, pathway = streams[k].tolist()
        times[k] = StreamDraws((cell, synapse, pathway + _RISE)).lognormal(0.2, 0.1)
    return times


def check_mechanism(mechanism: str) -> None:
    """Raise `InputError` where a synapse's mechanism is not loaded."""
    try:
        check_synapse(mechanism, ["Use", "Dep", "Fac"] if mechanism in (AMPA_NMDA, GABA) else [])
    except SimulatorError as error:
        raise InputError(
            f"the circuit has synapses {mechanism}, which no .mod file defines",
            remedy="name the folder of its mechanisms: --set run.mechanisms='[\"FOLDER\"]'",
        ) from error
