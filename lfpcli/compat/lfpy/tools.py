"""Noise, and files of pickled objects."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

# samples that a random walk takes before it counts
_BURN_IN = 10_000


def load(filename: str | Path) -> Any:
    """Load an object that was pickled; only from files that one trusts, as this runs their code."""
    with Path(filename).open("rb") as file:
        return pickle.load(file)


def noise_brown(
    ncols: int,
    nrows: int = 1,
    weight: float = 1.0,
    filter: Callable[..., Any] | None = None,
    filterargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Brown noise, from NumPy's global generator, which ``np.random.seed`` sets.

    Parameters
    ----------
    ncols, nrows : int
        Number of samples, and of channels.
    weight : float
        Root mean square of each channel.
    filter : callable, optional
        Called with `filterargs` it gives the coefficients b and a of a filter, such as
        ``scipy.signal.butter``, which is applied to the noise.
    filterargs : mapping, optional
        Its arguments.

    Returns
    -------
    ndarray, shape (nrows, ncols)
        In the unit of `weight`.
    """
    steps = np.random.normal(size=(int(nrows), int(ncols) + _BURN_IN))
    walk = np.cumsum(steps, axis=1)
    if filter is not None:
        from scipy import signal

        b, a = filter(**(filterargs or {}))
        walk = signal.lfilter(b, a, walk, axis=1)
    noise = walk[:, _BURN_IN:]
    rms = np.sqrt(np.mean(noise**2, axis=1, keepdims=True))
    return np.asarray(weight * noise / rms)
