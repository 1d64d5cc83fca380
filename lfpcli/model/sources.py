# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""Spike sources: trains of given times, regular, Poisson, or renewal processes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.model.distribution import PARAMETER, Distribution
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, only_with, read_table, rest, table
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    ValueType,
    choice,
    either,
    integer,
    is_number,
    listing,
    number,
)

PROCESSES = ("poisson", "times", "regular", "dist", "gamma", "rates")
COMMON = ("synapse", "cell", "all")
# further keys of processes, and which they go with
_MORE = {
    "shape": ("gamma", "rates"),
    "refractory": ("poisson", "gamma", "rates"),
    "burst": ("poisson", "gamma"),
    "burst_interval": ("poisson", "gamma"),
    "correlation": ("poisson", "rates"),
    "jitter": ("poisson", "rates"),
}


@dataclass(frozen=True, kw_only=True)
class SpikeSource(Table):
    """When the events of a synapse, or the spikes of a train, come."""

    poisson: float | None = key(number("Hz", least=0), None, doc="Rate of a Poisson process.")
    times: tuple[float, ...] | None = key(listing(number("ms")), None, doc="Given times.")
    regular: float | None = key(number("Hz", above=0), None, doc="Rate of a regular train.")
    gamma: float | None = key(
        number("Hz", least=0),
        None,
        doc="Rate of a renewal process of gamma-distributed intervals, in equilibrium from its "
        "start on.",
    )
    rates: Path | None = key(
        PATH, None, doc="Rate in time: a table (.csv) of the columns time (ms) and rate (Hz)."
    )
    shape: float | None = key(
        number(above=0),
        None,
        doc="Shape of the gamma-distributed intervals of 'gamma' (2 if left out) or 'rates' (1, "
        "Poisson).",
    )
    refractory: float | None = key(
        number("ms", least=0), None, doc="Dead time after each spike of poisson, gamma or rates."
    )
    burst: float | None = key(
        number(least=1), None, doc="Mean number of spikes of a burst, of poisson or gamma."
    )
    burst_interval: float | None = key(
        number("ms", above=0), None, doc="Interval between spikes of a burst; 4 if left out."
    )
    correlation: float | None = key(
        number(above=0, below=1),
        None,
        doc="Correlation of the counts of each two trains of a cell's synapses, or of a "
        "population's trains, of poisson or rates.",
    )
    jitter: float | None = key(
        number("ms", least=0), None, doc="Spread of the common spikes of correlated trains."
    )
    common: str = key(
        choice(*COMMON),
        COMMON[0],
        doc="What has a train of its own: each synapse, each cell, whose synapses share one, or "
        "all synapses share one.",
    )
    equilibrium: bool = key(
        BOOLEAN,
        False,
        doc="Whether the process of 'dist' has run before it starts, so that its rate is the same "
        "from the start on; else the first interval begins there.",
    )
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
        """Name of the key that says what it is: poisson, times, regular, dist, gamma or rates."""
        return next(name for name in PROCESSES if getattr(self, name) is not None)

    @property
    def is_point_process(self) -> bool:
        """Whether it is a process as lfp spikes draws them, not a plain Poisson process."""
        if self.gamma is not None or self.rates is not None:
            return True
        more = (self.refractory, self.burst, self.correlation)
        return self.poisson is not None and any(value is not None for value in more)

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

    def check(self, at: At) -> None:
        """Raise `InputError` where the keys make no single source."""
        if self.params and self.dist is None:
            known = (*PROCESSES, "start", "stop", "number", *_MORE, "common", "equilibrium")
            raise at.unknown(next(iter(self.params)), known)
        exactly_one(self, at, PROCESSES)
        self._check_process(at)
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

    def _check_process(self, at: At) -> None:
        """Raise `InputError` where a key does not go with the process."""
        for name, owners in _MORE.items():
            if getattr(self, name) is not None and self.process not in owners:
                raise (at / name).error(
                    f"does not go with {self.process}", f"it belongs to {' and '.join(owners)}"
                )
        only_with(self, at, ("burst_interval",), "burst")
        only_with(self, at, ("jitter",), "correlation")
        if self.equilibrium and self.dist is None:
            raise (at / "equilibrium").error("belongs to 'dist', which is not given")
        if self.number is not None and (self.is_point_process or self.equilibrium):
            raise (at / "number").error("does not go with a process in equilibrium", "give 'stop'")
        if self.correlation is not None and self.common != COMMON[0]:
            raise (at / "common").error("does not go with 'correlation'")


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
