"""A circuit: which of its nodes are cells, point neurons and spike trains, and where they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, nearest
from lfpcli.forward.rotations import axis_rotation
from lfpcli.io.sonata.config import CircuitConfig, read_config
from lfpcli.io.sonata.nodes import NodePopulation, read_populations
from lfpcli.model.cell import CellSpec
from lfpcli.tasks.circuits.components import PointNeuron, cell_spec, point_neuron
from lfpcli.tasks.circuits.neurodamus.cells import needed_attributes, template_file, template_spec
from lfpcli.tasks.circuits.neurodamus.numbers import first_numbers

BIOPHYSICAL = "biophysical"
VIRTUAL = "virtual"
POINT = ("point_neuron", "point_process")
"""Point neurons; the second name is that of bmtk before the format was settled."""

_ANGLES = ("rotation_angle_xaxis", "rotation_angle_yaxis", "rotation_angle_zaxis")
_QUATERNION = ("orientation_w", "orientation_x", "orientation_y", "orientation_z")

# what node sets select by beside the attributes that nodes have
_POPULATIONS = ("population", "populations")
_OF_ALL_NODES = frozenset({*_POPULATIONS, "node_id", "gid", "node_type_id"})


@dataclass(kw_only=True)
class CircuitPopulation:
    """A population of nodes that are cells or point neurons.

    Attributes
    ----------
    nodes : NodePopulation
        The nodes.
    cell_names : list of str
        Name of the kind of cell of each node; empty for a point neuron.
    positions : ndarray, shape (n, 3)
        Places of the somata, um.
    rotations : ndarray, shape (n, 3, 3)
        Rotation matrices about the soma.
    point_neurons : dict of int to PointNeuron
        The point neurons, by index.
    first_number : int or None
        What neurodamus adds to node ids to number cells; its templates are called with that.
    """

    nodes: NodePopulation
    cell_names: list[str]
    positions: np.ndarray
    rotations: np.ndarray
    point_neurons: dict[int, PointNeuron] = field(default_factory=dict)
    first_number: int | None = None

    def __len__(self) -> int:
        return len(self.nodes)


@dataclass(kw_only=True)
class Circuit:
    """The nodes of a circuit, sorted by what they are.

    Attributes
    ----------
    config : CircuitConfig
        The configuration.
    cells : dict of str to CircuitPopulation
        Populations of cells and point neurons.
    trains : dict of str to NodePopulation
        Populations of spike trains.
    specs : dict of str to CellSpec
        Kinds of cells.
    order : tuple of str
        Names of the populations, in the order of the configuration.
    whole : dict of str to NodePopulation
        All populations of the files, with nodes that are not simulated too.
    """

    config: CircuitConfig
    cells: dict[str, CircuitPopulation]
    trains: dict[str, NodePopulation]
    specs: dict[str, CellSpec]
    order: tuple[str, ...]
    whole: dict[str, NodePopulation]

    @property
    def nodes(self) -> dict[str, NodePopulation]:
        """All populations of nodes, by name."""
        return {name: each.nodes for name, each in self.cells.items()} | self.trains

    def nodes_in_order(self) -> dict[str, NodePopulation]:
        """All populations of nodes, by name, in the order of the configuration."""
        return {name: self.nodes[name] for name in self.order}

    def node_set(self, wanted: Any, source: str) -> dict[str, np.ndarray]:
        """Indices of the nodes of a node set, by population; populations without any left out.

        Those of a population have the shape (n,) and no unit.

        Parameters
        ----------
        wanted : str, list or dict
            ``all``, a name of a node set or of a population, node ids, or attributes with values.
        source : str
            Where it is asked for, for messages.

        Raises
        ------
        InputError
            Where there is no such node set.
        """
        return selected_nodes(
            wanted,
            source,
            populations=self.nodes,
            node_sets=self.config.node_sets,
            cells=set(self.cells),
        )


def selected_nodes(
    wanted: Any,
    source: str,
    *,
    populations: Mapping[str, NodePopulation],
    node_sets: Mapping[str, Any],
    cells: set[str],
) -> dict[str, np.ndarray]:
    """Indices of the nodes of a node set, by population; populations without any left out.

    Those of a population have the shape (n,) and no unit.

    Parameters
    ----------
    wanted, source
        As `Circuit.node_set` has them.
    populations : mapping of str to NodePopulation
        The populations.
    node_sets : mapping
        The node sets that have names.
    cells : set of str
        Populations that numbers alone mean.

    Raises
    ------
    InputError
        Where there is no such node set.
    """
    attributes = node_sets.get(wanted) if isinstance(wanted, str) else wanted
    if isinstance(attributes, dict):
        _check_attributes(attributes, source, populations)
    rule = _Rule(source=source, populations=populations, node_sets=node_sets, cells=cells)
    masks = {name: rule.mask(nodes, wanted) for name, nodes in populations.items()}
    return {name: np.flatnonzero(mask) for name, mask in masks.items() if mask.any()}


def _check_attributes(
    wanted: Mapping[str, Any], source: str, populations: Mapping[str, NodePopulation]
) -> None:
    """Raise `InputError` where no population has what nodes are chosen by."""
    known = set(_OF_ALL_NODES)
    for nodes in populations.values():
        known |= set(nodes.attributes)
    for name in wanted:
        if name not in known:
            raise InputError(
                f"nodes have no attribute '{name}'",
                source=source,
                remedy=nearest(name, sorted(known), "attribute"),
            )


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """What node sets select from."""

    source: str
    populations: Mapping[str, NodePopulation]
    node_sets: Mapping[str, Any]
    cells: set[str]

    def mask(self, nodes: NodePopulation, wanted: Any, within: tuple[str, ...] = ()) -> np.ndarray:
        """Which nodes of a population are in a node set, (n,), bool."""
        if wanted == "all":
            return np.ones(len(nodes), bool)
        if isinstance(wanted, str):
            if wanted in within:
                raise InputError(
                    f"node sets name each other in a circle: {', '.join(within)}",
                    source=self.source,
                    remedy="correct the node sets",
                )
            if wanted in self.node_sets:
                return self.mask(nodes, self.node_sets[wanted], (*within, wanted))
            if wanted in self.populations:
                return np.full(len(nodes), nodes.name == wanted)
            raise InputError(
                f"no node set '{wanted}'",
                source=self.source,
                remedy=f"name one of {', '.join([*self.node_sets, *self.populations])}, or all",
            )
        if isinstance(wanted, list) and all(isinstance(entry, str) for entry in wanted):
            masks = [self.mask(nodes, entry, within) for entry in wanted]
            union: np.ndarray = np.logical_or.reduce([np.zeros(len(nodes), bool), *masks])
            return union
        if isinstance(wanted, list) and all(_is_number(entry) for entry in wanted):
            # numbers alone mean the nodes that are simulated
            return np.isin(nodes.node_ids, wanted) & (nodes.name in self.cells)
        if isinstance(wanted, dict):
            return self._by_attributes(nodes, wanted)
        raise InputError(
            "is no node set", source=self.source, remedy="give a name, node ids, or attributes"
        )

    def _by_attributes(self, nodes: NodePopulation, wanted: dict[str, Any]) -> np.ndarray:
        for key in _POPULATIONS:
            names = wanted.get(key, nodes.name)
            named = names if isinstance(names, list) else [names]
            for name in named:
                if name not in self.populations:
                    raise InputError(
                        f"no population of nodes '{name}'",
                        source=self.source,
                        remedy=nearest(str(name), list(self.populations), "population"),
                    )
            if nodes.name not in named:
                return np.zeros(len(nodes), bool)
        known = _OF_ALL_NODES | set(nodes.attributes)
        if not set(wanted) <= known and len(self.populations) > 1:
            # another population may have the attribute
            return np.zeros(len(nodes), bool)
        return nodes.selected(wanted)


def _is_number(entry: Any) -> bool:
    return isinstance(entry, int) and not isinstance(entry, bool)


def read_circuit(file: Path) -> Circuit:
    """Read the nodes of a circuit.

    Parameters
    ----------
    file : Path
        The configuration of the circuit or of a simulation.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where a file or a kind of node is not what it should be.
    """
    return circuit_of(read_config(file))


def circuit_of(config: CircuitConfig) -> Circuit:
    """Read the nodes that a configuration names, as `read_circuit` does."""
    if not config.nodes:
        raise InputError("names no nodes", source=config.file, remedy="add networks.nodes")
    specs: dict[str, CellSpec] = {}
    whole = read_populations(config.nodes)
    trains = {name: nodes for name, nodes in whole.items() if _is_virtual(nodes)}
    cells: dict[str, CircuitPopulation] = {}
    for name, nodes in _simulated(config, whole, set(whole) - set(trains)).items():
        cells[name] = _population(nodes, nodes.of("model_type"), config, specs)
    if config.is_neurodamus:
        _number_cells(cells, whole, trains)
    return Circuit(
        config=config,
        cells=cells,
        trains=trains,
        specs=specs,
        order=tuple(name for name in whole if name in cells or name in trains),
        whole=whole,
    )


def _number_cells(
    cells: Mapping[str, CircuitPopulation],
    whole: Mapping[str, NodePopulation],
    trains: Mapping[str, NodePopulation],
) -> None:
    """Tell each population of cells where its numbers begin, by which neurodamus names streams."""
    largest = {name: int(nodes.node_ids.max(initial=0)) for name, nodes in trains.items()}
    for name in set(whole) - set(trains):
        # nodes that are not simulated are not counted
        known = cells[name].nodes.node_ids if name in cells else np.empty(0, np.int64)
        largest[name] = int(known.max(initial=0))
    numbers = first_numbers(largest)
    for name, population in cells.items():
        population.first_number = numbers[name]


def _is_virtual(nodes: NodePopulation) -> bool:
    return set(nodes.of("model_type")) <= {VIRTUAL}


def _simulated(
    config: CircuitConfig, whole: Mapping[str, NodePopulation], cells: set[str]
) -> dict[str, NodePopulation]:
    """The nodes of each population of cells that the configuration simulates."""
    if config.node_set is None:
        return {name: nodes for name, nodes in whole.items() if name in cells}
    chosen = selected_nodes(
        config.node_set,
        f"{config.file}: node_set",
        populations=whole,
        node_sets=config.node_sets,
        cells=cells,
    )
    simulated = {name: whole[name].subset(index) for name, index in chosen.items() if name in cells}
    if not simulated:
        raise InputError(
            "the node set has no cells",
            source=f"{config.file}: node_set",
            remedy="name one that has, or leave it out",
        )
    return simulated


def _population(
    nodes: NodePopulation, model_types: list[Any], config: CircuitConfig, specs: dict[str, CellSpec]
) -> CircuitPopulation:
    names = ["model_template", "morphology", "dynamics_params", "model_processing"]
    if config.is_neurodamus:
        names += _called_with(nodes)
    columns = {name: nodes.of(name) for name in names}
    cell_names: list[str] = []
    point_neurons: dict[int, PointNeuron] = {}
    known: dict[tuple[Any, ...], str | PointNeuron] = {}
    for index, model_type in enumerate(model_types):
        facts = {name: column[index] for name, column in columns.items()}
        key = (model_type, *facts.values())
        if key not in known:
            known[key] = _kind(nodes, index, model_type, facts, config=config, specs=specs)
        entry = known[key]
        if isinstance(entry, PointNeuron):
            point_neurons[index] = entry
            cell_names.append("")
        else:
            cell_names.append(entry)
    return CircuitPopulation(
        nodes=nodes,
        cell_names=cell_names,
        positions=nodes.positions(),
        rotations=rotations_of(nodes),
        point_neurons=point_neurons,
    )


def _called_with(nodes: NodePopulation) -> list[str]:
    """Columns that the templates of a population of neurodamus are called with."""
    names: dict[str, None] = {}
    for value in dict.fromkeys(nodes.of("model_template")):
        file, template = template_file(value, nodes, nodes.source)
        names |= dict.fromkeys(needed_attributes(file, template))
    missing = [name for name in names if name not in nodes.attributes]
    if missing:
        raise InputError(
            f"nodes lack '{missing[0]}', which their template is called with",
            source=nodes.source,
            remedy="add the column",
        )
    return list(names)


def _kind(
    nodes: NodePopulation,
    index: int,
    model_type: Any,
    facts: Mapping[str, Any],
    *,
    config: CircuitConfig,
    specs: dict[str, CellSpec],
) -> str | PointNeuron:
    """What a node is: a point neuron, or the name of a kind of cell, which is made."""
    source = f"{nodes.source}: node {nodes.node_ids[index]}"
    if model_type in POINT:
        return point_neuron(facts, config, source)
    if model_type != BIOPHYSICAL:
        raise InputError(
            f"model_type '{model_type}' is not simulated beside cells",
            source=source,
            remedy=f"use {BIOPHYSICAL}, {', '.join(POINT)}, or a population of {VIRTUAL} nodes",
        )
    label = nodes.types[index]
    if config.is_neurodamus:
        label = str(facts["model_template"]).rpartition(":")[2]
    name = f"{nodes.name}.{label}"
    if name in specs:
        name = f"{name}.{len(specs)}"
    if config.is_neurodamus:
        specs[name] = template_spec(name, {**facts, "source": source}, nodes)
    else:
        specs[name] = cell_spec(name, facts, config, source)
    return name


def first_node_numbers(circuit: Circuit) -> dict[str, int]:
    """First number of each population as bmtk counts cells, for streams and names of files."""
    numbers: dict[str, int] = {}
    first = 0
    for name, nodes in circuit.nodes_in_order().items():
        numbers[name] = first
        # bmtk counts by node ids, which may have gaps, not by rows
        first += int(nodes.node_ids.max(initial=-1)) + 1
    return numbers


def rotations_of(nodes: NodePopulation) -> np.ndarray:
    """Rotation matrices of nodes, shape (n, 3, 3).

    From the quaternion ``orientation_w, x, y, z`` where there is one, else from the angles (rad)
    about the fixed axes, z first, then y, then x, as the format's description has it. neurodamus
    reads the same angles in the other order; so it is said where that matters.

    Raises
    ------
    InputError
        Where a quaternion is zero, or an angle no number.
    """
    if set(_QUATERNION) <= set(nodes.attributes):
        return _from_quaternions(nodes)
    angles = np.column_stack([nodes.numbers(name) for name in _ANGLES])
    about_x, about_y, about_z = (
        _turns_about(axis, column) for axis, column in zip(np.eye(3), angles.T, strict=True)
    )
    # nodes of Blue Brain's circuits have the type -1
    if nodes.types.min(initial=0) < 0 and np.any(np.count_nonzero(angles, axis=1) > 1):
        warnings.warn(
            f"{nodes.source}: rotation angles are applied z first, then y, then x, as SONATA says; "
            "neurodamus applies x first",
            LfpWarning,
            stacklevel=2,
        )
    return np.asarray(about_x @ about_y @ about_z)


def _turns_about(axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotation matrices (n, 3, 3) about one axis, by angles in rad."""
    turns = [axis_rotation(axis, angle) for angle in np.degrees(angles)]
    return np.array(turns).reshape(-1, 3, 3)


def _from_quaternions(nodes: NodePopulation) -> np.ndarray:
    w, x, y, z = (nodes.numbers(name) for name in _QUATERNION)
    norm = np.sqrt(w**2 + x**2 + y**2 + z**2)
    if np.any(norm < 1e-12):
        raise InputError(
            "orientation is the zero quaternion", source=nodes.source, remedy="give a rotation"
        )
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    rows = [
        [1 - 2 * (y**2 + z**2), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x**2 + z**2), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x**2 + y**2)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
