"""Spikes of sources that are no cells, handed to NEURON while it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from lfpcli.runtime.synapses.step_middles import StepMiddles


class Trains(Protocol):
    """Spike trains of sources that are no cells.

    Attributes
    ----------
    rate : float
        Expected spikes of one train per ms, by which the stretches are chosen that one call
        asks for.
    """

    rate: float

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers, shape (S,) int, are those of trains of these; silent ones too.

        The number of a train of a population is a gid, that of a single synapse is negative.
        """

    def between(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times (n,), ms, and numbers (n,) int of the spikes with begin < t <= end.

        Cheapest where stretches follow one another; the spikes do not depend on how the time is
        cut into stretches.
        """


def spikes_between(
    trains: Sequence[Trains], begin: float, end: float
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of several trains in a stretch of time.

    Parameters
    ----------
    trains : sequence of Trains
        The trains.
    begin, end : float
        ms; the begin is left out.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, ascending.
    source : ndarray of int, shape (n,)
        Number of each spike's train.
    """
    parts = [part.between(begin, end) for part in trains]
    times = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    source = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
    order = np.lexsort((source, times))
    return times[order], source[order]


class Feed(Protocol):
    """What hands events to NEURON while a run goes; see `EventFeed`."""

    @property
    def rate(self) -> float:
        """Expected events of this process per ms."""

    def rewind(self, time: float) -> None:
        """Begin anew at a time, ms."""

    def __call__(self, until: float) -> None:
        """Hand over all events up to a time, ms."""


class EventFeed:
    """Hands the spikes of trains to connections, a stretch of time at once.

    Parameters
    ----------
    netcons : sequence
        NEURON's connections without a source.
    shift : ndarray, shape (len(netcons),)
        How much earlier than given the events of each are, ms, which tells simultaneous ones
        apart; later, where they would else act a step too early.
    trains : sequence of Trains
        The trains.
    source : ndarray of int, shape (S,)
        The train of each synapse.
    target : ndarray of int, shape (S,)
        Index of its connection.
    delay : ndarray, shape (S,)
        Its delay, ms.
    dt : float
        Time step, ms.
    tstart : float
        Start of the run, ms. Earlier events act at the start.
    """

    def __init__(
        self,
        netcons: Sequence[Any],
        shift: np.ndarray,
        trains: Sequence[Trains],
        source: np.ndarray,
        target: np.ndarray,
        delay: np.ndarray,
        *,
        dt: float,
        tstart: float = 0.0,
    ) -> None:
        self.netcons = list(netcons)
        self._middles = StepMiddles(dt, tstart)
        self._send = [netcon.event for netcon in self.netcons]
        self._shift, self._tstart = shift, tstart
        # synapses of one train lie side by side, those of row k at _first[k]:_first[k + 1]
        order = np.argsort(source, kind="stable")
        numbers, counts = np.unique(source, return_counts=True)
        self._first = np.cumsum(np.r_[0, counts])
        self._target, self._delay = target[order], delay[order]
        self._longest = float(delay.max(initial=0.0))
        self._numbers, self._trains = numbers, trains
        self._until = -np.inf

    @property
    def trains(self) -> Sequence[Trains]:
        """The trains."""
        return self._trains

    @property
    def rate(self) -> float:
        """Expected events of this process per ms."""
        counts = np.diff(self._first)
        return sum(
            trains.rate * float(counts[trains.holds(self._numbers)].sum())
            for trains in self._trains
        )

    def rewind(self, time: float) -> None:
        """Begin anew at a time, ms; what arrives until then is taken to have acted.

        Events that left before and are still on their way are handed over at once.
        """
        self._until = -np.inf
        if time <= self._tstart:
            return
        times, targets = self._arrivals(time - self._longest - 1e-6, time)
        late = times > time
        self._hand_over(times[late], targets[late])
        self._until = time

    def __call__(self, until: float) -> None:
        """Hand over all spikes up to a time, ms."""
        if until > self._until:
            self._hand_over(*self._arrivals(self._until, until))
            self._until = until

    def _arrivals(self, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Times and connections of the events of the spikes with begin < t <= end."""
        times, source = spikes_between(self._trains, begin, end)
        row = np.searchsorted(self._numbers, source)
        # trains that no synapse of this process listens to
        heard = row < len(self._numbers)
        heard[heard] = self._numbers[row[heard]] == source[heard]
        times, row = times[heard], row[heard]
        counts = self._first[row + 1] - self._first[row]
        ends = np.cumsum(counts)
        # number of each event among those of its spike
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        synapse = np.repeat(self._first[row], counts) + within
        target = self._target[synapse]
        arrival = np.repeat(times, counts) + self._delay[synapse]
        shift = self._shift[target]
        is_late = (arrival - shift < self._tstart) | self._middles.are_past(arrival)
        return np.where(is_late, arrival + shift, arrival - shift), target

    def _hand_over(self, times: np.ndarray, targets: np.ndarray) -> None:
        send = self._send
        for time, target in zip(times.tolist(), targets.tolist(), strict=True):
            send[target](time)
