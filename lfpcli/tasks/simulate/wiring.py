"""From the tables of connections and inputs to synapses, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError, located, nearest
from lfpcli.model import (
    Connection,
    Distribution,
    Input,
    Model,
    Stimulus,
    SynapseSpec,
)
from lfpcli.model.candidates import middles
from lfpcli.model.group import ReportTable
from lfpcli.model.limits import check_drawn
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import check_synapse
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.artificial import ArtificialCell
from lfpcli.runtime.synapses.bulk import LINEAR, SynapseRows, SynapseType
from lfpcli.runtime.synapses.events import Trains
from lfpcli.runtime.synapses.gaps import GapJunctions
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.event_wiring import EventRows, check_delays, draw_events
from lfpcli.tasks.simulate.layout import Layout, is_finished_by_code
from lfpcli.tasks.simulate.pairs import Pairs, Places, places_of
from lfpcli.tasks.simulate.synapse_places import SynapsePlaces, density_count, told_segments
from lfpcli.tasks.simulate.trains import Span, TrainGroups, process_trains, trains_of
from lfpcli.tasks.simulate.varied import KnownPlaces, Scope, values_of


@dataclass
class Wiring:
    """All synapses of the cells of this process.

    Attributes
    ----------
    synapse_types : list of SynapseType
        Types of synapses, the same on all processes.
    parts : list of SynapseRows
        The synapses, table by table.
    trains : list of Trains
        Those of the synapses of inputs, each of which has a train of its own.
    gap_parts : list of GapJunctions
        Gap junctions, table by table, the same on all processes.
    event_parts : list of EventRows
        Connections onto the artificial cells of this process, cell by cell.
    """

    synapse_types: list[SynapseType] = field(default_factory=list)
    parts: list[SynapseRows] = field(default_factory=list)
    trains: list[Trains] = field(default_factory=list)
    numbered: int = 0
    gap_parts: list[GapJunctions] = field(default_factory=list)
    event_parts: list[EventRows] = field(default_factory=list)

    @property
    def gaps(self) -> GapJunctions:
        """All gap junctions of the network."""
        return GapJunctions.joined(self.gap_parts)

    def events(self) -> EventRows:
        """All connections onto artificial cells."""
        return EventRows.joined(self.event_parts)

    def type_number(self, synapse: SynapseSpec, *, shared: bool) -> int:
        """Index of a type of synapses, which is added where it is missing."""
        check_synapse(synapse.type, synapse.params)
        varied = varied_names(synapse)
        shared = shared and synapse.type in LINEAR and not varied
        numbers = {k: float(v) for k, v in synapse.params.items() if isinstance(v, int | float)}
        entry = SynapseType(synapse.type, tuple(sorted(numbers.items())), shared, varied)
        if entry not in self.synapse_types:
            self.synapse_types.append(entry)
        return self.synapse_types.index(entry)

    def rows(self) -> SynapseRows:
        """All synapses, sorted by cell."""
        return SynapseRows.joined(self.parts)

    def number(self, count: int) -> np.ndarray:
        """Number the trains of synapses, shape (count,), which are those of this process alone."""
        # negative ones are trains of single synapses, so that they never meet a gid
        numbers = -1 - self.numbered - np.arange(count)
        self.numbered += count
        return numbers


def varied_names(synapse: SynapseSpec) -> tuple[str, ...]:
    """Parameters of a synapse that differ from one to the next, sorted."""
    varied = [name for name, v in synapse.params.items() if not isinstance(v, int | float)]
    return tuple(sorted(varied))


def wire(
    model: Model,
    seed: int,
    layout: Layout,
    *,
    members: list[Member],
    team: Team,
    cells: list[Cell] | None = None,
    artificial: list[ArtificialCell] | None = None,
    numbered: int = 0,
) -> Wiring:
    """Draw the synapses of the cells of this process; called on all.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        Seed of all draws, each keyed by its purpose, the number of the table and the gid.
    layout : Layout
        The populations.
    members : list of Member
        The cells of this process.
    team : Team
        The processes.
    cells : list of Cell, optional
        The same cells in NEURON, which tell the path distances that expressions may name.
    artificial : list of ArtificialCell, optional
        The artificial cells of this process.
    numbered : int
        How many trains have negative numbers already.

    Raises
    ------
    InputError
        Where a rule or a place cannot be met, or a delay is shorter than the time step.
    """
    draw = _Draw(model, seed, layout, cells=cells, members=members, team=team)
    draw.wiring.numbered = numbered
    for number, connection in enumerate(model.connections):
        with located(connection.source_line):
            if connection.is_event:
                draw.add_events(number, connection, artificial or [])
            elif connection.is_gap:
                draw.add_gaps(number, connection)
            else:
                draw.add_connection(number, connection)
    for number, table in enumerate(model.inputs):
        with located(table.source_line):
            draw.add_input(number, table)
    return draw.wiring


class _Draw:
    """Draws the synapses of the cells of this process, table by table."""

    def __init__(
        self,
        model: Model,
        seed: int,
        layout: Layout,
        *,
        members: list[Member],
        team: Team,
        cells: list[Cell] | None = None,
    ) -> None:
        self.wiring, self._team = Wiring(), team
        self._model, self._seed = model, seed
        self._layout, self._members = layout, members
        self._shared = 0
        self._known = KnownPlaces(cells)

    def _merges(self, table: Connection | Input, population: str | None) -> bool:
        """Whether equal synapses of a table may share a point process."""
        if not self._model.run.merge or table.record:
            return False
        # code that looks at synapses sees each of them
        return not is_finished_by_code(self._model, self._layout, population)

    def _targets(self, population: str) -> list[tuple[int, Member]]:
        return [(k, m) for k, m in enumerate(self._members) if m.population == population]

    def _pairs(
        self, number: int, table: Connection, targets: list[tuple[int, Member]]
    ) -> tuple[Pairs, Places | None]:
        post = self._layout.gids(table.post)
        somata = places_of(table, self._layout.positions)
        pairs = Pairs(
            table,
            number,
            pre=self._layout.gids(table.pre),
            post=post,
            seed=self._seed,
            wanted=np.array([member.gid - post.start for _, member in targets], np.int64),
            team=self._team,
            places=somata,
            node_ids=(self._layout.ids(table.pre), self._layout.ids(table.post)),
        )
        return pairs, somata

    def add_connection(self, number: int, table: Connection) -> None:
        """Draw the synapses of a ``[[connection]]``."""
        merges = self._merges(table, table.post)
        type_number = self.wiring.type_number(table.synapse, shared=merges)
        pre, post = self._layout.gids(table.pre), self._layout.gids(table.post)
        targets = self._targets(table.post)
        pairs, somata = self._pairs(number, table, targets)
        places = SynapsePlaces(table.location, self._layout)
        for k, member in targets:
            # the order of draws from this stream is part of what a seed means
            rng = seeds.generator(self._seed, "connection", number, member.gid)
            index = member.gid - post.start
            sources, segments, rows = self._drawn(table, pairs, places, member, rng)
            scope = Scope(
                count=len(sources),
                rng=rng,
                variables=self._variables(somata, sources, index, k=k, segments=segments),
                rows=rows,
                table=None if pairs.table_of_pairs is None else pairs.table_of_pairs.columns,
                source_line=table.source_line,
            )
            weights = values_of(table.weight, scope)
            part = _rows(
                cell=k,
                segments=segments,
                type_number=type_number,
                weights=weights,
                delays=values_of(table.delay, scope),
                sources=sources + pre.start,
                origin=number,
                values=self._varied(table.synapse, scope, number, member.gid),
            )
            check_delays(table, part.delay, self._model.run.interval)
            self.wiring.parts.append(part)

    def _drawn(
        self,
        table: Connection,
        pairs: Pairs,
        places: SynapsePlaces,
        member: Member,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sources, segments and rows in a table of pairs of the synapses onto a cell."""
        rule, location = table.rule, table.location
        index = member.gid - self._layout.gids(table.post).start
        nothing = np.zeros(0, np.int64)
        if rule.density is not None:
            candidates = places.of(member)
            count = density_count(rule.density * candidates.area, rng, table.source_line)
            sources = pairs.with_replacement(count, index, rng)
            return sources, candidates.draw(rng, count), nothing
        sources = pairs.of(index, rng)
        rows = pairs.rows_of(index) if rule.has_rows else nothing
        # several synapses of a pair have a place, a weight and a delay each
        counts = table.count.draw_counts(rng, len(sources))
        sources = np.repeat(sources, counts)
        rows = np.repeat(rows, counts) if len(rows) else rows
        if location.each is not None:
            segments = middles(location.each, member.geometry, location.source_line)
            rows = np.repeat(rows, len(segments))
            return np.repeat(sources, len(segments)), np.tile(segments, len(sources)), rows
        column = pairs.place_column
        if column is not None:
            assert pairs.table_of_pairs is not None
            texts = pairs.table_of_pairs.columns.texts(column)
            return sources, told_segments(texts[rows], member, location), rows
        return sources, places.of(member).draw(rng, len(sources)), rows

    def _variables(
        self,
        somata: Places | None,
        sources: np.ndarray,
        index: int,
        *,
        k: int,
        segments: np.ndarray,
    ) -> Mapping[str, np.ndarray]:
        """What expressions of a connection may name; of trains without cells s alone."""
        variables = {} if somata is None else somata.variables(sources, index)
        return self._known.at(k, segments, names=("s",), beside=variables)

    def _varied(
        self, synapse: SynapseSpec, scope: Scope, origin: int, gid: int
    ) -> np.ndarray | None:
        """Parameters of synapses that differ, (n, V); drawn apart from all else."""
        names = varied_names(synapse)
        if not names:
            return None
        rng = seeds.generator(self._seed, "synapse parameters", origin, gid)
        keyed = replace(scope, rng=rng)
        columns = [values_of(synapse.params[name], keyed) for name in names]
        for name, values in zip(names, columns, strict=True):
            check_drawn(synapse.type, name, values, scope.source_line)
        return np.column_stack(columns)

    def add_events(self, number: int, table: Connection, artificial: list[ArtificialCell]) -> None:
        """Draw connections onto the artificial cells of this process."""
        self.wiring.event_parts += draw_events(
            table,
            number,
            artificial,
            layout=self._layout,
            seed=self._seed,
            team=self._team,
            dt=self._model.run.interval,
        )

    def add_gaps(self, number: int, table: Connection) -> None:
        """Draw the gap junctions of a ``[[connection]]``, which all processes get."""
        pre, post = self._layout.gids(table.pre), self._layout.gids(table.post)
        targets = self._targets(table.post)
        pairs, somata = self._pairs(number, table, targets)
        places = SynapsePlaces(table.location, self._layout)
        here: list[tuple[int, int, int, float]] = []
        for k, member in targets:
            rng = seeds.generator(self._seed, "connection", number, member.gid)
            sources, segments, rows = self._drawn(table, pairs, places, member, rng)
            scope = Scope(
                count=len(sources),
                rng=rng,
                variables=self._variables(
                    somata, sources, member.gid - post.start, k=k, segments=segments
                ),
                rows=rows,
                table=None if pairs.table_of_pairs is None else pairs.table_of_pairs.columns,
                source_line=table.source_line,
            )
            conductances = values_of(table.weight, scope)
            if np.any(conductances < 0):
                raise InputError(
                    f"a conductance of {conductances.min():.4g} uS was drawn",
                    source=table.weight.source_line
                    if isinstance(table.weight, Distribution)
                    else table.source_line,
                    remedy="give weights of 0 or more",
                )
            for row in zip(sources.tolist(), segments.tolist(), conductances.tolist(), strict=True):
                here.append((row[0] + pre.start, member.gid, row[1], row[2]))
        everywhere = sorted(row for rows_there in self._team.exchange(here) for row in rows_there)
        self.wiring.gap_parts.append(self._joined(number, table, everywhere))

    def _joined(
        self, number: int, table: Connection, rows: list[tuple[int, int, int, float]]
    ) -> GapJunctions:
        """Junctions with their places on the presynaptic cells, which their processes draw."""
        location = table.pre_location or table.location
        places = SynapsePlaces(location, self._layout)
        first: dict[int, int] = {}
        counts: dict[int, int] = {}
        for k, row in enumerate(rows):
            first.setdefault(row[0], k)
            counts[row[0]] = counts.get(row[0], 0) + 1
        here: dict[int, np.ndarray] = {}
        for _, member in self._targets(table.pre):
            if member.gid in counts:
                rng = seeds.generator(self._seed, "gap", number, member.gid)
                here[member.gid] = places.of(member).draw(rng, counts[member.gid])
        drawn: dict[int, np.ndarray] = {}
        for part in self._team.exchange(here):
            drawn |= part
        drawn_segments = [int(drawn[row[0]][k - first[row[0]]]) for k, row in enumerate(rows)]
        gid = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
        segment = np.array(
            [(a, row[2]) for a, row in zip(drawn_segments, rows, strict=True)], np.int64
        )
        return GapJunctions(
            gid=gid,
            segment=segment.reshape(-1, 2),
            conductance=np.array([row[3] for row in rows], float),
        )

    def add_input(self, number: int, table: Input) -> None:
        """Draw the synapses of an ``[[input]]``, and say where their spikes come from."""
        run = self._model.run
        type_number = self.wiring.type_number(
            table.synapse, shared=self._merges(table, table.population)
        )
        places = SynapsePlaces(table.location, self._layout)
        gids, sources = [], []
        if table.source.common == "all":
            (self._shared,) = self.wiring.number(1).tolist()
        for k, member in chosen(table, self._layout, self._members):
            rng = seeds.generator(self._seed, "input", number, member.gid)
            candidates = places.of(member) if table.location.each is None else None
            if table.density is not None and candidates is not None:
                count = density_count(table.density * candidates.area, rng, table.source_line)
            else:
                count = int(table.count.draw_counts(rng, 1)[0])
            if candidates is not None:
                segments = candidates.draw(rng, count)
            else:
                each = middles(table.location.each or (), member.geometry)
                segments = np.tile(each, count)
                count = len(segments)
            scope = Scope(
                count=count,
                rng=rng,
                variables=self._known.at(k, segments),
                source_line=table.source_line,
            )
            origin = len(self._model.connections) + number
            gids.append(member.gid)
            numbers = self._numbers_of_trains(table.source.common, count)
            sources.append(numbers[:1] if table.source.common != "synapse" else numbers)
            rows = _rows(
                cell=k,
                segments=segments,
                type_number=type_number,
                weights=values_of(table.weight, scope),
                # the times of a train are those of arrival
                delays=np.zeros(count),
                sources=numbers,
                origin=origin,
                values=self._varied(table.synapse, scope, origin, member.gid),
            )
            self.wiring.parts.append(rows)
        if table.source.common == "all":
            # one group of one train, however many cells listen to it
            gids, sources = [0], [np.array([self._shared], np.int64)]
        groups = TrainGroups(
            rows=np.array(gids, np.int64),
            counts=np.array([len(numbers) for numbers in sources], np.int64),
            first=np.array([numbers[:1].sum() for numbers in sources], np.int64),
            step=-1,
            usual=table.count.mean_count if table.source.common == "synapse" else 1.0,
        )
        span = Span(tstart=run.tstart, tstop=run.tstop)
        if table.source.is_point_process:
            trains: Trains = process_trains(
                table.source, groups, span, seed=self._seed, table=number
            )
        else:
            streams = seeds.StreamTable(self._seed, "spikes of input", number)
            trains = trains_of(table.source, groups, streams, span)
        self.wiring.trains.append(trains)

    def _numbers_of_trains(self, common: str, count: int) -> np.ndarray:
        """Numbers of the trains of a cell's synapses, (count,): one each, or one for all."""
        if common == "synapse":
            return self.wiring.number(count)
        if common == "cell":
            return np.repeat(self.wiring.number(1), count)
        return np.full(count, self._shared)


def chosen(
    table: Input | Stimulus | ReportTable, layout: Layout, members: list[Member]
) -> Iterator[tuple[int, Member]]:
    """Yield the cells of this process that a table is for, with their indices among them."""
    known = layout.cells if table.population is None else [table.population]
    for name in known:
        if name not in layout.cells:
            raise InputError(
                f"no population of cells '{name}'",
                source=table.source_line,
                remedy=nearest(name, layout.cells, "population"),
            )
    if table.cells is not None:
        size = len(layout.cells[next(iter(known))])
        for index in table.cells:
            if index >= size:
                raise InputError(
                    f"'cells' names cell {index} of {size}", remedy=f"use 0 to {size - 1}"
                )
    for k, member in enumerate(members):
        if member.population not in known:
            continue
        index = member.gid - layout.cells[member.population].start
        if table.cells is None or index in table.cells:
            yield k, member


def _rows(
    *,
    cell: int,
    segments: np.ndarray,
    type_number: int,
    weights: np.ndarray,
    delays: np.ndarray,
    sources: np.ndarray,
    origin: int,
    values: np.ndarray | None = None,
) -> SynapseRows:
    count = len(segments)
    return SynapseRows(
        values=np.empty((count, 0)) if values is None else values,
        cell=np.full(count, cell, np.int32),
        segment=segments.astype(np.int32),
        synapse_type=np.full(count, type_number, np.int32),
        weight=weights,
        delay=delays,
        source=sources,
        origin=np.full(count, origin, np.int32),
    )
