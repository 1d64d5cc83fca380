"""Cables whose membrane answers to a change of potential with time, as channels with gates do.

About a working point the current of a channel follows the potential by a linear filter
(quasi-active membrane: Koch 1984, Biol Cybern 50:15). Its answer to a step is what it conducts at
once, the gates held, and a sum of parts that come up exponentially as gates open or close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lfpcli.forward.axial import AxialNetwork
from lfpcli.forward.passive import Drive, LinearCable, linear_weights

# rates of a fit lie so far apart, as a factor
_APART = 1.6
# part of the largest singular value below which a direction of a fit is noise
_NOISE = 1e-7
# part of the conductance by which gates may change it and are none
_NONE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What moving gates add to the conductance of segments, time after a step of potential.

    Attributes
    ----------
    rates : ndarray, shape (J,)
        Per ms.
    shares : ndarray, shape (J, N)
        uS: after a time t segment i conducts ``sum(shares[:, i] * (1 - exp(-rates * t)))`` more
        than at once.
    """

    rates: np.ndarray
    shares: np.ndarray


def fitted_gates(times: np.ndarray, conductances: np.ndarray) -> Gates | None:
    """Fit the answers of segments to a step of potential.

    Parameters
    ----------
    times : ndarray, shape (K,)
        After the step, ms, from 0 on, ascending.
    conductances : ndarray, shape (K, N)
        Current over the step, uS; at time 0 the gates have not moved.

    Returns
    -------
    Gates or None
        None where no gate moves.
    """
    moved = conductances - conductances[0]
    if np.abs(moved).max(initial=0.0) <= _NONE * np.abs(conductances).max(initial=0.0):
        return None
    fastest, slowest = 3.0 / times[1], 0.5 / times[-1]
    count = int(np.ceil(np.log(fastest / slowest) / np.log(_APART))) + 1
    rates = np.geomspace(slowest, fastest, count)
    rising = -np.expm1(-times[1:, None] * rates)
    shares, *_ = np.linalg.lstsq(rising, moved[1:], rcond=_NOISE)
    return Gates(rates=rates, shares=shares)


class GatedCable(LinearCable):
    """A cell about a working point, its gates moving.

    Parameters
    ----------
    network : AxialNetwork
        Its axial resistances, MOhm, of N segments.
    capacitance, conductance : ndarray, shape (N,)
        nF, and uS of the membrane with all gates held; see `LinearCable`.
    gates : Gates
        What gates add.
    """

    def __init__(
        self,
        network: AxialNetwork,
        capacitance: np.ndarray,
        conductance: np.ndarray,
        gates: Gates,
    ) -> None:
        super().__init__(network, capacitance, conductance)
        self._gates = gates

    def grows(self, dt: float, steps: int) -> bool:
        """Whether the cell moves away from the working point by itself.

        Parameters
        ----------
        dt : float
            Step, ms.
        steps : int
            For how many it is followed.
        """
        course = np.zeros(steps)
        course[:2] = 1.0
        states = self.driven(1.0 / self.root**2, course, dt)
        sizes = np.linalg.norm(states, axis=1)
        early, late = np.array_split(sizes[steps // 2 :], 2)
        return bool(late.max() > early.max())

    def driven(self, strengths: np.ndarray, course: np.ndarray, dt: float) -> np.ndarray:
        """States of the modes (T, N), root nF mV, that injected currents cause."""
        return self.responses([Drive(strengths=strengths, course=course)], dt)[0]

    def shunted(
        self,
        segments: np.ndarray,
        currents: np.ndarray,
        conductances: np.ndarray,
        dt: float,
        *,
        factors: np.ndarray | None = None,
    ) -> np.ndarray:
        """States of the modes (T, N), root nF mV, that synapses cause which open the membrane."""
        drive = Drive(
            strengths=np.ones(len(self.root)) if factors is None else factors,
            course=currents,
            segments=segments,
            conductances=conductances,
        )
        return self.responses([drive], dt)[0]

    def responses(self, drives: Sequence[Drive], dt: float) -> list[np.ndarray]:
        """States of the modes (T, N), root nF mV, of drives, which take their steps together.

        What takes the time is to read matrices of N by N numbers, once a step for all drives.
        """
        step, shunts = _GateStep(self._gates, dt), [_Shunts(drive) for drive in drives]
        strengths = np.column_stack([shunt.strengths for shunt in shunts])
        courses = np.column_stack([drive.course for drive in drives])
        inward = self.root[:, None] * self.modes
        decay = np.exp(-self.rates * dt)[:, None]
        early, late = (weights[:, None] for weights in linear_weights(self.rates, dt))
        # potentials within a step that a current of 1 nA ends, then with the gates' answer to them
        within = (inward * late.T) @ inward.T
        answered = np.linalg.inv(np.eye(len(inward)) + within * step.at_once)
        from_states, from_currents = answered @ inward, answered @ within
        states = np.zeros((len(courses), *strengths.shape))
        potentials = np.zeros(strengths.shape)
        before = inward.T @ (strengths * courses[0])
        for k in range(1, len(courses)):
            free = decay * states[k - 1] + early * before
            known = strengths * courses[k] - step.begin(potentials)
            potentials = from_states @ free + from_currents @ known
            for number, shunt in enumerate(shunts):
                # the synapses' currents depend on the potentials that they make
                taken = shunt.taken(k, potentials[:, number], from_currents)
                potentials[:, number] -= from_currents[:, shunt.places] @ taken
                known[shunt.places, number] -= taken
            before = inward.T @ (known - step.end(potentials))
            states[k] = free + late * before
        return list(np.moveaxis(states, 2, 0))


class _Shunts:
    """Synapses of a drive that open the membrane."""

    def __init__(self, drive: Drive) -> None:
        self.strengths = drive.strengths
        self.places = np.zeros(0, np.int64)
        if drive.segments is None or drive.conductances is None:
            return
        numbers = np.bincount(drive.segments, minlength=len(drive.strengths))
        self.strengths = -numbers * drive.strengths
        self.places = np.flatnonzero(numbers)
        self._opened = drive.conductances[:, None] * numbers[self.places]

    def taken(self, k: int, potentials: np.ndarray, between: np.ndarray) -> np.ndarray:
        """Currents (P,), nA, that they take at sample k.

        `potentials` (N,), mV, are those without them, and `between` (N, N), mV/nA, is what a
        current into one segment makes of the potential of another.
        """
        if not len(self.places):
            return np.zeros(0)
        opened = self._opened[k]
        system = np.eye(len(opened)) + between[np.ix_(self.places, self.places)] * opened
        return np.asarray(opened * np.linalg.solve(system, potentials[self.places]))


class _GateStep:
    """Currents of gates from step to step in K cells, the potential linear within each step."""

    def __init__(self, gates: Gates, dt: float) -> None:
        early, late = linear_weights(gates.rates, dt)
        self._decay = np.exp(-gates.rates * dt)[:, None, None]
        self._early = (gates.rates * early)[:, None, None]
        self._late = (gates.rates * late)[:, None, None]
        self._shares = gates.shares
        self._parts: NDArray[np.float64] = np.zeros((len(gates.rates), 1, 1))
        self.at_once = np.asarray(np.sum(gates.shares * self._late[:, :, 0], axis=0))
        """What a potential at the end of a step adds to the current there, (N,), uS."""

    def begin(self, potentials: np.ndarray) -> np.ndarray:
        """Currents (N, K), nA outward, at the end of a step from potentials (N, K) to zero."""
        self._parts = self._decay * self._parts + self._early * potentials
        return np.asarray(np.einsum("jn,jnk->nk", self._shares, self._parts))

    def end(self, potentials: np.ndarray) -> np.ndarray:
        """What potentials (N, K), mV, at the end of the step add to the currents, (N, K), nA."""
        self._parts += self._late * potentials
        return np.asarray(self.at_once[:, None] * potentials)
