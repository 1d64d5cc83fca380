"""What figures look like: palettes, fonts and sizes for a paper, for a talk, and on dark ground."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lfpcli.vocabulary import PLOT_STYLES

# told apart with every common kind of colour vision: Okabe and Ito (2008), without yellow; the
# second is lighter than theirs, so that the first two are told apart in grey, too
COLOURS = ("#0072b2", "#e8702a", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_ON_DARK = ("#3d93cd", "#ffa869", "#3cc79a", "#e3a3c8", "#f2c14e", "#9fd8f7")
# in grey, and beyond two colours, lines over each other are told apart by their dashes
DASHES: tuple[Any, ...] = ("-", "-", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (2, 1)))
# from blue through the ground to red, as in the pages on dark ground
_DARK_DIVERGING = LinearSegmentedColormap.from_list(
    "lfp-dark", ["#a6dcff", "#2c7bb6", "#16191d", "#d75a32", "#ffd6a0"], N=513
)
_DARK_SEQUENTIAL = LinearSegmentedColormap.from_list("lfp-night", ["#16191d", "#e4e7ea"], N=256)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of a figure.

    Attributes
    ----------
    ink, faint, ground : str
        Of text and lines, of what stands back, and of the paper.
    colours : tuple of str
        Of populations, components, recordings.
    diverging : Colormap
        From negative through zero to positive values.
    sequential : Colormap
        From zero, the ground, to the largest value.
    depths : tuple of two floats
        The part of the map viridis that contacts have, from the lowest to the highest.
    """

    ink: str
    faint: str
    ground: str
    colours: tuple[str, ...]
    diverging: Colormap
    sequential: Colormap
    depths: tuple[float, float]

    def of_depths(self, count: int) -> list[tuple[float, float, float, float]]:
        """Colours of contacts from the lowest to the highest."""
        places = np.linspace(*self.depths, max(count, 1))
        return [tuple(colour) for colour in matplotlib.colormaps["viridis"](places)]


_LIGHT = Palette(
    ink="#333333",
    faint="#9a9a9a",
    ground="#ffffff",
    colours=COLOURS,
    diverging=matplotlib.colormaps["RdBu_r"],
    sequential=matplotlib.colormaps["Greys"],
    depths=(0.0, 0.8),
)
_DARK = Palette(
    ink="#e4e7ea",
    faint="#7d868e",
    ground="#16191d",
    colours=_ON_DARK,
    diverging=_DARK_DIVERGING,
    sequential=_DARK_SEQUENTIAL,
    depths=(0.3, 1.0),
)


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a figure is made for.

    Attributes
    ----------
    palette : Palette
        Its colours.
    width, least_height : float
        Inches: two columns of a journal, or a slide of 16 by 9 whose letters are as high as 16
        points where it fills one of 13.3 by 7.5 inches.
    strokes : float
        Factor of the widths of lines.
    dpi : float
        Pixels per inch.
    """

    palette: Palette = _LIGHT
    width: float = 7.2
    least_height: float = 2.6
    strokes: float = 1.0
    dpi: float = 200.0


_PAPER, _TALK, _ON_DARK_GROUND = PLOT_STYLES
STYLES = {
    _PAPER: Style(),
    _TALK: Style(width=6.4, least_height=3.6, strokes=1.5, dpi=300.0),
    _ON_DARK_GROUND: Style(palette=_DARK, width=6.4, least_height=3.6, strokes=1.5, dpi=300.0),
}
_current: ContextVar[Style] = ContextVar("style", default=STYLES[_PAPER])

# the generic name is for readers of SVG that have no DejaVu, which comes with matplotlib
_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 0.8,
    "lines.solid_joinstyle": "round",
    # whole outlines, which journals ask for, and text that can be searched and edited
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "lfp",
    "path.simplify": True,
}
_INKS = (
    "axes.edgecolor",
    "axes.labelcolor",
    "axes.titlecolor",
    "text.color",
    "xtick.color",
    "ytick.color",
)
_GROUNDS = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")


def style() -> Style:
    """The style of the figure that is drawn."""
    return _current.get()


def palette() -> Palette:
    """The colours of the figure that is drawn."""
    return _current.get().palette


@contextlib.contextmanager
def house_style(name: str = _PAPER) -> Iterator[None]:
    """Draw in one of this package's styles, whatever the user's matplotlibrc says."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    chosen = STYLES[name]
    before = _current.set(chosen)
    try:
        with matplotlib.rc_context():
            # defaults first: a user's own rcParams must not shine through
            matplotlib.rcdefaults()
            settings = {
                **_SETTINGS,
                **dict.fromkeys(_INKS, chosen.palette.ink),
                **dict.fromkeys(_GROUNDS, chosen.palette.ground),
            }
            matplotlib.rcParams.update(settings)  # type: ignore[arg-type]
            yield
    finally:
        _current.reset(before)


def strengthen(figure: Figure) -> None:
    """Widen the lines of a figure as its style has it."""
    factor = style().strokes
    if factor == 1.0:
        return

    def is_drawn(artist: Artist) -> bool:
        return isinstance(artist, Line2D | LineCollection)

    for artist in figure.findobj(is_drawn):
        widths = np.multiply(artist.get_linewidth(), factor)  # type: ignore[attr-defined]
        artist.set_linewidth(widths)  # type: ignore[attr-defined]
