"""Noise of any length, made block by block; a sample depends on neither blocks nor channels beside.

White noise is drawn in pages, each from a stream that is keyed by seed, channel and page, and led
through a filter whose gain is the spectrum wanted. The noise has no begin: what is asked for is cut
from one that goes on in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import fft, signal
from scipy.spatial.distance import cdist

from lfpcli.errors import InputError
from lfpcli.forward.noise import EXPONENTS, check_shape, root_of
from lfpcli.forward.treatment import Noise
from lfpcli.seeds import StreamTable

PAGE = 1 << 14
"""Samples of a page of white noise."""
TAPS = 1 << 12
"""Taps of the filter that colours noise: its spectrum is flat below a TAPS-th of the rate."""
# pages before time 0 that may be asked for
_EARLIER = 1 << 20
# standard deviations, told from the median, beyond which a recording holds a spike, and how long
# about it is left out, ms (Quiroga et al. 2004, Neural Comput 16:1661)
_SPIKE, _ABOUT = 5.0, 2.0
SEGMENTS = 512
"""Segments that the noise of a long recording is told from."""
# values of a recording that is not long, and segments that the median is told from in a long one
_WHOLE, _TELLING = 1 << 26, 16
_HANN = signal.get_window("hann", TAPS)


@dataclass(frozen=True, kw_only=True)
class NoiseShape:
    """What noise looks like.

    Attributes
    ----------
    taps : ndarray, shape (K, C) or (K, 1)
        Filters of the channels, or one for all, of white noise of unit variance; in the unit of
        the signal. K = 1 leaves it white.
    mixture : ndarray, shape (C, C), or None
        Symmetric root of the correlations between channels.
    """

    taps: np.ndarray
    mixture: np.ndarray | None = None


def stated_noise(stated: Noise, positions: np.ndarray) -> NoiseShape:
    """The shape of noise that is stated by its colour.

    Parameters
    ----------
    stated : Noise
        Colour, root mean square and correlation length.
    positions : ndarray, shape (C, 3)
        Contacts, um.

    Raises
    ------
    UsageError
        Where the colour is unknown, or a number out of its range.
    """
    check_shape(stated.colour, stated.rms, stated.length)
    exponent = EXPONENTS[stated.colour]
    taps = np.ones((1, 1))
    if exponent:
        frequency = np.arange(TAPS // 2 + 1, dtype=float)
        frequency[0] = 1.0
        taps = _taps(frequency[:, None] ** -exponent)
    mixture = None
    if stated.length:
        mixture = root_of(np.exp(-cdist(positions, positions) / stated.length))
    return NoiseShape(taps=stated.rms * taps / np.linalg.norm(taps), mixture=mixture)


def spectral_noise(
    frequencies: np.ndarray,
    power: np.ndarray,
    covariance: np.ndarray | None,
    *,
    contacts: int,
    dt: float,
) -> NoiseShape:
    """The shape of noise of a given spectrum and, where wanted, given covariances.

    Parameters
    ----------
    frequencies : ndarray, shape (n,)
        Hz, ascending.
    power : ndarray, shape (n,)
        One-sided power density there, mV2/Hz; linear between and constant outside of them.
    covariance : ndarray, shape (contacts, contacts), or None
        Covariances between contacts, mV2; the spectrum is its form then. None: independent, each
        of the size of the spectrum.
    contacts : int
        C.
    dt : float
        Sampling interval, ms.

    Raises
    ------
    InputError
        Where the numbers are no spectrum or no covariances of so many contacts.
    """
    if len(frequencies) < 1 or np.any(np.diff(frequencies) <= 0) or np.any(power < 0):
        raise InputError(
            "frequencies of a spectrum do not ascend, or a power is below zero",
            remedy="give the columns frequency (Hz) and power (mV2/Hz)",
        )
    rate = 1000.0 / dt
    grid = np.arange(TAPS // 2 + 1) * rate / TAPS
    taps = _taps(np.interp(grid, frequencies, power)[:, None] * rate / 2.0)
    if covariance is None:
        return NoiseShape(taps=taps)
    if covariance.shape != (contacts, contacts):
        raise InputError(
            f"covariances have shape {covariance.shape} for {contacts} contacts",
            remedy="give a row and a column for each contact of the templates",
        )
    scale = np.abs(covariance).max(initial=0.0)
    values = np.linalg.eigvalsh((covariance + covariance.T) / 2.0)
    if np.abs(covariance - covariance.T).max() > 1e-9 * scale or values.min() < -1e-9 * scale:
        raise InputError(
            "covariances are not symmetric, or below zero for some mixture of contacts",
            remedy="give those of a recording: numpy.cov(samples)",
        )
    sd = np.sqrt(np.diag(covariance))
    sizes = np.where(sd > 0, sd, 1.0)
    norm = np.linalg.norm(taps)
    shape = taps / norm if norm > 0 else taps
    return NoiseShape(taps=shape * sd, mixture=root_of(covariance / np.outer(sizes, sizes)))


class Samples(Protocol):
    """Samples (T, C) of which rows can be had, such as a dataset."""

    @property
    def shape(self) -> tuple[int, ...]:
        """T and C."""

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Samples of some rows."""


def measured_noise(samples: Samples, dt: float) -> NoiseShape:
    """The shape of noise that has the spectra and correlations of a recording.

    Samples within 2 ms of what exceeds five standard deviations (told from the median) on any
    channel are spikes and left out, as ViSAPy does (Hagen et al. 2015, J Neurosci Methods 245:182);
    where that leaves less than a segment of the spectrum, all are taken. Of long recordings
    `SEGMENTS` segments are looked at, evenly spread.

    Parameters
    ----------
    samples : ndarray or dataset, shape (T, C)
        Any unit.
    dt : float
        Their sampling interval, ms.

    Raises
    ------
    InputError
        Where there are fewer samples than a segment of the spectrum has.
    """
    length, channels = samples.shape
    if length < TAPS:
        raise InputError(
            f"has {length} samples, of which no noise can be told",
            remedy=f"give at least {TAPS}",
        )
    firsts = range(0, length - TAPS + 1, TAPS // 2)
    if length * channels <= _WHOLE:
        told = np.asarray(samples[0:length], float)
    else:
        firsts, few = _spread(firsts, SEGMENTS), _spread(firsts, _TELLING)
        told = np.concatenate([np.asarray(samples[k : k + TAPS], float) for k in few])
    mean = told.mean(axis=0)
    spread = np.median(np.abs(told - mean), axis=0) / 0.6745
    limit = _SPIKE * np.where(spread > 0, spread, np.inf)
    # where no segment is quiet all are taken
    for loudest in (limit, np.full(channels, np.inf)):
        power = np.zeros((TAPS // 2 + 1, channels))
        covariance = np.zeros((channels, channels))
        count = 0
        for segment in _segments(samples, firsts, mean, loudest, reach=round(_ABOUT / dt)):
            power += np.abs(fft.rfft(_HANN[:, None] * segment, axis=0)) ** 2
            covariance += segment.T @ segment
            count += 1
        if count:
            break
    power /= count * np.sum(_HANN**2)
    sd = np.sqrt(np.diag(covariance))
    scale = np.where(sd > 0, sd, 1.0)
    taps = _taps(power)
    rms = sd / np.sqrt(count * TAPS)
    norm = np.linalg.norm(taps, axis=0)
    taps *= rms / np.where(norm > 0, norm, 1.0)
    return NoiseShape(taps=taps, mixture=root_of(covariance / np.outer(scale, scale)))


def _spread(firsts: range, count: int) -> range:
    """At most so many of the segments, evenly spread."""
    return firsts[:: max(1, -(-len(firsts) // count))]


def _segments(
    samples: Samples, firsts: range, mean: np.ndarray, limit: np.ndarray, *, reach: int
) -> Iterator[np.ndarray]:
    """Segments (TAPS, C) less their means about which nothing exceeds a limit (C,)."""
    for first in firsts:
        begin = max(first - reach, 0)
        block = np.asarray(samples[begin : first + TAPS + reach], float) - mean
        if not np.any(np.abs(block) > limit):
            yield block[first - begin :][:TAPS]


def _taps(power: np.ndarray) -> np.ndarray:
    """Symmetric filters (K, n) whose gain is the root of power spectra (K / 2 + 1, n)."""
    return np.asarray(np.roll(fft.irfft(np.sqrt(power), axis=0), TAPS // 2, axis=0))


class NoiseStream:
    """Noise to be had block by block.

    Parameters
    ----------
    shape : NoiseShape
        What it looks like.
    channels : int
        C.
    seed : int
        Seed.
    purpose : str
        Key of its streams.
    """

    def __init__(
        self, shape: NoiseShape, channels: int, seed: int, purpose: str = "noise of a recording"
    ) -> None:
        self._shape, self._channels = shape, channels
        self._streams = StreamTable(seed, purpose)
        self._pages: dict[int, np.ndarray] = {}

    def between(self, first: int, last: int) -> np.ndarray:
        """Samples of the noise.

        Parameters
        ----------
        first, last : int
            Numbers of the first sample and of that behind the last; they may be negative.

        Returns
        -------
        ndarray, shape (last - first, C)
            In the unit of the shape.
        """
        taps, mixture = self._shape.taps, self._shape.mixture
        reach = len(taps) - 1
        before = reach // 2
        white = self._white(first - before, last + reach - before)
        if mixture is not None:
            # single precision as the draws: noise has no digits to lose
            white = white @ mixture.astype(np.float32)
        if reach == 0:
            return np.asarray(white * taps)
        length = fft.next_fast_len(len(white) + reach, real=True)
        spectrum = fft.rfft(white, length, axis=0) * fft.rfft(taps, length, axis=0)
        return np.asarray(fft.irfft(spectrum, length, axis=0)[reach : reach + last - first])

    def _white(self, first: int, last: int) -> np.ndarray:
        start, stop = first // PAGE, -(-last // PAGE)
        # a block asks again for the pages at its ends
        kept = self._pages
        self._pages = {}
        for number in range(start, stop):
            page = kept.get(number)
            self._pages[number] = self._page(number) if page is None else page
        rows = np.concatenate([self._pages[number] for number in range(start, stop)])
        return np.asarray(rows[first - start * PAGE : last - start * PAGE])

    def _page(self, number: int) -> np.ndarray:
        page = np.empty((self._channels, PAGE), np.float32)
        for channel in range(self._channels):
            stream = self._streams.at(channel, number + _EARLIER)
            page[channel] = stream.standard_normal(PAGE, dtype=np.float32)
        return np.asarray(page.T)
