"""What a model will take, from its tables alone: work, memory, size of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lfpcli.io.writer import chunk_rows
from lfpcli.model import Connection, Model, SynapseSpec
from lfpcli.runtime.engine.spans import chunk_samples
from lfpcli.runtime.synapses.bulk import LINEAR
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout

# work of a point process, in that of a segment
_POINT = 0.5
# s that a step of one segment takes, recording included, as measured with Hodgkin-Huxley somata
_STEP = {"coreneuron": 5.5e-8, "neuron": 7e-8}
# s that a cell, a synapse and the start of the program take
_BUILD = {"cells": 1.5e-3, "synapses": 1.2e-5, "start": 1.2}
# bytes of memory that each of these takes
_MEMORY = {"start": 1.8e8, "segments": 2.4e3, "points": 1.2e3, "synapses": 4e2}


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

    def add(population: str, synapse: SynapseSpec, number: float) -> None:
        name = str(synapse)
        result[population][name] = result[population].get(name, 0.0) + number

    for table in model.connections:
        sizes = len(layout.gids(table.pre)), len(layout.gids(table.post))
        number = expected_sources(table, *sizes) * table.count.mean_count
        add(table.post, table.synapse, number)
    for entry in model.inputs:
        for name in layout.cells if entry.population is None else [entry.population]:
            share = 1.0
            if entry.cells is not None:
                share = len(entry.cells) / max(len(layout.cells[name]), 1)
            add(name, entry.synapse, share * entry.count.mean_count)
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
        most = segments[layout.cell_names[name]]
        points[name] = 0.0
        for synapse, number in numbers.items():
            merges = model.run.merge and is_shared[synapse]
            points[name] += min(number, most) if merges else number
    return points


def cell_costs(model: Model, layout: Layout, segments: Mapping[str, int]) -> dict[str, float]:
    """Work of a cell of each population in each step, in that of a segment."""
    points = expected_points(model, layout, segments)
    size_of = {name: segments[layout.cell_names[name]] for name in layout.cells}
    return {name: size + _POINT * points[name] for name, size in size_of.items()}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of a model, over all processes.

    Attributes
    ----------
    synapses, points : int
        How many there are.
    populations : tuple of (int, int)
        Cells and segments of each population of cells.
    """

    synapses: int
    points: int
    populations: tuple[tuple[int, int], ...]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return sum(cells for cells, _ in self.populations)

    @property
    def segments(self) -> int:
        """Number of segments."""
        return sum(segments for _, segments in self.populations)


def expected_sizes(model: Model, layout: Layout, segments: Mapping[str, int]) -> Sizes:
    """Expected sizes of a model that is not built."""
    synapses = expected_synapses(model, layout)
    points = expected_points(model, layout, segments)
    count = {name: len(gids) for name, gids in layout.cells.items()}
    return Sizes(
        synapses=round(sum(sum(synapses[name].values()) * n for name, n in count.items())),
        points=round(sum(points[name] * n for name, n in count.items())),
        populations=tuple((n, segments[layout.cell_names[name]] * n) for name, n in count.items()),
    )


def signal_columns(model: Model, sizes: Sizes) -> list[int]:
    """Columns of the datasets of all signals and dipoles with their shares."""
    populations = len(sizes.populations)
    shares = {"total": 0, "population": populations, "cell": sizes.cells, "current": 8}
    columns = []
    for instrument in instruments_of(model):
        columns += [instrument.channels] * (1 + shares[instrument.per])
    return columns


def report_columns(model: Model, sizes: Sizes) -> list[int]:
    """Columns of the datasets of all reports; variables are taken to be on all segments."""
    table = model.record
    columns = []
    for cells, segments in sizes.populations:
        columns += [segments] * (table.imem + len(table.variables))
        columns += {"all": [segments], "soma": [cells], "none": []}[table.vmem]
    return columns


def file_bytes(model: Model, sizes: Sizes, samples: int, *, float32: bool = False) -> int:
    """Size of the recording, spikes aside."""
    rows = -(-samples // model.record.every)
    width = 4 if float32 else 8
    total = 112 * sizes.segments + 65536
    for columns in (*signal_columns(model, sizes), *report_columns(model, sizes)):
        block = chunk_rows(columns, width)
        total += -(-rows // block) * block * columns * width
    return total


def memory_bytes(model: Model, sizes: Sizes, ranks: int, engine: str) -> int:
    """Memory of one process: the model, transfer matrices, and two chunks of samples."""
    held = sum(_MEMORY[name] * getattr(sizes, name) for name in ("segments", "points", "synapses"))
    channels = sum(instrument.channels for instrument in instruments_of(model))
    recorded = sum(report_columns(model, sizes))
    if not model.record.imem and model.needs_currents:
        recorded += sizes.segments
    chunk = chunk_samples(recorded, engine) * recorded
    core = 2.0 if engine == "coreneuron" else 1.0
    return round(
        _MEMORY["start"] + (core * held + 8 * channels * sizes.segments + 2 * 8 * chunk) / ranks
    )


def seconds(sizes: Sizes, steps: int, ranks: int, engine: str) -> float:
    """Time from start to end, on a processor of 2023."""
    work = (sizes.segments + _POINT * sizes.points) * steps * _STEP[engine]
    building = _BUILD["cells"] * sizes.cells + _BUILD["synapses"] * sizes.synapses
    return _BUILD["start"] + (work + building) / ranks
