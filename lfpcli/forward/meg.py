"""Magnetic fields of current dipoles: infinite medium, and any spherically symmetric conductor.

H is in nA/um, B in T; 1 nA/um is 1e-3 A/m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, known_keywords
from lfpcli.forward.arrays import apart, dots, moment, points
from lfpcli.forward.sensors import Sensors

MU_0 = 4e-7 * np.pi  # T m / A
AMPERE_PER_METRE = 1e-3  # of 1 nA/um
Field = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def infinite_field(
    places: np.ndarray, orientations: np.ndarray, locations: np.ndarray
) -> np.ndarray:
    """Components of H of unit dipoles in an infinite homogeneous medium.

    ``H = p x R / (4 pi R^3)``, R from the dipole to the place (Biot and Savart; Hamalainen et
    al. 1993, Rev Mod Phys 65:413, eq. 15).

    Parameters
    ----------
    places : ndarray, shape (S, 3)
        Where the field is measured, um.
    orientations : ndarray, shape (S, K, 3)
        The components that are wanted, unit vectors.
    locations : ndarray, shape (D, 3)
        Places of the dipoles, um.

    Returns
    -------
    ndarray, shape (S, K, D, 3)
        nA/um per nA um of each component of each dipole.
    """
    gap = apart(places, locations, "sensor").transpose(2, 0, 1)[:, :, None]
    # (p x R) . n = p . (R x n), components first: products of whole (S, K, D) arrays
    arm = _cross(gap, orientations.transpose(2, 0, 1)[..., None])
    arm /= 4 * np.pi * np.sqrt(np.sum(gap**2, axis=0)) ** 3
    return np.asarray(arm.transpose(1, 2, 3, 0))


def spherical_field(
    places: np.ndarray, orientations: np.ndarray, locations: np.ndarray
) -> np.ndarray:
    """Components of H of unit dipoles outside a spherically symmetric conductor.

    Sarvas 1987 (Phys Med Biol 32:11, eq. 25); r is the place, r0 the dipole, a = r - r0. The
    arguments and the result, shape (S, K, D, 3), are those of `infinite_field`.

    Raises
    ------
    InputError
        Where a sensor is no farther from the centre than a dipole.
    """
    gap = apart(places, locations, "sensor")
    r = np.linalg.norm(places, axis=1)[:, None]
    inner = np.linalg.norm(locations, axis=1)[None]
    # the formula holds where all currents are nearer to the centre than the sensor
    buried = np.argwhere(r <= inner)
    if len(buried):
        sensor, dipole = buried[0]
        raise InputError(
            f"sensor {sensor} lies inside the head: {r[sensor, 0]:g} um from the centre, dipole"
            f" {dipole} {inner[0, dipole]:g} um",
            remedy="the spherical model holds outside the conductor; move the sensors out",
        )
    a = np.linalg.norm(gap, axis=2)
    along = dots(gap, places[:, None])  # a . r = r^2 - r0 . r
    # Sarvas 1987, Phys Med Biol 32:11: F of eq. 25, its gradient below
    f = a * (r * a + along)
    of_place = a**2 / r + along / a + 2 * a + 2 * r
    of_dipole = a + 2 * r + along / a
    pointing = of_place[:, None] * dots(orientations, places[:, None])[..., None]
    pointing -= of_dipole[:, None] * dots(orientations[:, :, None], locations)
    # (p x r0) . n = p . (r0 x n), and p x r0 . r = p . (r0 x r)
    dipole = locations.T[:, None, None]
    h = _cross(dipole, orientations.transpose(2, 0, 1)[..., None])
    h /= f[:, None]
    h -= _cross(dipole, places.T[:, :, None, None]) * (pointing / (f**2)[:, None])
    h /= 4 * np.pi
    return np.asarray(h.transpose(1, 2, 3, 0))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Cross product along the first axis."""
    return np.stack(
        [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
    )


@known_keywords
class _MagneticModel:
    """Sensors at points, which measure all three components of the field."""

    _field: Field

    def __init__(self, sensor_locations: ArrayLike, mu: float = MU_0) -> None:
        self.sensor_locations = points(sensor_locations, "sensors")
        if not (np.isfinite(mu) and mu > 0):
            raise InputError(f"permeability is {mu:g} T m/A, not positive")
        self.mu = float(mu)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.sensor_locations)} sensors)"

    def get_transformation_matrix(self, dipole_location: ArrayLike) -> np.ndarray:
        """H of unit dipoles at one place, um.

        Returns
        -------
        ndarray, shape (n, 3, 3)
            nA/um per nA um: sensor, component of H, component of the dipole.
        """
        axes = np.broadcast_to(np.eye(3), (len(self.sensor_locations), 3, 3))
        location = points(dipole_location, "dipole")
        return np.asarray(type(self)._field(self.sensor_locations, axes, location)[:, :, 0])

    def calculate_H(self, p: ArrayLike, dipole_location: ArrayLike) -> np.ndarray:
        """H of a dipole p (3, T), nA um, over time; shape (n, 3, T), nA/um."""
        matrix = self.get_transformation_matrix(dipole_location)
        return np.asarray((matrix.reshape(-1, 3) @ moment(p)).reshape(len(matrix), 3, -1))

    def calculate_B(self, p: ArrayLike, dipole_location: ArrayLike) -> np.ndarray:
        """B of a dipole p (3, T), nA um, over time; shape (n, 3, T), T."""
        return self.mu * AMPERE_PER_METRE * self.calculate_H(p, dipole_location)


class InfiniteHomogeneousVolCondMEG(_MagneticModel):
    """Magnetic field in an infinite homogeneous medium; see `infinite_field`.

    Parameters
    ----------
    sensor_locations : array_like, shape (n, 3)
        Places of the sensors, um.
    mu : float
        Permeability, T m / A.
    """

    _field = staticmethod(infinite_field)


class SphericallySymmetricVolCondMEG(_MagneticModel):
    """Magnetic field outside spherical shells about the origin; see `spherical_field`.

    Parameters
    ----------
    sensor_locations : array_like, shape (n, 3)
        Places of the sensors, um.
    mu : float
        Permeability, T m / A.
    """

    _field = staticmethod(spherical_field)


def sensor_field(model: Field, sensors: Sensors, locations: ArrayLike) -> np.ndarray:
    """B of unit dipoles as coils see it: weighted sums over the coils' integration points.

    Parameters
    ----------
    model : callable
        `infinite_field` or `spherical_field`.
    sensors : Sensors
        Coils, see `lfpcli.forward.sensors`.
    locations : array_like, shape (D, 3)
        Places of the dipoles, um.

    Returns
    -------
    ndarray, shape (C, D, 3)
        T per nA um of each component of each dipole, C channels.
    """
    h = model(sensors.points, sensors.orientations[:, None], points(locations, "dipoles"))
    flat = h.reshape(len(sensors.points), -1)
    summed = sensors.weighted(flat)
    return MU_0 * AMPERE_PER_METRE * summed.reshape(len(sensors), -1, 3)
