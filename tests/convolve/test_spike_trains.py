"""Trains against the statistics of their processes; bounds hold for the seeds that are fixed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lfpcli.errors import UsageError
from lfpcli.forward.spike_trains import Process, Rate, spike_trains

# least probability of a test of a right process: a wrong one fails by far
LEAST = 1e-3


def by_train(process: Process, size: int, duration: float, seed: int = 1) -> list[np.ndarray]:
    times, trains = spike_trains(process, size, duration, seed=seed)
    assert np.all(np.diff(times) >= 0) and np.all((times >= 0) & (times < duration))
    return [times[trains == train] for train in range(size)]


def test_poisson_intervals_are_exponential() -> None:
    trains = by_train(Process(rate=20.0), 50, 20_000.0)
    intervals = np.concatenate([np.diff(train) for train in trains])
    # the last interval of each train is cut off: compare those that could not be
    assert stats.kstest(intervals, stats.expon(scale=50.0).cdf).pvalue > LEAST
    counts = np.array([len(train) for train in trains])
    chi2 = np.sum((counts - 400.0) ** 2) / 400.0
    assert stats.chi2(50).sf(chi2) > LEAST


def test_dead_time_leaves_the_rate_as_asked() -> None:
    trains = by_train(Process(rate=100.0, refractory=4.0), 100, 10_000.0)
    intervals = np.concatenate([np.diff(train) for train in trains])
    assert intervals.min() >= 4.0
    assert stats.kstest(intervals, stats.expon(loc=4.0, scale=6.0).cdf).pvalue > LEAST
    counts = np.array([len(train) for train in trains])
    # the variance of counts of a renewal process is CV^2 times their mean
    error = (counts.mean() - 1000.0) / np.sqrt(0.36 * 1000.0 / 100)
    assert abs(error) < 3.3


def test_gamma_intervals_have_their_shape() -> None:
    trains = by_train(Process(rate=33.0, shape=3.0), 100, 10_000.0)
    intervals = np.concatenate([np.diff(train) for train in trains])
    assert stats.kstest(intervals, stats.gamma(3.0, scale=1000 / 33 / 3).cdf).pvalue > LEAST


@pytest.mark.parametrize("shape, refractory", [(1.0, 0.0), (4.0, 0.0), (4.0, 10.0), (np.inf, 0.0)])
def test_trains_begin_in_equilibrium(shape: float, refractory: float) -> None:
    process = Process(rate=33.0, shape=shape, refractory=refractory)
    times, _ = spike_trains(process, 4000, 60.0, seed=2)
    counts = np.histogram(times, bins=12, range=(0.0, 60.0))[0]
    expected = 4000 * 33.0 * 5.0 / 1000.0
    # counts of one bin vary no more than those of Poisson trains
    assert np.sum((counts - expected) ** 2) / expected < stats.chi2(12).isf(LEAST)


def test_rate_follows_time() -> None:
    rate = Rate(times=np.array([0.0, 1000.0, 2000.0]), values=np.array([10.0, 60.0, 0.0]))
    times, trains = spike_trains(Process(rate=rate, refractory=3.0), 3000, 2500.0, seed=3)
    counts, edges = np.histogram(times, bins=25, range=(0.0, 2500.0))
    expected = 3000 * rate.at((edges[1:] + edges[:-1]) / 2) * 0.1
    assert counts[-5:].sum() == 0
    assert np.all(
        np.abs(counts[:20] - expected[:20]) < 5 * np.sqrt(expected[:20]) + 0.01 * expected[:20]
    )
    first = times[trains == 7]
    assert np.diff(first).min() >= 3.0


def test_a_rate_that_rises_from_nothing_is_followed_from_the_begin() -> None:
    rate = Rate(times=np.array([0.0, 500.0]), values=np.array([0.0, 100.0]))
    times, _ = spike_trains(Process(rate=rate, shape=4.0), 2000, 200.0, seed=4)
    counts = np.histogram(times, bins=8, range=(0.0, 200.0))[0]
    middles = np.arange(12.5, 200.0, 25.0)
    expected = 2000 * rate.at(middles) * 0.025
    # regular trains vary less than Poisson trains do
    assert np.sum((counts - expected) ** 2 / expected) < stats.chi2(8).isf(LEAST)


def test_bursts_have_their_size_and_rate() -> None:
    process = Process(rate=20.0, burst_size=3.0, burst_interval=5.0, refractory=12.0)
    trains = by_train(process, 100, 20_000.0)
    assert abs(np.mean([len(train) for train in trains]) / 400.0 - 1) < 0.03
    intervals = np.concatenate([np.diff(train) for train in trains])
    inner = np.isclose(intervals, 5.0)
    # one interval in burst for each spike but the first of a burst
    assert abs(inner.mean() - 2 / 3) < 0.01
    assert intervals[~inner].min() >= 12.0


def test_counts_are_correlated_as_asked() -> None:
    process = Process(rate=20.0, correlation=0.2, jitter=2.0)
    times, trains = spike_trains(process, 20, 200_000.0, seed=4)
    counts = np.array(
        [np.histogram(times[trains == k], bins=2000, range=(0, 200_000.0))[0] for k in range(20)]
    )
    pairs = np.corrcoef(counts)[np.triu_indices(20, 1)]
    assert abs(pairs.mean() - 0.2) < 0.02
    assert abs(len(times) / (20 * 4000) - 1) < 0.03


def test_rates_spread() -> None:
    trains = by_train(Process(rate=20.0, rate_sd=5.0, rate_min=1.0), 400, 20_000.0)
    rates = np.array([len(train) for train in trains]) / 20.0
    # the spread of counts adds 1 Hz^2
    assert abs(np.var(rates) / 26.0 - 1) < 0.25


def test_a_train_is_the_same_among_more_and_for_longer() -> None:
    for process in (Process(rate=20.0, refractory=2.0), Process(rate=9.0, burst_size=2.0)):
        few = by_train(process, 3, 5_000.0)
        many = by_train(process, 9, 12_000.0)
        for short, long in zip(few, many, strict=False):
            assert np.array_equal(short, long[long < 5_000.0])


@pytest.mark.parametrize(
    "facts",
    [
        {"rate": 600.0, "refractory": 2.0},
        {"rate": -1.0},
        {"rate": np.nan},
        {"rate": 5.0, "shape": 0.0},
        {"rate": 5.0, "burst_size": 0.5},
        {"rate": 5.0, "correlation": 1.0},
        {"rate": 5.0, "correlation": 0.1, "refractory": 2.0},
        {"rate": 5.0, "jitter": 2.0},
        {"rate": 100.0, "burst_size": 4.0, "burst_interval": 20.0},
    ],
)
def test_processes_that_cannot_be_are_refused(facts: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Process(**facts)


def test_more_spikes_than_can_be_meant_are_refused() -> None:
    with pytest.raises(UsageError, match="lower rate"):
        spike_trains(Process(rate=1e6), 1000, 1e6, seed=1)


def test_command_writes_trains(lfp: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "trains.h5"
    ran = lfp(
        *("spikes", "--poisson", 20, "--size", 10, "--duration", 5, "--refractory", 2),
        *("--seed", 1, "-o", out),
    )
    assert "10 trains" in ran.err
    facts = json.loads(lfp("stats", out, "--json").out)
    assert facts["populations"]["trains"]["rate_hz"] == pytest.approx(20.0, rel=0.2)


def test_command_reads_populations(lfp: Callable[..., Any], tmp_path: Path) -> None:
    table = tmp_path / "populations.toml"
    table.write_text(
        '[E]\nsize = 4\ngamma = 8.0\nshape = 3.0\n[I]\nsize = 2\nrates = "rates.csv"\n'
    )
    (tmp_path / "rates.csv").write_text("time,rate\n0,5\n1000,30\n")
    lfp("spikes", table, "--duration", 4, "--seed", 1, "-o", tmp_path / "trains.h5")
    facts = json.loads(lfp("info", tmp_path / "trains.h5", "--json").out)
    assert set(facts["spikes"]) == {"E", "I"}


@pytest.mark.parametrize(
    "table, fault",
    [
        ("[E]\nsize = 4\n", "needs one of"),
        ("[E]\nsize = 0\npoisson = 5\n", ">= 1"),
        ("[E]\npoisson = 5\ngamma = 5\n", "has both"),
        ("[E]\npoison = 5\n", "did you mean"),
        ("[E]\npoisson = 5\nshape = 2\n", "belongs to"),
        ("[E]\npoisson = 600\nrefractory = 2\n", "no time between"),
        ('[E]\nrates = "no.csv"\n', "no such file"),
        ("E = 4\n", "no table"),
        ("", "is empty"),
    ],
)
def test_faults_of_tables_are_told(
    lfp: Callable[..., Any], tmp_path: Path, table: str, fault: str
) -> None:
    (tmp_path / "populations.toml").write_text(table)
    out = tmp_path / "trains.h5"
    ran = lfp("spikes", tmp_path / "populations.toml", "--duration", 1, "-o", out, code=3)
    assert fault in ran.err
    assert not out.exists()


def test_options_do_not_go_with_a_file(lfp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[E]\npoisson = 5\n")
    ran = lfp("spikes", tmp_path / "p.toml", "--size", 3, "--duration", 1, "-o", "x.h5", code=2)
    assert "--size" in ran.err
