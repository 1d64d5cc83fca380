"""The effective model, as provenance keeps it, loads back to an equal one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_trees import network

from lfpcli.model import load_model

QUANTITIES: list[Any] = [
    0.5,
    {"dist": "norm", "loc": 2.0, "scale": 0.5, "min": 0.5},
    {"dist": "truncnorm", "a": 0.3, "b": float("inf"), "loc": 2.0},
    {"dist": "lognorm", "s": 0.5, "max": 4},
]
LOCATIONS: list[Any] = [
    {"sections": ["soma", "dend*"], "z_min": -3},
    {"section": "apic[3]", "x": 0.25},
    {"nearest": [1, 2, 3], "sections": ["all"]},
    {"index": 17},
    {"depth": [{"dist": "norm", "scale": 3.0, "weight": 0.5}, {"dist": "expon"}]},
    "dend[1](0.5)",
    "#3",
]
SOURCES: list[Any] = [
    {"poisson": 20, "start": 3, "stop": 40},
    {"times": [3, 1.5]},
    {"regular": 10, "number": 3},
    {"dist": "gamma", "a": 2, "scale": 25, "min": 2, "number": 8},
]
REGIONS = [
    {"slab": {"axis": "y", "low": 0, "high": 30}, "sigma": [0.1, 0.2, 0.3]},
    {"slab": {"high": 0}, "sigma": 0},
    {"box": {"low": [0, 0, "-inf"], "high": [9, 9, "inf"]}, "sigma": 1.5, "over": True},
    {"ball": {"centre": [0, -50, 99], "radius": 5}, "sigma": [[1, 0, 0], [0, 1, 0], [0, 0, 2]]},
    {"cylinder": {"axis": "x", "centre": [0, 0], "radius": 5, "low": 3}, "sigma": 0},
    {"shank": {"low": [-30, 0, -100], "high": [30, 15, "inf"]}},
    {
        "ball": {"centre": [50, 50, 99], "radius": 5},
        "sigma": [[1, 0.2, 0], [0.2, 1, 0], [0, 0, 2]],
        "dispersion": {"exponent": 0.1, "at": 1000, "low": 1},
    },
    {"ball": {"centre": [80, 80, 99], "radius": 5}, "dispersion": {"file": "gm.csv"}},
]
CHOICES: dict[str, list[Any]] = {
    "run__dt": [0.1, "adaptive"],
    "run__mechanisms": [[], ["mods", "/abs/Ih.mod"]],
    "run__seed": [3, 10**15],
    "cell__pyr__nseg": [3, {"rule": "keep"}, {"rule": "d_lambda", "frequency": 50}],
    "cell__pyr__mirror": ["x"],
    "cell__pyr__distort": [{"factor": 0.2, "nu": 0.3}],
    "cell__pyr__rotate": [{"axis": [0, 1, 1], "angle": "random"}, {"tilt": 3, "azimuth": 9}],
    "cell__pyr__allen": ["fit.json"],
    "cell__pyr__extracellular": [True],
    "population__E__place": [{"positions": "p.npy"}, {"shape": "cylinder", "radius": 1, "z": 3}],
    "population__background__rate": SOURCES,
    "connection__0__rule": [{"indegree": 3}, {"outdegree": 2}, {"total": 9}, {"pairs": "p.npy"}],
    "connection__0__self": [True],
    "connection__0__weight": QUANTITIES,
    "connection__0__delay": QUANTITIES,
    "connection__0__count": [2, {"dist": "poisson", "mu": 3}, {"dist": "norm", "min": 0}],
    "connection__0__location": LOCATIONS,
    "connection__0__record": [["i", "g"]],
    "input__0__location": LOCATIONS,
    "input__0__source": SOURCES,
    "input__0__weight": QUANTITIES,
    "stimulus__0__amp": [[1, 2, 3], 4],
    "stimulus__0__location": LOCATIONS,
    "field__0__current": ["i.csv", {"amp": 1, "dur": 1, "amp2": -1, "period": 9, "pulses": 3}],
    "field__0__sigma": [[0.3, 0.3, 0.4]],
    "probe__1__radius": [5.0, "array"],
    "probe__1__shape": ["square"],
    "probe__1__normal": [[0, 1, 0]],
    "probe__1__quadrature": [30],
    "probe__2__csd": [{"origin": [0, 0, 0], "size": [1, 2, 3], "n": [1, 2, 3]}],
    "probe__3__medium": [
        "half-space",
        {"sphere": 1e4, "centre": [0, 0, 9]},
        {"half_space": 30, "sigma_other": 1.5, "side": "above"},
        {"slice": 200, "squeeze": 0.5, "poisson": 0.2, "tolerance": 1e-6},
        {"regions": REGIONS, "background": [0.3, 0.3, 0.4], "tolerance": 1e-2, "reach": 3000},
    ],
    "probe__3__dispersion": [{"tissue": "grey matter", "at": 100}],
    "probe__3__per": ["population", "current"],
    "record__dipole": ["none"],
}


@pytest.mark.parametrize("seed", range(40))
def test_effective_model_loads_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    changes = {
        path: values[rng.integers(len(values))]
        for path, values in CHOICES.items()
        if rng.random() < 0.5
    }
    model = load_model(network(**changes), folder="/models")
    text = json.dumps(model.to_dict(), allow_nan=False)
    again = load_model(json.loads(text), folder="/models")
    assert again == model
    assert json.dumps(again.to_dict()) == text


def test_every_choice_loads() -> None:
    for path, values in CHOICES.items():
        for value in values:
            model = load_model(network(**{path: value}))
            assert load_model(model.to_dict(), folder=model.folder) == model


def test_paths_beneath_the_folder_are_relative() -> None:
    tree = network(run__mechanisms=["mods", "../more", "/abs/Ih.mod"])
    effective = load_model(tree, folder="/models").to_dict()
    assert effective["run"]["mechanisms"] == ["mods", "../more", "/abs/Ih.mod"]
    assert effective["cell"]["pyr"]["morphology"] == "pyr.swc"
    assert effective["cell"]["pyr"]["code"] == ["biophysics.hoc", "channels.py:insert"]


def test_different_models_are_not_equal() -> None:
    assert load_model(network()) != load_model(network(connection__0__weight=0.5))
    assert load_model(network()) != load_model(network(), folder=Path("/elsewhere"))


@pytest.mark.parametrize(
    "change",
    [
        {"connection__0__synapse": {"type": "gap"}, "connection__0__delay": None},
        {
            "connection__0__rule": {"density": 0.1},
            "connection__0__count": None,
            "connection__0__location": {"sections": ["dend"]},
        },
        {"input__0__density": 0.1, "input__0__count": None},
        {"field": [{"uniform": [0, 0, 1]}]},
        {"field": [{"v_ext": "v.npz"}]},
        {"group": {"somata": {"sections": ["soma"]}}},
    ],
    ids=["gap", "density", "input", "uniform", "v_ext", "group"],
)
def test_defaults_that_nothing_heeds_stand_in_no_way(change: dict[str, Any]) -> None:
    model = load_model(network(**change))
    assert load_model(model.to_dict(), folder=model.folder) == model
