"""Potential of current dipoles in an infinite homogeneous medium."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import known_keywords
from lfpcli.forward.arrays import apart, conductivity, moment, points


def lead_field(electrodes: ArrayLike, locations: ArrayLike, sigma: float = 0.3) -> np.ndarray:
    """Potentials of unit dipoles in an infinite homogeneous isotropic medium.

    ``phi = p . R / (4 pi sigma R^3)``, R from the dipole to the electrode (Naess et al. 2017,
    Front Hum Neurosci 11:490, eq. 1).

    Parameters
    ----------
    electrodes : array_like, shape (E, 3)
        Places of the electrodes, um.
    locations : array_like, shape (D, 3)
        Places of the dipoles, um.
    sigma : float
        Conductivity, S/m.

    Returns
    -------
    ndarray, shape (E, D, 3)
        mV per nA um of each component of each dipole.

    Raises
    ------
    InputError
        Where an electrode lies on a dipole or `sigma` is not positive.
    """
    sigma = conductivity(sigma)
    gap = apart(points(electrodes, "electrodes"), points(locations, "dipoles"), "electrode")
    distance = np.linalg.norm(gap, axis=2, keepdims=True)
    # nA um over S/m um2 is mV
    return np.asarray(gap / (4 * np.pi * sigma * distance**3))


@known_keywords
class InfiniteVolumeConductor:
    """Infinite homogeneous medium with current dipoles.

    Parameters
    ----------
    sigma : float
        Conductivity, S/m.
    """

    def __init__(self, sigma: float = 0.3) -> None:
        self.sigma = conductivity(sigma)

    def __repr__(self) -> str:
        return f"InfiniteVolumeConductor(sigma={self.sigma:g})"

    def get_transformation_matrix(self, r: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles at places relative to the dipole.

        Parameters
        ----------
        r : array_like, shape (n, 3)
            Vectors from the dipole to the electrodes, um.

        Returns
        -------
        ndarray, shape (n, 3)
            mV per nA um.
        """
        return np.asarray(lead_field(r, np.zeros(3), self.sigma)[:, 0])

    def get_dipole_potential(self, p: ArrayLike, r: ArrayLike) -> np.ndarray:
        """Potential of a dipole over time.

        Parameters
        ----------
        p : array_like, shape (3, T)
            Current dipole moment, nA um.
        r : array_like, shape (n, 3)
            Vectors from the dipole to the electrodes, um.

        Returns
        -------
        ndarray, shape (n, T)
            Potentials, mV.
        """
        return np.asarray(self.get_transformation_matrix(r) @ moment(p))
