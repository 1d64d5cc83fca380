"""HDF5 morphologies in MorphIO's layout, version 1, read and written.

``/points`` (N, 4) holds x, y, z and diameter, um; ``/structure`` (M, 3) per section the row of
its first point, its type and its parent section, the soma first. A section repeats its parent's
last point, but does not begin on the soma, which is a contour. What that layout leaves out, the
soma as it was traced, the points' own order, and where neurites leave the soma, stands in
``/lfp`` of files that this module wrote:

- ``soma`` (S, 4): the soma's points, as in ``/points``;
- ``rows``, ``types``, ``parents`` (K,): per traced point its row of ``/points``, or -1 - k for
  row k of ``soma``; its type; and the number of its parent among these, -1 for roots;
- ``sections``: names, points and joints of the sections of a cell that comes from sections.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from lfpcli import __version__
from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, open_hdf5
from lfpcli.guarded.writing import new_hdf5
from lfpcli.morphology.hdf5_sections import (
    REMEDY,
    drawn_sections,
    read_sections,
    write_sections,
)
from lfpcli.morphology.points import LARGEST_TYPE, check_values, on_parent
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
            if not isinstance(extra, h5py.Group):
                return _from_elsewhere(points, structure, label)
            placed = bool(extra.attrs.get("placed", False))
            drawn = extra.get("sections")
            if isinstance(drawn, h5py.Group):
                cell = Morphology.from_sections(read_sections(drawn, label), name=label)
                return replace(cell, placed=placed)
            soma = _dataset(file, f"{EXTRA}/soma", 4, label, empty=True).astype(float)
            traced = [np.asarray(extra[key], np.int64) for key in ("rows", "types", "parents")]
            return replace(_checked(points, soma, traced, label), placed=placed)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"is no readable HDF5 morphology: {error}", source=label, remedy="write it again"
        ) from error


def _from_elsewhere(points: np.ndarray, structure: np.ndarray, label: str) -> Morphology:
    outlines = np.zeros(len(points), bool)
    for first, stop, code in zip(
        structure[:, 0], np.append(structure[1:, 0], len(points)), structure[:, 1], strict=True
    ):
        if code == SOMA:
            outlines[max(first, 0) : max(stop, 0)] = True
    values = points * [1.0, 1.0, 1.0, 0.5]
    # the diameters of a contour mean nothing
    values[outlines, 3] = 1.0
    check_values(values, lambda row: f"{label}:/points:{row}", remedy=REMEDY)
    sections = drawn_sections(points, structure, label)
    if not sections:
        raise InputError("has no sections", source=f"{label}:/structure", remedy=REMEDY)
    for section in sections:
        if not np.all(section.points[:, 3] > 0):
            raise InputError("contour of the soma has no extent", source=label, remedy=REMEDY)
    return Morphology.from_sections(sections, name=label)


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
            remedy=REMEDY,
        )
    return np.array(CheckedDataset(dataset, f"{label}:/{key}")[()])


def _checked(
    points: np.ndarray, soma: np.ndarray, traced: list[np.ndarray], label: str
) -> Morphology:
    """Return the morphology once its arrays are known to fit."""
    rows, types, parents = traced
    source = f"{label}:/{EXTRA}"
    if not (rows.ndim == 1 and len(rows) and rows.shape == types.shape == parents.shape):
        raise InputError(
            "'rows', 'types' and 'parents' differ in shape or are empty",
            source=source,
            remedy=REMEDY,
        )
    if rows.min() < -len(soma) or rows.max() >= len(points):
        raise InputError("'rows' reach past the points", source=source, remedy=REMEDY)
    if np.any(parents >= np.arange(len(parents))) or np.any(parents < -1):
        raise InputError("a point does not follow its parent", source=source, remedy=REMEDY)
    if np.abs(types).max() > LARGEST_TYPE:
        raise InputError("a type is beyond 31 bits", source=source, remedy=REMEDY)
    # the reversed soma at the end puts row -1 - k on its point k
    points = np.vstack([points, soma[::-1]])[rows]
    check_values(
        points * [1.0, 1.0, 1.0, 0.5],
        lambda row: f"{label}:/points:{rows[row]}",
        remedy=REMEDY,
    )
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
        if morphology.drawn is not None:
            write_sections(extra.create_group("sections"), morphology.drawn)


def _sections(
    morphology: Morphology, outline: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, structure, and the row of each traced point that is not the soma's."""
    types = morphology.types.tolist()
    coincident, deliberate = on_parent(morphology.points, morphology.parents)
    points = [outline]
    structure = [(0, SOMA, -1)]
    rows = np.full(len(types), -1, dtype=np.int64)
    section_of = np.zeros(len(types), np.int64)
    first = len(outline)
    for parent, piece in _pieces(morphology):
        if len(piece) == 1 and deliberate[piece[0]]:
            # it only keeps a branch apart, and stands where its parent does
            rows[piece] = rows[parent]
            continue
        on_soma = parent < 0 or types[parent] == SOMA
        # MorphIO wants two points; a branch begins at its parent, unless it repeats the junction
        alone = len(piece) == 1
        repeats = alone or not (on_soma or coincident[piece[0]])
        repeated = [parent if parent >= 0 else piece[0]] if repeats else []
        section_of[piece] = len(structure)
        structure.append((first, types[piece[0]], 0 if on_soma else section_of[parent]))
        rows[piece] = first + len(repeated) + np.arange(len(piece))
        points.append(morphology.points[repeated + piece])
        first += len(repeated) + len(piece)
    return np.vstack(points), np.array(structure, dtype=np.int32), rows


def _pieces(morphology: Morphology) -> list[tuple[int, list[int]]]:
    """Return the unbranched runs of points beside the soma, and what each hangs on."""
    types, parents = morphology.types.tolist(), morphology.parents.tolist()
    children = np.bincount(morphology.parents[morphology.parents >= 0], minlength=len(types))
    tails: dict[int, list[int]] = {}  # by last point: the run that may grow
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
    return pieces


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
