"""From anything that has segments to the `Geometry` that the forward models take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry


def as_geometry(cell: Any) -> Geometry:
    """Return the segments of a geometry-like object, checked.

    Parameters
    ----------
    cell : Geometry, or any object with ``x``, ``y``, ``z`` (N, 2) and ``d`` (N,), um
        A cell of this package or of LFPy, an ``lfpykit.CellGeometry``. Its ``somaidx``,
        where it has one, names the segments of the soma; else the first is the soma.

    Returns
    -------
    Geometry

    Raises
    ------
    InputError
        Where coordinates or diameters are missing, not finite, or of unequal number, or where
        a diameter is not positive.
    """
    geometry = cell if isinstance(cell, Geometry) else getattr(cell, "geometry", None)
    if not isinstance(geometry, Geometry):
        geometry = _from_columns(cell)
    else:
        check_segments(geometry.start, geometry.end, geometry.diam, geometry.segment_label)
    return geometry


def _from_columns(cell: Any) -> Geometry:
    try:
        ends = [np.asarray(getattr(cell, axis), dtype=float) for axis in "xyz"]
        diam = np.asarray(cell.d, dtype=float)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"a {type(cell).__name__} has no segments: x, y, z (N, 2) and d (N,) are needed"
        ) from error
    if any(e.ndim != 2 or e.shape[1] != 2 for e in ends):
        shapes = ", ".join(f"{axis} {e.shape}" for axis, e in zip("xyz", ends, strict=True))
        raise InputError(f"segments have shapes {shapes}, expected (N, 2)")
    count = len(ends[0])
    if any(len(e) != count for e in (*ends, diam)):
        raise InputError("x, y, z and d of the segments differ in number")
    # LFPykit allows diameters at both ends
    if diam.ndim == 2:
        diam = diam.mean(axis=1)
    # LFPy has an array (N, 2) for each axis, of starts and ends; here it is one (N, 3) for each end
    start, end = np.moveaxis(np.stack(ends), 2, 0).swapaxes(1, 2).copy()
    check_segments(start, end, diam, str)
    soma = np.zeros(count, dtype=bool)
    soma[np.asarray(getattr(cell, "somaidx", [0])[:], dtype=int) if count else []] = True
    names = [f"soma[{i}]" if soma[i] else f"segment[{i}]" for i in range(count)]
    return Geometry(start, end, diam, section=np.arange(count), section_names=names)


def check_segments(
    start: np.ndarray, end: np.ndarray, diam: np.ndarray, label: Callable[[int], str]
) -> None:
    """Raise an InputError that names the first segment with bad coordinates or diameter.

    `start` and `end` have shape (N, 3), `diam` (N,), um; `label` names a segment by its index.
    """
    if not all(np.isfinite(values).all() for values in (start, end, diam)):
        finite = np.isfinite(np.column_stack([start, end, diam])).all(axis=1)
        bad = int(np.argmin(finite))
        raise InputError(f"segment {label(bad)} has values that are not finite")
    thin = np.flatnonzero(diam <= 0)
    if len(thin):
        raise InputError(
            f"segment {label(int(thin[0]))} has diameter {diam[thin[0]]:g} um",
            remedy="diameters are positive",
        )
