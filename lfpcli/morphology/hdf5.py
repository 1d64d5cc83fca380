"""HDF5 morphologies in MorphIO's layout, version 1, read and written.

``/points`` (N, 4) holds x, y, z and diameter, um; ``/structure`` (M, 3) per section the row of
its first point, its type and its parent section, the soma first. A section repeats its parent's
last point, but does not begin on the soma, which is a contour. What that layout leaves out, the
soma as it was traced, the points' own order, and where neurites leave the soma, stands in
``/lfp`` of files that this module wrote:

- ``soma`` (S, 4): the soma's points, as in ``/points``;
- ``rows``, ``types``, ``parents`` (K,): per traced point its row of ``/points``, or -1 - k for
  row k of ``soma``; its type; and the number of its parent among these, -1 for roots.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from lfpcli import __version__
from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import open_hdf5
from lfpcli.guarded.writing import new_hdf5
from lfpcli.morphology.points import check_values
from lfpcli.morphology.section import SOMA
from lfpcli.morphology.tree import Morphology

EXTRA = "lfp"
# corners of the circle that stands for a soma of one point
CONTOUR_POINTS = 16


def read_hdf5(path: str | os.PathLike[str], *, name: str | None = None) -> Morphology:
    """Read a morphology from an HDF5 file.

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
        With the dataset, where the file is damaged or holds no such morphology.
    """
    label = name or str(path)
    try:
        with open_hdf5(Path(path), label) as file:
            points = _dataset(file, "points", 4, label).astype(float)
            structure = _dataset(file, "structure", 3, label).astype(np.int64)
            extra = file.get(EXTRA)
            placed = isinstance(extra, h5py.Group) and bool(extra.attrs.get("placed", False))
            if isinstance(extra, h5py.Group):
                soma = _dataset(file, f"{EXTRA}/soma", 4, label, empty=True).astype(float)
                traced = [np.asarray(extra[key], np.int64) for key in ("rows", "types", "parents")]
            else:
                traced, soma = _trace(points, structure, label)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"is no readable HDF5 morphology: {error}", source=label, remedy="write it again"
        ) from error
    return replace(_checked(points, soma, traced, label), placed=placed)


def _dataset(
    file: h5py.File, key: str, columns: int, label: str, *, empty: bool = False
) -> np.ndarray:
    dataset = file.get(key)
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(
            f"has no dataset '{key}'",
            source=label,
            remedy="expected MorphIO's layout version 1: points, structure",
        )
    table = dataset.ndim == 2 and dataset.shape[1] == columns and (empty or len(dataset) > 0)
    if not table or dataset.dtype.kind not in "fiu":
        raise InputError(
            f"'{key}' has shape {dataset.shape} and type {dataset.dtype}, expected numbers "
            f"(n, {columns})",
            source=f"{label}:/{key}",
        )
    return np.array(dataset[()])


def _trace(
    points: np.ndarray, structure: np.ndarray, label: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return row, type and parent of each traced point of a file from elsewhere, and its soma.

    A contour becomes a sphere about its mean point, with its mean distance from there as radius.
    """
    first, types, parents = structure.T
    stop = np.append(first[1:], len(points))
    if np.any(first < 0) or np.any(first > stop) or np.any(parents >= np.arange(len(first))):
        raise InputError(
            "sections are not in order: each begins after the one before and follows its parent",
            source=f"{label}:/structure",
        )
    rows: list[int] = []
    kinds: list[int] = []
    tree: list[int] = []
    last = np.full(len(first), -1)
    soma = [_sphere(points[first[k] : stop[k]]) for k in np.flatnonzero(types == SOMA)]
    for k, kind in enumerate(types.tolist()):
        on_soma = parents[k] >= 0 and types[parents[k]] == SOMA
        at = -1 if parents[k] < 0 else int(last[parents[k]])
        own = list(range(int(first[k]), int(stop[k])))
        if kind == SOMA:
            own = [-1 - int(np.count_nonzero(types[:k] == SOMA))] if own else []
        elif at >= 0 and not on_soma and np.allclose(points[own[0], :3], points[rows[at], :3]):
            own = own[1:]
        for row in own:
            rows.append(row)
            kinds.append(kind)
            tree.append(at)
            at = len(rows) - 1
        last[k] = at
    traced = [np.array(rows, np.int64), np.array(kinds, np.int64), np.array(tree, np.int64)]
    return traced, np.array(soma).reshape(-1, 4)


def _sphere(contour: np.ndarray) -> np.ndarray:
    """Mean point and diameter of a contour, shape (4,); a single point is one already."""
    if len(contour) == 0:
        return np.zeros(4)
    centre = contour[:, :3].mean(axis=0)
    if len(contour) == 1:
        return np.array(contour[0])
    radius = np.linalg.norm(contour[:, :3] - centre, axis=1).mean()
    return np.append(centre, 2.0 * radius)


def _checked(
    points: np.ndarray, soma: np.ndarray, traced: list[np.ndarray], label: str
) -> Morphology:
    """Return the morphology once its arrays are known to fit."""
    rows, types, parents = traced
    place = f"{label}:/{EXTRA}"
    if not (rows.ndim == 1 and len(rows) and rows.shape == types.shape == parents.shape):
        raise InputError("'rows', 'types' and 'parents' differ in shape or are empty", source=place)
    if rows.min() < -len(soma) or rows.max() >= len(points):
        raise InputError("'rows' reach past the points", source=place)
    if np.any(parents >= np.arange(len(parents))) or np.any(parents < -1):
        raise InputError("a point does not follow its parent", source=place)
    # the reversed soma at the end puts row -1 - k on its point k
    points = np.vstack([points, soma[::-1]])[rows]
    check_values(points * [1.0, 1.0, 1.0, 0.5], lambda row: f"{label}:/points:{rows[row]}")
    return Morphology(types=types, points=points, parents=parents, name=label)


def write_hdf5(morphology: Morphology, path: str | os.PathLike[str]) -> None:
    """Write a morphology as HDF5 in MorphIO's layout 1.3.

    MorphIO takes a contour for a soma only, so the soma is written as its outline; the group
    ``/lfp`` keeps it as traced.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    path : path-like
        File to write.
    """
    soma = np.flatnonzero(morphology.types == SOMA)
    outline = contour(morphology)
    points, structure, rows = _sections(morphology, outline)
    rows[soma] = -1 - np.arange(len(soma))
    # MorphIO warns of double precision
    points = points.astype(np.float32)
    with new_hdf5(path) as file:
        file["points"] = points
        file["structure"] = structure
        metadata = file.create_group("metadata")
        metadata.attrs["version"] = np.array([1, 3], dtype=np.uint32)
        metadata.attrs["cell_family"] = np.array([0], dtype=np.uint32)
        metadata.attrs["created_by"] = f"lfp {__version__}"
        extra = file.create_group(EXTRA)
        extra.attrs["placed"] = morphology.placed
        extra["soma"] = morphology.points[soma].astype(np.float32)
        extra["rows"] = rows
        extra["types"] = morphology.types
        extra["parents"] = morphology.parents


def _sections(
    morphology: Morphology, outline: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, structure, and the row of each traced point that is not the soma's."""
    types, parents = morphology.types.tolist(), morphology.parents.tolist()
    children = np.bincount(morphology.parents[morphology.parents >= 0], minlength=len(types))
    tails: dict[int, list[int]] = {}  # by last point: the section that may grow
    pieces: list[tuple[int, list[int]]] = []
    for point, parent in enumerate(parents):
        if types[point] == SOMA:
            continue
        grows = parent >= 0 and types[parent] == types[point] and children[parent] == 1
        if grows:
            piece = tails.pop(parent)
            piece.append(point)
        else:
            piece = [point]
            pieces.append((parent, piece))
        tails[point] = piece
    points = [outline]
    structure = [(0, SOMA, -1)]
    rows = np.full(len(types), -1, dtype=np.int64)
    section_of = np.zeros(len(types), np.int64)
    first = len(outline)
    for number, (parent, piece) in enumerate(pieces, start=1):
        on_soma = parent < 0 or types[parent] == SOMA
        # MorphIO wants two points; a branch may begin at the first one
        repeated = [] if on_soma and len(piece) > 1 else [parent if parent >= 0 else piece[0]]
        structure.append((first, types[piece[0]], 0 if on_soma else section_of[parent]))
        rows[piece] = first + len(repeated) + np.arange(len(piece))
        section_of[piece] = number
        points.append(morphology.points[repeated + piece])
        first += len(repeated) + len(piece)
    return np.vstack(points), np.array(structure, dtype=np.int32), rows


def contour(morphology: Morphology) -> np.ndarray:
    """Return the outline of the soma as a polygon, shape (n, 4), um; empty without a soma.

    A soma of one point gives a circle in the xy plane, a longer one the two sides of its first
    section in a plane along its axis.
    """
    somata = [section for section in morphology.sections if section.type == SOMA]
    if not somata:
        return np.empty((0, 4))
    line = somata[0].points[:, :3]
    radius = somata[0].points[:, 3:] / 2
    if np.count_nonzero(morphology.types == SOMA) == 1:
        angle = 2 * np.pi * np.arange(CONTOUR_POINTS) / CONTOUR_POINTS
        circle = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(CONTOUR_POINTS)])
        outline = line[1] + radius[1] * circle
    else:
        axis = line[-1] - line[0]
        across = np.cross(axis, (0.0, 0.0, 1.0))
        if np.linalg.norm(across) < 1e-6 * np.linalg.norm(axis):
            across = np.array([1.0, 0.0, 0.0])
        across /= np.linalg.norm(across) or 1.0
        outline = np.vstack([line + radius * across, (line - radius * across)[::-1]])
    return np.column_stack([outline, np.zeros(len(outline))])
