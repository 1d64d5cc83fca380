"""Edges of a circuit as synapses: kinds, places, weights, for the cells of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges
from lfpcli.io.sonata.types import read_types
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.components import synapse_parameters
from lfpcli.tasks.circuits.places import TargetCell, places_of

# what bmtk's names of synapses and of their parameters are in NEURON
MECHANISMS = {"exp2syn": "Exp2Syn", "expsyn": "ExpSyn"}
_PARAMETERS = {
    "Exp2Syn": {"tau1": "tau1", "tau2": "tau2", "erev": "e"},
    "ExpSyn": {"tau1": "tau", "erev": "e"},
}
_WEIGHT_FUNCTIONS = (None, "wmax", "default_weight_fnc", "set_syn_weight", "gaussianLL")


@dataclass(frozen=True)
class SynapseModel:
    """A kind of synapse.

    Attributes
    ----------
    mechanism : str
        The point process of NEURON.
    params : tuple of (str, float)
        Its parameters.
    """

    mechanism: str
    params: tuple[tuple[str, float], ...]


@dataclass(kw_only=True)
class CircuitRows:
    """Synapses onto one cell, a row each.

    Attributes
    ----------
    segment, model, source : ndarray of int, shape (S,)
        Segment of the cell; index among the kinds of synapses; index of the presynaptic node in
        its population.
    weight, delay : ndarray, shape (S,)
        uS (or what the synapse counts in), ms.
    population : str
        Population of the presynaptic nodes.
    """

    segment: np.ndarray
    model: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    population: str


@dataclass(kw_only=True)
class PointRows:
    """Connections onto one point neuron; as `CircuitRows` without segments and kinds."""

    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    population: str


class Wiring:
    """Synapses of a circuit onto the cells of this process.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    driven : sequence of str
        Populations of spike trains that have spikes, in the order of the inputs: edges from
        others carry no events and are left out, and draw no places.

    Attributes
    ----------
    models : list of SynapseModel
        Kinds of synapses, the same on all processes.
    """

    def __init__(self, circuit: Circuit, driven: Sequence[str]) -> None:
        self._circuit = circuit
        self._driven = list(driven)
        self.models: list[SynapseModel] = []
        self._by_type: dict[tuple[Any, Any], SynapseModel] = {}
        # in the order of the tables, so that all processes number them alike
        for pair in circuit.config.edges:
            for row in (
                () if pair.types is None else read_types(pair.types, "edge_type_id").values()
            ):
                if row.get("model_template"):
                    key = row["model_template"], row.get("dynamics_params")
                    self._model(key, str(pair.types))

    def onto_cells(
        self, population: str, targets: Sequence[TargetCell]
    ) -> dict[int, list[CircuitRows]]:
        """Synapses onto cells of a population, by index of the cell.

        Raises
        ------
        InputError
            Where an edge names what is not there.
        """
        rows: dict[int, list[CircuitRows]] = {target.index: [] for target in targets}
        for edges_of in self._populations_onto(population):
            with edges_of as edge_population:
                edges = edge_population.onto([target.node_id for target in targets])
                for target in targets:
                    chosen = np.flatnonzero(edges.target == target.node_id)
                    part = self._placed(_subset(edges, chosen), target, edge_population)
                    if len(part.segment):
                        rows[target.index].append(part)
        return rows

    def onto_point_neurons(
        self, population: str, targets: Mapping[int, int]
    ) -> dict[int, list[PointRows]]:
        """Connections onto point neurons, given by index and node id; by index."""
        rows: dict[int, list[PointRows]] = {index: [] for index in targets}
        for edges_of in self._populations_onto(population):
            with edges_of as edge_population:
                edges = edge_population.onto(list(targets.values()))
                for index, node_id in targets.items():
                    chosen = np.flatnonzero(edges.target == node_id)
                    if len(chosen):
                        part = _subset(edges, chosen)
                        rows[index].append(self._onto_point(part, index, edge_population))
        return rows

    def _populations_onto(self, population: str) -> list[_Opened]:
        """Edges onto a population: those between cells first, then input by input, as in bmtk."""
        recurrent, driven = [], []
        for pair in self._circuit.config.edges:
            with open_edges(pair) as edge_populations:
                names = [
                    (each.name, each.source_nodes, each.target_nodes) for each in edge_populations
                ]
            for name, source, target in names:
                if target != population:
                    continue
                opened = _Opened(pair, name)
                if source in self._circuit.cells:
                    recurrent.append(opened)
                elif source in self._driven:
                    driven.append((self._driven.index(source), opened))
        return recurrent + [opened for _, opened in sorted(driven, key=lambda entry: entry[0])]

    def _placed(self, edges: Edges, target: TargetCell, population: EdgePopulation) -> CircuitRows:
        columns = _columns(edges)
        segments, repeat = places_of(columns, target, population.name)
        models = self._models_of(edges, population.name)
        weights = self._weights(edges, columns, population, target.index)
        return CircuitRows(
            segment=segments,
            model=np.repeat(models, repeat),
            source=np.repeat(self._sources(edges, population), repeat),
            weight=np.repeat(weights, repeat),
            delay=np.repeat(_numbers(columns["delay"], "delay", population.name), repeat),
            population=population.source_nodes,
        )

    def _onto_point(self, edges: Edges, index: int, population: EdgePopulation) -> PointRows:
        columns = _columns(edges)
        weights = self._weights(edges, columns, population, index)
        for k in range(len(edges)):
            if columns["nsyns"][k] is not None and columns["section"][k] is None:
                params = synapse_parameters(
                    columns["dynamics_params"][k], self._circuit.config, population.name
                )
                weights[k] *= params.get("sign", 1.0) * float(columns["nsyns"][k])
        return PointRows(
            source=self._sources(edges, population),
            weight=weights,
            delay=_numbers(columns["delay"], "delay", population.name),
            population=population.source_nodes,
        )

    def _sources(self, edges: Edges, population: EdgePopulation) -> np.ndarray:
        """Indices of the presynaptic nodes in their population."""
        node_ids = self._circuit.nodes[population.source_nodes].node_ids
        index = np.searchsorted(node_ids, edges.source)
        known = index < len(node_ids)
        known[known] = node_ids[index[known]] == edges.source[known]
        if not known.all():
            raise InputError(
                f"edge from node {edges.source[~known][0]}, which is not there",
                source=population.name,
                remedy=f"population '{population.source_nodes}' has {len(node_ids)} nodes",
            )
        return index

    def _models_of(self, edges: Edges, name: str) -> np.ndarray:
        for value in set(edges.of("is_gap_junction").tolist()):
            check_gap_junction(value, name)
        templates, files = edges.of("model_template"), edges.of("dynamics_params")
        numbers = np.empty(len(edges), np.int64)
        for k, key in enumerate(zip(templates, files, strict=True)):
            numbers[k] = self.models.index(self._model(key, name))
        return numbers

    def _model(self, key: tuple[Any, Any], source: str) -> SynapseModel:
        """The kind of synapse of a template and a file of parameters."""
        if key not in self._by_type:
            self._by_type[key] = synapse_model(*key, circuit=self._circuit, source=source)
            if self._by_type[key] not in self.models:
                self.models.append(self._by_type[key])
        return self._by_type[key]

    def _weights(
        self,
        edges: Edges,
        columns: Mapping[str, np.ndarray],
        population: EdgePopulation,
        target: int,
    ) -> np.ndarray:
        """Weights of edges; the function of a type wins over its number."""
        weights = _numbers(columns["syn_weight"], "syn_weight", population.name)
        functions = columns["weight_function"]
        for name in set(functions):
            check_weight_function(name, population.name)
        tuned = np.flatnonzero(functions == "gaussianLL")
        if len(tuned):
            sigma = _numbers(columns["weight_sigma"][tuned], "weight_sigma", population.name)
            source = self._circuit.nodes[population.source_nodes].numbers("tuning_angle")
            angle = self._circuit.nodes[population.target_nodes].numbers("tuning_angle")[target]
            difference = angle - source[self._sources(edges, population)[tuned]]
            weights[tuned] *= np.exp(-((folded(difference) / sigma) ** 2))
        return weights


class _Opened:
    """A population of edges, open between `with`."""

    def __init__(self, pair: Any, name: str) -> None:
        self._pair, self._name = pair, name

    def __enter__(self) -> EdgePopulation:
        self._context = open_edges(self._pair)
        populations = self._context.__enter__()
        return next(each for each in populations if each.name == self._name)

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


def folded(difference: np.ndarray) -> np.ndarray:
    """Difference of two orientations (degrees), folded to 0 to 90, shape as given."""
    folds: np.ndarray = np.abs(np.abs(180.0 - np.abs(difference) % 360.0) - 90.0)
    return np.abs(folds - 90.0)


def check_weight_function(name: Any, source: str) -> None:
    """Raise `InputError` where a function of weights is not known."""
    if name not in _WEIGHT_FUNCTIONS:
        raise InputError(
            f"weight_function '{name}' is not known",
            source=source,
            remedy="wmax and gaussianLL are; functions that a Python script registers are not run",
        )


def check_gap_junction(value: Any, source: str) -> None:
    """Raise `InputError` where edges are gap junctions, which would be taken for synapses."""
    if str(value).strip().lower() in ("true", "1", "1.0"):
        raise InputError(
            "edges are gap junctions, which are not simulated",
            source=source,
            remedy="leave these edges out of the circuit",
        )


def synapse_model(template: Any, file: Any, *, circuit: Circuit, source: str) -> SynapseModel:
    """A kind of synapse from the columns of its type.

    Raises
    ------
    InputError
        Where it names none, or a parameter is missing.
    """
    if not template:
        raise InputError(
            "edges onto a cell name no synapse",
            source=source,
            remedy="give their type a model_template, such as exp2syn",
        )
    mechanism = MECHANISMS.get(str(template).lower(), str(template))
    params = synapse_parameters(file, circuit.config, source)
    names = _PARAMETERS.get(mechanism)
    if names is None:
        # a mechanism of the circuit's own, whose parameters have the names of its file
        kept = {"e" if name == "erev" else name: value for name, value in params.items()}
        return SynapseModel(mechanism, tuple(sorted(kept.items())))
    missing = [name for name in names if name not in params]
    if missing:
        raise InputError(
            f"{file} lacks '{missing[0]}' of {mechanism}",
            source=source,
            remedy="add it to the file of the synapse",
        )
    return SynapseModel(mechanism, tuple((name, params[key]) for key, name in names.items()))


def _subset(edges: Edges, chosen: np.ndarray) -> Edges:
    columns = {name: values[chosen] for name, values in edges.columns.items()}
    return Edges(
        source=edges.source[chosen],
        target=edges.target[chosen],
        types=edges.types[chosen],
        columns=columns,
        type_table=edges.type_table,
    )


def _columns(edges: Edges) -> dict[str, np.ndarray]:
    """The attributes that place and weigh an edge."""
    names = ("delay", "syn_weight", "weight_function", "weight_sigma", "dynamics_params", "nsyns")
    columns = {name: edges.of(name) for name in (*names, "target_sections", "distance_range")}
    for name, others in (
        ("section", ("afferent_section_id", "sec_id")),
        ("x", ("afferent_section_pos", "sec_x")),
    ):
        first, second = (edges.of(other) for other in others)
        missing = np.array([value is None for value in first], bool)
        columns[name] = np.where(missing, second, first)
    return columns


def _numbers(column: np.ndarray, name: str, source: str) -> np.ndarray:
    try:
        values = np.array(column, dtype=float)
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if not np.all(np.isfinite(values)):
        raise InputError(
            f"edges have no '{name}', or none that is a number",
            source=source,
            remedy="add it to their types or to the edges",
        )
    return values
