"""Synapses of many kinds in runs that are stopped anywhere and go on: the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_models import ball_and_stick, network, ranks, simulated, write
from test_checkpoints import checkpoint, stopped

MODS = Path(__file__).parent / "synapses"
SYNAPSES = ("StdpArg", "TsoMa", "NmdaArg", "Ticks", "RandRel", "Depress", "ExpSyn", "Exp2Syn")
DT, TSTOP = 0.0625, 60.0
STOPS = np.random.default_rng(12).integers(1, TSTOP / DT - 1, 100) * DT


def plastic_network(engine: str = "neuron") -> dict[str, Any]:
    """Cells with each kind of synapse, from cells, trains and inputs, and a noisy electrode."""
    tree = network()
    tree["run"] |= {"tstop": TSTOP, "engine": engine, "mechanisms": [str(MODS)]}
    tables = []
    for k, name in enumerate(SYNAPSES):
        shared = {"synapse": {"type": name}, "weight": 0.001, "location": {"sections": ["dend"]}}
        tables.append(
            {"pre": "outside", "post": "E", "rule": {"indegree": 2}, "delay": 1.0 + 0.1 * k}
            | shared
        )
        tables.append({"pre": "E", "post": "I", "rule": {"indegree": 3}, "delay": 2.3} | shared)
        tree["input"].append(
            {"count": 2, "source": {"poisson": 60.0}, "population": "I"} | shared
        )
    tree["connection"] += tables
    tree["stimulus"] = [{"type": "Noise", "population": "E", "std": 0.02}]
    return tree
