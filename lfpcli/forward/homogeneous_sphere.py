"""Potential of current dipoles in a homogeneous sphere in air."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import known_keywords
from lfpcli.forward.arrays import moment, points
from lfpcli.forward.spheres import (
    check_dipoles,
    check_electrodes,
    check_shells,
    image_field,
    point_field,
)


@known_keywords
class HomogeneousSphereVolumeConductor:
    """A homogeneous conducting sphere about the origin, surrounded by an insulator.

    The potential is that of the dipole in an infinite medium and of its image in the surface,
    in closed form (Frank 1952, J Appl Phys 23:1225).

    Parameters
    ----------
    r_electrodes : array_like, shape (n, 3)
        Places of the electrodes in or on the sphere, um.
    radius : float
        Radius of the sphere, um.
    sigma : float
        Conductivity, S/m.

    Raises
    ------
    InputError
        Where an electrode lies beyond the sphere, or a value is not positive.
    """

    def __init__(
        self, r_electrodes: ArrayLike, radius: float = 90000.0, sigma: float = 0.3
    ) -> None:
        radii, sigmas = check_shells(radius, sigma, 1)
        self.radius, self.sigma = float(radii[0]), float(sigmas[0])
        self.r_electrodes = points(r_electrodes, "electrodes")
        check_electrodes(self.r_electrodes, self.radius)

    def __repr__(self) -> str:
        return f"HomogeneousSphereVolumeConductor({len(self.r_electrodes)} electrodes)"

    def lead_field(self, locations: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles.

        Parameters
        ----------
        locations : array_like, shape (D, 3)
            Places of the dipoles, um.

        Returns
        -------
        ndarray, shape (n, D, 3)
            mV per nA um of each component of each dipole.

        Raises
        ------
        InputError
            Where a dipole lies outside the sphere or on an electrode.
        """
        sources = points(locations, "dipoles")
        check_dipoles(sources, self.radius, "sphere")
        field = point_field(self.r_electrodes, sources)
        # nothing leaves the sphere: the image has both of its parts in full
        field += image_field(
            self.r_electrodes, sources, radius=self.radius, plain=1.0, harmonic=1.0
        )
        return np.asarray(field / (4 * np.pi * self.sigma))

    def get_transformation_matrix(self, dipole_location: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles at one place, shape (n, 3), mV per nA um."""
        return np.asarray(self.lead_field(dipole_location)[:, 0])

    def get_dipole_potential(self, p: ArrayLike, dipole_location: ArrayLike) -> np.ndarray:
        """Potentials of a dipole p (3, T), nA um, over time; shape (n, T), mV."""
        return np.asarray(self.get_transformation_matrix(dipole_location) @ moment(p))
