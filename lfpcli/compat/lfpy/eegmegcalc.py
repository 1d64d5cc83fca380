"""Heads with LFPy's arguments: potentials and magnetic fields of dipoles."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.compat.lfpy.models import as_runtime_errors
from lfpcli.compat.lfpy.shells import Shells
from lfpcli.forward import four_sphere, infinite, meg
from lfpcli.forward.arrays import points
from lfpcli.forward.lead_field import LeadField
from lfpcli.forward.orientation import rotations_onto
from lfpcli.io import head_model
from lfpcli.vocabulary import NEW_YORK_HEAD

UM_PER_MM = 1e3


class FourSphereVolumeConductor(Shells, four_sphere.FourSphereVolumeConductor):
    """Four shells of a head.

    Parameters
    ----------
    r_electrodes : array_like, shape (n, 3)
        Places of the electrodes, um.
    radii, sigmas : array_like, shape (4,)
        Outer radii, um, and conductivities, S/m, of brain, CSF, skull and scalp.
    iter_factor : float
        Accepted; the series ends at 1e-12 of its first term.

    Raises
    ------
    RuntimeInputError
        Where radii do not increase or a conductivity is not positive.
    """

    def __init__(
        self,
        r_electrodes: ArrayLike,
        radii: ArrayLike = four_sphere.RADII,
        sigmas: ArrayLike = four_sphere.SIGMAS,
        iter_factor: float | None = None,
    ) -> None:
        with as_runtime_errors():
            super().__init__(r_electrodes, radii, sigmas)

    @property
    def rxyz(self) -> np.ndarray:
        """Places of the electrodes, shape (n, 3), um."""
        return self.r_electrodes

    def get_dipole_potential_from_multi_dipoles(
        self, cell: Any, timepoints: ArrayLike | None = None
    ) -> np.ndarray:
        """Potentials of all axial currents of a cell, each as a dipole where it flows.

        Parameters
        ----------
        cell : Cell
            Simulated with ``rec_vmem=True``, and now within the brain.
        timepoints : array_like of int, optional
            Samples to compute; all where left out.

        Returns
        -------
        ndarray, shape (n, T)
            mV.
        """
        moments, places = cell.get_multi_current_dipole_moments(timepoints)
        return _of_dipoles(self.lead_field(places), moments)


class InfiniteVolumeConductor(infinite.InfiniteVolumeConductor):
    """Dipoles in an infinite medium of conductivity `sigma`, S/m."""

    def get_multi_dipole_potential(
        self, cell: Any, electrode_locs: ArrayLike, timepoints: ArrayLike | None = None
    ) -> np.ndarray:
        """Potentials of all axial currents of a cell, each as a dipole where it flows.

        Parameters
        ----------
        cell : Cell
            Simulated with ``rec_vmem=True``.
        electrode_locs : array_like, shape (n, 3)
            um.
        timepoints : array_like of int, optional
            Samples to compute; all where left out.

        Returns
        -------
        ndarray, shape (n, T)
            mV.
        """
        moments, places = cell.get_multi_current_dipole_moments(timepoints)
        return _of_dipoles(infinite.lead_field(electrode_locs, places, self.sigma), moments)


class InfiniteHomogeneousVolCondMEG(meg.InfiniteHomogeneousVolCondMEG):
    """Magnetic field of dipoles in an infinite medium; see the library's class of this name."""

    def calculate_H_from_iaxial(self, cell: Any) -> np.ndarray:
        """Field of all axial currents of a cell, shape (n, 3, T), nA/um.

        The cell was simulated with ``rec_vmem=True``.
        """
        return _field_of(self, cell)


class SphericallySymmetricVolCondMEG(meg.SphericallySymmetricVolCondMEG):
    """Magnetic field of dipoles outside of spheres.

    Parameters
    ----------
    r : array_like, shape (n, 3)
        Places of the sensors, um.
    mu : float
        Permeability, T m / A.
    """

    def __init__(self, r: ArrayLike, mu: float = meg.MU_0) -> None:
        super().__init__(r, mu)

    def calculate_H_from_iaxial(self, cell: Any) -> np.ndarray:
        """Field of all axial currents of a cell, shape (n, 3, T), nA/um.

        The cell was simulated with ``rec_vmem=True``.
        """
        return _field_of(self, cell)


class NYHeadModel(head_model.NYHeadModel):
    """The New York head, with places in mm.

    Parameters
    ----------
    nyhead_file : path-like, optional
        ``sa_nyhead.mat``; left out, the checked copy in the cache. Nothing is downloaded here.
    """

    lead_field: LeadField

    def __init__(self, nyhead_file: str | os.PathLike[str] | None = None) -> None:
        super().__init__(NEW_YORK_HEAD if nyhead_file is None else nyhead_file)

    def __repr__(self) -> str:
        return f"NYHeadModel({len(self.lead_field.names)} electrodes)"

    def set_dipole_pos(self, dipole_pos: str | ArrayLike | None = None) -> None:
        """Choose the source: a named site, a place x, y, z in mm, or the motor cortex.

        Raises
        ------
        InputError
            Where the nearest source is more than 2 mm away.
        """
        # LFPy's places are in mm, ours in um
        if dipole_pos is None or isinstance(dipole_pos, str):
            super().set_dipole_pos(dipole_pos)
        else:
            super().set_dipole_pos(UM_PER_MM * np.asarray(dipole_pos, dtype=float))

    @property
    def dipole_pos(self) -> np.ndarray:
        """Place of the source, shape (3,), in the unit mm."""
        return np.asarray(self.lead_field.positions[self.vertex] / UM_PER_MM)

    def find_closest_electrode(self) -> tuple[float, int]:
        """Distance, mm, and index of the electrode nearest to the source."""
        distance, index = super().find_closest_electrode()
        return distance / UM_PER_MM, index

    def rotate_dipole_to_surface_normal(
        self, p: ArrayLike, orig_ax_vec: ArrayLike = (0.0, 0.0, 1.0)
    ) -> np.ndarray:
        """Dipole moment p (3, T) of a cell along an axis, turned onto the cortex normal; nA um."""
        assert self.lead_field.normals is not None
        onto_axis = rotations_onto(np.asarray(orig_ax_vec, dtype=float))[0]
        onto_normal = rotations_onto(self.lead_field.normals[self.vertex])[0]
        return np.asarray(onto_normal @ onto_axis.T @ np.asarray(p, dtype=float))


def _of_dipoles(field: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Sum over dipoles of fields (n, D, 3) times moments (D, 3, T), shape (n, T)."""
    flat = field.reshape(len(field), -1)
    return np.asarray(flat @ moments.reshape(flat.shape[1], -1))


def _field_of(model: Any, cell: Any) -> np.ndarray:
    """Magnetic field of the axial currents of a cell, shape (n, 3, T), nA/um."""
    moments, places = cell.get_multi_current_dipole_moments()
    sensors = model.sensor_locations
    axes = np.broadcast_to(np.eye(3), (len(sensors), 3, 3))
    field = type(model)._field(sensors, axes, points(places, "dipoles"))
    flat = field.reshape(len(sensors) * 3, -1)
    summed = flat @ moments.reshape(flat.shape[1], -1)
    return np.asarray(summed.reshape(len(sensors), 3, -1))
