"""Traces and spikes of a signal where its contacts are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError
from lfpcli.io.recording import Recording, Signal
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.footprint import draw_footprint
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.reduce import envelope, rows_in
from lfpcli.plotting.units import literal
from lfpcli.tasks.figures.channels import chosen_channels, plane_of
from lfpcli.tasks.figures.panels import View, chosen_gids

_WIDTH, _HEIGHT = 3.4, 4.6
# before and after a spike, ms
_BEFORE, _AFTER = 1.0, 3.0
# of more spikes some are taken, evenly spread
_MOST_SPIKES = 2000
# values that a waveform as narrow as a contact's share of the paper can show
_POINTS = 120
# later times are told in seconds, ms
_IN_SECONDS = 10_000.0


def array_panel(recording: Recording, name: str, view: View) -> Panel:
    """The traces of a signal at its contacts."""
    signal = recording.signal(name)
    dataset = recording.source_of(f"/signals/{name}/data")
    chosen = chosen_channels(view.channels, signal, name)
    rows = rows_in(signal.data.shape[0], signal.dt, signal.t_start, view.time)
    index, values = envelope(signal.data, rows, chosen, points=_POINTS, source=dataset)
    if len(index) < 2:
        raise UsageError(
            f"signal '{name}' has {len(index)} samples in this span", remedy="traces need two"
        )
    step = float(index[-1] - index[0]) / (len(index) - 1)
    begin, end = signal.t_start + signal.dt * index[[0, -1]]
    in_seconds = end >= _IN_SECONDS
    first, last = (time * (1e-3 if in_seconds else 1.0) for time in (begin, end))
    title = f"{literal(name)}: {first:.6g} to {last:.6g} {'s' if in_seconds else 'ms'}"
    return _panel(signal, chosen, values, dt=signal.dt * step, title=title, remark="")


def footprint_panel(recording: Recording, name: str, view: View) -> Panel:
    """What the spikes of some cells, or of all, leave in a signal, at its contacts."""
    signal = recording.signal(name)
    chosen = chosen_channels(view.channels, signal, name)
    rows, owner = _spike_rows(recording, signal, view)
    before, after = (round(length / signal.dt) for length in (_BEFORE, _AFTER))
    inside = rows[(rows >= before) & (rows + after < signal.data.shape[0])]
    if not len(inside):
        raise UsageError(
            f"no spike of {owner} has {_BEFORE:g} ms before and {_AFTER:g} ms after it in"
            f" signal '{name}'",
            remedy="choose --cells or --time with spikes",
        )
    kept = inside[np.unique(np.linspace(0, len(inside) - 1, _MOST_SPIKES).astype(int))]
    mean = np.zeros((before + after + 1, signal.data.shape[1]))
    for row in kept:
        mean += np.asarray(signal.data[row - before : row + after + 1], dtype=float)
    mean /= len(kept)
    if not np.isfinite(mean).all():
        raise InputError(
            "holds NaN or infinity",
            source=recording.source_of(f"/signals/{name}/data"),
            remedy="see what lfp check says of the file",
        )
    count = f"{len(kept)} spikes" if len(kept) > 1 else "a spike"
    title = f"{literal(name)}: {count} of {literal(owner)}"
    remark = f"mean of {len(kept)} of {len(inside)}" if len(kept) < len(inside) else ""
    return _panel(signal, chosen, mean[:, chosen], dt=signal.dt, title=title, remark=remark)


def _spike_rows(recording: Recording, signal: Signal, view: View) -> tuple[np.ndarray, str]:
    """Samples nearest to the spikes of the chosen cells, shape (S,), rising, and whose they are."""
    gids = chosen_gids(recording, view)
    times, owners = [np.empty(0)], []
    for population in recording.spike_populations:
        spikes, cells = recording.spikes(population)
        mine = np.ones(len(spikes), bool) if gids is None else np.isin(cells, gids)
        if view.time is not None:
            mine &= (spikes >= view.time[0]) & (spikes <= view.time[1])
        times.append(spikes[mine])
        if mine.any():
            owners.append(population)
    rows = np.rint((np.sort(np.concatenate(times)) - signal.t_start) / signal.dt)
    who = ", ".join(owners) or "any cell"
    if gids is not None and len(gids) == 1:
        who = f"cell {gids[0]}"
    elif gids is not None:
        who = f"{len(gids)} cells"
    return rows.astype(np.int64), who


def _panel(
    signal: Signal,
    chosen: np.ndarray,
    values: np.ndarray,
    *,
    dt: float,
    title: str,
    remark: str,
) -> Panel:
    """Panel of waveforms (T, K) of the channels `chosen` at their contacts."""
    if signal.positions is None:
        raise UsageError("a signal without contacts has no array", remedy="leave this part out")
    contacts = signal.positions[chosen]
    right, up = plane_of(contacts)

    def draw(ax: Axes) -> None:
        drawn = draw_footprint(
            ax, contacts[:, [right, up]], values.T, dt=dt, units=signal.units, title=title
        )
        ax.set_ylabel(f"{'xyz'[up]} (µm)")
        remarks = [remark] if remark else []
        if drawn < len(contacts):
            remarks.append(f"{drawn} of {len(contacts)} contacts")
        if remarks:
            add_note(ax, "; ".join(remarks))

    return Panel(draw, _HEIGHT, timed=False, width=_WIDTH)
