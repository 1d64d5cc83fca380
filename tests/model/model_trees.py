"""Models as trees, for the tests."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

MINIMAL: dict[str, Any] = {"cell": {"pyr": {"morphology": "pyr.swc"}}}

NETWORK: dict[str, Any] = {
    "run": {"tstop": 50, "dt": 0.025, "tstart": -10.0, "seed": 7, "mechanisms": ["mods"]},
    "cell": {
        "pyr": {
            "morphology": "pyr.swc",
            "code": ["biophysics.hoc", "channels.py:insert"],
            "Ra": 150.0,
            "nseg": {"rule": "length", "max": 20.0},
            "rotate": {"x": 90.0, "order": "zyx"},
            "mechanism": [
                {"name": "pas", "g": 3e-5, "e": -65},
                {"name": "hh", "sections": ["soma"], "gnabar": {"expr": "0.12 * exp(-d / 200)"}},
            ],
        },
        "basket": {"template": "basket.hoc:Basket", "args": [0, "x"], "workdir": "."},
    },
    "population": {
        "E": {
            "cell": "pyr",
            "size": 20,
            "place": {"shape": "cylinder", "radius": 100.0, "z": {"dist": "norm", "scale": 20.0}},
            "rotate": {"z": "random"},
        },
        "I": {"cell": "basket", "place": {"positions": [[0, 0, 0], [10, 0, 0]]}},
        "thalamus": {"spikes": "spikes.h5", "spikes_population": "VPM"},
        "background": {"rate": 10.0, "size": 100},
    },
    "connection": [
        {
            "pre": "E",
            "post": "I",
            "rule": {"probability": 0.1},
            "synapse": {"type": "Exp2Syn", "tau1": 0.2, "tau2": 1.8, "e": 0.0},
            "weight": {"dist": "norm", "loc": 0.001, "scale": 0.0001, "min": 0.0},
            "delay": {"dist": "norm", "loc": 1.5, "scale": 0.3, "min": 0.3},
            "count": {"dist": "norm", "loc": 2.0, "scale": 0.5, "min": 1, "max": 10},
            "location": {
                "sections": ["soma", "apic"],
                "z_min": -100.0,
                "depth": [{"dist": "norm", "loc": 0.0, "scale": 100.0, "weight": 0.5}],
            },
        }
    ],
    "input": [
        {
            "population": "E",
            "cells": [0, 3],
            "synapse": {"type": "ExpSyn", "tau": 2.0},
            "weight": 0.001,
            "count": 4,
            "location": "dend",
            "source": {"dist": "gamma", "a": 2.0, "scale": 25.0},
        }
    ],
    "stimulus": [{"population": "I", "type": "IClamp", "delay": 1, "dur": 5.0, "amp": 0.5}],
    "field": [
        {"electrodes": [[50.0, 0, 0]], "current": {"amp": -1e4, "dur": 1.0}, "medium": "half-space"}
    ],
    "probe": [
        {"name": "shank", "array": "Neuropixels-128", "rotate": {"z": 90.0}, "radius": 6.0},
        {"contacts": [[0, 0, 0]], "sigma": [0.3, 0.3, 0.45], "filter": {"low": 300.0}},
        {"name": "csd", "csd": {"z": [-200.0, 1000.0], "dz": 50.0, "radius": 150.0}},
        {"name": "slice", "contacts": "contacts.csv", "medium": {"slice": 300.0}},
    ],
    "record": {"vmem": "all", "variables": ["ica"]},
}


def network(**changes: Any) -> dict[str, Any]:
    """Return a copy of the network with values set by dotted paths, ``None`` deleting a key.

    Paths are written with two underscores for the dots.
    """
    tree = copy.deepcopy(NETWORK)
    for path, value in changes.items():
        node: Any = tree
        *parents, last = (int(p) if p.isdigit() else p for p in path.split("__"))
        for part in parents:
            node = node[part]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return tree


def places(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of all tables, lists and values of a tree but its root."""
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found: list[tuple[str | int, ...]] = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*path, key))
    return found


def replaced(tree: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of a tree with another value at a path."""
    tree = copy.deepcopy(tree)
    node = tree
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return tree


def rng(seed: int = 1) -> np.random.Generator:
    """Return a generator for a test."""
    return np.random.default_rng(seed)
