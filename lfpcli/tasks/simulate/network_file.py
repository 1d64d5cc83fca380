"""The network as it was built: written as SONATA, and in numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.io.atomic import atomic_output
from lfpcli.io.sonata_network import Edges, NetworkWriter, Nodes
from lfpcli.model import Connection, Input, Model
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.layout import Layout

MODEL_FOLDER = "model_folder"
"""Key of the provenance: the folder that paths of the model count from, seen from the file's."""
_PLACE = ("x", "y", "z")
_UNITS = {
    **dict.fromkeys((*_PLACE, *(f"afferent_center_{axis}" for axis in _PLACE)), "um"),
    "syn_weight": "uS",
    "delay": "ms",
}


def save_network(
    target: str | os.PathLike[str],
    model: Model,
    built: Built,
    team: Team,
    *,
    provenance: Mapping[str, Any],
    force: bool = False,
) -> None:
    """Write populations and connections to a file; called on all ranks.

    Parameters
    ----------
    target : path-like
        The file.
    model : Model
        The model.
    built : Built
        Its cells and synapses on this process.
    team : Team
        The processes.
    provenance : mapping
        How it came to be.
    force : bool
        Whether an existing file is replaced.
    """
    if not team.leads:
        write_network(None, model, built, team)
        return
    # paths of the model are told from its folder: that counts from the file's, so that both move
    record = {**provenance, MODEL_FOLDER: _from_folder(model.text.folder, Path(target).parent)}
    with atomic_output(target, force=force) as path, NetworkWriter(path, record) as writer:
        write_network(writer, model, built, team)


def _from_folder(folder: Path, start: Path) -> str:
    """The way from one folder to another; the folder itself where there is none."""
    try:
        return Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()
    except ValueError:
        # drives of Windows
        return folder.as_posix()


def write_network(writer: NetworkWriter | None, model: Model, built: Built, team: Team) -> None:
    """Write populations and connections; called on all ranks, with a writer on rank 0 alone.

    Parameters
    ----------
    writer : NetworkWriter or None
        Where to.
    model : Model
        The model.
    built : Built
        Its cells and synapses on this process.
    team : Team
        The processes.
    """
    layout = built.layout
    if writer is not None:
        _write_nodes(writer, model, layout)
    # SONATA keeps all edges between two populations in one group
    for pre, post in dict.fromkeys((table.pre, table.post) for table in model.connections):
        tables = enumerate(model.connections)
        numbers = [k for k, table in tables if table.pre == pre and table.post == post]
        parts = team.collect(_columns(built, numbers))
        if writer is None:
            continue
        columns = {name: _stacked(parts, name) for name in parts[0]}
        sources, targets = layout.gids(pre), layout.gids(post)
        edges = Edges(
            source=pre,
            target=post,
            source_id=columns.pop("source") - sources.start,
            target_id=columns.pop("target") - targets.start,
            type_id=columns.pop("type"),
            attributes=columns,
            units=_UNITS,
            types={k: _synapse_of(model.connections[k]) for k in numbers},
            sizes=(len(sources), len(targets)),
        )
        writer.edges(edges)
    for number in range(len(model.inputs)):
        parts = team.collect(_columns(built, [len(model.connections) + number]))
        if writer is not None:
            columns = {name: _stacked(parts, name) for name in parts[0]}
            _write_input(writer, model, layout, number=number, columns=columns)


def _write_input(
    writer: NetworkWriter,
    model: Model,
    layout: Layout,
    *,
    number: int,
    columns: dict[str, np.ndarray],
) -> None:
    """Write the synapses of an input table, population by population."""
    targets = columns.pop("target")
    for name in ("source", "type", "delay"):
        del columns[name]
    for population, gids in layout.cells.items():
        inside = (targets >= gids.start) & (targets < gids.stop)
        if inside.any():
            writer.inputs(
                f"input.{number}",
                target=population,
                target_id=targets[inside] - gids.start,
                attributes={name: values[inside] for name, values in columns.items()},
                units=_UNITS,
                synapse=_synapse_of(model.inputs[number]),
            )


def _stacked(parts: list[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([part[name] for part in parts])


def _write_nodes(writer: NetworkWriter, model: Model, layout: Layout) -> None:
    for name in model.resolved_populations():
        gids = np.array(layout.gids(name), np.int64)
        places = layout.positions.get(name)
        columns = {} if places is None else dict(zip(_PLACE, places.T, strict=True))
        writer.nodes(name, Nodes(gids=gids, attributes=columns, units=_UNITS))


def _synapse_of(table: Connection | Input) -> dict[str, Any]:
    """Mechanism and numbers of the synapses of a table."""
    synapse = table.synapse
    # what differs from synapse to synapse is no part of a type
    numbers = {k: v for k, v in synapse.params.items() if isinstance(v, int | float)}
    return {"model_template": synapse.type, **numbers}


def _columns(built: Built, numbers: list[int]) -> dict[str, np.ndarray]:
    """Synapses of some tables on this process, numbered as the origins of rows are."""
    rows = built.synapses.rows
    chosen = np.flatnonzero(np.isin(rows.origin, numbers))
    cell, segment = rows.cell[chosen], rows.segment[chosen]
    gids = np.array([member.gid for member in built.members], np.int64)
    first = np.cumsum([0, *(len(member.geometry) for member in built.members)])
    row = first[cell] + segment
    geometries = [member.geometry for member in built.members]

    def of(name: str, empty: Any) -> np.ndarray:
        of_segments = np.concatenate([empty, *(getattr(g, name) for g in geometries)])
        return np.asarray(of_segments[row])

    middle = of("middle", np.empty((0, 3)))
    return {
        "source": rows.source[chosen],
        "target": gids[cell],
        "type": rows.origin[chosen],
        "syn_weight": rows.weight[chosen],
        "delay": rows.delay[chosen],
        "afferent_section_id": of("section", np.zeros(0, np.int64)),
        "afferent_section_pos": of("x", np.zeros(0)),
        **{f"afferent_center_{axis}": middle[:, k] for k, axis in enumerate(_PLACE)},
    }


def statistics(model: Model, built: Built, team: Team) -> dict[str, dict[str, float]]:
    """Connections and inputs in numbers, the same on all ranks.

    Returns
    -------
    dict of str to dict
        Per table: connected pairs, synapses, mean weight (uS) and mean delay (ms).
    """
    rows = built.synapses.rows
    tables = len(model.connections) + len(model.inputs)
    counts = np.zeros((tables, 4))
    cells = len(built.cells) or 1
    for k in range(tables):
        chosen = rows.origin == k
        # one number per pair of a source and a cell
        pairs = np.unique(rows.source[chosen] * cells + rows.cell[chosen])
        weight, delay = rows.weight[chosen].sum(), rows.delay[chosen].sum()
        counts[k] = len(pairs), chosen.sum(), weight, delay
    total = np.sum(team.exchange(counts), axis=0)
    result: dict[str, dict[str, float]] = {}
    for k, (pairs, synapses, weight, delay) in enumerate(total):
        facts: dict[str, float] = {"synapses": int(synapses)}
        if synapses:
            facts["mean weight"] = float(weight / synapses)
        if k < len(model.connections):
            table = model.connections[k]
            name = f"{table.pre} to {table.post}"
            facts = {"pairs": int(pairs), **facts}
            if synapses:
                facts["mean delay"] = float(delay / synapses)
        else:
            name = f"input to {model.inputs[k - len(model.connections)].population or 'all'}"
        result[name if name not in result else f"{name} ({k})"] = facts
    return result
