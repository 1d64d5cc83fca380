"""Which of the point processes that ship with the program a model uses."""

from __future__ import annotations

from pathlib import Path

from lfpcli.model import Model
from lfpcli.runtime.mechanisms.own import GAP, INTEGRATOR


def used_points(model: Model) -> set[str]:
    """Names of the point processes that a model names, and of those of its gap junctions."""
    names = {stimulus.type for stimulus in model.stimuli}
    if any(table.is_gap for table in model.connections):
        names.add(GAP)
    if model.circuit is not None:
        names |= _points_of_circuit(model.circuit.config)
    return names


def _points_of_circuit(file: Path) -> set[str]:
    # what reads circuits is imported where there is one
    from lfpcli.io.sonata.config import read_config
    from lfpcli.io.sonata.types import read_types
    from lfpcli.tasks.circuits.gaps import has_gaps
    from lfpcli.tasks.circuits.inputs import has_module

    config = read_config(file)
    if config.is_neurodamus:
        from lfpcli.tasks.circuits.neurodamus.inputs import point_processes

        return point_processes(config)
    names = {GAP} if has_gaps(config) else set()
    if has_module(config, "SEClamp"):
        names.add("DelayedSEClamp")
    for pair in config.nodes:
        types = {} if pair.types is None else read_types(pair.types, "node_type_id")
        if any(row.get("model_template") == "nrn:IntFire1" for row in types.values()):
            names.add(INTEGRATOR)
    return names
