"""Runs with played vectors and POINTERs that are stopped: they go on, or are refused before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from network_models import network, simulated, write
from test_checkpoints import stopped

# leads current between two places of a cell, of which it knows the other by a pointer
BRIDGE = """
NEURON { POINT_PROCESS Bridge NONSPECIFIC_CURRENT i RANGE g POINTER far }
PARAMETER { g = 0.001 (uS) }
ASSIGNED { v (mV) i (nA) far (mV) }
BREAKPOINT { i = g*(v - far) }
"""
HOOKS = """
from neuron import h

KEPT = []


def play(cell):
    soma = cell.sections[0](0.5)
    clamp, held = h.IClamp(soma), h.IClamp(soma)
    for each in (clamp, held):
        each.delay, each.dur = 0.0, 1e9
    times = h.Vector([0.0, 7.3, 11.1, 24.7, 31.9, 90.0])
    amplitudes = h.Vector([0.0, 0.3, -0.1, 0.4, 0.0, 0.2])
    amplitudes.play(clamp._ref_amp, times, True)
    steps = h.Vector([0.0, 0.2, 0.0, 0.1, -0.1, 0.0])
    steps.play(held._ref_amp, times)
    KEPT.extend([clamp, held, times, amplitudes, steps])


def bridge(cell):
    soma, tip = cell.sections[0](0.5), cell.sections[-1](0.9)
    point = h.Bridge(tip)
    point._ref_far = soma._ref_v
    KEPT.append(point)


def to_a_number(cell):
    point = h.Bridge(cell.sections[0](0.5))
    h("bridge_far = -60")
    point._ref_far = h._ref_bridge_far
    KEPT.append(point)
"""
TSTOP = 40.0


def model(folder: Path, *hooks: str) -> Path:
    """A network whose cells run some of the hooks."""
    (folder / "hooks.py").write_text(HOOKS)
    (folder / "Bridge.mod").write_text(BRIDGE)
    tree = network()
    tree["run"] |= {"tstop": TSTOP, "mechanisms": [str(folder / "Bridge.mod")]}
    tree["cell"]["stick"]["code"] = [f"{folder / 'hooks.py'}:{hook}" for hook in hooks]
    return write(folder, tree)


@pytest.mark.parametrize(
    "stops", [(17.125,), pytest.param((0.0625, 7.3125, 11.125, 29.9375), marks=pytest.mark.slow)]
)
def test_played_vectors_and_pointers_go_on_to_the_same_bytes(
    shell: Callable[..., Any], tmp_path: Path, stops: tuple[float, ...]
) -> None:
    path = model(tmp_path, "play", "bridge")
    whole = simulated(path, tmp_path / "whole.h5")
    out = tmp_path / "out.h5"
    for stop in stops:
        stopped(1, path, out, stop)
        shell("sim", path, "-o", out, "-q", "--resume")
        assert out.read_bytes() == whole.read_bytes(), stop
        out.unlink()


def test_a_pointer_out_of_all_cells_is_refused_before_the_run(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    path, out = model(tmp_path, "to_a_number"), tmp_path / "out.h5"
    said = shell("sim", path, "-o", out, "-q", "--checkpoint", "10", code=5).err
    assert "Bridge" in said and "POINTER 'far'" in said
    assert not out.exists()
