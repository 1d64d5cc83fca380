"""From a model to what runs: cells on this process, their synapses, electrodes and places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.forward.rotations import rotation_matrix
from lfpcli.model import Input, Model, Population, Stimulus
from lfpcli.model.candidates import resolve
from lfpcli.runtime.cell import Cell
from lfpcli.runtime.points import StimIntElectrode, Synapse
from lfpcli.runtime.team import Team
from lfpcli.tasks.cells import CellFactory, located, placed
from lfpcli.tasks.placement import positions_of
from lfpcli.tasks.streams import Member


@dataclass
class Built:
    """A model in NEURON.

    Attributes
    ----------
    cells : list of Cell
        The cells of this process, by gid.
    members : list of Member
        The same cells as signals see them.
    everyone : dict of str to range
        All populations of cells with their gids, on all processes.
    settings : dict of str to float
        What hoc templates set of NEURON's own settings.
    """

    cells: list[Cell] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    everyone: dict[str, range] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)

    @property
    def segments(self) -> int:
        """Number of segments on this process."""
        return sum(len(member.geometry) for member in self.members)

    def of(self, population: str | None) -> Iterator[tuple[int, Cell]]:
        """Yield the cells of a population, or all, with their indices in it."""
        for cell, member in zip(self.cells, self.members, strict=True):
            if population in (None, member.population):
                yield cell.gid - self.everyone[member.population].start, cell


def build(model: Model, seed: int, team: Team, stand_ins: Sequence[str] = ()) -> Built:
    """Build the cells of this process with all that is attached to them.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        Seed of all draws; each is keyed by its purpose and the gid.
    team : Team
        The processes; a gid lives on rank gid modulo size.
    stand_ins : sequence of str
        Mechanisms that were left out, see `CellFactory`.

    Returns
    -------
    Built
    """
    built = Built()
    first = 0
    factories = {
        name: CellFactory(spec, stand_ins, extracellular=bool(model.fields))
        for name, spec in model.cells.items()
    }
    for population in model.resolved_populations().values():
        if population.has_cells:
            factory = factories[str(population.cell)]
            first = _add_population(built, factory, population, first, seed, team)
    for factory in factories.values():
        built.settings |= factory.settings
    for number, table in enumerate(model.inputs):
        with located(table.where):
            _add_input(built, table, number, model, seed)
    for number, stimulus in enumerate(model.stimuli):
        with located(stimulus.where):
            _add_stimulus(built, stimulus, number, seed)
    return built


def _add_population(
    built: Built, factory: CellFactory, population: Population, first: int, seed: int, team: Team
) -> int:
    spec = factory.spec
    where = positions_of(population, spec, seed)
    gids = range(first, first + len(where))
    built.everyone[population.name] = gids
    for index, gid in enumerate(gids):
        if gid % team.size != team.rank:
            continue
        cell = factory.make(gid)
        rng = seeds.generator(seed, "rotation", gid)
        turn = _turn(spec.rotate, rng)
        own = placed(cell.geometry, mirror=spec.mirror, distort=spec.distort, rotation=turn)
        cell.geometry = placed(
            own,
            mirror=population.mirror,
            distort=population.distort,
            rotation=_turn(population.rotate, rng),
            position=where[index],
        )
        built.cells.append(cell)
        built.members.append(Member(gid, population.name, cell.geometry))
    return gids.stop


def _turn(rotate: Any, rng: np.random.Generator) -> np.ndarray | None:
    return None if rotate is None else rotation_matrix(rotate.spec(), rng)


def _chosen(built: Built, table: Input | Stimulus) -> Iterator[Cell]:
    """Cells of this process that a table is for."""
    size = (
        len(built.everyone[table.population])
        if table.population
        else sum(map(len, built.everyone.values()))
    )
    for index in table.cells or ():
        if index >= size:
            raise InputError(f"'cells' names cell {index} of {size}", remedy=f"use 0 to {size - 1}")
    for index, cell in built.of(table.population):
        if table.cells is None or index in table.cells:
            yield cell


def _add_input(built: Built, table: Input, number: int, model: Model, seed: int) -> None:
    for cell in _chosen(built, table):
        rng = seeds.generator(seed, "input", number, cell.gid)
        count = int(table.count.draw_counts(rng, 1)[0])
        places = resolve(table.location, cell.geometry).draw(rng, count)
        weights = table.weight.draw(rng, count)
        for k, (index, weight) in enumerate(zip(places, weights, strict=True)):
            synapse = Synapse(
                cell, int(index), table.synapse.type, float(weight), **table.synapse.params
            )
            train = seeds.generator(seed, "spikes", number, cell.gid, k)
            synapse.set_spike_times(table.source.draw(train, model.run.tstop, model.run.tstart))


def _add_stimulus(built: Built, table: Stimulus, number: int, seed: int) -> None:
    for cell in _chosen(built, table):
        rng = seeds.generator(seed, "stimulus", number, cell.gid)
        (index,) = resolve(table.location, cell.geometry).draw(rng, 1)
        StimIntElectrode(cell, int(index), table.type, **table.params)
