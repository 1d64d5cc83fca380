"""Waveforms added to a signal wherever a spike is: the sparse convolution of spikes."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.kernels import _convolve
from lfpcli.kernels.threads import threads_for

# additions that take as long as the potential of a pair of contact and segment
_ADDITIONS_OF_PAIR = 16


def add_waveforms(
    signal: np.ndarray,
    waveforms: np.ndarray,
    rows: np.ndarray,
    begins: np.ndarray,
    gains: np.ndarray,
    *,
    threads: int | None = None,
) -> None:
    """Add a waveform to a signal for each of n events; the bits do not depend on threads.

    Parameters
    ----------
    signal : ndarray of float64, shape (T, C), contiguous
        What is added to, any unit.
    waveforms : ndarray of float32, shape (W, L, C), contiguous
        In the unit of the signal.
    rows : ndarray of int, shape (n,)
        The waveform of each event, 0 to W - 1.
    begins : ndarray of int, shape (n,)
        Sample of the signal on which the waveform's first one falls; parts before the begin of
        the signal and behind its end are left out.
    gains : ndarray of float64, shape (n, 1) or (n, C)
        Factors of whole waveforms, or of each of their channels.
    threads : int, optional
        How many share the channels; as many as are worth it where left out.

    Raises
    ------
    UsageError
        Where shapes or types do not go together.
    """
    count = len(rows)
    if signal.ndim != 2 or signal.dtype != np.float64 or not signal.flags.c_contiguous:
        raise UsageError(f"signal is {signal.dtype} of shape {signal.shape}, or not contiguous")
    channels = signal.shape[1]
    if waveforms.ndim != 3 or waveforms.shape[2] != channels or waveforms.dtype != np.float32:
        raise UsageError(
            f"waveforms are {waveforms.dtype} of shape {waveforms.shape}, expected float32 of"
            f" (W, L, {channels})"
        )
    if begins.shape != (count,) or gains.shape not in ((count, 1), (count, channels)):
        raise UsageError(
            f"{count} waveforms, but begins of shape {begins.shape} and gains of {gains.shape}"
        )
    if count and not 0 <= rows.min() <= rows.max() < len(waveforms):
        raise UsageError(f"an event names a waveform beyond the {len(waveforms)} there are")
    if threads is None:
        threads = threads_for(count * waveforms.shape[1] * channels // _ADDITIONS_OF_PAIR)
    _convolve.add_waveforms(
        signal,
        np.ascontiguousarray(waveforms),
        np.ascontiguousarray(rows, dtype=np.int64),
        np.ascontiguousarray(begins, dtype=np.int64),
        np.ascontiguousarray(gains, dtype=np.float64),
        threads,
    )
