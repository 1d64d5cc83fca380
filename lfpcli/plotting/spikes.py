"""Spike trains as rasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from lfpcli.plotting.figure import INK
from lfpcli.plotting.notes import say

# above this many spikes PDF and SVG hold them as pixels
_MOST_VECTORS = 5_000


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
            color=INK if total == 1 else train.colour,
            rasterized=count > _MOST_VECTORS,
        )
        centres.append(first + 0.5 * (train.cells - 1))
        first += train.cells
    ax.set_ylim(max(total, 1) - 0.5, -0.5)
    _name_rows(ax, trains, centres, total)
    if not count:
        say(ax, "no spikes")


def _name_rows(ax: Axes, trains: Sequence[Train], centres: list[float], total: int) -> None:
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if total <= 1:
        ax.set_yticks([])
        return
    ax.set_yticks(centres, [t.name if len(t.name) < 12 else f"{t.name[:10]}…" for t in trains])
    for label, train in zip(ax.get_yticklabels(), trains, strict=True):
        label.set_color(train.colour)
    ax.set_ylabel(f"{total} cells")
