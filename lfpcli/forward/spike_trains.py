"""Spike trains of stationary and modulated point processes, each train from a stream of its own.

Intervals are a dead time (the refractory period) and a gamma-distributed rest, so that the mean
rate is the one asked for whatever the dead time is: nothing is drawn and then deleted. Trains
begin in equilibrium: the time to the first spike has the distribution of the forward recurrence
time of the process (Cox 1962, Renewal Theory, ch. 5), so that the rate is the same from the begin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.seeds import generator

# intervals that a train gets at once; the number of them must not depend on the length of a train
_ROUND = 256
# cycles of bursts before the begin, after which it does not matter how they began
_BURN_IN = 64
# mean number of spikes of a burst, of which a round of intervals is drawn at once
_MOST_OF_BURST = 10_000
# standard deviations that jitter carries a spike at most, but for few
_JITTERS = 6.0
# ms between the knots of an integrated rate
_KNOTS = 1.0
MOST_SPIKES = 100_000_000
"""Spikes of all trains after which a draw gives up before it begins."""
MOST_TRAINS = 10_000_000
"""Trains of a population after which it does, silent ones too."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate that follows time, linear between its knots and constant outside of them.

    Attributes
    ----------
    times : ndarray, shape (n,)
        ms, ascending.
    values : ndarray, shape (n,)
        Spikes per s, >= 0.
    """

    times: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.times.shape != self.values.shape or not len(self.times):
            raise UsageError("a rate needs as many times as values, one at least")
        if np.any(np.diff(self.times) <= 0):
            raise UsageError("times of a rate do not ascend")
        if np.any(self.values < 0) or not np.all(np.isfinite(self.values)):
            raise UsageError("values of a rate are not finite and 0 or more")

    def at(self, times: np.ndarray) -> np.ndarray:
        """The rate at times (m,), ms; (m,), spikes per s."""
        return np.asarray(np.interp(times, self.times, self.values))


@dataclass(frozen=True, kw_only=True)
class Process:
    """What makes the trains of a population.

    Attributes
    ----------
    rate : float or Rate
        Mean rate of a train, spikes per s.
    shape : float
        Shape of the gamma-distributed part of the intervals: 1 makes a Poisson process, more a
        more regular one; infinity makes all intervals equal.
    refractory : float
        Dead time after each spike, ms.
    rate_sd, rate_min : float
        Standard deviation of the rates between trains, and their least value, spikes per s.
    burst_size : float
        Mean number of spikes of a burst, geometrically distributed; 1 makes no bursts.
    burst_interval : float
        Interval between the spikes of a burst, ms.
    correlation : float
        Correlation coefficient of the counts of each pair of trains, below 1.
    jitter : float
        Standard deviation of the times of common spikes, ms.
    """

    rate: float | Rate
    shape: float = 1.0
    refractory: float = 0.0
    rate_sd: float = 0.0
    rate_min: float = 0.5
    burst_size: float = 1.0
    burst_interval: float = 4.0
    correlation: float = 0.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        self._check_values()
        self._check_mixture()
        highest = float(np.max(self.rate.values)) if isinstance(self.rate, Rate) else self.rate
        if highest > 0 and not self.rest_of(highest) > 0:
            raise UsageError(
                f"{highest:g} spikes per s leave no time between dead times of {self.refractory:g}"
                " ms",
                remedy="lower the rate, the refractory period or the bursts",
            )

    def _check_values(self) -> None:
        limits = {"refractory": 0.0, "rate_sd": 0.0, "rate_min": 0.0, "jitter": 0.0}
        for name, least in limits.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise UsageError(f"{name} is {value:g}, expected {least:g} or more")
        if not isinstance(self.rate, Rate) and not (math.isfinite(self.rate) and self.rate >= 0):
            raise UsageError(f"rate is {self.rate:g} spikes per s, expected 0 or more")
        if not self.shape > 0:
            raise UsageError(f"shape of a gamma process is {self.shape:g}, expected above 0")
        if not 1 <= self.burst_size <= _MOST_OF_BURST:
            raise UsageError(
                f"bursts have {self.burst_size:g} spikes, expected 1 to {_MOST_OF_BURST:,}"
            )
        if not (math.isfinite(self.burst_interval) and self.burst_interval > 0):
            raise UsageError(
                f"intervals in bursts are {self.burst_interval:g} ms, expected above 0"
            )
        if not 0 <= self.correlation < 1:
            raise UsageError(f"correlation is {self.correlation:g}, expected from 0 to below 1")

    def _check_mixture(self) -> None:
        """Refuse what has no definition together."""
        if self.correlation and (self.refractory or self.shape != 1 or self.burst_size > 1):
            raise UsageError(
                "correlated trains are Poisson trains without dead time and bursts",
                remedy="leave out either the correlation, or the shape, dead time and bursts",
            )
        if self.correlation and self.rate_sd:
            raise UsageError("correlated trains have one rate", remedy="leave the spread out")
        if self.jitter and not self.correlation:
            raise UsageError("jitter is of the common spikes of correlated trains")
        modulated = isinstance(self.rate, Rate)
        if modulated and (self.rate_sd or self.burst_size > 1 or math.isinf(self.shape)):
            raise UsageError(
                "a rate that follows time goes with a dead time and a shape alone",
                remedy="leave out spread, bursts and regularity",
            )
        if self.burst_size > 1 and math.isinf(self.shape):
            raise UsageError("bursts are of Poisson and gamma processes")

    def rest_of(self, rate: float) -> float:
        """Mean of the gamma-distributed part of intervals at a rate (spikes per s), ms."""
        cycle = 1000.0 * self.burst_size / rate
        return cycle - self.refractory - (self.burst_size - 1) * self.burst_interval

    @property
    def mean_rate(self) -> float:
        """Rate of a train, spikes per s, at most but for few; of a rate in time, the highest."""
        if isinstance(self.rate, Rate):
            return float(np.max(self.rate.values))
        if not self.rate_sd:
            return self.rate
        return max(self.rate + self.rate_sd, self.rate_min)


def spike_trains(
    process: Process, size: int, duration: float, *, seed: int, number: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the trains of a population.

    Each train has a stream of its own, keyed by seed, population and train: it stays the same in
    a larger population, and its begin is that of a longer train.

    Parameters
    ----------
    process : Process
        What makes them.
    size : int
        Number of trains.
    duration : float
        ms.
    seed : int
        Seed.
    number : int
        Number of the population, which keys its streams.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, ascending, from 0 to below `duration`.
    trains : ndarray of int, shape (n,)
        From 0 to below `size`.

    Raises
    ------
    UsageError
        Where there would be more than `MOST_SPIKES`, or `MOST_TRAINS`.
    """
    if size > MOST_TRAINS:
        raise UsageError(
            f"there are {size:,} trains, more than {MOST_TRAINS:,}", remedy="lower the size"
        )
    expected = process.mean_rate * duration * size / 1000.0
    if process.correlation:
        # the common train is longer by what jitter may carry across its ends
        length = duration + 2 * _JITTERS * process.jitter
        expected = max(expected, process.mean_rate / process.correlation * length / 1000.0)
    if expected > MOST_SPIKES:
        raise UsageError(
            f"the trains have about {expected:.3g} spikes, more than {MOST_SPIKES:,}",
            remedy="lower rate, size or duration",
        )
    if process.correlation:
        trains = _correlated(process, size, duration, seed=seed, number=number)
    elif isinstance(process.rate, Rate):
        trains = _modulated(process, size, duration, seed=seed, number=number)
    else:
        trains = []
        for train in range(size):
            stream = generator(seed, "spike train", number, train)
            trains.append(_stationary(process, duration, stream))
    times = np.concatenate([np.zeros(0), *trains])
    owners = np.repeat(np.arange(size), [len(train) for train in trains])
    order = np.lexsort((owners, times))
    return times[order], owners[order]


def _stationary(process: Process, duration: float, stream: np.random.Generator) -> np.ndarray:
    """One train of constant rate, (n,), ms."""
    assert not isinstance(process.rate, Rate)
    rate = process.rate
    if process.rate_sd:
        rate = max(rate + process.rate_sd * stream.standard_normal(), process.rate_min)
    if rate == 0:
        return np.zeros(0)
    if math.isinf(process.shape):
        interval = 1000.0 / rate
        count = math.ceil(duration / interval) + 1
        times = interval * (stream.random() + np.arange(count))
        return np.asarray(times[times < duration])
    rest = process.rest_of(rate)
    if rest <= 0:
        # one of the drawn rates is beyond what the dead time lets through
        raise UsageError(
            f"a drawn rate of {rate:.3g} spikes per s leaves no time between dead times",
            remedy="lower the spread of the rates",
        )
    if process.burst_size > 1:
        return _bursting(process, duration, rest, stream)
    begin = _first_spike(process, rest, stream)
    blocks = [np.array([begin])]
    while begin < duration:
        intervals = process.refractory + _gamma(process.shape, rest, stream, _ROUND)
        times = begin + np.cumsum(intervals)
        blocks.append(times)
        begin = float(times[-1])
    times = np.concatenate(blocks)
    return np.asarray(times[times < duration])


def _gamma(shape: float, mean: float, stream: np.random.Generator, count: int) -> np.ndarray:
    return stream.standard_gamma(shape, count) * (mean / shape)


def _first_spike(process: Process, rest: float, stream: np.random.Generator) -> float:
    """Time to the first spike of a process in equilibrium, ms.

    The interval about a moment is drawn with weight to its length x f(x): of a dead time r and a
    gamma rest g of mean m this is a mixture, with the weight r an ordinary rest and with the weight
    m one whose shape is larger by 1. The moment falls uniformly into it.
    """
    dead, shape = process.refractory, process.shape
    longer = stream.random() * (dead + rest) >= dead
    interval = dead + stream.standard_gamma(shape + longer) * (rest / shape)
    return float(interval * stream.random())


def _excess(shape: float, stream: np.random.Generator) -> float:
    """What is left at a moment of a gamma-distributed interval of unit mean."""
    return float(stream.random() * stream.standard_gamma(shape + 1.0) / shape)


def _bursting(
    process: Process, duration: float, rest: float, stream: np.random.Generator
) -> np.ndarray:
    """One train of bursts, (n,), ms; it runs for a while before time 0."""
    size, inner = process.burst_size, process.burst_interval
    cycle = rest + process.refractory + (size - 1) * inner
    begin = -_BURN_IN * cycle
    blocks = []
    while begin < duration:
        counts = stream.geometric(1.0 / size, _ROUND)
        lengths = (counts - 1) * inner
        pauses = process.refractory + _gamma(process.shape, rest, stream, _ROUND)
        starts = begin + np.cumsum(pauses) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        blocks.append(np.repeat(starts, counts) + inner * within)
        begin = float(starts[-1] + lengths[-1])
    times = np.concatenate(blocks)
    return np.asarray(times[(times >= 0) & (times < duration)])


def _modulated(
    process: Process, size: int, duration: float, *, seed: int, number: int
) -> list[np.ndarray]:
    """Trains whose rate follows time, each (n,), ms.

    After the dead time r the rate of the process is lambda = nu / (1 - nu r), which makes the mean
    rate nu where that changes slowly against r; intervals are of unit mean in the time that
    integrates lambda (time rescaling, Brown et al. 2002, Neural Comput 14:325).
    """
    assert isinstance(process.rate, Rate)
    rate, dead = process.rate, process.refractory
    first = float(rate.at(np.zeros(1))[0])
    begin = -_BURN_IN * 1000.0 / first if first > 0 else 0.0
    grid = np.arange(0.0, duration + _KNOTS, _KNOTS)
    inside = rate.times[(rate.times > 0) & (rate.times < duration)]
    knots = np.unique(np.concatenate([[begin], grid, inside]))
    per_ms = rate.at(knots) / 1000.0
    hazard = per_ms / (1.0 - per_ms * dead)
    steps = np.diff(knots) * (hazard[1:] + hazard[:-1]) / 2.0
    integral = np.concatenate([[0.0], np.cumsum(steps)])
    streams = [generator(seed, "spike train", number, train) for train in range(size)]
    times = np.full(size, begin - dead)
    rounds: list[np.ndarray] = []
    while np.any(times < duration):
        rests = np.array([_gamma(process.shape, 1.0, stream, _ROUND) for stream in streams])
        if first == 0 and not rounds and process.shape != 1:
            # nothing came before, in which the process could have forgotten how it began
            rests[:, 0] = [_excess(process.shape, stream) for stream in streams]
        for step in range(_ROUND):
            reached = np.interp(times + dead, knots, integral) + rests[:, step]
            times = np.interp(reached, integral, knots, right=np.inf)
            rounds.append(times)
    spikes = np.column_stack(rounds) if rounds else np.zeros((size, 0))
    return [train[(train >= 0) & (train < duration)] for train in spikes]


def _correlated(
    process: Process, size: int, duration: float, *, seed: int, number: int
) -> list[np.ndarray]:
    """Trains that copy spikes of a common one, each (n,), ms.

    Each spike of a Poisson train of rate nu / c goes to each train with probability c, which makes
    Poisson trains of rate nu with the count correlation c (multiple interaction process, Kuhn,
    Aertsen and Rotter 2003, Neural Comput 15:67).
    """
    share, rate = process.correlation, process.rate
    if isinstance(rate, Rate):
        common_rate: float | Rate = Rate(times=rate.times, values=rate.values / share)
    else:
        common_rate = rate / share
    # what jitter carries across the ends must be there to be carried
    margin = _JITTERS * process.jitter
    common = Process(rate=common_rate)
    if isinstance(common_rate, Rate):
        common_rate = Rate(times=common_rate.times + margin, values=common_rate.values)
        common = Process(rate=common_rate)
        source = _modulated(common, 1, duration + 2 * margin, seed=seed, number=number)[0]
    else:
        stream = generator(seed, "spike train", number, 0)
        source = _stationary(common, duration + 2 * margin, stream)
    trains = []
    for train in range(size):
        stream = generator(seed, "common spikes", number, train)
        times = source[stream.random(len(source)) < share] - margin
        if process.jitter:
            times = times + process.jitter * stream.standard_normal(len(times))
        trains.append(np.sort(times[(times >= 0) & (times < duration)]))
    return trains
