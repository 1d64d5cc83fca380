"""What a run of a simulation of neurodamus would refuse, told from its files alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lfpcli.errors import LfpError
from lfpcli.io.sonata.config import CircuitConfig, TablePair
from lfpcli.io.sonata.edges import EdgePopulation
from lfpcli.io.sonata.nodes import NodePopulation
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.edges import check_edge_type
from lfpcli.tasks.circuits.neurodamus.inputs import read_inputs, refused_input
from lfpcli.tasks.circuits.neurodamus.overrides import read_overrides
from lfpcli.tasks.circuits.neurodamus.reports import refused_report
from lfpcli.tasks.circuits.neurodamus.settings import check_simulation


def refused_parts(config: CircuitConfig, circuit: Circuit | None) -> Iterator[str]:
    """Sentences about the parts of a configuration that are not run.

    Parameters
    ----------
    config : CircuitConfig
        The configuration.
    circuit : Circuit or None
        Its nodes, where they could be read.
    """
    yield from _refused(lambda: check_simulation(config))
    for name, entry in config.inputs.items():
        error = refused_input(entry, f"{config.file}: inputs.{name}")
        if error is not None:
            yield str(error)
        elif circuit is not None:
            alone = replace(circuit, config=replace(config, inputs={name: entry}))
            yield from _refused(functools.partial(read_inputs, alone))
    for name, entry in config.reports.items():
        error = refused_report(config, name, entry)
        if error is not None:
            yield str(error)
    if circuit is not None:
        yield from _refused(lambda: read_overrides(circuit))


def _refused(check: Callable[[], Any]) -> Iterator[str]:
    try:
        check()
    except LfpError as error:
        yield str(error)


def refused_edges(
    edges: EdgePopulation, pair: TablePair, populations: Mapping[str, NodePopulation]
) -> Iterator[str]:
    """Sentences about a population of edges that is not run.

    Parameters
    ----------
    edges : EdgePopulation
        The edges.
    pair : TablePair
        Their file, and what the configuration tells of it.
    populations : mapping of str to NodePopulation
        The nodes of the circuit.
    """
    told = pair.populations.get(edges.name)
    if told is None:
        return
    for name in (edges.source_nodes, edges.target_nodes):
        if name not in populations:
            yield f"no population '{name}' of nodes [edges of {edges.name}]"
            return
    edge_type = told.get("type", "chemical") if isinstance(told, dict) else "chemical"
    yield from _refused(lambda: check_edge_type(edge_type, f"{pair.data}:/edges/{edges.name}"))
