"""Panels of what is computed from signals: spectra, spectrograms, shares, and differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import UsageError
from lfpcli.io.recording import Recording, Sampled, Signal
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.reduce import rows_in
from lfpcli.plotting.scale import settled_row
from lfpcli.plotting.spectra import draw_spectra, draw_spectrogram
from lfpcli.plotting.style import palette
from lfpcli.plotting.traces import draw_overlay, draw_stack, name_recordings
from lfpcli.plotting.units import duration, literal
from lfpcli.tasks.figures.channels import Channels, as_listed, chosen_channels, ordered
from lfpcli.tasks.figures.panels import View, traces
from lfpcli.tasks.figures.scalp_panel import has_topography
from lfpcli.tasks.statistics.spectra import power_spectrum, spectrogram

# more channels than this cannot be told apart as lines
_MOST_LINES = 16
_MOST_SHARES, _MOST_SPECTROGRAMS = 6, 4
# differences below this share of the largest sample are rounding
_ROUNDING = 1e-12
# room for the names of recordings, inches
_NAMES = 0.17


def spectra_panel(recording: Recording, name: str, view: View) -> Panel:
    """Power spectra of a signal, of some of its channels where it has very many."""
    signal = recording.signal(name)
    channels = _some_channels(signal, name, view)
    first, last = rows_in(signal.data.shape[0], signal.dt, signal.t_start, view.time)
    samples = np.asarray(signal.data[first:last], dtype=float)[:, channels.index]
    settled = settled_row(samples) if view.time is None else 0
    frequencies, density = power_spectrum(samples[settled:], signal.dt)
    count, total = len(channels.index), signal.data.shape[1]

    def draw(ax: Axes) -> None:
        draw_spectra(
            ax,
            frequencies,
            density,
            channels.labels,
            units=signal.units,
            title=f"{literal(name)}: power spectra",
            colours=palette().of_depths(count),
            labelled=channels.axis_label,
        )
        if count < total:
            add_note(ax, f"{count} of {total} channels")
        if settled:
            add_note(ax, f"without the first {duration(settled * signal.dt)}")

    return Panel(draw, 1.7, timed=False)


def spectrogram_panels(recording: Recording, name: str, view: View) -> list[Panel]:
    """Power over time and frequency of the chosen channels, else of the one that varies most."""
    signal = recording.signal(name)
    chosen = chosen_channels(view.channels, signal, name)
    first, last = rows_in(signal.data.shape[0], signal.dt, signal.t_start, view.time)
    samples = np.asarray(signal.data[first:last], dtype=float)[:, chosen]
    settled = settled_row(samples) if view.time is None else 0
    count = len(chosen)
    if view.channels is None and count > 1:
        best = int(np.argmax(samples[settled:].std(axis=0)))
        chosen, samples = chosen[[best]], samples[:, [best]]
    remarks = [f"of {count} channels the one that varies most"] if len(chosen) < count else []
    if len(chosen) > _MOST_SPECTROGRAMS:
        remarks.append(f"{_MOST_SPECTROGRAMS} of {len(chosen)} channels")
    if settled:
        remarks.append(f"without the first {duration(settled * signal.dt)}")
    begin = signal.t_start + signal.dt * (first + settled)
    panels: list[Panel] = []
    for k, column in enumerate(chosen[:_MOST_SPECTROGRAMS]):
        times, frequencies, density, window = spectrogram(samples[settled:, k], signal.dt)
        title = f"{literal(name)}: power {_spot(signal, int(column))}"
        remark = "; ".join([f"windows of {duration(window)}", *(remarks if not panels else [])])

        def draw(
            ax: Axes,
            times: np.ndarray = times + begin,
            frequencies: np.ndarray = frequencies,
            density: np.ndarray = density,
            title: str = title,
            remark: str = remark,
        ) -> None:
            draw_spectrogram(
                ax,
                times,
                frequencies,
                density,
                units=signal.units,
                title=title,
                remark=remark,
            )

        panels.append(Panel(draw, 1.3))
    return panels


def shares_panels(recording: Recording, name: str, view: View) -> list[Panel]:
    """The total of a signal and its shares, at one channel or in each layer of a view.

    Raises
    ------
    UsageError
        Where a layer has no channel.
    """
    signal = recording.signal(name)
    chosen = chosen_channels(view.channels, signal, name)
    dataset = recording.source_of(f"/signals/{name}/data")
    if not view.layers:
        values = traces(signal, chosen, view, dataset)[1]
        best = int(np.argmax(np.ptp(values, axis=0))) if values.size else 0
        column = chosen[best : best + 1]
        spot = _spot(signal, int(column[0]))
        return [_shares_panel(recording, name, view, columns=column, spot=spot)]
    panels = []
    for layer, (low, high) in view.layers.items():
        heights = np.zeros(0) if signal.positions is None else signal.positions[chosen, 2]
        inside = chosen[np.flatnonzero((heights >= low) & (heights < high))]
        if not len(inside):
            raise UsageError(
                f"no channel of '{name}' is in layer '{layer}', z from {low:g} to {high:g} um",
                remedy="give it other ends, or leave it out",
            )
        plural = "s" if len(inside) > 1 else ""
        spot = f"in {literal(layer)} (mean of {len(inside)} channel{plural})"
        panels.append(_shares_panel(recording, name, view, columns=inside, spot=spot))
    return panels


def _shares_panel(
    recording: Recording, name: str, view: View, *, columns: np.ndarray, spot: str
) -> Panel:
    """The mean over some channels of a signal, of all of it and of its shares."""
    signal = recording.signal(name)
    dataset = recording.source_of(f"/signals/{name}/data")
    groups = list(signal.groups)
    parts = {"total": signal.data}
    for group in groups[:_MOST_SHARES]:
        parts[literal(group)] = signal.groups[group]
    lines = []
    for data in parts.values():
        # the mean before it is brought down to what the paper can show
        mean = Sampled(_Mean(data, columns), signal.units, signal.dt, signal.t_start)
        times, values = traces(mean, np.zeros(1, np.int64), view, dataset)
        lines.append(values)

    def draw(ax: Axes) -> None:
        draw_overlay(
            ax,
            times,
            np.concatenate(lines, axis=1),
            list(parts),
            units=signal.units,
            title=f"{literal(name)}: shares {spot}",
            colours=[palette().ink, *palette().colours],
            from_start=view.time is None,
        )
        if len(groups) > _MOST_SHARES:
            add_note(ax, f"{_MOST_SHARES} of {len(groups)} shares")

    return Panel(draw, 1.3)


class _Mean:
    """The mean of some columns of samples, one column, read where it is sliced."""

    def __init__(self, data: Any, columns: np.ndarray) -> None:
        self._data, self._columns = data, columns
        self.shape = data.shape[0], 1

    def __getitem__(self, rows: slice) -> np.ndarray:
        samples = np.asarray(self._data[rows], dtype=float)[:, self._columns]
        return np.asarray(samples.mean(axis=1, keepdims=True))


def _spot(signal: Signal, column: int) -> str:
    if signal.names and signal.positions is None:
        return f"at {literal(signal.names[column])}"
    if signal.positions is None:
        return f"of channel {column}"
    x, y, z = signal.positions[column]
    return f"at x = {x:.4g}, y = {y:.4g}, z = {z:.4g} µm"


def _some_channels(signal: Signal, name: str, view: View) -> Channels:
    """Channels in the order of their depths, evenly chosen where there are very many."""
    chosen = chosen_channels(view.channels, signal, name)
    if signal.positions is None or has_topography(signal):
        channels = as_listed(signal, chosen)
    else:
        channels = ordered(signal, chosen, apart=False)
    count = len(channels.index)
    if count <= _MOST_LINES:
        return channels
    kept = np.linspace(0, count - 1, _MOST_LINES).round().astype(int)
    return Channels(
        index=channels.index[kept],
        depths=channels.depths[kept],
        labels=[channels.labels[k] for k in kept],
        axis_label=channels.axis_label,
        listed=channels.listed,
    )


class _Difference:
    """Samples of one recording less those of another, read where they are sliced."""

    def __init__(self, data: Any, other: Any) -> None:
        self._data, self._other = data, other
        self.shape = data.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        less = np.asarray(self._other[rows], dtype=float)
        return np.asarray(np.asarray(self._data[rows], dtype=float) - less)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One thing that several recordings hold.

    Attributes
    ----------
    title : str
        Heading.
    sampled : sequence of Sampled
        Of each recording, as many columns in each.
    channels : Channels
        What is drawn of them.
    sources : sequence of str
        The datasets, for errors.
    """

    title: str
    sampled: Sequence[Sampled]
    channels: Channels
    sources: Sequence[str]


def compared_signal(recordings: Sequence[Recording], name: str, view: View) -> Compared:
    """A signal that several recordings hold."""
    signals = [recording.signal(name) for recording in recordings]
    return Compared(
        title=literal(name),
        sampled=signals,
        channels=_some_channels(signals[0], name, view),
        sources=[r.source_of(f"/signals/{name}/data") for r in recordings],
    )


def compared_dipole(recordings: Sequence[Recording], group: str) -> Compared:
    """A current dipole moment that several recordings hold."""
    channels = Channels(
        index=np.arange(2, -1, -1),
        depths=np.arange(3.0),
        labels=["$p_z$", "$p_y$", "$p_x$"],
        axis_label="",
        listed=True,
    )
    return Compared(
        title="current dipole moment" + ("" if group == "total" else f" of {literal(group)}"),
        sampled=[recording.dipole(group) for recording in recordings],
        channels=channels,
        sources=[r.source_of(f"/dipole/{group}/data") for r in recordings],
    )


def overlay_panel(compared: Compared, labels: Sequence[str], view: View) -> Panel:
    """Traces of several recordings over each other, named where there are labels."""
    series = [
        traces(sampled, compared.channels.index, view, source)
        for sampled, source in zip(compared.sampled, compared.sources, strict=True)
    ]
    count, total = len(compared.channels.index), compared.sampled[0].data.shape[1]

    def draw(ax: Axes) -> None:
        draw_stack(
            ax,
            series[0][0],
            series[0][1],
            compared.channels.labels,
            units=compared.sampled[0].units,
            title=compared.title,
            axis_label=compared.channels.axis_label,
            colours=[palette().colours[0]] * count,
            from_start=view.time is None,
            others=[(*other, palette().colours[k + 1]) for k, other in enumerate(series[1:])],
        )
        if count < total:
            add_note(ax, f"{count} of {total} channels")
        if len({_times(sampled) for sampled in compared.sampled}) > 1:
            add_note(ax, "sampled at other times")
        if labels:
            name_recordings(ax, [literal(label) for label in labels], palette().colours)

    height = min(max(0.7 + 0.16 * count, 1.0), 2.6)
    return Panel(draw, height, above=_NAMES if labels else 0.0)


def _times(sampled: Sampled) -> tuple[int, float, float]:
    """What tells the times of samples."""
    return len(sampled.data), sampled.dt, sampled.t_start


def difference_panel(compared: Compared, view: View) -> Panel | None:
    """How the second recording differs from the first; None where their times do."""
    first, second = compared.sampled
    if _times(first) != _times(second):
        return None
    difference = Sampled(_Difference(second.data, first.data), first.units, first.dt, first.t_start)
    index, source = compared.channels.index, compared.sources[1]
    times, values = traces(difference, index, view, source)
    whole = traces(first, index, view, compared.sources[0])[1]
    peak = float(np.abs(whole).max(initial=0.0))
    largest = float(np.abs(values).max(initial=0.0))

    def draw(ax: Axes) -> None:
        shown = values if largest > _ROUNDING * peak else np.zeros_like(values)
        draw_stack(
            ax,
            times,
            shown,
            compared.channels.labels,
            units=first.units,
            title=f"{compared.title}: second less first",
            axis_label=compared.channels.axis_label,
        )
        if largest == 0:
            add_note(ax, "no sample differs")
        elif peak > 0:
            add_note(ax, f"at most {100 * largest / peak:.2g} % of the largest sample")

    return Panel(draw, min(max(0.5 + 0.1 * len(index), 0.8), 1.8))
