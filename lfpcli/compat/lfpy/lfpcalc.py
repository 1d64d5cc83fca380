"""Potentials of segments at one contact, per nA, as functions of LFPykit's names.

Each takes the ends of segments `cell_x`, `cell_y`, `cell_z`, shape (N, 2), um; a contact `x`, `y`,
`z`, um; and `r_limit`, shape (N,), um, the least distance of each. Each returns mV/nA, shape (N,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.forward.media import Slice
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.geometry import Geometry

__all__ = [
    "calc_lfp_linesource",
    "calc_lfp_linesource_anisotropic",
    "calc_lfp_linesource_moi",
    "calc_lfp_pointsource",
    "calc_lfp_pointsource_anisotropic",
    "calc_lfp_pointsource_moi",
    "calc_lfp_root_as_point",
    "calc_lfp_root_as_point_anisotropic",
    "calc_lfp_root_as_point_moi",
    "return_dist_from_segments",
]


def _row(segments: tuple[Any, Any, Any], contact: tuple[Any, Any, Any], **how: Any) -> np.ndarray:
    """The row of the transfer matrix for one contact, shape (N,)."""
    limit = how.pop("r_limit")
    x, y, z = (np.asarray(values, dtype=float) for values in segments)
    start, end = (np.column_stack([x[:, k], y[:, k], z[:, k]]) for k in (0, -1))
    if how["method"] == "point":
        # where the ends are does not count, nor whether they are in a slice
        start = end = 0.5 * (start + end)
    geometry = Geometry(start, end, np.broadcast_to(2.0 * np.asarray(limit), len(start)))
    place = np.array([contact], dtype=float)
    row: np.ndarray = transfer_matrix(geometry, place, **how)[0]
    return row


def _rooted(
    segments: tuple[Any, Any, Any],
    contact: tuple[Any, Any, Any],
    rootinds: ArrayLike,
    **how: Any,
) -> np.ndarray:
    """Lines, with some segments as points."""
    x, y, z = (np.asarray(values, dtype=float) for values in segments)
    is_root = np.isin(np.arange(len(x)), np.asarray(rootinds, dtype=int))
    limits = np.broadcast_to(how.pop("r_limit"), len(x))
    row = np.empty(len(x))
    for method, chosen in (("point", is_root), ("line", ~is_root)):
        if chosen.any():
            part = x[chosen], y[chosen], z[chosen]
            row[chosen] = _row(part, contact, method=method, r_limit=limits[chosen], **how)
    return row


def calc_lfp_linesource(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: float,
    r_limit: ArrayLike,
) -> np.ndarray:
    """Line sources in an infinite medium of `sigma`, S/m; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _row(segments, contact, method="line", sigma=sigma, r_limit=r_limit)


def calc_lfp_linesource_anisotropic(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: ArrayLike,
    r_limit: ArrayLike,
) -> np.ndarray:
    """Line sources, with `sigma` along x, y and z, shape (3,), S/m; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _row(segments, contact, method="line", sigma=sigma, r_limit=r_limit)


def calc_lfp_pointsource(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: float,
    r_limit: ArrayLike,
) -> np.ndarray:
    """Point sources in an infinite medium of `sigma`, S/m; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _row(segments, contact, method="point", sigma=sigma, r_limit=r_limit)


def calc_lfp_pointsource_anisotropic(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: ArrayLike,
    r_limit: ArrayLike,
) -> np.ndarray:
    """Point sources, with `sigma` along x, y and z, shape (3,), S/m; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _row(segments, contact, method="point", sigma=sigma, r_limit=r_limit)


def calc_lfp_root_as_point(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: float,
    r_limit: ArrayLike,
    rootinds: ArrayLike = (0,),
) -> np.ndarray:
    """Line sources, with the segments `rootinds` as points; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _rooted(segments, contact, rootinds, sigma=sigma, r_limit=r_limit)


def calc_lfp_root_as_point_anisotropic(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma: ArrayLike,
    r_limit: ArrayLike,
    rootinds: ArrayLike = (0,),
) -> np.ndarray:
    """As `calc_lfp_root_as_point`, with `sigma` along x, y and z, S/m; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    return _rooted(segments, contact, rootinds, sigma=sigma, r_limit=r_limit)


def calc_lfp_linesource_moi(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma_T: float,
    sigma_G: float,
    sigma_S: float,
    r_limit: ArrayLike,
    h: float,
    steps: int = 20,
) -> np.ndarray:
    """Line sources in a slice of thickness `h`, um, on glass; mV/nA, shape (N,).

    `steps` is accepted; as many images are taken as 1e-10 of the potential needs.
    """
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    medium = Slice(h, sigma_S, sigma_G)
    return _row(segments, contact, method="line", sigma=sigma_T, medium=medium, r_limit=r_limit)


def calc_lfp_pointsource_moi(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma_T: float,
    sigma_G: float,
    sigma_S: float,
    r_limit: ArrayLike,
    h: float,
    steps: int = 20,
) -> np.ndarray:
    """Point sources in a slice; see `calc_lfp_linesource_moi`; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    medium = Slice(h, sigma_S, sigma_G)
    return _row(segments, contact, method="point", sigma=sigma_T, medium=medium, r_limit=r_limit)


def calc_lfp_root_as_point_moi(
    cell_x: ArrayLike,
    cell_y: ArrayLike,
    cell_z: ArrayLike,
    x: float,
    y: float,
    z: float,
    sigma_T: float,
    sigma_G: float,
    sigma_S: float,
    r_limit: ArrayLike,
    h: float,
    steps: int = 20,
    rootinds: ArrayLike = (0,),
) -> np.ndarray:
    """Lines in a slice, with the segments `rootinds` as points; mV/nA, shape (N,)."""
    segments, contact = (cell_x, cell_y, cell_z), (x, y, z)
    medium = Slice(h, sigma_S, sigma_G)
    return _rooted(segments, contact, rootinds, sigma=sigma_T, medium=medium, r_limit=r_limit)


def return_dist_from_segments(
    xstart: ArrayLike,
    ystart: ArrayLike,
    zstart: ArrayLike,
    xend: ArrayLike,
    yend: ArrayLike,
    zend: ArrayLike,
    p: ArrayLike,
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of segments from a point, and where on each the nearest place is.

    Parameters
    ----------
    xstart, ystart, zstart, xend, yend, zend : array_like, shape (N,)
        um.
    p : array_like, shape (3,)
        um.

    Returns
    -------
    distances : ndarray, shape (N,)
        um.
    places : ndarray, shape (3, N)
        um.
    """
    start, end = (
        np.array(ends, dtype=float) for ends in ((xstart, ystart, zstart), (xend, yend, zend))
    )
    point = np.asarray(p, dtype=float).reshape(3, 1)
    along = end - start
    squared = np.sum(along**2, axis=0)
    share = np.sum((point - start) * along, axis=0) / np.where(squared > 0, squared, 1.0)
    places = start + np.clip(share, 0.0, 1.0) * along
    return np.linalg.norm(places - point, axis=0), places


def _deltaS_calc(
    xstart: ArrayLike,
    xend: ArrayLike,
    ystart: ArrayLike,
    yend: ArrayLike,
    zstart: ArrayLike,
    zend: ArrayLike,
) -> np.ndarray:
    """Lengths of segments, shape (N,), um."""
    gaps = [np.subtract(xend, xstart), np.subtract(yend, ystart), np.subtract(zend, zstart)]
    return np.asarray(np.sqrt(np.sum(np.square(gaps), axis=0)))
