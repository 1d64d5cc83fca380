"""Spans of time that are asked for, held against those that a file has."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import NamedTuple

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.io.recording import Recording, Sampled
from lfpcli.io.trains import trains_duration


class Span(NamedTuple):
    """Times of the first and the last sample, and the interval between samples, ms."""

    first: float
    last: float
    step: float = 0.0


def recorded_spans(recording: Recording) -> list[Span]:
    """Spans of all that is sampled, else of trains whose length the file tells, ms."""
    sampled: list[Sampled] = [recording.signal(name) for name in recording.signals]
    sampled += [recording.dipole(group) for group in recording.dipole_groups]
    for variable, populations in recording.reports.items():
        sampled += [recording.report(variable, population) for population in populations]
    spans = [
        Span(each.t_start, each.t_start + each.dt * (each.data.shape[0] - 1), each.dt)
        for each in sampled
        if each.data.shape[0]
    ]
    duration = None if spans else trains_duration(recording)
    return spans if duration is None else [Span(0.0, duration)]


def span_within(
    asked_for: tuple[float, float] | None, spans: Iterable[Span]
) -> tuple[float, float] | None:
    """The part of a span that lies within others, with a warning where it is not the whole.

    Parameters
    ----------
    asked_for : tuple of two floats, or None
        First and last time of ``--time``, ms.
    spans : iterable of Span
        What there is. Where nothing is known of it, all that is asked for is taken.

    Raises
    ------
    UsageError
        Where nothing of it lies within.
    """
    there = list(spans)
    if asked_for is None or not there:
        return asked_for
    first = min(span.first for span in there)
    last = max(span.last for span in there)
    begin, end = asked_for
    if end < first or begin > last:
        raise UsageError(
            f"no sample lies between {begin:g} and {end:g} ms",
            remedy=f"there are samples from {first:g} to {last:g} ms",
        )
    # a run of 100 ms is asked for as 0,100, though its last sample may be one step before
    step = max(span.step for span in there) + 1e-6
    if begin >= first - step and end <= last + step:
        return asked_for
    cut = max(begin, first), min(end, last)
    warnings.warn(
        f"there are samples from {first:g} to {last:g} ms; --time {begin:g},{end:g} is cut to"
        f" {cut[0]:g},{cut[1]:g}",
        LfpWarning,
        stacklevel=2,
    )
    return cut
