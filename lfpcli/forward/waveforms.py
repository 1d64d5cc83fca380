"""Waveforms of spikes at times between samples, and how much of one is left after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from lfpcli.errors import UsageError

PHASES = 16
"""Phases between two samples that a spike may have."""
LARGEST = 1 << 30
"""Bytes of waveforms that are held; of more, fewer phases are."""


@dataclass(frozen=True, kw_only=True)
class PhasedWaveforms:
    """Waveforms at every phase between two samples.

    Attributes
    ----------
    samples : ndarray of float32, shape (W * phases, L, C)
        Those of waveform w begin at row w * phases; row w * phases + p is later by p / phases of
        a sample.
    phases : int
        Their number.
    before : int
        Samples of a waveform before its spike.
    """

    samples: np.ndarray
    phases: int
    before: int

    def events(self, times: np.ndarray, waveforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where waveforms go.

        Parameters
        ----------
        times : ndarray of int, shape (n,)
            Times of the spikes, in phases: `phases` of them are a sample.
        waveforms : ndarray of int, shape (n,)
            The waveform of each.

        Returns
        -------
        rows, begins : ndarray of int, shape (n,)
            Row of `samples`, and sample on which its first one falls.
        """
        samples, phase = np.divmod(times, self.phases)
        return waveforms * self.phases + phase, samples - self.before


def nearest_samples(times: np.ndarray, *, t_start: float, dt: float) -> np.ndarray:
    """Samples of a signal that are the nearest to spikes.

    Parameters
    ----------
    times : ndarray, shape (spikes,)
        Of the spikes, ms.
    t_start, dt : float
        Of the first sample, and between samples, ms.

    Returns
    -------
    ndarray of int64, shape (spikes,)
        May lie outside of the signal. With second order, currents are those of the middle of
        steps, so that spikes lie between two samples: the earlier one is taken for all, where
        rounding errors would choose either.
    """
    return np.ceil((times - t_start) / dt - 0.5 - 1e-6).astype(np.int64)


def phases_for(count: int, length: int, channels: int) -> int:
    """Phases of so many waveforms (length, channels) that fit into `LARGEST`, a power of two."""
    phases = PHASES
    while phases > 1 and count * phases * length * channels * 4 > LARGEST:
        phases //= 2
    return phases


def phased(waveforms: np.ndarray, *, before: int, taper: int, phases: int) -> PhasedWaveforms:
    """Shift waveforms by all phases of a sample.

    A waveform is band-limited by its sampling interval, so that its values between samples are
    known: those of its Fourier series (Oppenheim and Schafer 2010, Discrete-Time Signal
    Processing, ch. 4). Both its ends are led to zero by half a cosine, so that nothing steps.

    Parameters
    ----------
    waveforms : ndarray, shape (W, L, C)
        Any unit.
    before : int
        Samples of each before its spike.
    taper : int
        Samples at either end that are led to zero, less than half of them.
    phases : int
        Number of phases.

    Returns
    -------
    PhasedWaveforms
        With waveforms of L + 1 samples, as a shifted one ends later.

    Raises
    ------
    UsageError
        Where the ends are longer than the waveforms.
    """
    count, length, channels = waveforms.shape
    if not 0 <= 2 * taper < length:
        raise UsageError(
            f"ends of {taper} samples do not fit into waveforms of {length}",
            remedy="shorten the taper, or cut longer waveforms",
        )
    window = np.ones(length)
    rise = np.sin(0.5 * np.pi * (np.arange(taper) + 0.5) / max(taper, 1)) ** 2
    window[:taper], window[length - taper :] = rise, rise[::-1]
    padded = fft.next_fast_len(2 * length, real=True)
    turns = np.arange(padded // 2 + 1) / padded
    shifted = np.empty((count, phases, length + 1, channels), np.float32)
    for number, waveform in enumerate(waveforms):
        spectrum = fft.rfft(waveform * window[:, None], padded, axis=0)
        for phase in range(phases):
            if phase == 0:
                shifted[number, 0, :length] = waveform * window[:, None]
                shifted[number, 0, length] = 0.0
                continue
            delay = np.exp(-2j * np.pi * turns * phase / phases)
            moved = fft.irfft(spectrum * delay[:, None], padded, axis=0)
            shifted[number, phase] = moved[: length + 1]
    return PhasedWaveforms(
        samples=shifted.reshape(count * phases, length + 1, channels),
        phases=phases,
        before=before,
    )


def recovery(times: np.ndarray, units: np.ndarray, *, depth: float, tau: float) -> np.ndarray:
    """What is left of a spike's amplitude after the one before it.

    The factor is 1 - depth exp(-I / tau) after an interval I: spikes of a burst are smaller and
    recover, as seen in pyramidal cells (Harris et al. 2000, J Neurophysiol 84:401; the form with
    one time constant is the simplest that does).

    Parameters
    ----------
    times : ndarray, shape (n,)
        ms, ascending.
    units : ndarray of int, shape (n,)
        The unit of each spike.
    depth : float
        What a spike lacks at once after another, 0 to 1.
    tau : float
        Time constant, ms.

    Returns
    -------
    ndarray, shape (n,)
        1 for the first spike of each unit.
    """
    order = np.lexsort((times, units))
    intervals = np.full(len(times), np.inf)
    same = units[order][1:] == units[order][:-1]
    steps = np.diff(times[order])
    intervals[order[1:][same]] = steps[same]
    return np.asarray(1.0 - depth * np.exp(-intervals / tau))
