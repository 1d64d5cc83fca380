# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""Spike sources: trains of given times, regular, Poisson, or renewal processes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.model.distribution import PARAMETER, Distribution
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, only_with, read_table, rest, table
from lfpcli.model.value_types import TEXT, ValueType, either, integer, is_number, listing, number

MOST_SPIKES = 10_000_000
"""Spikes of one train after which a draw gives up."""
BLOCK = 64
"""Intervals that are drawn at first, then ever more; never by the end of the run, so that a longer
run begins with the same spikes."""


@dataclass(frozen=True, kw_only=True)
class SpikeSource(Table):
    """When the events of a synapse, or the spikes of a train, come."""

    poisson: float | None = key(number("Hz", least=0), None, doc="Rate of a Poisson process.")
    times: tuple[float, ...] | None = key(listing(number("ms")), None, doc="Given times.")
    regular: float | None = key(number("Hz", above=0), None, doc="Rate of a regular train.")
    dist: str | None = key(
        TEXT, None, doc="Distribution in scipy.stats of the intervals (ms) of a renewal process."
    )
    min: float | None = key(
        number("ms", least=0), None, doc="Smaller intervals are drawn again; 0 if left out."
    )
    max: float | None = key(number("ms", above=0), None, doc="Larger intervals are drawn again.")
    start: float | None = key(
        number("ms"),
        None,
        doc="Start of the train. Left out: 0 for a regular train, else tstart. A regular train "
        "has its first spike there.",
    )
    stop: float | None = key(number("ms"), None, doc="End of the train. Left out: tstop.")
    number: int | None = key(integer(1), None, doc="Largest number of spikes of the train.")
    params: dict[str, float] = rest(PARAMETER, doc="Parameters of 'dist', such as a and scale.")

    @property
    def process(self) -> str:
        """Name of the key that says what it is: poisson, times, regular or dist."""
        names = ("poisson", "times", "regular", "dist")
        return next(name for name in names if getattr(self, name) is not None)

    @functools.cached_property
    def intervals(self) -> Distribution:
        """Distribution of the intervals of a renewal process, ms."""
        return Distribution(
            dist=self.dist,
            min=self.min or 0.0,
            max=self.max,
            params=self.params,
            source_line=self.source_line,
        )

    def draw(self, rng: np.random.Generator, tstop: float, tstart: float = 0.0) -> np.ndarray:
        """Draw one train.

        A run with a later `tstop` has the same spikes before.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness of this train; unused for given and regular times.
        tstop : float
            End of the run, ms.
        tstart : float
            Start of the run, ms.

        Returns
        -------
        ndarray, shape (n,)
            Times in order, ms, none after the end. Given times before `tstart` are kept.

        Raises
        ------
        InputError
            Where the train has more spikes than can be meant.
        """
        end = tstop if self.stop is None else min(self.stop, tstop)
        if self.times is not None:
            times = np.sort(np.array(self.times, dtype=float))
            return times[times <= end][: self.number]
        if self.regular is not None:
            return self._regular(end)
        begin = tstart if self.start is None else self.start
        if self.poisson == 0:
            return np.empty(0)
        if self.poisson is not None:
            scale = 1000.0 / self.poisson
            return self._renewal(lambda n: rng.exponential(scale, n), begin, end)
        intervals = self.intervals
        return self._renewal(lambda n: intervals.draw(rng, n), begin, end)

    def check(self, at: At) -> None:
        """Raise `InputError` where the keys make no single source."""
        if self.params and self.dist is None:
            known = ("poisson", "times", "regular", "dist", "start", "stop", "number")
            raise at.unknown(next(iter(self.params)), known)
        exactly_one(self, at, ("poisson", "times", "regular", "dist"))
        only_with(self, at, ("min", "max"), "dist")
        if self.times is not None and self.start is not None:
            raise (at / "start").error("does not go with 'times'")
        if self.start is not None and self.stop is not None and self.stop <= self.start:
            raise (at / "stop").expected(f"a number > start = {self.start:g}", self.stop)
        if self.dist is not None:
            self.intervals.check(at)
            self.intervals.check_draws(at)
            if self.intervals.support()[1] <= 0:
                raise at.table_error("has no interval > 0")

    def _regular(self, end: float) -> np.ndarray:
        begin = 0.0 if self.start is None else self.start
        interval = 1000.0 / float(self.regular or 0)
        count = max(0, math.floor((end - begin) / interval * (1 + 1e-12)) + 1)
        count = count if self.number is None else min(count, self.number)
        self._limit(count)
        return begin + interval * np.arange(count)

    def _renewal(self, draw: Callable[[int], np.ndarray], begin: float, end: float) -> np.ndarray:
        blocks: list[np.ndarray] = []
        last, count, block = begin, 0, BLOCK
        wanted = math.inf if self.number is None else self.number
        while last < end and count < wanted:
            times = last + np.cumsum(draw(block))
            blocks.append(times)
            last, count, block = float(times[-1]), count + block, min(2 * block, 1024 * BLOCK)
            self._limit(count)
        times = np.concatenate(blocks) if blocks else np.empty(0)
        return times[times < end][: self.number]

    def _limit(self, count: int) -> None:
        if count > MOST_SPIKES:
            raise InputError(
                f"a spike train has more than {MOST_SPIKES:,} spikes",
                source=self.source_line,
                remedy="lower the rate, or give 'number'",
            )


SOURCE = table(SpikeSource, "a table such as {poisson = 20.0} or {times = [20.0]}")


def _rate(value: Any, at: At) -> SpikeSource:
    if is_number(value):
        return SpikeSource(
            poisson=number("Hz", least=0).read(value, at), source_line=at.source_line
        )
    return read_table(SpikeSource, value, at)


RATE = ValueType(
    either(number("Hz", least=0), SOURCE).expects,
    lambda value: is_number(value) or isinstance(value, dict),
    _rate,
    "Hz",
)
