"""Topographies: a map of the head seen from above, with nose and ears."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Polygon
from matplotlib.patheffects import withStroke

from lfpcli.errors import InputError
from lfpcli.forward.montages import RIM
from lfpcli.plotting.notes import say
from lfpcli.plotting.scalp_map import spline, supported
from lfpcli.plotting.style import palette, style
from lfpcli.plotting.units import shown_unit

# values (n,) at directions (n, 3)
Field = Callable[[np.ndarray], np.ndarray]
_GRID = 161
# pixels that a map is computed beyond its edge
_BEYOND = 2
_LEVELS = 6
_MOST_NAMES = 40
# from here on a dot is beside the outline of the head
_RIM, _SIDEWAYS = 0.9, 0.6
# where the map ends beyond the outermost electrode, in radii of the outline
_MARGIN = 0.04


def draw_topography(
    ax: Axes,
    values: np.ndarray,
    positions: np.ndarray,
    *,
    units: str,
    names: Sequence[str] = (),
    title: str = "",
    limit: float | None = None,
    field: Field | None = None,
    has_bar: bool = True,
    has_caption: bool = True,
) -> None:
    """Draw the values of electrodes or sensors at one time over a head.

    The azimuthal equidistant projection keeps the angle from the top; the outline stands for the
    ring through Fpz, T7 and Oz. Where the field on the head is known it is drawn; else the map is
    a regularised spherical spline, whose hills and hollows all have a channel on them (see
    `scalp_map`). The dots have the colours of the values themselves.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : ndarray, shape (C,)
        Samples of the channels.
    positions : ndarray, shape (C, 3)
        Places of the channels about the centre of the head, um: x to the right, y to the front,
        z up.
    units : str
        Unit of the samples.
    names : sequence of str
        Names of the channels, drawn where there are not too many.
    title : str
        Heading.
    limit : float, optional
        Value of the strongest colour; by default the largest magnitude.
    field : callable, optional
        The values (n,) that channels at directions (n, 3) would have.
    has_bar, has_caption : bool
        Whether there is a colour bar beside it, and below it what stands between the channels.

    Raises
    ------
    InputError
        Where a channel lies in the centre of the head.
    """
    ax.set_title(title)
    ax.set_aspect("equal")
    ax.set_axis_off()
    unit = _directions(positions)
    flat = flatten(unit)
    edge = max(1.0, float(np.hypot(*flat.T).max()) + _MARGIN)
    _draw_head(ax, edge)
    if len(values) < 3 or not np.all(np.isfinite(values)):
        say(ax, "a topography needs three channels or more")
        return
    picture = _picture(values, unit, edge, field)
    peak = limit if limit is not None else _peak(values, picture, field)
    label, factor = shown_unit(units, peak)
    image = _draw_map(ax, factor * picture, edge=edge, peak=(factor * peak) or 1.0)
    _draw_channels(ax, flat, factor * values, names=names, image=image)
    if has_bar:
        _colour_bar(ax, image, label)
    if has_caption:
        _caption(ax, "field of the model" if field else f"spline of {len(values)} channels")


def strongest(values: np.ndarray, positions: np.ndarray, field: Field | None) -> float:
    """Largest magnitude of a map: of channels (C,) at places (C, 3), um, and of the field."""
    unit = _directions(positions)
    if field is None:
        return _peak(values, values, None)
    edge = max(1.0, float(np.hypot(*flatten(unit).T).max()) + _MARGIN)
    return _peak(values, _picture(values, unit, edge, field), field)


def _directions(positions: np.ndarray) -> np.ndarray:
    """Unit vectors (C, 3) from the centre of the head to channels (C, 3)."""
    norms = np.linalg.norm(positions, axis=1)
    if np.any(norms == 0):
        raise InputError(
            "a channel lies in the centre of the head, no topography can show it",
            remedy="leave it out: --channels",
        )
    return np.asarray(positions / norms[:, None])


def _peak(values: np.ndarray, picture: np.ndarray, field: Field | None) -> float:
    """Largest magnitude; what a spline adds to it between the channels does not count."""
    peak = float(np.abs(values).max())
    return peak if field is None else max(peak, float(np.nanmax(np.abs(picture))))


def _picture(values: np.ndarray, unit: np.ndarray, edge: float, field: Field | None) -> np.ndarray:
    """The map (n, n) over the square about the head, NaN beyond its edge."""
    line = _line(edge)
    x, y = np.meshgrid(line, line)
    # a few pixels beyond the edge, where the round clip of the image is drawn
    inside = np.hypot(x, y) <= edge + _BEYOND * (line[1] - line[0])
    directions = lift(np.column_stack([x[inside], y[inside]]))
    picture = np.full(x.shape, np.nan)
    if field is not None:
        picture[inside] = field(directions)
        return picture
    picture[inside] = spline(values, unit, directions)
    pixels = np.rint((flatten(unit)[:, ::-1] - line[0]) / (line[1] - line[0])).astype(int)
    return supported(picture, inside, pixels)


def _line(edge: float) -> np.ndarray:
    """Coordinates of the pixels of a map that reaches to `edge`, along either axis."""
    return np.linspace(-edge, edge, _GRID) * (1 + 2 * _BEYOND / _GRID)


def _draw_channels(
    ax: Axes, flat: np.ndarray, values: np.ndarray, *, names: Sequence[str], image: AxesImage
) -> None:
    """Dots in the colours of the values, and names where there are not too many."""
    few = len(flat) <= _MOST_NAMES
    low, high = image.get_clim()
    ax.scatter(
        flat[:, 0],
        flat[:, 1],
        c=values,
        cmap=image.cmap,
        vmin=low,
        vmax=high,
        s=11 if few else 7,
        edgecolors=palette().ink,
        linewidths=0.5,
        zorder=6,
    )
    if not few:
        return
    for name, (x, y) in zip(names, flat, strict=False):
        offset, side = _beside(x, y)
        written = ax.annotate(
            name, (x, y), offset, textcoords="offset points", ha=side, fontsize=5, zorder=7
        )
        written.set_path_effects(
            [withStroke(linewidth=1.5, foreground=palette().ground, alpha=0.85)]
        )


def _beside(x: float, y: float) -> tuple[tuple[float, float], str]:
    """Where the name of a channel stands from its dot, points, and how it is aligned."""
    if y > _RIM:
        return (0, -8), "center"  # clear of the nose
    if np.hypot(x, y) > _RIM and abs(x) > _SIDEWAYS:
        # clear of the outline and the ears
        return ((4, -2), "left") if x < 0 else ((-4, -2), "right")
    return (0, 4), "center"


def flatten(unit: np.ndarray) -> np.ndarray:
    """Places on the map, shape (C, 2), of directions (C, 3); the outline has radius 1."""
    inclination = np.arctan2(np.hypot(unit[:, 0], unit[:, 1]), unit[:, 2])
    azimuth = np.arctan2(unit[:, 1], unit[:, 0])
    radius = inclination / RIM
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth)], axis=1)


def lift(flat: np.ndarray) -> np.ndarray:
    """Directions (n, 3) of places on the map (n, 2); the inverse of `flatten`."""
    radius = np.hypot(flat[:, 0], flat[:, 1])
    inclination = np.minimum(radius * RIM, np.pi)
    safe = np.where(radius > 0, radius, 1.0)
    around = flat / safe[:, None] * np.sin(inclination)[:, None]
    return np.column_stack([around, np.cos(inclination)])


def _draw_map(ax: Axes, picture: np.ndarray, *, edge: float, peak: float) -> AxesImage:
    disc = Circle((0, 0), edge, transform=ax.transData)
    line = _line(edge)
    half = 0.5 * (line[1] - line[0])
    image = ax.imshow(
        picture,
        extent=(line[0] - half, line[-1] + half, line[0] - half, line[-1] + half),
        origin="lower",
        cmap=palette().diverging,
        vmin=-peak,
        vmax=peak,
        interpolation="bilinear",
        zorder=1,
    )
    image.set_clip_path(disc)
    # no line of zero: where the head is silent it would wind about at random
    levels = peak * np.arange(1, _LEVELS) / _LEVELS
    lines = ax.contour(
        line,
        line,
        picture,
        [*-levels[::-1], *levels],
        colors=palette().ink,
        linewidths=0.4 * style().strokes,
        zorder=3,
    )
    lines.set_clip_path(disc)
    return image


def _colour_bar(ax: Axes, image: AxesImage, label: str) -> None:
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.06, 0.15, 0.035, 0.7)))
    # above the bar: beside it, it would run into what is drawn to the right
    bar.ax.set_title(label, loc="center", fontweight="normal", fontsize=7)
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="y", nbins=5)


def _caption(ax: Axes, text: str) -> None:
    """What stands between the channels, below the head."""
    ax.annotate(
        text,
        (0.5, 0.0),
        (0, -1),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=6,
        color=palette().ink,
    )


def _draw_head(ax: Axes, edge: float) -> None:
    """Outline, nose towards the top, and ears."""
    outline = {"facecolor": "none", "edgecolor": palette().ink, "linewidth": 1.0, "zorder": 5}
    ax.add_patch(Circle((0, 0), 1.0, **outline))
    side = 0.13
    nose = [(-side, np.sqrt(1 - side**2)), (0.0, 1.13), (side, np.sqrt(1 - side**2))]
    ax.add_patch(Polygon(nose, closed=False, **{**outline, "zorder": 4}))
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 25)
    for sign in (-1, 1):
        ear = np.column_stack([sign * (0.985 + 0.075 * np.cos(angle)), 0.17 * np.sin(angle) - 0.03])
        ax.add_patch(Polygon(ear, closed=False, **{**outline, "zorder": 4}))
    reach = max(edge, 1.13) + 0.05
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
