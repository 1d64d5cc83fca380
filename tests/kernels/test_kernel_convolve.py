"""Waveforms added by the kernel, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.kernels.convolution import add_waveforms


def added(
    shape: tuple[int, int],
    waveforms: np.ndarray,
    rows: np.ndarray,
    begins: np.ndarray,
    gains: np.ndarray,
) -> np.ndarray:
    """The twin of the kernel, one event after the other."""
    margin = waveforms.shape[1] + int(np.abs(begins).max(initial=0))
    signal = np.zeros((shape[0] + 2 * margin, shape[1]))
    for row, begin, gain in zip(rows, begins, gains, strict=True):
        first = begin + margin
        signal[first : first + waveforms.shape[1]] += gain * waveforms[row].astype(float)
    return signal[margin : margin + shape[0]]


@pytest.mark.parametrize("channels", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_kernel_is_its_twin(channels: int, each: bool, threads: int) -> None:
    rng = np.random.default_rng(channels)
    waveforms = rng.standard_normal((5, 40, channels)).astype(np.float32)
    count = 60
    rows = rng.integers(5, size=count)
    begins = rng.integers(-60, 320, size=count)
    gains = rng.standard_normal((count, channels if each else 1))
    signal = np.zeros((300, channels))
    add_waveforms(signal, waveforms, rows, begins, gains, threads=threads)
    expected = added(signal.shape, waveforms, rows, begins, gains)
    assert np.array_equal(signal, expected)


def test_nothing_is_added_to_nothing() -> None:
    none = np.zeros(0, np.int64)
    signal = np.ones((4, 2))
    add_waveforms(signal, np.zeros((1, 3, 2), np.float32), none, none, np.zeros((0, 1)))
    assert np.all(signal == 1)


@pytest.mark.parametrize(
    "change",
    [
        {"signal": np.zeros((4, 2), np.float32)},
        {"waveforms": np.zeros((1, 3, 3), np.float32)},
        {"waveforms": np.zeros((1, 3, 2))},
        {"rows": np.array([1])},
        {"rows": np.array([-1])},
        {"begins": np.array([0, 1])},
        {"gains": np.ones((1, 3))},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, np.ndarray]) -> None:
    arguments = {
        "signal": np.zeros((4, 2)),
        "waveforms": np.zeros((1, 3, 2), np.float32),
        "rows": np.array([0]),
        "begins": np.array([0]),
        "gains": np.ones((1, 1)),
    }
    with pytest.raises(UsageError):
        add_waveforms(**{**arguments, **change})
