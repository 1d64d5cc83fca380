"""Sizes of a model, from its tables alone: synapses, point processes, work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfpcli.model import Connection, Expression, Model, SynapseSpec
from lfpcli.runtime.synapses.bulk import LINEAR
from lfpcli.tasks.simulate.layout import Layout, is_finished_by_code
from lfpcli.tasks.simulate.pairs import Places, places_of

# work of a point process in a step, in that of a segment
POINT_WORK = 0.5


# s that a segment takes rank 0 to write, and its process to make and to advance by a step
_WRITTEN, _MADE, _STEPPED = 4e-7, 2.5e-5, 7e-8
# membrane of a cell, um2, before it is built; by it work is shared out, nothing else
_AREA = 2e4
# postsynaptic cells over which a probability by distance is averaged
_SOME_CELLS = 64


def expected_sources(table: Connection, pre: int, post: int, places: Places | None = None) -> float:
    """Expected number of cells that connect to one cell.

    Parameters
    ----------
    table : Connection
        The connection.
    pre, post : int
        Sizes of the populations.
    places : Places, optional
        Where their cells are, which a probability by distance asks for.
    """
    rule = table.rule
    if isinstance(rule.probability, Expression):
        return 0.0 if places is None else _mean_sources(table, rule.probability, places)
    # a cell does not connect to itself unless asked to
    among = max(pre - (table.pre == table.post and not table.self), 0)
    if rule.probability is not None:
        return rule.probability * among
    if rule.indegree is not None:
        return float(rule.indegree)
    if rule.outdegree is not None:
        return rule.outdegree * pre / max(post, 1)
    if rule.total is not None:
        return rule.total / max(post, 1)
    if rule.density is not None:
        return rule.density * _AREA
    if rule.one_to_one:
        return 1.0
    return float(among)


def _mean_sources(table: Connection, probability: Expression, places: Places) -> float:
    """Expected number of sources of a cell where the probability depends on distance."""
    step = max(1, len(places.post) // _SOME_CELLS)
    same = table.pre == table.post and not table.self
    sums = []
    for index in range(0, len(places.post), step):
        chances = places.probabilities(probability, index, table.rule.source_line)
        sums.append(chances.sum() - (chances[index] if same else 0.0))
    return float(np.mean(sums)) if sums else 0.0


def expected_synapses(model: Model, layout: Layout) -> dict[str, dict[str, float]]:
    """Expected number of synapses of a cell of each population, by kind of synapse.

    Returns
    -------
    dict of str to dict of str to float
        Per population; kinds are named by type and parameters.
    """
    result: dict[str, dict[str, float]] = {name: {} for name in layout.cells}

    def add(population: str, synapse: SynapseSpec, number: float) -> None:
        name = str(synapse)
        result[population][name] = result[population].get(name, 0.0) + number

    for table in model.connections:
        if table.is_gap or table.is_event:
            # gap junctions, and events that lead to artificial cells, are no synapses
            continue
        sizes = len(layout.gids(table.pre)), len(layout.gids(table.post))
        places = places_of(table, layout.positions)
        number = expected_sources(table, *sizes, places) * table.count.mean_count
        add(table.post, table.synapse, number)
    for entry in model.inputs:
        for name in layout.cells if entry.population is None else [entry.population]:
            share = 1.0
            if entry.cells is not None:
                share = len(entry.cells) / max(len(layout.cells[name]), 1)
            number = entry.count.mean_count if entry.density is None else entry.density * _AREA
            add(name, entry.synapse, share * number)
    return result


def expected_points(model: Model, layout: Layout, segments: Mapping[str, int]) -> dict[str, float]:
    """Expected number of point processes of a cell of each population.

    Parameters
    ----------
    model : Model
        The model.
    layout : Layout
        The populations.
    segments : mapping of str to int
        Number of segments of each kind of cell.
    """
    synapses = [*(t.synapse for t in model.connections), *(t.synapse for t in model.inputs)]
    is_shared = {str(synapse): synapse.type in LINEAR for synapse in synapses}
    points = {}
    for name, numbers in expected_synapses(model, layout).items():
        points[name] = 0.0
        if name not in layout.kinds:
            continue
        most = float(layout.kinds[name].per_cell(segments).mean())
        for synapse, number in numbers.items():
            merges = model.run.merge and is_shared[synapse]
            merges = merges and not is_finished_by_code(model, layout, name)
            # merged synapses are at most one per segment and kind
            points[name] += min(number, most) if merges else number
    return points


def cell_costs(model: Model, layout: Layout, segments: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Work of each cell of each population in each step, shape (cells,), no unit: that of a segment
    is 1."""
    points = expected_points(model, layout, segments)
    costs = {}
    for name, kinds in layout.kinds.items():
        costs[name] = kinds.per_cell(segments) + POINT_WORK * points[name]
    return costs


def lead_work(model: Model, segments: float) -> float:
    """Work of rank 0 beside its cells, as that of so many segments of its own.

    It writes the geometry of all cells, some `segments`; what a segment costs a process grows with
    the number of time steps.
    """
    steps = (model.run.tstop - model.run.tstart) / model.run.interval
    return segments * _WRITTEN / (_MADE + _STEPPED * steps)


@dataclass(frozen=True, kw_only=True)
class PopulationSize:
    """Sizes of one population of cells, over all processes.

    Attributes
    ----------
    cells, segments, points, synapses : int
        How many there are; points are the point processes of the synapses.
    """

    cells: int
    segments: int
    points: int
    synapses: int


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of a model, over all processes.

    Attributes
    ----------
    populations : mapping of str to PopulationSize
        Those of its populations of cells.
    """

    populations: Mapping[str, PopulationSize]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return sum(size.cells for size in self.populations.values())

    @property
    def segments(self) -> int:
        """Number of segments."""
        return sum(size.segments for size in self.populations.values())

    @property
    def points(self) -> int:
        """Number of point processes of synapses."""
        return sum(size.points for size in self.populations.values())

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        return sum(size.synapses for size in self.populations.values())


def expected_sizes(model: Model, layout: Layout, segments: Mapping[str, int]) -> Sizes:
    """Expected sizes of a model that is not built, see `expected_points`."""
    synapses = expected_synapses(model, layout)
    points = expected_points(model, layout, segments)
    populations = {}
    for name, gids in layout.cells.items():
        count = len(gids)
        kinds = layout.kinds.get(name)
        populations[name] = PopulationSize(
            cells=count,
            segments=0 if kinds is None else int(kinds.per_cell(segments).sum()),
            points=round(points[name] * count),
            synapses=round(sum(synapses[name].values()) * count),
        )
    return Sizes(populations=populations)
