"""Filters and resampling of signals, time along the first axis."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy import signal

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.treatment import FILTER_ORDER, Band, Treatment, check_band

LARGEST_FACTOR = 100_000
"""Largest whole number by which `resample` multiplies or divides a rate."""


def filtered(samples: np.ndarray, dt: float, treatment: Treatment) -> np.ndarray:
    """Mix, filter and resample as a treatment says; all of it is linear.

    Parameters
    ----------
    samples : ndarray, shape (T, C)
        Any unit; of a mixture of several parts, their channels one after another.
    dt : float
        Their sampling interval, ms.
    treatment : Treatment
        Its noise is left out.

    Returns
    -------
    ndarray, shape (T', C)
        At intervals of the treatment's `resample`, where that is given.
    """
    if treatment.mixture is not None:
        samples = treatment.mixture.mixed(samples, dt)
    if treatment.band is not None:
        low, high = treatment.band
        samples = butterworth(samples, dt, low=low, high=high, order=treatment.order)
    if treatment.resample is not None:
        samples = resample(samples, dt, treatment.resample)
    return samples


def check_treatment(treatment: Treatment, dt: float, samples: int) -> None:
    """Check that a signal can be filtered and resampled, before there is one.

    Parameters
    ----------
    treatment : Treatment
        What is to be done.
    dt : float
        Sampling interval of the signal, ms.
    samples : int
        Number of its samples.

    Raises
    ------
    UsageError, InputError
        As `butterworth` and `resample`.
    """
    if treatment.band is not None:
        _padded_sections(treatment.band, dt, treatment.order, samples)
    if treatment.resample is not None:
        _ratio(dt, treatment.resample)


def butterworth(
    data: ArrayLike,
    dt: float,
    low: float | None,
    high: float | None,
    order: int = FILTER_ORDER,
) -> np.ndarray:
    """Butterworth filter with zero phase.

    The filter runs forwards and backwards over the signal, so that nothing is delayed; the gain
    is the square of that of one pass, 1/2 at the corners. The ends are padded with the signal
    turned about its end points.

    Parameters
    ----------
    data : array_like, shape (T, ...)
        Signal, any unit.
    dt : float
        Sampling interval, ms.
    low, high : float or None
        Corners of the pass band, Hz; None leaves that side open.
    order : int
        Order of one pass, from 1 on.

    Returns
    -------
    ndarray, shape (T, ...)
        The filtered signal, float64.

    Raises
    ------
    UsageError
        Where the corners are not between 0 and the Nyquist frequency, or the order is none.
    InputError
        Where the signal is not finite, or too short for the filter.
    """
    values = _checked_signal(data)
    sections, padding = _padded_sections(Band(low, high), dt, order, len(values))
    return np.asarray(signal.sosfiltfilt(sections, values, axis=0, padlen=padding))


def _padded_sections(band: Band, dt: float, order: int, samples: int) -> tuple[np.ndarray, int]:
    """Second-order sections of a filter, and how far the ends of a signal are padded."""
    sections = butterworth_sections(band, dt, order)
    # as many samples as scipy pads by itself; shorter signals have no ends to turn about
    padding = 3 * (2 * len(sections) + 1)
    if samples <= padding:
        raise InputError(
            f"signal of {samples} samples is too short for the filter, "
            f"which needs more than {padding}"
        )
    return sections, padding


def butterworth_sections(band: Band, dt: float, order: int) -> np.ndarray:
    """Second-order sections of one pass of a Butterworth filter, shape (n, 6).

    Parameters
    ----------
    band : Band
        Corners, Hz.
    dt : float
        Sampling interval, ms.
    order : int
        Order, from 1 on.

    Raises
    ------
    UsageError
        Where the corners are not between 0 and the Nyquist frequency, or the order is none.
    """
    low, high = band
    rate = 1000.0 / _checked_interval(dt)
    check_band(low, high)
    for corner in (low, high):
        if corner is not None and not 0 < corner < rate / 2:
            raise UsageError(
                f"filter corner {corner:g} Hz is not between 0 and half the sampling rate, "
                f"{rate / 2:g} Hz (dt {dt:g} ms)"
            )
    if order < 1 or order != int(order):
        raise UsageError(f"filter order is {order}, expected 1, 2, 3 ...")
    return _sections(low, high, rate, int(order))


def resample(data: ArrayLike, dt: float, to_dt: float) -> np.ndarray:
    """Change the sampling interval by a polyphase filter that keeps aliases out.

    Sample 0 stays where it is: sample k of the result is at k `to_dt`, as long as that is before
    T `dt`. The ends are padded along the line between the first and the last sample.

    Parameters
    ----------
    data : array_like, shape (T, ...)
        Signal, any unit.
    dt, to_dt : float
        Sampling intervals before and after, ms. Their ratio must be one of whole numbers up to
        100,000.

    Returns
    -------
    ndarray, shape (T', ...)
        The resampled signal, float64; T' = ceil(T dt / to_dt).

    Raises
    ------
    UsageError
        Where the intervals are not positive or their ratio is none of whole numbers.
    InputError
        Where the signal is not finite.
    """
    samples = _checked_signal(data)
    ratio = _ratio(dt, to_dt)
    if ratio == 1:
        return np.array(samples)
    up, down = ratio.numerator, ratio.denominator
    return np.asarray(signal.resample_poly(samples, up, down, axis=0, padtype="line"))


def _ratio(dt: float, to_dt: float) -> Fraction:
    """Ratio of two sampling intervals, in small whole numbers."""
    wanted = _checked_interval(dt) / _checked_interval(to_dt)
    # intervals such as 0.025 ms are no binary fractions; their ratio is meant to be whole
    ratio = Fraction(wanted).limit_denominator(LARGEST_FACTOR)
    if not 0 < ratio.numerator <= LARGEST_FACTOR or abs(float(ratio) / wanted - 1) > 1e-9:
        raise UsageError(
            f"sampling intervals {dt:g} and {to_dt:g} ms are in no ratio of whole numbers",
            remedy="choose another interval",
        )
    return ratio


def _sections(low: float | None, high: float | None, rate: float, order: int) -> np.ndarray:
    if low is None:
        return np.asarray(signal.butter(order, high, btype="lowpass", fs=rate, output="sos"))
    if high is None:
        return np.asarray(signal.butter(order, low, btype="highpass", fs=rate, output="sos"))
    return np.asarray(signal.butter(order, (low, high), btype="bandpass", fs=rate, output="sos"))


def _checked_interval(dt: float) -> float:
    if not (math.isfinite(dt) and dt > 0):
        raise UsageError(f"sampling interval is {dt:g} ms, expected more than 0")
    return float(dt)


def _checked_signal(data: ArrayLike) -> np.ndarray:
    try:
        samples = np.asarray(data, dtype=float)
    except (TypeError, ValueError):
        raise InputError("signal does not consist of numbers") from None
    if samples.ndim == 0 or samples.size == 0:
        raise InputError(f"signal is empty, shape {samples.shape}")
    if not np.all(np.isfinite(samples)):
        first = int(np.argwhere(~np.isfinite(samples))[0][0])
        raise InputError(f"signal is not finite at sample {first}")
    return samples
