"""Potential of current dipoles in a head of four concentric spherical shells."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, LfpWarning, known_keywords
from lfpcli.forward.arrays import moment, points
from lfpcli.forward.legendre import dipole_series, terms_needed
from lfpcli.forward.spheres import (
    check_dipoles,
    check_electrodes,
    check_shells,
    image_field,
    point_field,
)

RADII = (79000.0, 80000.0, 85000.0, 90000.0)  # um: brain, CSF, skull, scalp
SIGMAS = (0.3, 1.5, 0.015, 0.3)  # S/m
MAX_DEGREE = 100_000


@known_keywords
class FourSphereVolumeConductor:
    """Brain, cerebrospinal fluid, skull and scalp as concentric spheres about the origin.

    The model is that of Naess et al. 2017 (Front Hum Neurosci 11:490). With
    ``phi_j(r) = b_j r^-(n+1) (1 + rho_j (r / r_j)^(2n+1))`` for degree n in shell j, the ratios
    rho_j and the gains b_j follow from the outermost shell inwards by continuity of the potential
    and of the radial current (their eqs. 4 to 6); every factor is bounded, whatever the degree.
    In the brain, the dipole's own field and the leading part of what the brain's surface sends
    back are added in closed form, so electrodes may lie anywhere but on a dipole.

    Parameters
    ----------
    r_electrodes : array_like, shape (n, 3)
        Places of the electrodes, um, anywhere within the outermost sphere.
    radii : array_like, shape (4,)
        Outer radii of brain, CSF, skull and scalp, um.
    sigmas : array_like, shape (4,)
        Their conductivities, S/m.
    tolerance : float
        Size of the terms that are left out, relative to the first one.

    Raises
    ------
    InputError
        Where radii do not increase, a conductivity or the tolerance is not positive, or an
        electrode lies beyond the scalp.
    """

    def __init__(
        self,
        r_electrodes: ArrayLike,
        radii: ArrayLike = RADII,
        sigmas: ArrayLike = SIGMAS,
        tolerance: float = 1e-12,
    ) -> None:
        self.radii, self.sigmas = check_shells(radii, sigmas, 4)
        if not 0 < tolerance < 1:
            raise InputError(f"tolerance of the series is {tolerance:g}, expected between 0 and 1")
        self.tolerance = float(tolerance)
        self.r_electrodes = points(r_electrodes, "electrodes")
        check_electrodes(self.r_electrodes, self.radii[-1])

    def __repr__(self) -> str:
        return f"FourSphereVolumeConductor({len(self.r_electrodes)} electrodes)"

    def lead_field(self, locations: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles.

        Parameters
        ----------
        locations : array_like, shape (D, 3)
            Places of the dipoles in the brain, um.

        Returns
        -------
        ndarray, shape (n, D, 3)
            mV per nA um of each component of each dipole.

        Raises
        ------
        InputError
            Where a dipole lies outside the brain or on an electrode.
        """
        sources = points(locations, "dipoles")
        check_dipoles(sources, self.radii[0], "brain")
        distance = np.linalg.norm(self.r_electrodes, axis=1)
        shell = np.minimum(np.searchsorted(self.radii, distance), len(self.radii) - 1)
        field = np.empty((len(self.r_electrodes), len(sources), 3))
        for number in np.unique(shell):
            # in the brain the dipole's own field is in closed form: its series would not converge
            chosen = shell == number
            layer = self._in_brain if number == 0 else self._outside_brain
            field[chosen] = layer(self.r_electrodes[chosen], sources, int(number))
        return np.asarray(field / (4 * np.pi * self.sigmas[0]))

    def get_transformation_matrix(self, dipole_location: ArrayLike) -> np.ndarray:
        """Potentials of unit dipoles at one place, shape (n, 3), mV per nA um."""
        return np.asarray(self.lead_field(dipole_location)[:, 0])

    def get_dipole_potential(self, p: ArrayLike, dipole_location: ArrayLike) -> np.ndarray:
        """Potentials of a dipole p (3, T), nA um, over time; shape (n, T), mV."""
        return np.asarray(self.get_transformation_matrix(dipole_location) @ moment(p))

    def _in_brain(self, electrodes: np.ndarray, sources: np.ndarray, shell: int) -> np.ndarray:
        """Field of electrodes in the brain: closed forms and a series of what remains."""
        radius = self.radii[0]
        # what the coefficients tend to is summed in closed form, so that few terms of the rest are
        # needed
        plain, harmonic = self._image_asymptote()
        norms = np.linalg.norm(electrodes, axis=1)
        ratio = norms[:, None] * np.linalg.norm(sources, axis=1) / radius**2
        degree = np.arange(1, self._degrees(ratio) + 1)
        rest = self._reflections(degree)[0][0] - plain - harmonic / degree
        weights = np.tile(rest, (len(electrodes), 1))
        series = dipole_series(
            electrodes, sources, ratio=ratio, weights=weights, tolerance=self.tolerance
        )
        field = np.asarray(series * (norms / radius**3)[:, None, None])
        field += point_field(electrodes, sources)
        field += image_field(electrodes, sources, radius=radius, plain=plain, harmonic=harmonic)
        return field

    def _outside_brain(self, electrodes: np.ndarray, sources: np.ndarray, shell: int) -> np.ndarray:
        """Field of electrodes in one of the outer shells: a series in source over electrode."""
        norms = np.linalg.norm(electrodes, axis=1)
        ratio = np.linalg.norm(sources, axis=1) / norms[:, None]
        degree = np.arange(1, self._degrees(ratio) + 1)
        reflection, gain = self._reflections(degree)
        power = (norms[:, None] / self.radii[shell]) ** (2 * degree + 1)
        weights = gain[shell] * (1 + reflection[shell] * power)
        series = dipole_series(
            electrodes, sources, ratio=ratio, weights=weights, tolerance=self.tolerance
        )
        return np.asarray(series / norms[:, None, None] ** 2)

    def _degrees(self, ratio: np.ndarray) -> int:
        needed = int(terms_needed(ratio.max(initial=0.0), self.tolerance))
        if needed > MAX_DEGREE:
            warnings.warn(
                f"four spheres: {needed} degrees would be needed so near the boundary,"
                f" {MAX_DEGREE} are used",
                LfpWarning,
                stacklevel=4,
            )
        return min(needed, MAX_DEGREE)

    def _image_asymptote(self) -> tuple[float, float]:
        """Limits of rho of the brain for high degrees: rho = plain + harmonic / n + O(n^-2)."""
        inner, outer = self.sigmas[:2]
        plain = (inner - outer) / (inner + outer)
        return plain, plain * inner / (inner + outer)

    def _reflections(self, degree: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ratios rho_j and gains b_j (b of the brain is 1), each of shape (4, N)."""
        count = len(self.radii)
        rho = np.empty((count, len(degree)))
        step = np.ones((count, len(degree)))
        rho[-1] = (degree + 1) / degree  # no current leaves the scalp
        # from the outside inwards, so that only ratios below one are raised to high powers
        for j in range(count - 2, -1, -1):
            back = rho[j + 1] * (self.radii[j] / self.radii[j + 1]) ** (2 * degree + 1)
            slope = self.sigmas[j + 1] / self.sigmas[j] * (degree * back - degree - 1) / (1 + back)
            rho[j] = (degree + 1 + slope) / (degree - slope)
            step[j + 1] = (1 + rho[j]) / (1 + back)
        return rho, np.cumprod(step, axis=0)
