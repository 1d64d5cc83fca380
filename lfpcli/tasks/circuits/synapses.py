"""Edges of a circuit as synapses: kinds, places, weights, for the cells of this process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.geometry import Geometry
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.components import synapse_parameters

# what bmtk's names of synapses and of their parameters are in NEURON
MECHANISMS = {"exp2syn": "Exp2Syn", "expsyn": "ExpSyn"}
_PARAMETERS = {
    "Exp2Syn": {"tau1": "tau1", "tau2": "tau2", "erev": "e"},
    "ExpSyn": {"tau1": "tau", "erev": "e"},
}
# names in the tables, and the begins of section names that they mean
SECTION_TYPES = {
    "somatic": "soma",
    "soma": "soma",
    "basal": "dend",
    "dend": "dend",
    "apical": "apic",
    "apic": "apic",
    "axonal": "axon",
    "axon": "axon",
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
class TargetCell:
    """A cell of this process onto which edges go.

    Attributes
    ----------
    index : int
        Its index in its population.
    node_id : int
        Its node id.
    geometry : Geometry
        Its segments.
    distance : ndarray, shape (N,)
        Path distance of the middle of each segment from the begin of the soma, um.
    length : ndarray, shape (N,)
        Length of each segment along the cable, um.
    stream : numpy.random.RandomState
        What drawn places are drawn from, in the order of the edges: that of bmtk, whose seed is
        the number of the node through all populations.
    """

    index: int
    node_id: int
    geometry: Geometry
    distance: np.ndarray
    length: np.ndarray
    stream: np.random.RandomState
    _candidates: dict[Any, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def segment(self, section: int, x: float) -> int:
        """Index of the segment at a place along a section, by number."""
        inside = np.flatnonzero(self.geometry.section == section)
        if not len(inside):
            raise IndexError(section)
        # NEURON takes the segment that holds the place, the last one at the end
        return int(inside[min(int(x * len(inside)), len(inside) - 1)])

    def drawn(self, sections: Sequence[str], span: tuple[float, float], count: int) -> np.ndarray:
        """Segments drawn with replacement by the length of their part within a span of distances.

        Parameters
        ----------
        sections : sequence of str
            Types of sections, of `SECTION_TYPES`.
        span : (float, float)
            Path distances from the soma, um.
        count : int
            How many.

        Returns
        -------
        ndarray of int, shape (count,)
            Empty where no segment lies there.
        """
        key = (tuple(sections), span)
        if key not in self._candidates:
            self._candidates[key] = self._shares(sections, span)
        segments, shares = self._candidates[key]
        if not len(segments):
            return segments
        return np.asarray(self.stream.choice(segments, count, p=shares))

    def _shares(
        self, sections: Sequence[str], span: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        begin, end = self.distance - self.length / 2, self.distance + self.length / 2
        inside = np.maximum(0.0, np.minimum(end, span[1]) - np.maximum(begin, span[0]))
        # as a share of the segment and back, so that the last digit is that of bmtk
        share = inside / self.length
        wanted = {SECTION_TYPES[name] for name in sections}
        types = np.array([_type(name) for name in self.geometry.section_names])
        is_wanted = np.isin(types[self.geometry.section], list(wanted))
        segments = np.flatnonzero(is_wanted & (share > 0))
        lengths = self.length[segments] * share[segments]
        return segments, lengths / lengths.sum() if len(segments) else lengths


def _type(section_name: str) -> str:
    return section_name.rpartition(".")[2][:4]


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
        counts, segments = [], []
        columns = _columns(edges)
        for k in range(len(edges)):
            places = _places(columns, k, target, population.name)
            counts.append(len(places))
            segments.append(places)
        models = self._models_of(edges, population.name)
        weights = self._weights(edges, columns, population, target.index)
        repeat = np.array(counts, np.int64)
        return CircuitRows(
            segment=np.concatenate([np.empty(0, np.int64), *segments]),
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
        templates, files = edges.of("model_template"), edges.of("dynamics_params")
        numbers = np.empty(len(edges), np.int64)
        for k, key in enumerate(zip(templates, files, strict=True)):
            if key not in self._by_type:
                self._by_type[key] = synapse_model(*key, circuit=self._circuit, source=name)
                if self._by_type[key] not in self.models:
                    self.models.append(self._by_type[key])
            numbers[k] = self.models.index(self._by_type[key])
        return numbers

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
            if name not in _WEIGHT_FUNCTIONS:
                raise InputError(
                    f"weight_function '{name}' is not known",
                    source=population.name,
                    remedy="wmax and gaussianLL are; functions that a Python script registers are "
                    "not run",
                )
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
    return np.abs(np.abs(np.abs(180.0 - np.abs(difference) % 360.0) - 90.0) - 90.0)


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
    return SynapseModel(mechanism, tuple((own, params[name]) for name, own in names.items()))


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


def _places(
    columns: Mapping[str, np.ndarray], k: int, target: TargetCell, source: str
) -> np.ndarray:
    """Segments of an edge: the one that it names, or as many as it asks for, drawn."""
    section, x = columns["section"][k], columns["x"][k]
    if section is not None:
        try:
            return np.array([target.segment(int(section), float(0.5 if x is None else x))])
        except IndexError:
            raise InputError(
                f"edge onto section {section} of node {target.node_id}, which has none of that "
                "number",
                source=source,
                remedy="check that the morphology and its processing are those of the edges",
            ) from None
    if columns["nsyns"][k] is None:
        raise InputError(
            f"edge onto node {target.node_id} says neither where it is nor how often",
            source=source,
            remedy="give afferent_section_id and _pos, or nsyns, target_sections, distance_range",
        )
    sections, span = columns["target_sections"][k], columns["distance_range"][k]
    known = isinstance(sections, list) and set(sections) <= set(SECTION_TYPES)
    if not known or not isinstance(span, list) or len(span) != 2:
        raise InputError(
            f"target_sections are {sections!r} and distance_range is {span!r}",
            source=source,
            remedy=f"give lists, of {', '.join(SECTION_TYPES)}, and of two distances in um",
        )
    segments = target.drawn(sections, (float(span[0]), float(span[1])), int(columns["nsyns"][k]))
    if not len(segments):
        warnings.warn(
            f"{source}: node {target.node_id} has no {' or '.join(sections)} section between "
            f"{span[0]:g} and {span[1]:g} um from the soma; its synapses are left out",
            LfpWarning,
            stacklevel=2,
        )
    return segments
