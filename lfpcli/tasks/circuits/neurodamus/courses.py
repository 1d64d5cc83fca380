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

    def skip(self, count: int) -> None:
        """Leave numbers out, of the law that a stream has before any is chosen."""

    def normal(self, mean: float, variance: float, count: int) -> np.ndarray:
        """Normal numbers, shape (count,), without the one that is drawn when the law is chosen."""

    def exponential(self, mean: float, count: int) -> np.ndarray:
        """Exponential numbers, shape (count,), likewise."""

    def uniform(self, count: int) -> np.ndarray:
        """Numbers between 0 and 1, shape (count,), likewise."""

    def one_normal(self) -> float:
        """The number of a normal law of mean 0 and variance 1 that is drawn when it is chosen."""

    def one_uniform(self) -> float:
        """The same of a uniform law between 0 and 1."""


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


def noise(
    mean: float,
    variance: float,
    draws: Draws,
    *,
    dt: float,
    step: float,
    delay: float,
    duration: float,
) -> Course:
    """Normal noise (nA), drawn anew at each interval and linear between.

    Parameters
    ----------
    mean, variance : float
        nA; neurodamus gives NEURON's generator this as the variance, nA2.
    draws : Draws
        The stream of the cell.
    dt, step : float
        Interval of the noise, and time step of the run, ms.
    delay, duration : float
        ms.
    """
    # a noise that begins later is that of one that began at 0
    previous, stretch = 0.0, duration - step
    while previous < delay - step and stretch > 0:
        last = min(previous + stretch, delay - step)
        draws.skip(len(steps_from(previous, last - previous, dt)))
        previous = last + step
    builder = CourseBuilder(delay)
    times = steps_from(builder.time, duration, dt)
    builder.between_jumps(times, draws.normal(mean, variance, len(times)), duration)
    return builder.course()


def ornstein_uhlenbeck(
    mean: float,
    deviation: float,
    draws: Draws,
    *,
    tau: float,
    dt: float,
    delay: float,
    duration: float,
) -> Course:
    """An Ornstein-Uhlenbeck process that begins at its mean, in the unit of that.

    Updated exactly (Gillespie 1996, Phys Rev E 54:2084).

    Parameters
    ----------
    mean, deviation : float
        Of the process, nA or uS.
    draws : Draws
        The stream of the cell.
    tau, dt : float
        Time of its correlations, 0 for white noise, and interval, ms.
    delay, duration : float
        ms.
    """
    builder = CourseBuilder(delay)
    times = steps_from(builder.time, duration, dt)
    steps = draws.normal(0.0, 1.0, len(times))
    values = steps * deviation
    if tau >= _SLACK:
        left = math.exp(-dt / tau)
        steps = steps * (deviation * math.sqrt(1 - left * left))
        values = np.zeros(len(times))
        for k in range(1, len(times)):
            values[k] = values[k - 1] * left + steps[k]
    builder.between_jumps(times, values + mean, duration)
    return builder.course()


@dataclass(frozen=True, kw_only=True)
class Shots:
    """Poisson events, each a difference of two exponentials.

    Attributes
    ----------
    rise, decay : float
        Time constants, ms.
    rate : float
        Events, 1/s.
    mean, variance : float
        Of the peaks, which follow a gamma law; nA or uS, and its square. Where the mean is below
        0 all are.
    """

    rise: float
    decay: float
    rate: float
    mean: float
    variance: float

    @classmethod
    def of_signal(
        cls, mean: float, deviation: float, *, rise: float, decay: float, skew: float
    ) -> Shots:
        """Events whose sum has a mean and a deviation, by Campbell's theorem.

        Rice (1944), Bell Syst Tech J 23:282.

        Parameters
        ----------
        mean, deviation : float
            Of the sum, nA or uS.
        rise, decay : float
            Time constants, ms.
        skew : float
            Where its skewness lies between the least and the greatest possible, 0 to 1.
        """
        peak_time = math.log(decay / rise) / (1 / rise - 1 / decay)
        peak = math.exp(-peak_time / decay) - math.exp(-peak_time / rise)
        area = (decay - rise) / peak
        first = 1 / (decay + rise)
        second = 1 / ((decay + 2 * rise) * (2 * decay + rise))
        skewness = (1 + skew) * (8 / 3) * (second / first**2) * (deviation / mean)
        ratios = deviation**2 / mean, deviation * skewness
        scales = 2 / (first * area) * ratios[0], (3 * first) / (4 * second * area) * ratios[1]
        amplitude = 2 * scales[0] - scales[1]
        return cls(
            rise=rise,
            decay=decay,
            rate=mean / (amplitude * area) * _SECOND,
            mean=amplitude,
            variance=amplitude * (scales[1] - scales[0]),
        )


def shot_noise(shots: Shots, draws: Draws, *, dt: float, delay: float, duration: float) -> Course:
    """A sum of events (nA or uS), sampled with an interval (ms).

    Parameters
    ----------
    shots : Shots
        The events.
    draws : Draws
        The stream of the cell.
    dt, delay, duration : float
        ms.

    Raises
    ------
    ValueError
        Where the stream has not enough events, which is next to impossible.
    """
    builder = CourseBuilder(delay)
    times = steps_from(builder.time, duration, dt)
    count = len(times)
    expected = 1 + int(duration * (shots.rate / _SECOND))
    expected = int(expected + 3 * math.sqrt(expected))
    events = np.cumsum(draws.exponential(1 / shots.rate, expected)) * _SECOND
    if events[-1] < duration:
        raise ValueError(f"{expected} events end before {duration:g} ms")
    index = np.array([round(each) for each in (events[events < duration] / dt).tolist()], np.int64)
    index = index[index < count]
    mean = abs(shots.mean)
    scale = shots.variance / mean
    peaks = math.copysign(1.0, shots.mean) * _gamma(draws, mean / scale, scale, len(index))
    impulses = np.zeros(count)
    np.add.at(impulses, index, peaks)
    builder.between_jumps(times, _responses(impulses, shots, dt), duration)
    return builder.course()


def _responses(impulses: np.ndarray, shots: Shots, dt: float) -> np.ndarray:
    """What impulses cause, each with its peak where the difference of exponentials has it."""
    decay, rise = math.exp(-dt / shots.decay), math.exp(-dt / shots.rise)
    rates = -math.log(decay), -math.log(rise)
    peak_time = math.log(rates[1] / rates[0]) / (rates[1] - rates[0])
    peak = float((decay / rise - 1) / (decay**peak_time - rise**peak_time))
    response, state = 0.0, 0.0
    values = np.zeros(len(impulses))
    for k, impulse in enumerate(impulses[:-1].tolist(), start=1):
        response, state = decay * response + rise * state, rise * state + impulse
        values[k] = response
    return values * peak


def _gamma(draws: Draws, shape: float, scale: float, count: int) -> np.ndarray:
    """Numbers of a gamma law, (count,), in the unit of the scale.

    Marsaglia and Tsang (2000), ACM Trans Math Softw 26:363.
    """
    if shape < 1:
        factors = np.power(draws.uniform(count), 1 / shape)
        return np.asarray(_gamma(draws, 1 + shape, scale, count) * factors)
    most = shape - 1 / 3
    width = 1 / 3 / math.sqrt(most)
    values = np.zeros(count)
    for k in range(count):
        while True:
            normal = draws.one_normal()
            cube = 1 + width * normal
            if cube <= 0:
                continue
            cube = cube * cube * cube
            uniform = draws.one_uniform()
            if uniform < 1 - 0.0331 * normal**4 or math.log(uniform) < (
                0.5 * normal * normal + most * (1 - cube + math.log(cube))
            ):
                values[k] = scale * most * cube
                break
    return values
