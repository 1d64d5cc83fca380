"""Topographies: a map of the head seen from above, with nose and ears."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Polygon
from matplotlib.patheffects import withStroke

from lfpcli.errors import InputError
from lfpcli.forward.montages import RIM
from lfpcli.plotting.figure import INK
from lfpcli.plotting.traces import say
from lfpcli.plotting.units import shown_unit

_GRID = 161
_LEVELS = 6
_MOST_NAMES = 40
# where the map ends beyond the outermost electrode, in radii of the outline
_MARGIN = 0.04


def draw_topography(
    ax: Axes,
    values: np.ndarray,
    positions: np.ndarray,
    units: str,
    *,
    names: Sequence[str] = (),
    title: str = "",
    limit: float | None = None,
) -> None:
    """Draw the values of electrodes or sensors at one time over a head.

    The azimuthal equidistant projection keeps the angle from the top; the outline stands for the
    ring through Fpz, T7 and Oz. Between the electrodes the map is the spherical spline of
    Perrin et al. 1989 (Electroencephalogr Clin Neurophysiol 72:184; order 4), which needs no
    triangles and is smooth on the head.

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

    Raises
    ------
    InputError
        Where a channel lies in the centre of the head.
    """
    ax.set_title(title)
    ax.set_aspect("equal")
    ax.set_axis_off()
    norms = np.linalg.norm(positions, axis=1)
    if np.any(norms == 0):
        raise InputError("a channel lies in the centre of the head, no topography can show it")
    unit = positions / norms[:, None]
    flat = flatten(unit)
    edge = max(1.0, float(np.hypot(*flat.T).max()) + _MARGIN)
    _draw_head(ax, edge)
    if len(values) < 3 or not np.all(np.isfinite(values)):
        say(ax, "a topography needs three channels or more")
        return
    peak = float(np.abs(values).max()) if limit is None else limit
    label, factor = shown_unit(units, peak)
    _draw_map(ax, values * factor, unit, edge=edge, label=label, peak=(peak * factor) or 1.0)
    _draw_channels(ax, flat, names)


def _draw_channels(ax: Axes, flat: np.ndarray, names: Sequence[str]) -> None:
    """Dots, and names where there are not too many."""
    ax.plot(*flat.T, ".", color=INK, markersize=2.5, zorder=6)
    if len(names) > _MOST_NAMES:
        return
    for name, (x, y) in zip(names, flat, strict=False):
        # the names at the front go below their dots, clear of the nose
        offset = (0, -7) if y > 0.9 else (0, 3)
        written = ax.annotate(
            name, (x, y), offset, textcoords="offset points", ha="center", fontsize=5, zorder=7
        )
        written.set_path_effects([withStroke(linewidth=1.5, foreground="white", alpha=0.7)])


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


def spline(values: np.ndarray, unit: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Spherical spline through values at directions (C, 3), at other directions (n, 3).

    Perrin et al. 1989, eqs. 1 to 3, order m = 4; a ridge of 1e-10 keeps channels at nearly one
    place from making waves.
    """
    count = len(values)
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = _kernel(unit @ unit.T) + 1e-10 * np.eye(count)
    system[:count, count] = system[count, :count] = 1.0
    weights = np.linalg.lstsq(system, np.append(values, 0.0), rcond=None)[0]
    return np.asarray(_kernel(wanted @ unit.T) @ weights[:count] + weights[count])


def _kernel(cosine: np.ndarray) -> np.ndarray:
    """Sum over n of ``(2 n + 1) / (n (n + 1))^4 P_n`` over 4 pi."""
    degree = np.arange(1, 30)
    series = np.append(0.0, (2 * degree + 1) / (degree * (degree + 1.0)) ** 4)
    return np.asarray(
        np.polynomial.legendre.legval(np.clip(cosine, -1.0, 1.0), series) / (4 * np.pi)
    )


def _draw_map(
    ax: Axes, values: np.ndarray, unit: np.ndarray, *, edge: float, label: str, peak: float
) -> None:
    line = np.linspace(-edge, edge, _GRID)
    x, y = np.meshgrid(line, line)
    picture = spline(values, unit, lift(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    disc = Circle((0, 0), edge, transform=ax.transData)
    image = ax.imshow(
        picture,
        extent=(-edge, edge, -edge, edge),
        origin="lower",
        cmap="RdBu_r",
        vmin=-peak,
        vmax=peak,
        interpolation="bilinear",
        zorder=1,
    )
    image.set_clip_path(disc)
    step = peak / _LEVELS
    levels = step * np.arange(-_LEVELS + 1, _LEVELS)
    lines = ax.contour(x, y, picture, levels, colors=INK, linewidths=0.4, zorder=3)
    lines.set_clip_path(disc)
    figure = ax.figure
    bar = figure.colorbar(image, cax=ax.inset_axes((1.06, 0.15, 0.035, 0.7)))
    # above the bar: beside it, it would run into what is drawn to the right
    bar.ax.set_title(label, loc="center", fontweight="normal", fontsize=7)
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="y", nbins=5)


def _draw_head(ax: Axes, edge: float) -> None:
    """Outline, nose towards the top, and ears."""
    style = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.0, "zorder": 5}
    ax.add_patch(Circle((0, 0), 1.0, **style))
    side = 0.13
    nose = [(-side, np.sqrt(1 - side**2)), (0.0, 1.13), (side, np.sqrt(1 - side**2))]
    ax.add_patch(Polygon(nose, closed=False, **{**style, "zorder": 4}))
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 25)
    for sign in (-1, 1):
        ear = np.column_stack([sign * (0.985 + 0.075 * np.cos(angle)), 0.17 * np.sin(angle) - 0.03])
        ax.add_patch(Polygon(ear, closed=False, **{**style, "zorder": 4}))
    reach = max(edge, 1.13) + 0.05
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
