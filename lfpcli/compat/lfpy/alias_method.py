"""Draws of indices by their probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError


def alias_method(idx: ArrayLike, probs: ArrayLike, nsyn: int) -> np.ndarray:
    """Draw indices with replacement from NumPy's global generator, which ``np.random.seed`` sets.

    Parameters
    ----------
    idx : array_like of int, shape (n,)
        What is drawn from.
    probs : array_like, shape (n,)
        Their probabilities, up to a common factor.
    nsyn : int
        How many to draw.

    Returns
    -------
    ndarray of int, shape (nsyn,)

    Raises
    ------
    InputError
        Where there is nothing to draw from, or a probability is negative or not finite.
    """
    indices = np.asarray(idx)
    weights = np.asarray(probs, dtype=float)
    if weights.shape != indices.shape or not len(weights):
        raise InputError(f"{len(indices)} indices have {len(weights)} probabilities")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or weights.sum() == 0:
        raise InputError("probabilities are negative, not finite, or all 0")
    ladder = np.cumsum(weights) / weights.sum()
    # rounding may leave the last rung below 1
    ladder[-1] = 1.0
    # by cumulated chances: LFPy's numbers differ, as its tables ask the generator twice a draw
    rungs = np.searchsorted(ladder, np.random.random_sample(int(nsyn)), side="right")
    drawn: np.ndarray = indices[rungs]
    return drawn
