"""Nodes and edges of single files in the SONATA format, as cells and pairs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.io.pair_table import NamedColumns, PairTable
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges
from lfpcli.io.sonata.nodes import NodePopulation, index_of, read_nodes
from lfpcli.model.population import Population
from lfpcli.model.sonata_tables import EdgesTable, NodesTable
from lfpcli.tasks.circuits.circuit import rotations_of

OfFile = TypeVar("OfFile", NodePopulation, EdgePopulation)
PLACE = "place"
"""Column of the places of edges, as texts of the number of a section and x."""
_PLACES = (("afferent_section_id", "afferent_section_pos"), ("sec_id", "sec_x"))


@dataclass(frozen=True, kw_only=True)
class NodesAsCells:
    """The nodes of a file that are the cells of a population.

    Attributes
    ----------
    node_ids : ndarray of int, shape (n,)
        Their numbers in the file, ascending.
    positions : ndarray, shape (n, 3)
        Places of the somata, um.
    rotations : ndarray, shape (n, 3, 3)
        Rotation matrices about the soma.
    kinds : list of str or None
        Name of the kind of each cell, where an attribute tells it.
    """

    node_ids: np.ndarray
    positions: np.ndarray
    rotations: np.ndarray
    kinds: list[str] | None


def nodes_as_cells(population: Population) -> NodesAsCells:
    """Read the nodes of a population that names a file of them.

    Raises
    ------
    InputError
        Where the file has no such nodes, or another number than the population.
    """
    table = population.nodes_table
    assert table is not None
    nodes = _named(
        read_nodes(TablePair(data=table.file, types=table.types)),
        table.population or population.name,
        is_stated=table.population is not None,
        source=str(table.file),
    )
    chosen = _chosen(nodes, table, population)
    kinds = None
    if table.kinds is not None:
        kinds = _kinds(nodes, table.kinds, chosen, population)
    return NodesAsCells(
        node_ids=nodes.node_ids[chosen],
        positions=nodes.positions()[chosen],
        rotations=rotations_of(nodes)[chosen],
        kinds=kinds,
    )


def _chosen(nodes: NodePopulation, table: NodesTable, population: Population) -> np.ndarray:
    """Indices of the nodes that a table selects, shape (n,), as many as the population has."""
    wanted = {name: list(v) if isinstance(v, tuple) else v for name, v in table.select.items()}
    chosen = np.flatnonzero(nodes.selected(wanted))
    if not len(chosen):
        raise InputError(
            f"population '{nodes.name}' has no such nodes",
            source=table.source_line or population.source_line,
            remedy="correct 'select'",
        )
    if population.size not in (None, len(chosen)):
        raise InputError(
            f"population '{population.name}' of {population.size} has {len(chosen)} nodes",
            source=population.source_line,
            remedy="leave 'size' out, or select as many",
        )
    return chosen


def _kinds(
    nodes: NodePopulation, attribute: str, chosen: np.ndarray, population: Population
) -> list[str]:
    if attribute not in nodes.attributes:
        raise InputError(
            f"nodes have no attribute '{attribute}'",
            source=nodes.source,
            remedy=nearest(attribute, nodes.attributes, "attribute"),
        )
    values = nodes.of(attribute)
    kinds = [str(values[k]) for k in chosen.tolist()]
    for cell_name in kinds:
        if cell_name not in population.cell_names:
            raise InputError(
                f"'{attribute}' of a node is '{cell_name}', which is no kind of its population",
                source=population.source_line,
                remedy=f"add it to 'cell' ({', '.join(population.cell_names)}), or select others",
            )
    return kinds


def _named(
    populations: Sequence[OfFile], name: str | None, *, is_stated: bool, source: str
) -> OfFile:
    """The population of a name, or the only one where the name was not stated."""
    by_name = {population.name: population for population in populations}
    if name in by_name:
        return by_name[name]
    if len(by_name) == 1 and not is_stated:
        return next(iter(by_name.values()))
    raise InputError(
        f"has no population '{name}'" if name is not None else "has several populations",
        source=source,
        remedy=f"name one of {', '.join(by_name)}: population = NAME",
    )


@dataclass(frozen=True, kw_only=True)
class EdgeColumns(NamedColumns):
    """Attributes of edges, an entry for each."""

    edges: Edges

    @cached_property
    def has_places(self) -> bool:
        """Whether all edges tell a section; of none, none is without."""
        return any(self._tell(section) for section, _ in _PLACES)

    def _tell(self, name: str) -> bool:
        return all(value is not None for value in self.edges.of(name))

    def numbers(self, name: str) -> np.ndarray:
        """An attribute as numbers, shape (n,), in its own unit.

        Raises
        ------
        InputError
            Where an edge has none, or it is no finite number.
        """
        try:
            values = np.array(self._of(name), dtype=float)
        except (TypeError, ValueError):
            values = np.array([np.nan])
        if not np.isfinite(values).all():
            raise InputError(
                f"edges have no '{name}', or none that is a number",
                source=self.source,
                remedy="name another attribute, or the table of types that has it",
            )
        return values

    def texts(self, name: str) -> np.ndarray:
        """An attribute as texts, shape (n,), in its own unit.

        Raises
        ------
        InputError
            Where an edge has none.
        """
        if name == PLACE:
            return self._places()
        values = self._of(name)
        return np.array([str(value) for value in values], object)

    def _of(self, name: str) -> np.ndarray:
        values = self.edges.of(name)
        if any(value is None for value in values):
            raise InputError(
                f"edges have no '{name}'",
                source=self.source,
                remedy="name another attribute, or the table of types that has it",
            )
        return values

    def _places(self) -> np.ndarray:
        """Number of the section and place along it of each edge, such as 12(0.25)."""
        for section, along in _PLACES:
            if self._tell(section):
                sections = self.numbers(section).astype(np.int64).tolist()
                x = self.numbers(along).tolist()
                return np.array([f"{k}({v!r})" for k, v in zip(sections, x, strict=True)], object)
        raise InputError(
            "edges tell no sections", source=self.source, remedy="give a location to draw from"
        )


def edge_pairs(
    table: EdgesTable, pre: np.ndarray, post: np.ndarray, *, wanted: np.ndarray
) -> PairTable:
    """The edges of a file onto some cells, as pairs with further columns.

    Parameters
    ----------
    table : EdgesTable
        The file.
    pre, post : ndarray of int, shape (n,)
        Node ids of the cells of both populations, by their indices.
    wanted : ndarray of int, shape (m,)
        Indices of the postsynaptic cells.

    Raises
    ------
    InputError
        Where an edge comes from a node that is no cell.
    """
    pair = TablePair(data=table.file, types=table.types)
    with open_edges(pair) as populations:
        population = _named(
            populations,
            table.population,
            is_stated=table.population is not None,
            source=str(table.file),
        )
        edges = population.onto(post[wanted].tolist())
        source = f"{table.file}:/edges/{population.name}"
    index = np.column_stack(
        [_indices(edges.source, pre, source), _indices(edges.target, post, source)]
    )
    columns = EdgeColumns(columns={}, source=source, edges=edges)
    if columns.has_places:
        return PairTable(pairs=index, columns=columns)
    # an edge without a place may stand for several synapses
    counts = np.array([1 if value is None else value for value in edges.of("nsyns")], np.int64)
    rows = np.repeat(np.arange(len(edges)), counts)
    columns = EdgeColumns(columns={}, source=source, edges=edges.subset(rows))
    return PairTable(pairs=index[rows], columns=columns)


def _indices(node_ids: np.ndarray, known: np.ndarray, source: str) -> np.ndarray:
    """Indices of nodes among the known ones, shape (n,)."""
    order = np.argsort(known, kind="stable")
    index, inside = index_of(node_ids, known[order])
    if not inside.all():
        raise InputError(
            f"an edge comes from node {node_ids[~inside][0]}, which is no cell of its population",
            source=source,
            remedy=f"the population has {len(known)} cells; give it the nodes that edges name",
        )
    return np.asarray(order[index])
