"""A look at a recording in the terminal."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from lfpcli.errors import UsageError
from lfpcli.io.recording import Recording, Sampled, Signal, open_recording
from lfpcli.io.span import recorded_spans
from lfpcli.plotting.reduce import extrema, rows_in
from lfpcli.plotting.scale import image_scale, settled_row
from lfpcli.plotting.terminal import (
    LABEL,
    heading,
    image_lines,
    population_colour,
    raster_lines,
    time_axis,
    trace_lines,
    trace_span,
)
from lfpcli.plotting.units import pretty, shown_unit
from lfpcli.tasks.figures.channels import chosen_channels, depth_axis
from lfpcli.tasks.figures.heeded import NEVER_AS_CHARACTERS, check_view
from lfpcli.tasks.figures.panels import (
    VARIABLES,
    View,
    shown_cells,
    soma_columns,
    train,
    within_recordings,
)
from lfpcli.tasks.figures.parts import Part, chosen_parts, held_parts

_MOST_TRACES = 16
_MOST_IMAGE_LINES = 20
_MOST_RASTER_LINES = 8
_MOST_CELLS = 4
_DRAWN = ("spikes", "report", "signal", "dipole")
LEAST_WIDTH = 30


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """What is shown, and on what: the characters beside the labels, whether in colours, and the
    times of spikes, ms.
    """

    view: View
    width: int
    coloured: bool
    span: tuple[float, float]


def terminal_picture(
    source: str | os.PathLike[str],
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    width: int = 80,
    coloured: bool = True,
) -> list[Text]:
    """Lines that show spikes, potentials, signals and dipole moments of a recording.

    Parameters
    ----------
    source : path-like
        Recording, ``-`` for standard input.
    parts : sequence of str, optional
        As those of `plot`; what characters cannot draw is left out unless it is asked for.
    view : View, optional
        Time span and channels.
    width : int
        Characters of a line.
    coloured : bool
        Whether there are colours.

    Raises
    ------
    UsageError
        Where the terminal is too narrow, or what is asked for needs a figure.
    """
    if width < LEAST_WIDTH:
        raise UsageError(f"the terminal has {width} columns, {LEAST_WIDTH} are needed")
    with open_recording(source) as recording:
        view = within_recordings(view or View(), [recording])
        chosen = chosen_parts(recording, parts, view.beside)
        drawn = [part for part in chosen if part.content in _DRAWN]
        if parts is not None and len(drawn) < len(chosen):
            missing = next(part for part in chosen if part.content not in _DRAWN)
            raise UsageError(f"'{missing.token}' needs a figure", remedy="give -o FILE instead")
        check_view(view, drawn, noun="a picture of characters", never=NEVER_AS_CHARACTERS)
        sheet = _Sheet(
            view=view,
            width=width - LABEL,
            coloured=coloured,
            span=view.time or _whole_span(recording),
        )
        lines: list[Text] = []
        for part in drawn:
            lines += _part_lines(recording, part, sheet)
        left_out = sorted({part.token for part in held_parts(recording)} - {p.token for p in drawn})
    if left_out and parts is None:
        lines.append(Text(f"not drawn here: {', '.join(left_out)}"))
    return lines


def _part_lines(recording: Recording, part: Part, sheet: _Sheet) -> list[Text]:
    if part.content == "spikes":
        return _spikes(recording, sheet)
    if part.content == "report":
        return _report(recording, part.name, sheet)
    if part.content == "dipole":
        moment = recording.dipole(part.name)
        title = "current dipole moment" + ("" if part.name == "total" else f" of {part.name}")
        source = recording.source_of(f"/dipole/{part.name}/data")
        return _traces(
            moment, np.arange(3), ["p_x", "p_y", "p_z"], sheet, title=title, source=source
        )
    return _signal(recording, part.name, sheet)


def _spikes(recording: Recording, sheet: _Sheet) -> list[Text]:
    names = recording.spike_populations
    trains = [
        train(recording, name, sheet.view, population_colour(k)) for k, name in enumerate(names)
    ]
    span = sheet.span
    total = sum(len(t.times) for t in trains)
    lines = [heading(f"spikes ({total})")]
    for one in trains:
        height = min(max(1, -(-one.cells // 4)), _MOST_RASTER_LINES)
        lines += raster_lines(
            one.times,
            one.rows,
            cells=one.cells,
            span=span,
            width=sheet.width,
            label=one.name,
            colour=one.colour,
            height=height,
        )
    return [*lines, time_axis(span, sheet.width)]


def _report(recording: Recording, variable: str, sheet: _Sheet) -> list[Text]:
    lines: list[Text] = []
    for name in recording.reports[variable]:
        report = recording.report(variable, name)
        columns, gids = soma_columns(recording, name, report)
        kept = shown_cells(recording, gids, sheet.view, most=_MOST_CELLS)
        if not len(kept):
            continue
        labels = [f"{name} {gid}" for gid in gids[kept]]
        quantity = VARIABLES.get(variable, (variable, ""))[0]
        some = f"{len(kept)} of " if len(kept) < len(gids) else ""
        title = f"{quantity} of {name} (soma), {some}{_count(len(gids), 'cell')}"
        source = recording.source_of(f"/reports/{variable}/{name}/data")
        lines += _traces(report, columns[kept], labels, sheet, title=title, source=source)
    return lines


def _signal(recording: Recording, name: str, sheet: _Sheet) -> list[Text]:
    signal = recording.signal(name)
    chosen = chosen_channels(sheet.view.channels, signal, name)
    order, labels = _from_the_top(signal, chosen)
    source = recording.source_of(f"/signals/{name}/data")
    title = f"{name}, {_count(len(chosen), 'channel')}"
    if sheet.view.form == "traces" or (sheet.view.form == "auto" and len(chosen) <= _MOST_TRACES):
        return _traces(signal, order, labels, sheet, title=title, source=source)
    rows = rows_in(signal.data.shape[0], signal.dt, signal.t_start, sheet.view.time)
    low, high = _columns(signal, rows, order, sheet.width, source=source)
    values = np.where(-low > high, low, high)
    scale = image_scale(values, sheet.view.time is None)
    height = min(_MOST_IMAGE_LINES, -(-len(order) // 2))
    pixels, named = _pooled(values.T, labels, height)
    unit, factor = shown_unit(signal.units, scale.limit)
    return [
        heading(f"{title}, ±{factor * scale.limit:.3g} {unit}"),
        *image_lines(pixels, named, limit=scale.limit, coloured=sheet.coloured),
        time_axis(_span(signal, rows), sheet.width),
    ]


def _from_the_top(signal: Signal, chosen: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Channels from the highest to the lowest, and their labels."""
    if signal.positions is None or not len(chosen):
        return chosen, [signal.names[k] if signal.names else str(k) for k in chosen]
    if "montage" in signal.parameters or "sensors" in signal.parameters:
        return chosen, [signal.names[k] for k in chosen]
    axis = depth_axis(signal.positions[chosen])
    depths = signal.positions[chosen, axis]
    order = np.argsort(-depths, kind="stable")
    return chosen[order], [f"{depths[k]:.4g} um" for k in order]


def _whole_span(recording: Recording) -> tuple[float, float]:
    """First and last time of a recording, ms: one axis for its spikes and what is sampled."""
    spans = recorded_spans(recording)
    last = [float(recording.spikes(n)[0].max(initial=0.0)) for n in recording.spike_populations]
    begin = min((span.first for span in spans), default=0.0)
    end = max([*(span.last for span in spans), *last], default=0.0)
    return min(begin, 0.0) if last else begin, end if end > begin else begin + 1.0


def _headings(text: str, sheet: _Sheet) -> list[Text]:
    """A heading in as many lines as it needs."""
    return [heading(line) for line in textwrap.wrap(text, sheet.width + LABEL)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _pooled(values: np.ndarray, labels: list[str], height: int) -> tuple[np.ndarray, list[str]]:
    """Rows (C, W) brought to 2 `height` rows, each the largest of its channels, and labels."""
    bounds = np.linspace(0, len(values), 2 * height + 1).round().astype(int)
    pooled = np.zeros((2 * height, values.shape[1]))
    for k in range(2 * height):
        block = values[bounds[k] : max(bounds[k + 1], bounds[k] + 1)]
        if len(block):
            largest = np.abs(block).argmax(axis=0)
            pooled[k] = block[largest, np.arange(block.shape[1])]
    named = [labels[min(bounds[2 * k], len(labels) - 1)] for k in range(height)]
    return pooled, [label if k % 4 == 0 else "" for k, label in enumerate(named)]


def _traces(
    sampled: Sampled,
    columns: np.ndarray,
    labels: Sequence[str],
    sheet: _Sheet,
    *,
    title: str,
    source: str,
) -> list[Text]:
    rows = rows_in(sampled.data.shape[0], sampled.dt, sampled.t_start, sheet.view.time)
    if rows[1] <= rows[0] or not len(columns):
        return [heading(title), Text("no samples in this time span")]
    low, high = _columns(sampled, rows, columns, 2 * sheet.width, source=source)
    settled = 0
    if sheet.view.time is None:
        settled = settled_row(np.concatenate([low, high], axis=1))
    span = trace_span(low[settled:], high[settled:])
    cut = ", start-up beyond the scale" if settled else ""
    unit, factor = shown_unit(sampled.units, span)
    height = 2 if len(columns) <= _MOST_CELLS * 2 else 1
    return [
        *_headings(
            f"{title}, each {factor * span:.3g} {unit or pretty(sampled.units)} high{cut}", sheet
        ),
        *trace_lines(low, high, labels, height=height, settled=settled),
        time_axis(_span(sampled, rows), sheet.width),
    ]


def _columns(
    sampled: Sampled, rows: tuple[int, int], columns: np.ndarray, points: int, *, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest values in exactly `points` stretches of time; short ones repeat."""
    low, high = extrema(sampled.data, rows, columns, points=points, source=source)
    index = np.minimum((np.arange(points) * len(low)) // points, len(low) - 1)
    return low[index], high[index]


def _span(sampled: Sampled, rows: tuple[int, int]) -> tuple[float, float]:
    first = sampled.t_start + sampled.dt * rows[0]
    return first, sampled.t_start + sampled.dt * (rows[1] - 1)
