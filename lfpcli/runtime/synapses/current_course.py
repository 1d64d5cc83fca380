"""What a synapse injects in each time step after an event, where it injects a current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.synapses.held import HeldSynapse

# steps before the event, mV between two potentials, and steps between two events, by which is
# told whether a current depends on the potential or on earlier events
_BEFORE, _APART, _BETWEEN = 3, 5.0, 7
# what is too small to count, of the largest current
_LEFT, _EQUAL = 1e-13, 1e-9


def current_course(
    mechanism: str,
    parameters: Mapping[str, float],
    *,
    potential: float,
    celsius: float,
    dt: float,
    longest: int,
) -> np.ndarray:
    """Measure the current of a synapse after an event of weight 1.

    Parameters
    ----------
    mechanism : str
        The point process.
    parameters : mapping of str to float
        Its parameters.
    potential : float
        mV.
    celsius : float
        Temperature, degrees Celsius.
    dt : float
        Time step, ms.
    longest : int
        Steps after which it must have decayed.

    Returns
    -------
    ndarray, shape (n,)
        nA into the cell in each step from the event on.

    Raises
    ------
    SimulatorError
        Where the current depends on the potential, is not proportional to the weight, does not add
        up over events, flows without one, or does not decay.
    """

    def measured(v: float, weight: float, events: Sequence[int], count: int) -> np.ndarray:
        return _measured(
            mechanism,
            parameters,
            weight=weight,
            events=events,
            potential=v,
            celsius=celsius,
            dt=dt,
            count=count,
        )

    count = 256
    course = measured(potential, 1.0, (0,), count)
    while np.abs(course[-1]) > _LEFT * np.abs(course).max(initial=0.0):
        if count >= longest:
            raise SimulatorError(
                f"the current of {mechanism} has not decayed after {count * dt:g} ms",
                remedy="simulate it: --simulate, or lfp sim",
            )
        count = min(4 * count, longest)
        course = measured(potential, 1.0, (0,), count)
    size = np.abs(course).max(initial=0.0)
    twice = np.zeros(count)
    twice[_BETWEEN:] = course[:-_BETWEEN]
    checks = {
        "depends on the potential": measured(potential + _APART, 1.0, (0,), count) - course,
        "is not proportional to the weight": measured(potential, 2.0, (0,), count) - 2 * course,
        "does not add up over events": measured(potential, 1.0, (0, _BETWEEN), count)
        - (course + twice),
    }
    for fault, difference in checks.items():
        if np.abs(difference).max(initial=0.0) > _EQUAL * size:
            raise SimulatorError(
                f"the current of {mechanism} {fault}",
                remedy="impulse responses are of synapses that inject currents; simulate,"
                " with --simulate or lfp sim",
            )
    return course[: int(np.flatnonzero(np.abs(course) > _LEFT * size)[-1]) + 1]


def _measured(
    mechanism: str,
    parameters: Mapping[str, float],
    *,
    weight: float,
    events: Sequence[int],
    potential: float,
    celsius: float,
    dt: float,
    count: int,
) -> np.ndarray:
    """Current into the cell in each step from the first event on, (count,), nA."""
    h = nrn()
    synapse = HeldSynapse(
        mechanism, parameters, weight=weight, potential=potential, celsius=celsius, step=dt
    )
    for event in events:
        synapse.connection.event((_BEFORE + event) * dt)
    for _ in range(_BEFORE):
        h.fadvance()
    synapse.check_silent("simulate it: lfp sim")
    currents = np.zeros(count)
    for k in range(count):
        # what the step has used is what stands in the synapse after it
        h.fadvance()
        currents[k] = -synapse.point.i
    return currents
