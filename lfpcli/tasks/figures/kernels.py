"""Figures of kernels: what a spike of one population adds to the signal of another's cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpcli.errors import UsageError, nearest
from lfpcli.io.kernels import Kernels, open_kernels
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Panel, Size
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.traces import draw_stack
from lfpcli.tasks.figures.channels import depth_axis

# channels that are told apart in one panel
_MOST = 24
_ROW, _LEAST = 0.16, 1.6


def draw_kernels(
    path: Path,
    *,
    signals: Sequence[str] = (),
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the kernels of each pair of populations as traces, from the lowest channel up.

    Parameters
    ----------
    path : Path
        File of kernels.
    signals : sequence of str
        Signals to draw; all by default.
    size : tuple of two floats, optional
        Width and height, inches.
    title : str, optional
        Heading.

    Raises
    ------
    UsageError
        Where there is no such signal.
    InputError
        Where the file is not what it should be.
    """
    panels = []
    with open_kernels(path) as stored:
        names = [kernels.name for kernels in stored]
        for name in signals:
            if name not in names:
                raise UsageError(f"no signal '{name}'", remedy=nearest(name, names, "signal"))
        for kernels in stored:
            if not signals or kernels.name in signals:
                panels += [_panel(kernels, pair) for pair in kernels.values]
    return figures.compose(panels, size=size, title=title)


def _panel(kernels: Kernels, pair: tuple[str, str]) -> Panel:
    values = kernels.values[pair]
    order = np.arange(values.shape[1])
    if kernels.positions is not None:
        order = np.argsort(kernels.positions[:, depth_axis(kernels.positions)], kind="stable")
    # of many channels some are drawn, spread evenly over the depth
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), _MOST)).astype(int))]
    labels = [kernels.names[k] if kernels.names else str(k) for k in shown]
    pre, post = pair

    def draw(ax: Axes) -> None:
        draw_stack(
            ax,
            kernels.dt * np.arange(len(values)),
            values[:, shown],
            labels,
            units=kernels.units,
            title=f"{kernels.name}: a spike of {pre}, by the cells of {post}",
        )
        if len(shown) < len(order):
            add_note(ax, f"{len(shown)} of {len(order)} channels")

    return Panel(draw, max(_LEAST, _ROW * len(shown)))
