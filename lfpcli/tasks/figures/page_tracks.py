"""From the parts of a recording to what a page draws along time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from lfpcli.io.recording import Recording, Sampled
from lfpcli.plotting.morphology import population_colours
from lfpcli.plotting.reduce import envelope, extrema, rows_in
from lfpcli.plotting.scale import image_scale
from lfpcli.plotting.style import COLOURS, palette
from lfpcli.plotting.traces import leave_their_rows
from lfpcli.plotting.units import CSD_UNIT, pretty, shown_unit
from lfpcli.plotting.web import Blocks, pyramid
from lfpcli.tasks.figures.channels import as_listed, check_channels, chosen_channels, ordered
from lfpcli.tasks.figures.panels import View, shown_cells, soma_columns, train
from lfpcli.tasks.figures.parts import Part
from lfpcli.tasks.figures.scalp_panel import has_topography

# bytes of all pyramids of a page before base64, which adds a third; and of the smallest one
PAGE_BYTES = 24_000_000
_LEAST_BYTES = 500_000
# a pyramid is a third larger than its finest level
_PYRAMID = 4 / 3
_MOST_CELLS = 8
# more channels are an image first
_MOST_TRACES = 32


@dataclass(kw_only=True)
class Course:
    """Sampled channels of a recording, in the order in which a page draws them, from below.

    Attributes
    ----------
    sampled : Sampled
        The samples.
    columns : ndarray of int, shape (C,)
        Columns of the channels.
    title, axis : str
        Heading, and what the labels are.
    labels, names : list of str
        Beside the channels, and where the pointer is over them.
    source : str
        Dataset, for errors.
    colours : list of str, optional
        Of traces.
    mode : {'auto', 'traces', 'image'}
        How it is drawn first.
    level : bool
        Whether channels have a resting level of their own, about which they are drawn.
    sites : list of int, optional
        Places of the channels among the contacts of the page.
    note : str
        What is left out.
    """

    sampled: Sampled
    columns: np.ndarray
    title: str
    axis: str
    labels: list[str]
    names: list[str]
    source: str
    colours: list[str] | None = None
    mode: str = "auto"
    level: bool = False
    sites: list[int] | None = None
    note: str = ""

    def rows(self, view: View) -> tuple[int, int]:
        """First row that is shown, and the row past the last."""
        sampled = self.sampled
        return rows_in(sampled.data.shape[0], sampled.dt, sampled.t_start, view.time)


@dataclass
class Tracks:
    """What is drawn along time, and the contacts it was measured at.

    Attributes
    ----------
    facts : list of dict
        Panels from top to bottom.
    sites : list of dict
        Contacts, with ``place``, um.
    span : tuple of two floats
        First and last time, ms.
    least : float
        Shortest time that is worth looking at, ms.
    overview : int
        The panel that the overview shows: the first signal, else the first that is sampled.
    """

    facts: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    span: tuple[float, float] = (0.0, 1.0)
    least: float = 1.0
    overview: int = -1


def tracks_of(recording: Recording, parts: Sequence[Part], view: View, blocks: Blocks) -> Tracks:
    """Read what of a recording is drawn along time.

    Parameters
    ----------
    recording : Recording
        The recording.
    parts : sequence of Part
        What of it is shown.
    view : View
        Time span, channels and style.
    blocks : Blocks
        Where the numbers go.
    """
    tracks = Tracks()
    courses: list[Course] = []
    has_spikes = any(part.content == "spikes" for part in parts)
    for part in parts:
        if part.content == "signal":
            courses.append(_signal(recording, part.name, view, tracks.sites))
        elif part.content == "report":
            courses += _reports(recording, part.name, view)
        elif part.content == "dipole":
            courses.append(_dipole(recording, part.name))
    if has_spikes:
        tracks.facts.append(_spikes(recording, view, blocks))
    sizes = [_values(course, view) for course in courses]
    first_sampled = len(tracks.facts)
    signals = [k for k, course in enumerate(courses) if "/signals/" in course.source]
    if courses:
        tracks.overview = first_sampled + (signals or [0])[0]
    for course, size in zip(courses, sizes, strict=True):
        budget = max(PAGE_BYTES * size / max(sum(sizes), 1), _LEAST_BYTES)
        tracks.facts.append(_packed(course, view, blocks, budget))
    _set_span(tracks, recording, courses, view)
    return tracks


def _values(course: Course, view: View) -> int:
    first, last = course.rows(view)
    return (last - first) * len(course.columns)


def _set_span(tracks: Tracks, recording: Recording, courses: Sequence[Course], view: View) -> None:
    ends: list[float] = list(view.time or ())
    if view.time is None:
        for course in courses:
            sampled = course.sampled
            first, last = course.rows(view)
            ends += [sampled.t_start + sampled.dt * row for row in (first, max(last - 1, first))]
        for name in recording.spike_populations if tracks.facts else ():
            ends += [0.0, *recording.spikes(name)[0][-1:].tolist()]
    if ends and max(ends) > min(ends):
        tracks.span = (min(ends), max(ends))
    steps = [course.sampled.dt for course in courses]
    tracks.least = min([5 * min(steps, default=0.1), tracks.span[1] - tracks.span[0]])


def _packed(course: Course, view: View, blocks: Blocks, budget: float) -> dict[str, Any]:
    """Facts of a panel, its samples or their envelopes packed into the budget, bytes."""
    sampled, rows = course.sampled, course.rows(view)
    count, width = rows[1] - rows[0], max(len(course.columns), 1)
    if 2 * _PYRAMID * count * width <= budget:
        step = 1
        _, low = envelope(
            sampled.data, rows, course.columns, points=max(count, 1), source=course.source
        )
        high = low
    else:
        # two numbers of two bytes for each stretch
        points = max(int(budget / (4 * _PYRAMID * width)), 1000)
        step = -(-count // points)
        low, high = extrema(sampled.data, rows, course.columns, points=points, source=course.source)
    if not low.size:
        low = high = np.zeros((1, width))
    median = np.median(low, axis=0)
    level = median if course.level else np.zeros_like(median)
    strongest = np.where(level - low > high - level, low, high) - level
    scale = image_scale(strongest, view.time is None or view.time[0] <= sampled.t_start)
    unit, factor = shown_unit(sampled.units, scale.limit)
    highest = high[scale.settled :].max(axis=0)
    lowest = low[scale.settled :].min(axis=0)
    # traces with a constant part would be drawn beside the labels of others
    leaves = leave_their_rows(highest, lowest, median)
    about = median if course.level or leaves else level
    highest, lowest = highest - about, lowest - about
    notes = [course.note, _density(sampled, count, step)]
    if leaves and not course.level:
        notes.append("traces about their medians")
    if scale.settled:
        notes.append(f"scale from {scale.settled * step * sampled.dt:.3g} ms on")
    is_image = course.mode == "image" or (course.mode == "auto" and width > _MOST_TRACES)
    if scale.clips and is_image:
        notes.append(f"±{factor * scale.limit:.2g} {unit} shown, peak {factor * scale.peak:.2g}")
    return {
        "title": course.title,
        "note": "; ".join(filter(None, notes)),
        "axis": course.axis,
        "labels": course.labels,
        "names": course.names,
        "colours": course.colours,
        "mode": course.mode,
        "sites": course.sites,
        "start": sampled.t_start + sampled.dt * rows[0],
        "dt": sampled.dt,
        "samples": count,
        "unit": unit,
        "factor": factor,
        "limit": scale.limit,
        "lows": lowest.tolist(),
        "highs": highest.tolist(),
        "height": float(np.max(highest - lowest)),
        "strongest": int(np.argmax(highest - lowest)),
        **pyramid(low, high, blocks, step=step, about=about),
    }


def _density(sampled: Sampled, count: int, step: int) -> str:
    rate = f"{count} samples, {1 / sampled.dt:.4g} kHz"
    if step == 1:
        return rate
    return (
        f"{rate}: lowest and highest of each {step * sampled.dt:.3g} ms are in this page,"
        " more in one of a shorter --time"
    )


def _signal(recording: Recording, name: str, view: View, sites: list[dict[str, Any]]) -> Course:
    signal = recording.signal(name)
    check_channels(signal, recording.source_of(f"/signals/{name}"))
    chosen = chosen_channels(view.channels, signal, name)
    on_head = has_topography(signal)
    is_listed = signal.positions is None or on_head
    order = as_listed if is_listed else _by_depth
    channels = order(signal, chosen)
    count, is_csd = len(channels.index), signal.units == CSD_UNIT
    names = []
    for column in channels.index:
        label = signal.names[column] if signal.names else f"channel {column}"
        if signal.positions is not None and not on_head:
            label += " at ({:.4g}, {:.4g}, {:.4g}) µm".format(*signal.positions[column])
        names.append(label)
    course = Course(
        sampled=signal,
        columns=channels.index,
        title=": ".join(filter(None, (name, signal.model))) + f", {count} channels",
        axis=channels.axis_label,
        labels=[label.replace("\\$", "$") for label in channels.labels],
        names=names,
        source=recording.source_of(f"/signals/{name}/data"),
        mode="image" if is_csd and view.form == "auto" and count > 3 else view.form,
    )
    if is_listed or is_csd or signal.positions is None:
        return course
    first = len(sites)
    sites += [{"place": signal.positions[column].tolist()} for column in channels.index]
    colours = [to_hex(colour) for colour in palette().of_depths(count)]
    return replace(course, colours=colours, sites=list(range(first, first + count)))


def _by_depth(signal: Any, chosen: np.ndarray) -> Any:
    return ordered(signal, chosen, apart=False)


def _reports(recording: Recording, variable: str, view: View) -> list[Course]:
    """A variable at the somata of a few cells of each population."""
    names = recording.reports[variable]
    share = max(1, _MOST_CELLS // max(len(names), 1))
    courses = []
    for name, colour in zip(names, population_colours(len(names)), strict=True):
        report = recording.report(variable, name)
        columns, gids = soma_columns(recording, name, report)
        chosen = shown_cells(recording, gids, view, most=share)[::-1]
        if not len(chosen):
            continue
        labels = [str(gid) for gid in gids[chosen]]
        note = f"{len(chosen)} of {len(gids)} cells" if len(chosen) < len(gids) else ""
        courses.append(
            Course(
                sampled=report,
                columns=columns[chosen],
                title=f"{variable} of {name}, soma",
                axis="cell",
                labels=labels,
                names=[f"cell {label}" for label in labels],
                source=recording.source_of(f"/reports/{variable}/{name}/data"),
                colours=[colour] * len(labels) if len(names) > 1 else None,
                mode="traces",
                level=True,
                note=note,
            )
        )
    return courses


def _dipole(recording: Recording, group: str) -> Course:
    title = "current dipole moment" + ("" if group == "total" else f" of {group}")
    axes = ["z", "y", "x"]
    return Course(
        sampled=recording.dipole(group),
        columns=np.array([2, 1, 0]),
        title=title,
        axis=pretty("component"),
        labels=axes,
        names=axes,
        source=recording.source_of(f"/dipole/{group}/data"),
        colours=list(COLOURS[:3][::-1]),
        mode="traces",
    )


def _spikes(recording: Recording, view: View, blocks: Blocks) -> dict[str, Any]:
    names = recording.spike_populations
    populations, total = [], 0
    for name, colour in zip(names, population_colours(len(names)), strict=True):
        one = train(recording, name, view, colour)
        gids = np.unique(recording.spikes(name)[1])
        if name in recording.populations:
            gids = np.union1d(gids, recording.geometry(name).gid)
        total += len(one.times)
        populations.append(
            {
                "name": name,
                "colour": colour,
                "cells": one.cells,
                "gids": gids.tolist(),
                "times": blocks.add(one.times, "f4"),
                "rows": blocks.add(one.rows, "u4"),
            }
        )
    cells = sum(population["cells"] for population in populations)
    return {
        "title": f"spikes ({total})",
        "note": f"{cells} cells, silent ones included" if cells > 1 else "",
        "populations": populations,
    }
