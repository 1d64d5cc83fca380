"""Conductivities that depend on frequency, and what they make of signals in time.

Tissue conducts and polarises: at a frequency f its conductivity is sigma + i 2 pi f eps0 eps_r. In
the quasi-static limit a potential at that frequency is the one of these complex conductivities. Of
a medium that has one ratio to its conductivity at a reference everywhere, signals are those of the
reference, filtered with one over that ratio. Where parts have ratios of their own, potentials
are a smooth function of their ratios to that of the rest, interpolated between some real ones:
their signals are filtered each, and added.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

EPSILON_0 = 8.8541878128e-12
"""Permittivity of the vacuum, F/m."""
# distance of the last angle of the bilinear transform from a right one
_EDGE = 1e-4
# a filter sees the signal in this many times its length, and at least so long, ms
_LENGTHS, _LEAST = 4, 2000.0
# frequencies between which conductivities of two parts are compared, Hz
_BAND = np.geomspace(1.0, 1e5, 200)
_SAME = 1e-9


class Dispersion(Protocol):
    """A conductivity that depends on frequency."""

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Complex conductivity at frequencies (F,) of 0 or more, Hz; (F,), S/m or relative."""


@dataclass(frozen=True, kw_only=True)
class ColeCole:
    """Relaxations as of Cole and Cole (1941, J Chem Phys 9:341).

    Attributes
    ----------
    sigma : float
        Conductivity at frequency 0, S/m.
    epsilon : float
        Relative permittivity far above all relaxations.
    relaxations : sequence of tuple of float
        Step of the relative permittivity, time constant in s, and broadening of each.
    """

    sigma: float
    epsilon: float
    relaxations: Sequence[tuple[float, float, float]]

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Complex conductivity at frequencies (F,), Hz; (F,), S/m."""
        turn = 2j * np.pi * np.asarray(frequency, dtype=float)
        permittivity = np.full(turn.shape, self.epsilon, dtype=complex)
        for step, constant, broadening in self.relaxations:
            permittivity += step / (1.0 + (turn * constant) ** (1.0 - broadening))
        return np.asarray(self.sigma + turn * EPSILON_0 * permittivity)


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """A conductivity that grows with a power of frequency, at a constant phase.

    Attributes
    ----------
    exponent : float
        The power, from 0 to 1; 0 is a resistor.
    reference : float
        Frequency at which its real part is 1, Hz.
    low : float
        Frequency below which it does not fall any more, Hz.
    """

    exponent: float
    reference: float
    low: float

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Complex conductivity at frequencies (F,), Hz, relative to the reference; (F,)."""
        # one phase at all frequencies has no causal beginning, hence the lower corner
        values = ((self.low + 1j * np.asarray(frequency, dtype=float)) / self.reference) ** (
            self.exponent
        )
        return np.asarray(values / (((self.low / self.reference) + 1j) ** self.exponent).real)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """A table of measured conductivities, between which logarithms are linear.

    Attributes
    ----------
    frequency : ndarray, shape (n,)
        Ascending, above 0, Hz.
    sigma, epsilon : ndarray, shape (n,)
        Conductivity, S/m, and relative permittivity, above 0. Beyond the table both stay, save that
        currents of polarisation grow no more.
    """

    frequency: np.ndarray
    sigma: np.ndarray
    epsilon: np.ndarray

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Complex conductivity at frequencies (F,), Hz; (F,), S/m."""
        limited = np.minimum(np.asarray(frequency, dtype=float), self.frequency[-1])
        places = np.log(np.maximum(limited, self.frequency[0]))
        known = np.log(self.frequency)
        sigma = np.exp(np.interp(places, known, np.log(self.sigma)))
        epsilon = np.exp(np.interp(places, known, np.log(self.epsilon)))
        return np.asarray(sigma + 2j * np.pi * limited * EPSILON_0 * epsilon)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ratio:
    """A dispersion over its real part at a reference; `None` conducts alike at all frequencies.

    Attributes
    ----------
    dispersion : Dispersion or None
        The dispersion.
    reference : float
        What it is divided by, in its unit.
    """

    dispersion: Dispersion | None = None
    reference: float = 1.0

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Complex ratio at frequencies (F,), Hz; (F,), without unit."""
        if self.dispersion is None:
            return np.ones(np.shape(frequency), dtype=complex)
        return self.dispersion.at(frequency) / self.reference

    def is_like(self, other: Ratio) -> bool:
        """Whether another ratio is the same at all frequencies."""
        return bool(np.abs(self.at(_BAND) / other.at(_BAND) - 1.0).max() < _SAME)


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Signals of media with real conductivities, filtered and added.

    Attributes
    ----------
    first : Ratio
        That of the part of the medium whose conductivity is the same in all of them.
    others : tuple of Ratio
        Those of the other parts.
    nodes : tuple of tuple of float
        What the conductivity of each other part is multiplied with. There is a medium for each
        choice of one of each, those of the last part next to each other.
    """

    first: Ratio
    others: tuple[Ratio, ...] = ()
    nodes: tuple[tuple[float, ...], ...] = ()

    @property
    def factors(self) -> list[tuple[float, ...]]:
        """What the other parts are multiplied with in each medium."""
        return list(itertools.product(*self.nodes))

    @property
    def parts(self) -> int:
        """Number of signals that are added."""
        return math.prod(map(len, self.nodes))

    def weights(self, frequency: np.ndarray) -> np.ndarray:
        """What each signal is multiplied with at frequencies (F,), Hz; (parts, F), no unit."""
        ratio = self.first.at(frequency)
        weights = np.ones((1, len(ratio)), dtype=complex)
        for other, nodes in zip(self.others, self.nodes, strict=True):
            along = _interpolation(np.log(other.at(frequency) / ratio), np.log(nodes))
            weights = (weights[:, None] * along).reshape(-1, len(ratio))
        return np.asarray(weights / ratio)

    def mixed(self, samples: np.ndarray, dt: float) -> np.ndarray:
        """Filter and add signals.

        Nothing comes before its cause; before the first sample all was as it is there.

        Parameters
        ----------
        samples : ndarray, shape (T, parts C)
            Signals of C channels for each medium in turn, any unit.
        dt : float
            Sampling interval, ms.

        Returns
        -------
        ndarray, shape (T, C)
            In the same unit.
        """
        # it takes long to import, and few signals need it
        from scipy.fft import irfft, next_fast_len, rfft

        count = len(samples)
        blocks = np.split(samples, self.parts, axis=1)
        if not count:
            return blocks[0]
        length = next_fast_len(_shortest(count, dt), real=True)
        response = self.response(length, dt)
        spectrum, rest = 0.0, 0.0
        for block, along in zip(blocks, response, strict=True):
            spectrum = spectrum + rfft(block - block[0], length, axis=0) * along[:, None]
            rest = rest + block[0] * along[0].real
        return np.asarray(irfft(spectrum, length, axis=0)[:count] + rest)

    def spread(self, samples: np.ndarray, dt: float) -> np.ndarray:
        """Filter one signal for each medium, where nothing was before the first sample.

        Parameters
        ----------
        samples : ndarray, shape (T, C)
            Currents into media, any unit.
        dt : float
            Sampling interval, ms.

        Returns
        -------
        ndarray, shape (T, parts C)
            What the media with real conductivities get in their place, one after another.
        """
        from scipy.fft import irfft, next_fast_len, rfft

        count = len(samples)
        length = next_fast_len(_shortest(count, dt), real=True)
        spectrum = rfft(samples, length, axis=0)
        blocks = [
            irfft(spectrum * along[:, None], length, axis=0)[:count]
            for along in self.response(length, dt)
        ]
        return np.concatenate(blocks, axis=1)

    def response(self, length: int, dt: float) -> np.ndarray:
        """Response to samples, by the bilinear transform.

        Each frequency has the weights of a slightly higher one, which becomes infinite at half the
        sampling rate: what is causal in continuous time is so for samples, and differential
        equations are solved by the trapezoidal rule.

        Parameters
        ----------
        length : int
            Number of samples.
        dt : float
            Sampling interval, ms.

        Returns
        -------
        ndarray of complex, shape (parts, length // 2 + 1)
            At multiples of 1 / (length dt).
        """
        angle = np.pi * np.arange(length // 2 + 1) / length
        # half the rate itself has no finite frequency
        warped = np.tan(np.minimum(angle, np.pi / 2.0 - _EDGE)) / np.pi
        return self.weights(1000.0 / dt * warped)


def _shortest(count: int, dt: float) -> int:
    """Length at which the end of a filtered signal of `count` samples does not reach its begin."""
    return max(_LENGTHS * count, count + int(np.ceil(_LEAST / dt)))


def _interpolation(size: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights (n, F) of potentials at the logarithms of ratios (n,) for logarithms (F,)."""
    # potentials are analytic in the ratio of two conductivities unless it is negative
    # (Bergman 1978, Phys Rep 43:377), so that they are smooth in its logarithm;
    # in the first part they hardly depend on it, in the second they fall with it
    weights = np.exp((nodes[:, None] - size) / 2.0)
    for one in range(len(nodes)):
        for other in range(len(nodes)):
            if one != other:
                weights[one] *= (size - nodes[other]) / (nodes[one] - nodes[other])
    return np.asarray(weights)


def nodes_between(first: Ratio, second: Ratio, count: int) -> tuple[float, ...]:
    """Real ratios of two parts that the sizes of complex ones lie between, evenly on a log scale.

    Parameters
    ----------
    first, second : Ratio
        Of the two parts.
    count : int
        Number of ratios.
    """
    sizes = np.log(np.abs(second.at(_BAND) / first.at(_BAND)))
    # zeros of a Chebyshev polynomial, between which interpolation errs alike
    places = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    middle, half = (sizes.max() + sizes.min()) / 2.0, (sizes.max() - sizes.min()) / 2.0
    return tuple(np.exp(middle + half * places).tolist())


TISSUES: dict[str, ColeCole] = {
    "grey matter": ColeCole(
        sigma=0.02,
        epsilon=4.0,
        relaxations=(
            (45.0, 7.958e-12, 0.10),
            (400.0, 15.915e-9, 0.15),
            (2.0e5, 106.103e-6, 0.22),
            (4.5e7, 5.305e-3, 0.0),
        ),
    ),
    "white matter": ColeCole(
        sigma=0.02,
        epsilon=4.0,
        relaxations=(
            (32.0, 7.958e-12, 0.10),
            (100.0, 7.958e-9, 0.10),
            (4.0e4, 53.052e-6, 0.30),
            (3.5e7, 7.958e-3, 0.02),
        ),
    ),
    "cerebrospinal fluid": ColeCole(
        sigma=2.0,
        epsilon=4.0,
        relaxations=((65.0, 7.958e-12, 0.10), (40.0, 1.592e-9, 0.0)),
    ),
}
"""Tissues by Gabriel, Lau and Gabriel 1996, Phys Med Biol 41:2271, table 1."""
