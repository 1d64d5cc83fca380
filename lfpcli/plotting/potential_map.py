"""Potentials in a plane, as colours and lines of equal potential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.contour import ContourSet
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter

from lfpcli.plotting.notes import add_note
from lfpcli.plotting.scale import Scale
from lfpcli.plotting.style import palette, style
from lfpcli.plotting.units import shown_unit, two_digits

# decades of the logarithm on each side of zero
DECADES = 3


@dataclass(frozen=True, kw_only=True)
class MapAxes:
    """The plane that a map lies in.

    Attributes
    ----------
    right, up : ndarray, shape (W,) and (H,)
        Coordinates of the points, um.
    names : tuple of two str
        What these coordinates are, such as ``x`` and ``z``.
    """

    right: np.ndarray
    up: np.ndarray
    names: tuple[str, str]


@dataclass(kw_only=True)
class MapPicture:
    """A map that is drawn, whose potentials can change.

    Attributes
    ----------
    ax : Axes
        Where it is.
    axes : MapAxes
        Where the points are.
    mesh : QuadMesh
        The colours.
    lines : ContourSet or None
        Lines of equal potential.
    title : Text
        Heading.
    factor, limit : float
        From the values to those that are shown, and the value of the strongest colour of these.
    """

    ax: Axes
    axes: MapAxes
    mesh: QuadMesh
    lines: ContourSet | None
    title: Text
    factor: float
    limit: float

    def change(self, values: np.ndarray, title: str) -> None:
        """Show other potentials, shape (H, W), in the unit of the first, and another heading."""
        shown = self.factor * values
        self.mesh.set_array(shown)
        if self.lines is not None:
            self.lines.remove()
        self.lines = _draw_lines(self.ax, self.axes, shown, self.limit)
        self.title.set_text(title)


def map_norm(limit: float, *, logarithmic: bool) -> Normalize:
    """Colours from -`limit` to `limit`, zero in the middle."""
    if not logarithmic:
        return Normalize(-limit, limit)
    norm: Normalize = SymLogNorm(
        linthresh=limit / 10**DECADES, linscale=0.5, vmin=-limit, vmax=limit, base=10
    )
    return norm


def draw_map(
    ax: Axes,
    axes: MapAxes,
    values: np.ndarray,
    *,
    units: str,
    scale: Scale,
    logarithmic: bool,
    title: str = "",
) -> MapPicture:
    """Draw potentials on a grid, with a colour bar.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    axes : MapAxes
        Where the points are.
    values : ndarray, shape (H, W)
        Potentials, in `units`.
    units : str
        Their unit.
    scale : Scale
        Range of the colours.
    logarithmic : bool
        Whether the colours are a symmetric logarithm, linear below a thousandth of the limit.
    title : str
        Heading.

    Returns
    -------
    MapPicture
        What is drawn, so that a film can change it.
    """
    unit, factor = shown_unit(units, scale.limit)
    limit = factor * scale.limit or 1.0
    mesh = ax.pcolormesh(
        axes.right,
        axes.up,
        factor * values,
        cmap=palette().diverging,
        norm=map_norm(limit, logarithmic=logarithmic),
        shading="gouraud",
        rasterized=True,
        zorder=0,
    )
    lines = _draw_lines(ax, axes, factor * values, limit)
    heading = ax.set_title(title)
    ax.set_xlabel(f"{axes.names[0]} (µm)")
    ax.set_ylabel(f"{axes.names[1]} (µm)")
    ax.spines[["top", "right"]].set_visible(True)
    strip = ax.inset_axes((1.03, 0.0, 0.035, 1.0))
    bar = ax.figure.colorbar(mesh, cax=strip, extend="both" if scale.clips else "neither")
    bar.set_label(unit)
    bar.outline.set_visible(False)
    if logarithmic:
        _name_decades(bar.ax, limit)
        add_note(
            ax, f"colours: symmetric logarithm, linear within ±{limit / 10**DECADES:.2g} {unit}"
        )
    else:
        add_note(ax, "colours: linear")
    if scale.clips:
        add_note(ax, f"clipped at ±{two_digits(limit)} (peak {two_digits(factor * scale.peak)})")
    return MapPicture(
        ax=ax, axes=axes, mesh=mesh, lines=lines, title=heading, factor=factor, limit=limit
    )


def _draw_lines(ax: Axes, axes: MapAxes, values: np.ndarray, limit: float) -> ContourSet | None:
    """Lines of equal potential, a decade apart; negative ones are dashed, zero is heavier."""
    decades = limit * 10.0 ** -np.arange(DECADES, -1, -1.0)
    levels = [*(-decades[::-1]), 0.0, *decades]
    low, high = float(values.min()), float(values.max())
    inside = [level for level in levels if low < level < high]
    if not inside:
        return None
    strokes = style().strokes
    widths = [strokes * (0.7 if level == 0 else 0.3) for level in inside]
    styles = ["--" if level < 0 else "-" for level in inside]
    return ax.contour(
        axes.right,
        axes.up,
        values,
        levels=inside,
        colors=palette().ink,
        linewidths=widths,
        linestyles=styles,
        alpha=0.6,
        zorder=1,
    )


def _name_decades(ax: Axes, limit: float) -> None:
    """Ticks at powers of ten that the scale reaches, and at zero."""
    top = np.floor(np.log10(limit) + 1e-9)
    powers = 10.0 ** np.arange(top - DECADES + 1, top + 1)
    ax.yaxis.set_major_locator(FixedLocator([*(-powers[::-1]), 0.0, *powers]))
    ax.yaxis.set_minor_locator(FixedLocator([]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
