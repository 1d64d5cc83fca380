"""Forward models with LFPykit's arguments and errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward import models
from lfpcli.forward.models import (
    CurrentDipoleMoment,
    LinearModel,
    LineSourcePotential,
    PointSourcePotential,
)
from lfpcli.forward.sources import as_geometry
from lfpcli.geometry import Geometry

__all__ = [
    "CellGeometry",
    "CurrentDipoleMoment",
    "LaminarCurrentSourceDensity",
    "LineSourcePotential",
    "LinearModel",
    "OneSphereVolumeConductor",
    "PointSourcePotential",
    "RecExtElectrode",
    "RecMEAElectrode",
    "RuntimeInputError",
    "VolumetricCurrentSourceDensity",
    "as_runtime_errors",
]


class RuntimeInputError(InputError, RuntimeError):
    """An input error where LFPykit raises a RuntimeError."""


@contextlib.contextmanager
def as_runtime_errors() -> Iterator[None]:
    """Raise errors of input as errors that are RuntimeErrors too."""
    try:
        yield
    except InputError as error:
        raise RuntimeInputError(error.message, source=error.source, remedy=error.remedy) from error


class CellGeometry:
    """Segments without a simulator.

    Parameters
    ----------
    x, y, z : array_like, shape (N, 2)
        Start and end of each segment, um.
    d : array_like, shape (N,) or (N, 2)
        Diameters of the segments, or of their two ends, um.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike, z: ArrayLike, d: ArrayLike) -> None:
        self.x, self.y, self.z = (np.asarray(values, dtype=float) for values in (x, y, z))
        self.d = np.asarray(d, dtype=float)
        if not self.x.shape == self.y.shape == self.z.shape == (len(self.d), 2):
            raise UsageError(
                f"x, y and z have shapes {self.x.shape}, {self.y.shape} and {self.z.shape}, "
                f"expected ({len(self.d)}, 2)"
            )
        self.totnsegs = len(self.d)

    def __repr__(self) -> str:
        return f"CellGeometry({self.totnsegs} segments)"

    @property
    def length(self) -> np.ndarray:
        """Distances between the ends, shape (N,), um."""
        gaps = [np.diff(values, axis=1)[:, 0] for values in (self.x, self.y, self.z)]
        return np.asarray(np.sqrt(np.sum(np.square(gaps), axis=0)))

    @property
    def area(self) -> np.ndarray:
        """Areas of the mantles of cylinders, or of cones where ends have diameters, (N,), um2."""
        if self.d.ndim == 1:
            return np.asarray(np.pi * self.d * self.length)
        radii = self.d / 2
        slant = np.hypot(self.length, radii[:, 0] - radii[:, 1])
        return np.asarray(np.pi * radii.sum(axis=1) * slant)


class RecExtElectrode(models.RecExtElectrode):
    """Contacts of an extracellular electrode; arguments as LFPykit's.

    Parameters
    ----------
    cell : Cell, CellGeometry or None
    sigma : float or sequence of three floats
        Conductivity, S/m.
    probe : MEAutility array, optional
        The contacts, instead of x, y, z, N, r.
    x, y, z, N, r, n, contact_shape, method
        See `lfpcli.forward.models.RecExtElectrode`.
    verbose, seedvalue
        Accepted; nothing is printed, and faces are averaged over by a fixed rule.
    rootinds : array_like of int, optional
        Segments that are points with ``root_as_point``; those of the soma where left out.
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
        verbose: bool = False,
        seedvalue: int | None = None,
        rootinds: ArrayLike | None = None,
        **unknown: Any,
    ) -> None:
        for name in unknown:
            known = [k for k in RecExtElectrode.__init__.__annotations__ if k != "return"]
            raise UsageError(
                f"an electrode has no argument '{name}'", remedy=nearest(name, known, "argument")
            )
        if np.ndim(sigma) and np.size(sigma) != 3:
            raise UsageError(f"sigma has {np.size(sigma)} values, expected 1 or 3")
        # LFPykit ignores a number of points without a face
        has_all = n is not None and r is not None and N is not None
        super().__init__(
            cell,
            sigma=sigma,
            probe=probe,
            x=x,
            y=y,
            z=z,
            N=N,
            r=r,
            n=n if has_all or probe is not None else None,
            contact_shape=contact_shape,
            method=method,
        )
        self.rootinds = None if rootinds is None else np.asarray(rootinds, dtype=int)
        if probe is not None:
            self.probe = probe

    @property
    def x(self) -> np.ndarray:
        """Contacts along x, shape (C,), um."""
        return self.contacts.positions[:, 0]

    @property
    def y(self) -> np.ndarray:
        """Contacts along y, shape (C,), um."""
        return self.contacts.positions[:, 1]

    @property
    def z(self) -> np.ndarray:
        """Contacts along z, shape (C,), um."""
        return self.contacts.positions[:, 2]

    @cached_property
    def probe(self) -> Any:
        """The contacts as an array of MEAutility, which holds currents for stimulation."""
        import MEAutility

        array = MEAutility.return_mea(
            info={
                "pos": self.contacts.positions.tolist(),
                "center": False,
                "plane": "yz",
                "size": self.contacts.radius or 1.0,
                "shape": "circle" if self.contacts.shape == "circle" else "square",
                "type": "mea",
            }
        )
        # MEAutility orders positions by plane; ours are those that were given
        for electrode, position in zip(array.electrodes, self.contacts.positions, strict=True):
            electrode.position = position
        return array

    def _matrix(self, cell: Any) -> np.ndarray:
        matrix = super()._matrix(cell)
        if self.rootinds is None or self.method != "soma-point":
            return matrix
        # LFPykit names the points by index, the library by the soma of each cell
        columns = {}
        for method in ("line", "point"):
            self.method = method
            columns[method] = super()._matrix(cell)
        self.method = "soma-point"
        matrix = columns["line"]
        matrix[:, self.rootinds] = columns["point"][:, self.rootinds]
        return matrix


class RecMEAElectrode(models.RecMEAElectrode, RecExtElectrode):
    """Contacts at a slice between glass and saline; arguments as LFPykit's.

    Parameters
    ----------
    cell : Cell, CellGeometry or None
    sigma_T, sigma_S, sigma_G, h, z_shift, squeeze_cell_factor
        See `lfpcli.forward.models.RecMEAElectrode`. The cell stays as it is when it is squeezed.
    steps : int
        Accepted; as many images are taken as 1e-10 of the potential needs.
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
        steps: int = 20,
        squeeze_cell_factor: float | None = None,
        **electrode: Any,
    ) -> None:
        super().__init__(
            cell,
            sigma_T=sigma_T,
            sigma_S=sigma_S,
            sigma_G=sigma_G,
            h=h,
            z_shift=z_shift,
            squeeze_cell_factor=squeeze_cell_factor,
            **electrode,
        )
        self.sigma_T, self.sigma_S, self.sigma_G = sigma_T, sigma_S, sigma_G
        self.h, self.z_shift = h, z_shift

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (C, N), mV/nA.

        Raises
        ------
        RuntimeInputError
            Where a segment is outside of the slice.
        """
        with as_runtime_errors():
            return super().get_transformation_matrix()

    def _test_cell_extent(self) -> None:
        with as_runtime_errors():
            self.medium.prepare(as_geometry(self.cell))

    def _return_comp_outside_slice(self) -> tuple[np.ndarray, str]:
        """Segments whose first kind of fault this is, as LFPykit tells them."""
        geometry = as_geometry(self.cell)
        low, high = self.z_shift, self.z_shift + self.h
        for name, depth in (("start", geometry.start[:, 2]), ("end", geometry.end[:, 2])):
            for side, outside in (("above", depth > high), ("below", depth < low)):
                if outside.any():
                    return np.flatnonzero(outside), f"z{name} {side}"
        raise RuntimeInputError("no segment is outside of the slice")


class OneSphereVolumeConductor(models.OneSphereVolumeConductor):
    """Potentials inside and outside of a sphere; see the library's class of this name."""

    def calc_potential(
        self, rs: float, current: ArrayLike, min_distance: float = 1.0, n_max: int = 1000
    ) -> np.ndarray:
        """Potential of a point source on the z axis.

        Parameters
        ----------
        rs : float
            Its distance from the centre, um.
        current : float or array_like, shape (T,)
            nA.
        min_distance : float
            Contacts that are nearer are taken at this distance, um.
        n_max : int
            Accepted; the series ends by its tolerance.

        Returns
        -------
        ndarray, shape (C,) or (C, T)
            mV.
        """
        place = np.array([[0.0, 0.0, float(rs)]])
        source = Geometry(place, place, np.array([2.0 * min_distance]))
        cell, self.cell = self.cell, source
        try:
            column = self.get_transformation_matrix()[:, 0]
        finally:
            # the model is used with its own cell again
            self.cell = cell
        return np.asarray(np.multiply.outer(column, np.asarray(current, dtype=float)))

    def get_transformation_matrix(self, n_max: int = 1000) -> np.ndarray:
        """Return M, shape (C, N), mV/nA; `n_max` is accepted, the series ends by its tolerance."""
        return super().get_transformation_matrix()


class LaminarCurrentSourceDensity(models.LaminarCurrentSourceDensity):
    """CSD in cylinders about the z axis, nA/um3; see the library's class of this name."""


class VolumetricCurrentSourceDensity(models.VolumetricCurrentSourceDensity):
    """CSD in voxels, nA/um3, by exact clipping.

    Parameters
    ----------
    cell : Cell, CellGeometry or None
    x, y, z : array_like, shape (n + 1,) each
        Edges of the voxels, um.
    dl : float
        Accepted; segments are clipped, not sampled.
    """

    def __init__(
        self,
        cell: Any,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        z: ArrayLike | None = None,
        dl: float = 1.0,
    ) -> None:
        if x is None or y is None or z is None:
            raise UsageError("a volume needs edges x, y and z")
        super().__init__(cell, x, y, z)

    def get_transformation_matrix(self) -> np.ndarray:
        """Return M, shape (nx, ny, nz, N), 1/um3."""
        return super().get_transformation_matrix().reshape(*self.grid_shape, -1)
