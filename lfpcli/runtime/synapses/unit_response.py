"""The current of one synapse after one event, at a potential that is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.synapses.held import HeldSynapse

# ms before the event, and mV between the two potentials that tell a conductance
_BEFORE, _APART = 1.0, 1.0
# slope of a current, per mV, that is one of rounding
_NONE = 1e-9


@dataclass(frozen=True, kw_only=True)
class UnitResponse:
    """What one event does.

    Attributes
    ----------
    current : ndarray, shape (T,)
        nA, outward positive, from the event on.
    conductance : ndarray, shape (T,)
        Its slope with potential, uS.
    """

    current: np.ndarray
    conductance: np.ndarray

    @property
    def driving_force(self) -> float:
        """Potential less that of the reversal, mV, in the mean; infinite for a mere current."""
        opened = float(np.sum(self.conductance))
        passed = float(np.sum(self.current))
        if abs(opened) <= _NONE * abs(passed):
            return np.inf
        force = passed / opened
        # at the reversal there is no current that could be more or less
        return force if force != 0.0 else np.inf


def unit_response(
    mechanism: str,
    parameters: Mapping[str, float],
    *,
    weight: float,
    potential: float,
    celsius: float,
    dt: float,
    samples: int,
) -> UnitResponse:
    """Measure the current of a synapse after an event.

    Parameters
    ----------
    mechanism : str
        The point process.
    parameters : mapping of str to float
        Its parameters.
    weight : float
        Weight of the event.
    potential : float
        Potential that is held, mV.
    celsius : float
        Temperature, degrees Celsius.
    dt : float
        Sampling interval, ms; steps are shorter.
    samples : int
        Number of samples.

    Raises
    ------
    SimulatorError
        Where the current does not grow with the weight, or flows before the event.
    """
    at = _measured(mechanism, parameters, weight, potential, celsius=celsius, dt=dt, count=samples)
    above = _measured(
        mechanism, parameters, weight, potential + _APART, celsius=celsius, dt=dt, count=samples
    )
    double = _measured(
        mechanism, parameters, 2 * weight, potential, celsius=celsius, dt=dt, count=samples
    )
    size = np.abs(at).max(initial=0.0)
    if np.abs(double - 2 * at).max(initial=0.0) > 1e-6 * max(size, 1e-30):
        raise SimulatorError(
            f"the current of {mechanism} is not proportional to the weight of its event",
            remedy="kernels are of synapses that are linear in their weight",
        )
    return UnitResponse(current=at, conductance=(above - at) / _APART)


def _measured(
    mechanism: str,
    parameters: Mapping[str, float],
    weight: float,
    potential: float,
    *,
    celsius: float,
    dt: float,
    count: int,
) -> np.ndarray:
    """Current from the event on, (count,), nA, positive outward."""
    h = nrn()
    # of a fixed step NEURON's exponentials and sums are exact or of first order: many steps
    substeps = max(1, int(np.ceil(dt / 0.005)))
    synapse = HeldSynapse(
        mechanism,
        parameters,
        weight=weight,
        potential=potential,
        celsius=celsius,
        step=dt / substeps,
    )
    synapse.connection.event(_BEFORE)
    currents = np.zeros(count)
    while h.t < _BEFORE - h.dt / 2:
        h.fadvance()
    synapse.check_silent("kernels are of what events cause")
    for k in range(1, count):
        for _ in range(substeps):
            h.fadvance()
        currents[k] = synapse.point.i
    return currents
