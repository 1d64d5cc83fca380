"""From the signals of a recording to the panels of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.io.recording import Recording, Signal
from lfpcli.plotting.figure import FAINT, Panel
from lfpcli.plotting.image import draw_image
from lfpcli.plotting.morphology import Sites
from lfpcli.plotting.reduce import means, rows_in
from lfpcli.plotting.traces import depth_colours, depth_labels, draw_stack
from lfpcli.plotting.units import literal
from lfpcli.tasks.figures.panels import View, traces
from lfpcli.tasks.figures.scalp_panel import has_topography

# more channels than this become an image
_MOST_TRACES = 24
# more columns of contacts than this are not kept apart in an image
_MOST_COLUMNS = 12
_CSD_UNIT = "nA/um3"


@dataclass
class Channels:
    """Channels in the order in which they are drawn, from the lowest to the highest.

    Attributes
    ----------
    index : ndarray of int, shape (K,)
        Their columns in the data.
    depths : ndarray, shape (K,)
        Where they are along the axis that they extend along, um.
    labels : list of str
        What to write beside each.
    axis_label : str
        What the labels are.
    columns : list of str, or None
        The column of the array that each contact is in, where several contacts share a depth.
    listed : bool
        Whether they are in the order of the file instead, under their names or numbers.
    """

    index: np.ndarray
    depths: np.ndarray
    labels: list[str]
    axis_label: str
    columns: list[str] | None = None
    listed: bool = False


def signal_panel(recording: Recording, name: str, view: View) -> tuple[Panel, Sites | None]:
    """Traces or an image of a signal, and the contacts to mark beside the cells."""
    signal = recording.signal(name)
    _check(signal, recording.source_of(f"/signals/{name}"))
    dataset = recording.source_of(f"/signals/{name}/data")
    chosen = _chosen(view.channels, signal, name)
    is_csd = signal.units == _CSD_UNIT
    around_head = signal.positions is None or has_topography(signal)
    count = len(chosen)
    title = ": ".join(literal(part) for part in (name, signal.model) if part)
    title += f", {count} {'layer' if is_csd else 'channel'}{'s' if count > 1 else ''}"
    image = view.style == "image" or (
        view.style == "auto" and (count > _MOST_TRACES or (is_csd and count > 3))
    )
    channels = _as_listed(signal, chosen) if around_head else _ordered(signal, chosen, apart=image)
    build = _image_panel if image else _trace_panel
    panel = build(signal, channels, view, dataset=dataset, title=title)
    if signal.positions is None or around_head or is_csd:
        return panel, None
    colours = FAINT if image else depth_colours(count)
    return panel, Sites(signal.positions[channels.index], colours)


def _trace_panel(
    signal: Signal, channels: Channels, view: View, *, dataset: str, title: str
) -> Panel:
    times, values = traces(signal, channels.index, view, dataset)
    count = len(channels.index)

    def draw(ax: Axes) -> None:
        draw_stack(
            ax,
            times,
            values,
            channels.labels,
            units=signal.units,
            title=title,
            axis_label=channels.axis_label,
            colours=None if channels.listed else depth_colours(count),
        )

    return Panel(draw, min(max(0.5 + 0.16 * count, 0.8), 3.4))


def _image_panel(
    signal: Signal, channels: Channels, view: View, *, dataset: str, title: str
) -> Panel:
    rows = rows_in(signal.data.shape[0], signal.dt, signal.t_start, view.time)
    edges, values = means(signal.data, rows, channels.index, source=dataset)

    def draw(ax: Axes) -> None:
        draw_image(
            ax,
            signal.t_start + signal.dt * edges,
            values,
            channels.depths,
            units=signal.units,
            title=title,
            axis_label=channels.axis_label,
            labels=channels.labels if channels.listed else None,
            columns=channels.columns,
        )

    return Panel(draw, min(max(0.6 + 0.03 * len(channels.index), 1.4), 2.4))


def _check(signal: Signal, group: str) -> None:
    width = signal.data.shape[1]
    if signal.positions is not None and signal.positions.shape != (width, 3):
        raise InputError(f"expected positions of {width} channels, three columns", source=group)
    if signal.names and len(signal.names) != width:
        raise InputError(f"{len(signal.names)} names for {width} channels", source=group)


def _ordered(signal: Signal, chosen: np.ndarray, *, apart: bool) -> Channels:
    """Order channels along z, or else along where they extend most; `apart` column by column."""
    if signal.positions is None or not len(chosen):
        return _as_listed(signal, chosen)
    places = signal.positions[chosen].round(6)
    reach = np.ptp(places, axis=0)
    axis = 2 if reach[2] > 0 or not reach.any() else int(np.argmax(reach))
    columns = _columns(places, axis) if apart else None
    owner = np.zeros(len(chosen)) if columns is None else columns[0]
    order = np.lexsort((-chosen, places[:, axis], owner))
    depths = places[order, axis]
    names = None if columns is None else [columns[1][k] for k in columns[0][order]]
    label = f"{'xyz'[axis]} (µm)"
    return Channels(
        index=chosen[order],
        depths=depths,
        labels=depth_labels(depths),
        axis_label=label,
        columns=names,
    )


def _as_listed(signal: Signal, chosen: np.ndarray) -> Channels:
    """Channels in the order of the file, the first on top."""
    index = chosen[::-1]
    labels = [literal(signal.names[c]) if signal.names else str(c) for c in index]
    label = "" if signal.names else "channel"
    return Channels(index, -index.astype(float), labels, label, listed=True)


def _columns(places: np.ndarray, axis: int) -> tuple[np.ndarray, list[str]] | None:
    """Number of the column each contact is in, and their names; None where no two share a depth."""
    if len(np.unique(places[:, axis])) == len(places):
        return None
    across = [k for k in range(3) if k != axis]
    feet, owner = np.unique(places[:, across], axis=0, return_inverse=True)
    if not 1 < len(feet) <= _MOST_COLUMNS:
        return None
    # named by the coordinates in which the columns differ
    varying = [k for k in range(2) if np.ptp(feet[:, k]) > 0]
    names = []
    for foot in feet:
        parts = [f"{'xyz'[across[k]]} = {foot[k]:g}" for k in varying]
        names.append(", ".join(parts))
    return owner.reshape(-1), names


def _chosen(wanted: Sequence[str] | None, signal: Signal, name: str) -> np.ndarray:
    """Columns of the channels that were asked for, in the order of the signal."""
    width = signal.data.shape[1]
    if wanted is None:
        return np.arange(width)
    chosen: set[int] = set()
    for token in wanted:
        first, dash, last = token.partition("-")
        if token in signal.names:
            chosen.add(signal.names.index(token))
        elif not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(
                f"signal '{name}' has no channel '{token}'",
                remedy=nearest(token, signal.names, "channel")
                if signal.names
                else "channels are numbers or ranges such as 0-7",
            )
        elif not int(first) <= int(last or first) < width:
            raise UsageError(
                f"signal '{name}' has no channel '{token}'", remedy=f"it has 0 to {width - 1}"
            )
        else:
            chosen.update(range(int(first), int(last or first) + 1))
    return np.array(sorted(chosen), int)
