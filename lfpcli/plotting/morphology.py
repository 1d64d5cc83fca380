"""Drawings of cells: the outlines of their segments, and the contacts around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from lfpcli.geometry import Geometry
from lfpcli.plotting.style import palette
from lfpcli.plotting.units import nice_length

# above this many segments, strokes instead of outlines
MOST_OUTLINES = 15_000
_CAP_POINTS = 9
# contacts are many above this; how far from the cells they are still shown, in extents of these
_MANY_SITES = 64
# above this many synapses PDF and SVG hold them as pixels
_MOST_OUTLINED = 5_000
_FAR, _FAR_OF_MANY = 1.5, 0.15


def type_colours() -> dict[str, str]:
    """Colours of the types of sections."""
    chosen = palette()
    return {
        "soma": chosen.ink,
        "axon": chosen.faint,
        "dend": chosen.colours[0],
        "apic": chosen.colours[1],
    }


@dataclass
class Cones:
    """Truncated cones: pieces of neurite between two points.

    Attributes
    ----------
    start, end : ndarray, shape (N, 3)
        End points, um.
    diam_start, diam_end : ndarray, shape (N,)
        Diameters there, um.
    """

    start: np.ndarray
    end: np.ndarray
    diam_start: np.ndarray
    diam_end: np.ndarray


@dataclass
class Sites:
    """Contacts to mark.

    Attributes
    ----------
    positions : ndarray, shape (C, 3)
        Where they are, um.
    colours : sequence or str, optional
        One colour, or one for each; faint by default.
    """

    positions: np.ndarray
    colours: Sequence[Any] | str | None = None


def axes_of(view: str) -> tuple[int, int, int]:
    """Coordinates to the right, upwards, and towards the viewer, of a view such as ``xz``."""
    right, up = ("xyz".index(c) for c in view)
    return right, up, 3 - right - up


def outlines(cones: Cones, view: str = "xz") -> np.ndarray:
    """Outlines of truncated cones as seen along an axis.

    The two end discs are seen as ellipses; the outline is the outer half of each and the
    lines between them. A cone seen from its end is a circle, one in the plane a trapezium.

    Parameters
    ----------
    cones : Cones
        The cones.
    view : {'xz', 'yz', 'xy'}
        Plane that is seen.

    Returns
    -------
    ndarray, shape (N, 2 K, 2)
        Vertices of one polygon for each segment, um.
    """
    right, up, depth = axes_of(view)
    along = cones.end - cones.start
    length = np.linalg.norm(along, axis=1)
    seen = along[:, [right, up]]
    seen_length = np.linalg.norm(seen, axis=1)
    # seen from the end there is no direction; any will do for a circle
    flat = seen_length <= 1e-9 * np.maximum(length, 1e-12)
    axis = np.where(flat[:, None], (1.0, 0.0), seen / np.where(flat, 1.0, seen_length)[:, None])
    across = np.stack([-axis[:, 1], axis[:, 0]], axis=1)
    tilt = np.where(length > 0, np.abs(along[:, depth]) / np.where(length > 0, length, 1.0), 1.0)
    angle = np.linspace(-np.pi / 2, np.pi / 2, _CAP_POINTS)[None, :, None]
    caps = []
    ends = ((cones.start, cones.diam_start, -1.0), (cones.end, cones.diam_end, 1.0))
    for point, diam, sign in ends:
        radius = 0.5 * diam[:, None, None]
        bulge = np.cos(angle) * tilt[:, None, None] * axis[:, None, :]
        caps.append(
            point[:, None, [right, up]]
            + sign * radius * (bulge + np.sin(angle) * across[:, None, :])
        )
    return np.concatenate(caps, axis=1)


def end_diameters(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Diameters at the two ends of each segment, (N,) each, um, from those of its neighbours.

    A segment has one diameter; between two segments of one section that meet, the outline
    goes through the mean of both.
    """
    first, last = geometry.diam.copy(), geometry.diam.copy()
    child = np.flatnonzero(geometry.parent >= 0)
    child = child[geometry.parent[child] < len(geometry)]
    parent = geometry.parent[child]
    same = (geometry.section[child] == geometry.section[parent]) & (
        np.linalg.norm(geometry.start[child] - geometry.end[parent], axis=1) < 1e-3
    )
    child, parent = child[same], parent[same]
    mean = 0.5 * (geometry.diam[child] + geometry.diam[parent])
    first[child] = mean
    last[parent] = mean
    return first, last


def draw_cells(
    ax: Axes,
    populations: Sequence[Geometry],
    *,
    view: str = "xz",
    max_cells: int = 20,
    chosen: np.ndarray | None = None,
) -> None:
    """Draw cells, those of each population in one colour.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    populations : sequence of Geometry
        One for each population.
    view : {'xz', 'yz', 'xy'}
        Plane that is seen.
    max_cells : int
        Most cells drawn whole, evenly chosen; of the others the soma is marked.
    chosen : ndarray of int, shape (K,), optional
        Gids of the cells that are drawn whole instead.
    """
    total = sum(len(np.unique(p.gid)) for p in populations)
    alone, whole = total == 1, 0
    colours = population_colours(len(populations))
    drawn_whole = cells_drawn_whole(populations, max_cells, chosen)
    for colour, geometry, shown in zip(colours, populations, drawn_whole, strict=True):
        is_whole = np.isin(geometry.gid, shown)
        whole += len(shown)
        soma = geometry.is_soma
        _draw_somata(ax, geometry, soma & ~is_whole, colour=colour, view=view)
        if not len(shown):
            continue
        alpha = 1.0 if alone else max(0.35, min(0.9, 6.0 / len(shown) ** 0.7))
        ink = palette().ink if alone else colour
        for mask, opacity, zorder in ((is_whole & ~soma, alpha, 2.0), (is_whole & soma, 1.0, 3.0)):
            cones = cones_of(geometry, mask)
            draw_cones(ax, cones, view=view, colour=ink, alpha=opacity, zorder=zorder)
    if whole < total:
        remark(ax, f"{whole} of {total} cells whole,\nof the others the soma")


def cells_drawn_whole(
    populations: Sequence[Geometry], max_cells: int, chosen: np.ndarray | None = None
) -> list[np.ndarray]:
    """Gids, shape (cells,), of the cells of each population that are drawn whole.

    They are those `chosen`, gids of shape (K,), else evenly spread over at most `max_cells`.
    """
    cells = [np.unique(geometry.gid) for geometry in populations]
    if chosen is not None:
        return [np.intersect1d(gids, chosen) for gids in cells]
    total = sum(map(len, cells))
    if total <= max_cells:
        return cells
    whole = []
    for gids in cells:
        share = max(1, round(max_cells * len(gids) / total))
        whole.append(gids[_evenly(len(gids), share)])
    return whole


def remark(ax: Axes, text: str, colour: str | None = None) -> None:
    """What the picture leaves out, in its upper corner, below other remarks."""
    above = sum(t.get_text().count("\n") + 1 for t in ax.texts if t.get_gid() == "remark")
    ax.annotate(
        text,
        (0.02, 0.99),
        (0, -9.0 * above),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=6,
        color=colour or palette().ink,
        zorder=6,
        gid="remark",
    )


def population_colours(count: int) -> list[str]:
    """Colours of populations, in the order of the file."""
    colours = palette().colours
    return [colours[i % len(colours)] for i in range(count)]


def _evenly(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int))


def _draw_somata(ax: Axes, geometry: Geometry, mask: np.ndarray, *, colour: str, view: str) -> None:
    right, up, _ = axes_of(view)
    middle = geometry.middle[mask]
    gids = geometry.gid[mask]
    if not len(gids):
        return
    cells, group = np.unique(gids, return_inverse=True)
    weight = np.bincount(group)
    x = np.bincount(group, middle[:, right]) / weight
    y = np.bincount(group, middle[:, up]) / weight
    size = 5 if len(cells) < 500 else 2
    ax.scatter(x, y, s=size, c=colour, alpha=0.6, linewidths=0, zorder=1, rasterized=True)


def cones_of(geometry: Geometry, mask: np.ndarray) -> Cones:
    """Segments of a mask of bool, shape (N,), as cones."""
    first, last = end_diameters(geometry)
    return Cones(geometry.start[mask], geometry.end[mask], first[mask], last[mask])


def draw_cones(
    ax: Axes,
    cones: Cones,
    *,
    view: str = "xz",
    colour: str,
    alpha: float = 1.0,
    zorder: float = 2.0,
) -> None:
    """Draw the outlines of pieces of neurite; strokes where there are very many."""
    if not len(cones.start):
        return
    right, up, _ = axes_of(view)
    style: dict[str, Any] = {"alpha": alpha, "zorder": zorder}
    if len(cones.start) > MOST_OUTLINES:
        chords = np.stack([cones.start, cones.end], axis=1)[:, :, [right, up]]
        widths = np.clip(0.3 * cones.diam_start, 0.3, 2.0)
        strokes = LineCollection(
            list(chords), linewidths=widths, colors=colour, rasterized=True, **style
        )
        ax.add_collection(strokes)
        return
    polygons = outlines(cones, view)
    # the hairline keeps thin neurites visible and closes the joints of bends
    ax.add_collection(
        PolyCollection(
            list(polygons),
            facecolors=colour,
            edgecolors=colour,
            linewidths=0.35,
            joinstyle="round",
            **style,
        )
    )


def draw_types(ax: Axes, parts: Sequence[tuple[str, Cones]], *, view: str = "xz") -> None:
    """Draw a cell whose parts are soma, axon and dendrites, each in a colour, with a legend."""
    for name, cones in parts:
        colour = type_colours().get(name, palette().colours[5])
        draw_cones(ax, cones, view=view, colour=colour, zorder=3 if name == "soma" else 2)
        ax.plot([], [], color=colour, linewidth=2.0, label=name)
    ax.legend(loc="lower right", handlelength=1.0, handletextpad=0.5, labelspacing=0.3)


def draw_sites(ax: Axes, sites: Sites, *, view: str = "xz") -> None:
    """Mark contacts."""
    right, up, _ = axes_of(view)
    many = len(sites.positions) > _MANY_SITES
    ax.scatter(
        sites.positions[:, right],
        sites.positions[:, up],
        s=4 if many else 12,
        c=palette().faint if sites.colours is None else sites.colours,
        marker="s",
        linewidths=0 if many else 0.4,
        edgecolors=palette().ground,
        zorder=4,
    )


def draw_synapses(ax: Axes, positions: np.ndarray, *, view: str = "xz", colour: str) -> None:
    """Mark synapses at places, shape (S, 3), um, with a white rim."""
    right, up, _ = axes_of(view)
    many = len(positions) > _MANY_SITES
    ax.scatter(
        positions[:, right],
        positions[:, up],
        s=5 if many else 12,
        c=colour,
        marker="o",
        linewidths=0.3,
        edgecolors=palette().ground,
        zorder=4.5,
        rasterized=len(positions) > _MOST_OUTLINED,
    )


def extent(
    points: np.ndarray, sites: Sequence[Sites] = (), *, view: str = "xz"
) -> tuple[np.ndarray, np.ndarray]:
    """Lower left and upper right corner around cells and what is near them, um.

    Contacts farther from the cells than 1.5 times their extent are left outside; of arrays of very
    many contacts, those farther than 0.15 times.

    Parameters
    ----------
    points : ndarray, shape (N, 3)
        Points of the cells, um.
    sites : sequence of Sites
        Contacts.
    view : {'xz', 'yz', 'xy'}
        Plane that is seen.
    """
    right, up, _ = axes_of(view)
    core = points[:, [right, up]] if len(points) else np.zeros((1, 2))
    low, high = core.min(axis=0), core.max(axis=0)
    size = max(float(np.max(high - low)), 20.0)
    for site in sites:
        reach = (_FAR_OF_MANY if len(site.positions) > _MANY_SITES else _FAR) * size
        spots = site.positions[:, [right, up]]
        near = np.all((spots > low - reach) & (spots < high + reach), axis=1)
        core = np.concatenate([core, spots[near]])
    low, high = core.min(axis=0), core.max(axis=0)
    margin = 0.06 * max(float(np.max(high - low)), 10.0)
    # the scale bar has a strip of its own below
    return low - margin * np.array([1.0, 3.0]), high + margin


def frame(ax: Axes, low: np.ndarray, high: np.ndarray, *, view: str = "xz") -> None:
    """Fit the box from `low` (2,) to `high` (2,), um, into the axes, with a scale bar each way."""
    box = ax.get_window_extent()
    ratio = box.width / box.height
    span = high - low
    spread = np.maximum(span, (span[1] * ratio, span[0] / ratio))
    middle = 0.5 * (low + high)
    ax.set_xlim(middle[0] - 0.5 * spread[0], middle[0] + 0.5 * spread[0])
    ax.set_ylim(middle[1] - 0.5 * spread[1], middle[1] + 0.5 * spread[1])
    ax.set_aspect("equal")
    ax.set_axis_off()
    _scale_bar(ax, view)


def remark_hidden(ax: Axes, sites: Sequence[Sites], *, view: str = "xz") -> None:
    """Say how many contacts lie beyond the axes as they are framed."""
    right, up, _ = axes_of(view)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    total = sum(len(site.positions) for site in sites)
    inside = 0
    for site in sites:
        x, y = site.positions[:, right], site.positions[:, up]
        inside += int(np.count_nonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)))
    if inside < total:
        remark(ax, f"{inside} of {total} contacts in view")


def _scale_bar(ax: Axes, view: str) -> None:
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    length = nice_length(0.22 * min(x1 - x0, y1 - y0) + 0.04 * (y1 - y0))
    x, y = x0 + 0.07 * (x1 - x0), y0 + 0.07 * (y1 - y0)
    ax.plot(
        [x, x, x + length],
        [y + length, y, y],
        color=palette().ink,
        linewidth=1.0,
        solid_capstyle="butt",
        solid_joinstyle="miter",
        zorder=5,
    )
    small: dict[str, Any] = {"fontsize": 7, "color": palette().ink, "zorder": 5}
    ax.annotate(view[0], (x + length, y), (3, 0), textcoords="offset points", va="center", **small)
    ax.annotate(view[1], (x, y + length), (0, 2), textcoords="offset points", ha="center", **small)
    ax.annotate(f"{length:g} µm", (x, y), (0, -3), textcoords="offset points", va="top", **small)
