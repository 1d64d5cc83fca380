"""Trains of rectangular current pulses for stimulation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError

MOST_PULSES = 1_000_000


@dataclass(frozen=True)
class PulseTrain:
    """A train of rectangular pulses of one or two phases.

    Attributes
    ----------
    amp : float
        Current of a pulse, or of its first phase, nA.
    delay : float
        Begin of the first pulse, ms.
    dur : float
        Length of a pulse, or of its first phase, ms, > 0.
    number : int
        Number of pulses.
    period : float, optional
        From the begin of a pulse to that of the next, ms; needed for more than one.
    biphasic : bool
        Whether a second phase follows; of opposite current and equal length by default, so that
        no charge is left.
    amp2, dur2 : float, optional
        Current, nA, and length, ms, of the second phase.
    interphase : float
        Pause between the phases, ms.

    Raises
    ------
    UsageError
        Where a value is out of its range, or pulses overlap.
    """

    amp: float
    delay: float
    dur: float
    number: int = 1
    period: float | None = None
    biphasic: bool = False
    amp2: float | None = None
    dur2: float | None = None
    interphase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("amp", "delay", "dur", "period", "amp2", "dur2", "interphase"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise UsageError(f"pulses: '{name}' is {value}, expected a finite number")
        for name in ("dur", "dur2", "period"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UsageError(f"pulses: '{name}' is {value:g} ms, expected more than 0")
        if self.interphase < 0:
            raise UsageError(f"pulses: 'interphase' is {self.interphase:g} ms, expected 0 or more")
        if not self.biphasic and not (self.amp2 is None and self.dur2 is None):
            raise UsageError(
                "pulses: 'amp2' and 'dur2' are of a second phase", remedy="set biphasic = true"
            )
        if not 1 <= self.number <= MOST_PULSES or self.number != int(self.number):
            raise UsageError(f"pulses: 'number' is {self.number}, expected 1 to {MOST_PULSES}")
        self._check_period()

    @property
    def width(self) -> float:
        """Length of a whole pulse, both phases and the pause between them, ms."""
        if not self.biphasic:
            return self.dur
        return self.dur + self.interphase + (self.dur if self.dur2 is None else self.dur2)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Times at which the current changes, and the current from each of them on.

        Held from step to step, as NEURON plays a vector, they are the whole train: far fewer
        values than samples.

        Returns
        -------
        times : ndarray, shape (K,)
            ms, ascending.
        currents : ndarray, shape (K,)
            nA; the last one is 0.
        """
        edges, levels = [0.0, self.dur], [self.amp, 0.0]
        if self.biphasic:
            edges += [self.dur + self.interphase, self.width]
            levels += [-self.amp if self.amp2 is None else self.amp2, 0.0]
        # products and not sums, which would drift over a million pulses
        begins = self.delay + (self.period or 0.0) * np.arange(self.number)
        times = (begins[:, None] + edges).ravel()
        currents = np.tile(levels, self.number)
        # where one phase begins as another ends the later value holds
        last = np.append(times[1:] > times[:-1], True)
        return times[last], currents[last]

    def at(self, times: ArrayLike) -> np.ndarray:
        """Current at given times.

        A pulse is on for begin <= t < begin + dur. Played into NEURON, which holds each sample
        until the next, that acts on the membrane as an IClamp of the same delay and duration.
        (MEAutility's samples, on for begin < t <= begin + dur, act one step later.)

        Parameters
        ----------
        times : array_like, shape (T,)
            ms.

        Returns
        -------
        ndarray, shape (T,)
            nA.
        """
        moments = np.asarray(times, dtype=float)
        changes, currents = self.steps()
        # a grid of k dt misses a step at the same decimal number by some of the last bits
        slack = 1e-9 * np.maximum(1.0, np.abs(moments))
        index = np.searchsorted(changes, moments + slack, side="right")
        return np.asarray(np.concatenate([[0.0], currents])[index])

    def _check_period(self) -> None:
        if self.number > 1 and self.period is None:
            raise UsageError("pulses: more than one pulse needs 'period', in ms")
        if self.period is not None and self.number > 1 and self.period < self.width * (1 - 1e-12):
            raise UsageError(
                f"pulses: 'period' is {self.period:g} ms, shorter than a pulse of {self.width:g} ms"
            )
