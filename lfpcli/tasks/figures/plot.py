"""Figures of what a recording holds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from lfpcli.errors import UsageError
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, open_recording
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Panel, Size
from lfpcli.plotting.morphology import Sites
from lfpcli.plotting.style import STYLES, house_style
from lfpcli.runtime.morphology.reading import read_morphology
from lfpcli.tasks.figures import panels
from lfpcli.tasks.figures.compare import draw_comparison
from lfpcli.tasks.figures.film import write_moving
from lfpcli.tasks.figures.heeded import check_view, check_whole, contents_of
from lfpcli.tasks.figures.kernels import draw_kernels
from lfpcli.tasks.figures.network_figure import draw_network
from lfpcli.tasks.figures.panels import View, within_recordings
from lfpcli.tasks.figures.parts import Part, chosen_parts
from lfpcli.tasks.figures.scalp_panel import topographies_panel, topography_panel
from lfpcli.tasks.figures.signal_panels import signal_panels
from lfpcli.tasks.figures.stacked import panels_of_a_moment, stacked_panels
from lfpcli.tasks.figures.templates import draw_templates
from lfpcli.vocabulary import (
    FIGURE_FORMATS,
    FILM_FORMATS,
    FILM_FRAMES,
    FILM_RATE,
    PLOT_STYLES,
)

# parts that are as wide as the array is, where they stand alone
_OF_ARRAYS = ("array", "footprint")
_PAPER = PLOT_STYLES[0]


def plot(
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    file_format: str | None = None,
    style: str = _PAPER,
    size: Size | None = None,
    dpi: float | None = None,
    title: str | None = None,
    frames: int = FILM_FRAMES,
    fps: float = FILM_RATE,
    force: bool = False,
) -> None:
    """Draw a recording, several over each other, or a morphology, into a file.

    Parameters
    ----------
    sources : sequence of path-like
        A recording or morphology, ``-`` for standard input; or recordings to compare.
    target : path-like
        File to write, ``-`` for standard output.
    parts : sequence of str, optional
        Parts to draw, from top to bottom: ``geometry``, ``spikes``, ``dipole``, ``signals``,
        ``topography``, the name of a recorded variable such as ``vmem``, or of a signal; all
        there is by default. ``spectra``, ``spectrogram``, ``shares``, ``array`` and ``footprint``
        are drawn where they are asked for.
    view : View, optional
        Time span, channels, and how things are drawn.
    file_format : {'png', 'pdf', 'svg', 'html', 'gif', 'apng', 'mp4'}, optional
        By default by the suffix of `target`; png for standard output. For html see `write_page`,
        for films `write_moving`.
    style : {'paper', 'talk', 'dark'}
        What the figure is made for.
    size : tuple of two floats, optional
        Width and height, inches.
    dpi : float, optional
        Pixels per inch; by default as the style has it.
    title : str, optional
        Heading.
    frames : int
        Most pictures of a film.
    fps : float
        Pictures of a film a second.
    force : bool
        Whether an existing file is replaced.
    """
    file_format = format_of(target, file_format)
    if file_format in FILM_FORMATS:
        if len(sources) > 1 or parts is not None:
            raise UsageError("a film shows one recording, without --what")
        write_moving(
            sources[0],
            target,
            view=view or View(),
            file_format=file_format,
            frames=frames,
            fps=fps,
            style=style,
            size=size,
            dpi=dpi,
            title=title,
            force=force,
        )
        return
    if (frames, fps) != (FILM_FRAMES, FILM_RATE):
        raise UsageError("--frames and --fps are of films", remedy="name it .gif, .apng or .mp4")
    if file_format == "html":
        if len(sources) > 1 or size is not None:
            raise UsageError("a page shows one recording, as wide as the window")
        if style != _PAPER or dpi is not None:
            option = "--dpi" if dpi is not None else "--style"
            remedy = f"it is light or dark as its reader likes: leave {option} out"
            raise UsageError(f"a page is drawn without {option}", remedy=remedy)
        # the checks that a page shows know every format: pictures start without them
        from lfpcli.tasks.figures.page import write_page

        write_page(sources[0], target, parts=parts, view=view, title=title, force=force)
        return
    binary = file_format != "svg"
    check_output(target, force=force, binary=binary)
    with house_style(style):
        drawn = _drawn(sources, parts=parts, view=view or View(), size=size, title=title)
        with atomic_output(target, force=force, binary=binary) as path:
            figures.save(drawn, path, file_format, dpi or STYLES[style].dpi)


def figure_of(
    sources: Sequence[str | os.PathLike[str]],
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    style: str = _PAPER,
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the figure that `plot` writes; the parameters are the same."""
    with house_style(style):
        return _drawn(sources, parts=parts, view=view or View(), size=size, title=title)


def _drawn(
    sources: Sequence[str | os.PathLike[str]],
    *,
    parts: Sequence[str] | None,
    view: View,
    size: Size | None,
    title: str | None,
) -> Figure:
    if len(sources) == 1:
        return _figure(sources, parts=parts, view=view, size=size, title=title)
    return _comparison(sources, parts=parts, view=view, size=size, title=title)


def format_of(target: str | os.PathLike[str], file_format: str | None) -> str:
    """Format to write: the one asked for, else by the suffix of the file, png for a stream."""
    if file_format is not None:
        return file_format
    suffix = Path(target).suffix.lower().lstrip(".")
    if suffix in FIGURE_FORMATS:
        return suffix
    if str(target) == stream.STDIN:
        return "png"
    if Path(target).exists() and not Path(target).is_file():
        return "png"  # a pipe or a device
    raise UsageError(
        f"no format is known by the suffix of '{Path(target).name}'",
        remedy="name it .png, .pdf, .svg, .html, .gif, .apng or .mp4, or give --format",
    )


def _comparison(
    sources: Sequence[str | os.PathLike[str]],
    *,
    parts: Sequence[str] | None,
    view: View,
    size: Size | None,
    title: str | None,
) -> Figure:
    with contextlib.ExitStack() as stack:
        recordings = [stack.enter_context(open_recording(source)) for source in sources]
        return draw_comparison(recordings, parts=parts, view=view, size=size, title=title)


def _figure(
    sources: Sequence[str | os.PathLike[str]],
    *,
    parts: Sequence[str] | None,
    view: View,
    size: Size | None,
    title: str | None,
) -> Figure:
    with stream.local_file(sources[0]) as (path, name):
        contents = contents_of(path)
        if contents != "recording":
            check_whole(contents, parts, view)
        if contents == "morphology":
            panel = panels.morphology_panel(read_morphology(path, name=name), view)
            return figures.compose([], [panel], size=size, title=title)
        if contents == "kernels":
            return draw_kernels(path, signals=view.beside, size=size, title=title)
        if contents == "templates":
            return draw_templates(path, name, placement=view.placement, size=size, title=title)
        if contents == "network":
            return draw_network(path, name, size=size, title=title)
        with open_recording(path, name) as recording:
            return draw_recording(recording, parts=parts, view=view, size=size, title=title)


def draw_recording(
    recording: Recording,
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """Draw an open recording; see `plot`."""
    view = within_recordings(view or View(), [recording])
    stack: list[Panel] = []
    sides: list[Panel] = []
    sites: list[Sites] = []
    has_moment = view.map is not None or view.paint is not None
    chosen: list[Part] = []
    if parts is not None or not has_moment:
        chosen = chosen_parts(recording, parts, view.beside)
    check_view(view, chosen)
    below = panels_of_a_moment(recording, view)
    if below and parts is None:
        return _alone(below, size=size, title=title)
    for part in chosen:
        if part.content == "topography" and view.times:
            stack.append(topographies_panel(recording, part.name, view.times))
        elif part.content == "topography":
            panel = topography_panel(recording, part.name, view.at, view.time)
            # beside time courses; the colour bar is to the right of the map
            sides.append(replace(panel, width=3.2, height=2.6, margin=0.65, titled=True))
        elif part.content == "signal":
            drawn, contacts = signal_panels(recording, part.name, view)
            stack += drawn
            if contacts is not None:
                sites.append(contacts)
        elif part.content != "geometry":
            stack += stacked_panels(recording, part, view)
    if Part("geometry") in chosen:
        # after the signals, whose contacts are marked beside the cells
        sides.insert(0, panels.cells_panel(recording, sites, view))
    # below the others: their axes are no time
    stack += below
    if len(stack) == 1 and not sides and chosen[0].content in _OF_ARRAYS:
        return _alone(stack, size=size, title=title)
    return figures.compose(stack, sides, size=size, title=title, time=view.time)


def _alone(stack: Sequence[Panel], *, size: Size | None, title: str | None) -> Figure:
    """A figure of panels that are as wide as they want to be."""
    if len(stack) == 1:
        size = figures.scaled_size(size, figures.size_alone(stack[0], title))
    return figures.compose(stack, size=size, title=title)
