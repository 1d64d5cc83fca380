"""Cables of constant conductance, solved exactly in time for currents of one time course.

With constant conductances the potentials of a cell of N segments obey C dv/dt = (B - G) v + a g(t),
where B v are the axial currents and a g(t) the injected ones. Scaled by the root of the
capacitances the matrix is symmetric, and its eigenvectors are modes that decay each on its own
(Rall 1969, Biophys J 9:1483). A time course that is linear between samples is integrated without
error.
"""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.axial import AxialNetwork

LARGEST = 6000
"""Segments of a cell up to which its modes are computed: they take its third power in time."""


class LinearCable:
    """A cell whose conductances are constant.

    Parameters
    ----------
    network : AxialNetwork
        Its axial resistances, MOhm, of N segments.
    capacitance : ndarray, shape (N,)
        nF, above zero.
    conductance : ndarray, shape (N,)
        Of the membrane, uS, 0 or more.

    Raises
    ------
    InputError
        Where the cell is too large, or the numbers are not what they should be.
    """

    def __init__(
        self, network: AxialNetwork, capacitance: np.ndarray, conductance: np.ndarray
    ) -> None:
        count = len(network)
        if count > LARGEST:
            raise InputError(
                f"a cell of {count} segments has too many modes, at most {LARGEST}",
                remedy="use fewer segments, nseg",
            )
        if not (np.all(capacitance > 0) and np.all(np.isfinite(capacitance))):
            raise InputError("a segment has no capacitance", remedy="give cm above 0")
        if not np.all(conductance >= 0):
            index = int(np.argmin(conductance))
            raise InputError(
                f"segment {index} has the conductance {conductance[index]:g} uS; a cell is not"
                " stable about this potential",
                remedy="choose another working point, --potential",
            )
        self._axial = network.vmem_to_imem()
        self._root = 1.0 / np.sqrt(capacitance)
        matrix = np.diag(conductance) - self._axial.toarray()
        # scaled on both sides by the capacitances the matrix is symmetric, and its modes are
        # orthogonal
        scaled = self._root[:, None] * matrix * self._root[None, :]
        self._rates, self._modes = np.linalg.eigh((scaled + scaled.T) / 2.0)
        # rounding may make a rate of zero a negative one, which grows without end
        self._rates = np.maximum(self._rates, 0.0)

    def membrane_currents(self, strengths: np.ndarray, course: np.ndarray, dt: float) -> np.ndarray:
        """Membrane currents that injected currents cause, from rest.

        Parameters
        ----------
        strengths : ndarray, shape (N,)
            What each segment gets of the time course, nA, positive into the cell.
        course : ndarray, shape (T,)
            The time course, its first sample at the begin; linear between samples.
        dt : float
            Sampling interval, ms.

        Returns
        -------
        ndarray, shape (T, N)
            nA, outward positive. They add up to zero, since the injected currents are membrane
            currents, as those of synapses are.
        """
        drive = self._modes.T @ (self._root * strengths)
        amplitudes = np.empty((len(course), len(drive)))
        decay = np.exp(-self._rates * dt)
        early, late = _linear_weights(self._rates, dt)
        state = np.zeros(len(drive))
        amplitudes[0] = state
        for k in range(1, len(course)):
            state = decay * state + early * course[k - 1] + late * course[k]
            amplitudes[k] = state
        potentials = self._root[:, None] * (self._modes @ (amplitudes * drive).T)
        return np.asarray((self._axial @ potentials).T)


def _linear_weights(rates: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """What a mode gets in a step of a course that goes from one value to another, each (N,), ms."""
    x = rates * dt
    small = x < 1e-4
    safe = np.where(small, 1.0, x)
    decay = np.exp(-safe)
    # integrals of exp(-x (1 - s)) times 1 - s and s over s from 0 to 1
    late = np.where(small, 0.5 - x / 6.0, (safe - 1.0 + decay) / safe**2)
    early = np.where(small, 0.5 - x / 3.0, (1.0 - decay) / safe - (safe - 1.0 + decay) / safe**2)
    return dt * early, dt * late
