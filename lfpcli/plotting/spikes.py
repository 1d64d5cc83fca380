"""Spike trains as rasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from lfpcli.plotting.notes import add_note, say
from lfpcli.plotting.style import DASHES, palette
from lfpcli.plotting.traces import limit_ticks
from lfpcli.plotting.units import duration, shortened_apart

# above this many spikes PDF and SVG hold them as pixels
_MOST_VECTORS = 5_000
# characters of a name that fit left of the axes: beside the number of cells, and alone and smaller
_LONGEST, _LONGEST_ALONE = 6, 12
_SMALL = 6
# the first part of a run in which it may start up, and what then stands out of the rest
_START, _STANDS_OUT = 8, 1.5


@dataclass
class Train:
    """Spikes of one population.

    Attributes
    ----------
    name : str
        Name of the population.
    times : ndarray, shape (S,)
        Times, ms.
    rows : ndarray of int, shape (S,)
        Which cell of the population, from 0.
    cells : int
        Number of cells, silent ones included.
    colour : str
        Colour of the population.
    """

    name: str
    times: np.ndarray
    rows: np.ndarray
    cells: int
    colour: str


def draw_raster(ax: Axes, trains: Sequence[Train]) -> None:
    """Draw spikes, one row for each cell, the populations one above the other.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    trains : sequence of Train
        From top to bottom.
    """
    total = sum(t.cells for t in trains)
    count = sum(len(t.times) for t in trains)
    ax.set_title(f"spikes ({count})")
    mark = float(np.clip(180.0 / max(total, 1), 2.0, 12.0))
    first, centres = 0, []
    for train in trains:
        ax.plot(
            train.times,
            first + train.rows,
            linestyle="none",
            marker="|",
            markersize=mark,
            markeredgewidth=1.0 if total <= 10 else 0.6,
            color=palette().ink if total == 1 else train.colour,
            rasterized=count > _MOST_VECTORS,
        )
        centres.append(first + 0.5 * (train.cells - 1))
        first += train.cells
    ax.set_ylim(max(total, 1) - 0.5, -0.5)
    _name_rows(ax, trains, centres, total)
    if not count:
        say(ax, "no spikes")


def draw_rates(
    ax: Axes,
    trains: Sequence[Train],
    *,
    span: tuple[float, float],
    width: float,
    from_start: bool = False,
) -> None:
    """Draw the mean rate of the cells of each population in bins.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    trains : sequence of Train
        The populations.
    span : tuple of two floats
        First and last time, ms.
    width : float
        Width of a bin, ms; the last one may end after the span and counts for what it has of it.
    from_start : bool
        Whether the span begins where the run does: a start-up that stands out sets no scale.
    """
    ax.set_title("rates")
    bins = max(int(np.ceil((span[1] - span[0]) / width - 1e-9)), 1)
    edges = np.minimum(span[0] + width * np.arange(bins + 1), span[1])
    # a sliver at the end would have a rate of few spikes or none
    if bins > 1 and edges[-1] - edges[-2] < 0.5 * width:
        edges = np.delete(edges, -2)
    rates = []
    for k, train in enumerate(trains):
        counts = np.histogram(train.times, edges)[0]
        rate = 1e3 * counts / (max(train.cells, 1) * np.diff(edges))
        rates.append(rate)
        ax.stairs(
            rate,
            edges,
            color=palette().ink if len(trains) == 1 else train.colour,
            linewidth=1.0,
            linestyle=DASHES[k % len(DASHES)],
            label=train.name,
        )
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel("Hz")
    limit_ticks(ax, 3)
    add_note(ax, f"mean of the cells in bins of {duration(width)}")
    first = len(edges) // _START
    start, later = (
        max((float(r.max(initial=0.0)) for r in part), default=0.0)
        for part in ([rate[:first] for rate in rates], [rate[first:] for rate in rates])
    )
    if from_start and start > _STANDS_OUT * later > 0:
        ax.set_ylim(0.0, 1.1 * later)
        add_note(ax, f"start-up beyond the scale (up to {start:.3g} Hz)")


def _name_rows(ax: Axes, trains: Sequence[Train], centres: list[float], total: int) -> None:
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if total <= 1:
        ax.set_yticks([])
        return
    names = [train.name for train in trains]
    are_long = max(map(len, names)) > _LONGEST
    ax.set_yticks(centres, shortened_apart(names, _LONGEST_ALONE if are_long else _LONGEST))
    for label, train in zip(ax.get_yticklabels(), trains, strict=True):
        label.set_color(train.colour)
        if are_long:
            label.set_fontsize(_SMALL)
    if are_long:
        ax.set_title(f"{ax.get_title(loc='left')} of {total} cells")
    else:
        ax.set_ylabel(f"{total} cells")
