"""Edges of a circuit as synapses: kinds, places, weights, for the cells of this process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges
from lfpcli.io.sonata.nodes import index_of
from lfpcli.io.sonata.types import read_types
from lfpcli.tasks.circuits.activity import SynapseActivity
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.components import synapse_parameters
from lfpcli.tasks.circuits.drives import SpikeInput
from lfpcli.tasks.circuits.gaps import GapSides, check_gap_ends, gap_mask, may_have_gaps
from lfpcli.tasks.circuits.places import TargetCell, places_of, synapse_count
from lfpcli.tasks.circuits.rows import CircuitRows, PointRows

# what bmtk's names of synapses and of their parameters are in NEURON
MECHANISMS = {"exp2syn": "Exp2Syn", "expsyn": "ExpSyn"}
_PARAMETERS = {
    "Exp2Syn": {"tau1": "tau1", "tau2": "tau2", "erev": "e"},
    "ExpSyn": {"tau1": "tau", "erev": "e"},
    "exp1syn": {"tau_1": "tau", "erev": "e"},
    # of synapses with short-term plasticity bmtk sets these, and no other that a file may have
    "stp2syn": {"erev": "e"} | {name: name for name in ("p0", "tau_r0", "tau_FDR", "tau_1")},
    "stp5syn": {"erev": "e"}
    | {name: name for name in ("tau_1", "tau_r0", "tau_FDR", "a_FDR", "a_D", "a_i", "a_f")}
    | {"pbtilde": "pbtilde"},
}
_Rows = TypeVar("_Rows", CircuitRows, PointRows)
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


class Wiring:
    """Synapses of a circuit onto the cells of this process.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    drives : sequence of SpikeInput
        Spikes, in the order of the inputs: edges from spike trains without any carry no events
        and are left out, and draw no places.
    activity : SynapseActivity, optional
        When synapses between cells act of themselves. Such rows have the number behind those of
        the spikes as their drive, and its one train as their source.

    Attributes
    ----------
    models : list of SynapseModel
        Kinds of synapses, the same on all processes.
    edge_names : list of str
        Names of the populations of edges, the same on all processes.
    gaps : GapSides
        Sides of gap junctions on the cells whose synapses were asked for.
    """

    def __init__(
        self,
        circuit: Circuit,
        drives: Sequence[SpikeInput],
        activity: SynapseActivity | None = None,
    ) -> None:
        self._circuit = circuit
        self._drives = list(drives)
        self._activity = activity
        self.models: list[SynapseModel] = []
        self.gaps = GapSides()
        self._by_type: dict[tuple[Any, Any], SynapseModel] = {}
        self.edge_names: list[str] = []
        # in the order of the tables, so that all processes number them alike
        replayed = [drive.edges for drive in drives if drive.edges is not None]
        for pair in (*circuit.config.edges, *replayed):
            with open_edges(pair) as populations:
                known = [each.name for each in populations]
                for each in populations:
                    _check_ends(each, circuit, str(pair.data))
                    _tell_unknown_targets(each, circuit, str(pair.data))
            self.edge_names += [name for name in known if name not in self.edge_names]
            types = {} if pair.types is None else read_types(pair.types, "edge_type_id")
            for row in types.values():
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
        for opened in self._populations_onto(population):
            with opened as edge_population:
                here = [target for target in targets if opened.reaches(population, target.index)]
                edges = self._taken(opened, edge_population, [each.node_id for each in here])
                for target in here:
                    chosen = np.flatnonzero(edges.target == target.node_id)
                    part = self._placed(edges.subset(chosen), target, edge_population)
                    part.drive = opened.drive
                    # behind the draws of places, which all edges take part in
                    part = self._acting(part, population, target.index)
                    if len(part.segment):
                        rows[target.index].append(part)
                # as in bmtk the sides of sources draw their places behind those of targets
                if opened.drive is None and edge_population.source_nodes in self._circuit.cells:
                    self._add_sources_of_gaps(edge_population, targets)
        return rows

    def _add_sources_of_gaps(self, population: EdgePopulation, cells: Sequence[TargetCell]) -> None:
        """Take the sides of gap junctions at the sources of edges, which are cells of here."""
        if population.source_nodes != population.target_nodes or not may_have_gaps(population):
            return
        for cell in cells:
            edges = population.leaving([cell.node_id])
            edges = edges.subset(np.flatnonzero(gap_mask(edges)))
            segments, _, kept = self._gap_places(edges, _columns(edges), cell, population.name)
            for edge, segment in zip(edges.ids[kept].tolist(), segments.tolist(), strict=True):
                location = population.source_nodes, cell.index, segment
                self.gaps.leaving.append((population.name, edge, *location))

    @staticmethod
    def _gap_places(
        edges: Edges, columns: dict[str, np.ndarray], cell: TargetCell, source: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of edges onto a cell: a gap junction lies once, in the middle of its section.

        Returns segments, how many each edge has, and the edges of each that has some.
        """
        gaps = gap_mask(edges)
        for k in np.flatnonzero(gaps).tolist():
            if columns["nsyns"][k] is not None:
                columns["nsyns"][k] = min(synapse_count(columns, k, source), 1)
        segments, repeat = places_of(columns, cell, source)
        owner = np.repeat(np.arange(len(edges)), repeat)
        is_gap = gaps[owner]
        sections = cell.geometry.section[segments[is_gap]]
        segments[is_gap] = cell.segments_at(sections, np.full(len(sections), 0.5))
        return segments, repeat, owner

    def onto_point_neurons(
        self, population: str, targets: Mapping[int, int]
    ) -> dict[int, list[PointRows]]:
        """Connections onto point neurons, given by index and node id; by index."""
        rows: dict[int, list[PointRows]] = {index: [] for index in targets}
        for opened in self._populations_onto(population):
            with opened as edge_population:
                here = {k: each for k, each in targets.items() if opened.reaches(population, k)}
                edges = self._taken(opened, edge_population, list(here.values()))
                for index, node_id in here.items():
                    chosen = np.flatnonzero(edges.target == node_id)
                    if len(chosen):
                        part = self._onto_point(edges.subset(chosen), index, edge_population)
                        part.drive = opened.drive
                        rows[index].append(self._acting(part, population, index))
        return rows

    def _acting(self, rows: _Rows, population: str, index: int) -> _Rows:
        """Rows onto a cell that act: all, or where synapses act of themselves those that do."""
        if self._activity is None or rows.drive is not None:
            return rows
        if rows.population not in self._circuit.cells:
            return rows
        acting = self._activity.active(rows.population, rows.source)
        acting &= self._activity.reaches(population, index)
        kept = rows.subset(np.flatnonzero(acting))
        kept.source[:] = 0
        kept.drive = len(self._drives)
        return kept

    def _taken(self, opened: _Opened, population: EdgePopulation, targets: Sequence[int]) -> Edges:
        """Edges onto some nodes; of replayed spikes those alone whose sources are replayed."""
        edges = population.onto(targets)
        if opened.sources is None:
            return edges
        node_ids = self._circuit.nodes[population.source_nodes].node_ids[opened.sources]
        return edges.subset(np.flatnonzero(np.isin(edges.source, node_ids)))

    def _populations_onto(self, population: str) -> list[_Opened]:
        """Edges onto a population: those between cells first, then input by input, as in bmtk."""
        recurrent: list[_Opened] = []
        by_source: dict[str, list[_Opened]] = {}
        for pair in self._circuit.config.edges:
            for name, source in _edges_onto(pair, population):
                if source in self._circuit.cells:
                    recurrent.append(_Opened(pair, name))
                else:
                    by_source.setdefault(source, []).append(_Opened(pair, name))
        driven: list[_Opened] = []
        for number, drive in enumerate(self._drives):
            if drive.edges is None:
                # once, however many inputs drive it
                driven += by_source.pop(drive.population, [])
                continue
            for name, source in _edges_onto(drive.edges, population):
                if source == drive.population:
                    driven.append(_Opened(drive.edges, name, drive=number, spikes=drive))
        return recurrent + driven

    def _placed(self, edges: Edges, target: TargetCell, population: EdgePopulation) -> CircuitRows:
        columns = _columns(edges)
        segments, repeat, owner = self._gap_places(edges, columns, target, population.name)
        weights = self._weights(edges, columns, population, target.index)
        gaps = gap_mask(edges)
        is_synapse = ~gaps[owner]
        if gaps.any():
            self._add_targets_of_gaps(
                edges, population, target, owner=owner, segments=segments, weights=weights
            )
            edges = edges.subset(np.flatnonzero(~gaps))
            weights, repeat = weights[~gaps], repeat[~gaps]
            columns = {name: column[~gaps] for name, column in columns.items()}
        models = self._models_of(edges, population.name)
        return CircuitRows(
            segment=segments[is_synapse],
            model=np.repeat(models, repeat),
            source=np.repeat(self._sources(edges, population), repeat),
            weight=np.repeat(weights, repeat),
            delay=np.repeat(_delays(columns, population.name), repeat),
            population=population.source_nodes,
            edges=population.name,
        )

    def _add_targets_of_gaps(
        self,
        edges: Edges,
        population: EdgePopulation,
        target: TargetCell,
        *,
        owner: np.ndarray,
        segments: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        check_gap_ends(population.source_nodes, population.target_nodes, population.name)
        gaps = gap_mask(edges)
        for k in np.flatnonzero(gaps[owner]).tolist():
            edge = owner[k]
            if edges.source[edge] == target.node_id:
                raise InputError(
                    f"node {target.node_id} has a gap junction with itself",
                    source=population.name,
                    remedy="leave this edge out",
                )
            location = population.target_nodes, target.index, int(segments[k])
            entry = (population.name, int(edges.ids[edge]), *location, float(weights[edge]))
            self.gaps.onto.append(entry)

    def _onto_point(self, edges: Edges, index: int, population: EdgePopulation) -> PointRows:
        columns = _columns(edges)
        if gap_mask(edges).any():
            raise InputError(
                "edges onto point neurons are gap junctions",
                source=population.name,
                remedy="leave these edges out: a point neuron has no membrane",
            )
        weights = self._weights(edges, columns, population, index)
        for k in range(len(edges)):
            if columns["nsyns"][k] is not None and columns["section"][k] is None:
                params = synapse_parameters(
                    columns["dynamics_params"][k], self._circuit.config, population.name
                )
                weights[k] *= params.get("sign", 1.0) * synapse_count(columns, k, population.name)
        return PointRows(
            source=self._sources(edges, population),
            weight=weights,
            delay=_delays(columns, population.name),
            population=population.source_nodes,
        )

    def _sources(self, edges: Edges, population: EdgePopulation) -> np.ndarray:
        """Indices of the presynaptic nodes in their population."""
        node_ids = self._circuit.nodes[population.source_nodes].node_ids
        index, known = index_of(edges.source, node_ids)
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


def _check_ends(edges: EdgePopulation, circuit: Circuit, source: str) -> None:
    """Raise `InputError` where edges join populations that the circuit does not have."""
    for end, name in (("source", edges.source_nodes), ("target", edges.target_nodes)):
        if name not in circuit.nodes:
            raise InputError(
                f"{end} nodes are of population '{name}', which the circuit does not have",
                source=f"{source}:/edges/{edges.name}",
                remedy=f"add its nodes, or leave these edges out; there are "
                f"{', '.join(circuit.nodes)}",
            )


def _tell_unknown_targets(edges: EdgePopulation, circuit: Circuit, source: str) -> None:
    """Say that edges lead to nodes that are not there, of which bmtk says nothing."""
    unknown = edges.unknown_targets(circuit.nodes[edges.target_nodes].node_ids)
    if len(unknown):
        warnings.warn(
            f"{source}:/edges/{edges.name}: edges onto {len(unknown)} nodes that are not there, "
            f"such as {unknown[0]}, are left out",
            LfpWarning,
            stacklevel=2,
        )


def _edges_onto(pair: TablePair, population: str) -> list[tuple[str, str]]:
    """Names of the populations of edges of a file onto some nodes, each with its sources."""
    with open_edges(pair) as edge_populations:
        return [
            (each.name, each.source_nodes)
            for each in edge_populations
            if each.target_nodes == population
        ]


class _Opened:
    """A population of edges, open between `with`; by some of them spikes may be replayed."""

    def __init__(
        self,
        pair: TablePair,
        name: str,
        *,
        drive: int | None = None,
        spikes: SpikeInput | None = None,
    ) -> None:
        self._pair, self._name = pair, name
        self.drive = drive
        self.sources = None if spikes is None else spikes.sources
        self._targets = None if spikes is None else spikes.targets

    def reaches(self, population: str, index: int) -> bool:
        """Whether edges onto a node are taken."""
        return self._targets is None or index in self._targets.get(population, ())

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
    others = [name for name in params if name not in names]
    if others and mechanism not in MECHANISMS.values():
        warnings.warn(
            f"{file}: {', '.join(others)} of {mechanism} keep what the mechanism has, as in bmtk",
            LfpWarning,
            stacklevel=2,
        )
    return SynapseModel(mechanism, tuple((name, params[key]) for key, name in names.items()))


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


def _delays(columns: Mapping[str, np.ndarray], source: str) -> np.ndarray:
    delays = _numbers(columns["delay"], "delay", source)
    if delays.size and delays.min() < 0:
        raise InputError(f"delay is {delays.min():g} ms", source=source, remedy="give 0 ms or more")
    return delays


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
