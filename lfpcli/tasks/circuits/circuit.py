"""A circuit: which of its nodes are cells, point neurons and spike trains, and where they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.forward.rotations import axis_rotation
from lfpcli.io.sonata.config import CircuitConfig, read_config
from lfpcli.io.sonata.nodes import NodePopulation, read_populations
from lfpcli.model.cell import CellSpec
from lfpcli.tasks.circuits.components import PointNeuron, cell_spec, point_neuron

BIOPHYSICAL = "biophysical"
VIRTUAL = "virtual"
POINT = ("point_neuron", "point_process")
"""Point neurons; the second name is that of bmtk before the format was settled."""

_ANGLES = ("rotation_angle_xaxis", "rotation_angle_yaxis", "rotation_angle_zaxis")
_QUATERNION = ("orientation_w", "orientation_x", "orientation_y", "orientation_z")


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
    """

    nodes: NodePopulation
    cell_names: list[str]
    positions: np.ndarray
    rotations: np.ndarray
    point_neurons: dict[int, PointNeuron] = field(default_factory=dict)

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
    """

    config: CircuitConfig
    cells: dict[str, CircuitPopulation]
    trains: dict[str, NodePopulation]
    specs: dict[str, CellSpec]
    order: tuple[str, ...]

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
        masks = {name: self._mask(nodes, wanted, source) for name, nodes in self.nodes.items()}
        return {name: np.flatnonzero(mask) for name, mask in masks.items() if mask.any()}

    def _mask(self, nodes: NodePopulation, wanted: Any, source: str) -> np.ndarray:
        if wanted == "all":
            return np.ones(len(nodes), bool)
        if isinstance(wanted, str):
            if wanted in self.config.node_sets:
                return self._mask(nodes, self.config.node_sets[wanted], source)
            if wanted in self.nodes:
                return np.full(len(nodes), nodes.name == wanted)
            raise InputError(
                f"no node set '{wanted}'",
                source=source,
                remedy=f"name one of {', '.join([*self.config.node_sets, *self.nodes])}, or all",
            )
        if isinstance(wanted, list) and all(isinstance(entry, str) for entry in wanted):
            masks = [self._mask(nodes, entry, source) for entry in wanted]
            union: np.ndarray = np.logical_or.reduce([np.zeros(len(nodes), bool), *masks])
            return union
        if isinstance(wanted, list):
            # numbers alone mean the nodes that are simulated
            return np.isin(nodes.node_ids, wanted) & (nodes.name in self.cells)
        if isinstance(wanted, dict):
            population = wanted.get("population")
            if population is not None and nodes.name not in np.atleast_1d(population):
                return np.zeros(len(nodes), bool)
            known = {"population", "node_id", "gid", "node_type_id", *nodes.attributes}
            if not set(wanted) <= known and len(self.nodes) > 1:
                # another population may have the attribute
                return np.zeros(len(nodes), bool)
            return nodes.selected(wanted)
        raise InputError(
            "is no node set", source=source, remedy="give a name, node ids, or attributes"
        )


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
    config = read_config(file)
    if not config.nodes:
        raise InputError("names no nodes", source=file, remedy="add networks.nodes")
    specs: dict[str, CellSpec] = {}
    cells: dict[str, CircuitPopulation] = {}
    trains: dict[str, NodePopulation] = {}
    populations = read_populations(config.nodes)
    for name, nodes in populations.items():
        model_types = nodes.of("model_type")
        if set(model_types) <= {VIRTUAL}:
            trains[name] = nodes
        else:
            cells[name] = _population(nodes, model_types, config, specs)
    return Circuit(config=config, cells=cells, trains=trains, specs=specs, order=tuple(populations))


def _population(
    nodes: NodePopulation, model_types: list[Any], config: CircuitConfig, specs: dict[str, CellSpec]
) -> CircuitPopulation:
    columns = {
        name: nodes.of(name)
        for name in ("model_template", "morphology", "dynamics_params", "model_processing")
    }
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
        positions=np.column_stack([nodes.numbers(axis) for axis in "xyz"]),
        rotations=rotations_of(nodes),
        point_neurons=point_neurons,
    )


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
    name = f"{nodes.name}.{nodes.types[index]}"
    if name in specs:
        name = f"{name}.{len(specs)}"
    specs[name] = cell_spec(name, facts, config, source)
    return name


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
