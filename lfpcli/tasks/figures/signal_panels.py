"""From the signals of a recording to the panels of a figure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from lfpcli.io.recording import Recording, Signal
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.image import draw_image
from lfpcli.plotting.morphology import Sites
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.reduce import extremes, rows_in
from lfpcli.plotting.scale import Scale, image_scale
from lfpcli.plotting.style import palette
from lfpcli.plotting.traces import draw_butterfly, draw_stack
from lfpcli.plotting.units import CSD_UNIT, literal
from lfpcli.tasks.figures.channels import (
    Channels,
    Shank,
    as_listed,
    check_channels,
    chosen_channels,
    ordered,
    rows_of,
    shanks_of,
)
from lfpcli.tasks.figures.panels import View, traces
from lfpcli.tasks.figures.scalp_panel import has_topography

# more channels than this become an image, or the butterfly of a head
_MOST_TRACES = 32
_MOST_HEAD_TRACES = 8
# rows at either end that nowhere exceed this share of the scale are silent; fewer than these
# shares of all rows are not worth a remark
_SILENT, _WORTH_CUTTING = 0.03, 0.1
_LEAST_ROWS = 8


def signal_panels(recording: Recording, name: str, view: View) -> tuple[list[Panel], Sites | None]:
    """Traces or images of a signal, and the contacts to mark beside the cells."""
    signal = recording.signal(name)
    check_channels(signal, recording.source_of(f"/signals/{name}"))
    dataset = recording.source_of(f"/signals/{name}/data")
    chosen = chosen_channels(view.channels, signal, name)
    is_csd = signal.units == CSD_UNIT
    on_head = has_topography(signal)
    title = _title(signal, name, len(chosen), "layer" if is_csd else "channel")
    if view.form == "auto" and on_head and len(chosen) > _MOST_HEAD_TRACES:
        return [_butterfly_panel(signal, chosen, view, dataset=dataset, title=title)], None
    is_image = view.form == "image" or (
        view.form == "auto" and (len(chosen) > _MOST_TRACES or (is_csd and len(chosen) > 3))
    )
    shanks = shanks_of(signal, chosen) if is_image and not on_head else None
    if signal.positions is None or on_head:
        channels = as_listed(signal, chosen)
    else:
        channels = ordered(signal, chosen, apart=is_image)
        if is_image and shanks is None and len(chosen):
            shanks = rows_of(signal, channels)
    if shanks is not None:
        label = channels.axis_label
        panels = _shank_panels(signal, shanks, view, dataset=dataset, title=title, axis_label=label)
    elif is_image:
        panels = [_image_panel(signal, channels, view, dataset=dataset, title=title)]
    else:
        panels = [_trace_panel(signal, channels, view, dataset=dataset, title=title)]
    if signal.positions is None or on_head or is_csd:
        return panels, None
    colours = palette().faint if is_image else palette().of_depths(len(chosen))
    return panels, Sites(signal.positions[channels.index], colours)


def _title(signal: Signal, name: str, count: int, noun: str) -> str:
    title = ": ".join(literal(part) for part in (name, signal.model) if part)
    return f"{title}, {count} {noun}{'s' if count > 1 else ''}"


def _begins_with_run(signal: Signal, view: View) -> bool:
    """Whether the first sample that is shown is the first there is."""
    return view.time is None or view.time[0] <= signal.t_start


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
            colours=None if channels.listed else palette().of_depths(count),
            from_start=_begins_with_run(signal, view),
        )

    return Panel(draw, min(max(0.5 + 0.16 * count, 0.8), 3.4))


def _butterfly_panel(
    signal: Signal, chosen: np.ndarray, view: View, *, dataset: str, title: str
) -> Panel:
    times, values = traces(signal, chosen, view, dataset)
    names = [literal(signal.names[k]) if signal.names else str(k) for k in chosen]

    def draw(ax: Axes) -> None:
        draw_butterfly(
            ax,
            times,
            values,
            names,
            units=signal.units,
            title=title,
            from_start=_begins_with_run(signal, view),
        )

    return Panel(draw, 1.3)


def _image_panel(
    signal: Signal, channels: Channels, view: View, *, dataset: str, title: str
) -> Panel:
    edges, values, remark = _samples(signal, channels.index, view, dataset)
    scale = _scale(values, signal, view)
    depths, labels = channels.depths, channels.labels if channels.listed else None
    if not channels.listed and channels.columns is None:
        values, depths, left_out = _without_silent_ends(values, depths, scale, "rows")
        remark = "; ".join(filter(None, (remark, left_out)))

    def draw(ax: Axes) -> None:
        draw_image(
            ax,
            edges,
            values,
            depths,
            units=signal.units,
            title=title,
            axis_label=channels.axis_label,
            scale=scale,
            labels=labels,
            columns=channels.columns,
        )
        if remark:
            add_note(ax, remark)

    return Panel(draw, min(max(0.6 + 0.03 * len(depths), 1.4), 2.4))


def _shank_panels(
    signal: Signal,
    shanks: list[Shank],
    view: View,
    *,
    dataset: str,
    title: str,
    axis_label: str,
) -> list[Panel]:
    """An image of time and depth of each shank, all with one scale."""
    samples = [_samples(signal, shank.index, view, dataset) for shank in shanks]
    edges, remark = samples[0][0], samples[0][2]
    means = [shank.averaged(s[1]) for shank, s in zip(shanks, samples, strict=True)]
    whole = np.concatenate(means, axis=1)
    scale = _scale(whole, signal, view)
    panels: list[Panel] = []
    for shank, mean in zip(shanks, means, strict=True):
        values, depths, left_out = _without_silent_ends(mean, shank.depths, scale, "depths")
        heading = title if not panels else ""
        if shank.name:
            heading += f"{': ' if heading else ''}shank at {shank.name} µm"
        each = len(shank.index) / len(shank.depths)
        averaged = f"mean of {each:.3g} contacts a depth" if not panels else ""
        remarks = "; ".join(filter(None, (averaged, remark if not panels else "", left_out)))

        def draw(
            ax: Axes,
            values: np.ndarray = values,
            depths: np.ndarray = depths,
            heading: str = heading,
            remarks: str = remarks,
        ) -> None:
            draw_image(
                ax,
                edges,
                values,
                depths,
                units=signal.units,
                title=heading,
                axis_label=axis_label,
                scale=scale,
            )
            if remarks:
                add_note(ax, remarks)

        panels.append(Panel(draw, 2.4 if len(shanks) == 1 else 1.4))
    return panels


def _samples(
    signal: Signal, index: np.ndarray, view: View, dataset: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """Edges of the pixels in time, ms, their values, and what is to be said of them."""
    rows = rows_in(signal.data.shape[0], signal.dt, signal.t_start, view.time)
    edges, values = extremes(signal.data, rows, index, source=dataset)
    step = -(-(rows[1] - rows[0]) // max(len(values), 1))
    remark = f"extremes of {step} samples" if step > 1 else ""
    return signal.t_start + signal.dt * edges, values, remark


def _scale(values: np.ndarray, signal: Signal, view: View) -> Scale | None:
    return image_scale(values, _begins_with_run(signal, view)) if values.size else None


def _without_silent_ends(
    values: np.ndarray, depths: np.ndarray, scale: Scale | None, noun: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """Values and depths without silent rows at both ends, and what is to be said of that."""
    if scale is None or scale.limit == 0:
        return values, depths, ""
    loud = np.flatnonzero(np.abs(values).max(axis=0) > _SILENT * scale.limit)
    first, last = int(loud[0]), int(loud[-1]) + 1
    last = max(last, min(first + _LEAST_ROWS, len(depths)))
    if len(depths) - (last - first) < _WORTH_CUTTING * len(depths):
        return values, depths, ""
    remark = f"{len(depths) - (last - first)} {noun} below 3 % left out"
    return values[:, first:last], depths[first:last], remark
