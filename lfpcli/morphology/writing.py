"""Morphologies as text and files: SWC, and HDF5 in MorphIO's layout."""

from __future__ import annotations

import os
from collections.abc import Sequence

import h5py
import numpy as np

from lfpcli import __version__
from lfpcli.morphology.hdf5 import EXTRA
from lfpcli.morphology.tree import SOMA, Morphology

# corners of the circle that stands for a soma of one point
CONTOUR_POINTS = 16


def swc_text(morphology: Morphology, comments: Sequence[str] = ()) -> str:
    """Return a morphology as SWC; ids count from 1 in the order of the points.

    The shortest numbers are written that give the same values in single precision, in which
    NEURON and HDF5 morphologies hold them.
    """
    lines = [f"# {line}" if line else "#" for line in comments]
    lines.append("# id type x y z radius parent; um")
    # adding zero turns -0 into 0
    values = (morphology.points * [1.0, 1.0, 1.0, 0.5] + 0.0).astype(np.float32)
    kinds, parents = morphology.types.tolist(), morphology.parents.tolist()
    for number, (kind, parent, row) in enumerate(zip(kinds, parents, values, strict=True), start=1):
        place = " ".join(str(value).removesuffix(".0") for value in row)
        lines.append(f"{number} {kind} {place} {parent + 1 if parent >= 0 else -1}")
    return "\n".join(lines) + "\n"


def write_hdf5(morphology: Morphology, path: str | os.PathLike[str]) -> None:
    """Write a morphology as HDF5 in MorphIO's layout 1.3.

    MorphIO takes a contour for a soma only, so the soma is written as its outline; the group
    ``/lfp`` keeps it as traced, see `lfpcli.morphology.hdf5`.

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
    with h5py.File(path, "w") as file:
        file["points"] = points
        file["structure"] = structure
        metadata = file.create_group("metadata")
        metadata.attrs["version"] = np.array([1, 3], dtype=np.uint32)
        metadata.attrs["cell_family"] = np.array([0], dtype=np.uint32)
        metadata.attrs["created_by"] = f"lfp {__version__}"
        extra = file.create_group(EXTRA)
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
    """Return the outline of the soma as a polygon, shape (n, 4); empty without a soma.

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
