"""What of a file is taken: signals, a span of time, channels, another unit or interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import UsageError, nearest
from lfpcli.io.exchange.contents import Contents, Trains
from lfpcli.io.span import Span, span_within
from lfpcli.io.units import Units


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a file is taken, and in which form.

    Attributes
    ----------
    signals : sequence of str
        Names of signals, ``dipole/GROUP``, ``VARIABLE/POPULATION`` or ``spikes``; all by default.
    time : (float, float), optional
        First and last time, ms.
    channels : sequence of str
        Names of channels, or ranges of numbers such as ``0:32``; all by default.
    resample : float, optional
        Sampling interval to change to, ms.
    units : str, optional
        Unit to change to.
    dtype : {'f8', 'f4'}, optional
        Type of the samples; double precision by default.
    """

    signals: Sequence[str] = ()
    time: tuple[float, float] | None = None
    channels: Sequence[str] = ()
    resample: float | None = None
    units: str | None = None
    dtype: str | None = None

    @property
    def sample_type(self) -> str:
        """Type of the samples, as NumPy calls it."""
        return self.dtype or "f8"


def selected(contents: Contents, selection: Selection) -> Contents:
    """The part of some contents that was chosen, in the chosen form.

    Raises
    ------
    UsageError
        Where a signal or a channel is not there.
    """
    known = [traces.name for traces in contents.traces]
    traces, trains = list(contents.traces), list(contents.trains)
    if selection.signals:
        for name in selection.signals:
            if name != "spikes" and name not in known:
                raise UsageError(
                    f"{contents.source} has no signal '{name}'",
                    remedy=nearest(name, [*known, "spikes"], "signal"),
                )
        traces = [contents.named(name) for name in selection.signals if name != "spikes"]
        trains = trains if "spikes" in selection.signals else []
    if selection.time is not None:
        start, stop = selection.time
        if stop < start:
            raise UsageError(
                f"--time ends at {stop:g} ms, before it begins at {start:g} ms",
                remedy="give FROM,TO",
            )
        start, stop = span_within((start, stop), _spans(contents)) or (start, stop)
        traces = [each.between(start, stop) for each in traces]
        trains = [each.between(start, stop) for each in trains]
    if selection.channels:
        traces = [
            each.of_channels(columns_of(selection.channels, each.channels, signal=each.name))
            for each in traces
        ]
    if selection.units is not None:
        traces = [each.in_units(selection.units) for each in traces]
    if selection.resample is not None:
        traces = [each.at_interval(selection.resample) for each in traces]
    geometries = {} if selection.signals or selection.channels else contents.geometries
    return replace(
        contents,
        traces=traces,
        trains=trains,
        geometries=geometries,
        units=_units(contents, selection, trains),
    )


def _spans(contents: Contents) -> Iterator[Span]:
    """Spans of all that is sampled in some contents."""
    for traces in contents.traces:
        count = traces.samples.shape[0]
        if count:
            last = traces.t_start + traces.dt * (count - 1)
            yield Span(traces.t_start, last, traces.dt)


def _units(contents: Contents, selection: Selection, trains: Sequence[Trains]) -> Units | None:
    """The ground truth of what is taken; none without the spikes that it is about."""
    units = contents.units
    if units is None or not trains:
        return None
    if selection.channels:
        width = units.waveforms.shape[2]
        recorded = [each for each in contents.traces if len(each.channels) == width]
        if recorded:
            units = units.of_channels(columns_of(selection.channels, recorded[0].channels))
    return units if selection.resample is None else units.at_interval(selection.resample)


def columns_of(
    wanted: Sequence[str], channels: Sequence[str], *, signal: str | None = None
) -> np.ndarray:
    """Numbers of channels, shape (n,), from their names or ranges of numbers ``FIRST:STOP``.

    An error names the signal that the channels are of.

    Raises
    ------
    UsageError
        Where a channel is not there.
    """
    columns: list[int] = []
    for text in wanted:
        first, colon, stop = text.partition(":")
        if text in channels:
            columns.append(channels.index(text))
        elif colon and (first + stop).isdigit():
            span = range(len(channels))[slice(int(first or 0), int(stop or len(channels)))]
            columns.extend(span)
        else:
            whole = "there is" if signal is None else f"signal '{signal}' has"
            remedy = nearest(text, channels, "channel")
            first, _, last = text.partition("-")
            if first.isdigit() and last.isdigit():
                # as lfp plot has it
                remedy = f"write the range {first}:{int(last) + 1}, the end left out"
            raise UsageError(f"{whole} no channel '{text}'", remedy=remedy)
    if not columns:
        raise UsageError("no channel is chosen", remedy="give names, or ranges such as 0:32")
    return np.array(columns, np.int64)
