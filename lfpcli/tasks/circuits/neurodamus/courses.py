"""Currents and conductances in time, as the inputs of neurodamus describe them.

A course is a list of knots, linear between them; two knots at one time are a jump.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# NEURON's allowance where it counts the steps of a stretch
_SLACK = 1e-9
_SECOND = 1000.0


class Draws(Protocol):
    """A random stream of NEURON, which goes on from call to call."""

    def normal(self, mean: float, variance: float, count: int) -> np.ndarray:
        """Normal numbers, shape (count,)."""

    def exponential(self, mean: float, count: int) -> np.ndarray:
        """Exponential numbers, shape (count,)."""

    def uniform(self, count: int) -> np.ndarray:
        """Numbers between 0 and 1, shape (count,)."""


Streams = Callable[[tuple[int, int, int]], Draws]
"""Gives the stream of three numbers from its begin."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is injected into a cell.

    Attributes
    ----------
    times, values : ndarray, shape (K,)
        ms, ascending, and nA or uS.
    """

    times: np.ndarray
    values: np.ndarray


class CourseBuilder:
    """Puts the knots of a course together.

    Parameters
    ----------
    delay : float
        When it begins, ms.
    base : float
        What it is before and behind.
    """

    def __init__(self, delay: float, base: float = 0.0) -> None:
        self._times: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self._base, self.time = base, 0.0
        if delay > 0:
            self.knot(base)
            self.time = delay

    def knot(self, value: float) -> None:
        """Add a knot at the time that has been come to."""
        self.knots(np.array([self.time]), np.array([value]))

    def knots(self, times: np.ndarray, values: np.ndarray) -> None:
        """Add knots, shape (n,) each, ms and in the unit of the course."""
        self._times.append(times)
        self._values.append(values)

    def ramp(self, first: float, last: float, duration: float) -> None:
        """Add a ramp from one value to another, between two jumps."""
        self.knot(self._base)
        self.knot(first)
        self.time += duration
        self.knot(last)
        self.knot(self._base)

    def between_jumps(self, times: np.ndarray, values: np.ndarray, duration: float) -> None:
        """Add values, shape (n,), at times in ms, between two jumps."""
        self.knot(self._base)
        self.knots(times, values)
        self.time += duration
        self.knot(self._base)

    def course(self) -> Course:
        """The course so far."""
        return Course(times=np.concatenate(self._times), values=np.concatenate(self._values))


def steps_from(begin: float, duration: float, dt: float) -> np.ndarray:
    """Times from one on, at both ends of a stretch, shape (n,), ms; as NEURON's indgen."""
    count = math.floor((begin + duration - begin) / dt + _SLACK) + 1
    return np.arange(count) * dt + begin


def ramp(first: float, last: float, *, delay: float, duration: float) -> Course:
    """A ramp, nA."""
    builder = CourseBuilder(delay)
    builder.ramp(first, last, duration)
    return builder.course()


def pulses(
    amplitude: float, *, frequency: float, width: float, delay: float, duration: float
) -> Course:
    """Pulses (nA) of a frequency (1/s); the last one may be cut short."""
    builder = CourseBuilder(delay)
    period = _SECOND / frequency
    pause = period - width
    whole = int(duration / period)
    for _ in range(whole):
        builder.ramp(amplitude, amplitude, width)
        builder.time += pause
    rest = duration - whole * period
    builder.ramp(amplitude, amplitude, min(width, rest))
    if width <= rest:
        builder.time += min(pause, rest - width)
    builder.knot(0.0)
    return builder.course()


def sine(amplitude: float, *, frequency: float, dt: float, delay: float, duration: float) -> Course:
    """A sine (nA) of a frequency (1/s), sampled with a step (ms)."""
    builder = CourseBuilder(delay)
    times = steps_from(builder.time, duration, dt)
    phase = 2.0 * math.pi / _SECOND * frequency * dt
    builder.knots(times, amplitude * np.sin(phase * np.arange(len(times))))
    builder.time += duration
    builder.knot(0.0)
    return builder.course()
