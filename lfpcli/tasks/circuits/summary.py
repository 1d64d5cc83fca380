"""What a circuit holds and what a run of it would refuse, told from its tables alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lfpcli.errors import LfpError
from lfpcli.io.sonata.config import CircuitConfig, TablePair, read_config
from lfpcli.io.sonata.edges import EdgePopulation, open_edges
from lfpcli.io.sonata.nodes import NodePopulation, read_populations
from lfpcli.tasks.circuits.circuit import BIOPHYSICAL, POINT, VIRTUAL, Circuit, read_circuit
from lfpcli.tasks.circuits.gaps import is_gap
from lfpcli.tasks.circuits.inputs import unknown_input
from lfpcli.tasks.circuits.neurodamus.refusals import refused_edges, refused_parts
from lfpcli.tasks.circuits.simulation_model import is_written
from lfpcli.tasks.circuits.synapses import (
    check_weight_function,
    synapse_model,
)

_NODE_COLUMNS = ("model_type", "model_template", "morphology", "dynamics_params")


def circuit_facts(file: Path) -> dict[str, Any]:
    """Describe a circuit and the simulation that its configuration tells of; runs no code.

    Parameters
    ----------
    file : Path
        The configuration of the circuit or of a simulation.

    Returns
    -------
    dict
        ``populations`` with their sizes; ``types`` of nodes; ``connections``, the numbers of edges
        per file, pair of populations and type; ``inputs`` and ``reports``; and ``refused``, a
        sentence for each part that a run would not take.

    Raises
    ------
    InputError
        Where the configuration, nodes or edges cannot be read.
    """
    config = read_config(file)
    populations = read_populations(config.nodes)
    refused: list[str] = []
    circuit: Circuit | None = None
    try:
        circuit = read_circuit(file)
    except LfpError as error:
        refused.append(str(error))
    refused += _refused_parts(config, circuit)
    connections: list[dict[str, Any]] = []
    for pair in config.edges:
        with open_edges(pair) as edge_populations:
            for population in edge_populations:
                connections += _connections(population, pair)
                if config.is_neurodamus:
                    refused += refused_edges(population, pair, populations)
                else:
                    refused += _refused_edges(population, populations, circuit)
    return {
        "populations": {name: len(nodes) for name, nodes in populations.items()},
        "types": [row for nodes in populations.values() for row in _types(nodes)],
        "connections": connections,
        "inputs": _parts(config.inputs, ("input_type", "module", "node_set")),
        "reports": _parts(config.reports, ("module", "type", "variable_name", "sections")),
        "refused": list(dict.fromkeys(refused)),
    }


def _types(nodes: NodePopulation) -> Iterator[dict[str, Any]]:
    """The kinds of nodes of a population with their numbers, by type."""
    columns = [nodes.of(name) for name in _NODE_COLUMNS]
    counts = Counter(zip(nodes.types.tolist(), *columns, strict=True))
    for (number, *values), count in sorted(counts.items(), key=lambda entry: entry[0][0]):
        facts = dict(zip(_NODE_COLUMNS, values, strict=True))
        yield {"population": nodes.name, "type": number, "nodes": count, **facts}


def _connections(population: EdgePopulation, pair: TablePair) -> Iterator[dict[str, Any]]:
    for number, count in population.type_counts().items():
        row = population.type_table.get(number, {})
        told = pair.populations.get(population.name)
        if told is not None:
            # without types of edges the population has one
            row = {"model_template": told.get("type") if isinstance(told, dict) else None}
        yield {
            "population": population.name,
            "source": population.source_nodes,
            "target": population.target_nodes,
            "type": number,
            "edges": count,
            "synapse": row.get("model_template"),
        }


def _parts(table: Any, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Entries of a part of the configuration that are switched on."""
    rows: list[dict[str, Any]] = []
    for name, entry in table.items():
        facts = entry if isinstance(entry, dict) else {}
        rows.append({"name": name, **{key: facts[key] for key in keys if key in facts}})
    return rows


def _refused_parts(config: CircuitConfig, circuit: Circuit | None) -> Iterator[str]:
    if config.is_neurodamus:
        yield from refused_parts(config, circuit)
        return
    for name, entry in config.inputs.items():
        error = unknown_input(entry, f"{config.file}: inputs.{name}")
        if error is not None:
            yield str(error)
    for name, entry in config.reports.items():
        if not is_written(entry):
            module = entry.get("module") if isinstance(entry, dict) else None
            yield f"the report is not written: {module} [{config.file}: reports.{name}]"


def _refused_edges(
    edges: EdgePopulation, populations: dict[str, NodePopulation], circuit: Circuit | None
) -> Iterator[str]:
    """Kinds of synapses and of weights that a run would not take, by type of edges."""
    for name in (edges.source_nodes, edges.target_nodes):
        if name not in populations:
            yield f"no population '{name}' of nodes [edges of {edges.name}]"
            return
    targets = set(populations[edges.target_nodes].of("model_type"))
    if targets <= {VIRTUAL}:
        return
    for number in edges.type_counts():
        row = edges.type_table.get(number, {})
        source = f"{edges.name}: edge type {number}"
        try:
            check_weight_function(row.get("weight_function"), source)
            # onto point neurons edges need no synapse
            if is_gap(row.get("is_gap_junction")):
                continue
            if circuit is not None and BIOPHYSICAL in targets and not _is_bare(row, targets):
                synapse_model(
                    row.get("model_template"),
                    row.get("dynamics_params"),
                    circuit=circuit,
                    source=source,
                )
        except LfpError as error:
            yield str(error)


def _is_bare(row: Any, targets: set[Any]) -> bool:
    """Whether a type names no synapse where some of the targets are point neurons."""
    return not row.get("model_template") and bool(targets & set(POINT))
