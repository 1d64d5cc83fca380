"""Power spectra of channels, and spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from lfpcli.plotting.notes import add_note, say
from lfpcli.plotting.traces import limit_ticks
from lfpcli.plotting.units import shown_unit

# decades of power that are shown below the largest
_DECADES = 6.0
_MOST_NAMED = 6
# more frequencies are drawn as means in bins, so many to a decade
_MOST_FREQUENCIES, _BINS = 600, 100
# decades of a spectrogram, and the power, of the largest, above which frequencies are shown
_DECADES_IN_TIME, _SHOWN = 4.0, 1e-4


def draw_spectra(
    ax: Axes,
    frequencies: np.ndarray,
    density: np.ndarray,
    labels: Sequence[str],
    *,
    units: str,
    title: str,
    colours: Sequence[Any],
    labelled: str = "",
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
    labelled : str
        What the names are, such as ``z (µm)``.
    """
    ax.set_title(title)
    peak = float(density[1:].max(initial=0.0))
    if peak <= 0:
        say(ax, "no power")
        return
    if len(frequencies) > _MOST_FREQUENCIES:
        frequencies, density = _by_decades(frequencies, density)
        add_note(ax, f"means in {_BINS} bins a decade")
    label, factor = _unit_of(units, peak, frequencies[1])
    floor = factor**2 * peak * 10**-_DECADES
    for k, name in enumerate(labels):
        line = factor**2 * density[1:, k]
        ax.loglog(frequencies[1:], line, color=colours[k], label=name, linewidth=0.8)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, floor), high)
    ax.set_xlim(frequencies[1], frequencies[-1])
    ax.set_xlabel("frequency (Hz)")
    ax.set_ylabel(f"power ({_per_hertz(label)})")
    if len(labels) > 1:
        every = -(-len(labels) // _MOST_NAMED)
        handles = ax.lines[::every][::-1]
        ax.legend(
            handles=handles,
            title=labelled or None,
            title_fontsize=7,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            handlelength=1.0,
            handletextpad=0.5,
            labelspacing=0.25,
            borderaxespad=0.2,
        )


def _by_decades(frequencies: np.ndarray, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means in bins as wide on the axis: high frequencies (F,), Hz, would fill it with ink.

    The first frequency, which the axis has no place for, and the density (F, C) stay.
    """
    last = frequencies[-1] / frequencies[1]
    steps = 10.0 ** (np.arange(np.ceil(np.log10(last) * _BINS) + 1) / _BINS)
    starts = np.unique(np.searchsorted(frequencies, frequencies[1] * steps * (1 - 1e-9)))
    starts = np.concatenate([[0], starts[starts < len(frequencies)]])
    counts = np.diff(np.append(starts, len(frequencies)))
    middle = np.add.reduceat(frequencies, starts) / counts
    return middle, np.add.reduceat(density, starts, axis=0) / counts[:, None]


def draw_spectrogram(
    ax: Axes,
    times: np.ndarray,
    frequencies: np.ndarray,
    density: np.ndarray,
    *,
    units: str,
    title: str,
    remark: str,
) -> None:
    """Draw the power spectral density of windows as colours of a logarithm.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    times : ndarray, shape (M,)
        Middles of the windows, ms, evenly spaced.
    frequencies : ndarray, shape (F,)
        Evenly spaced, Hz; the first is 0.
    density : ndarray, shape (F, M)
        In the unit squared over Hz.
    units : str
        Unit of the samples.
    title, remark : str
        Heading, and what the windows are.
    """
    ax.set_title(title)
    peak = float(density[1:].max(initial=0.0))
    if peak <= 0 or len(times) < 2:
        say(ax, "no power" if peak <= 0 else "too short a time for a spectrogram")
        return
    label, factor = _unit_of(units, peak, frequencies[1])
    loud = np.flatnonzero(density.max(axis=1) > _SHOWN * peak)
    last = max(int(loud[-1]) + 2, min(4, len(frequencies)))
    top = factor**2 * peak
    step, high = times[1] - times[0], frequencies[1]
    mesh = ax.pcolormesh(
        np.append(times, times[-1] + step) - 0.5 * step,
        np.append(frequencies[:last], frequencies[:last][-1] + high) - 0.5 * high,
        np.maximum(factor**2 * density[:last], 1e-3 * top * 10**-_DECADES_IN_TIME),
        cmap="viridis",
        norm=LogNorm(top * 10**-_DECADES_IN_TIME, top),
        shading="flat",
        rasterized=True,
    )
    ax.set_ylim(0.0, float(frequencies[:last][-1]))
    ax.set_ylabel("frequency (Hz)")
    limit_ticks(ax, 5)
    strip = ax.inset_axes((1.02, 0.0, 0.018, 1.0))
    bar = ax.figure.colorbar(mesh, cax=strip, extend="min")
    bar.set_label(_per_hertz(label))
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()
    add_note(ax, remark)


def _unit_of(units: str, peak: float, step: float) -> tuple[str, float]:
    """Unit in which the amplitude behind the largest density reads well, and its factor."""
    return shown_unit(units, float(np.sqrt(peak * step)))


def _per_hertz(label: str) -> str:
    squared = f"({label})²" if "/" in label else f"{label}²"
    return f"{squared}/Hz"
