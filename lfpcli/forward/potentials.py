"""Extracellular potentials: the one entry to the transfer matrices of every method and medium.

`transfer_matrix(geometry, contacts, method=, sigma=, medium=, quadrature=)` gives mV per nA,
shape (C, N), so that the potentials at C contacts are ``matrix @ currents`` for membrane currents
(N, T) in nA. `near_contacts(geometry, contacts)` lists the contacts inside a segment. Each row
depends on nothing but its contact and each column on nothing but its segment, so blocks of
cells or contacts can be computed apart, with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError, nearest
from lfpcli.forward import anisotropic, near_faces, tensors
from lfpcli.forward.axis_distance import keep_distance
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Medium, as_medium, check_conductivity
from lfpcli.forward.near_faces import Sources
from lfpcli.forward.quadrature import face_points
from lfpcli.forward.sources import as_geometry
from lfpcli.geometry import Geometry
from lfpcli.kernels import potentials as kernel
from lfpcli.vocabulary import METHOD, METHODS, SIGMA

TOLERANCE = 1e-10
"""Error of images and series, see `PotentialModel`."""


@dataclass(frozen=True, kw_only=True)
class PotentialModel:
    """How currents of segments make potentials at contacts.

    Attributes
    ----------
    method : {'line', 'point', 'soma-point'}
        Segments as uniform line sources (Holt and Koch 1999), as points in their middle,
        or as lines save those of the soma. Segments without length are points.
    sigma : float, sequence of three floats, or tensor of shape (3, 3)
        Conductivity of the tissue, S/m; along x, y and z where it is anisotropic, or along any
        axes as a tensor.
    medium : HalfSpace, Slice, Sphere, GridMedium or None
        None is the infinite medium. A `GridMedium` has its own conductivities and tolerance;
        `sigma` is that of no place then.
    quadrature : int, optional
        The most points to average a face over, wherever sources are; 1 takes the centre. Left
        out, 64, and adaptive cubature for the sources near a face (`near_faces`).
    tolerance : float
        Error of a slice's images and a sphere's series, relative to the potential at the
        distance of its thickness or radius.
    minimum_distance : float or 'auto', optional
        Of points and line sources in an isotropic infinite medium: least distance from the axis of
        a segment, um, see `axis_distance`. Left out: no contact is nearer to a segment than its
        radius.

    Raises
    ------
    UsageError
        Where a value makes no sense.
    """

    method: str = METHOD
    sigma: float | Sequence[float] | Sequence[Sequence[float]] | np.ndarray = SIGMA
    medium: Medium | GridMedium | None = None
    quadrature: int | None = None
    tolerance: float = TOLERANCE
    minimum_distance: float | str | None = None

    def __post_init__(self) -> None:
        check_method(self.method)
        check_sigma(self.sigma)
        is_plain = self.method == METHOD and self.medium is None and not self.conductivity.ndim
        if self.minimum_distance is not None and not is_plain:
            raise UsageError(
                "minimum_distance goes with line sources in the infinite medium, isotropic",
                remedy="leave it out",
            )

    @property
    def conductivity(self) -> np.ndarray:
        """Conductivity, shape (), or (3,) or (3, 3) where it is anisotropic, S/m."""
        return check_sigma(self.sigma)

    def matrix(
        self,
        geometry: Any,
        contacts: Contacts | ArrayLike,
        *,
        dtype: type = np.float64,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Potential at each contact per unit of current from each segment; see `transfer_matrix`.

        Parameters
        ----------
        geometry : Geometry or geometry-like
            N segments, um.
        contacts : Contacts or array_like, shape (C, 3)
            um.
        dtype, out
            As in `transfer_matrix`.

        Returns
        -------
        ndarray, shape (C, N)
            mV/nA.
        """
        segments, conductivity = as_geometry(geometry), self.conductivity
        if isinstance(self.medium, GridMedium):
            matrix = self._on_grid(segments, as_contacts(contacts), self.medium)
            if out is None:
                return matrix.astype(dtype, copy=False)
            out[...] = matrix
            return out
        if conductivity.ndim == 2:
            return self._along_axes(segments, as_contacts(contacts), dtype=dtype, out=out)
        if self.medium is not None:
            segments = self.medium.prepare(segments)
        start, end = source_ends(segments, self.method)
        contacts = as_contacts(contacts)
        points, weights = self.weighted_points(contacts)
        sources = (start, end, segments.diam / 2, self.method == "point")
        if conductivity.ndim:
            out = anisotropic.matrix(sources, points, weights, conductivity, dtype=dtype, out=out)
        else:
            table = kernel.source_table(*sources)
            out = kernel.potential(table, points, weights / conductivity, dtype=dtype, out=out)
        if self.minimum_distance is not None:
            if contacts.has_face:
                raise UsageError(
                    "minimum_distance goes with points, not with faces", remedy="leave out 'radius'"
                )
            keep_distance(
                out,
                segments,
                contacts.positions,
                least=self.minimum_distance,
                sigma=float(conductivity),
            )
        if self.refines(contacts):
            self._refine(out, Sources(start=start, end=end, radius=sources[2]), contacts)
        return out

    def _on_grid(self, segments: Geometry, contacts: Contacts, medium: GridMedium) -> np.ndarray:
        """The matrix (C, N) in a medium that is solved on grids about the contacts."""
        start, end = source_ends(medium.prepare(segments), self.method)
        whole = medium.remainders(contacts, start, end)
        # the singular part is that of an infinite medium as it is about the contact
        about = np.array([one.sigma for one in medium.solve(contacts)])
        for sigma in np.unique(about, axis=0):
            # metal is no point source, and its potential is whole
            if np.isinf(sigma[0]):
                continue
            rows = np.flatnonzero((about == sigma).all(axis=1))
            about_it = tensors.matrices(sigma) if len(sigma) == tensors.TURNED else sigma
            single = PotentialModel(method=self.method, sigma=about_it, quadrature=self.quadrature)
            whole[rows] += single.matrix(segments, contacts.some(rows))
        return whole

    def _along_axes(self, segments: Geometry, contacts: Contacts, **options: Any) -> np.ndarray:
        """The matrix where the conductivity is a tensor: that of a scene turned into its axes."""
        if self.medium is not None:
            raise UsageError(
                "a tensor of conductivity needs the infinite medium or one of regions",
                remedy="rotate the cells and contacts so that its axes are x, y and z",
            )
        values, axes = np.linalg.eigh(self.conductivity)
        # a rotation keeps the faces of contacts what they are, a reflection does not
        axes[:, 0] *= np.sign(np.linalg.det(axes))
        turned = replace(segments, start=segments.start @ axes, end=segments.end @ axes)
        model = replace(self, sigma=values)
        return model.matrix(turned, contacts.moved(rotation=axes.T), **options)

    def refines(self, contacts: Contacts) -> bool:
        """Whether faces that are near to sources are averaged by more than the fixed points."""
        return self.quadrature is None and contacts.has_face

    def _refine(self, out: np.ndarray, sources: Sources, contacts: Contacts) -> None:
        """Put the entries (C, N) right where a source is near to a face."""
        conductivity = self.conductivity
        if self.medium is not None:
            assert not isinstance(self.medium, GridMedium)
            near_faces.refine_in_medium(
                out,
                sources,
                contacts,
                self.medium,
                sigma=as_argument(conductivity),
                tolerance=self.tolerance,
            )
            return
        faces, size = near_faces.flat_faces(contacts), near_faces.face_size(contacts)
        if conductivity.ndim:
            stretch = anisotropic.stretches(conductivity)
            near_faces.refine(out, sources, faces, size, stretch=stretch)
        else:
            near_faces.refine(out, sources, faces, size, scale=1.0 / float(conductivity))

    def weighted_points(self, contacts: Contacts | ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Points whose weighted potentials are the contacts': those of faces, and their images.

        Parameters
        ----------
        contacts : Contacts or array_like, shape (C, 3)
            um.

        Returns
        -------
        points : ndarray, shape (C, Q, 3)
            um.
        weights : ndarray, shape (C, Q)
            Zero where a contact needs fewer points than another.
        """
        if not np.isfinite(self.tolerance) or self.tolerance <= 0:
            raise UsageError(f"tolerance is {self.tolerance!r}, expected a positive number")
        points, weight = face_points(as_contacts(contacts), self.quadrature)
        weights = np.ascontiguousarray(np.broadcast_to(weight, points.shape[:2]))
        if self.medium is None:
            return points, weights
        if isinstance(self.medium, GridMedium):
            raise UsageError("a medium of regions has no images")
        conductivity = self.conductivity
        if conductivity.ndim:
            check_conductivity(self.medium, conductivity)
        images, factors = self.medium.images(points, as_argument(conductivity), self.tolerance)
        count = len(points)
        return images.reshape(count, -1, 3), (weights[..., None] * factors).reshape(count, -1)


def transfer_matrix(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    *,
    method: str = METHOD,
    sigma: float | ArrayLike = SIGMA,
    medium: Medium | GridMedium | Mapping[str, object] | str | None = None,
    quadrature: int | None = None,
    tolerance: float = TOLERANCE,
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
    method, sigma, quadrature, tolerance
        As in `PotentialModel`.
    medium : HalfSpace, Slice, Sphere, GridMedium, mapping, str, optional
        See `media.as_medium`; left out, the infinite medium.
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
    model = PotentialModel(
        method=method,
        sigma=check_sigma(sigma),
        medium=medium if isinstance(medium, GridMedium) else as_medium(medium),
        quadrature=quadrature,
        tolerance=tolerance,
    )
    return model.matrix(geometry, contacts, dtype=dtype, out=out)


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


def source_ends(geometry: Geometry, method: str) -> tuple[np.ndarray, np.ndarray]:
    """End points of the sources, (N, 3) each, um; of a point source both are the middle."""
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


def as_argument(conductivity: np.ndarray) -> float | np.ndarray:
    """Return a conductivity (3,) as it is, and one of shape () as a number, S/m."""
    return conductivity if conductivity.ndim else float(conductivity)


def check_sigma(sigma: float | ArrayLike) -> np.ndarray:
    """Return the conductivity, S/m, with shape (), (3,) or (3, 3), the first that tells it."""
    try:
        value = np.asarray(sigma, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"sigma is {sigma!r}, expected one or three numbers") from error
    if value.shape not in ((), (1,), (3,), (3, 3)):
        raise UsageError(f"sigma has shape {value.shape}, expected one number, three or 3 x 3")
    if value.ndim == 2:
        return check_tensor(value)
    if not np.all(np.isfinite(value)) or np.any(value <= 0):
        raise UsageError(f"sigma is {value.tolist()} S/m, expected finite numbers > 0")
    # the isotropic kernels are faster, and know more media
    if np.all(value == value.flat[0]):
        return np.asarray(value.flat[0])
    return value


def check_tensor(tensor: np.ndarray) -> np.ndarray:
    """Return a conductivity tensor (3, 3), S/m, or its diagonal (3,) where there is no more.

    Raises
    ------
    UsageError
        Where it is not symmetric with positive conductivities along all axes.
    """
    if not np.all(np.isfinite(tensor)):
        raise UsageError("sigma holds NaN or infinity", remedy="give numbers in S/m")
    if np.abs(tensor - tensor.T).max() > 1e-9 * np.abs(tensor).max():
        raise UsageError(
            f"sigma is {tensor.tolist()} S/m, which is not symmetric",
            remedy="give the same number above and below the diagonal",
        )
    least = float(np.linalg.eigvalsh(tensor).min())
    if least <= 0:
        raise UsageError(
            f"sigma has the conductivity {least:.3g} S/m along one of its axes, expected > 0",
            remedy="make it positive definite",
        )
    if np.count_nonzero(tensor) == 3:
        return check_sigma(np.diag(tensor))
    return np.asarray((tensor + tensor.T) / 2.0)
