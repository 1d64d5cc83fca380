"""Statistics of spike trains against closed forms and NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.tasks.statistics.trains import (
    Trains,
    fano_factor,
    mean_correlation,
    population_rate,
    variation,
)


def poisson(rate: float, cells: int, span: float, seed: int = 1) -> Trains:
    """Trains of `rate` Hz over `span` ms."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(rate * span * 1e-3, cells)
    times = rng.uniform(0, span, spikes.sum())
    owners = np.repeat(np.arange(cells), spikes)
    order = np.argsort(times)
    return Trains(
        times=times[order], cells=owners[order], gids=np.arange(cells), begin=0.0, end=span
    )


def regular(steps: list[float], cells: int = 2) -> Trains:
    times = np.cumsum(steps)
    both = np.concatenate([times] * cells)
    owners = np.repeat(np.arange(cells), len(times))
    order = np.argsort(both, kind="stable")
    end = float(times[-1]) + 1.0
    return Trains(times=both[order], cells=owners[order], gids=np.arange(cells), begin=0.0, end=end)


def test_rates_count_silent_cells() -> None:
    trains = Trains(
        times=np.array([1.0, 2.0, 150.0]),
        cells=np.array([0, 0, 2]),
        gids=np.arange(4),
        begin=0.0,
        end=200.0,
    )
    np.testing.assert_allclose(trains.rates(), [10.0, 0.0, 5.0, 0.0])
    assert [list(steps) for steps in trains.intervals()] == [[1.0], [], [], []]


def test_regular_trains_do_not_vary() -> None:
    cv, lv, cells = variation(regular([10.0] * 20).intervals())
    assert cv == pytest.approx(0, abs=1e-12) and lv == pytest.approx(0, abs=1e-12) and cells == 2


def test_alternating_intervals() -> None:
    """Intervals a, b, a, b ...: CV and LV in closed form."""
    a, b, n = 4.0, 12.0, 40
    cv, lv, _ = variation(regular([1.0, *[a, b] * (n // 2)]).intervals())
    mean = 0.5 * (a + b)
    assert cv == pytest.approx(0.5 * (b - a) / mean * np.sqrt(n / (n - 1)))
    assert lv == pytest.approx(3 * ((b - a) / (a + b)) ** 2)


def test_poisson_trains_are_near_one() -> None:
    trains = poisson(20.0, 200, 20_000.0)
    cv, lv, cells = variation(trains.intervals())
    assert cells == 200
    assert cv == pytest.approx(1.0, abs=0.02) and lv == pytest.approx(1.0, abs=0.02)
    assert fano_factor(trains.counts(10.0)) == pytest.approx(1.0, abs=0.01)
    assert mean_correlation(trains.counts(10.0)) == pytest.approx(0.0, abs=0.002)
    assert trains.rates().mean() == pytest.approx(20.0, abs=0.3)


def test_counts_are_histograms() -> None:
    trains = poisson(30.0, 5, 1003.0)
    counts = trains.counts(10.0)
    assert counts.shape == (5, 100)
    for cell in range(5):
        wanted = np.histogram(trains.times[trains.cells == cell], np.arange(0, 1001, 10.0))[0]
        np.testing.assert_array_equal(counts[cell], wanted)
    rate = population_rate(counts, 10.0)
    np.testing.assert_allclose(rate, counts.sum(axis=0) / 5 / 0.01)


def test_fano_and_correlation_are_those_of_numpy() -> None:
    counts = np.random.default_rng(2).poisson(2.0, (6, 300))
    counts[5] = 0
    varying = counts[:5]
    wanted = np.mean(varying.var(axis=1, ddof=1) / varying.mean(axis=1))
    assert fano_factor(counts) == pytest.approx(wanted, rel=1e-12)
    pairs = np.corrcoef(varying)[np.triu_indices(5, 1)]
    assert mean_correlation(counts) == pytest.approx(pairs.mean(), rel=1e-10)
    assert mean_correlation(np.tile(varying[:1], (3, 1))) == pytest.approx(1.0)


def test_too_little_is_nan() -> None:
    nothing = Trains(
        times=np.zeros(0), cells=np.zeros(0, int), gids=np.arange(3), begin=0.0, end=100.0
    )
    assert np.isnan(variation(nothing.intervals())[0])
    assert np.isnan(fano_factor(nothing.counts(5.0)))
    assert np.isnan(mean_correlation(nothing.counts(5.0)))
    assert np.isnan(mean_correlation(np.zeros((0, 5), int)))
