"""Films: potentials in a plane, or a variable on the cells, over time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lfpcli.errors import InputError, UsageError
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, open_recording
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Size
from lfpcli.plotting.film import check_encoder, write_film
from lfpcli.plotting.style import house_style
from lfpcli.tasks.figures.heeded import check_film
from lfpcli.tasks.figures.map_panel import map_scene
from lfpcli.tasks.figures.moving import Moving
from lfpcli.tasks.figures.painted_panel import painted_scene
from lfpcli.tasks.figures.panels import View, within_recordings
from lfpcli.vocabulary import FILM_FRAMES, FILM_RATE

# pictures that are held while a film is written, bytes
_MOST_BYTES = 600_000_000
_DPI = 120.0


def write_moving(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    view: View,
    file_format: str,
    frames: int = FILM_FRAMES,
    fps: float = FILM_RATE,
    style: str = "paper",
    size: Size | None = None,
    dpi: float | None = None,
    title: str | None = None,
    force: bool = False,
) -> None:
    """Write a film of a recording.

    With `View.map` it shows the potentials in that plane, else the cells in the colours of the
    variable `View.paint`, by default of their membrane potentials.

    Parameters
    ----------
    source : path-like
        The recording, ``-`` for standard input.
    target : path-like
        File to write, ``-`` for standard output.
    view : View
        Time span, and what is shown.
    file_format : {'gif', 'apng', 'mp4'}
        What to write.
    frames : int
        Most pictures, evenly spread over the time span.
    fps : float
        Pictures a second.
    style, size, dpi, title, force
        As of `plot`.

    Raises
    ------
    InputError
        Where the recording holds nothing that moves.
    UsageError
        Where the film would not fit into memory.
    """
    check_film(view)
    check_encoder(file_format)
    check_output(target, force=force)
    with house_style(style), open_recording(source) as recording:
        scene = _scene(recording, within_recordings(view, [recording]), frames)
        pictures = _pictures(scene, size=size, dpi=dpi or _DPI, title=title)
        with atomic_output(target, force=force) as path:
            write_film(Path(path), pictures, file_format, fps)


def _scene(recording: Recording, view: View, frames: int) -> Moving:
    if view.map is not None:
        scene = map_scene(recording, view, count=frames)
    elif view.paint is not None or "vmem" in recording.reports:
        scene = painted_scene(recording, view.paint or "vmem", view, count=frames)
    else:
        raise InputError(
            "recording holds nothing that a film shows",
            source=recording.name,
            remedy="record membrane potentials of all segments (lfp sim --set record.vmem=all), or"
            " currents (record.imem=true) for --map",
        )
    if len(scene.times) < 2:
        raise InputError(
            "a film needs two samples or more", source=recording.name, remedy="widen --time"
        )
    return scene


def _pictures(
    scene: Moving, *, size: Size | None, dpi: float, title: str | None
) -> Iterator[np.ndarray]:
    """Yield the pictures, each uint8 of shape (H, W, 3)."""
    inches = figures.scaled_size(size, figures.size_alone(scene.panel, title))
    side = [round(length * dpi) for length in inches]
    need = 3 * side[0] * side[1] * len(scene.times)
    if need > _MOST_BYTES:
        raise UsageError(
            f"{len(scene.times)} pictures of {side[0]} x {side[1]} pixels need {need / 1e9:.2g} GB",
            remedy=f"{_MOST_BYTES / 1e9:g} GB is the limit: fewer --frames, a lower --dpi",
        )
    figure = figures.compose([scene.panel], size=inches, title=title)
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    return _rendered(scene, canvas)


def _rendered(scene: Moving, canvas: FigureCanvasAgg) -> Iterator[np.ndarray]:
    for number in range(len(scene.times)):
        scene.show(number)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        yield pixels[:, :, :3].copy()
