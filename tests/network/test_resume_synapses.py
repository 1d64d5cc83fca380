"""Synapses of many kinds in runs that are stopped anywhere and go on: the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_models import network, simulated, write
from test_checkpoints import stopped

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
        tree["input"].append({"count": 2, "source": {"poisson": 60.0}, "population": "I"} | shared)
    tree["connection"] += tables
    tree["stimulus"] = [{"type": "Noise", "population": "E", "std": 0.02}]
    return tree


@pytest.fixture(scope="module", params=["neuron", "coreneuron"])
def unbroken(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Path, Path]:
    """A model and the recording of a run of it, with an engine."""
    folder = tmp_path_factory.mktemp(request.param)
    path, out = write(folder, plastic_network(request.param)), folder / "whole.h5"
    simulated(path, out)
    return path, out


def _goes_on(
    shell: Callable[..., Any], unbroken: tuple[Path, Path], out: Path, stop: float
) -> None:
    path, whole = unbroken
    stopped(1, path, out, stop)
    shell("sim", path, "-o", out, "-q", "--resume")
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()


@pytest.mark.parametrize("stop", STOPS[:4])
def test_stopped_anywhere_it_goes_on_to_the_same_bytes(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path], stop: float
) -> None:
    _goes_on(shell, unbroken, tmp_path / "out.h5", stop)


@pytest.mark.slow
@pytest.mark.parametrize("stop", STOPS[4:])
def test_stopped_at_a_hundred_points(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path], stop: float
) -> None:
    _goes_on(shell, unbroken, tmp_path / "out.h5", stop)


def test_conditions_on_potentials_are_refused_before_the_run(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    tree = plastic_network()
    tree["input"].append({"synapse": {"type": "Watch"}, "weight": 0.001, "source": {"times": [5]}})
    path, out = write(tmp_path, tree), tmp_path / "out.h5"
    said = shell("sim", path, "-o", out, "-q", "--checkpoint", "20", code=5).err
    assert "mechanism 'Watch' uses WATCH" in said and "without --checkpoint" in said
    assert not out.exists()
