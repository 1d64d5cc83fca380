"""A dipole in four shells, in the terms of Naess et al. 2017 (Front Hum Neurosci 11:490)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.compat.lfpy.models import RuntimeInputError


class Shells:
    """What LFPykit's class tells of one dipole and its coefficients, beside the potentials."""

    radii: np.ndarray
    sigmas: np.ndarray
    r_electrodes: np.ndarray
    _rz: np.ndarray

    def _rz_params(self, rz: ArrayLike) -> None:
        """Place the dipole, um; it must lie in the brain, nearer to the centre than electrodes."""
        place = np.asarray(rz, dtype=float)
        distance = np.linalg.norm(place)
        if not 0 < distance < self.radii[0]:
            raise RuntimeInputError(
                f"the dipole is {distance:g} um from the centre, expected more than 0 and less "
                f"than {self.radii[0]:g}"
            )
        if np.any(np.linalg.norm(self.r_electrodes, axis=1) <= distance):
            raise RuntimeInputError("an electrode is no farther from the centre than the dipole")
        self._rz = place

    def _decompose_dipole(self, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Radial and tangential parts of moments p (3, T), nA um."""
        moments = np.asarray(p, dtype=float)
        radial = np.outer(self._rz, self._rz @ moments) / (self._rz @ self._rz)
        return radial, moments - radial

    def _calc_theta(self) -> np.ndarray:
        """Angles between the place of the dipole and electrodes, shape (n,), rad."""
        along = self.r_electrodes @ self._rz
        across = np.linalg.norm(np.cross(self.r_electrodes, self._rz), axis=1)
        return np.asarray(np.arctan2(across, along))

    def _calc_phi(self, p_tan: ArrayLike) -> np.ndarray:
        """Azimuths of electrodes about the dipole's place, from p x rz, shape (n, T), rad."""
        upwards = self._rz / np.linalg.norm(self._rz)
        rightwards = np.cross(np.asarray(p_tan, dtype=float).T, upwards)
        forwards = np.cross(upwards, rightwards)
        return np.asarray(
            np.arctan2(self.r_electrodes @ forwards.T, self.r_electrodes @ rightwards.T)
        )

    def _sign_rad_dipole(self, p: ArrayLike) -> np.ndarray:
        """Whether moments (3, T) point outwards, 1, or inwards, -1, shape (T,)."""
        return np.asarray(np.sign(self._rz @ np.asarray(p, dtype=float)))

    def _ratios(self, inner: int, n: int) -> tuple[float, float]:
        """Power 2 n + 1 of the ratio of two radii, and the ratio of the conductivities."""
        radii, sigmas = self.radii, self.sigmas
        # of the outer part of the shells about degree n
        power = (radii[inner] / radii[inner + 1]) ** (2 * n + 1)
        return float(power), float(sigmas[inner] / sigmas[inner + 1])

    def _calc_vn(self, n: int) -> float:
        """Coefficient V of degree n, of skull and scalp."""
        power, conductivity = self._ratios(2, n)
        k = (power - 1.0) / ((n + 1.0) / n * power + 1.0)
        return (n / (n + 1.0) * conductivity - k) / (conductivity + k)

    def _calc_yn(self, n: int) -> float:
        """Coefficient Y of degree n, of CSF and skull."""
        power, conductivity = self._ratios(1, n)
        v = self._calc_vn(n)
        q = (n / (n + 1.0) * power - v) / (power + v)
        return (n / (n + 1.0) * conductivity - q) / (conductivity + q)

    def _calc_zn(self, n: int) -> float:
        """Coefficient Z of degree n, of brain and CSF."""
        power, _ = self._ratios(0, n)
        y = self._calc_yn(n)
        return (power - (n + 1.0) / n * y) / (power + y)
