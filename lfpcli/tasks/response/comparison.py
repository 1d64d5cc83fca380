"""How much of a simulated signal kernels and spikes explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal

from lfpcli.forward.convolution import binned, convolved
from lfpcli.io.kernels import Kernels
from lfpcli.io.recording import Recording

_DIPOLE = "dipole"
LOW = 300.0
"""Hz, below which a signal is a local field potential."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How a signal x agrees with that of kernels and spikes, y; both less their means.

    Attributes
    ----------
    variance : float
        Share of the variance that is explained: 1 - sum (x - y)^2 / sum x^2 over channels and
        samples.
    correlation : float
        sum x y / sqrt(sum x^2 sum y^2).
    low : float
        Share of the variance below `LOW` (Butterworth of order 4, both ways); NaN where all is
        below.
    """

    variance: float
    correlation: float
    low: float


def agreements(kernels: Sequence[Kernels], recording: Recording) -> dict[str, Agreement]:
    """How far kernels and spikes explain the signals of a run.

    They are compared from the length of a kernel on, before which spikes are missing.

    Parameters
    ----------
    kernels : sequence of Kernels
        Kernels of signals.
    recording : Recording
        A run of the network, with its spikes and some of the signals.

    Returns
    -------
    dict of str to Agreement
        By the name of the signal; those that the run has not, or at another sampling interval, or
        that are not longer than a kernel, are left out.
    """
    told: dict[str, Agreement] = {}
    for each in kernels:
        if each.name == _DIPOLE and "total" in recording.dipole_groups:
            stored = recording.dipole("total")
        elif each.name in recording.signals:
            stored = recording.signal(each.name)
        else:
            continue
        length = len(next(iter(each.values.values())))
        samples = stored.data.shape[0]
        if abs(stored.dt - each.dt) > 1e-9 * each.dt or samples < 2 * length:
            continue
        expected = _expected(each, recording, stored.data.shape, begin=stored.t_start)
        whole = np.asarray(stored.data[:], float)
        told[each.name] = _agreement(whole, expected, dt=each.dt, first=length)
    return told


def _expected(
    kernels: Kernels, recording: Recording, shape: tuple[int, ...], *, begin: float
) -> np.ndarray:
    """Samples (T, C) that kernels and the spikes of a run make, from a time on, ms."""
    expected = np.zeros(shape)
    for (pre, _), kernel in kernels.values.items():
        times, _ids = recording.spikes(pre)
        moments = times - begin
        counts = binned(moments[moments >= 0], kernels.dt, shape[0])
        expected += convolved(counts, kernel, 0, shape[0])
    return expected


def _agreement(whole: np.ndarray, expected: np.ndarray, *, dt: float, first: int) -> Agreement:
    """Agreement of samples (T, C) from one on, every dt ms."""
    recorded = whole[first:] - whole[first:].mean(axis=0)
    predicted = expected[first:] - expected[first:].mean(axis=0)
    power = np.sum(recorded**2)
    if not power > 0:
        return Agreement(variance=np.nan, correlation=np.nan, low=np.nan)
    both = np.sqrt(power * np.sum(predicted**2))
    low = np.nan
    if 2 * LOW * dt < 1000.0:
        filtered = signal.butter(4, LOW, fs=1000.0 / dt, output="sos")
        slow = signal.sosfiltfilt(filtered, recorded, axis=0)
        rest = signal.sosfiltfilt(filtered, recorded - predicted, axis=0)
        low = float(1.0 - np.sum(rest**2) / np.sum(slow**2))
    return Agreement(
        variance=float(1.0 - np.sum((recorded - predicted) ** 2) / power),
        correlation=float(np.sum(recorded * predicted) / both) if both > 0 else 0.0,
        low=low,
    )
