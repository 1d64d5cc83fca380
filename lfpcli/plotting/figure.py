"""Figures made of panels: their layout, and the bytes they are saved as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lfpcli.plotting.notes import LINE_HEIGHT, remark_lines
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
# characters that are left of a heading
_LEAST_TITLE = 8
_SLACK = 1.04
_MAX_HEIGHT = 10.5
# figures that are narrower have their sides above the rest, in at most this share of the height
_NARROW, _ROW = 4.5, 0.35
# least room for a colour bar and its numbers, inches
_BAR = 0.5
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
        More room above the axes, for lines of remarks, inches.
    """

    draw: Callable[[Axes], None]
    height: float
    timed: bool = True
    width: float = _PAPER_WIDTH
    margin: float = 0.0
    titled: bool = False
    above: float = 0.0


# width and height, inches; without a height, what the contents want
Size = tuple[float, float | None]


def compose(
    panels: Sequence[Panel],
    sides: Sequence[Panel] = (),
    *,
    size: Size | None = None,
    title: str | None = None,
    time: tuple[float, float] | None = None,
) -> Figure:
    """Lay panels out one below the other, with others beside them all.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom.
    sides : sequence of Panel
        Drawn left of the others, from top to bottom; in a figure as narrow as a column of a
        journal they stand beside each other above them.
    size : tuple of two floats, optional
        Width and height, inches; by default, or without a height, what the panels want.
    title : str, optional
        Heading of the figure.
    time : tuple of two floats, optional
        Limits of the shared time axis, ms.
    """
    layout = _layout(panels, sides, size=size, heading=_HEADING if title else 0.0)
    figure = Figure(figsize=(layout.width, layout.height))
    FigureCanvasAgg(figure)
    side_axes = [figure.add_axes(layout.fractions(box)) for box in layout.side_boxes]
    for side, ax, box in zip(sides, side_axes, layout.side_boxes, strict=True):
        side.draw(ax)
        if layout.is_narrow:
            _fit_title(ax, box[2] * side.width / (side.width - side.margin))
    axes = _stack(figure, layout, panels, time=time)
    layout.make_room([_remark_room(ax, p) for ax, p in zip(axes, panels, strict=True)])
    figure.set_size_inches(layout.width, layout.height)
    boxes = [*layout.side_boxes, *layout.boxes()]
    for ax, box in zip([*side_axes, *axes], boxes, strict=True):
        ax.set_position(layout.fractions(box))
    if title:
        left, top = 0.1 / layout.width, 1 - 0.08 / layout.height
        figure.suptitle(literal(title), x=left, y=top, ha="left", va="top", fontsize=10)
    strengthen(figure)
    return figure


def size_alone(panel: Panel, title: str | None = None) -> tuple[float, float]:
    """Width and height of a figure of one panel that is as wide as it wants to be, inches."""
    heading = _HEADING if title else 0.0
    high = panel.height + _TOP + panel.above + _BOTTOM + heading
    return panel.width + _LEFT + _RIGHT, high


def scaled_size(size: Size | None, wanted: tuple[float, float]) -> tuple[float, float]:
    """The size that is asked for, inches; without a height, as high as the wanted one in scale."""
    if size is None:
        return wanted
    width, height = size
    return width, wanted[1] * width / wanted[0] if height is None else height


# left, top, width and height, inches; the top from that of the figure
_Box = tuple[float, float, float, float]


@dataclass(kw_only=True)
class _Layout:
    """Where the panels of a figure stand.

    Attributes
    ----------
    width, height : float
        Of the figure, inches.
    side_boxes : list of _Box
        Of the panels that stand beside or above the others.
    left, top : float
        Where the others begin, inches.
    heights, gaps : list of float
        Of these: wanted heights, and the room below each but the last, inches.
    grows, is_narrow : bool
        Whether the figure may become higher, and whether it is as narrow as a column.
    """

    width: float
    height: float
    side_boxes: list[_Box]
    left: float
    top: float
    heights: list[float]
    gaps: list[float]
    grows: bool
    is_narrow: bool

    def boxes(self) -> list[_Box]:
        """Of the panels below each other, which share the height that is there."""
        free = self.height - self.top - _BOTTOM - sum(self.gaps)
        scale = max(free, 0.1) / max(sum(self.heights), 1e-9)
        wide = max(self.width - self.left - _RIGHT, 0.1)
        placed, top = [], self.top
        for height, gap in zip(self.heights, [*self.gaps, 0.0], strict=False):
            placed.append((self.left, top, wide, scale * height))
            top += scale * height + gap
        return placed

    def make_room(self, above: Sequence[float]) -> None:
        """Make more room above each of the panels below each other, inches."""
        if self.grows:
            self.height += sum(above)
        self.top += sum(above[:1])
        self.gaps = [gap + more for gap, more in zip(self.gaps, above[1:], strict=True)]

    def fractions(self, box: _Box) -> _Box:
        """A box as matplotlib has it: left, bottom, width and height, of those of the figure."""
        left, top, wide, high = box
        low = self.height - top - high
        return left / self.width, low / self.height, wide / self.width, high / self.height


def _layout(
    panels: Sequence[Panel], sides: Sequence[Panel], *, size: Size | None, heading: float
) -> _Layout:
    """Lay out panels in a figure of a size, or of that which they want."""
    usual = style().width if panels else max(s.width for s in sides) + 0.2
    width, wanted = size or (usual, None)
    is_narrow = bool(panels) and bool(sides) and width < _NARROW
    row = min(_row_height(sides, width), _ROW * (wanted or _MAX_HEIGHT)) if is_narrow else 0.0
    above = _TOP + heading + (panels[0].above if panels else 0.0) + row
    heights = [panel.height for panel in panels]
    share = min(_SIDE, 0.36 * width) if panels else width - 0.2
    height = wanted
    if height is None:
        height = above + sum(heights) + sum(_gaps(panels)) + _BOTTOM
        height = min(max(height, style().least_height + heading), _MAX_HEIGHT + heading)
        if sides and not is_narrow:
            column = _column_height(sides, share)
            if panels:
                height = max(height, min(column, 3.8 * len(sides)) + heading)
            else:
                height = column + heading
    left = _LEFT
    boxes: list[_Box] = []
    if is_narrow:
        boxes = _row_boxes(sides, width, top=heading + 0.1, height=row - 0.1)
    elif sides:
        boxes = _column_boxes(sides, share, height=height, heading=heading)
        left += share + 0.05
    return _Layout(
        width=width,
        height=height,
        side_boxes=boxes,
        left=left,
        top=above,
        heights=heights,
        gaps=_gaps(panels),
        grows=wanted is None,
        is_narrow=is_narrow,
    )


def _gaps(panels: Sequence[Panel]) -> list[float]:
    """Room below each panel but the last, inches; that of an axis where it has one of its own."""
    last_timed = max((i for i, panel in enumerate(panels) if panel.timed), default=-1)
    return [
        _GAP + _OWN_AXIS * (not panel.timed or i == last_timed) + panels[i + 1].above
        for i, panel in enumerate(panels[:-1])
    ]


def _column_height(sides: Sequence[Panel], width: float) -> float:
    heights = sum(width * s.height / s.width + s.titled * _SIDE_TITLE for s in sides)
    return heights + _GAP * (len(sides) - 1) + 0.2


def _column_boxes(
    sides: Sequence[Panel], share: float, *, height: float, heading: float
) -> list[_Box]:
    """Boxes of the left column, all narrower where they are too high together."""
    ratios = [s.height / s.width for s in sides]
    fixed = _column_height(sides, 0.0)
    scale = min(1.0, max(height - heading - fixed, 0.1) / (share * sum(ratios)))
    boxes: list[_Box] = []
    top = heading + 0.1
    for side, ratio in zip(sides, ratios, strict=True):
        top += side.titled * _SIDE_TITLE
        high = scale * share * ratio
        boxes.append((0.1, top, share * (1 - side.margin / side.width), high))
        top += high + _GAP
    return boxes


def _row_height(sides: Sequence[Panel], width: float) -> float:
    """Height of a row of panels as wide as a narrow figure, inches."""
    share = (width - 0.2) / max(len(sides), 1)
    return max((share * s.height / s.width for s in sides), default=0.0) + _SIDE_TITLE + 0.1


def _row_boxes(sides: Sequence[Panel], width: float, *, top: float, height: float) -> list[_Box]:
    """Boxes beside each other, `top` below the top of the figure, inches."""
    share = (width - 0.2) / len(sides)
    boxes: list[_Box] = []
    for k, side in enumerate(sides):
        above = side.titled * _SIDE_TITLE
        high = min(height - above, share * side.height / side.width)
        margin = max(side.margin * share / side.width, _BAR) if side.margin else 0.0
        boxes.append((0.1 + k * share, top + above, share - margin, high))
    return boxes


def _stack(
    figure: Figure,
    layout: _Layout,
    panels: Sequence[Panel],
    *,
    time: tuple[float, float] | None,
) -> list[Axes]:
    """Draw the panels below each other; those with a time axis share it."""
    timed = [i for i, p in enumerate(panels) if p.timed]
    shared: Axes | None = None
    drawn = []
    for i, (panel, box) in enumerate(zip(panels, layout.boxes(), strict=True)):
        ax = figure.add_axes(layout.fractions(box), sharex=shared if panel.timed else None)
        panel.draw(ax)
        _fit_title(ax, box[2] + _RIGHT - 0.05)
        if panel.timed:
            shared = shared or ax
            _time_axis(ax, last=i == timed[-1])
        drawn.append(ax)
    if shared is not None:
        if time is not None:
            shared.set_xlim(*time)
        low, high = shared.get_xlim()
        if high - low > _IN_SECONDS:
            # the axes share one axis of time: its labels are those of all
            shared.xaxis.set_major_formatter(lambda value, position: f"{value / 1e3:g}")
            for ax in drawn:
                if ax.get_xlabel() == "time (ms)":
                    ax.set_xlabel("time (s)")
    return drawn


def _remark_room(ax: Axes, panel: Panel) -> float:
    """Room above the axes for lines of remarks that there is none for yet, inches."""
    lines = remark_lines(ax)
    return max(lines - 1 - int(panel.above / LINE_HEIGHT), 0) * LINE_HEIGHT


def _fit_title(ax: Axes, room: float) -> None:
    """Shorten a heading that would leave the page, `room` inches from the left of its axes."""
    for text in (ax.title, ax._left_title):  # type: ignore[attr-defined]
        # letters are a little wider at other resolutions
        dots = ax.figure.get_dpi() / _SLACK
        while len(text.get_text()) > _LEAST_TITLE:
            wide = text.get_window_extent().width / dots
            if wide <= room:
                break
            shorter = int(len(text.get_text()) * room / wide)
            text.set_text(shortened(text.get_text(), min(shorter, len(text.get_text()) - 1)))


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
