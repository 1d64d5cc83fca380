"""Spike sources as models name them; what is drawn of them is tested with networks."""

from __future__ import annotations

from typing import Any

from model_trees import network

from lfpcli.model import SpikeSource, load_model


def source(value: Any) -> SpikeSource:
    return load_model(network(input__0__source=value)).inputs[0].source


def test_kinds_have_names() -> None:
    kinds = [{"poisson": 1}, {"times": [1]}, {"regular": 1}, {"dist": "expon"}]
    assert [source(k).process for k in kinds] == ["poisson", "times", "regular", "dist"]


def test_rate_of_a_population_may_be_a_number() -> None:
    model = load_model(network(population__background__rate={"poisson": 10.0}))
    assert model == load_model(network(population__background__rate=10))
