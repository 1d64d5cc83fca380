"""Statistics of signals: what spikes leave in them, and the sources that they tell of."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError

_EVEN = 1e-6
_LEAST_CHANNELS = 3


def triggered_mean(
    samples: np.ndarray, rows: np.ndarray, before: int, after: int
) -> tuple[np.ndarray, int]:
    """Mean of a signal about events.

    Parameters
    ----------
    samples : ndarray, shape (T, C)
        In any unit.
    rows : ndarray of int, shape (S,)
        Samples of the events.
    before, after : int
        Samples before and after an event; events whose window leaves the signal do not count.

    Returns
    -------
    mean : ndarray, shape (before + after + 1, C)
        In the unit of the samples; NaN where no event counts.
    events : int
    """
    # events whose windows are cut by the ends would weigh parts of the mean otherwise
    inside = rows[(rows >= before) & (rows + after < len(samples))]
    mean = np.zeros((before + after + 1, samples.shape[1]))
    for row in inside:
        mean += samples[row - before : row + after + 1]
    if not len(inside):
        return np.full_like(mean, np.nan), 0
    return mean / len(inside), len(inside)


def spike_features(waveform: np.ndarray, dt: float) -> dict[str, float]:
    """Size and widths of an extracellular spike.

    Parameters
    ----------
    waveform : ndarray, shape (T,)
        In any unit U, with the resting level about 0 at its begin.
    dt : float
        Sampling interval, ms.

    Returns
    -------
    dict of str to float
        ``amplitude`` from the trough to the peak that follows, U; ``width_ms`` between the two
        (trough to peak: Bartho et al. 2004, J Neurophysiol 92:600); ``half_width_ms``, how long the
        waveform is below half of the trough, between samples by straight lines, NaN where its
        window is too short;
        ``repolarisation``, the steepest rise from trough to peak, U/ms.
    """
    trough = int(np.argmin(waveform))
    # the peak of repolarisation, after the trough; one before it belongs to the rising phase
    peak = trough + int(np.argmax(waveform[trough:]))
    rise = np.diff(waveform[trough : peak + 1]) / dt
    return {
        "amplitude": float(waveform[peak] - waveform[trough]),
        "width_ms": dt * (peak - trough),
        "half_width_ms": dt * _width_below(waveform, trough, 0.5 * float(waveform[trough])),
        "repolarisation": float(rise.max(initial=0.0)),
    }


def _width_below(waveform: np.ndarray, trough: int, level: float) -> float:
    """Samples between the crossings of a level about the trough; NaN where it is not crossed."""
    above = waveform >= level
    before = np.flatnonzero(above[:trough])
    after = np.flatnonzero(above[trough:])
    if not len(before) or not len(after):
        return float("nan")
    k = int(before[-1])
    # crossings between samples by straight lines
    left = k + (waveform[k] - level) / (waveform[k] - waveform[k + 1])
    k = trough + int(after[0])
    right = k - (waveform[k] - level) / (waveform[k] - waveform[k - 1])
    return float(right - left)


def standard_csd(potentials: np.ndarray, spacing: float, sigma: float) -> np.ndarray:
    """Current source density from the second difference of potentials along a line.

    ``-sigma (phi_(k+1) - 2 phi_k + phi_(k-1)) / h^2`` (Nicholson and Freeman 1975, J Neurophysiol
    38:356), which takes the currents to flow along the line alone.

    Parameters
    ----------
    potentials : ndarray, shape (T, C)
        Of contacts one above the other, mV.
    spacing : float
        h, um.
    sigma : float
        Conductivity, S/m.

    Returns
    -------
    ndarray, shape (T, C - 2)
        nA/um3, of all contacts but the first and the last.
    """
    # S/m mV / um2 is 1 nA/um3
    return np.asarray(-sigma * np.diff(potentials, n=2, axis=1) / spacing**2)


def line_spacing(positions: np.ndarray) -> tuple[np.ndarray, float]:
    """Order and distance of contacts that stand evenly on a line along z.

    Parameters
    ----------
    positions : ndarray, shape (C, 3)
        um.

    Returns
    -------
    order : ndarray of int, shape (C,)
        From the lowest contact to the highest.
    spacing : float
        um.

    Raises
    ------
    InputError
        Where they do not, or are fewer than three.
    """
    # channels of probes come in the order of wiring, not of depth
    order = np.argsort(positions[:, 2], kind="stable")
    gaps = np.diff(positions[order, 2])
    upright = np.ptp(positions[:, :2], axis=0).max(initial=0.0) <= _EVEN * np.ptp(positions[:, 2])
    if len(positions) < _LEAST_CHANNELS or not upright:
        raise InputError(
            "CSD needs three contacts or more on one line along z",
            remedy="name channels on a line: --channels",
        )
    if np.ptp(gaps) > _EVEN * gaps.max() or gaps.min() <= 0:
        raise InputError(
            "CSD needs contacts at equal distances",
            remedy="name channels at equal distances: --channels",
        )
    return order, float(gaps[0])
