"""Reading the morphology of a cell from NeuroML 2, and NeuroML 1 (MorphML).

Both describe segments, each from its `proximal` point, or the end of its parent, to its `distal`
point. Their kind comes from the names of the groups or cables they belong to.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from lfpcli.errors import InputError
from lfpcli.morphology.points import check_values, depth_first, rank_of
from lfpcli.morphology.section import APICAL, AXON, DENDRITE, SOMA
from lfpcli.morphology.tree import Morphology

# parts of names, the first that fits counts
WORDS = {"soma": SOMA, "cellbody": SOMA, "axon": AXON, "apic": APICAL, "dend": DENDRITE}
LARGEST_FILE = 512 * 2**20
# places nearer than this are the same, um and share of a segment
SAME = 1e-6


@dataclass
class _Segment:
    """A segment, and the points that stand for its two ends."""

    proximal: list[float] | None
    distal: list[float]
    parent: str | None
    cable: str
    along: float
    type: int
    # share of the segment and point, from its start to its end
    line: list[tuple[float, int]] = field(default_factory=list)


def read_neuroml(path: str | os.PathLike[str], *, name: str | None = None) -> Morphology:
    """Read the first cell of a NeuroML file.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.

    Returns
    -------
    Morphology

    Raises
    ------
    InputError
        Where the file is no XML, holds no morphology, or a segment is wrong.

    References
    ----------
    Gleeson et al. (2010), PLoS Comput Biol 6:e1000815; Cannon et al. (2014), Front
    Neuroinform 8:79.
    """
    label = name or str(path)
    if Path(path).stat().st_size > LARGEST_FILE:
        raise InputError("is too large for a morphology", source=label)
    try:
        root = ElementTree.parse(Path(path)).getroot()
    except (ElementTree.ParseError, UnicodeError, ValueError) as error:
        raise InputError(f"is no valid XML: {error}", source=label) from error
    cell = next(
        (e for e in root.iter() if any(_tag(child) == "segment" for child in e)),
        None,
    )
    if cell is None:
        raise InputError(
            "holds no morphology", source=label, remedy="expected NeuroML with <segment> elements"
        )
    return _to_morphology(_segments(root, cell, label), label)


def _tag(element: ElementTree.Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _segments(
    root: ElementTree.Element, cell: ElementTree.Element, label: str
) -> dict[str, _Segment]:
    """Return the segments of a cell by id."""
    cables = {e.get("id", ""): e for e in root.iter() if _tag(e) == "cable"}
    members = _group_types(cell)
    segments: dict[str, _Segment] = {}
    for element in cell:
        if _tag(element) != "segment":
            continue
        number = element.get("id", "")
        place = f"{label}:segment {number or '?'}"
        parts = {_tag(child): child for child in element}
        if not number or number in segments or "distal" not in parts:
            raise InputError("segment without an id of its own or without an end", source=place)
        cable = cables.get(element.get("cable", ""))
        names = [] if cable is None else [cable.get("name", ""), *cable.itertext()]
        above = parts.get("parent")
        along = None if above is None else above.get("fractionAlong")
        if above is None and cable is not None:
            along = cable.get("fractAlongParent")
        segments[number] = _Segment(
            proximal=_point(parts["proximal"], place) if "proximal" in parts else None,
            distal=_point(parts["distal"], place),
            parent=element.get("parent") if above is None else above.get("segment"),
            cable=element.get("cable", ""),
            along=_number(along or "1", place),
            type=members.get(number) or _type([*names, element.get("name", "")]),
        )
    return segments


def _group_types(cell: ElementTree.Element) -> dict[str, int]:
    """Return the type of each segment that a group of NeuroML 2 with a telling name holds."""
    groups = {e.get("id", ""): e for e in cell if _tag(e) == "segmentGroup"}

    def members(name: str, seen: frozenset[str]) -> Iterator[str]:
        if name in seen or name not in groups:
            return
        for child in groups[name]:
            if _tag(child) == "member":
                yield child.get("segment", "")
            elif _tag(child) == "include":
                yield from members(child.get("segmentGroup", ""), seen | {name})

    types: dict[str, int] = {}
    for word, code in WORDS.items():
        for name in groups:
            if word in name.lower():
                for number in members(name, frozenset()):
                    types.setdefault(number, code)
    return types


def _type(names: list[str]) -> int:
    """Type code that names tell; dendrite where they tell nothing."""
    text = " ".join(names).lower()
    return next((code for word, code in WORDS.items() if word in text), DENDRITE)


def _point(element: ElementTree.Element, place: str) -> list[float]:
    return [_number(element.get(key, ""), place) for key in ("x", "y", "z", "diameter")]


def _number(text: str, place: str) -> float:
    try:
        value = float("_" if "_" in text else text)
    except ValueError:
        raise InputError(f"'{text[:40]}' is not a number", source=place) from None
    if not math.isfinite(value):
        raise InputError(f"'{text[:40]}' is not finite", source=place)
    return value


class _Points:
    """The points of a cell as they come to be, segment by segment."""

    def __init__(self, segments: dict[str, _Segment], label: str) -> None:
        self.segments = segments
        self.label = label
        self.points: list[list[float]] = []
        self.types: list[int] = []
        self.parents: list[int] = []

    def add(self, point: list[float], kind: int, parent: int) -> int:
        """Append a point and return its number."""
        self.points.append(point)
        self.types.append(kind)
        self.parents.append(parent)
        return len(self.points) - 1

    def add_segment(self, number: str) -> None:
        """Append a segment and those it hangs on, as far as they are not there yet."""
        chain: list[str] = []
        at: str | None = number
        while at is not None and not self.segments[at].line:
            if at in chain:
                raise InputError("segments hang on each other", source=f"{self.label}:segment {at}")
            chain.append(at)
            parent = self.segments[at].parent
            if parent is not None and parent not in self.segments:
                raise InputError(
                    f"parent segment '{parent}' does not exist", source=f"{self.label}:segment {at}"
                )
            at = parent
        for name in reversed(chain):
            self._add_one(name)

    def _add_one(self, number: str) -> None:
        segment = self.segments[number]
        if segment.parent is None:
            if segment.proximal is None:
                raise InputError(
                    "first segment has no proximal point", source=f"{self.label}:segment {number}"
                )
            start = self.add(segment.proximal, segment.type, -1)
        else:
            start = self._anchor(segment)
            same = segment.proximal is None or np.allclose(
                segment.proximal, self.points[start], atol=SAME
            )
            if not same and segment.proximal is not None:
                start = self.add(segment.proximal, segment.type, start)
        if np.allclose(self.points[start][:3], segment.distal[:3], atol=SAME):
            segment.line = [(1.0, start)]  # a sphere
        else:
            segment.line = [(0.0, start), (1.0, self.add(segment.distal, segment.type, start))]

    def _anchor(self, segment: _Segment) -> int:
        """Point that a segment hangs on; one is put in between where there is none."""
        above = self.segments[segment.parent or ""]
        # a cable of NeuroML 1 says where it begins, its further segments follow each other
        along = 1.0 if segment.cable and segment.cable == above.cable else segment.along
        along = min(max(along, 0.0), 1.0)
        for share, known in above.line:
            if abs(share - along) < SAME:
                return known
        if len(above.line) == 1:
            return above.line[0][1]
        after = next(k for k, (share, _) in enumerate(above.line) if share > along)
        (low, before), (high, behind) = above.line[after - 1], above.line[after]
        weight = (along - low) / (high - low)
        point = (1 - weight) * np.array(self.points[before]) + weight * np.array(
            self.points[behind]
        )
        between = self.add(point.tolist(), above.type, before)
        self.parents[behind] = between
        above.line.insert(after, (along, between))
        return between


def _to_morphology(segments: dict[str, _Segment], label: str) -> Morphology:
    work = _Points(segments, label)
    for number in segments:
        work.add_segment(number)
    parents = np.array(work.parents)
    order = depth_first(parents, np.arange(len(parents)))
    rank = rank_of(order)
    points = np.array(work.points)[order]
    check_values(points * [1.0, 1.0, 1.0, 0.5], lambda row: f"{label}:point {order[row]}")
    above = parents[order]
    return Morphology(
        types=np.array(work.types)[order],
        points=points,
        parents=np.where(above >= 0, rank[above], -1),
        name=label,
    )
