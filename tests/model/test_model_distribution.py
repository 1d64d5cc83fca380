"""Quantities: drawing, limits, and counts from densities at the integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from model_trees import network, rng
from scipy import stats

from lfpcli.errors import InputError
from lfpcli.model import Distribution, load_model


def weight(value: Any) -> Distribution:
    return load_model(network(connection__0__weight=value)).connections[0].weight


def count(value: Any) -> Distribution:
    return load_model(network(connection__0__count=value)).connections[0].count


def test_a_number_is_drawn_without_randomness() -> None:
    generator = rng()
    before = generator.bit_generator.state
    assert weight(0.5).draw(generator, 3).tolist() == [0.5, 0.5, 0.5]
    assert count(3).draw_counts(generator, 2).tolist() == [3, 3]
    assert generator.bit_generator.state == before
    assert weight(0.5).value == 0.5


def test_draws_are_those_of_scipy() -> None:
    drawn = weight({"dist": "gamma", "a": 2.0, "scale": 3.0}).draw(rng(3), 50)
    expected = stats.gamma(a=2.0, scale=3.0).rvs(size=50, random_state=rng(3))
    np.testing.assert_array_equal(drawn, expected)


def test_limits_draw_again() -> None:
    quantity = weight({"dist": "norm", "loc": 1.0, "scale": 2.0, "min": 0.0, "max": 3.0})
    values = quantity.draw(rng(), 20_000)
    assert 0.0 <= values.min() < 0.01
    assert 2.99 < values.max() <= 3.0
    truncated = stats.truncnorm(-0.5, 1.0, loc=1.0, scale=2.0)
    assert stats.kstest(values, truncated.cdf).pvalue > 1e-3
    assert quantity.support() == (0.0, 3.0)


def test_nothing_to_draw_ends_with_an_error() -> None:
    # such limits are refused when a model is read
    quantity = Distribution(dist="norm", params={"loc": 0.0, "scale": 1.0}, min=50.0)
    with pytest.raises(InputError, match="'norm' gives hardly any value in its limits"):
        quantity.draw(rng(), 2)


def test_zero_values_can_be_drawn() -> None:
    assert weight({"dist": "norm"}).draw(rng(), 0).shape == (0,)
    assert count({"dist": "norm", "loc": 2.0}).draw_counts(rng(), 0).shape == (0,)


def test_counts_have_the_density_at_the_integers() -> None:
    quantity = count({"dist": "norm", "loc": 2.0, "scale": 0.5, "min": 1, "max": 10})
    integers, probabilities = quantity.count_probabilities
    density = np.exp(-0.5 * ((np.arange(1, 11) - 2.0) / 0.5) ** 2)
    assert integers.tolist() == list(range(1, 11))
    np.testing.assert_allclose(probabilities, density / density.sum(), rtol=1e-12)
    drawn = quantity.draw_counts(rng(), 100_000)
    assert drawn.dtype == np.int64
    observed = np.bincount(drawn, minlength=11)[1:]
    np.testing.assert_allclose(observed / 1e5, probabilities, atol=6 * math.sqrt(0.25 / 1e5))


@pytest.mark.parametrize(
    ("spec", "mean"),
    [
        ({"dist": "norm", "loc": 40.0, "scale": 3.0}, 40.0),
        ({"dist": "norm", "loc": 2000.0, "scale": 10.0}, 2000.0),
        ({"dist": "poisson", "mu": 200.0}, 200.0),
        ({"dist": "binom", "n": 10, "p": 0.5, "min": 0}, 5.0),
        ({"dist": "uniform", "loc": 2.5, "scale": 4.0}, 4.5),
    ],
)
def test_counts_without_max_reach_as_far_as_the_density(spec: Any, mean: float) -> None:
    integers, probabilities = count(spec).count_probabilities
    assert integers @ probabilities == pytest.approx(mean, rel=1e-6)
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-12)


def test_counts_start_at_one_unless_told() -> None:
    assert count({"dist": "poisson", "mu": 0.1}).draw_counts(rng(), 1000).min() == 1
    assert count({"dist": "poisson", "mu": 0.1, "min": 0}).draw_counts(rng(), 1000).min() == 0


def test_density_is_zero_outside_the_limits() -> None:
    quantity = weight({"dist": "norm", "min": 0.0})
    np.testing.assert_allclose(
        quantity.density([-1.0, 0.0, 1.0]), [0.0, *stats.norm.pdf([0.0, 1.0])], rtol=1e-12
    )


def test_infinite_parameters_pass_where_they_mean_something() -> None:
    quantity = weight({"dist": "truncnorm", "a": 0.3, "b": "inf", "loc": 2.0, "scale": 0.2})
    assert quantity.params["b"] == math.inf
    assert quantity.draw(rng(), 1000).min() >= 2.06


@pytest.mark.parametrize("name", ["norm", "expon", "lognorm", "weibull_min", "randint", "geom"])
def test_distributions_of_both_kinds_are_known(name: str) -> None:
    params: dict[str, float] = {"lognorm": {"s": 1.0}, "weibull_min": {"c": 2.0},
                                "randint": {"low": 1.0, "high": 5.0}, "geom": {"p": 0.5}
                                }.get(name, {})  # fmt: skip
    quantity = weight({"dist": name, **params})
    assert quantity.is_discrete == (name in ("randint", "geom"))
    assert np.all(np.isfinite(quantity.draw(rng(), 100)))
