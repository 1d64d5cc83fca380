"""Time courses: stacked, laid over each other, and dipole components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from lfpcli.plotting.figure import COLOURS, INK
from lfpcli.plotting.units import nice_length, shown_unit

# more traces than this over each other cannot be told apart
_MOST_LAID_OVER = 3
_MOST_LABELS = 24


def say(ax: Axes, text: str) -> None:
    """Say in empty axes why they are empty."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=INK)


def depth_colours(count: int) -> list[tuple[float, float, float, float]]:
    """Colours of contacts from the lowest to the highest."""
    return [tuple(c) for c in matplotlib.colormaps["viridis"](np.linspace(0.0, 0.8, max(count, 1)))]


def depth_labels(depths: np.ndarray) -> list[str]:
    """Depths as labels, um; with decimals only where they matter."""
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
    """
    ax.set_title(title)
    count = values.shape[1]
    if not values.size:
        say(ax, "no samples in this time span")
        return
    shown = values - values.mean(axis=0) if centred else values
    peak = float(np.max(np.ptp(shown, axis=0)))
    step = 0.75 * peak if peak > 0 else 1.0
    for k in range(count):
        colour = colours[k] if colours is not None else INK
        ax.plot(times, k * step + shown[:, k], color=colour, linewidth=0.7, clip_on=True)
    base = np.arange(count) * step
    low, high = float((base + shown.min(axis=0)).min()), float((base + shown.max(axis=0)).max())
    pad = 0.04 * max(high - low, step)
    ax.set_ylim(min(low, -0.3 * step) - pad, max(high, base[-1] + 0.3 * step) + pad)
    every = -(-count // _MOST_LABELS)
    ax.set_yticks(base[::every], list(labels)[::every])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylabel(axis_label)
    _vertical_bar(ax, peak, units)


def _vertical_bar(ax: Axes, peak: float, units: str) -> None:
    """Draw a scale bar right of the axes; nothing where all is zero."""
    if peak <= 0:
        ax.text(1.02, 0.5, "all zero", transform=ax.transAxes, rotation=90, va="center", fontsize=7)
        return
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
        color=INK,
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
        color=INK,
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
) -> None:
    """Draw a few traces over each other on one axis, that of `quantity`, or stack more of them.

    The first of a stack is on top; for the rest see `draw_stack`.
    """
    count = values.shape[1]
    if count > _MOST_LAID_OVER:
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
        )
        return
    ax.set_title(title)
    if not values.size:
        say(ax, "no samples in this time span")
        return
    label, factor = shown_unit(units, float(np.max(np.abs(values))))
    chosen = colours if colours is not None else [INK] if count == 1 else COLOURS
    for k in range(count):
        ax.plot(times, factor * values[:, k], color=chosen[k % len(chosen)], label=labels[k])
    ax.set_ylabel(f"{quantity} ({label})" if label else quantity)
    ax.margins(y=0.06)
    ax.locator_params(axis="y", nbins=4)
    if count > 1:
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.05),
            handlelength=1.0,
            handletextpad=0.5,
            labelspacing=0.3,
            borderaxespad=0.2,
        )
