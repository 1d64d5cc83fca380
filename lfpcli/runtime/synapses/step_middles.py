"""Which step an event acts in that comes in the middle of one, where rounding errors decide."""

from __future__ import annotations

import numpy as np

NEAR = 2.0**-20
"""ms; events this near to the middle of a step may not be moved across it."""
SPIKE_LAG = 1e-10
"""ms; by so much NEURON's spikes are behind the time of the step in which it sees them."""
# steps whose times are added up at once
_BLOCK = 1 << 14


class StepMiddles:
    """Middles of the fixed time steps of a run.

    NEURON hands over all events up to the middle of a step before it advances. It adds half a step
    to its time twice a step, so that the middles carry its rounding errors, by which an event that
    lies there acts a step earlier or later. Spikes of files are often on such a grid.

    Parameters
    ----------
    dt : float
        Step, ms.
    tstart : float
        Start of the run, ms.
    """

    def __init__(self, dt: float, tstart: float = 0.0) -> None:
        self._dt, self._half = dt, 0.5 * dt
        self._begin = -round(-tstart / dt) * dt
        # a step, and its time as NEURON has added it up
        self._known = 0, self._begin

    def are_past(self, times: np.ndarray) -> np.ndarray:
        """Which events lie at the middle of a step and act in the next one, shape (n,) bool.

        Parameters
        ----------
        times : ndarray, shape (n,)
            ms.
        """
        steps = np.round((times - self._begin) / self._dt - 0.5)
        distance = np.abs(times - self._begin - (steps + 0.5) * self._dt)
        near = np.flatnonzero((distance < NEAR) & (steps >= 0))
        past = np.zeros(len(times), bool)
        if len(near):
            past[near] = times[near] > self._middles(steps[near].astype(np.int64))
        return past

    def _middles(self, steps: np.ndarray) -> np.ndarray:
        """Middles of steps by their numbers, ms, with the errors of NEURON's sums."""
        first, last = int(steps.min()), int(steps.max())
        if first < self._known[0]:
            self._known = 0, self._begin
        step, time = self._known
        middles = np.empty(len(steps))
        while step <= last:
            halves = np.full(2 * _BLOCK + 1, self._half)
            halves[0] = time
            # one after the other, as NEURON adds them
            sums = np.cumsum(halves)
            inside = (steps >= step) & (steps < step + _BLOCK)
            middles[inside] = sums[2 * (steps[inside] - step)] + self._half
            if first >= step:
                self._known = step, time
            step, time = step + _BLOCK, float(sums[-1])
        return middles


def act_past_middle(delays: np.ndarray, dt: float) -> np.ndarray:
    """Which delays lead spikes of cells from a step to past the middle of one, shape (n,) bool.

    Parameters
    ----------
    delays : ndarray, shape (n,)
        ms.
    dt : float
        Step, ms.
    """
    beyond = (delays / dt % 1.0 - 0.5) * dt
    past: np.ndarray = (beyond >= -SPIKE_LAG) & (beyond < NEAR)
    return past
