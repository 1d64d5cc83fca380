"""Templates of Gaussian shape, whose values between samples are known."""

from __future__ import annotations

import numpy as np

DT, BEFORE, SAMPLES = 0.05, 40, 120
WIDTH = 0.3


def shape(times: np.ndarray) -> np.ndarray:
    """A trough of unit depth at time 0, ms."""
    return -np.exp(-((times / WIDTH) ** 2))


def amplitudes(units: int, contacts: int) -> np.ndarray:
    """Depths (units, contacts), mV, between 0.05 and 0.25."""
    return 0.05 + 0.2 * np.random.default_rng(5).random((units, contacts))
