"""Spike trains drawn while a run goes: their statistics, whatever the stretches and ranks."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from network_models import network
from scipy import stats

from lfpcli.errors import InputError
from lfpcli.model import SpikeSource, load_model
from lfpcli.runtime.synapses.events import Trains, spikes_between
from lfpcli.seeds import StreamTable
from lfpcli.tasks.simulate.trains import Span, TrainGroups, trains_of

GAMMA = {"dist": "gamma", "a": 2.0, "scale": 25.0}


def source(value: Any) -> SpikeSource:
    tree = network()
    tree["input"][0]["source"] = value
    return load_model(tree).inputs[0].source


def trains(
    value: Any,
    tstop: float,
    *,
    tstart: float = 0.0,
    groups: TrainGroups | None = None,
    seed: int = 1,
) -> Trains:
    groups = groups or some()
    span = Span(tstart=tstart, tstop=tstop)
    return trains_of(source(value), groups, StreamTable(seed, "test"), span)


def some(counts: tuple[int, ...] = (1,), rows: tuple[int, ...] | None = None) -> TrainGroups:
    """Groups numbered from 100 on."""
    first = 100 + np.cumsum([0, *counts[:-1]])
    return TrainGroups(
        rows=np.array(rows or range(len(counts))), counts=np.array(counts), first=first
    )


def times(value: Any, tstop: float, **keys: Any) -> np.ndarray:
    return spikes_between([trains(value, tstop, **keys)], -np.inf, np.inf)[0]


def test_given_times_are_sorted_and_cut_at_the_end() -> None:
    assert times({"times": [40, 20, -5, 120]}, 100.0).tolist() == [-5.0, 20.0, 40.0]
    assert times({"times": []}, 100.0).shape == (0,)


def test_regular_trains_start_and_end() -> None:
    assert times({"regular": 50}, 100.0).tolist() == [0, 20, 40, 60, 80, 100]
    some_spikes = {"regular": 20.0, "start": 5.0, "number": 2}
    assert times(some_spikes, 100.0, tstart=-50).tolist() == [5.0, 55.0]
    assert times({"regular": 50, "stop": 40}, 100.0).tolist() == [0, 20, 40]
    assert times({"regular": 50, "start": 101}, 100.0).shape == (0,)
    assert len(times({"regular": 10_000}, 0.3)) == 4


def test_poisson_trains_have_rate_and_exponential_intervals() -> None:
    drawn = times({"poisson": 50.0}, 400_000.0)
    assert len(drawn) == pytest.approx(20_000, abs=5 * 20_000**0.5)
    assert np.all(np.diff(drawn) > 0)
    assert 0.0 < drawn[0] < drawn[-1] < 400_000.0
    assert stats.kstest(np.diff(drawn), stats.expon(scale=20.0).cdf).pvalue > 1e-3


def test_poisson_trains_fill_the_time_before_zero() -> None:
    assert times({"poisson": 1000.0}, 10.0, tstart=-10.0).min() < -5.0
    later = times({"poisson": 1000.0, "start": 3.0, "stop": 6.0}, 10.0, tstart=-10.0)
    assert 3.0 < later.min() < later.max() < 6.0
    assert times({"poisson": 0.0}, 10.0).shape == (0,)


def test_renewal_trains_have_the_intervals_of_their_distribution() -> None:
    gaps = np.diff(times(GAMMA, 1e6))
    assert stats.kstest(gaps, stats.gamma(a=2.0, scale=25.0).cdf).pvalue > 1e-3


def test_negative_intervals_are_drawn_again() -> None:
    assert np.all(np.diff(times({"dist": "norm", "loc": 2.0, "scale": 5.0}, 10_000.0)) >= 0)
    limits = {"dist": "norm", "loc": 2.0, "scale": 5.0, "min": 1.0, "max": 4.0}
    intervals = np.diff(times(limits, 10_000.0))
    assert intervals.min() >= 1.0 - 1e-9
    assert intervals.max() <= 4.0 + 1e-9


def test_number_limits_a_train() -> None:
    assert len(times({"poisson": 1000.0, "number": 7}, 1000.0)) == 7
    assert len(times({"poisson": 1000.0, "number": 70}, 1000.0)) == 70
    assert times({"times": [3, 1, 2], "number": 2}, 9.0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "value", [{"poisson": 1e12}, {"regular": 1e12}, {"dist": "uniform", "scale": 1e-9}]
)
def test_endless_trains_are_refused(value: Any) -> None:
    with pytest.raises(InputError, match=re.escape("more than 10,000,000 spikes [model]; lower")):
        times(value, 100.0)


def test_trains_beyond_all_bounds_are_refused_while_they_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lfpcli.tasks.simulate.trains.MOST_SPIKES", 1000)
    endless = trains({**GAMMA, "number": 5000}, 1e9)
    with pytest.raises(InputError, match="more than 1,000 spikes"):
        endless.between(-1.0, 1e9)


@pytest.mark.parametrize("value", [{"poisson": 20.0}, GAMMA], ids=["poisson", "gamma"])
def test_trains_of_one_group(value: Any) -> None:
    drawn, whose = spikes_between([trains(value, 4000.0, groups=some((50,)))], -np.inf, np.inf)
    assert np.all(np.diff(drawn) >= 0)
    number = np.bincount(whose - 100, minlength=50)
    assert abs(number.mean() - 80.0) < 4 * number.std() / np.sqrt(50)
    is_poisson = "poisson" in value
    spread = number.var() / number.mean()
    assert spread == pytest.approx(1.0 if is_poisson else 0.5, rel=0.6)
    gaps = np.concatenate([np.diff(drawn[whose == 100 + k]) for k in range(50)])
    assert gaps.std() / gaps.mean() == pytest.approx(1.0 if is_poisson else 2**-0.5, rel=0.08)


ALL = [
    {"poisson": 300.0},
    {"poisson": 300.0, "number": 40},
    {"dist": "gamma", "a": 2.0, "scale": 4.0},
    {"regular": 300.0},
    {"times": [1.0, 2.0, 2.0, 400.0]},
]


@pytest.mark.parametrize("value", ALL, ids=str)
def test_stretches_and_longer_runs_change_nothing(value: Any) -> None:
    groups = some((3, 0, 5, 1))
    whole = spikes_between([trains(value, 900.0, groups=groups)], -np.inf, np.inf)
    pieces = trains(value, 900.0, groups=groups)
    rng = np.random.default_rng(3)
    edges = [-np.inf, *np.sort(rng.uniform(0.0, 900.0, 60)), 1e9]
    parts = [spikes_between([pieces], a, b) for a, b in itertools.pairwise(edges)]
    for k in range(2):
        assert np.array_equal(np.concatenate([part[k] for part in parts]), whole[k])
    assert len(whole[0]) > 10
    # what a checkpoint does: back to a stretch that was asked for before
    again = spikes_between([pieces], 100.0, 300.0)
    inside = (whole[0] > 100.0) & (whole[0] <= 300.0)
    assert np.array_equal(again[0], whole[0][inside])
    early = spikes_between([trains(value, 250.0, groups=groups)], -np.inf, 249.0)
    first = whole[0] <= 249.0
    assert np.array_equal(early[0], whole[0][first]) and np.array_equal(early[1], whole[1][first])


@pytest.mark.parametrize("value", ALL[:3], ids=str)
def test_groups_do_not_depend_on_the_others_of_a_process(value: Any) -> None:
    together = spikes_between([trains(value, 200.0, groups=some((4, 4, 4)))], -np.inf, np.inf)
    alone = spikes_between([trains(value, 200.0, groups=some((4,), rows=(1,)))], -np.inf, np.inf)
    second = (together[1] >= 104) & (together[1] < 108)
    assert np.array_equal(together[0][second], alone[0])
    assert np.array_equal(together[1][second] - 4, alone[1])
    others = spikes_between([trains(value, 200.0, groups=some((4,)), seed=2)], -np.inf, np.inf)
    assert not np.array_equal(others[0], alone[0])


@pytest.mark.parametrize("step", [1, -1])
def test_numbers_of_trains_are_told_from_others(step: int) -> None:
    groups = TrainGroups(
        rows=np.arange(4),
        counts=np.array([2, 0, 3, 1]),
        first=100 + step * np.array([0, 2, 2, 5]),
        step=step,
    )
    numbers = np.arange(90, 111)
    for value in ({"poisson": 10.0}, GAMMA, {"regular": 10.0}):
        held = numbers[trains(value, 10.0, groups=groups).holds(numbers)]
        assert held.tolist() == sorted(100 + step * np.arange(6))
