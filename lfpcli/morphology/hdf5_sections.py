"""Sections in HDF5: as MorphIO's layout draws them, and as this program keeps them whole."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, texts
from lfpcli.morphology.cylinders import drawn_points
from lfpcli.morphology.points import LARGEST_TYPE, check_values
from lfpcli.morphology.section import SOMA, Section, cylinder, numbered

REMEDY = "write it again"
# places nearer than this are the same, um; files hold single precision
SAME_PLACE = 1e-3


def drawn_sections(points: np.ndarray, structure: np.ndarray, label: str) -> list[Section]:
    """Return the sections of a file in MorphIO's layout.

    The soma, a contour, becomes a sphere about its mean point, with its mean distance from there
    as radius; what hangs on it is joined to its middle by a wire. Other sections begin with their
    own diameter at the end of their parent.

    Parameters
    ----------
    points : ndarray, shape (N, 4)
        x, y, z and diameter, um.
    structure : ndarray of int, shape (M, 3)
        First row, type and parent of each section.
    label : str
        The file, for messages.
    """
    first, types, parents = structure.T
    stop = np.append(first[1:], len(points))
    if np.any(first < 0) or np.any(first > stop) or np.any(parents >= np.arange(len(first))):
        raise InputError(
            "sections are not in order: each begins after the one before and follows its parent",
            source=f"{label}:/structure",
            remedy=REMEDY,
        )
    pieces: list[Section | None] = []
    for index, code in enumerate(types.tolist()):
        rows = points[first[index] : stop[index]]
        if len(rows) == 0:
            if code != SOMA:
                raise InputError(
                    f"section {index} has no points", source=f"{label}:/structure", remedy=REMEDY
                )
            pieces.append(None)  # a cell without a soma
            continue
        parent = int(parents[index])
        above = None if parent < 0 else pieces[parent]
        pieces.append(_drawn(code, rows, parent if above is not None else -1, above))
    kept = [index for index, piece in enumerate(pieces) if piece is not None]
    order = sorted(kept, key=lambda index: int(types[index]))
    rank = {index: position for position, index in enumerate(order)}
    sections = []
    for index, name in zip(order, numbered(types[order].tolist()), strict=True):
        piece = pieces[index]
        assert piece is not None  # those without points are not in the order
        parent = rank[piece.parent] if piece.parent >= 0 else -1
        sections.append(_renamed(piece, name, parent))
    return sections


def _drawn(code: int, rows: np.ndarray, parent: int, above: Section | None) -> Section:
    if code == SOMA:
        return Section(name="", type=code, points=cylinder(_sphere(rows)), parent=parent)
    if above is None:
        points = rows if len(rows) > 1 else cylinder(rows[0])
        return Section(name="", type=code, points=points, parent=parent)
    if above.type == SOMA:
        middle = (above.points[0, :3] + above.points[-1, :3]) / 2
        if len(rows) > 1:
            x, y, z = middle.tolist()
            return Section(
                name="", type=code, points=rows, parent=parent, parent_x=0.5, wire=(x, y, z)
            )
        points = np.vstack([np.append(middle, rows[0, 3]), rows])
        return Section(name="", type=code, points=points, parent=parent, parent_x=0.5)
    end = above.points[-1, :3]
    if len(rows) == 1 or np.abs(end - rows[0, :3]).max() > SAME_PLACE:
        rows = np.vstack([np.append(end, rows[0, 3]), rows])
    return Section(name="", type=code, points=rows, parent=parent)


def _renamed(piece: Section, name: str, parent: int) -> Section:
    return Section(
        name=name,
        type=piece.type,
        points=piece.points,
        parent=parent,
        parent_x=piece.parent_x,
        wire=piece.wire,
    )


def _sphere(contour: np.ndarray) -> np.ndarray:
    """Mean point and diameter of a contour, shape (4,), um; a single point is one already."""
    if len(contour) == 1:
        return np.array(contour[0])
    centre = contour[:, :3].mean(axis=0)
    radius = np.linalg.norm(contour[:, :3] - centre, axis=1).mean()
    return np.append(centre, 2.0 * radius)


def write_sections(group: h5py.Group, sections: Sequence[Section]) -> None:
    """Write sections with all that makes them into a group.

    Parameters
    ----------
    group : h5py.Group
        An empty group.
    sections : sequence of Section
        The sections.
    """
    drawn = [drawn_points(section) for section in sections]
    lengths = list(map(len, drawn))
    nowhere = (np.nan, np.nan, np.nan)
    group["names"] = [section.name for section in sections]
    group["types"] = np.array([section.type for section in sections])
    group["parents"] = np.array([section.parent for section in sections])
    group["parent_x"] = np.array([section.parent_x for section in sections])
    group["child_x"] = np.array([section.child_x for section in sections])
    group["wires"] = np.array([section.wire or nowhere for section in sections])
    group["lengths"] = np.array(lengths)
    group["points"] = np.vstack(drawn)


def read_sections(group: h5py.Group, label: str) -> list[Section]:
    """Return the sections that `write_sections` wrote.

    Parameters
    ----------
    group : h5py.Group
        The group.
    label : str
        Name of the file, for messages.

    Raises
    ------
    InputError
        Where the arrays do not fit together.
    """
    source = f"{label}:{group.name}"
    names = texts(group, "names", label, remedy=REMEDY)
    count = len(names)
    types, parents, lengths = (
        _column(group, key, (count,), source).astype(np.int64)
        for key in ("types", "parents", "lengths")
    )
    parent_x, child_x = (_column(group, key, (count,), source) for key in ("parent_x", "child_x"))
    wires = _column(group, "wires", (count, 3), source)
    points = _column(group, "points", (int(lengths.sum()), 4), source)
    check_values(points * [1.0, 1.0, 1.0, 0.5], lambda row: f"{source}/points:{row}", remedy=REMEDY)
    if np.abs(types).max(initial=0) > LARGEST_TYPE:
        raise InputError("a type is beyond 31 bits", source=source, remedy=REMEDY)
    if np.any(lengths < 2) or not np.all((parent_x >= 0) & (parent_x <= 1)):
        raise InputError("sections are too short or hang nowhere", source=source, remedy=REMEDY)
    if not np.all(np.isin(child_x, (0, 1))) or not _is_tree(parents):
        raise InputError("sections do not hang together", source=source, remedy=REMEDY)
    stops = np.cumsum(lengths)
    sections = []
    for index, name in enumerate(names):
        wire = None
        if np.isfinite(wires[index]).all():
            x, y, z = wires[index].tolist()
            wire = (x, y, z)
        sections.append(
            Section(
                name=name,
                type=int(types[index]),
                points=points[stops[index] - lengths[index] : stops[index]],
                parent=int(parents[index]),
                parent_x=float(parent_x[index]),
                child_x=float(child_x[index]),
                wire=wire,
            )
        )
    return sections


def _column(group: h5py.Group, key: str, shape: tuple[int, ...], source: str) -> np.ndarray:
    dataset = group.get(key)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != shape:
        raise InputError(
            f"'{key}' is missing or not of shape {shape}", source=source, remedy=REMEDY
        )
    if dataset.dtype.kind not in "fiu":
        raise InputError(f"'{key}' holds no numbers", source=source, remedy=REMEDY)
    return np.array(CheckedDataset(dataset, f"{source}/{key}")[()], dtype=float)


def _is_tree(parents: np.ndarray) -> bool:
    """Whether every section leads to a root."""
    if len(parents) == 0 or np.any(parents >= len(parents)) or np.any(parents < -1):
        return False
    reached = parents < 0
    while True:
        further = reached | reached[parents]
        if np.array_equal(further, reached):
            return bool(reached.all())
        reached = further
