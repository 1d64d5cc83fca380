"""Time courses: stacked, laid over each other, and dipole components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from lfpcli.plotting.notes import LINE_HEIGHT, add_note, remark_lines, say
from lfpcli.plotting.scale import settled_row
from lfpcli.plotting.style import DASHES, palette
from lfpcli.plotting.units import nice_length, shown_unit

# more traces than this over each other cannot be told apart
MOST_LAID_OVER = 3
_MOST_LABELS = 24
# inches that a label takes
_LABEL_HEIGHT = 0.11
# inches that a step between two ticks needs
_STEP = 0.14
# the strongest sensors of a butterfly
_MOST_NAMED = 4
# share of the largest trace from which on a constant part is left out
_OFFSET = 0.3
# of traces, points; of the lowest of several over each other
_WIDTH, _WIDEST = 0.7, 2.0
# of a legend above a heading, inches: of the line beside a name, of a letter, and of the heading
_HANDLE, _LETTER, _ABOVE_HEADING = 0.5, 0.06, 0.2


def depth_labels(depths: np.ndarray) -> list[str]:
    """Depths (C,), um, as labels; with decimals only where they matter."""
    gaps = np.diff(np.unique(depths.round(6)))
    digits = 0 if not len(gaps) or gaps.min() >= 1.0 else 2
    # the minus sign that the other axes have
    return [f"{d:.{digits}f}".replace("-", "\u2212") for d in depths.round(digits) + 0.0]


def draw_stack(
    ax: Axes,
    times: np.ndarray,
    values: np.ndarray,
    labels: Sequence[str],
    *,
    units: str,
    title: str,
    axis_label: str = "",
    colours: Sequence[Any] | None = None,
    centred: bool = False,
    from_start: bool = False,
    others: Sequence[tuple[np.ndarray, np.ndarray, Any]] = (),
) -> None:
    """Draw traces above each other with a common scale bar.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    times : ndarray, shape (T,)
        Times, ms.
    values : ndarray, shape (T, C)
        One trace a column, from the lowest to the highest.
    labels : sequence of str
        One for each trace.
    units : str
        Unit of the values.
    title, axis_label : str
        Heading, and what the labels are.
    colours : sequence, optional
        One for each trace.
    centred : bool
        Whether each trace is shown about its own mean, for values that have a resting level.
    from_start : bool
        Whether the traces begin where the run does: a start-up that stands out is cut off.
    others : sequence of tuple
        Times (T2,), values (T2, C) and colour of traces that are drawn over these.
    """
    ax.set_title(title)
    count = values.shape[1]
    if not values.size:
        say(ax, "no samples in this time span")
        return
    settled = settled_row(values) if from_start else 0
    means = values[settled:].mean(axis=0)
    later = values[settled:]
    if not centred and count > 1 and leave_their_rows(later.max(axis=0), later.min(axis=0), means):
        centred = True
        add_note(ax, "each about its mean")
    shown = values - means if centred else values
    if centred:
        # differences between recordings stay what they are
        others = [(t, v - means, colour) for t, v, colour in others]
    after = [int(np.searchsorted(t, times[settled])) for t, _, _ in others]
    peak = float(np.max(np.ptp(shown[settled:], axis=0)))
    for first, (_, other_values, _) in zip(after, others, strict=True):
        if len(other_values) > first:
            peak = max(peak, float(np.max(np.ptp(other_values[first:], axis=0))))
    if settled:
        others = [
            (t, _without_start_up(v, first), colour)
            for first, (t, v, colour) in zip(after, others, strict=True)
        ]
        shown = _cut(ax, times, shown, settled)
    step = 0.75 * peak if peak > 0 else 1.0
    # of several over each other the lowest is the widest: all are seen where they agree
    widths = np.linspace(_WIDEST, _WIDTH, len(others) + 1) if others else [_WIDTH]
    inks = colours or [palette().ink] * count
    _draw_rows(ax, times, shown, step=step, colours=inks, width=widths[0])
    for (other_times, other_values, colour), width in zip(others, widths[1:], strict=True):
        _draw_rows(ax, other_times, other_values, step=step, colours=[colour] * count, width=width)
    _fit_stack(ax, [shown, *(v for _, v, _ in others if v.size)], step, labels)
    ax.set_ylabel(axis_label)
    if peak > 0:
        _vertical_bar(ax, peak, units)
    else:
        word = "constant" if values.any() else "all zero"
        if len(times) == 1:
            word = "one sample"
        ax.text(1.02, 0.5, word, transform=ax.transAxes, rotation=90, va="center", fontsize=7)


def leave_their_rows(highest: np.ndarray, lowest: np.ndarray, means: np.ndarray) -> bool:
    """Whether constant parts would take traces to other labels.

    Of each trace the highest and lowest value and the mean are given, in one unit, shape (C,).
    """
    return float(np.abs(means).max()) > _OFFSET * float((highest - lowest).max())


def _draw_rows(
    ax: Axes,
    times: np.ndarray,
    values: np.ndarray,
    *,
    step: float,
    colours: Sequence[Any],
    width: float,
) -> None:
    for k, colour in enumerate(colours):
        row = k * step + values[:, k]
        ax.plot(times, row, color=colour, linewidth=width, marker=_marker(times))


def _marker(times: np.ndarray) -> str:
    """Mark of samples: one alone makes no line."""
    return "." if len(times) == 1 else ""


def _fit_stack(ax: Axes, series: Sequence[np.ndarray], step: float, labels: Sequence[str]) -> None:
    """Fit the axes to traces, all (T, C), that stand `step` above each other, and label them."""
    count = series[0].shape[1]
    base = np.arange(count) * step
    low = min(float((base + np.nanmin(shown, axis=0)).min()) for shown in series)
    high = max(float((base + np.nanmax(shown, axis=0)).max()) for shown in series)
    pad = 0.04 * max(high - low, step)
    # a flat trace at either end has room, too
    ax.set_ylim(min(low, -0.3 * step) - pad, max(high, base[-1] + 0.3 * step) + pad)
    room = ax.get_window_extent().height / ax.figure.get_dpi()
    most = min(_MOST_LABELS, max(int(room / _LABEL_HEIGHT), 2))
    every = -(-count // most)
    ax.set_yticks(base[::every], list(labels)[::every])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _cut(ax: Axes, times: np.ndarray, values: np.ndarray, settled: int) -> np.ndarray:
    """Values (T, C) without a start-up that leaves the range of what follows by far, and told."""
    within = _without_start_up(values, settled)
    beyond = times[np.isnan(within).any(axis=1)]
    if len(beyond):
        add_note(ax, f"start-up beyond the scale until {beyond.max():.3g} ms")
    return within


def _without_start_up(values: np.ndarray, settled: int) -> np.ndarray:
    """Values (T, C), each trace NaN until it has come back for good to the range of its later ones.

    Of what it does before, where it passes through the range, only scraps would be seen.
    """
    later = values[min(settled, len(values) - 1) :]
    low, high = later.min(axis=0), later.max(axis=0)
    slack = 0.3 * float(np.max(high - low))
    beyond = (values < low - slack) | (values > high + slack)
    before_return = np.flip(np.logical_or.accumulate(np.flip(beyond, axis=0), axis=0), axis=0)
    return np.where(before_return, np.nan, values)


def _vertical_bar(ax: Axes, peak: float, units: str) -> None:
    """Draw a scale bar right of the axes."""
    low, high = ax.get_ylim()
    wanted = min(peak, 0.6 * (high - low))
    label, factor = shown_unit(units, wanted)
    length = nice_length(wanted * factor)
    bottom = low + 0.06 * (high - low)
    across = ax.get_yaxis_transform()
    ax.plot(
        [1.02, 1.02],
        [bottom, bottom + length / factor],
        transform=across,
        color=palette().ink,
        linewidth=1.2,
        solid_capstyle="butt",
        clip_on=False,
    )
    ax.annotate(
        f"{length:g} {label}",
        (1.02, bottom),
        (4, 0),
        xycoords=across,
        textcoords="offset points",
        fontsize=7,
        color=palette().ink,
        annotation_clip=False,
    )


def draw_traces(
    ax: Axes,
    times: np.ndarray,
    values: np.ndarray,
    labels: Sequence[str],
    *,
    units: str,
    title: str,
    quantity: str,
    colours: Sequence[Any] | None = None,
    from_start: bool = False,
) -> None:
    """Draw a few traces over each other on one axis, that of `quantity`, or stack more of them.

    `values` have shape (T, C) and the unit `units`, `times` (T,), ms. The first of a stack is on
    top; for the rest see `draw_stack`.
    """
    count = values.shape[1]
    if count > MOST_LAID_OVER:
        inks = None if colours is None else list(colours)[::-1]
        draw_stack(
            ax,
            times,
            values[:, ::-1],
            list(labels)[::-1],
            units=units,
            title=title,
            colours=inks,
            centred=True,
            from_start=from_start,
        )
        return
    ax.set_title(title)
    if not values.size:
        say(ax, "no samples in this time span")
        return
    values, _ = _settled(ax, times, values, from_start=from_start)
    label, factor = shown_unit(units, float(np.nanmax(np.abs(values))))
    chosen = colours
    if chosen is None:
        chosen = [palette().ink] if count == 1 else palette().colours
    # the strongest is solid, and what is dashed the weakest
    ranks = np.argsort(np.argsort(-np.ptp(np.nan_to_num(values), axis=0), kind="stable"))
    for k in range(count):
        colour, dashes = chosen[k % len(chosen)], DASHES[ranks[k] % len(DASHES)]
        ax.plot(
            times,
            factor * values[:, k],
            color=colour,
            linestyle=dashes,
            marker=_marker(times),
            label=labels[k],
        )
    ax.set_ylabel(f"{quantity} ({label})" if label else quantity)
    ax.margins(y=0.06)
    limit_ticks(ax, 4)
    if count > 1:
        _legend(ax)


def draw_overlay(
    ax: Axes,
    times: np.ndarray,
    values: np.ndarray,
    labels: Sequence[str],
    *,
    units: str,
    title: str,
    colours: Sequence[Any],
    from_start: bool = False,
) -> None:
    """Draw some traces over each other, the first of them below the others and stronger.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    times : ndarray, shape (T,)
        Times, ms.
    values : ndarray, shape (T, C)
        One trace a column.
    labels, colours : sequence
        One for each trace.
    units : str
        Unit of the values.
    title : str
        Heading.
    from_start : bool
        Whether the traces begin where the run does: a start-up that stands out is cut off.
    """
    ax.set_title(title)
    if not values.size:
        say(ax, "no samples in this time span")
        return
    values, _ = _settled(ax, times, values, from_start=from_start)
    label, factor = shown_unit(units, float(np.nanmax(np.abs(values))))
    for k, name in enumerate(labels):
        ax.plot(
            times,
            factor * values[:, k],
            color=colours[k % len(colours)],
            # the first is told from the others by its width
            linestyle=DASHES[k % len(DASHES)],
            linewidth=1.4 if k == 0 else 0.8,
            label=name,
        )
    _finish(ax, label)


def draw_butterfly(
    ax: Axes,
    times: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    *,
    units: str,
    title: str,
    from_start: bool = False,
) -> None:
    """Draw the traces of many sensors over each other, and name the strongest.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    times : ndarray, shape (T,)
        Times, ms.
    values : ndarray, shape (T, C)
        One trace a column.
    names : sequence of str
        Names of the sensors.
    units : str
        Unit of the values.
    title : str
        Heading.
    from_start : bool
        Whether the traces begin where the run does: a start-up that stands out is cut off.
    """
    ax.set_title(title)
    if not values.size:
        say(ax, "no samples in this time span")
        return
    settled = settled_row(values) if from_start else 0
    if settled:
        values = _cut(ax, times, values, settled)
    label, factor = shown_unit(units, float(np.nanmax(np.abs(values))))
    strongest = np.argsort(-np.ptp(values[settled:], axis=0), kind="stable")[:_MOST_NAMED]
    others = np.setdiff1d(np.arange(values.shape[1]), strongest)
    if len(others):
        ax.plot(times, factor * values[:, others], color=palette().faint, linewidth=0.4, zorder=2)
    for colour, k in zip(palette().colours, strongest, strict=False):
        ax.plot(times, factor * values[:, k], color=colour, label=names[k], zorder=3)
    _finish(ax, label)


def _settled(
    ax: Axes, times: np.ndarray, values: np.ndarray, *, from_start: bool
) -> tuple[np.ndarray, int]:
    """Values (T, C) without a start-up that stands out, which the axes tell, and where it ends."""
    settled = settled_row(values) if from_start else 0
    return (_cut(ax, times, values, settled) if settled else values), settled


def limit_ticks(ax: Axes, most: int) -> None:
    """At most so many steps between ticks of the vertical axis, fewer where it is low."""
    room = ax.get_window_extent().height / ax.figure.get_dpi()
    ax.locator_params(axis="y", nbins=min(max(int(room / _STEP), 1), most))


def _finish(ax: Axes, label: str) -> None:
    """Label the vertical axis, leave some room, and name the traces."""
    ax.set_ylabel(label)
    ax.margins(y=0.06)
    limit_ticks(ax, 5)
    _legend(ax)


def name_recordings(ax: Axes, labels: Sequence[str], colours: Sequence[Any]) -> None:
    """Name recordings that are drawn over each other, above the heading of the axes."""
    widths = np.linspace(_WIDEST, _WIDTH, len(labels))
    handles = [
        Line2D([], [], color=colour, linewidth=float(width), label=label)
        for label, colour, width in zip(labels, colours, widths, strict=False)
    ]
    room = ax.get_window_extent().width / ax.figure.get_dpi()
    longest = max(len(label) for label in labels)
    in_line = min(max(int(room / (_HANDLE + _LETTER * longest)), 1), len(labels))
    raised = _ABOVE_HEADING + remark_lines(ax) * LINE_HEIGHT
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=ax.transAxes + ScaledTranslation(0.0, raised, ax.figure.dpi_scale_trans),
        ncols=in_line,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _legend(ax: Axes) -> None:
    """Legend right of the axes."""
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        handlelength=1.0,
        handletextpad=0.5,
        labelspacing=0.3,
        borderaxespad=0.2,
    )
