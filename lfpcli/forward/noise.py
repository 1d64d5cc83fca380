"""Extracellular noise: coloured in time, correlated between contacts, seeded."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft
from scipy.spatial.distance import cdist

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.seeds import generator

EXPONENTS = {"white": 0.0, "pink": 1.0, "brown": 2.0}
"""Exponent a of the power spectrum, 1 / f^a."""

BLOCK = 1 << 16
"""Samples that are mixed between contacts at once."""


def noise(
    colour: str,
    n_samples: int,
    positions: ArrayLike,
    rms: float,
    seed: int,
    length: float | None = None,
) -> np.ndarray:
    """Draw noise for every contact of an array.

    Each contact's trace has zero mean (white noise excepted, whose mean is that of the draw) and
    exactly the given root mean square. The power spectrum falls as 1 (white), 1/f (pink) or 1/f^2
    (brown) from the lowest frequency that the trace resolves up to half the sampling rate. Traces
    of contacts at distance d have the correlation exp(-d / length).

    Parameters
    ----------
    colour : {'white', 'pink', 'brown'}
        Its colour.
    n_samples : int
        Number T of samples, at least 2.
    positions : array_like, shape (C, 3)
        Places of the contacts, um.
    rms : float
        Root mean square of each trace, in the unit wanted of the result.
    seed : int
        Seed. Without a correlation length a contact's trace depends on the seed and its index
        alone, not on how many contacts there are.
    length : float, optional
        Correlation length, um; left out or 0: independent traces.

    Returns
    -------
    ndarray, shape (T, C)

    Raises
    ------
    UsageError
        Where a value is unknown or out of its range.
    InputError
        Where the positions are no finite (C, 3) array.
    """
    check_shape(colour, rms, length)
    if seed < 0:
        raise UsageError(f"seed of noise is {seed}, expected 0 or more")
    if n_samples < 2:
        raise UsageError(f"noise of {n_samples} samples, expected at least 2")
    places = _checked_positions(positions)
    traces = np.empty((n_samples, len(places)))
    for contact in range(len(places)):
        stream = generator(seed, "noise", contact)
        traces[:, contact] = _coloured(stream, n_samples, EXPONENTS[colour])
    if length:
        _mix(traces, root_of(np.exp(-cdist(places, places) / length)))
    return scaled(traces, rms)


def check_shape(colour: str, rms: float, length: float | None) -> None:
    """Raise a `UsageError` where a colour is unknown, or a size or length (um) below 0."""
    if colour not in EXPONENTS:
        raise UsageError(f"unknown noise '{colour}'", remedy=nearest(colour, EXPONENTS, "noise"))
    if not (math.isfinite(rms) and rms >= 0):
        raise UsageError(f"rms of noise is {rms:g}, expected 0 or more")
    if length is not None and not (math.isfinite(length) and length >= 0):
        raise UsageError(f"correlation length of noise is {length:g} um, expected 0 or more")


def _coloured(rng: np.random.Generator, n_samples: int, exponent: float) -> np.ndarray:
    """One trace with a power spectrum 1 / f^exponent, any amplitude.

    Gaussian noise is filtered in the frequency domain (Timmer and Koenig 1995, Astron Astrophys
    300:707). The trace is cut from one of twice the length, since the filtered noise is periodic.
    """
    if exponent == 0:
        return rng.standard_normal(n_samples)
    whole = fft.next_fast_len(2 * n_samples, real=True)
    spectrum = fft.rfft(rng.standard_normal(whole))
    frequency = np.arange(len(spectrum), dtype=float)
    frequency[0] = np.inf
    trace = fft.irfft(spectrum * frequency ** (-exponent / 2), whole)[:n_samples]
    return np.asarray(trace - trace.mean())


def root_of(covariance: np.ndarray) -> np.ndarray:
    """Symmetric square root; unlike a Cholesky factor it exists for coincident contacts too.

    Parameters
    ----------
    covariance : ndarray, shape (C, C)
        Of contacts, any unit.

    Returns
    -------
    ndarray, shape (C, C)
    """
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def _mix(traces: np.ndarray, root: np.ndarray) -> None:
    # traces of equal power first, so that the mixture has the covariance root^2
    scaled(traces, 1.0)
    for first in range(0, len(traces), BLOCK):
        block = traces[first : first + BLOCK]
        block[...] = block @ root


def scaled(traces: np.ndarray, rms: float) -> np.ndarray:
    """Scale each trace in place to a root mean square.

    Parameters
    ----------
    traces : ndarray, shape (T, C)
        Any unit.
    rms : float
        In that unit.

    Returns
    -------
    ndarray, shape (T, C)
        The same; traces of zeros stay so.
    """
    size = np.sqrt(np.einsum("tc,tc->c", traces, traces) / len(traces))
    traces *= rms / np.where(size > 0, size, 1.0)
    return traces


def _checked_positions(positions: ArrayLike) -> np.ndarray:
    try:
        places = np.asarray(positions, dtype=float)
    except (TypeError, ValueError):
        raise InputError("positions of contacts are not numbers") from None
    if places.ndim != 2 or places.shape[1] != 3 or not np.all(np.isfinite(places)):
        raise InputError(f"positions of contacts have shape {places.shape}, expected finite (C, 3)")
    return places
