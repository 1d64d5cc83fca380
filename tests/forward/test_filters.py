"""Zero-phase filters and resampling."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import filters
from lfpcli.forward.treatment import Band, parse_band

DT = 1 / 32  # ms


def sine(frequency: float, n: int = 32_000, dt: float = DT, phase: float = 0.3) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * 1e-3 * dt * np.arange(n) + phase)


def amplitude_and_phase(trace: np.ndarray, frequency: float, dt: float = DT) -> complex:
    """Complex amplitude relative to that of `sine`, from the middle half of the trace."""
    n = len(trace)
    middle = slice(n // 4, 3 * n // 4)
    t = 1e-3 * dt * np.arange(n)[middle]
    basis = np.stack(
        [np.sin(2 * np.pi * frequency * t + 0.3), np.cos(2 * np.pi * frequency * t + 0.3)]
    )
    sine_part, cosine_part = np.linalg.lstsq(basis.T, trace[middle], rcond=None)[0]
    return complex(sine_part, cosine_part)


def prewarped(frequency: float, dt: float = DT) -> float:
    return np.tan(np.pi * frequency * 1e-3 * dt)


@pytest.mark.parametrize("frequency", [100.0, 300.0, 1000.0, 3000.0])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_low_pass_has_the_squared_butterworth_gain_and_no_phase(
    frequency: float, order: int
) -> None:
    out = filters.butterworth(sine(frequency), DT, None, 1000.0, order)
    gain = amplitude_and_phase(out, frequency)
    # bilinear transform of |H|^2 = 1 / (1 + (f / fc)^(2 n)), with the corner prewarped
    expected = 1 / (1 + (prewarped(frequency) / prewarped(1000.0)) ** (2 * order))
    assert gain.real == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert abs(gain.imag) < 1e-6


def test_high_pass_removes_a_constant_and_keeps_the_fast() -> None:
    fast = sine(5000.0)
    out = filters.butterworth(fast - 65.0, DT, 300.0, None)
    np.testing.assert_allclose(out[8000:-8000], fast[8000:-8000], atol=1e-3)


def test_band_pass_gains_one_half_at_its_corners() -> None:
    for corner in (300.0, 6000.0):
        out = filters.butterworth(sine(corner), DT, 300.0, 6000.0)
        assert amplitude_and_phase(out, corner).real == pytest.approx(0.5, rel=1e-6)


def test_filter_treats_channels_alike_and_keeps_the_shape() -> None:
    data = np.random.default_rng(3).normal(size=(500, 2, 3))
    out = filters.butterworth(data, DT, 300.0, 6000.0)
    assert out.shape == data.shape
    np.testing.assert_array_equal(
        out[:, 1, 2], filters.butterworth(data[:, 1, 2], DT, 300.0, 6000.0)
    )


@pytest.mark.parametrize(("to_dt", "n"), [(DT / 3, 6000), (2 * DT, 1000), (0.05, 1250), (DT, 2000)])
def test_resampling_keeps_a_slow_sine_and_its_time(to_dt: float, n: int) -> None:
    out = filters.resample(sine(200.0, 2000)[:, None], DT, to_dt)
    assert out.shape == (n, 1)
    expected = sine(200.0, n, to_dt)
    middle = slice(n // 5, -n // 5)
    np.testing.assert_allclose(out[middle, 0], expected[middle], atol=3e-3)


def test_resampling_keeps_aliases_out() -> None:
    out = filters.resample(sine(3700.0, 16_000), DT, 0.25)  # Nyquist frequency 2 kHz
    assert np.abs(out[500:-500]).max() < 1e-3


def test_resampling_has_no_edge_at_a_resting_potential() -> None:
    out = filters.resample(np.full((400, 2), -65.0), DT, 3 * DT)
    np.testing.assert_allclose(out, -65.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("300:6000", (300.0, 6000.0)),
        (":300", (None, 300.0)),
        ("0.5:", (0.5, None)),
        ("1e2: 2e3", (100.0, 2000.0)),
    ],
)
def test_band_texts(text: str, band: Band) -> None:
    assert parse_band(text) == band


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no pass band"),
        (":", "no pass band"),
        ("300", "no pass band"),
        ("1:2:3", "no pass band"),
        ("low:300", "'low' in filter"),
        ("nan:300", "corner nan"),
        (":inf", "corner inf"),
        ("-1:300", "corner -1"),
        ("0:300", "corner 0"),
        ("300:300", "not below"),
        ("6000:300", "not below"),
    ],
)
def test_bad_band_texts(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_band(text)


@pytest.mark.parametrize(
    ("low", "high", "dt", "order", "message"),
    [
        (300.0, 16_000.0, DT, 3, "16000 Hz is not between 0 and half the sampling rate, 16000 Hz"),
        (None, None, DT, 3, "neither"),
        (-3.0, None, DT, 3, "-3 Hz"),
        (np.nan, None, DT, 3, "nan Hz"),
        (300.0, None, 0.0, 3, "sampling interval"),
        (300.0, None, np.nan, 3, "sampling interval"),
        (300.0, None, DT, 0, "order"),
        (300.0, None, DT, 1.5, "order"),
    ],
)
def test_bad_filters(
    low: float | None, high: float | None, dt: float, order: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        filters.butterworth(np.zeros(100), dt, low, high, order)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros(10), "10 samples is too short"),
        (np.zeros((0, 3)), "empty"),
        (3.0, "empty"),
        ([0.0, 1.0, np.nan], "not finite at sample 2"),
        (["a"], "numbers"),
    ],
)
def test_bad_signals(data: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        filters.butterworth(data, DT, 300.0, 6000.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("to_dt", [0.0, -1.0, np.inf, DT * np.pi, DT * 1e9, DT / 1e9])
def test_bad_resampling(to_dt: float) -> None:
    with pytest.raises(UsageError, match="sampling interval"):
        filters.resample(np.zeros(100), DT, to_dt)
