"""What films are made of: a picture that can be shown at several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.io.recording import Sampled
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.reduce import rows_in


@dataclass(kw_only=True)
class Moving:
    """A panel, drawn at the first of several times.

    Attributes
    ----------
    panel : Panel
        The panel.
    times : ndarray, shape (F,)
        Times of the pictures, ms.
    show : callable
        Takes the number of a picture, and changes what the panel has drawn to it.
    """

    panel: Panel
    times: np.ndarray
    show: Callable[[int], None]


def row_at(sampled: Sampled, time: float) -> int:
    """Row of the sample nearest to a time, ms.

    Raises
    ------
    UsageError
        Where there is none.
    """
    count = sampled.data.shape[0]
    row = round((time - sampled.t_start) / sampled.dt)
    if not 0 <= row < count:
        end = sampled.t_start + sampled.dt * (count - 1)
        raise UsageError(
            f"no sample at {time:g} ms",
            remedy=f"there are some from {sampled.t_start:g} to {end:g}",
        )
    return row


def frame_rows(sampled: Sampled, time: tuple[float, float] | None, count: int) -> np.ndarray:
    """Rows of at most `count` pictures, evenly spread over a time span, shape (F,)."""
    first, last = rows_in(sampled.data.shape[0], sampled.dt, sampled.t_start, time)
    return np.unique(np.linspace(first, last - 1, count).round().astype(np.int64))
