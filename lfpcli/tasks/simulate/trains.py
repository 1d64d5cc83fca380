"""Spike trains of sources that are no cells, drawn or read while a run goes.

What is drawn is keyed by what it is drawn for and by an interval of time, or a round of intervals
between spikes; so it is the same on any number of processes, for a run of any length, and however
a run asks for it, and no more is held than one interval has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError
from lfpcli.model import SpikeSource
from lfpcli.runtime.synapses.events import Trains
from lfpcli.seeds import StreamTable
from lfpcli.tasks.simulate.point_processes import drawn_trains, process_of

MOST_SPIKES = 10_000_000
"""Spikes of one train after which a draw gives up."""
# spikes of a group that are drawn at once, and the longest interval, ms, both in the mean
_SPIKES = 128
_LONGEST = 1024.0
# mean intervals after which it does not matter how a renewal process began
_BURN_IN = 64
# column of the stream of the phases that trains begin with
_PHASES = 1 << 60
# intervals between spikes that a train of a renewal process gets at once
_ROUND = 32


@dataclass(frozen=True, kw_only=True)
class TrainGroups:
    """Trains that are drawn together, such as those of the synapses of a cell, group by group.

    Attributes
    ----------
    rows : ndarray of int, shape (G,)
        Row of each group in the table of streams, such as a gid.
    counts : ndarray of int, shape (G,)
        Number of trains of each.
    first : ndarray of int, shape (G,)
        Number of the first train of each.
    step : {1, -1}
        From the number of one train to that of the next.
    usual : float
        Number of trains that a group is expected to have, the same on all processes.
    """

    rows: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    step: int = 1
    usual: float = 1.0

    @property
    def numbers(self) -> np.ndarray:
        """Numbers of all trains, group by group, shape (S,) int."""
        groups = zip(self.first.tolist(), self.counts.tolist(), strict=True)
        parts = [first + self.step * np.arange(count) for first, count in groups]
        return np.concatenate([np.zeros(0, np.int64), *parts])


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time of a run.

    Attributes
    ----------
    tstart, tstop : float
        ms.
    """

    tstart: float
    tstop: float


def process_trains(
    source: SpikeSource, groups: TrainGroups, span: Span, *, seed: int, table: int
) -> ReadTrains:
    """The trains of a source that is a process in equilibrium; all of them are drawn at once.

    Parameters
    ----------
    source : SpikeSource
        What each train is.
    groups : TrainGroups
        The trains; those of a group may be correlated.
    span : Span
        The time of the run.
    seed : int
        Seed of the run.
    table : int
        Number of the table that they belong to, which keys them.

    Raises
    ------
    InputError
        Where the process makes no sense.
    """
    begin = span.tstart if source.start is None else source.start
    end = span.tstop if source.stop is None else min(source.stop, span.tstop)
    process = process_of(source, begin)
    times, numbers = [np.zeros(0)], [np.zeros(0, np.int64)]
    for row, count, first in zip(
        groups.rows.tolist(), groups.counts.tolist(), groups.first.tolist(), strict=True
    ):
        drawn, train = drawn_trains(process, count, (begin, end), seed=seed, key=(table, row))
        times.append(drawn)
        numbers.append(first + groups.step * train)
    known, index = np.concatenate(times), np.concatenate(numbers)
    order = np.lexsort((index, known))
    train_numbers = np.sort(groups.numbers)
    span_of_numbers = (
        range(int(train_numbers[0]), int(train_numbers[-1]) + 1) if len(train_numbers) else range(0)
    )
    return ReadTrains(span_of_numbers, known[order], index[order])


def trains_of(source: SpikeSource, groups: TrainGroups, streams: StreamTable, span: Span) -> Trains:
    """Return the trains that a source makes.

    Parameters
    ----------
    source : SpikeSource
        What each train is.
    groups : TrainGroups
        The trains.
    streams : StreamTable
        Where draws come from.
    span : Span
        The time of the run.

    Raises
    ------
    InputError
        Where a train has more spikes than can be meant.
    """
    end = span.tstop if source.stop is None else min(source.stop, span.tstop)
    if source.times is not None:
        times = np.sort(np.array(source.times, dtype=float))
        return SharedTrains(groups.numbers, times[times <= end][: source.number])
    if source.regular is not None:
        return _regular(source, groups, end)
    begin = span.tstart if source.start is None else source.start
    # no spikes, where an interval would be infinite
    if source.poisson == 0:
        return SharedTrains(groups.numbers, np.zeros(0))
    if source.poisson is None:
        draw: Draw = source.intervals.draw
        rate = _spikes_per_ms(source)
        if source.equilibrium:
            # a process that began long ago, at no special time
            begin -= _BURN_IN / rate
        if source.number is None:
            _check_count(source, (end - begin) * rate)
    else:
        interval = 1000.0 / source.poisson
        rate = 1.0 / interval
        draw = lambda rng, n: rng.exponential(interval, n)  # noqa: E731
        if source.number is None:
            _check_count(source, (end - begin) * rate)
            return PoissonTrains(groups, streams, rate=rate, begin=begin, end=end)
    since = span.tstart if source.start is None else source.start
    return RenewalTrains(
        groups,
        streams,
        draw=draw,
        source=source,
        rate=rate,
        span=(begin, end),
        since=since if source.equilibrium else -math.inf,
    )


Draw = Callable[[np.random.Generator, int], np.ndarray]


def _regular(source: SpikeSource, groups: TrainGroups, end: float) -> Trains:
    begin = 0.0 if source.start is None else source.start
    interval = 1000.0 / float(source.regular or 0)
    # a spike that rounding puts just behind the end is one
    count = max(0, math.floor((end - begin) / interval * (1 + 1e-12)) + 1)
    if source.number is not None:
        count = min(count, source.number)
    _check_count(source, count)
    return SharedTrains(groups.numbers, begin + interval * np.arange(count))


def _spikes_per_ms(source: SpikeSource) -> float:
    """Spikes of a renewal process per ms, roughly: the mean may not be known in closed form."""
    # a generator of its own: the trains of the run are not touched
    intervals = source.intervals.draw(np.random.Generator(np.random.PCG64(0)), 1000)
    return 1.0 / max(float(np.mean(intervals)), 1e-12)


def _check_count(source: SpikeSource, spikes: float) -> None:
    if spikes > MOST_SPIKES:
        raise InputError(
            f"a spike train has more than {MOST_SPIKES:,} spikes",
            source=source.source_line,
            remedy="lower the rate, or give 'number'",
        )


class SharedTrains:
    """Trains that all have the same spikes.

    Parameters
    ----------
    numbers : ndarray of int, shape (S,)
        Their numbers.
    times : ndarray, shape (n,)
        ms, ascending.
    """

    def __init__(self, numbers: np.ndarray, times: np.ndarray) -> None:
        self._numbers, self._times = numbers, times
        self.rate = len(times) / max(float(np.ptp(times)), 1.0) if len(times) else 0.0

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers, shape (n,) int, are those of trains of these."""
        return np.isin(source, self._numbers)

    def between(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,), ms, and numbers (n,) of the spikes with begin < t <= end."""
        first, last = np.searchsorted(self._times, (begin, end), side="right")
        times = self._times[first:last]
        return np.repeat(times, len(self._numbers)), np.tile(self._numbers, len(times))


class ReadTrains:
    """Trains whose spikes are known.

    Parameters
    ----------
    numbers : range
        Numbers of all trains, silent ones too.
    times : ndarray, shape (n,)
        ms, ascending.
    source : ndarray of int, shape (n,)
        The train of each spike.
    """

    def __init__(self, numbers: range, times: np.ndarray, source: np.ndarray) -> None:
        self._numbers, self._times, self._source = numbers, times, source
        length = max(float(np.ptp(times)), 1.0) if len(times) else 1.0
        self.rate = len(times) / length / max(len(numbers), 1)

    def of(self, wanted: np.ndarray) -> ReadTrains:
        """The same with the spikes of wanted numbers, shape (n,) int, alone."""
        kept = np.isin(self._source, wanted)
        return ReadTrains(self._numbers, self._times[kept], self._source[kept])

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers, shape (n,) int, are those of trains of these."""
        return _inside(self._numbers, source)

    def between(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,), ms, and numbers (n,) of the spikes with begin < t <= end."""
        first, last = np.searchsorted(self._times, (begin, end), side="right")
        return self._times[first:last], self._source[first:last]


class PoissonTrains:
    """Poisson trains: each group is one train of the summed rate, whose spikes are dealt out.

    Time is cut into intervals, and each group has a stream of its own for each. The number of
    spikes in one is a Poisson number and their times are uniform, which is the same process.

    Parameters
    ----------
    groups : TrainGroups
        The trains.
    streams : StreamTable
        A row a group, a column an interval.
    rate : float
        Of each train, per ms.
    begin, end : float
        Of the trains, ms.
    """

    def __init__(
        self, groups: TrainGroups, streams: StreamTable, *, rate: float, begin: float, end: float
    ) -> None:
        self.rate = rate
        self._groups, self._streams = groups, streams
        self._begin, self._end = begin, end
        # a power of two, so that the begins of intervals are exact
        most = min(_SPIKES / (rate * max(groups.usual, 1.0)), _LONGEST)
        self._width = 2.0 ** math.floor(math.log2(most))
        self._interval = -1
        self._drawn = np.zeros(0), np.zeros(0, np.int64)

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers, shape (n,) int, are those of trains of these."""
        return _in_groups(self._groups, source)

    def between(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,), ms, and numbers (n,) of the spikes with begin < t <= end."""
        begin, last = max(begin, self._begin), min(end, self._end)
        blocks = [(np.zeros(0), np.zeros(0, np.int64))]
        if last > begin:
            first = math.floor((begin - self._begin) / self._width)
            for interval in range(first, math.floor((last - self._begin) / self._width) + 1):
                times, source = self._draw(interval)
                inside = (times > begin) & (times <= end) & (times < self._end)
                blocks.append((times[inside], source[inside]))
        times = np.concatenate([block[0] for block in blocks])
        return times, np.concatenate([block[1] for block in blocks])

    def _draw(self, interval: int) -> tuple[np.ndarray, np.ndarray]:
        """Times and numbers of the spikes in an interval; the last one is kept at hand."""
        if interval == self._interval:
            return self._drawn
        places, numbers = [np.zeros(0)], [np.zeros(0, np.int64)]
        groups = self._groups
        for row, count, first in zip(
            groups.rows.tolist(), groups.counts.tolist(), groups.first.tolist(), strict=True
        ):
            rng = self._streams.at(row, interval)
            spikes = int(rng.poisson(self.rate * count * self._width))
            places.append(rng.random(spikes))
            numbers.append(first + groups.step * rng.integers(max(count, 1), size=spikes))
        times = self._begin + self._width * (interval + np.concatenate(places))
        order = np.argsort(times, kind="stable")
        self._interval, self._drawn = interval, (times[order], np.concatenate(numbers)[order])
        return self._drawn


class RenewalTrains:
    """Trains whose intervals are drawn independently of each other.

    All trains of a group get their intervals in rounds, each from a stream of its own.

    Parameters
    ----------
    groups : TrainGroups
        The trains.
    streams : StreamTable
        A row a group, a column a round.
    draw : callable
        Draws intervals, ms.
    source : SpikeSource
        What each train is.
    rate : float
        Expected spikes of a train per ms.
    span : (float, float)
        Begin and end of the trains, ms.
    since : float
        Spikes before this are left out, ms; the trains have come into equilibrium.
    """

    def __init__(
        self,
        groups: TrainGroups,
        streams: StreamTable,
        *,
        draw: Draw,
        source: SpikeSource,
        rate: float,
        span: tuple[float, float],
        since: float = -math.inf,
    ) -> None:
        self.rate = rate
        self._groups, self._streams = groups, streams
        self._draw, self._source = draw, source
        self._begin, self._end = span
        self._since = since
        self._restart()

    def _restart(self) -> None:
        self._served = -math.inf
        # the time each train has come to, group by group
        self._last = [np.full(count, self._begin) for count in self._groups.counts.tolist()]
        if self._since > -math.inf:
            # equal intervals never forget how they began
            for row, last in zip(self._groups.rows.tolist(), self._last, strict=True):
                last -= self._streams.at(row, _PHASES).random(len(last)) / self.rate
        self._rounds = [0] * len(self._last)
        self._times, self._numbers = np.zeros(0), np.zeros(0, np.int64)

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers, shape (n,) int, are those of trains of these."""
        return _in_groups(self._groups, source)

    def between(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,), ms, and numbers (n,) of the spikes with begin < t <= end."""
        if begin < self._served:
            # an interval follows the one before: there is no way back but from the begin
            self._restart()
        blocks = [(self._times, self._numbers)]
        for group in range(len(self._last)):
            while self._goes_on(group, end):
                blocks.append(self._draw_round(group))
        times = np.concatenate([block[0] for block in blocks])
        numbers = np.concatenate([block[1] for block in blocks])
        later = times > end
        self._times, self._numbers = times[later], numbers[later]
        self._served = end
        inside = (times > begin) & ~later & (times < self._end) & (times >= self._since)
        order = np.argsort(times[inside], kind="stable")
        return times[inside][order], numbers[inside][order]

    def _goes_on(self, group: int, until: float) -> bool:
        """Whether a train of a group may have spikes up to a time that are not drawn."""
        most = math.inf if self._source.number is None else self._source.number
        if self._rounds[group] * _ROUND >= most or not len(self._last[group]):
            return False
        return bool(self._last[group].min() < min(until, self._end))

    def _draw_round(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Times and numbers of the spikes of the next intervals of all trains of a group."""
        count, first = len(self._last[group]), int(self._groups.first[group])
        before = self._rounds[group] * _ROUND
        _check_count(self._source, before)
        rng = self._streams.at(int(self._groups.rows[group]), self._rounds[group])
        intervals = self._draw(rng, count * _ROUND).reshape(count, _ROUND)
        times = self._last[group][:, None] + np.cumsum(intervals, axis=1)
        self._last[group] = times[:, -1]
        self._rounds[group] += 1
        if self._source.number is not None:
            times = times[:, : max(self._source.number - before, 0)]
        numbers = first + self._groups.step * np.arange(count)
        return times.ravel(), np.repeat(numbers, times.shape[1])


def _in_groups(groups: TrainGroups, source: np.ndarray) -> np.ndarray:
    filled = groups.counts > 0
    first, last = groups.first, groups.first + groups.step * groups.counts
    ends = np.sort(np.column_stack([first[filled], last[filled]]))
    if groups.step < 0:
        # (end, first] becomes [end + 1, first + 1)
        ends += 1
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    group = np.searchsorted(ends[:, 0], source, side="right") - 1
    inside = group >= 0
    inside[inside] = source[inside] < ends[group[inside], 1]
    return inside


def _inside(numbers: range, source: np.ndarray) -> np.ndarray:
    return (source >= numbers.start) & (source < numbers.stop)
