"""Spikes of populations convolved with kernels."""

from __future__ import annotations

import numpy as np
from scipy import fft


def binned(times: np.ndarray, dt: float, samples: int) -> np.ndarray:
    """Spikes on samples, each shared by the two about it so that its time stays.

    Parameters
    ----------
    times : ndarray, shape (n,)
        ms, from 0 on.
    dt : float
        Sampling interval, ms.
    samples : int
        T.

    Returns
    -------
    ndarray, shape (T,)
        Spikes; they add up to n, but for those at the end.
    """
    places = times / dt
    first = places.astype(np.int64)
    rest = places - first
    counts = np.bincount(first, weights=1.0 - rest, minlength=samples + 1)
    counts += np.bincount(first + 1, weights=rest, minlength=len(counts))[: len(counts)]
    return np.asarray(counts[:samples])


def convolved(counts: np.ndarray, kernel: np.ndarray, first: int, last: int) -> np.ndarray:
    """Some samples of counts (T,) convolved with a kernel (L, C), in its unit.

    Parameters
    ----------
    counts : ndarray, shape (T,)
        Spikes per sample.
    kernel : ndarray, shape (L, C)
        What a spike adds, from its sample on.
    first, last : int
        Samples from `first` to below `last`.

    Returns
    -------
    ndarray, shape (last - first, C)
    """
    reach = len(kernel) - 1
    begin = max(first - reach, 0)
    piece = counts[begin:last]
    length = fft.next_fast_len(len(piece) + reach, real=True)
    spectrum = fft.rfft(kernel, length, axis=0) * fft.rfft(piece, length)[:, None]
    return np.asarray(fft.irfft(spectrum, length, axis=0)[first - begin : last - begin])
