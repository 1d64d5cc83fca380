"""SONATA configurations: one or two JSON files, with their variables and paths resolved.

The format is described by Dai et al. (2020), PLoS Comput Biol 16:e1007696.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, nearest
from lfpcli.io.sonata.manifest import resolved
from lfpcli.io.stream import check_input


@dataclass(frozen=True, kw_only=True)
class TablePair:
    """An HDF5 file of nodes or edges and the table of its types.

    Attributes
    ----------
    data : Path
        The HDF5 file.
    types : Path or None
        The table of types; circuits of neurodamus have none.
    populations : mapping
        What version 2 of the format tells of each population, by its name.
    folder : Path
        What the paths of populations are relative to.
    components : mapping
        Of nodes, what the circuit tells for all populations that do not tell it themselves.
    """

    data: Path
    types: Path | None = None
    populations: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    components: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CircuitConfig:
    """A configuration of a circuit and its simulation.

    Attributes
    ----------
    file : Path
        The file that was read.
    nodes, edges : tuple of TablePair
        The files of the circuit, those that are switched off left out.
    components : mapping of str to Path
        Folders of morphologies, models, mechanisms and templates.
    run, conditions, inputs, reports, output, node_sets : mapping
        As the file has them, variables replaced; empty where it has none. Inputs and reports
        that are switched off are left out.
    node_set : object
        The nodes that are simulated; None means all.
    overrides : tuple of mapping
        What changes connections between node sets, in the order of the file.
    simulator : str or None
        The engine that it asks for.
    others : tuple of Path
        The configurations that were read beside `file`.
    """

    file: Path
    nodes: tuple[TablePair, ...] = ()
    edges: tuple[TablePair, ...] = ()
    components: Mapping[str, Path] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    reports: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    node_sets: Mapping[str, Any] = field(default_factory=dict)
    node_set: Any = None
    overrides: tuple[Mapping[str, Any], ...] = ()
    simulator: str | None = None
    others: tuple[Path, ...] = ()

    @property
    def is_neurodamus(self) -> bool:
        """Whether it is of neurodamus's dialect, which tells of populations and has no types."""
        return any(pair.populations and pair.types is None for pair in self.nodes)

    @property
    def simulates(self) -> bool:
        """Whether it tells of a simulation, not of a circuit alone."""
        return bool(self.run)

    def path(self, text: str) -> Path:
        """A path of the configuration, which is relative to its folder."""
        return self.file.parent / text

    def folder(self, component: str) -> Path:
        """A folder of components.

        Raises
        ------
        InputError
            Where the configuration has none of that name.
        """
        if component not in self.components:
            raise InputError(
                f"has no component '{component}'",
                source=f"{self.file}: components",
                remedy=f"add it, or {nearest(component, self.components, 'component')}",
            )
        return self.components[component]


def is_config(tree: Any) -> bool:
    """Whether a tree of JSON is a configuration of SONATA, not a model of lfp."""
    if not isinstance(tree, dict):
        return False
    marks = {"networks", "manifest", "network", "components", "target_simulator"}
    return bool(marks & set(tree)) and not {"cell", "population"} & set(tree)


def read_config(path: Path) -> CircuitConfig:
    """Read the configuration of a simulation or of a circuit.

    Parameters
    ----------
    path : Path
        The JSON file; what its keys ``network`` and ``simulation`` name is read too.

    Returns
    -------
    CircuitConfig

    Raises
    ------
    InputError
        Where a file is missing or no JSON, a variable is unknown, or a key has the wrong type.
    """
    named = path
    path, tree = _simulation(named)
    files = [path]
    circuit = tree
    network = _network(tree, path)
    if network is not None:
        other = path.parent / network
        circuit = resolved(_read(other), other)
        files.append(other)
    networks = _table(circuit, "networks", files[-1]) or _table(tree, "networks", path)
    base = files[-1].parent if circuit.get("networks") else path.parent
    components = {
        **_folders(_table(circuit, "components", files[-1]), files[-1].parent),
        **_folders(_table(tree, "components", path), path.parent),
    }
    return CircuitConfig(
        file=path,
        nodes=tuple(
            replace(pair, components=_table(circuit, "components", files[-1]))
            for pair in _pairs(networks, "nodes", base, files[-1])
        ),
        edges=tuple(_pairs(networks, "edges", base, files[-1])),
        components=components,
        run=_table(tree, "run", path),
        conditions=_table(tree, "conditions", path),
        inputs=_enabled(_table(tree, "inputs", path)),
        reports=_enabled(_table(tree, "reports", path)),
        output=_table(tree, "output", path),
        node_sets=_node_sets(circuit, files[-1]) | _node_sets(tree, path),
        node_set=tree.get("node_set"),
        overrides=_overrides(tree, path),
        simulator=tree.get("target_simulator"),
        others=tuple(file for file in {named: None, files[-1]: None} if file != path),
    )


def _simulation(path: Path) -> tuple[Path, dict[str, Any]]:
    """The file that tells of the simulation, and its tree, where another one may name it."""
    tree = resolved(_read(path), path)
    name = tree.get("simulation")
    if not isinstance(name, str):
        return path, tree
    other = path.parent / name
    simulation = resolved(_read(other), other)
    if isinstance(simulation.get("simulation"), str):
        raise InputError(
            "names another simulation", source=f"{other}: simulation", remedy="leave it out there"
        )
    if isinstance(tree.get("network"), str):
        tree["network"] = str(path.parent.absolute() / tree["network"])
    return other, {**tree, **simulation}


def _network(tree: Mapping[str, Any], path: Path) -> str | None:
    """Name of the configuration of the circuit where that is a file of its own."""
    network = tree.get("network")
    if isinstance(network, str):
        return network
    # neurodamus need not be told this one
    usual = "circuit_config.json"
    is_alone = "run" in tree and "networks" not in tree
    return usual if is_alone and (path.parent / usual).is_file() else None


def _overrides(tree: Mapping[str, Any], path: Path) -> tuple[Mapping[str, Any], ...]:
    entries = tree.get("connection_overrides", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(
            "is no list of objects", source=f"{path}: connection_overrides", remedy="write [{...}]"
        )
    return tuple(entries)


def _read(path: Path) -> dict[str, Any]:
    check_input(path)
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"is no JSON: {error}", source=f"{path}{line}", remedy="correct the file there"
        ) from error
    if not isinstance(tree, dict):
        raise InputError("is no object", source=path, remedy="see SONATA's description")
    return tree


def _table(tree: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = tree.get(name, {})
    if not isinstance(value, dict):
        raise InputError("is no object", source=f"{path}: {name}", remedy="write {...}")
    return value


def _folders(table: Mapping[str, Any], base: Path) -> dict[str, Path]:
    # some components are no folders but tables of their own
    return {name: base / value for name, value in table.items() if isinstance(value, str)}


def _pairs(networks: Mapping[str, Any], part: str, base: Path, path: Path) -> Iterator[TablePair]:
    entries = networks.get(part, [])
    if not isinstance(entries, list):
        raise InputError("is no list", source=f"{path}: networks.{part}", remedy="write [...]")
    for number, entry in enumerate(entries):
        source = f"{path}: networks.{part}[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get(f"{part}_file"), str):
            raise InputError(
                f"has no '{part}_file'", source=source, remedy="name the HDF5 file of the circuit"
            )
        if entry.get("enabled", True) is False:
            continue
        # "node_types_file" of nodes, "edge_types_file" of edges
        types = entry.get(f"{part.removesuffix('s')}_types_file")
        yield TablePair(
            data=base / entry[f"{part}_file"],
            types=base / types if isinstance(types, str) and types not in ("", "NULL") else None,
            populations=_table(entry, "populations", path),
            folder=base,
        )


def _enabled(table: Mapping[str, Any]) -> dict[str, Any]:
    entries = {}
    for name, entry in table.items():
        if not isinstance(entry, dict) or entry.get("enabled", True) is not False:
            entries[name] = entry
    return entries


def _node_sets(source: Mapping[str, Any], path: Path) -> dict[str, Any]:
    file = source.get("node_sets_file", source.get("node_sets"))
    if isinstance(file, str) and file:
        return _read(path.parent / file)
    sets = source.get("node_sets")
    return sets if isinstance(sets, dict) else {}
