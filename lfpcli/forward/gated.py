"""Cables whose membrane answers to a change of potential with time, as channels with gates do.

About a working point the current of a channel follows the potential by a linear filter
(quasi-active membrane: Koch 1984, Biol Cybern 50:15). Its answer to a step is what it conducts at
once, the gates held, and a sum of parts that come up exponentially as gates open or close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lfpcli.forward.axial import AxialNetwork
from lfpcli.forward.passive import LinearCable, linear_weights

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
        nothing = np.zeros(len(course))
        numbers = np.zeros(len(strengths))
        return self._stepped(strengths[None, :] * course[:, None], nothing, numbers, dt)

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
        numbers = np.bincount(segments, minlength=len(self.root)).astype(float)
        strengths = numbers if factors is None else numbers * factors
        return self._stepped(-strengths[None, :] * currents[:, None], conductances, numbers, dt)

    def _stepped(
        self, injected: np.ndarray, opened: np.ndarray, numbers: np.ndarray, dt: float
    ) -> np.ndarray:
        """States of the modes (T, N) of currents into the cell (T, N), nA.

        Synapses, `numbers` (N,) of them on each segment, conduct `opened` (T,), uS.
        """
        step = _GateStep(self._gates, dt)
        inward = self.root[:, None] * self.modes
        decay = np.exp(-self.rates * dt)
        early, late = linear_weights(self.rates, dt)
        # potentials within a step that a current of 1 nA ends, then with the gates' answer to them
        within = (inward * late) @ inward.T
        answered = np.linalg.inv(np.eye(len(inward)) + within * step.at_once)
        from_states, from_currents = answered @ inward, answered @ within
        places = np.flatnonzero(numbers)
        by_place, between = from_currents[:, places], from_currents[np.ix_(places, places)]
        states = np.zeros_like(injected)
        potentials = np.zeros(injected.shape[1])
        before = injected[0] @ inward
        for k in range(1, len(injected)):
            free = decay * states[k - 1] + early * before
            known = injected[k] - step.begin(potentials)
            potentials = from_states @ free + from_currents @ known
            shunts = numbers[places] * opened[k]
            # the synapses' currents depend on the potentials that they make
            system = np.eye(len(places)) + between * shunts
            taken = shunts * np.linalg.solve(system, potentials[places])
            potentials = potentials - by_place @ taken
            into = known - step.end(potentials)
            into[places] -= taken
            before = into @ inward
            states[k] = free + late * before
        return states


class _GateStep:
    """Currents of gates from step to step, the potential linear within each."""

    def __init__(self, gates: Gates, dt: float) -> None:
        early, late = linear_weights(gates.rates, dt)
        self._decay = np.exp(-gates.rates * dt)[:, None]
        self._early = (gates.rates * early)[:, None]
        self._late = (gates.rates * late)[:, None]
        self._shares = gates.shares
        self._parts: NDArray[np.float64] = np.zeros_like(gates.shares)
        self.at_once = np.asarray(np.sum(gates.shares * self._late, axis=0))
        """What a potential at the end of a step adds to the current there, (N,), uS."""

    def begin(self, potentials: np.ndarray) -> np.ndarray:
        """Currents (N,), nA outward, at the end of a step that leads from potentials to zero."""
        self._parts = self._decay * self._parts + self._early * potentials
        return np.asarray(np.sum(self._shares * self._parts, axis=0))

    def end(self, potentials: np.ndarray) -> np.ndarray:
        """What potentials (N,), mV, at the end of the step add to the currents, (N,), nA."""
        self._parts += self._late * potentials
        return np.asarray(self.at_once * potentials)
