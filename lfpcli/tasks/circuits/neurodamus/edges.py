"""Edges of neurodamus's circuits as synapses of the cells of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges
from lfpcli.io.sonata.nodes import index_of
from lfpcli.tasks.circuits.circuit import Circuit

AMPA_NMDA, GABA, EXP2SYN = "ProbAMPANMDA_EMS", "ProbGABAAB_EMS", "Exp2Syn"
# types of synapses from this number on are excitatory
_FIRST_EXCITATORY = 100
_CHEMICAL, _EXP2SYN = "chemical", "Exp2Syn_synapse"
# columns of edges by parameter, and whether all edges must have them
_STOCHASTIC = {
    "Use": "u_syn",
    "Dep": "depression_time",
    "Fac": "facilitation_time",
    "Nrrp": "n_rrp_vesicles",
}
_DECAY = {AMPA_NMDA: "tau_d_AMPA", GABA: "tau_d_GABAA"}
_RATIO = {AMPA_NMDA: "NMDA_ratio", GABA: "GABAB_ratio"}
_OF_EXP2SYN = {"tau1": "tau1", "tau2": "tau2", "e": "erev"}
# of a step; what is less short of a whole number of steps counts as one
_SLACK = 1e-5
# concentration (mM) at which a release probability is as the edges have it
_CALCIUM = 2.0
# ends of sections are nodes without a membrane
_END = 1e-7


@dataclass(frozen=True, kw_only=True)
class Target:
    """A cell of this process onto which edges go.

    Attributes
    ----------
    index : int
        Its index in the population of the files.
    node_id : int
        Its node id.
    number : int
        Number that neurodamus gives it.
    geometry : Geometry
        Its segments.
    sections : mapping of int to int
        Index of each section by its number in the edges.
    along : callable
        Place along a section, 0 to 1, of a point of its morphology and a distance behind it, um;
        given the index of the section, the number of the point and the distance.
    """

    index: int
    node_id: int
    number: int
    geometry: Geometry
    sections: Mapping[int, int]
    along: Callable[[int, int, float], float]


@dataclass(kw_only=True)
class EdgeRows:
    """Synapses of one population of edges, a row each, shape (S,), cell by cell.

    Attributes
    ----------
    name : str
        The population of edges.
    populations : (str, str)
        Populations of the presynaptic and of the postsynaptic nodes.
    cell : ndarray of int
        Index among the targets.
    segment : ndarray of int
        Segment of the cell.
    source : ndarray of int
        Index of the presynaptic node in the population of the files.
    number : ndarray of int
        Place among the edges onto the same node, which its random streams are keyed by.
    mechanism : ndarray of int
        Index in `mechanisms`.
    mechanisms : tuple of str
        Point processes of NEURON.
    weight, delay : ndarray
        In the unit of the edges, nS or uS; ms.
    values : dict of str to ndarray
        Parameters; NaN where the mechanism's own value holds.
    left_out : int
        Edges onto sections of axons that templates have cut off.
    """

    name: str
    populations: tuple[str, str]
    cell: np.ndarray
    segment: np.ndarray
    source: np.ndarray
    number: np.ndarray
    mechanism: np.ndarray
    mechanisms: tuple[str, ...]
    weight: np.ndarray
    delay: np.ndarray
    values: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: int = 0


def edge_populations(circuit: Circuit, target: str) -> Iterator[tuple[TablePair, str, str]]:
    """Files, names and types of the populations of edges onto a population of nodes.

    Those among the nodes come first, as neurodamus makes them first.

    Raises
    ------
    InputError
        Where a type of edges is not run.
    """
    known: list[tuple[bool, TablePair, str, str]] = []
    for pair in circuit.config.edges:
        with open_edges(pair) as populations:
            for edges in populations:
                told = pair.populations.get(edges.name)
                # what the configuration does not name is not part of the circuit
                if edges.target_nodes != target or told is None:
                    continue
                edge_type = told.get("type", _CHEMICAL) if isinstance(told, dict) else _CHEMICAL
                check_edge_type(edge_type, f"{pair.data}:/edges/{edges.name}")
                known.append((edges.source_nodes != target, pair, edges.name, edge_type))
    for _, pair, name, edge_type in sorted(known, key=lambda entry: entry[0]):
        yield pair, name, edge_type


def check_edge_type(edge_type: Any, source: str) -> None:
    """Raise `InputError` where edges of a type are not run."""
    if edge_type not in (_CHEMICAL, _EXP2SYN):
        raise InputError(
            f"edges of the type '{edge_type}' are not run",
            source=source,
            remedy=f"types {_CHEMICAL} and {_EXP2SYN} are; leave these edges out of the circuit",
        )


def mechanisms_of(edge_type: str) -> tuple[str, ...]:
    """Point processes that edges of a type become."""
    return (EXP2SYN,) if edge_type == _EXP2SYN else (GABA, AMPA_NMDA)


class EdgeReader:
    """Reads the edges onto cells of this process.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    dt : float
        Time step, ms.
    """

    def __init__(self, circuit: Circuit, dt: float) -> None:
        self._circuit, self._dt = circuit, dt
        self._calcium = circuit.config.conditions.get("extracellular_calcium")

    def rows(
        self, pair: TablePair, name: str, edge_type: str, targets: Sequence[Target]
    ) -> EdgeRows:
        """Synapses of a population of edges.

        Raises
        ------
        InputError
            Where a column is missing, or an edge names what is not there.
        """
        with open_edges(pair) as populations:
            population = next(each for each in populations if each.name == name)
            edges = population.onto([target.node_id for target in targets])
            return self._rows(edges, population, edge_type, targets)

    def _rows(
        self,
        edges: Edges,
        population: EdgePopulation,
        edge_type: str,
        targets: Sequence[Target],
    ) -> EdgeRows:
        source = population.name
        by_node = {target.node_id: k for k, target in enumerate(targets)}
        cell = np.array([by_node[node] for node in edges.target.tolist()], np.int64)
        # edges count node by node, in the order of the file, whichever the index has
        order = np.lexsort((edges.ids, cell))
        edges, cell = edges.subset(order), cell[order]
        number = np.arange(len(edges)) - np.searchsorted(cell, cell, side="left")
        segment = self._segments(edges, cell, targets, source)
        kept = segment >= 0
        mechanisms = mechanisms_of(edge_type)
        mechanism = np.zeros(len(edges), np.int64)
        if edge_type == _CHEMICAL:
            kinds = _column(edges, "syn_type_id", source)
            mechanism = (kinds >= _FIRST_EXCITATORY).astype(np.int64)
        values = self._values(edges, mechanism, mechanisms, source)
        return EdgeRows(
            name=source,
            populations=(population.source_nodes, population.target_nodes),
            cell=cell[kept],
            segment=segment[kept],
            source=self._sources(edges, population)[kept],
            number=number[kept],
            mechanism=mechanism[kept],
            mechanisms=mechanisms,
            weight=_column(edges, "conductance", source)[kept],
            delay=self._delays(edges, source)[kept],
            values={key: column[kept] for key, column in values.items()},
            left_out=int(np.count_nonzero(~kept)),
        )

    def _delays(self, edges: Edges, source: str) -> np.ndarray:
        """Delays of whole steps, rounded down, as neurodamus has them."""
        delay = _column(edges, "delay", source)
        return np.asarray((delay / self._dt + _SLACK).astype(np.int64) * self._dt)

    def _sources(self, edges: Edges, population: EdgePopulation) -> np.ndarray:
        """Indices of the presynaptic nodes in the population of the files."""
        nodes = self._circuit.whole.get(population.source_nodes)
        if nodes is None:
            raise InputError(
                f"edges come from '{population.source_nodes}', of which there are no nodes",
                source=population.name,
                remedy="name the file of these nodes in networks.nodes, with the type virtual",
            )
        index, known = index_of(edges.source, nodes.node_ids)
        if not known.all():
            raise InputError(
                f"edge from node {edges.source[~known][0]}, which is not there",
                source=population.name,
                remedy=f"population '{population.source_nodes}' has {len(nodes)} nodes",
            )
        return index

    def _segments(
        self, edges: Edges, cell: np.ndarray, targets: Sequence[Target], source: str
    ) -> np.ndarray:
        """Segments of edges, (n,); -1 on sections that are no longer there."""
        sections = _column(edges, "afferent_section_id", source).astype(np.int64)
        has_positions = "afferent_section_pos" in edges.columns
        if has_positions:
            x = _column(edges, "afferent_section_pos", source)
        else:
            points = _column(edges, "afferent_segment_id", source).astype(np.int64)
            offsets = _column(edges, "afferent_segment_offset", source)
        segments = np.full(len(edges), -1, np.int64)
        for k, section in enumerate(sections.tolist()):
            target = targets[cell[k]]
            index = target.sections.get(section)
            if index is None:
                _check_section(section, target, source)
                continue
            if has_positions:
                position = float(x[k])
            else:
                position = target.along(index, int(points[k]), float(offsets[k]))
            inside = np.flatnonzero(target.geometry.section == index)
            position = min(max(position, _END), 1.0 - _END)
            segments[k] = inside[int(position * len(inside))]
        return segments

    def _values(
        self, edges: Edges, mechanism: np.ndarray, mechanisms: tuple[str, ...], source: str
    ) -> dict[str, np.ndarray]:
        """Parameters of the synapses, by their names in NEURON."""
        if mechanisms == (EXP2SYN,):
            return {name: _column(edges, column, source) for name, column in _OF_EXP2SYN.items()}
        values = {name: _column(edges, column, source) for name, column in _STOCHASTIC.items()}
        for name in ("Use", "Dep", "Fac"):
            values[name] = np.abs(values[name])
        values["Use"] = np.abs(values["Use"] * self._release(edges, source))
        # a negative number stands for that of the mechanism
        values["Nrrp"][values["Nrrp"] < 0] = np.nan
        decay = _column(edges, "decay_time", source)
        ratio = _optional(edges, "conductance_scale_factor", source, np.nan)
        ratio[ratio < 0] = np.nan
        for k, name in enumerate(mechanisms):
            values[_DECAY[name]] = np.where(mechanism == k, decay, np.nan)
            values[_RATIO[name]] = np.where(mechanism == k, ratio, np.nan)
        return values

    def _release(self, edges: Edges, source: str) -> np.ndarray:
        """What extracellular calcium multiplies release probabilities by, (n,).

        A Hill curve of the fourth order, which is 1 at 2 mM (Markram et al. 2015, Cell 163:456).
        """
        if self._calcium is None:
            return np.ones(len(edges))
        half = _optional(edges, "u_hill_coefficient", source, 0.0) ** 4
        calcium = float(self._calcium) ** 4
        whole = _CALCIUM**4
        return np.asarray((half + whole) / whole * calcium / (half + calcium))


def _check_section(section: int, target: Target, source: str) -> None:
    """Raise `InputError` where a section has a number that no section ever had."""
    if not 0 <= section <= max(target.sections, default=-1):
        raise InputError(
            f"edge onto section {section} of node {target.node_id}, which has none of that number",
            source=source,
            remedy="check that the morphology is that of the edges",
        )


def _column(edges: Edges, name: str, source: str) -> np.ndarray:
    """A column of numbers, in its unit, (n,)."""
    if name not in edges.columns:
        raise InputError(f"edges have no '{name}'", source=source, remedy="add the column")
    return _numbers(edges, name, source)


def _optional(edges: Edges, name: str, source: str, usual: float) -> np.ndarray:
    if name not in edges.columns:
        return np.full(len(edges), usual)
    return _numbers(edges, name, source)


def _numbers(edges: Edges, name: str, source: str) -> np.ndarray:
    try:
        values = np.array(edges.columns[name], dtype=float)
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if not np.all(np.isfinite(values)):
        raise InputError(
            f"'{name}' of some edges is no number", source=source, remedy="correct the column"
        )
    return values
