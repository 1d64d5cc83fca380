"""Spikes that are known before the run, handed to NEURON while it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError


@dataclass
class SpikeTrains:
    """Spike trains of sources that are no cells, sorted by time.

    Attributes
    ----------
    times : ndarray, shape (n,)
        ms.
    source : ndarray of int, shape (n,)
        Number of the train: that of a population of trains is a gid, that of a single synapse is
        negative.
    ranges : sequence of range
        Numbers of the trains of populations, silent ones too.
    """

    times: np.ndarray
    source: np.ndarray
    ranges: Sequence[range] = ()

    @classmethod
    def joined(
        cls, parts: Sequence[tuple[np.ndarray, np.ndarray]], ranges: Sequence[range] = ()
    ) -> SpikeTrains:
        """Put (times, source) of several trains together."""
        times = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
        source = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)])
        if not np.all(np.isfinite(times)):
            raise InputError("spike times are not finite")
        order = np.lexsort((source, times))
        return cls(times[order], source[order].astype(np.int64), ranges)

    def holds(self, source: np.ndarray) -> np.ndarray:
        """Which numbers are those of trains, not of cells."""
        result = source < 0
        for numbers in self.ranges:
            result |= (source >= numbers.start) & (source < numbers.stop)
        return result


class EventFeed:
    """Hands the spikes of trains to connections, a stretch of time at once.

    Parameters
    ----------
    netcons : sequence
        NEURON's connections without a source.
    shift : ndarray, shape (len(netcons),)
        How much earlier than given the events of each are, ms, which tells simultaneous ones
        apart.
    trains : SpikeTrains
        The trains.
    source : ndarray of int, shape (S,)
        The train of each synapse.
    target : ndarray of int, shape (S,)
        Index of its connection.
    delay : ndarray, shape (S,)
        Its delay, ms.
    tstart : float
        Start of the run, ms. Earlier events act at the start.
    """

    def __init__(
        self,
        netcons: Sequence[Any],
        shift: np.ndarray,
        trains: SpikeTrains,
        source: np.ndarray,
        target: np.ndarray,
        delay: np.ndarray,
        tstart: float = 0.0,
    ) -> None:
        self.netcons = list(netcons)
        self._send = [netcon.event for netcon in self.netcons]
        self._shift, self._tstart = shift, tstart
        # synapses of one train lie side by side, those of row k at _first[k]:_first[k + 1]
        order = np.argsort(source, kind="stable")
        numbers, counts = np.unique(source, return_counts=True)
        self._first = np.cumsum(np.r_[0, counts])
        self._target, self._delay = target[order], delay[order]
        self._longest = float(delay.max(initial=0.0))
        used = np.isin(trains.source, numbers)
        self._times = trains.times[used]
        self._row = np.searchsorted(numbers, trains.source[used])
        self._done = 0

    @property
    def events(self) -> int:
        """Number of events of the whole run."""
        return int(np.diff(self._first)[self._row].sum())

    def rewind(self, time: float) -> None:
        """Begin anew at a time, ms; what arrives until then is taken to have acted.

        Events that left before and are still on their way are handed over at once.
        """
        self._done = 0
        if time <= self._tstart:
            return
        self._done = int(np.searchsorted(self._times, time, side="right"))
        first = int(np.searchsorted(self._times, time - self._longest - 1e-6, side="left"))
        times, targets = self._arrivals(first, self._done)
        late = times > time
        self._hand_over(times[late], targets[late])

    def __call__(self, until: float) -> None:
        """Hand over all spikes up to a time, ms."""
        last = int(np.searchsorted(self._times, until, side="right"))
        if last > self._done:
            self._hand_over(*self._arrivals(self._done, last))
            self._done = last

    def _arrivals(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Times and connections of the events of spikes `first` to `last`."""
        row = self._row[first:last]
        counts = self._first[row + 1] - self._first[row]
        ends = np.cumsum(counts)
        # number of each event among those of its spike
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        synapse = np.repeat(self._first[row], counts) + within
        target = self._target[synapse]
        times = np.repeat(self._times[first:last], counts) + self._delay[synapse]
        earlier = times - self._shift[target]
        return np.where(earlier < self._tstart, times + self._shift[target], earlier), target

    def _hand_over(self, times: np.ndarray, targets: np.ndarray) -> None:
        send = self._send
        for time, target in zip(times.tolist(), targets.tolist(), strict=True):
            send[target](time)
