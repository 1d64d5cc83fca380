"""Which samples of a run a report of a circuit has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lfpcli.errors import InputError

# share of a step by which times may miss it
_SLACK = 1e-6


@dataclass(frozen=True, kw_only=True)
class ReportTimes:
    """The span of a report and the interval of its rows.

    Attributes
    ----------
    start, end : float or None
        ms; None is that of the run.
    interval : float or None
        ms; None is the time step of the run.
    source : str
        What to call the report in messages.
    """

    start: float | None = None
    end: float | None = None
    interval: float | None = None
    source: str = ""

    def rows(self, count: int, dt: float) -> slice:
        """Rows of a report among those of steps, which are `count`.

        As bmtk counts, row k is that of the step which begins at k dt, and ends one later.

        Parameters
        ----------
        count : int
            Number of steps of the run.
        dt : float
            Time step, ms.

        Raises
        ------
        InputError
            Where times are no multiples of the time step, or the interval is shorter.
        """
        stride = 1 if self.interval is None else self._steps("dt", self.interval, dt)
        start = 0 if self.start is None else self._steps("start_time", self.start, dt)
        end = count if self.end is None else self._steps("end_time", self.end, dt)
        if stride < 1:
            raise InputError(
                f"dt {self.interval:g} ms is less than the time step, {dt:g} ms",
                source=self.source,
                remedy="give a multiple of it, or leave it out",
            )
        if not 0 <= start < end:
            raise InputError(
                f"start_time and end_time leave no row: {start * dt:g} to {end * dt:g} ms",
                source=self.source,
                remedy="give a span of the run",
            )
        # rows are those of multiples of the interval, wherever the span begins
        first = math.ceil(start / stride) * stride
        return slice(first, min(end, count), stride)

    def _steps(self, key: str, time: float, dt: float) -> int:
        steps = round(time / dt)
        if abs(time / dt - steps) > _SLACK * max(1, abs(steps)):
            raise InputError(
                f"{key} {time:g} ms is no multiple of the time step, {dt:g} ms",
                source=self.source,
                remedy="give one",
            )
        return steps


def report_times(entry: Mapping[str, Any], run: Mapping[str, Any], source: str) -> ReportTimes:
    """The times of a report in the configuration.

    Parameters
    ----------
    entry : mapping
        The report.
    run : mapping
        The run of the configuration.
    source : str
        What to call the report in messages.

    Raises
    ------
    InputError
        Where one is no number, or none of the run.
    """
    times = {}
    for name, key in (("start", "start_time"), ("end", "end_time"), ("interval", "dt")):
        value = entry.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputError(f"{key} is {value!r}", source=source, remedy="give a number, ms")
        times[name] = value
    report = ReportTimes(**times, source=source)
    dt, tstop = run.get("dt"), run.get("tstop")
    if isinstance(dt, int | float) and isinstance(tstop, int | float) and 0 < dt <= tstop:
        report.rows(round(tstop / dt), dt)
        if report.end is not None and report.end > tstop:
            raise InputError(
                f"end_time {report.end:g} ms is beyond tstop, {tstop:g} ms",
                source=source,
                remedy="leave it out, or make the run longer",
            )
    return report
