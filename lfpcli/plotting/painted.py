"""Cells in the colours of what their segments have at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PolyCollection
from matplotlib.colors import Colormap, ListedColormap, Normalize

from lfpcli.plotting.morphology import MOST_OUTLINES, Cones, axes_of, outlines
from lfpcli.plotting.style import palette
from lfpcli.plotting.units import shown_unit


@dataclass(frozen=True, kw_only=True)
class Paint:
    """Colours of values.

    Attributes
    ----------
    low, high : float
        Ends of the colours, in the unit of the values.
    peak : tuple of two floats
        Lowest and highest value there is.
    signed : bool
        Whether the colours have zero in the middle.
    """

    low: float
    high: float
    peak: tuple[float, float]
    signed: bool

    @property
    def clips(self) -> bool:
        """Whether values lie beyond the colours."""
        return self.peak[0] < self.low or self.peak[1] > self.high

    @property
    def colours(self) -> Colormap:
        """From the lowest to the highest; the lowest stands out of the ground."""
        if self.signed:
            return palette().diverging
        whole = matplotlib.colormaps["viridis"]
        first = palette().depths[0]
        return ListedColormap(whole(np.linspace(first, 1.0, 256)))


def paint_cones(
    ax: Axes, cones: Cones, values: np.ndarray, paint: Paint, *, units: str, view: str = "xz"
) -> tuple[Collection, float]:
    """Draw pieces of neurite in the colours of their values, with a colour bar.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    cones : Cones
        The pieces, N of them.
    values : ndarray, shape (N,)
        What each has, in `units`.
    paint : Paint
        Range of the colours.
    units : str
        Unit of the values.
    view : {'xz', 'yz', 'xy'}
        Plane that is seen.

    Returns
    -------
    collection : Collection
        What has the colours, so that a film can change them.
    factor : float
        From values to those of the collection.
    """
    unit, factor = shown_unit(units, max(abs(paint.low), abs(paint.high)))
    style: dict[str, Any] = {
        "cmap": paint.colours,
        "norm": Normalize(factor * paint.low, factor * paint.high),
        "array": factor * values,
        "zorder": 2.0,
    }
    collection: Collection
    if len(cones.start) > MOST_OUTLINES:
        right, up, _ = axes_of(view)
        chords = np.stack([cones.start, cones.end], axis=1)[:, :, [right, up]]
        widths = np.clip(0.3 * cones.diam_start, 0.3, 2.0)
        collection = LineCollection(list(chords), linewidths=widths, rasterized=True, **style)
    else:
        # thin neurites stay visible by the hairline around them
        collection = PolyCollection(
            list(outlines(cones, view)), edgecolors="face", linewidths=0.5, **style
        )
    ax.add_collection(collection)
    strip = ax.inset_axes((0.965, 0.3, 0.025, 0.4))
    bar = ax.figure.colorbar(collection, cax=strip, extend="both" if paint.clips else "neither")
    bar.ax.yaxis.set_ticks_position("left")
    bar.ax.set_title(unit, loc="right", fontweight="normal", fontsize=7)
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="y", nbins=5)
    return collection, factor
