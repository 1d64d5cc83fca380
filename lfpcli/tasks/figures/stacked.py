"""The panels of parts that stand below each other."""

from __future__ import annotations

from collections.abc import Callable

from lfpcli.io.recording import Recording
from lfpcli.plotting.figure import Panel
from lfpcli.tasks.figures import panels
from lfpcli.tasks.figures.array_panel import array_panel, footprint_panel
from lfpcli.tasks.figures.derived_panels import (
    shares_panels,
    spectra_panel,
    spectrogram_panels,
)
from lfpcli.tasks.figures.map_panel import map_panel
from lfpcli.tasks.figures.painted_panel import painted_panel
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.parts import Part


def stacked_panels(recording: Recording, part: Part, view: View) -> list[Panel]:
    """Panels of a part that is neither a signal, a topography nor the cells."""
    if part.content == "spikes":
        return panels.spikes_panels(recording, view)
    if part.content == "spectrogram":
        return spectrogram_panels(recording, part.name, view)
    if part.content == "shares":
        return shares_panels(recording, part.name, view)
    makers: dict[str, Callable[[Recording, str, View], Panel]] = {
        "report": panels.report_panel,
        "spectra": spectra_panel,
        "array": array_panel,
        "footprint": footprint_panel,
    }
    if part.content in makers:
        return [makers[part.content](recording, part.name, view)]
    return [panels.dipole_panel(recording, part.name, view)]


def panels_of_a_moment(recording: Recording, view: View) -> list[Panel]:
    """Panels of cells at one time, where they are asked for."""
    moments = []
    if view.paint is not None:
        moments.append(painted_panel(recording, view.paint, view))
    if view.map is not None:
        moments.append(map_panel(recording, view))
    return moments
