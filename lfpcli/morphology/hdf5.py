"""Reading HDF5 morphologies in MorphIO's layout, version 1.

``/points`` (N, 4) holds x, y, z and diameter, um; ``/structure`` (M, 3) per section the row of
its first point, its type and its parent section, the soma first. A section repeats its parent's
last point, but does not begin on the soma, which is a contour. What that layout leaves out, the
soma as it was traced, the points' own order, and where neurites leave the soma, stands in
``/lfp`` where `lfpcli.morphology.writing` wrote the file:

- ``soma`` (S, 4): the soma's points, as in ``/points``;
- ``rows``, ``types``, ``parents`` (K,): per traced point its row of ``/points``, or -1 - k for
  row k of ``soma``; its type; and the number of its parent among these, -1 for roots.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.morphology.table import Table
from lfpcli.morphology.tree import SOMA, Morphology

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
    return _checked(points, soma, traced, label)


def _dataset(file: Any, key: str, columns: int, label: str, *, empty: bool = False) -> np.ndarray:
    import h5py

    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise InputError(
            f"has no dataset '{key}'",
            source=label,
            remedy="expected MorphIO's layout version 1: points, structure",
        )
    table = found.ndim == 2 and found.shape[1] == columns and (empty or len(found) > 0)
    if not table or found.dtype.kind not in "fiu":
        raise InputError(
            f"'{key}' has shape {found.shape} and type {found.dtype}, expected numbers "
            f"(n, {columns})",
            source=f"{label}:/{key}",
        )
    return found[()]


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
        return contour[0]
    radius = np.linalg.norm(contour[:, :3] - centre, axis=1).mean()
    return np.append(centre, 2.0 * radius)


def _checked(
    points: np.ndarray, soma: np.ndarray, traced: list[np.ndarray], label: str
) -> Morphology:
    """Return the morphology once its arrays are known to fit."""
    from lfpcli.morphology.swc import check_values

    rows, types, parents = traced
    place = f"{label}:/{EXTRA}"
    if not (rows.ndim == 1 and len(rows) and rows.shape == types.shape == parents.shape):
        raise InputError("'rows', 'types' and 'parents' differ in shape or are empty", source=place)
    if rows.min() < -len(soma) or rows.max() >= len(points):
        raise InputError("'rows' reach past the points", source=place)
    if np.any(parents >= np.arange(len(parents))) or np.any(parents < -1):
        raise InputError("a point does not follow its parent", source=place)
    # the reversed soma at the end puts row -1 - k on its point k
    cell = Morphology(types, np.vstack([points, soma[::-1]])[rows], parents, name=label)
    radii = cell.points * [1.0, 1.0, 1.0, 0.5]
    check_values(Table(f"{label}:/points", lines=rows.tolist()), radii)
    return cell
