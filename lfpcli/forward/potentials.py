"""Extracellular potentials: the one entry to the transfer matrices of every method and medium.

`transfer_matrix(geometry, contacts, method=, sigma=, medium=, quadrature=)` gives mV per nA,
shape (C, N), so that the potentials at C contacts are ``matrix @ currents`` for membrane currents
(N, T) in nA. `near_contacts(geometry, contacts)` lists the contacts inside a segment. Each row
depends on nothing but its contact and each column on nothing but its segment, so blocks of
cells or contacts can be computed apart, with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError, nearest
from lfpcli.forward import anisotropic
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import Medium, as_medium
from lfpcli.forward.quadrature import face_points
from lfpcli.forward.sources import as_geometry
from lfpcli.geometry import Geometry
from lfpcli.kernels import potentials as kernel
from lfpcli.vocabulary import METHOD, METHODS, SIGMA


def transfer_matrix(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    *,
    method: str = METHOD,
    sigma: float | ArrayLike = SIGMA,
    medium: Medium | Mapping[str, object] | str | None = None,
    quadrature: int | None = None,
    tolerance: float = 1e-10,
    dtype: type = np.float64,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Potential at each contact per unit of current from each segment.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um; see `sources.as_geometry`.
    contacts : Contacts or array_like, shape (C, 3)
        Points, or faces that are averaged over, um.
    method : {'line', 'point', 'soma-point'}
        Segments as uniform line sources (Holt and Koch 1999), as points in their middle,
        or as lines save those of the soma. Segments without length are points.
    sigma : float or array_like, shape (3,)
        Conductivity of the tissue, S/m; along x, y and z where it is anisotropic.
    medium : HalfSpace, Slice, Sphere, mapping, str, optional
        See `media.as_medium`; left out, the infinite medium.
    quadrature : int, optional
        The most points to average a face over; left out, 64. 1 takes the centre.
    tolerance : float
        Error of a slice's images and a sphere's series, relative to the potential at the
        distance of its thickness or radius.
    dtype : numpy.float64 or numpy.float32
        Type of the result; the arithmetic is double in both.
    out : ndarray, shape (C, N), optional
        Where to put the result, C-contiguous, instead of in new memory; its type is kept.

    Returns
    -------
    ndarray, shape (C, N)
        mV/nA. A contact nearer to a segment than its radius is taken at the radius.

    Raises
    ------
    UsageError
        Where an argument makes no sense.
    InputError
        Where segments or contacts are not finite or lie outside the medium.
    """
    segments, medium = as_geometry(geometry), as_medium(medium)
    conductivity = check_sigma(sigma)
    kind = check_method(method)
    if medium is not None:
        segments = medium.prepare(segments)
    start, end = source_ends(segments, kind)
    points, weights = weighted_points(contacts, conductivity, medium, quadrature, tolerance)
    sources = (start, end, segments.diam / 2, kind == "point")
    if conductivity.ndim:
        return anisotropic.matrix(sources, points, weights, conductivity, dtype, out)
    table = kernel.source_table(*sources)
    return kernel.potential(table, points, weights / conductivity, dtype=dtype, out=out)


def near_contacts(geometry: Any, contacts: Contacts | ArrayLike) -> np.ndarray:
    """List the contacts whose centre is nearer to a segment than the segment's radius.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        Segments, um.
    contacts : Contacts or array_like, shape (C, 3)
        um.

    Returns
    -------
    ndarray with fields 'contact', 'segment' (int), 'distance' and 'radius' (um)
        In order of contacts, then of segments. Every method takes these pairs at the radius.
    """
    segments = as_geometry(geometry)
    radius = segments.diam / 2
    contact, segment, distance = kernel.near_pairs(
        segments.start, segments.end, radius, as_contacts(contacts).positions
    )
    fields = [("contact", int), ("segment", int), ("distance", float), ("radius", float)]
    near = np.empty(len(contact), dtype=fields)
    near["contact"], near["segment"], near["distance"] = contact, segment, distance
    near["radius"] = radius[segment]
    return near


def weighted_points(
    contacts: Contacts | ArrayLike,
    sigma: np.ndarray,
    medium: Medium | None = None,
    quadrature: int | None = None,
    tolerance: float = 1e-10,
) -> tuple[np.ndarray, np.ndarray]:
    """Points whose weighted potentials are the contacts': those of faces, and their images.

    Parameters
    ----------
    contacts, medium, quadrature, tolerance
        As in `transfer_matrix`.
    sigma : ndarray, shape () or (3,)
        From `check_sigma`.

    Returns
    -------
    points : ndarray, shape (C, Q, 3)
        um.
    weights : ndarray, shape (C, Q)
        Zero where a contact needs fewer points than another.
    """
    if not np.isfinite(tolerance) or tolerance <= 0:
        raise UsageError(f"tolerance is {tolerance!r}, expected a positive number")
    points, weight = face_points(as_contacts(contacts), quadrature)
    weights = np.ascontiguousarray(np.broadcast_to(weight, points.shape[:2]))
    if medium is None:
        return points, weights
    if sigma.ndim:
        raise UsageError("an anisotropic sigma needs the infinite medium")
    images, factors = medium.images(points, float(sigma), tolerance)
    count = len(points)
    return images.reshape(count, -1, 3), (weights[..., None] * factors).reshape(count, -1)


def source_ends(geometry: Geometry, method: str) -> tuple[np.ndarray, np.ndarray]:
    """End points of the sources; those of a point source coincide in the segment's middle."""
    if method == "line":
        return geometry.start, geometry.end
    middle = geometry.middle
    if method == "point":
        return middle, middle
    soma = geometry.is_soma[:, None]
    return np.where(soma, middle, geometry.start), np.where(soma, middle, geometry.end)


def as_contacts(contacts: Contacts | ArrayLike) -> Contacts:
    """Return contacts as they are, or positions (C, 3) or (3,) as points."""
    if isinstance(contacts, Contacts):
        return contacts
    positions: Any = [contacts] if np.ndim(contacts) == 1 else contacts
    return Contacts(positions)


def check_method(method: str) -> str:
    """Return a method's name, or raise a UsageError that names the nearest known one."""
    if method not in METHODS:
        raise UsageError(
            f"unknown method '{method}'", remedy=nearest(str(method), METHODS, "method")
        )
    return method


def check_sigma(sigma: float | ArrayLike) -> np.ndarray:
    """Return the conductivity with shape () or (3,); three equal numbers are one."""
    try:
        value = np.asarray(sigma, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"sigma is {sigma!r}, expected one or three numbers") from error
    if value.shape not in ((), (1,), (3,)):
        raise UsageError(f"sigma has shape {value.shape}, expected one number or three")
    if not np.all(np.isfinite(value)) or np.any(value <= 0):
        raise UsageError(f"sigma is {value.tolist()} S/m, expected finite numbers > 0")
    if np.all(value == value.flat[0]):
        return np.asarray(value.flat[0])
    return value
