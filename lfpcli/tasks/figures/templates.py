"""Figures of templates: one cell's spike on an array, at one of many placements."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import CheckedDataset, attribute_number, numbers, whole
from lfpcli.io.recording import open_hdf5
from lfpcli.io.text import as_text
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Panel, Size
from lfpcli.plotting.footprint import draw_footprint
from lfpcli.plotting.notes import add_note
from lfpcli.tasks.figures.channels import plane_of

_AGAIN = "make them again with 'lfp probe --placements'"

_WIDTH, _HEIGHT = 3.4, 4.6


def draw_templates(
    path: Path,
    name: str,
    *,
    placement: int | None = None,
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the template of one placement at the contacts.

    Parameters
    ----------
    path : Path
        File of templates.
    name : str
        What to call it in messages.
    placement : int, optional
        Which placement; by default the one of largest amplitude.
    size : tuple of two floats, optional
        Width and height, inches.
    title : str, optional
        Heading.

    Raises
    ------
    UsageError
        Where there is no such placement.
    InputError
        Where the file is not what it should be.
    """
    with open_hdf5(path, name) as (file, label):
        templates, contacts = _datasets(file, label)
        count = templates.shape[0]
        if placement is not None and not 0 <= placement < count:
            raise UsageError(f"no placement {placement}", remedy=f"there are 0 to {count - 1}")
        chosen = _largest(templates) if placement is None else placement
        waveforms = np.asarray(templates[chosen], dtype=float)
        dt = attribute_number(templates, "dt", templates.source, remedy=_AGAIN)
        units = as_text(templates.attrs.get("units", ""))
    if not np.all(np.isfinite(waveforms)) or not dt > 0:
        raise InputError(
            "templates are not finite, or have no interval",
            source=f"{label}:/templates",
            remedy=_AGAIN,
        )
    right, up = plane_of(contacts)
    which = "largest" if placement is None else "one"

    def draw(ax: Axes) -> None:
        drawn = draw_footprint(
            ax,
            contacts[:, [right, up]],
            waveforms,
            dt=dt,
            units=units,
            title=f"template of placement {chosen}",
        )
        ax.set_ylabel(f"{'xyz'[up]} (µm)")
        add_note(ax, f"{which} of {count}; {drawn} of {len(contacts)} contacts")

    panel = Panel(draw, _HEIGHT, timed=False)
    inches = figures.scaled_size(size, (_WIDTH + 1.6, _HEIGHT + 1.0))
    return figures.compose([panel], size=inches, title=title)


def _datasets(file: h5py.File, label: str) -> tuple[CheckedDataset, np.ndarray]:
    """Templates (P, C, T), mV, and contacts (C, 3), um."""
    templates = numbers(file, "templates", label, ndim=3, remedy=_AGAIN)
    places = whole(numbers(file, "contacts", label, ndim=2, remedy=_AGAIN))
    if places.shape != (templates.shape[1], 3) or 0 in templates.shape:
        raise InputError(
            f"templates of shape {templates.shape} and contacts of shape {places.shape}",
            source=f"{label}:/templates",
            remedy=_AGAIN,
        )
    return templates, places


def _largest(templates: CheckedDataset) -> int:
    """The placement of largest amplitude, read one by one."""
    sizes = [float(np.ptp(templates[k], axis=1).max()) for k in range(templates.shape[0])]
    return int(np.argmax(sizes))
