"""What a model will take, from its tables alone: work, memory, size of the file."""

from __future__ import annotations

from collections.abc import Mapping

from lfpcli.model import Connection, Distribution, Model
from lfpcli.runtime.network import LINEAR
from lfpcli.tasks.layout import Layout

# work of a point process, in that of a segment
_POINT = 0.5


def mean_count(count: Distribution) -> float:
    """Mean of a number of synapses."""
    if count.value is not None:
        return round(count.value)
    integers, probabilities = count.count_probabilities
    return float(integers @ probabilities)


def expected_sources(table: Connection, pre: int, post: int) -> float:
    """Expected number of cells that connect to one cell.

    Parameters
    ----------
    table : Connection
        The connection.
    pre, post : int
        Sizes of the populations.
    """
    rule = table.rule
    among = max(pre - (table.pre == table.post and not table.self), 0)
    if rule.probability is not None:
        return rule.probability * among
    if rule.indegree is not None:
        return float(rule.indegree)
    if rule.outdegree is not None:
        return rule.outdegree * pre / max(post, 1)
    if rule.total is not None:
        return rule.total / max(post, 1)
    return float(among)


def expected_synapses(model: Model, layout: Layout) -> dict[str, dict[str, float]]:
    """Expected number of synapses of a cell of each population, by kind of synapse.

    Returns
    -------
    dict of str to dict of str to float
        Per population; kinds are named by type and parameters.
    """
    result: dict[str, dict[str, float]] = {name: {} for name in layout.cells}

    def add(population: str, kind: str, number: float) -> None:
        result[population][kind] = result[population].get(kind, 0.0) + number

    for table in model.connections:
        sizes = len(layout.gids(table.pre)), len(layout.gids(table.post))
        number = expected_sources(table, *sizes) * mean_count(table.count)
        add(table.post, str(table.synapse), number)
    for given in model.inputs:
        for name in layout.cells if given.population is None else [given.population]:
            share = (
                1.0 if given.cells is None else len(given.cells) / max(len(layout.cells[name]), 1)
            )
            add(name, str(given.synapse), share * mean_count(given.count))
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
    for name, kinds in expected_synapses(model, layout).items():
        most = segments[layout.kinds[name]]
        points[name] = sum(
            min(number, most) if model.run.merge and is_shared[kind] else number
            for kind, number in kinds.items()
        )
    return points


def cell_costs(model: Model, layout: Layout, segments: Mapping[str, int]) -> dict[str, float]:
    """Work of a cell of each population in each step, in that of a segment."""
    points = expected_points(model, layout, segments)
    return {name: segments[layout.kinds[name]] + _POINT * points[name] for name in layout.cells}
