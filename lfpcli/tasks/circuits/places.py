"""Where the edges of a circuit put their synapses: places that they name, or drawn ones."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.geometry import Geometry

# of one edge; more are no number of a circuit
_MOST_SYNAPSES = 1 << 24
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

    def segments_at(self, sections: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Indices of the segments at places along sections.

        A place at exactly 0 or 1 is the segment at that end: NEURON would put a point process
        there onto a node without area, whose current no segment, and so no signal, contains.

        Parameters
        ----------
        sections : ndarray of int, shape (S,)
            Numbers of the sections.
        x : ndarray, shape (S,)
            Places along them, 0 to 1.

        Raises
        ------
        IndexError
            Where there is no section of a number.
        """
        counts = np.bincount(self.geometry.section, minlength=len(self.geometry.section_names))
        if sections.min(initial=0) < 0 or sections.max(initial=0) >= len(counts):
            wrong = sections[(sections < 0) | (sections >= len(counts))][0]
            raise IndexError(int(wrong))
        first = np.cumsum(counts) - counts
        within = np.minimum((x * counts[sections]).astype(np.int64), counts[sections] - 1)
        return np.asarray(first[sections] + within)

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


def places_of(
    columns: Mapping[str, np.ndarray], target: TargetCell, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Segments of all edges, one after the other (S,), and how many each edge has (n,)."""
    named = np.array([section is not None for section in columns["section"]], bool)
    counts = np.ones(len(named), np.int64)
    drawn: dict[int, np.ndarray] = {}
    # in the order of the edges, which is part of what a circuit means
    for k in np.flatnonzero(~named).tolist():
        drawn[k] = _drawn_places(columns, k, target, source)
        counts[k] = len(drawn[k])
    at = np.flatnonzero(named)
    along = np.array([0.5 if x is None else x for x in columns["x"][at]], dtype=float)
    outside = ~((along >= 0) & (along <= 1))
    if outside.any():
        raise InputError(
            f"edge onto node {target.node_id} at {along[outside][0]:g} along its section",
            source=source,
            remedy="give afferent_section_pos from 0 to 1",
        )
    try:
        placed = target.segments_at(_section_numbers(columns["section"][at]), along)
    except IndexError as error:
        raise InputError(
            f"edge onto section {error} of node {target.node_id}, which has none of that number",
            source=source,
            remedy="check that the morphology and its processing are those of the edges",
        ) from None
    segments = np.empty(counts.sum(), np.int64)
    ends = np.cumsum(counts)
    segments[ends[at] - 1] = placed
    for k, places in drawn.items():
        segments[ends[k] - len(places) : ends[k]] = places
    return segments, counts


def _section_numbers(values: np.ndarray) -> np.ndarray:
    """Numbers of sections; those that no cell has are -1."""
    numbers = values.astype(float)
    return np.where(np.abs(numbers) < _MOST_SYNAPSES, numbers, -1.0).astype(np.int64)


def synapse_count(columns: Mapping[str, np.ndarray], k: int, source: str) -> int:
    """How many synapses an edge has.

    Parameters
    ----------
    columns : mapping of str to ndarray of object (n,)
        Attributes of edges.
    k : int
        The edge.
    source : str
        What to call the edges in messages.

    Raises
    ------
    InputError
        Where it is no such number.
    """
    value = columns["nsyns"][k]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number <= _MOST_SYNAPSES:
        raise InputError(
            f"nsyns is {value!r}", source=source, remedy=f"give a number from 0 to {_MOST_SYNAPSES}"
        )
    return int(number)


def _distances(span: Any) -> tuple[float, float] | None:
    """Two path distances, um; None where they are none."""
    try:
        first, last = (float(distance) for distance in span)
    except (TypeError, ValueError):
        return None
    return first, last


def _drawn_places(
    columns: Mapping[str, np.ndarray], k: int, target: TargetCell, source: str
) -> np.ndarray:
    """Segments of an edge, drawn, as many as it asks for."""
    if columns["nsyns"][k] is None:
        raise InputError(
            f"edge onto node {target.node_id} says neither where it is nor how often",
            source=source,
            remedy="give afferent_section_id and _pos, or nsyns, target_sections, distance_range",
        )
    sections, span = columns["target_sections"][k], columns["distance_range"][k]
    known = isinstance(sections, list) and all(name in SECTION_TYPES for name in sections)
    distances = _distances(span)
    if not known or distances is None:
        raise InputError(
            f"target_sections are {sections!r} and distance_range is {span!r}",
            source=source,
            remedy=f"give lists, of {', '.join(SECTION_TYPES)}, and of two distances in um",
        )
    segments = target.drawn(sections, distances, synapse_count(columns, k, source))
    if not len(segments):
        warnings.warn(
            f"{source}: node {target.node_id} has no {' or '.join(sections)} section between "
            f"{distances[0]:g} and {distances[1]:g} um from the soma; its synapses are left out",
            LfpWarning,
            stacklevel=2,
        )
    return segments
