"""Reading HDF5 morphologies in MorphIO's layout, version 1.

``/points`` (N, 4) holds x, y, z and diameter, um; ``/structure`` (M, 3) per section the row of
its first point, its type and its parent section, the soma first. A section repeats its parent's
last point, but does not begin on the soma. What that layout leaves out, the points' own order
and where neurites leave the soma, stands in ``/lfp`` where `lfpcli.io.morphology` wrote the file:
``rows``, ``types`` and ``parents``, one entry per traced point.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.runtime.morphology.table import Table
from lfpcli.runtime.morphology.tree import SOMA, Morphology

EXTRA = "lfp"


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
    import h5py

    label = name or str(path)
    try:
        with h5py.File(Path(path), "r") as file:
            points = _dataset(file, "points", 4, label).astype(float)
            structure = _dataset(file, "structure", 3, label).astype(np.int64)
            extra = file.get(EXTRA)
            if isinstance(extra, h5py.Group):
                traced = [np.asarray(extra[key], np.int64) for key in ("rows", "types", "parents")]
            else:
                traced = list(_trace(points, structure, label))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"is no readable HDF5 morphology: {error}", place=label, remedy="write it again"
        ) from error
    return _checked(points, *traced, label)


def _dataset(file: Any, key: str, columns: int, label: str) -> np.ndarray:
    import h5py

    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise InputError(
            f"has no dataset '{key}'",
            place=label,
            remedy="expected MorphIO's layout version 1: points, structure",
        )
    if found.ndim != 2 or found.shape[1] != columns or len(found) == 0 or found.dtype.kind not in "fiu":
        raise InputError(
            f"'{key}' has shape {found.shape} and type {found.dtype}, expected numbers "
            f"(n, {columns})",
            place=f"{label}:/{key}",
        )
    return found[()]


def _trace(
    points: np.ndarray, structure: np.ndarray, label: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, type and parent of each traced point of a file from elsewhere."""
    first, types, parents = structure.T
    stop = np.append(first[1:], len(points))
    if np.any(first < 0) or np.any(first >= stop) or np.any(parents >= np.arange(len(first))):
        raise InputError(
            "sections are not in order: each begins after the one before and follows its parent",
            place=f"{label}:/structure",
        )
    rows: list[int] = []
    kinds: list[int] = []
    tree: list[int] = []
    last = np.full(len(first), -1)
    for k in range(len(first)):
        begin, end, parent = int(first[k]), int(stop[k]), int(parents[k])
        on_soma = parent >= 0 and types[parent] == SOMA
        at = -1 if parent < 0 else (0 if on_soma else int(last[parent]))
        if at >= 0 and not on_soma and np.allclose(points[begin, :3], points[rows[at], :3]):
            begin += 1
        for row in range(begin, end):
            rows.append(row)
            kinds.append(int(types[k]))
            tree.append(at)
            at = len(rows) - 1
        last[k] = at
    return np.array(rows), np.array(kinds), np.array(tree)


def _checked(
    points: np.ndarray, rows: np.ndarray, types: np.ndarray, parents: np.ndarray, label: str
) -> Morphology:
    """Return the morphology once its arrays are known to fit."""
    from lfpcli.runtime.morphology.swc import check_values

    place = f"{label}:/{EXTRA}"
    if not (rows.ndim == 1 and len(rows) and rows.shape == types.shape == parents.shape):
        raise InputError("'rows', 'types' and 'parents' differ in shape", place=place)
    if rows.min() < 0 or rows.max() >= len(points):
        raise InputError("'rows' reach past the points", place=place)
    if np.any(parents >= np.arange(len(parents))) or np.any(parents < -1):
        raise InputError("a point does not follow its parent", place=place)
    cell = Morphology(types, points[rows], parents, name=label)
    radii = cell.points * [1.0, 1.0, 1.0, 0.5]
    check_values(Table(f"{label}:/points", lines=[int(r) for r in rows]), radii)
    return cell
