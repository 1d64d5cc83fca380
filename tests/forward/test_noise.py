"""Spectra, correlations and reproducibility of the noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.noise import noise

SPACING = 20.0


def column(n: int) -> np.ndarray:
    return np.column_stack([np.zeros(n), np.zeros(n), SPACING * np.arange(n)])


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -1.0), ("brown", -2.0)])
def test_spectrum_falls_with_the_slope_of_its_colour(colour: str, slope: float) -> None:
    traces = noise(colour, 2**16, column(16), 1.0, seed=5)
    frequency, power = signal.welch(traces, fs=1.0, window="hann", nperseg=2**12, axis=0)
    inner = (frequency > 4e-3) & (frequency < 0.4)
    fit = stats.linregress(np.log(frequency[inner]), np.log(power[inner].mean(axis=1)))
    assert fit.slope == pytest.approx(slope, abs=0.02)


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
@pytest.mark.parametrize("length", [None, 30.0])
def test_every_trace_has_the_rms(colour: str, length: float | None) -> None:
    traces = noise(colour, 1001, column(5), 0.01, seed=1, length=length)
    assert traces.shape == (1001, 5)
    np.testing.assert_allclose(np.sqrt((traces**2).mean(axis=0)), 0.01, rtol=1e-12)


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_contacts_correlate_as_an_exponential_of_distance(colour: str) -> None:
    traces = noise(colour, 200_000, column(6), 2.0, seed=8, length=50.0)
    distance = SPACING * np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    # pink noise has far fewer independent samples than white
    atol = {"white": 0.01, "pink": 0.15}[colour]
    np.testing.assert_allclose(np.corrcoef(traces.T), np.exp(-distance / 50.0), atol=atol)


def test_correlations_of_short_pink_traces_are_right_on_average() -> None:
    found = np.mean(
        [np.corrcoef(noise("pink", 512, column(2), 1.0, s, 40.0).T)[0, 1] for s in range(400)]
    )
    assert found == pytest.approx(np.exp(-0.5), abs=0.03)


def test_coincident_contacts_see_the_same_noise() -> None:
    places = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1e5, 0.0, 0.0]])
    traces = noise("white", 5000, places, 1.0, seed=2, length=10.0)
    np.testing.assert_allclose(traces[:, 0], traces[:, 1], atol=1e-7)
    assert abs(np.corrcoef(traces.T)[0, 2]) < 0.06


def test_distant_contacts_are_independent() -> None:
    traces = noise("white", 100_000, column(3), 1.0, seed=2)
    np.testing.assert_allclose(np.corrcoef(traces.T), np.eye(3), atol=0.015)


def test_same_seed_same_noise_and_contacts_do_not_depend_on_their_number() -> None:
    first = noise("brown", 300, column(4), 1.0, seed=9)
    np.testing.assert_array_equal(first, noise("brown", 300, column(4), 1.0, seed=9))
    np.testing.assert_array_equal(first[:, :2], noise("brown", 300, column(2), 1.0, seed=9))
    assert np.abs(first - noise("brown", 300, column(4), 1.0, seed=10)).max() > 0.1


def test_trace_is_not_periodic() -> None:
    traces = noise("brown", 4096, column(64), 1.0, seed=4)
    step = np.abs(np.diff(traces, axis=0)).mean()
    assert np.abs(traces[-1] - traces[0]).mean() > 20 * step


def test_no_contacts_and_no_power() -> None:
    assert noise("pink", 10, np.empty((0, 3)), 1.0, seed=1).shape == (10, 0)
    np.testing.assert_array_equal(noise("pink", 10, column(2), 0.0, seed=1), 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "pinc"}, "did you mean 'pink'"),
        ({"n_samples": 1}, "at least 2"),
        ({"seed": -1}, "seed of noise"),
        ({"rms": -1.0}, "rms of noise is -1"),
        ({"rms": float("nan")}, "rms of noise is nan"),
        ({"length": -3.0}, "correlation length"),
        ({"length": float("inf")}, "correlation length"),
    ],
)
def test_bad_values(changes: dict[str, object], message: str) -> None:
    values: dict[str, object] = {
        "colour": "white",
        "n_samples": 10,
        "positions": column(2),
        "rms": 1.0,
        "seed": 1,
    }
    with pytest.raises(UsageError, match=message):
        noise(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("positions", [[1.0, 2.0, 3.0], [[0.0, 0.0, np.nan]], "abc"])
def test_bad_positions(positions: object) -> None:
    with pytest.raises(InputError, match="positions"):
        noise("white", 10, positions, 1.0, seed=1)  # type: ignore[arg-type]
