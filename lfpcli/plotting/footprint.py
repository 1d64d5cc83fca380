"""Extracellular spikes at the contacts of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from lfpcli.plotting.style import palette
from lfpcli.plotting.units import duration, nice_length, shown_unit

# contacts around those that see this share of the largest amplitude are drawn
_SEEN = 0.06
# of the contacts' distances: how wide a waveform is, and how high the largest; of few rows it may
# be no higher than these are apart
_WIDE, _HIGH, _HIGH_OF_FEW = 0.85, 2.2, 0.85
_MANY_ROWS = 8
_MOST = 120


def draw_footprint(
    ax: Axes,
    contacts: np.ndarray,
    waveforms: np.ndarray,
    *,
    dt: float,
    units: str,
    title: str,
) -> int:
    """Draw waveforms at their contacts, the largest in a colour, with bars for time and voltage.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    contacts : ndarray, shape (C, 2)
        In the plane of the array, um.
    waveforms : ndarray, shape (C, T)
        One for each contact.
    dt : float
        Sampling interval, ms.
    units : str
        Unit of the waveforms.
    title : str
        Heading.

    Returns
    -------
    int
        How many contacts are drawn.
    """
    ax.set_title(title)
    amplitude = np.ptp(waveforms, axis=1)
    near = _around(contacts, amplitude)
    if len(near) > _MOST:
        # those beside the strongest: more waveforms cannot be told apart
        apart = np.linalg.norm(contacts[near] - contacts[np.argmax(amplitude)], axis=1)
        near = np.sort(near[np.argsort(apart, kind="stable")[:_MOST]])
    spots, shown = contacts[near], waveforms[near]
    gap_x, gap_y = _gaps(spots)
    rows = len(np.unique(spots[:, 1].round(3)))
    high = gap_y * np.interp(rows, (2, _MANY_ROWS), (_HIGH_OF_FEW, _HIGH))
    peak = float(amplitude.max()) or 1.0
    level = shown[:, :1]
    across = np.linspace(-0.5, 0.5, shown.shape[1]) * _WIDE * gap_x
    x = spots[:, :1] + across
    y = spots[:, 1:] + (shown - level) * (high / peak)
    strongest = np.argmax(amplitude[near])
    seen = amplitude[near] >= _SEEN * peak
    colours = [palette().ink if loud else palette().faint for loud in seen]
    colours[strongest] = palette().colours[1]
    lines = LineCollection(
        list(np.stack([x, y], axis=2)), colors=colours, linewidths=0.7, capstyle="round"
    )
    ax.add_collection(lines)
    ax.scatter(
        spots[:, 0],
        spots[:, 1],
        s=9,
        c=palette().faint,
        marker="s",
        alpha=0.5,
        linewidths=0,
        zorder=1,
    )
    _fit(ax, spots, y, gaps=(gap_x, gap_y), high=high)
    span = dt * (shown.shape[1] - 1)
    _bars(ax, unit_x=_WIDE * gap_x / span, unit_y=high / peak, peak=peak, units=units)
    return len(spots)


def _fit(
    ax: Axes, spots: np.ndarray, y: np.ndarray, *, gaps: tuple[float, float], high: float
) -> None:
    """Fit the axes to contacts (C, 2) and the heights (C, T) of their waveforms."""
    gap_x, gap_y = gaps
    margin = np.array([0.7 * gap_x, 0.5 * gap_y + 0.4 * high])
    low, top = spots.min(axis=0) - margin, spots.max(axis=0) + margin
    # the bars stand below the lowest contact
    low[1] -= 0.6 * high
    ax.set_xlim(low[0], top[0])
    ax.set_ylim(min(low[1], float(y.min()) - 0.5 * gap_y), max(top[1], float(y.max())))
    ax.set_aspect("auto")
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)


def _around(contacts: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Contacts in the rectangle around those that see the spike."""
    seen = contacts[amplitude >= _SEEN * amplitude.max()]
    low, high = seen.min(axis=0) - 1e-6, seen.max(axis=0) + 1e-6
    return np.flatnonzero(np.all((contacts >= low) & (contacts <= high), axis=1))


def _gaps(spots: np.ndarray) -> tuple[float, float]:
    """Distances between neighbouring contacts across and along the array, um."""
    rows = np.unique(spots[:, 1].round(3))
    gap_y = float(np.diff(rows).min()) if len(rows) > 1 else 20.0
    gaps = []
    for row in rows:
        beside = np.sort(spots[np.abs(spots[:, 1] - row) < 1e-2, 0])
        gaps += list(np.diff(beside))
    return (float(min(gaps)) if gaps and min(gaps) > 0 else gap_y), gap_y


def _bars(ax: Axes, *, unit_x: float, unit_y: float, peak: float, units: str) -> None:
    """Bars below the array: a time and a voltage."""
    (x0, x1), (y0, _) = ax.get_xlim(), ax.get_ylim()
    label, factor = shown_unit(units, peak)
    voltage = nice_length(0.6 * peak * factor)
    length = nice_length(0.5 * 0.25 * (x1 - x0) / unit_x) if unit_x else 1.0
    x, y = x0 + 0.05 * (x1 - x0), y0
    high, wide = voltage / factor * unit_y, length * unit_x
    ax.plot([x, x, x + wide], [y + high, y, y], color=palette().ink, linewidth=1.0, clip_on=False)
    small: dict[str, Any] = {"fontsize": 7, "color": palette().ink, "textcoords": "offset points"}
    ax.annotate(f"{voltage:g} {label}", (x, y + 0.5 * high), (4, 0), va="center", **small)
    ax.annotate(duration(length), (x, y), (0, -3), va="top", **small)
