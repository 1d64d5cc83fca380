"""From the parts of a recording to the panels of a figure."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError
from lfpcli.io.recording import Recording, Report, Sampled
from lfpcli.io.span import recorded_spans, span_within
from lfpcli.io.trains import train_ids
from lfpcli.morphology.section import type_name
from lfpcli.morphology.tree import Morphology
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.morphology import (
    Cones,
    Sites,
    cells_drawn_whole,
    draw_cells,
    draw_sites,
    draw_synapses,
    draw_types,
    extent,
    frame,
    population_colours,
    remark,
    remark_hidden,
)
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.reduce import envelope, rows_in
from lfpcli.plotting.spikes import Train, draw_raster, draw_rates
from lfpcli.plotting.style import palette
from lfpcli.plotting.traces import MOST_LAID_OVER, draw_traces
from lfpcli.plotting.units import CSD_UNIT, literal, nice_length
from lfpcli.tasks.figures.scalp_panel import has_topography
from lfpcli.tasks.figures.synapse_sites import SynapseSites, synapse_sites

_MOST_CELL_TRACES = 8
# rows of one panel
_MOST_CHOSEN = 40
# a raster of fewer cells or spikes says its rates by itself
_LEAST_RATED, _LEAST_SPIKES = 5, 10
_RATE_BINS = 100
# what variables are called, and their symbols
VARIABLES = {
    "vmem": ("membrane potential", "$V_m$"),
    "imem": ("membrane current", "$I_m$"),
}


@dataclass(frozen=True)
class View:
    """What of a recording is drawn, and how.

    Attributes
    ----------
    time : tuple of two floats, or None
        First and last time, ms.
    at : float, or None
        Time of topographies, ms; by default that of the strongest signal.
    channels : sequence of str, or None
        Channels of signals: numbers, ranges ``a-b``, names.
    form : {'auto', 'traces', 'image'}
        How signals are drawn.
    view : {'xz', 'yz', 'xy'}
        Plane in which cells are seen.
    max_cells : int
        Most cells drawn whole.
    cells : sequence of str, or None
        Cells whose variables are drawn and that are drawn whole: gids and ranges ``a-b``.
    times : sequence of float
        Times of several topographies, ms, where there is more than one.
    paint : str, or None
        Variable in whose colours the cells are drawn, where it is named.
    synapses : path-like, or None
        Network whose synapses are marked on the cells that are drawn whole.
    layers : mapping of str to tuple of two floats
        Lower and upper end of layers along z, um, in which shares of signals are drawn.
    placement : int, or None
        The template that is drawn; by default the largest.
    beside : sequence of str
        Signals that are drawn after the parts that are asked for; beside the cells, where a
        recording has cells and no parts are asked for.
    map : {'xz', 'yz', 'xy'}, or sequence of float, shape (3,), or None
        Plane of a map of potentials, or its normal; the map is drawn where it is named.
    plane : float, or None
        Where that plane is along its normal, um; by default at the somata.
    extent : tuple of four floats, or None
        Left, right, lower and upper end of the map, um; by default around cells and contacts.
    scale : {'log', 'linear'}
        Colours of the map.
    signal : str, or None
        The signal whose contacts and conductor the map has; by default the first of a probe.
    """

    time: tuple[float, float] | None = None
    at: float | None = None
    channels: Sequence[str] | None = None
    form: str = "auto"
    view: str = "xz"
    max_cells: int = 20
    cells: Sequence[str] | None = None
    times: Sequence[float] = ()
    paint: str | None = None
    synapses: str | os.PathLike[str] | None = None
    layers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    placement: int | None = None
    beside: Sequence[str] = ()
    map: str | Sequence[float] | None = None
    plane: float | None = None
    extent: tuple[float, float, float, float] | None = None
    scale: str = "log"
    signal: str | None = None


def within_recordings(view: View, recordings: Sequence[Recording]) -> View:
    """A view whose time span is that of the recordings at most.

    Raises
    ------
    UsageError
        Where nothing of it lies in them.
    """
    if view.time is None:
        return view
    spans = itertools.chain.from_iterable(map(recorded_spans, recordings))
    return replace(view, time=span_within(view.time, spans))


def refuse_options(view: View, contents: str, *, but: Sequence[str] = ()) -> None:
    """Refuse what a view chooses of contents that are drawn whole.

    Raises
    ------
    UsageError
        Where an attribute, other than those named in `but`, is not what it is by default.
    """
    usual = View()
    for attribute in fields(view):
        chosen = getattr(view, attribute.name)
        if attribute.name in but or chosen == getattr(usual, attribute.name):
            continue
        # empty, as a command line leaves it
        if chosen is None or (isinstance(chosen, (tuple, list, dict)) and not chosen):
            continue
        name = {"beside": "signal", "times": "at"}.get(attribute.name, attribute.name)
        option = "--" + name.replace("_", "-")
        raise UsageError(f"{contents} is drawn without {option}", remedy=f"leave {option} out")


def spikes_panels(recording: Recording, view: View) -> list[Panel]:
    """Raster of all populations, and their rates where there are spikes enough."""
    names = recording.spike_populations
    trains = [
        train(recording, name, view, colour)
        for name, colour in zip(names, population_colours(len(names)), strict=True)
    ]
    total = sum(t.cells for t in trains)
    silent = not any(len(train.times) for train in trains)
    height = 0.3 if total == 1 or silent else min(0.4 + 0.02 * total, 1.7)
    panels = [Panel(lambda ax: draw_raster(ax, trains), height)]
    spikes = sum(len(each.times) for each in trains)
    if total >= _LEAST_RATED and spikes >= _LEAST_SPIKES:
        span = view.time or (0.0, max(float(each.times.max(initial=0.0)) for each in trains))
        width = max(nice_length((span[1] - span[0]) / _RATE_BINS * 2), 1.0)
        is_start = view.time is None or view.time[0] <= 0

        def draw(ax: Axes) -> None:
            draw_rates(ax, trains, span=span, width=width, from_start=is_start)

        panels.append(Panel(draw, 0.5))
    return panels


def train(recording: Recording, name: str, view: View, colour: str) -> Train:
    """Spikes of a population in the time span of a view, silent cells counted."""
    times, gids = recording.spikes(name)
    known = np.union1d(train_ids(recording, name, gids), gids)
    if view.time is not None:
        inside = (times >= view.time[0]) & (times <= view.time[1])
        times, gids = times[inside], gids[inside]
    return Train(
        name=literal(name),
        times=times,
        rows=np.searchsorted(known, gids),
        cells=len(known),
        colour=colour,
    )


def _gids(recording: Recording, population: str) -> np.ndarray:
    return recording.array(f"/geometry/{population}/gid", 1, np.int64)


def report_panel(recording: Recording, variable: str, view: View) -> Panel:
    """A recorded variable at the somata of a few cells of each population."""
    names = recording.reports[variable]
    colours = dict(zip(names, population_colours(len(names)), strict=True))
    share = max(1, _MOST_CELL_TRACES // max(len(names), 1))
    times, values, labels, inks, units, total = np.empty(0), [], [], [], "", 0
    for name in names:
        report = recording.report(variable, name)
        columns, gids = soma_columns(recording, name, report)
        chosen = shown_cells(recording, gids, view, most=share)
        total += len(gids)
        dataset = recording.source_of(f"/reports/{variable}/{name}/data")
        times, samples = traces(report, columns[chosen], view, dataset)
        values.append(samples)
        labels += [f"{literal(name)} {gid}" for gid in gids[chosen]]
        inks += [colours[name]] * len(chosen)
        units = report.units
    if len({len(v) for v in values}) > 1:
        raise InputError(
            "populations differ in length",
            source=recording.source_of(variable),
            remedy="record them with one interval",
        )
    joined = np.concatenate(values, axis=1) if values else np.empty((0, 0))
    quantity, symbol = VARIABLES.get(variable, (literal(variable), literal(variable)))

    def colours_of(count: int) -> list[str] | None:
        if count == 1:
            return [palette().ink]
        # cells of one population over each other need colours of their own
        return None if len(set(inks)) < count <= MOST_LAID_OVER else inks

    def draw(ax: Axes) -> None:
        draw_traces(
            ax,
            times,
            joined,
            labels,
            units=units,
            title=f"{quantity} (soma)",
            quantity=symbol,
            colours=colours_of(joined.shape[1]),
            from_start=view.time is None,
        )
        if joined.shape[1] < total:
            add_note(ax, f"{joined.shape[1]} of {total} cells")

    return Panel(draw, 1.0 if joined.shape[1] <= 3 else min(0.5 + 0.2 * joined.shape[1], 5.0))


def shown_cells(recording: Recording, gids: np.ndarray, view: View, *, most: int) -> np.ndarray:
    """Which of the cells of a report are drawn, indices into their gids (N,): those chosen, else
    at most `most`, evenly spread.
    """
    chosen = chosen_gids(recording, view)
    if chosen is not None:
        return np.flatnonzero(np.isin(gids, chosen))
    return np.unique(np.linspace(0, len(gids) - 1, min(most, len(gids))).astype(int))


def chosen_gids(recording: Recording, view: View) -> np.ndarray | None:
    """Gids of the cells that were asked for, rising, shape (K,); None where none were.

    Raises
    ------
    UsageError
        Where the recording has no such cell, or more are asked for than can be told apart.
    """
    if view.cells is None:
        return None
    parts = [_gids(recording, name) for name in recording.populations]
    parts += [recording.spikes(name)[1] for name in recording.spike_populations]
    for variable, names in recording.reports.items():
        parts += [recording.report(variable, name).node_ids for name in names]
    known = np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))
    chosen: list[int] = []
    for token in view.cells:
        first, dash, last = token.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"'{token}' is no cell", remedy="give gids or ranges such as 0-7")
        inside = known[(known >= int(first)) & (known <= int(last or first))]
        if not len(inside):
            remedy = f"gids are {known[0]} to {known[-1]}" if len(known) else ""
            raise UsageError(f"recording has no cell '{token}'", remedy=remedy)
        chosen += inside.tolist()
    gids = np.unique(np.array(chosen, np.int64))
    if len(gids) > _MOST_CHOSEN:
        raise UsageError(f"{len(gids)} cells are chosen", remedy=f"choose {_MOST_CHOSEN} at most")
    return gids


def soma_columns(
    recording: Recording, population: str, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    """Columns nearest to the middles of the somata, and gids, both of shape (cells,)."""
    pointers = report.pointers
    width = report.data.shape[1]
    if (
        len(pointers) != len(report.node_ids) + 1
        or np.any(np.diff(pointers) < 0)
        or not 0 <= pointers[0] <= pointers[-1] <= min(width, len(report.element_ids))
        or len(report.element_ids) != len(report.element_pos)
    ):
        raise InputError(
            "mapping does not fit the data",
            source=recording.source_of(f"/reports/*/{population}"),
            remedy="see what lfp check says of the file",
        )
    somata = _soma_sections(recording, population)
    # the segment nearest to the middle of the soma; of a cell without one, of its first section
    columns, gids = [], []
    for gid, first, last in zip(report.node_ids, pointers[:-1], pointers[1:], strict=True):
        if first == last:
            continue
        sections = report.element_ids[first:last]
        soma = np.isin(sections, somata)
        within = soma if soma.any() else sections == sections.min()
        off = np.where(within, np.abs(report.element_pos[first:last] - 0.5), np.inf)
        columns.append(first + int(np.argmin(off)))
        gids.append(int(gid))
    return np.array(columns, int), np.array(gids, int)


def _soma_sections(recording: Recording, population: str) -> np.ndarray:
    if population not in recording.populations:
        return np.zeros(0, int)
    geometry = recording.geometry(population)
    return np.unique(geometry.section[geometry.is_soma])


def traces(
    sampled: Sampled, columns: np.ndarray, view: View, dataset: str
) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,), ms, and samples (T, C) of some columns, fewer where there are too many."""
    rows = rows_in(sampled.data.shape[0], sampled.dt, sampled.t_start, view.time)
    index, values = envelope(sampled.data, rows, columns, source=dataset)
    return sampled.t_start + sampled.dt * index, values


def dipole_panel(recording: Recording, group: str, view: View) -> Panel:
    """The three components of a current dipole moment."""
    sampled = recording.dipole(group)
    dataset = recording.source_of(f"/dipole/{group}/data")
    if sampled.data.shape[1] != 3:
        raise InputError(
            "expected three columns", source=dataset, remedy="see what lfp check says of the file"
        )
    times, values = traces(sampled, np.arange(3), view, dataset)
    owner = {"total": "", "cell": f" of cell {literal(group)}"}.get(
        sampled.share, f" of {literal(group)}"
    )
    title = f"current dipole moment{owner}"
    labels = ["$p_x$", "$p_y$", "$p_z$"]

    def draw(ax: Axes) -> None:
        draw_traces(
            ax,
            times,
            values,
            labels,
            units=sampled.units,
            title=title,
            quantity="$p$",
            from_start=view.time is None,
        )

    return Panel(draw, 0.9)


def cells_panel(recording: Recording, sites: Sequence[Sites], view: View) -> Panel:
    """The cells with the contacts around them."""
    populations = [recording.geometry(p) for p in recording.populations]
    starts, ends = [g.start for g in populations], [g.end for g in populations]
    points = np.concatenate([*starts, *ends])
    chosen = chosen_gids(recording, view)
    synapses = shown_synapses(recording, view)
    colours = dict(zip(recording.populations, population_colours(len(populations)), strict=True))

    def draw(ax: Axes) -> None:
        draw_cells(ax, populations, view=view.view, max_cells=view.max_cells, chosen=chosen)
        for contacts in sites:
            draw_sites(ax, contacts, view=view.view)
        for group in synapses:
            # those of inputs stand back where there are others
            alone = palette().colours[4] if len(synapses) == 1 else palette().faint
            colour = colours.get(group.source, alone)
            draw_synapses(ax, group.positions, view=view.view, colour=colour)
            remark(ax, group.label.replace(" synapses", "\nsynapses"), colour)

    return _framed(draw, points, sites, view)


def shown_synapses(recording: Recording, view: View) -> list[SynapseSites]:
    """Synapses to mark on the cells that are drawn whole; none where no network is named."""
    if view.synapses is None:
        return []
    populations = [recording.geometry(name) for name in recording.populations]
    chosen = chosen_gids(recording, view)
    shown = cells_drawn_whole(populations, view.max_cells, chosen)
    return synapse_sites(view.synapses, recording, shown)


def contact_sites(recording: Recording, view: View) -> list[Sites]:
    """Contacts of the signals of probes, or of that which is chosen."""
    sites = []
    for name in recording.signals if view.signal is None else [view.signal]:
        signal = recording.signal(name)
        in_tissue = signal.units != CSD_UNIT and not has_topography(signal)
        if signal.positions is not None and in_tissue:
            sites.append(Sites(signal.positions))
    return sites


def morphology_panel(morphology: Morphology, view: View) -> Panel:
    """A traced cell, its parts told apart by colour."""
    pieces: dict[str, list[np.ndarray]] = {}
    for section in morphology.sections:
        points = section.points
        section_type = type_name(section.type)
        pieces.setdefault(section_type, []).append(np.hstack([points[:-1], points[1:]]))
    parts = []
    for section_type, cones in pieces.items():
        rows = np.concatenate(cones)
        parts.append((section_type, Cones(rows[:, :3], rows[:, 4:7], rows[:, 3], rows[:, 7])))
    return _framed(
        lambda ax: draw_types(ax, parts, view=view.view), morphology.points[:, :3], (), view
    )


def _framed(
    draw: Callable[[Axes], None], points: np.ndarray, sites: Sequence[Sites], view: View
) -> Panel:
    """Panel as high as what it shows."""
    low, high = extent(points, sites, view=view.view)
    aspect = float((high[1] - low[1]) / (high[0] - low[0]))

    def framed(ax: Axes) -> None:
        draw(ax)
        frame(ax, low, high, view=view.view)
        remark_hidden(ax, sites, view=view.view)

    width = 4.0
    return Panel(framed, width * min(max(aspect, 0.6), 1.7), timed=False, width=width)
