"""Many channels as a picture of time and depth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize

from lfpcli.plotting.notes import NAMED_END, add_note, say
from lfpcli.plotting.scale import Scale, image_scale
from lfpcli.plotting.style import palette, style
from lfpcli.plotting.traces import depth_labels
from lfpcli.plotting.units import CSD_UNIT, shown_unit, two_digits

_MOST_LABELS = 8
# changes along time, in the mean of the rows, above which lines would fill the picture
_MOST_CROSSINGS = 2


def draw_image(
    ax: Axes,
    time_edges: np.ndarray,
    values: np.ndarray,
    depths: np.ndarray,
    *,
    units: str,
    title: str,
    axis_label: str,
    scale: Scale | None = None,
    labels: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> None:
    """Draw samples as colours, symmetric about zero.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    time_edges : ndarray, shape (M + 1,)
        Where the samples begin and end, ms.
    values : ndarray, shape (M, C)
        Samples, the channels from the lowest to the highest.
    depths : ndarray, shape (C,)
        Places of the channels along the axis, um. Where they rise from channel to channel, the
        picture is true to them; else the channels are rows of equal height.
    units : str
        Unit of the samples.
    title, axis_label : str
        Heading, and the name of the vertical axis.
    scale : Scale, optional
        Range of the colours; by default that of the samples.
    labels : sequence of str, optional
        Names of the channels, instead of their depths.
    columns : sequence of str, optional
        For each channel the column of the array it is in; columns are kept apart.
    """
    ax.set_title(title)
    if not values.size:
        say(ax, "no samples in this time span")
        return
    scale = scale or image_scale(values, from_start=False)
    label, factor = shown_unit(units, scale.limit)
    limit = factor * scale.limit or 1.0
    edges, true_depth = _row_edges(depths)
    mesh = ax.pcolormesh(
        time_edges,
        edges,
        factor * values.T,
        cmap=palette().diverging,
        norm=Normalize(-limit, limit),
        shading="flat",
        rasterized=True,
    )
    if true_depth and labels is None:
        middles = 0.5 * (time_edges[1:] + time_edges[:-1])
        _draw_signs(ax, middles, depths, factor * values.T, limit)
    if not true_depth or labels is not None:
        _name_rows(ax, edges, labels if labels is not None else depth_labels(depths), columns)
    ax.set_ylabel(axis_label)
    ax.spines[["left", "bottom"]].set_visible(False)
    _colour_bar(ax, mesh, label, beyond=scale.clips)
    if units == CSD_UNIT:
        _name_ends(ax)
    _note_scale(ax, scale, time_edges, factor=factor)


def _draw_signs(
    ax: Axes, times: np.ndarray, depths: np.ndarray, values: np.ndarray, limit: float
) -> None:
    """Lines at half of the strongest colours, negative ones dashed: signs are read in grey, too.

    Values have shape (C, M). Where they go up and down too often, there are no lines.
    """
    half = 0.5 * limit
    crossings = np.count_nonzero(np.diff(np.abs(values) > half))
    if min(values.shape) < 2 or crossings > _MOST_CROSSINGS * len(values):
        return
    low, high = float(values.min()), float(values.max())
    for level, dashes in ((-half, "--"), (half, "-")):
        if low < level < high:
            ax.contour(
                times,
                depths,
                values,
                levels=[level],
                colors=palette().ink,
                linewidths=0.4 * style().strokes,
                linestyles=dashes,
                alpha=0.7,
            )


def _note_scale(ax: Axes, scale: Scale, time_edges: np.ndarray, *, factor: float) -> None:
    """Say where the range of the colours is not that of the samples."""
    if scale.settled:
        end = time_edges[scale.settled]
        add_note(ax, f"scale from {end:.3g} ms on, after the start-up")
    if scale.clips:
        limit = factor * scale.limit or 1.0
        add_note(ax, f"clipped at ±{two_digits(limit)} (peak {two_digits(factor * scale.peak)})")


def _colour_bar(ax: Axes, mesh: QuadMesh, label: str, *, beyond: bool) -> None:
    """Draw a colour bar right of the axes, pointed where samples lie beyond its ends."""
    strip = ax.inset_axes((1.02, 0.0, 0.018, 1.0))
    bar = ax.figure.colorbar(mesh, cax=strip, extend="both" if beyond else "neither")
    bar.set_label(label)
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="y", nbins=5)


def _name_ends(ax: Axes) -> None:
    """Say beside the colour bar which end is which of a current source density."""
    for height, name in ((1.0, "source"), (0.0, "sink")):
        ax.annotate(
            name,
            (1.06, height),
            (0, 7 if height else -7),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom" if height else "top",
            ha="center",
            fontsize=6,
            color=palette().ink,
            annotation_clip=False,
            gid=NAMED_END,
        )


def _row_edges(depths: np.ndarray) -> tuple[np.ndarray, bool]:
    """Edges of the rows, and whether they are those of true depths."""
    gaps = np.diff(depths)
    if len(depths) < 2 or not np.all(gaps > 1e-6):
        return np.arange(len(depths) + 1) - 0.5, False
    middles = depths[:-1] + 0.5 * gaps
    return np.concatenate([[depths[0] - gaps[0] / 2], middles, [depths[-1] + gaps[-1] / 2]]), True


def _name_rows(
    ax: Axes, edges: np.ndarray, names: Sequence[str], columns: Sequence[str] | None
) -> None:
    """Label some rows of each column, and draw a line between columns."""
    middles = 0.5 * (edges[1:] + edges[:-1])
    owners = np.array(columns if columns is not None else [""] * len(names))
    bounds = [0, *(np.flatnonzero(owners[1:] != owners[:-1]) + 1), len(owners)]
    share = max(_MOST_LABELS // (len(bounds) - 1), 1)
    ticks: list[int] = []
    for first, last in itertools.pairwise(bounds):
        every = -(-(last - first) // share)
        ticks += range(first + every // 2, last, every)
        if first:
            ax.axhline(edges[first], color=palette().ground, linewidth=2.5)
        ax.annotate(
            owners[first],
            (0, edges[last]),
            (3, -3),
            xycoords=ax.get_yaxis_transform(),
            textcoords="offset points",
            va="top",
            fontsize=7,
        )
    ax.set_yticks(middles[ticks], [names[k] for k in ticks])
