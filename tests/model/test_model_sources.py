"""Spike sources: rates, intervals, ends, and repeatability."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from model_trees import network, rng
from scipy import stats

from lfpcli.errors import InputError
from lfpcli.model import SpikeSource, load_model


def source(value: Any) -> SpikeSource:
    return load_model(network(input__0__source=value)).inputs[0].source


def test_given_times_are_sorted_and_cut_at_the_end() -> None:
    times = source({"times": [40, 20, -5, 120]}).draw(rng(), 100.0)
    assert times.tolist() == [-5.0, 20.0, 40.0]
    assert source({"times": []}).draw(rng(), 100.0).shape == (0,)


def test_regular_trains_start_and_end() -> None:
    assert source({"regular": 50}).draw(rng(), 100.0).tolist() == [0, 20, 40, 60, 80, 100]
    some = source({"regular": 20.0, "start": 5.0, "number": 2})
    assert some.draw(rng(), 100.0, tstart=-50).tolist() == [5.0, 55.0]
    assert source({"regular": 50, "stop": 40}).draw(rng(), 100.0).tolist() == [0, 20, 40]
    assert source({"regular": 50, "start": 101}).draw(rng(), 100.0).shape == (0,)
    assert len(source({"regular": 10_000}).draw(rng(), 0.3)) == 4


def test_poisson_trains_have_rate_and_exponential_intervals() -> None:
    times = source({"poisson": 50.0}).draw(rng(2), 400_000.0)
    assert len(times) == pytest.approx(20_000, abs=5 * 20_000**0.5)
    assert np.all(np.diff(times) > 0)
    assert 0.0 < times[0] < times[-1] < 400_000.0
    assert stats.kstest(np.diff(times), stats.expon(scale=20.0).cdf).pvalue > 1e-3


def test_poisson_trains_fill_the_time_before_zero() -> None:
    times = source({"poisson": 1000.0}).draw(rng(), 10.0, tstart=-10.0)
    assert times.min() < -5.0
    later = source({"poisson": 1000.0, "start": 3.0, "stop": 6.0}).draw(rng(), 10.0, tstart=-10.0)
    assert 3.0 < later.min() < later.max() < 6.0
    assert source({"poisson": 0.0}).draw(rng(), 10.0).shape == (0,)


def test_renewal_trains_have_the_intervals_of_their_distribution() -> None:
    times = source({"dist": "gamma", "a": 2.0, "scale": 25.0}).draw(rng(), 1e6)
    assert stats.kstest(np.diff(times), stats.gamma(a=2.0, scale=25.0).cdf).pvalue > 1e-3


def test_negative_intervals_are_drawn_again() -> None:
    times = source({"dist": "norm", "loc": 2.0, "scale": 5.0}).draw(rng(), 10_000.0)
    assert np.all(np.diff(times) >= 0)
    limited = source({"dist": "norm", "loc": 2.0, "scale": 5.0, "min": 1.0, "max": 4.0})
    intervals = np.diff(limited.draw(rng(), 10_000.0))
    assert intervals.min() >= 1.0 - 1e-9
    assert intervals.max() <= 4.0 + 1e-9


@pytest.mark.parametrize("value", [{"poisson": 500.0}, {"dist": "gamma", "a": 2, "scale": 1.0}])
def test_longer_runs_begin_with_the_same_spikes(value: Any) -> None:
    short = source(value).draw(rng(4), 100.0)
    long = source(value).draw(rng(4), 5000.0)
    assert len(short) > 10
    np.testing.assert_array_equal(long[long < 100.0], short)


def test_number_limits_a_train() -> None:
    assert len(source({"poisson": 1000.0, "number": 7}).draw(rng(), 1000.0)) == 7
    assert source({"times": [3, 1, 2], "number": 2}).draw(rng(), 9.0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("value", [{"poisson": 1e12}, {"regular": 1e12}])
def test_endless_trains_are_refused(value: Any) -> None:
    with pytest.raises(InputError, match=re.escape("more than 10,000,000 spikes [model]; lower")):
        source(value).draw(rng(), 100.0)


def test_kinds_have_names() -> None:
    kinds = [{"poisson": 1}, {"times": [1]}, {"regular": 1}, {"dist": "expon"}]
    assert [source(k).process for k in kinds] == ["poisson", "times", "regular", "dist"]


def test_rate_of_a_population_may_be_a_number() -> None:
    model = load_model(network(population__background__rate={"poisson": 10.0}))
    assert model == load_model(network(population__background__rate=10))
