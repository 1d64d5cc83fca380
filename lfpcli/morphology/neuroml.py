"""Reading cells from NeuroML 2, and NeuroML 1 (MorphML).

Both describe segments, each from its `proximal` point, or the end of its parent, to its `distal`
point. Their types come from the names of the groups or cables they belong to. Segments that
continue each other, alone, of one type and with the same biophysics, make a section.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

import numpy as np

from lfpcli.errors import InputError
from lfpcli.morphology.biophysics import ALL, Biophysics, biophysics_of
from lfpcli.morphology.neuroml_text import (
    REMEDY,
    chosen_cell,
    group_members,
    number,
    read_root,
    tag,
)
from lfpcli.morphology.points import check_values
from lfpcli.morphology.section import APICAL, AXON, DENDRITE, SOMA, Section, cylinder, numbered
from lfpcli.morphology.tree import Morphology

# parts of names, the first that fits counts
WORDS = {"soma": SOMA, "cellbody": SOMA, "axon": AXON, "apic": APICAL, "dend": DENDRITE}
# places nearer than this are the same, um and share of a segment
SAME = 1e-6


@dataclass(kw_only=True)
class _Segment:
    """A segment, and where it came to lie in a section.

    `along` is the share of the parent's length at which it begins; `first` and `last` are the
    lengths, um, of its section before its start and its end.
    """

    id: str
    proximal: np.ndarray | None
    distal: np.ndarray
    parent: str | None
    cable: str
    along: float
    type: int
    groups: frozenset[str] = frozenset()
    children: list[_Segment] = field(default_factory=list)
    run: _Run | None = None
    start: np.ndarray = field(default_factory=lambda: np.zeros(4))
    first: float = 0.0
    last: float = 0.0


@dataclass(eq=False, kw_only=True)
class _Run:
    """A section in the making."""

    type: int
    groups: frozenset[str]
    points: list[np.ndarray] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    parent: _Run | None = None
    parent_x: float = 1.0
    wire: np.ndarray | None = None
    is_sphere: bool = False
    length: float = 0.0
    index: int = -1


def read_neuroml(
    path: str | os.PathLike[str], *, name: str | None = None, cell_id: str | None = None
) -> Morphology:
    """Read a cell from a NeuroML file, with its biophysics where it has any.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.
    cell_id : str, optional
        Which cell, where there are several.

    Returns
    -------
    Morphology

    Raises
    ------
    InputError
        Where the file is no XML, holds no morphology or several, or a segment is wrong; the line
        or the element is named.

    References
    ----------
    Gleeson et al. (2010), PLoS Comput Biol 6:e1000815; Cannon et al. (2014), Front
    Neuroinform 8:79.
    """
    label = name or str(path)
    root = read_root(path, label)
    cell = chosen_cell(root, label, cell_id)
    shape = None if cell is None else _shape(root, cell)
    if cell is None or shape is None:
        raise InputError(
            "holds no morphology", source=label, remedy="expected NeuroML with <segment> elements"
        )
    biophysics = biophysics_of(root, cell, label)
    groups = group_members(shape)
    segments = _segments(root, shape, groups, label)
    if biophysics is not None:
        _mark_groups(segments, groups, biophysics)
    runs = _runs(segments, label)
    sections = _sections(runs, label)
    if biophysics is not None:
        biophysics = _with_sections(biophysics, groups, runs, sections)
        sections = _with_cable(sections, biophysics)
    notes = (
        [] if biophysics is None else [f"left out: {element}" for element in biophysics.not_read]
    )
    morphology = Morphology.from_sections(sections, name=label, notes=notes)
    return replace(morphology, biophysics=biophysics)


def _shape(root: Element, cell: Element) -> Element | None:
    """The element whose children are the segments of a cell."""
    # a cell may name a morphology that stands beside it
    other = cell.get("morphology")
    for parent in (cell, root):
        for element in parent.iter():
            named = parent is cell or (other is not None and element.get("id") == other)
            if named and any(tag(child) == "segment" for child in element):
                return element
    return None


def _segments(
    root: Element, shape: Element, groups: dict[str, set[str]], label: str
) -> dict[str, _Segment]:
    """Return the segments of a cell by id."""
    cables = {element.get("id", ""): element for element in root.iter() if tag(element) == "cable"}
    types = _group_types(groups)
    segments: dict[str, _Segment] = {}
    for element in shape:
        if tag(element) != "segment":
            continue
        segment_id = element.get("id", "")
        source = f"{label}:segment {segment_id or '?'}"
        parts = {tag(child): child for child in element}
        if not segment_id or segment_id in segments or "distal" not in parts:
            raise InputError(
                "segment without an id of its own or without an end", source=source, remedy=REMEDY
            )
        cable = cables.get(element.get("cable", ""))
        names = [] if cable is None else [cable.get("name", ""), *cable.itertext()]
        above = parts.get("parent")
        along = None if above is None else above.get("fractionAlong")
        if above is None and cable is not None:
            along = cable.get("fractAlongParent")
        share = number(along or "1", source)
        segments[segment_id] = _Segment(
            id=segment_id,
            proximal=_point(parts["proximal"], source) if "proximal" in parts else None,
            distal=_point(parts["distal"], source),
            parent=element.get("parent") if above is None else above.get("segment"),
            cable=element.get("cable", ""),
            along=min(max(share, 0.0), 1.0),
            type=types.get(segment_id) or _type([*names, element.get("name", "")]),
        )
    return segments


def _group_types(groups: dict[str, set[str]]) -> dict[str, int]:
    """Return the type of each segment that a group with a telling name holds."""
    types: dict[str, int] = {}
    for word, code in WORDS.items():
        for name, members in groups.items():
            if word in name.lower():
                for segment_id in members:
                    types.setdefault(segment_id, code)
    return types


def _type(names: list[str]) -> int:
    """Type code that names tell; dendrite where they tell nothing."""
    text = " ".join(names).lower()
    return next((code for word, code in WORDS.items() if word in text), DENDRITE)


def _point(element: Element, source: str) -> np.ndarray:
    values = [number(element.get(key, ""), source) for key in ("x", "y", "z", "diameter")]
    check_values(np.array([values]) * [1.0, 1.0, 1.0, 0.5], lambda _: source, remedy=REMEDY)
    return np.array(values)


def _mark_groups(
    segments: dict[str, _Segment], groups: dict[str, set[str]], biophysics: Biophysics
) -> None:
    """Tell each segment which groups it is in that biophysics speaks of."""
    for group in sorted(biophysics.groups):
        if group == ALL and group not in groups:
            continue  # every segment
        if group not in groups:
            known = ", ".join(sorted(groups)[:12]) or "none"
            raise InputError(
                f"biophysics of a group '{group}' that does not exist",
                source=biophysics.source,
                remedy=f"groups of the morphology: {known}",
            )
        for segment_id in groups[group]:
            if segment_id in segments:
                segment = segments[segment_id]
                segment.groups = segment.groups | {group}


def _runs(segments: dict[str, _Segment], label: str) -> list[_Run]:
    """Return sections in the making, each after its parent, branch by branch."""
    roots = []
    for segment in segments.values():
        if segment.parent is None:
            roots.append(segment)
        elif segment.parent in segments:
            segments[segment.parent].children.append(segment)
        else:
            raise InputError(
                f"parent segment '{segment.parent}' does not exist",
                source=f"{label}:segment {segment.id}",
                remedy=REMEDY,
            )
    runs: list[_Run] = []
    stack = roots[::-1]
    while stack:
        segment = stack.pop()
        above = None if segment.parent is None else segments[segment.parent]
        if above is not None and _continues(segment, above) and above.run is not None:
            segment.run = above.run
        else:
            segment.run = _begin_run(segment, above, label)
            runs.append(segment.run)
        _extend(segment, segment.run)
        stack.extend(reversed(segment.children))
    for segment in segments.values():
        if segment.run is None:
            raise InputError(
                "segments hang on each other",
                source=f"{label}:segment {segment.id}",
                remedy="one segment is to have no parent",
            )
    return runs


def _share(segment: _Segment, above: _Segment) -> float:
    """Share of the parent's length at which a segment begins."""
    # a cable of NeuroML 1 says where it begins, its further segments follow each other
    return 1.0 if segment.cable and segment.cable == above.cable else segment.along


def _continues(segment: _Segment, above: _Segment) -> bool:
    """Whether a segment goes on with its parent's section."""
    if above.run is None or above.run.is_sphere or _share(segment, above) < 1 - SAME:
        return False
    siblings = [other for other in above.children if _share(other, above) >= 1 - SAME]
    same = segment.type == above.type and segment.groups == above.groups
    return same and len(siblings) == 1 and segment.cable == above.cable


def _begin_run(segment: _Segment, above: _Segment | None, label: str) -> _Run:
    """Begin a section at the first point of a segment."""
    run = _Run(type=segment.type, groups=segment.groups)
    if above is None:
        if segment.proximal is None:
            raise InputError(
                "first segment has no proximal point",
                source=f"{label}:segment {segment.id}",
                remedy="add <proximal x= y= z= diameter=>",
            )
        run.points = [segment.proximal]
        return run
    parent = above.run
    assert parent is not None  # parents come first
    along = _share(segment, above)
    run.parent = parent
    if parent.is_sphere:
        run.parent_x, base = 0.5, above.distal
    else:
        base = (1 - along) * above.start + along * above.distal
        position = above.first + along * (above.last - above.first)
        # the parent may still grow, so the length is divided out when it is complete
        run.parent_x = position
    if segment.proximal is None:
        begin = base.copy()
        if parent.type == SOMA and segment.type != SOMA:
            # a neurite does not begin as wide as the soma
            begin[3] = segment.distal[3]
    else:
        begin = segment.proximal
        if np.abs(begin[:3] - base[:3]).max() > SAME:
            run.wire = base[:3]
    run.points = [begin]
    return run


def _extend(segment: _Segment, run: _Run) -> None:
    """Append the points of a segment to its section."""
    tip = run.points[-1]
    if segment.proximal is not None and np.abs(segment.proximal - tip).max() > SAME:
        run.points.append(segment.proximal)
        run.length += float(np.linalg.norm(segment.proximal[:3] - tip[:3]))
        tip = segment.proximal
    run.segments.append(segment.id)
    segment.start, segment.first = tip, run.length
    if len(run.points) == 1 and np.abs(tip[:3] - segment.distal[:3]).max() <= SAME:
        # a sphere; what continues it is a section of its own
        run.is_sphere = True
        run.points = list(cylinder(segment.distal))
        run.length = float(segment.distal[3])
    else:
        run.points.append(segment.distal)
        run.length += float(np.linalg.norm(segment.distal[:3] - tip[:3]))
    segment.last = run.length


def _sections(runs: list[_Run], label: str) -> list[Section]:
    """Return sections, type by type, in the order in which they begin."""
    ordered = sorted(runs, key=lambda run: run.type)
    for index, run in enumerate(ordered):
        run.index = index
    sections = []
    for run, name in zip(ordered, numbered([run.type for run in ordered]), strict=True):
        if run.length == 0:
            raise InputError(
                "segment has no length", source=f"{label}:segment {run.segments[0]}", remedy=REMEDY
            )
        wire = None
        if run.wire is not None:
            x, y, z = run.wire.tolist()
            wire = (x, y, z)
        sections.append(
            Section(
                name=name,
                type=run.type,
                points=np.array(run.points),
                parent=-1 if run.parent is None else run.parent.index,
                parent_x=_parent_x(run),
                wire=wire,
            )
        )
    return sections


def _parent_x(run: _Run) -> float:
    """Where on its parent a section begins, 0 to 1."""
    if run.parent is None:
        return 1.0
    share = run.parent_x if run.parent.is_sphere else run.parent_x / run.parent.length
    # lengths are sums, so the ends are met up to rounding
    for end in (0.0, 1.0):
        if abs(share - end) < SAME:
            return end
    return share


def _with_sections(
    biophysics: Biophysics,
    groups: dict[str, set[str]],
    runs: Sequence[_Run],
    sections: Sequence[Section],
) -> Biophysics:
    """Name the sections of each group that biophysics speaks of."""
    members: dict[str, tuple[str, ...]] = {}
    for group in biophysics.groups:
        chosen = [
            run for run in runs if group in run.groups or (group == ALL and ALL not in groups)
        ]
        members[group] = tuple(sections[run.index].name for run in chosen)
    return replace(biophysics, sections=members)


def _with_cable(sections: Sequence[Section], biophysics: Biophysics) -> list[Section]:
    """Give sections the resistivity and capacitance of their groups."""
    resistivity: dict[str, float] = {}
    capacitance: dict[str, float] = {}
    for values, entries in (
        (resistivity, biophysics.resistivities),
        (capacitance, biophysics.capacitances),
    ):
        for group, value in entries:
            values.update(dict.fromkeys(biophysics.sections[group], value))
    return [
        replace(section, Ra=resistivity.get(section.name), cm=capacitance.get(section.name))
        for section in sections
    ]
