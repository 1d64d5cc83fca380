"""From EEG and MEG signals of a recording to topographies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.spheres import fitted_centre
from lfpcli.io.recording import Recording, Signal
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.scalp import draw_topography, strongest
from lfpcli.plotting.units import literal
from lfpcli.tasks.figures.scalp_field import scalp_field

# what the models of heads leave among the parameters of a signal
_OF_HEADS = {"montage", "sensors", "head_model"}
_HEIGHT = 2.6
_LEAST = 3
# topographies beside each other
_MOST_TIMES = 6
# of a topography; narrower ones stand in two lines
_LEAST_WIDE = 0.9


def has_topography(signal: Signal) -> bool:
    """Whether a signal is measured around a head, on three channels or more."""
    return (
        signal.positions is not None
        and len(signal.positions) >= _LEAST
        and not _OF_HEADS.isdisjoint(signal.parameters)
    )


def topography_panel(
    recording: Recording,
    name: str,
    time: float | None = None,
    span: tuple[float, float] | None = None,
) -> Panel:
    """Topography of a signal at one time.

    Parameters
    ----------
    recording : Recording
        The recording.
    name : str
        Name of the signal.
    time : float, optional
        When, ms; by default where the values differ most over the head (largest global field
        power: Lehmann and Skrandies 1980, Electroencephalogr Clin Neurophysiol 48:609).
    span : tuple of two floats, optional
        Times to look for it in, ms.

    Raises
    ------
    InputError
        Where no sample lies at that time, or the signal has no places on a head.
    """
    signal, positions, group = _on_head(recording, name)
    row = _sample(signal, time, span, group)
    values = np.asarray(signal.data[row], dtype=float)
    names = [literal(n) for n in signal.names]
    title = f"{literal(name)}: {literal(signal.model)}, {signal.t_start + row * signal.dt:g} ms"

    field = scalp_field(recording, signal, row)

    def draw(ax: Axes) -> None:
        draw_topography(
            ax,
            values,
            positions,
            units=signal.units,
            names=names,
            title=title,
            field=field,
        )

    return Panel(draw, _HEIGHT, timed=False)


def topographies_panel(recording: Recording, name: str, times: Sequence[float]) -> Panel:
    """Topographies of a signal at several times, ms, beside each other on one scale."""
    signal, positions, group = _on_head(recording, name)
    if len(times) > _MOST_TIMES:
        raise UsageError(
            f"{len(times)} times of topographies", remedy=f"give {_MOST_TIMES} at most"
        )
    rows = [_sample(signal, time, None, group) for time in times]
    values = [np.asarray(signal.data[row], dtype=float) for row in rows]
    fields = [scalp_field(recording, signal, row) for row in rows]
    limit = max(
        strongest(each, positions, field) for each, field in zip(values, fields, strict=True)
    )
    last = len(rows) - 1

    def draw(ax: Axes) -> None:
        ax.set_title(f"{literal(name)}: {literal(signal.model)}")
        ax.set_axis_off()
        wide = ax.get_window_extent().width / ax.figure.get_dpi()
        lines = 2 if len(rows) > 2 and wide < _LEAST_WIDE * len(rows) else 1
        across = -(-len(rows) // lines)
        for k, row in enumerate(rows):
            low = 0.08 + 0.82 * (lines - 1 - k // across) / lines
            box = (k % across / across, low, 1 / across, (0.82 if lines == 1 else 0.7) / lines)
            each = ax.inset_axes(box)
            draw_topography(
                each,
                values[k],
                positions,
                units=signal.units,
                limit=limit or 1.0,
                field=fields[k],
                has_bar=k == last,
                has_caption=k == (lines - 1) * across,
            )
            each.set_title(
                f"{signal.t_start + row * signal.dt:.6g} ms", fontweight="normal", loc="center"
            )

    return Panel(draw, min(6.4 / len(rows), 2.6), timed=False)


def _on_head(recording: Recording, name: str) -> tuple[Signal, np.ndarray, str]:
    """A signal, the places of its channels about the centre of the head, (C, 3) um, its group."""
    signal = recording.signal(name)
    group = recording.source_of(f"/signals/{name}")
    if not has_topography(signal) or signal.positions is None:
        raise InputError(
            "signal has no places on a head",
            source=group,
            remedy="draw it as traces: --form traces",
        )
    return signal, signal.positions - _centre(signal), group


def _sample(
    signal: Signal, time: float | None, span: tuple[float, float] | None, group: str
) -> int:
    first, last = (time, time) if time is not None else span or (-np.inf, np.inf)
    times = signal.times
    rows = np.flatnonzero((times >= first - 0.5 * signal.dt) & (times <= last + 0.5 * signal.dt))
    if not len(rows):
        raise InputError(
            "no sample in this time span",
            source=group,
            remedy="see the span of the recording: lfp info",
        )
    if time is not None:
        return int(rows[np.argmin(np.abs(times[rows] - time))])
    power = [
        np.std(np.asarray(signal.data[start : start + 4096], dtype=float), axis=1)
        for start in range(int(rows[0]), int(rows[-1]) + 1, 4096)
    ]
    return int(rows[0] + np.argmax(np.concatenate(power)[: len(rows)]))


def _centre(signal: Signal) -> np.ndarray:
    """Centre of the head in the coordinates of the channels, um."""
    if "centre" in signal.parameters:
        return np.asarray(signal.parameters["centre"], dtype=float)
    if "head_model" in signal.parameters and signal.positions is not None:
        return fitted_centre(signal.positions)
    return np.zeros(3)
