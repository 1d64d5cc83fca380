"""Edges that are gap junctions: which they are, and the two sides of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.io.sonata.edges import EdgePopulation, Edges, open_edges

_COLUMN = "is_gap_junction"
_TRUE = ("true", "1", "1.0")


def is_gap(value: Any) -> bool:
    """Whether a value of the column ``is_gap_junction`` says yes."""
    return str(value).strip().lower() in _TRUE


def gap_mask(edges: Edges) -> np.ndarray:
    """Which edges are gap junctions, shape (n,), bool."""
    values = edges.of(_COLUMN)
    if all(value is None for value in values):
        return np.zeros(len(edges), bool)
    return np.array([is_gap(value) for value in values], bool)


def may_have_gaps(population: EdgePopulation) -> bool:
    """Whether some edges may be gap junctions, told from their types and columns alone."""
    if any(is_gap(row.get(_COLUMN)) for row in population.type_table.values()):
        return True
    return population.has_attribute(_COLUMN)


def has_gaps(config: CircuitConfig) -> bool:
    """Whether some edges of a circuit may be gap junctions, told from tables and columns alone."""
    for pair in config.edges:
        with open_edges(pair) as populations:
            if any(may_have_gaps(population) for population in populations):
                return True
    return False


@dataclass(kw_only=True)
class GapSides:
    """Sides of gap junctions that are on cells of this process.

    Attributes
    ----------
    onto, leaving : list of tuple
        The sides at the targets of edges and at their sources: the edge as the name of its
        population and its number; the cell as its population and index; the segment; and of
        targets the conductance, uS.
    """

    onto: list[tuple[str, int, str, int, int, float]] = field(default_factory=list)
    leaving: list[tuple[str, int, str, int, int]] = field(default_factory=list)


def joined_sides(
    ranks: Sequence[GapSides], first: Mapping[str, range]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gap junctions of all processes, in the order of the names of edges and of their numbers.

    Parameters
    ----------
    ranks : sequence of GapSides
        The sides of each process.
    first : mapping of str to range
        Gids of the populations.

    Returns
    -------
    gid, segment : ndarray of int, shape (G, 2)
        Cells and segments.
    conductance : ndarray, shape (G,)
        uS.
    """
    sources = {}
    for sides in ranks:
        for name, edge, population, index, segment in sides.leaving:
            sources[name, edge] = first[population][index], segment
    targets = sorted(entry for sides in ranks for entry in sides.onto)
    gids, segments = np.empty((len(targets), 2), np.int64), np.empty((len(targets), 2), np.int64)
    conductance = np.empty(len(targets))
    for k, (name, edge, population, index, segment, value) in enumerate(targets):
        other, other_segment = sources[name, edge]
        gids[k] = other, first[population][index]
        segments[k] = other_segment, segment
        conductance[k] = value
    return gids, segments, conductance


def check_gap_ends(source: str, target: str, name: str) -> None:
    """Raise `InputError` where gap junctions are between populations, as bmtk does."""
    if source != target:
        raise InputError(
            f"gap junctions lead from '{source}' to '{target}'",
            source=name,
            remedy="put both cells of each into one population of nodes",
        )
