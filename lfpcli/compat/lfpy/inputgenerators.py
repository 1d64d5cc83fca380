"""Spike times of renewal processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lfpcli.errors import InputError


def get_activation_times_from_distribution(
    n: int,
    tstart: float = 0.0,
    tstop: float = 1e6,
    distribution: Any = None,
    rvs_args: Mapping[str, Any] | None = None,
    maxiter: float = 1e6,
) -> list[np.ndarray]:
    """Draw spike trains whose intervals follow a distribution.

    Parameters
    ----------
    n : int
        Number of trains.
    tstart, tstop : float
        Begin and end, ms; no spike lies at or after the end.
    distribution : scipy.stats distribution
        Of the intervals; exponential where left out.
    rvs_args : mapping
        Arguments of its ``rvs``; ``loc=0, scale=1`` (ms) where left out. With ``size`` each train
        has that many intervals, whatever `tstop` says.
    maxiter : float
        The most spikes of a train.

    Returns
    -------
    list of ndarray, each of shape (spikes,)
        Ascending times of each train, ms. They come from NumPy's global generator, which
        ``np.random.seed`` sets.

    Raises
    ------
    InputError
        Where a train would have more than `maxiter` spikes.
    """
    from scipy import stats

    law = stats.expon if distribution is None else distribution
    arguments = {"loc": 0.0, "scale": 1.0} if rvs_args is None else dict(rvs_args)
    if "size" in arguments:
        return [tstart + np.cumsum(law.rvs(**arguments)) for _ in range(int(n))]
    return [_train(law, arguments, tstart, tstop, maxiter=maxiter) for _ in range(int(n))]


def _train(
    law: Any, arguments: Mapping[str, Any], tstart: float, tstop: float, *, maxiter: float
) -> np.ndarray:
    """One train, drawn in blocks of the number of intervals that the mean lets expect."""
    shape = {name: value for name, value in arguments.items() if name != "random_state"}
    mean = float(law.mean(**shape))
    expected = (tstop - tstart) / mean if mean > 0 else maxiter
    # a tenth more than the mean lets expect: one draw is enough most of the time
    block = int(min(max(1.1 * expected + 10, 10), maxiter, 1e6))
    times = np.array([tstart])
    while times[-1] < tstop:
        if len(times) > maxiter:
            raise InputError(
                f"a train has more than {maxiter:g} spikes",
                remedy="check the distribution of the intervals, or raise maxiter",
            )
        intervals = np.asarray(law.rvs(size=block, **arguments))
        times = np.concatenate([times, times[-1] + np.cumsum(intervals)])
    spikes = times[1:]
    kept: np.ndarray = spikes[spikes < tstop]
    return kept
