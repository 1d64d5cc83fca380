"""Forward models as classes, with the names and arguments that LFPykit's users know.

Each takes a cell, anything with segments (see `sources.as_geometry`), and gives from
`get_transformation_matrix` the matrix M of shape (C, N) that makes measurements M @ I from
membrane currents I (N, T) in nA. The cell may be None and be set later.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, LfpWarning, UsageError, known_keywords, nearest
from lfpcli.forward import csd
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.dipole import dipole_matrix
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.potentials import near_contacts, transfer_matrix
from lfpcli.vocabulary import METHODS

# LFPykit's names of the methods, and ours
_METHOD_OF = {
    "linesource": "line",
    "pointsource": "point",
    "root_as_point": "soma-point",
    **{m: m for m in METHODS},
}


class LinearModel:
    """A measurement that is linear in the membrane currents; by itself the identity.

    Parameters
    ----------
    cell : geometry-like or None
    """

    def __init__(self, cell: Any) -> None:
        self.cell = cell

    def __repr__(self) -> str:
        contacts = getattr(self, "contacts", None)
        measured = "" if contacts is None else f"{contacts!r}, "
        return f"{type(self).__name__}({measured}cell={self.cell!r})"

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (C, N); here the identity."""
        return np.eye(len(self._segments().d))

    def _segments(self) -> Any:
        if self.cell is None:
            raise UsageError(f"{type(self).__name__} has no cell", remedy="set its cell")
        return self.cell


@known_keywords
class CurrentDipoleMoment(LinearModel):
    """Current dipole moment, nA um; M has shape (3, N)."""

    def get_transformation_matrix(self) -> np.ndarray:
        """Return the midpoints of the segments, shape (3, N), um."""
        return dipole_matrix(self._segments())


@known_keywords
class PointSourcePotential(LinearModel):
    """Potentials of segments as point sources in an infinite medium.

    Parameters
    ----------
    cell : geometry-like or None
    x, y, z : float or array_like, shape (C,)
        Contacts, um.
    sigma : float
        Conductivity, S/m.
    """

    method = "point"

    def __init__(
        self, cell: Any, x: ArrayLike, y: ArrayLike, z: ArrayLike, sigma: float = 0.3
    ) -> None:
        super().__init__(cell)
        self.contacts = Contacts(_positions(x, y, z))
        self.sigma = sigma

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (C, N), mV/nA."""
        return transfer_matrix(
            self._segments(), self.contacts, method=self.method, sigma=self.sigma
        )


@known_keywords
class LineSourcePotential(PointSourcePotential):
    """Potentials of segments as line sources (Holt and Koch 1999); as `PointSourcePotential`."""

    method = "line"


@known_keywords
class RecExtElectrode(LinearModel):
    """Contacts of an extracellular electrode in an infinite medium.

    Parameters
    ----------
    cell : geometry-like or None
    sigma : float or array_like, shape (3,)
        Conductivity, S/m; along x, y and z where anisotropic.
    probe : Contacts or MEAutility array, optional
        The contacts, instead of x, y, z, N, r.
    x, y, z : float or array_like, shape (C,)
        Centres of the contacts, um.
    N : array_like, shape (C, 3) or (3,), optional
        Normals of the faces, of any length.
    r : float, optional
        Radius of the faces, half the side of a square, um.
    n : int, optional
        The most points to average a face over, by a fixed rule; left out, contacts are points.
    contact_shape : {'circle', 'square', 'rect'}
    method : {'linesource', 'pointsource', 'root_as_point'} or {'line', 'point', 'soma-point'}
    """

    def __init__(
        self,
        cell: Any,
        sigma: float | ArrayLike = 0.3,
        probe: Any = None,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        z: ArrayLike | None = None,
        N: ArrayLike | None = None,
        r: float | None = None,
        n: int | None = None,
        contact_shape: str = "circle",
        method: str = "linesource",
    ) -> None:
        super().__init__(cell)
        self.sigma = sigma
        self.n = n
        self.method = _method(method)
        if probe is not None:
            self.contacts = _contacts_of_probe(probe)
        elif x is None or y is None or z is None:
            raise UsageError("an electrode needs a probe, or x, y and z")
        else:
            # a face without a size or a normal would be averaged over nothing, which is the centre
            if n is not None and (r is None or N is None):
                raise UsageError("averaging over faces needs all of n, N and r")
            self.contacts = Contacts(
                _positions(x, y, z),
                normals=None if N is None else np.asarray(N, dtype=float),
                radius=0.0 if r is None else r,
                shape=contact_shape,
            )

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (C, N), mV/nA; warn where contacts lie inside segments."""
        cell = self._segments()
        near = near_contacts(cell, self.contacts)
        if len(near):
            warnings.warn(
                f"{len(near)} pairs of a contact and a segment are nearer than the segment's "
                f"radius, the first at {near['distance'][0]:.3g} um; taken at the radius",
                LfpWarning,
                stacklevel=2,
            )
        return self._matrix(cell)

    def _matrix(self, cell: Any) -> np.ndarray:
        return transfer_matrix(
            cell, self.contacts, method=self.method, sigma=self.sigma, quadrature=self.n or 1
        )


@known_keywords
class RecMEAElectrode(RecExtElectrode):
    """Contacts at a slice between glass and saline (Ness et al. 2015).

    Parameters
    ----------
    cell : geometry-like or None
    sigma_T, sigma_S, sigma_G : float
        Conductivities of tissue, saline and glass, S/m.
    h : float
        Thickness of the slice, um.
    z_shift : float
        Height of the glass, um.
    tolerance : float
        Decides on the number of images; see `potentials.transfer_matrix`.
    squeeze_cell_factor : float, optional
        Flatten the cell about its soma by this fraction of its depth; the cell that was
        given stays as it is.
    **electrode
        As `RecExtElectrode` save sigma.
    """

    def __init__(
        self,
        cell: Any,
        sigma_T: float = 0.3,
        sigma_S: float = 1.5,
        sigma_G: float = 0.0,
        h: float = 300.0,
        z_shift: float = 0.0,
        tolerance: float = 1e-10,
        squeeze_cell_factor: float | None = None,
        **electrode: Any,
    ) -> None:
        super().__init__(cell, sigma=sigma_T, **electrode)
        self.tolerance = tolerance
        self.medium = Slice(
            thickness=h,
            sigma_saline=sigma_S,
            sigma_glass=sigma_G,
            z_shift=z_shift,
            squeeze=squeeze_cell_factor,
        )

    def _matrix(self, cell: Any) -> np.ndarray:
        return transfer_matrix(
            cell,
            self.contacts,
            method=self.method,
            sigma=self.sigma,
            medium=self.medium,
            quadrature=self.n or 1,
            tolerance=self.tolerance,
        )


@known_keywords
class OneSphereVolumeConductor(LinearModel):
    """Potentials inside and outside a sphere about the origin (Deng 2008).

    Parameters
    ----------
    cell : geometry-like or None
        Inside the sphere.
    r : array_like, shape (3, C)
        Contacts as radius (um), polar angle from the z axis and azimuth from the x axis (radians).
    R : float
        Radius of the sphere, um.
    sigma_i, sigma_o : float
        Conductivities inside and outside, S/m.
    method : str
        'point' or 'line'; see `potentials.transfer_matrix`.
    """

    def __init__(
        self,
        cell: Any,
        r: ArrayLike,
        R: float = 10000.0,
        sigma_i: float = 0.3,
        sigma_o: float = 0.03,
        method: str = "point",
    ) -> None:
        super().__init__(cell)
        spherical = np.asarray(r, dtype=float)
        if spherical.ndim != 2 or len(spherical) != 3:
            raise UsageError(f"r has shape {spherical.shape}, expected (3, C)")
        distance, polar, azimuth = spherical
        level = distance * np.sin(polar)
        self.contacts = Contacts(
            _positions(level * np.cos(azimuth), level * np.sin(azimuth), distance * np.cos(polar))
        )
        self.sigma = sigma_i
        self.medium = Sphere(R, sigma_o)
        self.method = _method(method)

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (C, N), mV/nA."""
        return transfer_matrix(
            self._segments(),
            self.contacts,
            method=self.method,
            sigma=self.sigma,
            medium=self.medium,
        )


@known_keywords
class LaminarCurrentSourceDensity(LinearModel):
    """CSD in cylinders about the z axis, nA/um3, from exact clipping of the segments.

    Parameters
    ----------
    cell : geometry-like or None
    z : array_like, shape (L, 2)
        Lower and upper ends of the cylinders, um.
    r : float or array_like, shape (L,)
        Their radii, um.
    """

    def __init__(self, cell: Any, z: ArrayLike, r: float | ArrayLike) -> None:
        super().__init__(cell)
        self.z = csd.check_layers(z)
        self.r = csd.check_radii(r, len(self.z))

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (L, N), 1/um3."""
        return csd.laminar_matrix(self._segments(), self.z, self.r)


@known_keywords
class VolumetricCurrentSourceDensity(LinearModel):
    """CSD in the voxels of a grid, nA/um3, from exact clipping of the segments.

    Parameters
    ----------
    cell : geometry-like or None
    x, y, z : array_like, shape (n + 1,) each
        Ascending edges of the voxels, um.

    Attributes
    ----------
    grid_shape : tuple of int
        Voxels along x, y and z: ``(M @ I).reshape(*grid_shape, -1)`` is the CSD on the grid.
    """

    def __init__(self, cell: Any, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> None:
        super().__init__(cell)
        self.edges = [csd.check_edges(e, a) for e, a in zip((x, y, z), "xyz", strict=True)]
        self.grid_shape = tuple(len(e) - 1 for e in self.edges)

    def get_sparse_matrix(self) -> Any:
        """Return M as a scipy.sparse.csr_array, shape (nx ny nz, N), 1/um3."""
        return csd.volumetric_matrix(self._segments(), *self.edges)

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (nx ny nz, N), 1/um3."""
        return np.asarray(self.get_sparse_matrix().toarray())


def _positions(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> np.ndarray:
    try:
        columns = [np.atleast_1d(np.asarray(value, dtype=float)) for value in (x, y, z)]
        return np.column_stack(np.broadcast_arrays(*columns))
    except (TypeError, ValueError) as error:
        raise InputError("x, y and z of the contacts are not numbers of equal count") from error


def _method(name: str) -> str:
    if name not in _METHOD_OF:
        raise UsageError(
            f"unknown method '{name}'", remedy=nearest(str(name), _METHOD_OF, "method")
        )
    return _METHOD_OF[name]


def _contacts_of_probe(probe: Any) -> Contacts:
    if isinstance(probe, Contacts):
        return probe
    size = np.ravel(probe.size)
    # MEAutility: a radius, half a side of a square, or two half sides
    rect = len(size) == 2
    return Contacts(
        np.asarray(probe.positions, dtype=float),
        normals=np.array([e.normal for e in probe.electrodes], dtype=float),
        radius=0.0 if rect else float(size[0]),
        shape=probe.shape,
        half_sides=(float(size[0]), float(size[1])) if rect else None,
    )
