"""Figures in a page: what does not move with time, drawn for light and for dark ground."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial

from matplotlib.figure import Figure

from lfpcli.io.recording import Recording
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.style import house_style
from lfpcli.plotting.web import picture
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.parts import ON_REQUEST, Part
from lfpcli.tasks.figures.scalp_panel import topographies_panel, topography_panel
from lfpcli.tasks.figures.stacked import panels_of_a_moment, stacked_panels

# pixels of images in them, an inch
_DPI = 150.0
_TOPOGRAPHY = 3.6
_STYLES = ("paper", "dark")


def figures_of(recording: Recording, parts: Sequence[Part], view: View) -> list[str]:
    """HTML of the topographies among the parts, of those on request, of maps and painted cells."""
    pictures = []
    for part in parts:
        if part.content == "topography":
            pictures.append(drawn(partial(_topography, recording, part.name, view)))
        elif part.content in ON_REQUEST:
            pictures.append(drawn(partial(_stacked, recording, part, view)))
    if view.map is not None or view.paint is not None:
        pictures.append(drawn(lambda: _alone(panels_of_a_moment(recording, view))))
    return pictures


def drawn(make: Callable[[], Figure]) -> str:
    """HTML of a figure, made once on light and once on dark ground."""
    texts, title = [], ""
    for style in _STYLES:
        with house_style(style):
            figure = make()
            title = "; ".join(filter(None, (ax.get_title("left") for ax in figure.axes)))
            buffer = io.BytesIO()
            figures.save(figure, buffer, "svg", _DPI)
            texts.append(buffer.getvalue())
    return picture(title, *texts)


def _topography(recording: Recording, name: str, view: View) -> Figure:
    if view.times:
        return _alone([topographies_panel(recording, name, view.times)])
    panel = topography_panel(recording, name, view.at, view.time)
    width, height = figures.size_alone(panel)
    return figures.compose([panel], size=(_TOPOGRAPHY, height * _TOPOGRAPHY / width + 1.2))


def _stacked(recording: Recording, part: Part, view: View) -> Figure:
    return _alone(stacked_panels(recording, part, view))


def _alone(panels: Sequence[Panel]) -> Figure:
    size = figures.size_alone(panels[0]) if len(panels) == 1 else None
    return figures.compose(panels, size=size)
