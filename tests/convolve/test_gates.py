"""Cables whose gates move: against the equations themselves, and NEURON's channels."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from lfpcli.forward.axial import AxialNetwork
from lfpcli.forward.gated import GatedCable, Gates, fitted_gates
from lfpcli.forward.passive import LinearCable

NETWORK = AxialNetwork(
    parent=np.array([-1, 0]),
    attach=np.array([0.0, 1.0]),
    r_proximal=np.array([5.0, 8.0]),
    r_distal=np.array([5.0, 8.0]),
)
CAPACITANCE, CONDUCTANCE = np.array([0.2, 0.05]), np.array([0.01, 0.02])


def test_steps_of_potential_tell_the_gates() -> None:
    times = 0.1 * np.array([0, *np.unique(np.geomspace(1, 1000, 60).round())])
    # two gates whose rates lie between those of the fit
    slow, fast = (-np.expm1(-times * rate)[:, None] for rate in (0.037, 1.9))
    answer = 0.5 + slow * np.array([0.3, 0.0]) - fast * np.array([0.2, 0.1])
    gates = fitted_gates(times, answer)
    assert gates is not None
    between = np.linspace(0.05, 99.0, 400)
    expected = np.outer(-np.expm1(-0.037 * between), [0.3, 0.0])
    expected -= np.outer(-np.expm1(-1.9 * between), [0.2, 0.1])
    got = -np.expm1(-np.outer(between, gates.rates)) @ gates.shares
    assert np.abs(got - expected).max() < 2e-3 * np.abs(expected).max()
    assert fitted_gates(times, np.full((len(times), 2), 0.5)) is None


def test_gates_move_as_their_equations_say() -> None:
    """Against the matrix exponential of the potentials and the two gates of each segment."""
    gates = Gates(rates=np.array([0.05, 0.8]), shares=np.array([[0.03, 0.0], [-0.004, 0.01]]))
    cable = GatedCable(NETWORK, CAPACITANCE, CONDUCTANCE, gates)
    dt, samples, strengths = 0.05, 1200, np.array([0.0, 0.4])
    system = np.zeros((6, 6))
    system[:2, :2] = NETWORK.vmem_to_imem().toarray() - np.diag(CONDUCTANCE)
    for part in range(2):
        first = 2 + 2 * part
        system[:2, first : first + 2] = -np.diag(gates.shares[part])
        system[first : first + 2, :2] = gates.rates[part] * np.eye(2)
        system[first : first + 2, first : first + 2] = -gates.rates[part] * np.eye(2)
    system[:2] /= CAPACITANCE[:, None]
    drive = np.zeros(6)
    drive[:2] = strengths / CAPACITANCE
    course = np.ones(samples)
    states = cable.driven(strengths, course, dt)
    potentials = cable.root[:, None] * (cable.modes @ states.T)
    for number in (1, 20, 300, 1199):
        whole = expm(system * number * dt)
        expected = np.linalg.solve(system, (whole - np.eye(6)) @ drive)[:2]
        assert potentials[:, number] == pytest.approx(expected, rel=2e-4)
    closed = cable.shunted(np.array([1]), -0.4 * course, np.zeros(samples), dt)
    assert np.abs(closed - states).max() < 1e-12 * np.abs(states).max()
    still = Gates(rates=gates.rates, shares=np.zeros((2, 2)))
    opened = np.exp(-0.1 * np.arange(samples))
    words = (np.array([0, 1, 1]), opened, 0.01 * opened, dt)
    held = LinearCable(NETWORK, CAPACITANCE, CONDUCTANCE).shunted(*words)
    moving = GatedCable(NETWORK, CAPACITANCE, CONDUCTANCE, still).shunted(*words)
    assert np.abs(moving - held).max() < 1e-12 * np.abs(held).max()


def test_gates_that_carry_a_cell_away_are_seen() -> None:
    rates = np.array([0.2])
    for share, grows in ((0.05, False), (-0.005, False), (-0.05, True)):
        gates = Gates(rates=rates, shares=np.full((1, 2), share))
        cable = GatedCable(NETWORK, CAPACITANCE, CONDUCTANCE, gates)
        assert cable.grows(0.1, 1000) is grows


def answers_of_hh(results: dict[str, np.ndarray]) -> None:
    from lfpcli import Cell
    from lfpcli.runtime.cell.conductance import answer_to_a_step

    swc = Path("cell.swc")
    swc.write_text("1 1 0 0 0 10 -1\n2 3 0 0 10 1 1\n3 3 0 0 300 1 2\n")
    cell = Cell(swc, v_init=-65.0)
    cell.insert("hh", ("soma",))
    cell.insert("pas", ("dend",), g=1e-4, e=-65.0)
    specific = [segment.cm for segment in cell.segments]
    potentials = np.full(len(cell.segments), -60.0)
    times, slopes = answer_to_a_step(cell, potentials, celsius=6.3, dt=0.05, steps=1200)
    results["times"] = times
    results["slopes"] = slopes / (1e-2 * cell.geometry.area)
    results["soma"] = cell.geometry.is_soma
    results["same"] = np.array([segment.cm for segment in cell.segments]) == specific


def hodgkin_huxley(potential: float) -> dict[str, float]:
    """Gates at rest at a potential, mV, of the squid's axon (Hodgkin and Huxley 1952)."""
    u = potential + 65.0
    pairs = {
        "m": (0.1 * (25 - u) / np.expm1((25 - u) / 10), 4 * np.exp(-u / 18)),
        "h": (0.07 * np.exp(-u / 20), 1 / (np.exp((30 - u) / 10) + 1)),
        "n": (0.01 * (10 - u) / np.expm1((10 - u) / 10), 0.125 * np.exp(-u / 80)),
    }
    return {name: opens / (opens + closes) for name, (opens, closes) in pairs.items()}


def current(potential: float, m: float, h: float, n: float) -> float:
    """Of the squid's axon, mA/cm2."""
    sodium, potassium = 0.12 * m**3 * h * (potential - 50), 0.036 * n**4 * (potential + 77)
    return float(sodium + potassium + 0.0003 * (potential + 54.3))


def test_channels_answer_at_once_and_in_the_end_as_their_equations(
    neuron_process: Callable[..., dict[str, np.ndarray]],
) -> None:
    got = neuron_process(answers_of_hh)
    soma = got["slopes"][:, got["soma"]][:, 0]
    rest = hodgkin_huxley(-60.0)
    at_once = (current(-59.5, **rest) - current(-60.5, **rest)) / 1.0
    after = current(-59.5, **hodgkin_huxley(-59.5)) - current(-60.5, **hodgkin_huxley(-60.5))
    # NEURON reads its rates from a table
    assert soma[0] == pytest.approx(at_once, rel=2e-3)
    assert soma[-1] == pytest.approx(after, rel=2e-2)
    assert got["times"][0] == 0 and got["times"][-1] == pytest.approx(60.0)
    assert got["slopes"][:, ~got["soma"]] == pytest.approx(1e-4, rel=1e-9)
    assert got["same"].all()


MODEL = """
[run]
tstop = 400.0
dt = 0.125
v_init = -65.0
celsius = 6.3
engine = "neuron"
method = "backward-euler"
seed = 5
[cell.c]
morphology = "builtin:ball_and_stick"
[[cell.c.mechanism]]
name = "hh"
sections = ["soma", "dend"]
[population.X]
rate = {poisson = 30.0}
size = 5
[population.E]
cell = "c"
size = 4
[[connection]]
pre = "X"
post = "E"
rule = {all = true}
synapse = {type = "Exp2Syn", tau1 = 0.5, tau2 = 5.0, e = 0.0}
weight = 0.000005
delay = 1.0
count = 40
location = {sections = ["dend"], depth = [{dist = "norm", loc = 400.0, scale = 100.0}]}
[record]
dipole = "total"
vmem = "soma"
"""


def test_kernels_of_cells_whose_gates_move_explain_more(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    model, run = tmp_path / "m.toml", tmp_path / "run.h5"
    model.write_text(MODEL)
    shell("sim", model, "-o", run)
    shares = []
    for gates in ("held", "linear"):
        words = ("kernel", model, "--from", run, "--length", 60, "--gates", gates)
        ran = shell(*words, "-o", tmp_path / f"{gates}.h5")
        shares.append(float(re.findall(r"dipole: .* explain ([\d.-]+) %", ran.err)[0]))
    held, linear = shares
    assert linear > 98.0 and linear > held + 1.5, shares
    # near its threshold the cell leaves the working point by itself
    words = ("kernel", model, "--potential", "E=-50", "--rates", "E=0", "--cells", 1)
    assert "gates of 'E' are held" in shell(*words, "-o", tmp_path / "o.h5").err
