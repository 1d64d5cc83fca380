"""A circuit as bmtk runs it: nodes, edges, tables of types, spikes, components, configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.sonata_files import MAGIC, VERSION
from lfpcli.io.sonata_network import index_runs
from lfpcli.io.writer import SORTING

_NOTHING = "NULL"


@dataclass(kw_only=True)
class NodeTable:
    """A population of nodes.

    Attributes
    ----------
    name : str
        The population.
    node_ids : ndarray of int, shape (n,)
        Ascending.
    types : ndarray of int, shape (n,)
        Key of `type_table`.
    type_table : mapping of int to mapping
        What nodes of a type have in common.
    columns : mapping of str to ndarray (n,)
        What each has of its own.
    """

    name: str
    node_ids: np.ndarray
    types: np.ndarray
    type_table: Mapping[int, Mapping[str, Any]]
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(kw_only=True)
class EdgeTable:
    """Edges from one population to another, sorted by target and then by source.

    Attributes
    ----------
    source, target : str
        The populations.
    source_ids, target_ids : ndarray of int, shape (S,)
        Their node ids.
    types : ndarray of int, shape (S,)
        Key of `type_table`.
    type_table : mapping of int to mapping
        What edges of a type have in common.
    columns : mapping of str to ndarray (S,)
        Place, weight (uS) and delay (ms) of each.
    """

    source: str
    target: str
    source_ids: np.ndarray
    target_ids: np.ndarray
    types: np.ndarray
    type_table: Mapping[int, Mapping[str, Any]]
    columns: Mapping[str, np.ndarray]


@dataclass(kw_only=True)
class CircuitFiles:
    """What a folder of a circuit is to hold.

    Attributes
    ----------
    nodes : list of NodeTable
        Populations.
    edges : list of EdgeTable
        Edges between them.
    trains : dict of str to (ndarray (n,), ndarray of int (n,))
        Times, ms, and node ids of the spikes of virtual nodes, by population.
    components : dict of str to str
        Texts of files of components by their path in the folder ``components``.
    run, conditions, inputs, reports : dict
        Parts of the configuration.
    contacts : dict of str to ndarray (C, 3)
        Places of the contacts of reports, um, by the name of their file.
    """

    nodes: list[NodeTable] = field(default_factory=list)
    edges: list[EdgeTable] = field(default_factory=list)
    trains: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)
    contacts: dict[str, np.ndarray] = field(default_factory=dict)


def write_circuit(circuit: CircuitFiles, folder: Path) -> None:
    """Write a circuit; ``config.json`` in the folder is what bmtk runs.

    Parameters
    ----------
    circuit : CircuitFiles
        What to write.
    folder : Path
        Where to, there and empty.
    """
    for part in ("network", "inputs", "components/mechanisms"):
        (folder / part).mkdir(parents=True)
    for name, text in circuit.components.items():
        path = folder / "components" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for table in circuit.nodes:
        _write_nodes(table, folder / "network")
    sizes = {table.name: int(table.node_ids.max(initial=-1)) + 1 for table in circuit.nodes}
    for edges in circuit.edges:
        _write_edges(edges, folder / "network", sizes)
    for population, (times, node_ids) in circuit.trains.items():
        _write_trains(folder / "inputs" / f"{population}_spikes.h5", population, times, node_ids)
    for name, places in circuit.contacts.items():
        rows = [f"{k} {x!r} {y!r} {z!r}" for k, (x, y, z) in enumerate(places.tolist())]
        text = "\n".join(["channel x_pos y_pos z_pos", *rows, ""])
        (folder / "components" / name).write_text(text, encoding="utf-8")
    for name, tree in _configurations(circuit).items():
        (folder / name).write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def _write_nodes(table: NodeTable, folder: Path) -> None:
    _write_types(folder / f"{table.name}_node_types.csv", "node_type_id", table.type_table)
    with new_hdf5(folder / f"{table.name}_nodes.h5") as file:
        _mark(file)
        group = file.create_group(f"nodes/{table.name}")
        group["node_id"] = table.node_ids.astype(np.uint64)
        group["node_type_id"] = table.types.astype(np.uint64)
        _write_columns(group, "node_group", len(table.node_ids), table.columns)


def _write_edges(table: EdgeTable, folder: Path, sizes: Mapping[str, int]) -> None:
    name = f"{table.source}_to_{table.target}"
    _write_types(folder / f"{name}_edge_types.csv", "edge_type_id", table.type_table)
    with new_hdf5(folder / f"{name}_edges.h5") as file:
        _mark(file)
        group = file.create_group(f"edges/{name}")
        ends = (
            ("source", table.source, table.source_ids),
            ("target", table.target, table.target_ids),
        )
        for end, population, ids in ends:
            group[f"{end}_node_id"] = ids.astype(np.uint64)
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_type_id"] = table.types.astype(np.uint64)
        _write_columns(group, "edge_group", len(table.types), table.columns)
        for index, population, ids in (
            ("source_to_target", table.source, table.source_ids),
            ("target_to_source", table.target, table.target_ids),
        ):
            ranges, runs = index_runs(ids, sizes[population])
            inner = group.create_group(f"indices/{index}")
            inner["range_to_edge_id"] = runs
            inner["node_id_to_ranges"] = ranges
            # the name that bmtk reads
            inner["node_id_to_range"] = inner["node_id_to_ranges"]


def _write_columns(
    group: h5py.Group, prefix: str, count: int, columns: Mapping[str, np.ndarray]
) -> None:
    group[f"{prefix}_id"] = np.zeros(count, np.uint32)
    group[f"{prefix}_index"] = np.arange(count, dtype=np.uint64)
    inner = group.create_group("0")
    for name, values in columns.items():
        inner[name] = values


def _write_types(path: Path, key: str, table: Mapping[int, Mapping[str, Any]]) -> None:
    """Write a table with one space between columns."""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    lines = [" ".join([key, *names])]
    for number, row in table.items():
        lines.append(" ".join([str(number), *(str(row.get(name, _NOTHING)) for name in names)]))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _write_trains(path: Path, population: str, times: np.ndarray, node_ids: np.ndarray) -> None:
    with new_hdf5(path) as file:
        _mark(file)
        group = file.create_group(f"spikes/{population}")
        group.attrs.create("sorting", 2, dtype=SORTING)
        group["timestamps"] = times
        group["timestamps"].attrs["units"] = "ms"
        group["node_ids"] = node_ids.astype(np.uint64)


def _mark(file: h5py.File) -> None:
    file.attrs["magic"] = MAGIC
    file.attrs["version"] = VERSION


def _configurations(circuit: CircuitFiles) -> dict[str, Any]:
    components = "$BASE_DIR/components"
    folders = {
        "mechanisms_dir": f"{components}/mechanisms",
        "templates_dir": f"{components}/templates",
        "synaptic_models_dir": f"{components}/synaptic_models",
    }
    networks = {
        "nodes": _pairs("node", [table.name for table in circuit.nodes]),
        "edges": _pairs("edge", [f"{each.source}_to_{each.target}" for each in circuit.edges]),
    }
    base = {"$BASE_DIR": "."}
    return {
        "circuit_config.json": {"manifest": base, "components": folders, "networks": networks},
        "config.json": {
            "manifest": base,
            "target_simulator": "NEURON",
            "network": "$BASE_DIR/circuit_config.json",
            "run": circuit.run,
            "conditions": circuit.conditions,
            "inputs": circuit.inputs,
            "output": {
                "output_dir": "$BASE_DIR/output",
                "log_file": "log.txt",
                "spikes_file": "spikes.h5",
                "spikes_sort_order": "time",
                "overwrite_output_dir": True,
            },
            "reports": circuit.reports,
        },
    }


def _pairs(element: str, names: Sequence[str]) -> list[dict[str, str]]:
    return [
        {
            f"{element}s_file": f"$BASE_DIR/network/{name}_{element}s.h5",
            f"{element}_types_file": f"$BASE_DIR/network/{name}_{element}_types.csv",
        }
        for name in names
    ]
