"""Which templates are taken, by their troughs, and on which sample their troughs lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.forward.placements import Placements


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """What templates must be like, and how they lie in their window.

    Attributes
    ----------
    amplitude : (float, float), optional
        Least and largest depth of the trough at the contact where it is deepest, mV.
    troughs : bool
        Whether the trough there must be at least as large as any peak.
    aligned : bool
        Whether the deepest trough is put on the sample of the spike.
    """

    amplitude: tuple[float, float] | None = None
    troughs: bool = False
    aligned: bool = False

    def __post_init__(self) -> None:
        if self.amplitude is not None and not 0 <= self.amplitude[0] < self.amplitude[1]:
            low, high = self.amplitude
            raise UsageError(
                f"amplitudes from {low:g} to {high:g} mV are no range",
                remedy="give depths of troughs, such as 0.03,1",
            )

    @property
    def choosy(self) -> bool:
        """Whether some templates are not taken."""
        return self.amplitude is not None or self.troughs

    def fit(self, templates: np.ndarray) -> np.ndarray:
        """Which templates, shape (P, C, T), mV, are taken; shape (P,) bool."""
        depth = -templates.min(axis=(1, 2))
        fits = np.ones(len(templates), dtype=bool)
        if self.amplitude is not None:
            low, high = self.amplitude
            fits &= (depth >= low) & (depth <= high)
        if self.troughs:
            fits &= depth >= templates.max(axis=(1, 2))
        return fits


PLAIN = Shapes()
Measure = Callable[[Placements], np.ndarray]


def aligned(templates: np.ndarray, sample: int) -> np.ndarray:
    """Templates whose deepest trough lies on a sample.

    What enters the window is the value at its end, as in MEArec.

    Parameters
    ----------
    templates : ndarray, shape (P, C, T)
        mV.
    sample : int
        Where the deepest trough of each goes.

    Returns
    -------
    ndarray, shape (P, C, T)
        mV.
    """
    _, _, samples = templates.shape
    moved = np.empty_like(templates)
    deepest = np.argmin(templates.min(axis=1), axis=1)
    for number, trough in enumerate(deepest):
        rows = np.clip(np.arange(samples) + trough - sample, 0, samples - 1)
        moved[number] = templates[number][:, rows]
    return moved


def spike_sample(t_start: float, dt: float, samples: int) -> int:
    """Number of the sample of the spike in templates that begin at `t_start`, ms.

    Raises
    ------
    UsageError
        Where the spike does not lie in them.
    """
    sample = round(-t_start / dt)
    if not 0 <= sample < samples:
        raise UsageError(
            "--align needs templates with a spike", remedy="cut them out with --spike-window 2,5"
        )
    return sample
