"""Power spectra of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lfpcli.plotting.notes import say
from lfpcli.plotting.units import shown_unit

# decades of power that are shown below the largest
_DECADES = 6.0
_MOST_NAMED = 6


def draw_spectra(
    ax: Axes,
    frequencies: np.ndarray,
    density: np.ndarray,
    labels: Sequence[str],
    *,
    units: str,
    title: str,
    colours: Sequence[Any],
) -> None:
    """Draw power spectral densities over frequency, both on scales of decades.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    frequencies : ndarray, shape (F,)
        Hz; the first, 0, has no place on the axis.
    density : ndarray, shape (F, C)
        In the unit squared over Hz.
    labels : sequence of str
        Names of the channels.
    units : str
        Unit of the samples.
    title : str
        Heading.
    colours : sequence
        One for each channel.
    """
    ax.set_title(title)
    peak = float(density[1:].max(initial=0.0))
    if peak <= 0:
        say(ax, "no power")
        return
    label, factor = shown_unit(units, float(np.sqrt(peak * frequencies[1])))
    floor = factor**2 * peak * 10**-_DECADES
    for k, name in enumerate(labels):
        line = factor**2 * density[1:, k]
        ax.loglog(frequencies[1:], line, color=colours[k], label=name, linewidth=0.8)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, floor), high)
    ax.set_xlim(frequencies[1], frequencies[-1])
    ax.set_xlabel("frequency (Hz)")
    squared = f"({label})²" if "/" in label else f"{label}²"
    ax.set_ylabel(f"power ({squared}/Hz)")
    if len(labels) > 1:
        every = -(-len(labels) // _MOST_NAMED)
        handles = ax.lines[::every][::-1]
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.05),
            handlelength=1.0,
            handletextpad=0.5,
            labelspacing=0.25,
            borderaxespad=0.2,
        )
