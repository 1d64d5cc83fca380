"""From the tables of connections and inputs to synapses, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError, located
from lfpcli.model import (
    Candidates,
    Connection,
    Input,
    Location,
    Model,
    Stimulus,
    SynapseSpec,
    resolve,
)
from lfpcli.runtime.cell.points import check_synapse
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.bulk import LINEAR, SynapseRows, SynapseType
from lfpcli.runtime.synapses.events import Trains
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.pairs import Pairs, places_of
from lfpcli.tasks.simulate.trains import Span, TrainGroups, trains_of


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
    """

    synapse_types: list[SynapseType] = field(default_factory=list)
    parts: list[SynapseRows] = field(default_factory=list)
    trains: list[Trains] = field(default_factory=list)
    numbered: int = 0

    def type_number(self, synapse: SynapseSpec, *, shared: bool) -> int:
        """Index of a type of synapses, which is added where it is missing."""
        check_synapse(synapse.type, synapse.params)
        shared = shared and synapse.type in LINEAR
        entry = SynapseType(synapse.type, tuple(sorted(synapse.params.items())), shared)
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


def wire(model: Model, seed: int, layout: Layout, *, members: list[Member], team: Team) -> Wiring:
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

    Raises
    ------
    InputError
        Where a rule or a place cannot be met, or a delay is shorter than the time step.
    """
    draw = _Draw(model, seed, layout, members=members, team=team)
    for number, connection in enumerate(model.connections):
        with located(connection.source_line):
            draw.add_connection(number, connection)
    for number, table in enumerate(model.inputs):
        with located(table.source_line):
            draw.add_input(number, table)
    return draw.wiring


class _Places:
    """Where on cells one table puts synapses; what does not depend on where a cell stands is
    looked up once.
    """

    def __init__(self, location: Location, layout: Layout) -> None:
        self._location, self._cell_names = location, layout.cell_names
        # depth and height depend on how a cell stands, distances along it do not
        keys = (location.depth, location.z_min, location.z_max, location.nearest)
        self._same_everywhere = all(key is None for key in keys)
        self._candidates: dict[str, Candidates] = {}

    def of(self, member: Member) -> Candidates:
        """Segments of a cell among which places are drawn."""
        if not self._same_everywhere:
            return resolve(self._location, member.geometry)
        name = self._cell_names[member.population]
        if name not in self._candidates:
            self._candidates[name] = resolve(self._location, member.geometry)
        return self._candidates[name]


class _Draw:
    """Draws the synapses of the cells of this process, table by table."""

    def __init__(
        self, model: Model, seed: int, layout: Layout, *, members: list[Member], team: Team
    ) -> None:
        self.wiring, self._team = Wiring(), team
        self._model, self._seed = model, seed
        self._layout, self._members = layout, members

    def add_connection(self, number: int, table: Connection) -> None:
        """Draw the synapses of a ``[[connection]]``."""
        merges = self._model.run.merge and not table.record
        type_number = self.wiring.type_number(table.synapse, shared=merges)
        pre, post = self._layout.gids(table.pre), self._layout.gids(table.post)
        targets = [(k, m) for k, m in enumerate(self._members) if m.population == table.post]
        wanted = np.array([member.gid - post.start for _, member in targets], np.int64)
        pairs = Pairs(
            table,
            number,
            pre=pre,
            post=post,
            seed=self._seed,
            wanted=wanted,
            team=self._team,
            places=places_of(table, self._layout.positions),
        )
        places = _Places(table.location, self._layout)
        for k, member in targets:
            # the order of draws from this stream is part of what a seed means
            rng = seeds.generator(self._seed, "connection", number, member.gid)
            sources = pairs.of(member.gid - post.start, rng)
            # several synapses of a pair have a place, a weight and a delay each
            sources = np.repeat(sources, table.count.draw_counts(rng, len(sources)))
            count = len(sources)
            rows = _rows(
                cell=k,
                segments=places.of(member).draw(rng, count),
                type_number=type_number,
                weights=table.weight.draw(rng, count),
                delays=table.delay.draw(rng, count),
                sources=sources + pre.start,
                origin=number,
            )
            _check_delays(table, rows.delay, self._model.run.interval)
            self.wiring.parts.append(rows)

    def add_input(self, number: int, table: Input) -> None:
        """Draw the synapses of an ``[[input]]``, and say where their spikes come from."""
        run = self._model.run
        type_number = self.wiring.type_number(table.synapse, shared=run.merge and not table.record)
        places = _Places(table.location, self._layout)
        gids, sources = [], []
        for k, member in chosen(table, self._layout, self._members):
            rng = seeds.generator(self._seed, "input", number, member.gid)
            count = int(table.count.draw_counts(rng, 1)[0])
            gids.append(member.gid)
            sources.append(self.wiring.number(count))
            rows = _rows(
                cell=k,
                segments=places.of(member).draw(rng, count),
                type_number=type_number,
                weights=table.weight.draw(rng, count),
                # the times of a train are those of arrival
                delays=np.zeros(count),
                sources=sources[-1],
                origin=len(self._model.connections) + number,
            )
            self.wiring.parts.append(rows)
        counts = np.array([len(numbers) for numbers in sources], np.int64)
        groups = TrainGroups(
            rows=np.array(gids, np.int64),
            counts=counts,
            first=np.array([numbers[:1].sum() for numbers in sources], np.int64),
            step=-1,
            usual=table.count.mean_count,
        )
        streams = seeds.StreamTable(self._seed, "spikes of input", number)
        span = Span(tstart=run.tstart, tstop=run.tstop)
        self.wiring.trains.append(trains_of(table.source, groups, streams, span))


def _check_delays(table: Connection, delays: np.ndarray, dt: float) -> None:
    if np.any(delays < dt):
        raise InputError(
            f"a delay of {delays.min():.4g} ms was drawn, shorter than the time step, {dt:g} ms",
            source=table.delay.source_line or None,
            remedy=f"give the delay min = {dt:g}, or more",
        )


def chosen(
    table: Input | Stimulus, layout: Layout, members: list[Member]
) -> Iterator[tuple[int, Member]]:
    """Yield the cells of this process that a table is for, with their indices among them."""
    known = layout.cells if table.population is None else [table.population]
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
) -> SynapseRows:
    count = len(segments)
    return SynapseRows(
        cell=np.full(count, cell, np.int32),
        segment=segments.astype(np.int32),
        synapse_type=np.full(count, type_number, np.int32),
        weight=weights,
        delay=delays,
        source=sources,
        origin=np.full(count, origin, np.int32),
    )
