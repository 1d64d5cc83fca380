# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""Spike sources: trains of given times, regular, Poisson, or renewal processes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from lfpcli.model.distribution import PARAMETER, Distribution
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, only_with, read_table, rest, table
from lfpcli.model.value_types import TEXT, ValueType, either, integer, is_number, listing, number


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
