"""Statistics of signals against SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as filters

from lfpcli.errors import InputError
from lfpcli.forward.waveforms import nearest_samples
from lfpcli.tasks.statistics.fields import (
    line_spacing,
    spike_features,
    standard_csd,
    triggered_mean,
)
from lfpcli.tasks.statistics.spectra import (
    BANDS,
    band_power,
    coherence,
    power_spectrum,
    window_samples,
)

DT = 0.5


def noise(samples: int = 9000, channels: int = 3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((samples, channels))


def test_spectrum_is_that_of_scipy() -> None:
    samples = noise()
    frequencies, density = power_spectrum(samples, DT)
    hertz, wanted = filters.welch(
        samples, fs=2000.0, window="hann", nperseg=2000, noverlap=1000, axis=0
    )
    assert window_samples(len(samples)) == 2000
    np.testing.assert_allclose(frequencies, hertz)
    np.testing.assert_allclose(density, wanted, rtol=1e-12)


def test_spectrum_sums_to_the_variance() -> None:
    samples = noise(20_000)
    frequencies, density = power_spectrum(samples, DT)
    power = density.sum(axis=0) * frequencies[1]
    np.testing.assert_allclose(power, samples.var(axis=0), rtol=0.03)


def test_tone_is_in_its_band() -> None:
    """A sine of amplitude A has the power A^2 / 2."""
    times = DT * np.arange(40_000)
    for frequency, band in ((6.0, "theta"), (20.0, "beta"), (60.0, "gamma")):
        samples = 3.0 * np.sin(2e-3 * np.pi * frequency * times)[:, None]
        frequencies, density = power_spectrum(samples, DT)
        for name, edges in BANDS.items():
            power = band_power(frequencies, density, *edges)[0]
            assert power == pytest.approx(4.5 if name == band else 0.0, abs=0.01)
    assert np.isnan(band_power(frequencies, density, 1.0, 1.0)).all()


def test_coherence_is_that_of_scipy() -> None:
    first, second = noise(), noise(seed=2)
    second[:, 0] = 0.5 * first[:, 0]
    second[:, 1] += first[:, 1]
    frequencies, got = coherence(first, second, DT)
    hertz, wanted = filters.coherence(first, second, fs=2000.0, nperseg=2000, axis=0)
    np.testing.assert_allclose(frequencies, hertz)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)
    np.testing.assert_allclose(got[:, 0], 1.0, rtol=1e-9)
    assert np.all(coherence(first, np.zeros_like(first), DT)[1] == 0)


def test_short_signals_have_no_spectrum() -> None:
    with pytest.raises(InputError, match="16 samples or more, there are 15"):
        power_spectrum(noise(15), DT)


def test_triggered_mean_is_that_of_a_loop() -> None:
    samples = noise(500)
    rows = np.array([2, 10, 250, 251, 499, 480])
    mean, events = triggered_mean(samples, rows, 5, 19)
    wanted = np.mean([samples[r - 5 : r + 20] for r in (10, 250, 251, 480)], axis=0)
    assert events == 4
    np.testing.assert_allclose(mean, wanted, rtol=1e-12)
    nothing, events = triggered_mean(samples, rows[:1], 5, 19)
    assert events == 0 and np.isnan(nothing).all()


def test_spikes_between_two_samples_belong_to_the_earlier() -> None:
    """Currents of second order lie in the middle of steps, and spikes in that of two samples."""
    steps = np.arange(4000)
    for dt, t_start in ((0.025, 0.0), (0.1, 3.0), (1 / 30, -2.0)):
        for part, expected in ((-0.49, 0), (0.0, 0), (0.49, 0), (0.5, 0), (0.51, 1)):
            rows = nearest_samples(t_start + dt * (steps + part), t_start=t_start, dt=dt)
            np.testing.assert_array_equal(rows, steps + expected)


def test_features_of_a_triangle() -> None:
    """From 0 down to -2 in 1 ms, up to 1 in 1.5 ms, back to 0: all features by hand."""
    dt = 0.05
    times = np.arange(0, 6 + dt / 2, dt)
    waveform = np.interp(times, [0, 1, 2, 3.5, 5], [0, 0, -2, 1, 0])
    got = spike_features(waveform, dt)
    assert got["amplitude"] == pytest.approx(3.0)
    assert got["width_ms"] == pytest.approx(1.5)
    assert got["half_width_ms"] == pytest.approx(1.0)
    assert got["repolarisation"] == pytest.approx(2.0)
    assert np.isnan(spike_features(waveform[: round(2.2 / dt)], dt)["half_width_ms"])


def test_csd_of_a_parabola_is_constant() -> None:
    """phi = z^2 / 2 mV has the second derivative 1 mV/um2: CSD is -sigma."""
    depths = 25.0 * np.arange(8)
    potentials = np.tile(0.5 * depths**2, (3, 1))
    got = standard_csd(potentials, 25.0, 0.3)
    assert got.shape == (3, 6)
    np.testing.assert_allclose(got, -0.3, rtol=1e-10)
    # the units: S/m * mV / um2 = 1e-3 A / 1e-12 m3 = 1e9 A/m3 = nA/um3
    assert pytest.approx(0.3 * 1e-9 / (1e-6) ** 3) == 0.3 * 1e-3 / (1e-6) ** 2


def test_contacts_on_a_line() -> None:
    positions = np.column_stack([np.full((5, 2), 7.0), [40.0, 0.0, 10.0, 30.0, 20.0]])
    order, spacing = line_spacing(positions)
    np.testing.assert_array_equal(positions[order, 2], [0, 10, 20, 30, 40])
    assert spacing == pytest.approx(10.0)
    for bad, text in (
        (positions[:2], "three contacts"),
        (positions + np.diag([0, 0, 0, 9, 0])[:, :3] + np.eye(5, 3), "on one line"),
        (positions * np.array([1, 1, 1]) + np.outer([5, 0, 0, 0, 0], [0, 0, 1]), "equal distances"),
    ):
        with pytest.raises(InputError, match=text):
            line_spacing(bad)
