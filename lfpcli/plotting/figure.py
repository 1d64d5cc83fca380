"""Figures made of panels: their layout, and the bytes they are saved as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lfpcli.plotting.style import strengthen, style
from lfpcli.plotting.units import literal, shortened

# what a writer would put in of its own accord and of the time of day
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}

# inches
_SIDE = 2.2
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.72, 0.78, 0.38, 0.42
# a longer time is told in seconds, ms
_IN_SECONDS = 10_000.0
_GAP = 0.45
# more room below a panel whose x axis is its own
_OWN_AXIS = 0.32
_HEADING = 0.26
_SIDE_TITLE = 0.18
# inches that a character takes of a heading
_CHARACTER = 0.075
_MAX_HEIGHT = 10.5
_PAPER_WIDTH = 7.2


@dataclass
class Panel:
    """One set of axes of a figure.

    Attributes
    ----------
    draw : callable
        Takes the Axes.
    height : float
        Wanted height, inches.
    timed : bool
        Whether the x axis is time, shared with the other such panels.
    width : float
        Wanted width where the panel stands alone, inches; beside others it is scaled.
    margin : float
        What of the width is for a colour bar right of the axes, in a left column.
    titled : bool
        Whether there is a heading above the axes, in a left column.
    above : float
        More room above the axes, for lines of remarks, where the panel is the first, inches.
    """

    draw: Callable[[Axes], None]
    height: float
    timed: bool = True
    width: float = _PAPER_WIDTH
    margin: float = 0.0
    titled: bool = False
    above: float = 0.0


def compose(
    panels: Sequence[Panel],
    sides: Sequence[Panel] = (),
    *,
    size: tuple[float, float] | None = None,
    title: str | None = None,
    time: tuple[float, float] | None = None,
) -> Figure:
    """Lay panels out one below the other, with others beside them all.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom.
    sides : sequence of Panel
        Drawn left of the others, from top to bottom.
    size : tuple of two floats, optional
        Width and height, inches; by default what the panels want.
    title : str, optional
        Heading of the figure.
    time : tuple of two floats, optional
        Limits of the shared time axis, ms.
    """
    heading = _HEADING if title else 0.0
    width, height = size or _wanted_size(panels, sides, heading)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    left = _LEFT
    if sides:
        share = (width - 0.2) if not panels else min(_SIDE, 0.36 * width)
        _beside(figure, sides, share, heading)
        left += share + 0.05
    _stack(figure, panels, left=left, heading=heading, time=time)
    if title:
        figure.suptitle(
            literal(title), x=0.1 / width, y=1 - 0.08 / height, ha="left", va="top", fontsize=10
        )
    strengthen(figure)
    return figure


def size_alone(panel: Panel, title: str | None = None) -> tuple[float, float]:
    """Width and height of a figure of one panel that is as wide as it wants to be, inches."""
    heading = _HEADING if title else 0.0
    high = panel.height + _TOP + panel.above + _BOTTOM + heading
    return panel.width + _LEFT + _RIGHT, high


def _wanted_size(
    panels: Sequence[Panel], sides: Sequence[Panel], heading: float
) -> tuple[float, float]:
    if not panels:
        width = max(s.width for s in sides)
        return width + 0.2, _column_height(sides, width) + heading
    content = sum(p.height for p in panels) + sum(_gaps(panels))
    content += panels[0].above
    height = min(max(content + _TOP + _BOTTOM, style().least_height), _MAX_HEIGHT) + heading
    if sides:
        height = max(height, min(_column_height(sides, _SIDE), 3.8 * len(sides)) + heading)
    return style().width, height


def _gaps(panels: Sequence[Panel]) -> list[float]:
    """Room below each panel but the last, inches; that of an axis where it has one of its own."""
    last_timed = max((i for i, panel in enumerate(panels) if panel.timed), default=-1)
    return [
        _GAP + _OWN_AXIS * (not panel.timed or i == last_timed)
        for i, panel in enumerate(panels[:-1])
    ]


def _column_height(sides: Sequence[Panel], width: float) -> float:
    heights = sum(width * s.height / s.width + s.titled * _SIDE_TITLE for s in sides)
    return heights + _GAP * (len(sides) - 1) + 0.2


def _beside(figure: Figure, sides: Sequence[Panel], share: float, heading: float) -> None:
    """Place the panels of the left column, all narrower where they are too high together."""
    width, height = figure.get_size_inches()
    ratios = [s.height / s.width for s in sides]
    fixed = _column_height(sides, 0.0)
    scale = min(1.0, max(height - heading - fixed, 0.1) / (share * sum(ratios)))
    top = height - heading - 0.1
    for side, ratio in zip(sides, ratios, strict=True):
        top -= side.titled * _SIDE_TITLE
        high = scale * share * ratio
        wide = share * (1 - side.margin / side.width)
        box = (0.1 / width, (top - high) / height, wide / width, high / height)
        side.draw(figure.add_axes(box))
        top -= high + _GAP


def _stack(
    figure: Figure,
    panels: Sequence[Panel],
    *,
    left: float,
    heading: float,
    time: tuple[float, float] | None,
) -> None:
    """Place the panels below each other; those with a time axis share it."""
    if not panels:
        return
    width, height = figure.get_size_inches()
    gaps = _gaps(panels)
    room_above = _TOP + heading + panels[0].above
    free = height - room_above - _BOTTOM - sum(gaps)
    scale = max(free, 0.1) / sum(p.height for p in panels)
    timed = [i for i, p in enumerate(panels) if p.timed]
    shared: Axes | None = None
    top = height - room_above
    for i, panel in enumerate(panels):
        high = panel.height * scale
        box = (
            left / width,
            (top - high) / height,
            max(width - left - _RIGHT, 0.1) / width,
            high / height,
        )
        ax = figure.add_axes(box, sharex=shared if panel.timed else None)
        panel.draw(ax)
        _fit_title(ax, box[2] * width + _RIGHT)
        top -= high + (gaps[i] if i < len(gaps) else 0.0)
        if panel.timed:
            shared = shared or ax
            _time_axis(ax, last=i == timed[-1])
    if shared is not None:
        if time is not None:
            shared.set_xlim(*time)
        low, high = shared.get_xlim()
        if high - low > _IN_SECONDS:
            # the axes share one axis of time: its labels are those of all
            shared.xaxis.set_major_formatter(lambda value, position: f"{value / 1e3:g}")
            for ax in figure.axes:
                if ax.get_xlabel() == "time (ms)":
                    ax.set_xlabel("time (s)")


def _fit_title(ax: Axes, room: float) -> None:
    """Shorten a heading that would leave the page, `room` inches from the left of its axes."""
    for text in (ax.title, ax._left_title):  # type: ignore[attr-defined]
        text.set_text(shortened(text.get_text(), int(room / _CHARACTER)))


def _time_axis(ax: Axes, last: bool) -> None:
    ax.tick_params(axis="x", labelbottom=last)
    ax.margins(x=0)
    ax.set_xlabel("time (ms)" if last else "")
    if not last:
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(axis="x", length=0)


def save(figure: Figure, path: Path | IO[bytes], file_format: str, dpi: float) -> None:
    """Write a figure; equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path or file
        File to write.
    file_format : {'png', 'pdf', 'svg'}
        What to write.
    dpi : float
        Resolution of pixels, and of what PDF and SVG hold as pixels.
    """
    figure.savefig(path, format=file_format, dpi=dpi, metadata=_METADATA[file_format])
