"""Figures of what a recording holds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from lfpcli.errors import InputError, LfpWarning, UsageError, nearest
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, open_recording
from lfpcli.morphology.formats import SUFFIXES
from lfpcli.plotting import figure as figures
from lfpcli.runtime.morphology.reading import read_morphology
from lfpcli.tasks.figures import panels
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.scalp_panel import has_topography, topography_panel
from lfpcli.tasks.figures.signal_panels import signal_panel
from lfpcli.vocabulary import FIGURE_FORMATS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lfpcli.morphology.tree import Morphology
    from lfpcli.plotting.figure import Panel
    from lfpcli.plotting.morphology import Sites

_MOST_SIGNALS = 6
_MOST_DIPOLES = 3


def plot(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    what: Sequence[str] | None = None,
    view: View | None = None,
    file_format: str | None = None,
    size: tuple[float, float] | None = None,
    dpi: float = 200.0,
    title: str | None = None,
    force: bool = False,
) -> None:
    """Draw a recording, or a morphology, into a file.

    Parameters
    ----------
    source : path-like
        Recording or morphology, ``-`` for standard input.
    target : path-like
        File to write, ``-`` for standard output.
    what : sequence of str, optional
        Parts to draw, from top to bottom: ``geometry``, ``spikes``, ``dipole``, ``signals``,
        ``topography``, the name of a recorded variable such as ``vmem``, or of a signal. By
        default all there is.
    view : View, optional
        Time span, channels, and how things are drawn.
    file_format : {'png', 'pdf', 'svg'}, optional
        By default by the suffix of `target`; png for standard output.
    size : tuple of two floats, optional
        Width and height, inches.
    dpi : float
        Pixels per inch.
    title : str, optional
        Heading.
    force : bool
        Whether an existing file is replaced.
    """
    kind = format_of(target, file_format)
    check_output(target, force=force, binary=kind != "svg")
    with figures.house_style():
        drawn = _figure(source, what, view or View(), size, title)
        with atomic_output(target, force=force, binary=kind != "svg") as path:
            figures.save(drawn, path, kind, dpi)


def format_of(target: str | os.PathLike[str], given: str | None) -> str:
    """Format to write: the one given, else by the suffix of the file, png for a stream."""
    if given is not None:
        return given
    suffix = Path(target).suffix.lower().lstrip(".")
    if suffix in FIGURE_FORMATS:
        return suffix
    if str(target) == stream.STDIN:
        return "png"
    if Path(target).exists() and not Path(target).is_file():
        return "png"  # a pipe or a device
    raise UsageError(
        f"no format is known by the suffix of '{Path(target).name}'",
        remedy="name it .png, .pdf or .svg, or give --format",
    )


def _figure(
    source: str | os.PathLike[str],
    what: Sequence[str] | None,
    view: View,
    size: tuple[float, float] | None,
    title: str | None,
) -> Figure:
    with stream.local_file(source) as (path, name):
        if _is_morphology(path):
            return _draw_morphology(read_morphology(path, name=name), what, view, size, title)
        with open_recording(path, name) as recording:
            return draw_recording(recording, what=what, view=view, size=size, title=title)


def _is_morphology(path: Path) -> bool:
    """Whether a file is a traced cell, by its suffix or by how it begins."""
    start = stream.head(path)
    if not stream.is_hdf5(start):
        named = SUFFIXES.get(path.suffix.lower(), "h5") != "h5"
        return named or start.lstrip().startswith(b"<") or _begins_as_swc(start)
    try:
        with h5py.File(path, "r") as file:
            return "format" not in file.attrs and {"points", "structure"} <= set(file)
    except OSError:
        return False  # what is wrong with it is said where recordings are read


def _begins_as_swc(start: bytes) -> bool:
    lines = (line.split(b"#", 1)[0].split() for line in start.splitlines())
    words: list[bytes] = next(filter(None, lines), [])
    try:
        return len([float(word) for word in words]) >= 7
    except ValueError:
        return False


def _draw_morphology(
    morphology: Morphology,
    what: Sequence[str] | None,
    view: View,
    size: tuple[float, float] | None,
    title: str | None,
) -> Figure:
    if what is not None and set(what) != {"geometry"}:
        raise UsageError(
            f"a morphology holds no '{next(w for w in what if w != 'geometry')}' to draw",
            remedy="only its geometry",
        )
    return figures.compose([], [panels.morphology_panel(morphology, view)], size=size, title=title)


def draw_recording(
    recording: Recording,
    *,
    what: Sequence[str] | None = None,
    view: View | None = None,
    size: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw an open recording; see `plot`."""
    view = view or View()
    parts = _resolve(recording, what)
    stack: list[Panel] = []
    sides: list[Panel] = []
    sites: list[Sites] = []
    for kind, name in parts:
        if kind == "spikes":
            stack.append(panels.spikes_panel(recording, view))
        elif kind == "report":
            stack.append(panels.report_panel(recording, name, view))
        elif kind == "dipole":
            stack.append(panels.dipole_panel(recording, name, view))
        elif kind == "topography":
            panel = topography_panel(recording, name, view.at, view.time)
            # beside time courses; the colour bar is to the right of the map
            sides.append(replace(panel, width=3.2, height=2.6, margin=0.65, titled=True))
        elif kind == "signal":
            panel, contacts = signal_panel(recording, name, view)
            stack.append(panel)
            sites += [contacts] if contacts is not None else []
    if ("geometry", "") in parts:
        sides.insert(0, panels.cells_panel(recording, sites, view))
    return figures.compose(stack, sides, size=size, title=title, time=view.time)


def _resolve(recording: Recording, what: Sequence[str] | None) -> list[tuple[str, str]]:
    """Parts to draw as (kind, name)."""
    held = _held(recording)
    if not held:
        raise InputError("recording holds nothing to draw", source=recording.name)
    if what is None:
        return _without_excess([p for p in held if p != ("report", "imem")] or held)
    found = []
    for token in what:
        matching = [p for p in held if _answers(token, *p)]
        if not matching:
            known = {"signals" if kind == "signal" else kind for kind, _ in held} - {"report"}
            known |= {name for kind, name in held if kind in ("report", "signal")}
            raise UsageError(
                f"recording holds no '{token}' to draw", remedy=nearest(token, known, "part")
            )
        found += [p for p in matching if p not in found]
    return found


def _answers(token: str, kind: str, name: str) -> bool:
    if token == "signals":
        return kind == "signal"
    return token == (name if kind in ("report", "signal") else kind)


def _held(recording: Recording) -> list[tuple[str, str]]:
    held = [("geometry", "")] if recording.populations else []
    held += [("spikes", "")] if recording.spike_populations else []
    held += [("report", v) for v in recording.reports]
    held += [("topography", n) for n in recording.signals if has_topography(recording.signal(n))]
    held += [("signal", n) for n in recording.signals]
    groups = recording.dipole_groups
    shown = ["total"] if "total" in groups else groups[:_MOST_DIPOLES]
    return held + [("dipole", g) for g in shown]


def _without_excess(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    signals = [p for p in parts if p[0] == "signal"]
    left_out = [
        (kind, name) for _, name in signals[_MOST_SIGNALS:] for kind in ("signal", "topography")
    ]
    if left_out:
        warnings.warn(
            f"{len(signals)} signals; the first {_MOST_SIGNALS} are drawn, choose with --signal",
            LfpWarning,
            stacklevel=2,
        )
    return [p for p in parts if p not in left_out]
