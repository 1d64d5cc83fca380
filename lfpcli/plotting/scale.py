"""What a scale is made for: the run once it is under way, and most of its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# the share of what is shown in which a run may still be starting up
_START = 8
_LEAST_ROWS = 40
# a start-up is that much larger than all that follows
_STANDS_OUT = 1.5
# what follows is activity, not the tail of a response: its last quarter is no less than these
# shares of the quarter before and of the start-up, and its last half crosses its middle so often
_GOES_ON, _COUNTS = 0.5, 0.005
_CROSSINGS = 6
# the colour stands for what all but this share of the samples stay below, so that one contact
# beside a soma does not whiten the rest
_BEYOND = 0.002


@dataclass(frozen=True)
class Scale:
    """Range of a picture.

    Attributes
    ----------
    limit : float
        Magnitude of the strongest colour.
    peak : float
        Largest magnitude there is.
    settled : int
        First row after the start-up, 0 where it has none that stands out.
    """

    limit: float
    peak: float
    settled: int = 0

    @property
    def clips(self) -> bool:
        """Whether samples lie beyond the range."""
        return self.peak > self.limit * (1 + 1e-9)


def settled_row(values: np.ndarray) -> int:
    """First row of samples (M, C) after a start-up transient that stands out of what follows.

    A run begins in a state that is not its own: potentials drift, and all cells fire at once. That
    is told from the response of a silent model to a stimulus, which may come as early, by what
    follows: activity goes on after a start-up. 0 where there is no such transient.
    """
    count = len(values)
    if count < _LEAST_ROWS or values.shape[1] == 0:
        return 0
    span = max(count // _START, 1)
    centred = values - np.median(values[span:], axis=0)
    magnitude = np.abs(centred).max(axis=1)
    start = float(magnitude[:span].max())
    if start <= _STANDS_OUT * float(magnitude[span:].max()):
        return 0
    third, last = magnitude[count // 2 : 3 * count // 4], magnitude[3 * count // 4 :]
    power = float(np.sqrt(np.mean(last**2)))
    if power < max(_GOES_ON * float(np.sqrt(np.mean(third**2))), _COUNTS * start):
        return 0
    second = values[count // 2 :]
    strongest = second[:, np.argmax(np.ptp(second, axis=0))]
    crossings = np.count_nonzero(np.diff(strongest > np.median(strongest)))
    return span if crossings >= _CROSSINGS else 0


def image_scale(values: np.ndarray, from_start: bool) -> Scale:
    """Range of colours for samples (M, C), symmetric about zero.

    Parameters
    ----------
    values : ndarray, shape (M, C)
        The samples.
    from_start : bool
        Whether they begin where the run does, and a start-up is looked for.
    """
    magnitude = np.abs(values)
    settled = settled_row(values) if from_start else 0
    later = magnitude[settled:]
    limit = max(float(np.quantile(later, 1 - _BEYOND)), 0.2 * float(later.max()))
    return Scale(limit, float(magnitude.max()), settled)
