"""What adds up to an extracellular recording: spikes of units, noise, a signal beneath."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from scipy import fft, signal

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.electrode import Electrode
from lfpcli.forward.filters import butterworth_sections
from lfpcli.forward.noise_stream import NoiseStream
from lfpcli.forward.treatment import Band
from lfpcli.forward.waveforms import PhasedWaveforms
from lfpcli.io.recording import Signal
from lfpcli.kernels.convolution import add_waveforms
from lfpcli.seeds import StreamTable

# how much of a filter's answer to an impulse may be left where it is cut off
_LEFT = 1e-9
# samples that a filter's answer may last: more would need more memory than blocks have
LONGEST_ANSWER = 1 << 16
# width of the window of interpolation, in samples of the slower of two rates
_REACH = 32
LARGEST_RATIO = 4096
"""Largest numerator and denominator of the ratio of two sampling rates."""


class Part(Protocol):
    """One of the parts that a recording is the sum of."""

    def add(self, block: np.ndarray, first: int) -> None:
        """Add samples from number `first` on to a block (n, C), mV."""


class ContactSpread:
    """How the contacts of each spike differ, drawn when a page needs it: all would not fit.

    Parameters
    ----------
    spread : float
        Standard deviation of the factors, whose mean is 1.
    channels : int
        C.
    seed : int
        Seed.
    units : ndarray of int, shape (S,)
        Unit of each spike, in the order of time.
    """

    def __init__(self, spread: float, channels: int, seed: int, units: np.ndarray) -> None:
        self._spread, self._channels = spread, channels
        self._streams = StreamTable(seed, "amplitudes of contacts")
        self._units = units
        # how many spikes of its unit came before each
        order = np.argsort(units, kind="stable")
        counts = np.bincount(units)
        self._earlier = np.empty(len(units), np.int64)
        self._earlier[order] = np.arange(len(units)) - np.repeat(np.cumsum(counts) - counts, counts)

    def factors(self, spikes: np.ndarray) -> np.ndarray:
        """Factors (n, C) of the contacts of spikes, given by their numbers (n,)."""
        drawn = np.empty((len(spikes), self._channels))
        rows = zip(self._units[spikes].tolist(), self._earlier[spikes].tolist(), strict=True)
        for row, (unit, earlier) in zip(drawn, rows, strict=True):
            self._streams.at(unit, earlier).standard_normal(out=row)
        # an amplitude below zero would turn the spike over
        return np.maximum(1.0 + self._spread * drawn, 0.0)


@dataclass(frozen=True, kw_only=True)
class Spikes:
    """Waveforms at the spikes of units.

    Attributes
    ----------
    waveforms : PhasedWaveforms
        mV.
    rows, begins : ndarray of int, shape (n,)
        Row of each event, and the sample of its first value, ascending.
    gains : ndarray, shape (n, 1)
        Factors.
    sources : ndarray of int, shape (n,)
        Spike of each event.
    contacts : ContactSpread or None
        How the contacts of each spike differ.
    """

    waveforms: PhasedWaveforms
    rows: np.ndarray
    begins: np.ndarray
    gains: np.ndarray
    sources: np.ndarray
    contacts: ContactSpread | None = None

    def add(self, block: np.ndarray, first: int) -> None:
        """Add the events that reach into a block.

        Parameters
        ----------
        block : ndarray, shape (n, C)
            mV.
        first : int
            Number of its first sample in the recording.
        """
        length = self.waveforms.samples.shape[1]
        start = np.searchsorted(self.begins, first - length, side="right")
        stop = np.searchsorted(self.begins, first + len(block), side="left")
        gains = self.gains[start:stop]
        if self.contacts is not None:
            # a spike of a cell that drifts is two events
            spikes, owners = np.unique(self.sources[start:stop], return_inverse=True)
            gains = gains * self.contacts.factors(spikes)[owners]
        add_waveforms(
            block,
            self.waveforms.samples,
            self.rows[start:stop],
            self.begins[start:stop] - first,
            gains,
        )


def spikes(
    waveforms: PhasedWaveforms,
    *,
    times: np.ndarray,
    numbers: np.ndarray,
    gains: np.ndarray,
    sources: np.ndarray | None = None,
    contacts: ContactSpread | None = None,
) -> Spikes:
    """Events in the order of their begins.

    Parameters
    ----------
    waveforms : PhasedWaveforms
        mV.
    times : ndarray of int, shape (n,)
        In phases of samples.
    numbers : ndarray of int, shape (n,)
        Waveform of each.
    gains : ndarray, shape (n, 1)
        Factors.
    sources : ndarray of int, shape (n,), optional
        Spike of each event; each its own where left out.
    contacts : ContactSpread, optional
        How the contacts of each spike differ.
    """
    rows, begins = waveforms.events(times, numbers)
    order = np.lexsort((rows, begins))
    return Spikes(
        waveforms=waveforms,
        rows=rows[order],
        begins=begins[order],
        gains=gains[order],
        sources=order if sources is None else sources[order],
        contacts=contacts,
    )


@dataclass(frozen=True, kw_only=True)
class Noisy:
    """Noise."""

    stream: NoiseStream

    def add(self, block: np.ndarray, first: int) -> None:
        """Add noise to a block.

        Parameters
        ----------
        block : ndarray, shape (n, C)
            mV.
        first : int
            Number of its first sample in the recording.
        """
        block += self.stream.between(first, first + len(block))


class Beneath:
    """A signal of another sampling interval, such as the LFP of a network.

    Parameters
    ----------
    source : Signal
        The signal, of as many channels.
    dt : float
        Sampling interval of the recording, ms.
    samples : int
        Number of samples of the recording.
    name : str
        File of the signal, for messages.

    Raises
    ------
    InputError
        Where it does not last as long as the recording.
    UsageError
        Where the rates have no simple ratio.
    """

    def __init__(self, source: Signal, dt: float, samples: int, name: str) -> None:
        ratio = Fraction(source.dt / dt).limit_denominator(LARGEST_RATIO)
        if abs(float(ratio) * dt / source.dt - 1) > 1e-9 or ratio.numerator > LARGEST_RATIO:
            raise UsageError(
                f"sampling intervals of {dt:g} and {source.dt:g} ms have no simple ratio",
                remedy="resample the signal first: lfp convert --resample",
            )
        self._source, self._ratio, self._samples = source, ratio, samples
        length = source.data.shape[0]
        if (length - 1) * source.dt < (samples - 1) * dt * (1 - 1e-9):
            raise InputError(
                f"lasts {source.dt * (length - 1) / 1000:g} s, the recording"
                f" {samples * dt / 1000:g} s",
                source=name,
                remedy="lower --duration, or simulate longer",
            )

    def add(self, block: np.ndarray, first: int) -> None:
        """Add the signal, held before its begin and behind its end, to a block.

        Parameters
        ----------
        block : ndarray, shape (n, C)
            mV.
        first : int
            Number of its first sample in the recording.
        """
        up, down = self._ratio.numerator, self._ratio.denominator
        reach = _REACH * max(1, -(-down // up))
        # the first sample that is read falls on one of the recording
        start = (first * down // up - reach) // down * down
        stop = -(-(first + len(block)) * down // up) + reach + 1
        rows = self._rows(start, stop)
        if up == down == 1:
            block += rows[first - start : first - start + len(block)]
            return
        moved = signal.resample_poly(rows, up, down, axis=0, padtype="line")
        offset = first - start * up // down
        block += moved[offset : offset + len(block)]

    def _rows(self, start: int, stop: int) -> np.ndarray:
        length = self._source.data.shape[0]
        inside = np.asarray(
            self._source.data[min(max(start, 0), length - 1) : max(min(stop, length), 1)], float
        )
        before = np.repeat(inside[:1], max(-start, 0), axis=0)
        behind = np.repeat(inside[-1:], stop - start - len(before) - len(inside), axis=0)
        return np.concatenate([before, inside, behind])


class BlockFilter(ABC):
    """A filter of a recording that has no ends, by blocks that overlap.

    Parameters
    ----------
    slowest : float
        Largest absolute value of its poles.
    order : int
        Samples that reach into a sample without any pole.

    Attributes
    ----------
    margin : int
        Samples on either side of a block that reach into it.
    """

    def __init__(self, slowest: float, order: int = 0) -> None:
        self.margin = max(1, order)
        if slowest > 0:
            self.margin = order + int(np.ceil(np.log(_LEFT) / np.log(slowest)))
        # blocks have one length, but for the last
        self._gains: dict[int, np.ndarray] = {}

    @abstractmethod
    def gain(self, turns: np.ndarray) -> np.ndarray:
        """What it multiplies frequencies with, shape (n,), given in radians per sample, (n,)."""

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Filter a block (n + 2 margin, C), and return what is not at its ends, (n, C)."""
        length = fft.next_fast_len(len(block), real=True)
        if length not in self._gains:
            turns = 2.0 * np.pi * np.arange(length // 2 + 1) / length
            self._gains[length] = self.gain(turns)[:, None]
        spectrum = fft.rfft(block, length, axis=0) * self._gains[length]
        filtered = fft.irfft(spectrum, length, axis=0)
        return np.asarray(filtered[self.margin : len(block) - self.margin])


class ZeroPhase(BlockFilter):
    """A Butterworth filter forwards and backwards.

    Parameters
    ----------
    band : Band
        Corners, Hz.
    dt : float
        Sampling interval, ms.
    order : int
        Order of one pass.

    Raises
    ------
    UsageError
        Where a corner is beyond half the sampling rate, or so low that the filter's answer to an
        impulse lasts too long.
    """

    def __init__(self, band: Band, dt: float, order: int) -> None:
        self._sections = butterworth_sections(band, dt, order)
        poles = signal.sos2zpk(self._sections)[1]
        super().__init__(float(np.max(np.abs(poles))))
        if self.margin > LONGEST_ANSWER:
            corners = [corner for corner in band if corner is not None]
            raise UsageError(
                f"a filter with the corner {min(corners):g} Hz answers for"
                f" {self.margin * dt / 1000:.3g} s",
                remedy="raise the corner, or make the templates with a larger --resample",
            )

    def gain(self, turns: np.ndarray) -> np.ndarray:
        """The square of one pass's, shape (n,), at frequencies in radians per sample, (n,)."""
        return np.asarray(np.abs(signal.sosfreqz(self._sections, turns)[1]) ** 2)


class ElectrodeFilter(BlockFilter):
    """The filter that an electrode and its amplifier are.

    Sampled by the bilinear transform: at a frequency f it is the analog one at
    ``tan(pi f dt) / (pi dt)``, so that no sample after another one reaches back.

    Parameters
    ----------
    electrode : Electrode
        The electrode.
    dt : float
        Sampling interval, ms.

    Raises
    ------
    UsageError
        Where its answer to an impulse lasts too long.
    """

    def __init__(self, electrode: Electrode, dt: float) -> None:
        seconds = dt / 1000.0
        above, below = signal.bilinear(*electrode.polynomials(), fs=1.0 / seconds)
        self._above, self._below = np.atleast_1d(above), np.atleast_1d(below)
        poles = np.abs(np.roots(self._below))
        super().__init__(float(np.max(poles, initial=0.0)), order=len(self._below))
        if self.margin > LONGEST_ANSWER:
            raise UsageError(
                f"the electrode answers to an impulse for {self.margin * seconds:.3g} s",
                remedy="lower its capacitance or the amplifier's input, or leave out input",
            )

    def gain(self, turns: np.ndarray) -> np.ndarray:
        """Complex gain, shape (n,), at frequencies in radians per sample, (n,)."""
        return np.asarray(signal.freqz(self._above, self._below, turns)[1])
