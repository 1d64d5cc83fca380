"""Cables of constant conductance, solved exactly in time for currents of one time course.

With constant conductances the potentials of a cell of N segments obey C dv/dt = (B - G) v + a g(t),
where B v are the axial currents and a g(t) the injected ones. Scaled by the root of the
capacitances the matrix is symmetric, and its eigenvectors are modes that decay each on its own
(Rall 1969, Biophys J 9:1483). A time course that is linear between samples is integrated without
error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.axial import AxialNetwork

LARGEST = 6000
"""Segments of a cell up to which its modes are computed: they take its third power in time."""


@dataclass(frozen=True, kw_only=True)
class Drive:
    """What drives a cell of N segments from rest: currents of one time course.

    Attributes
    ----------
    strengths : ndarray, shape (N,)
        What each segment gets of the time course; with synapses, each of them that is on it.
    course : ndarray, shape (T,)
        nA into the cell, of synapses outward; linear between samples.
    segments : ndarray of int, shape (S,), or None
        Where synapses are that also open the membrane; several may share a segment.
    conductances : ndarray, shape (T,), or None
        Of each synapse, uS.
    """

    strengths: np.ndarray
    course: np.ndarray
    segments: np.ndarray | None = None
    conductances: np.ndarray | None = None


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

    Attributes
    ----------
    axial : scipy.sparse.csr_array, shape (N, N)
        Membrane currents, nA, of potentials, mV.
    root : ndarray, shape (N,)
        One over the root of the capacitances, nF.
    rates : ndarray, shape (N,)
        What the modes decay by, per ms.
    modes : ndarray, shape (N, N)
        Potentials, scaled by the root of the capacitances, of each mode in a column.
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
        self.axial = network.vmem_to_imem()
        self.root = 1.0 / np.sqrt(capacitance)
        matrix = np.diag(conductance) - self.axial.toarray()
        # scaled on both sides by the capacitances the matrix is symmetric, and its modes are
        # orthogonal
        scaled = self.root[:, None] * matrix * self.root[None, :]
        self.rates, self.modes = np.linalg.eigh((scaled + scaled.T) / 2.0)
        # rounding may make a rate of zero a negative one, which grows without end
        self.rates = np.maximum(self.rates, 0.0)

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
        return self.currents(self.driven(strengths, course, dt))

    def currents(self, states: np.ndarray) -> np.ndarray:
        """Membrane currents (T, N), nA, of states of the modes (T, N), root nF mV."""
        potentials = self.root[:, None] * (self.modes @ states.T)
        return np.asarray((self.axial @ potentials).T)

    def responses(self, drives: Sequence[Drive], dt: float) -> list[np.ndarray]:
        """States of the modes (T, N), root nF mV, that each of some drives causes.

        Parameters
        ----------
        drives : sequence of Drive
            Each alone.
        dt : float
            Sampling interval, ms.
        """
        states = []
        for drive in drives:
            if drive.segments is None or drive.conductances is None:
                states.append(self.driven(drive.strengths, drive.course, dt))
                continue
            states.append(
                self.shunted(
                    drive.segments, drive.course, drive.conductances, dt, factors=drive.strengths
                )
            )
        return states

    def driven(self, strengths: np.ndarray, course: np.ndarray, dt: float) -> np.ndarray:
        """States of the modes (T, N), root nF mV, that injected currents cause.

        Parameters
        ----------
        strengths : ndarray, shape (N,)
            nA, see `membrane_currents`.
        course : ndarray, shape (T,)
            The time course.
        dt : float
            Sampling interval, ms.
        """
        drive = self.modes.T @ (self.root * strengths)
        amplitudes = np.empty((len(course), len(drive)))
        decay = np.exp(-self.rates * dt)
        early, late = linear_weights(self.rates, dt)
        state = np.zeros(len(drive))
        amplitudes[0] = state
        for k in range(1, len(course)):
            state = decay * state + early * course[k - 1] + late * course[k]
            amplitudes[k] = state
        return np.asarray(amplitudes * drive)

    def shunted(
        self,
        segments: np.ndarray,
        currents: np.ndarray,
        conductances: np.ndarray,
        dt: float,
        *,
        factors: np.ndarray | None = None,
    ) -> np.ndarray:
        """States of the modes that synapses cause which also open the membrane, from rest.

        The current into the cell at such a place is -(i(t) + g(t) v(t)), v its potential less that
        of rest: what a synapse does to the potential takes from its own driving force.

        Parameters
        ----------
        segments : ndarray of int, shape (S,)
            Where the synapses are; several may share a segment.
        currents : ndarray, shape (T,)
            Current of each at rest, nA, outward positive; linear between samples.
        conductances : ndarray, shape (T,)
            Conductance of each, uS.
        dt : float
            Sampling interval, ms.
        factors : ndarray, shape (N,), optional
            What the current of a synapse on each segment is times `currents`; 1 by default.

        Returns
        -------
        ndarray, shape (T, N)
            Root nF mV; `currents` of them hold those of the synapses.
        """
        places, numbers = np.unique(segments, return_counts=True)
        strengths = numbers if factors is None else numbers * factors[places]
        inward = self.root[places, None] * self.modes[places]
        decay = np.exp(-self.rates * dt)
        early, late = linear_weights(self.rates, dt)
        # potentials of the places within a step that a current of 1 nA ends there, (P, P)
        within = (inward * late) @ inward.T
        states = np.zeros((len(currents), len(self.rates)))
        injected = -strengths * currents[0]
        for k in range(1, len(currents)):
            state = decay * states[k - 1] + early * (injected @ inward)
            opened = numbers * conductances[k]
            # implicit: the current at the end of the step depends on the potential there
            system = np.eye(len(places)) + opened[:, None] * within
            drive = strengths * currents[k] + opened * (inward @ state)
            injected = np.linalg.solve(system, -drive)
            states[k] = state + late * (injected @ inward)
        return states


class SteppedCable:
    """A cell of constant conductances as a fixed time step sees it, exact for that step.

    Each mode of the cable is a filter of its own. What flows into the cell in the step from n to
    n + 1 is the input n, and the membrane currents of that step are the output n + 1.

    Parameters
    ----------
    cable : LinearCable
        The cell, of N segments.
    dt : float
        Step, ms.
    second_order : bool
        Whether the step is that of Crank and Nicolson, whose currents are those of its middle;
        else backward Euler.
    """

    def __init__(self, cable: LinearCable, dt: float, *, second_order: bool) -> None:
        self._dt, self._second_order = dt, second_order
        self._rates = cable.rates
        self.drive = np.asarray(cable.root[:, None] * cable.modes)
        """What a current into each segment is to each mode, (N segments, N modes), per root nF."""
        self.output = np.asarray(cable.axial @ self.drive)
        """Membrane currents (N segments, N modes), nA, of the states of the modes."""

    @property
    def slowest(self) -> float:
        """Largest absolute value of the poles of the modes."""
        return float(np.max(np.abs(self._poles()), initial=0.0))

    def _poles(self) -> np.ndarray:
        if self._second_order:
            return np.asarray(2.0 / (1.0 + self._rates * self._dt / 2.0) - 1.0)
        return np.asarray(1.0 / (1.0 + self._rates * self._dt))

    def gains(self, turns: np.ndarray) -> np.ndarray:
        """States of the modes from their drive, by frequency.

        Parameters
        ----------
        turns : ndarray, shape (F,)
            Frequencies, radians per step.

        Returns
        -------
        ndarray of complex, shape (F, N)
            ms.
        """
        advance = np.exp(1j * turns)[:, None]
        if not self._second_order:
            left = self._poles()
            return np.asarray(left * self._dt / (advance - left))
        half = 1.0 / (1.0 + self._rates * self._dt / 2.0)
        whole = half * self._dt / (advance - self._poles())
        # the middle of the step from n to n + 1 is the output n + 1
        return np.asarray(half * (whole + self._dt / 2.0) / advance)


def linear_weights(rates: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """What a mode gets in a step of a course that goes from one value to another.

    Parameters
    ----------
    rates : ndarray, shape (N,)
        What the modes decay by, per ms.
    dt : float
        Step, ms.

    Returns
    -------
    early, late : ndarray, shape (N,)
        Per unit of the value at the begin and at the end of the step, ms.
    """
    x = rates * dt
    small = x < 1e-4
    safe = np.where(small, 1.0, x)
    decay = np.exp(-safe)
    # integrals of exp(-x (1 - s)) times 1 - s and s over s from 0 to 1
    late = np.where(small, 0.5 - x / 6.0, (safe - 1.0 + decay) / safe**2)
    early = np.where(small, 0.5 - x / 3.0, (1.0 - decay) / safe - (safe - 1.0 + decay) / safe**2)
    return dt * early, dt * late
