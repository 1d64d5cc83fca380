"""Power spectra, their bands, and coherence of the channels of a signal."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from lfpcli.errors import InputError

# Hz; Buzsaki and Draguhn 2004, Science 304:1926, with the gamma band in two
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "beta": (12.0, 30.0),
    "gamma": (30.0, 100.0),
    "high gamma": (100.0, 200.0),
}
_LEAST_SAMPLES = 16
# windows of Welch's average: at least so many over the samples, with half of each shared
_WINDOWS = 8
_MOST_WINDOWS = 1500


def _filters() -> ModuleType:
    """SciPy's filters, which take half a second to load: figures without spectra do without."""
    return importlib.import_module("scipy.signal")


def window_samples(count: int) -> int:
    """Samples of a window of Welch's method, for `count` samples: a ninth of them, doubled."""
    # n windows that overlap by half are (n + 1) / 2 of their lengths long
    return max(_LEAST_SAMPLES, 2 * count // (_WINDOWS + 1))


def power_spectrum(samples: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density of channels.

    Welch 1967 (IEEE Trans Audio Electroacoust 15:70): windows of Hann that share half, eight of
    them, each less its mean; one-sided, so that its sum times the step in frequency is the
    variance.

    Parameters
    ----------
    samples : ndarray, shape (T, C)
        In any unit U.
    dt : float
        Sampling interval, ms.

    Returns
    -------
    frequencies : ndarray, shape (F,)
        Hz.
    density : ndarray, shape (F, C)
        U^2/Hz.

    Raises
    ------
    InputError
        Where there are fewer than 16 samples.
    """
    if len(samples) < _LEAST_SAMPLES:
        raise InputError(
            f"a spectrum needs {_LEAST_SAMPLES} samples or more, there are {len(samples)}",
            remedy="widen the span: --time",
        )
    frequencies, density = _filters().welch(
        samples, fs=1e3 / dt, nperseg=window_samples(len(samples)), axis=0
    )
    return np.asarray(frequencies), np.asarray(density)


def spectrogram(samples: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Power spectral density of a channel in windows that follow each other.

    Windows of Hann, each less its mean, that share seven eighths; as long as makes frequencies and
    times alike fine: the power of two nearest to the root of four times the samples.

    Parameters
    ----------
    samples : ndarray, shape (T,)
        In any unit U.
    dt : float
        Sampling interval, ms.

    Returns
    -------
    times : ndarray, shape (M,)
        Middles of the windows after the first sample, ms.
    frequencies : ndarray, shape (F,)
        Hz.
    density : ndarray, shape (F, M)
        U^2/Hz.
    window : float
        Length of a window, ms.

    Raises
    ------
    InputError
        Where there are fewer than 16 samples.
    """
    if len(samples) < _LEAST_SAMPLES:
        raise InputError(
            f"a spectrogram needs {_LEAST_SAMPLES} samples or more, there are {len(samples)}",
            remedy="widen the span: --time",
        )
    count = 2 ** round(np.log2(np.sqrt(4.0 * len(samples))))
    # many windows in time are more than a picture can show
    step = max(count // 8, len(samples) // _MOST_WINDOWS, 1)
    frequencies, times, density = _filters().spectrogram(
        samples, fs=1e3 / dt, window="hann", nperseg=count, noverlap=max(count - step, 0)
    )
    return 1e3 * times, frequencies, density, count * dt


def band_power(frequencies: np.ndarray, density: np.ndarray, low: float, high: float) -> np.ndarray:
    """Power of channels in a band: the sum of the density there times its step.

    Parameters
    ----------
    frequencies : ndarray, shape (F,)
        Evenly spaced, Hz.
    density : ndarray, shape (F, C)
        U^2/Hz.
    low, high : float
        The band, Hz; its lower end belongs to it.

    Returns
    -------
    ndarray, shape (C,)
        U^2; NaN where no frequency of the spectrum lies in the band.
    """
    inside = (frequencies >= low) & (frequencies < high)
    # a short signal has no frequency in a narrow band
    if not inside.any():
        return np.full(density.shape[1], np.nan)
    step = frequencies[1] - frequencies[0]
    return np.asarray(density[inside].sum(axis=0) * step)


def coherence(samples: np.ndarray, others: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude-squared coherence of pairs of channels, by Welch's averages.

    Parameters
    ----------
    samples, others : ndarray, shape (T, C)
        Channel k of one goes with channel k of the other, in any units.
    dt : float
        Sampling interval, ms.

    Returns
    -------
    frequencies : ndarray, shape (F,)
        Hz.
    coherence : ndarray, shape (F, C)
        0 to 1, without unit; 0 where a channel has no power.
    """
    window = window_samples(len(samples))
    with np.errstate(invalid="ignore", divide="ignore"):
        frequencies, values = _filters().coherence(
            samples, others, fs=1e3 / dt, nperseg=window, axis=0
        )
    return np.asarray(frequencies), np.nan_to_num(np.asarray(values))
