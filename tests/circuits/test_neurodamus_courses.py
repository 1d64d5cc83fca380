"""Currents of neurodamus's inputs, as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.tasks.circuits.neurodamus.courses import (
    Shots,
    noise,
    ornstein_uhlenbeck,
    pulses,
    ramp,
    shot_noise,
    sine,
)


class Generator:
    """Draws of NumPy in place of a stream of NEURON."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.skipped = 0

    def skip(self, count: int) -> None:
        self.skipped += count

    def normal(self, mean: float, variance: float, count: int) -> np.ndarray:
        return self.rng.normal(mean, np.sqrt(variance), count)

    def exponential(self, mean: float, count: int) -> np.ndarray:
        return self.rng.exponential(mean, count)

    def uniform(self, count: int) -> np.ndarray:
        return self.rng.uniform(0, 1, count)

    def one_normal(self) -> float:
        return float(self.rng.normal())

    def one_uniform(self) -> float:
        return float(self.rng.uniform())


def test_ramp_lies_between_two_jumps() -> None:
    course = ramp(0.2, 0.6, delay=5.0, duration=10.0)
    assert course.times.tolist() == [0.0, 5.0, 5.0, 15.0, 15.0]
    assert course.values.tolist() == [0.0, 0.0, 0.2, 0.6, 0.0]
    assert ramp(1.0, 1.0, delay=0.0, duration=3.0).times.tolist() == [0.0, 0.0, 3.0, 3.0]


def test_last_pulse_is_cut_at_the_end() -> None:
    course = pulses(2.0, frequency=50.0, width=4.0, delay=1.0, duration=43.0)
    begins = course.times[1::4][:3].tolist()
    assert begins == [1.0, 21.0, 41.0]
    # the third one ends with the input
    assert course.times[-2:].tolist() == [44.0, 44.0]
    assert course.values[-1] == 0.0


def test_sine_is_sampled_with_its_interval() -> None:
    course = sine(0.5, frequency=100.0, dt=0.5, delay=2.0, duration=10.0)
    times = course.times[1:-1]
    np.testing.assert_allclose(times, 2.0 + 0.5 * np.arange(21))
    np.testing.assert_allclose(
        course.values[1:-1], 0.5 * np.sin(2 * np.pi * 0.1 * (times - 2.0)), atol=1e-15
    )


def test_noise_that_begins_later_leaves_numbers_out() -> None:
    draws = Generator(1)
    course = noise(0.1, 0.04, draws, dt=0.5, step=0.1, delay=10.0, duration=500.0)
    assert draws.skipped == 20
    inside = course.values[2:-1]
    assert len(inside) == 1001
    assert abs(inside.mean() - 0.1) < 0.02
    assert abs(inside.std() - 0.2) < 0.02


def test_process_has_its_moments_and_correlation() -> None:
    draws = Generator(2)
    course = ornstein_uhlenbeck(0.3, 0.1, draws, tau=2.0, dt=0.25, delay=0.0, duration=5000.0)
    values = course.values[201:-1] - 0.3
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 0.1) < 0.005
    # eight intervals are one time constant
    correlation = np.mean(values[8:] * values[:-8]) / values.var()
    assert correlation == pytest.approx(np.exp(-1), abs=0.05)


@pytest.mark.parametrize("mean", [0.5, -0.5])
def test_shots_give_the_signal_that_is_asked_for(mean: float) -> None:
    shots = Shots.of_signal(mean, 0.1, rise=0.4, decay=4.0, skew=0.5)
    course = shot_noise(shots, Generator(3), dt=0.25, delay=1.0, duration=20000.0)
    values = course.values[400:-1]
    assert values.mean() == pytest.approx(mean, abs=0.02)
    assert values.std() == pytest.approx(0.1, abs=0.01)
