"""Parts of the membrane currents add up to the whole, and are of one moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfpcli.forward.potentials import transfer_matrix
from lfpcli.io.recording import open_recording

LEAK, REVERSAL, CAPACITANCE, DT = 1e-4, -65.0, 1.0, 0.1
MODEL = """
[run]
tstop = 30.0
dt = 0.1
seed = 3
v_init = -65.0
[cell.p]
morphology = "{share}/morphologies/ball_and_sticks.swc"
[[cell.p.mechanism]]
name = "pas"
g = 1e-4
e = -65.0
[population.A]
cell = "p"
size = 2
place = {{shape = "cylinder", radius = 50.0}}
[[input]]
synapse = {{type = "Exp2Syn", tau1 = 0.2, tau2 = 1.8, e = 0.0}}
weight = 0.001
count = 60
source = {{poisson = 20.0}}
[[input]]
synapse = {{type = "ExpSyn", tau = 2.0, e = -80.0}}
weight = 0.002
count = 30
source = {{poisson = 20.0}}
[[probe]]
name = "LFP"
contacts = [[50, 0, 0], [50, 0, 300]]
per = "current"
[record]
imem = true
vmem = "all"
"""
CHANNELS = """
[[cell.p.mechanism]]
name = "hh"
sections = ["soma"]
[[stimulus]]
type = "IClamp"
location = {section = "soma", x = 0.5}
delay = 5.0
dur = 5.0
amp = 0.3
"""

Parts = Callable[..., tuple[np.ndarray, dict[str, np.ndarray]]]


@pytest.fixture
def parts(shell, share: Path, tmp_path: Path) -> Parts:
    """Simulate; returns the LFP and its parts, and leaves the recording in the folder."""
    (tmp_path / "model.toml").write_text(MODEL.format(share=share))
    (tmp_path / "channels.toml").write_text(MODEL.format(share=share) + CHANNELS)

    def run(name: str, *settings: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        options: list[Any] = []
        for setting in settings:
            options += ["--set", setting]
        shell("sim", tmp_path / f"{name}.toml", "-o", tmp_path / "out.h5", "-f", *options)
        with open_recording(tmp_path / "out.h5") as recording:
            signal = recording.signal("LFP")
            assert set(signal.shares.values()) == {"current"}
            return signal.data[()], {name: data[()] for name, data in signal.groups.items()}

    return run


def apart(total: np.ndarray, parts: dict[str, np.ndarray]) -> float:
    return float(np.abs(sum(parts.values()) - total).max() / np.abs(total).max())


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
@pytest.mark.parametrize("settings", [
    ["run.dt=0.1"],
    ["run.dt=0.025", "run.method=crank-nicolson"],
    ["run.dt=0.1", "run.tstart=-5.0"],
])  # fmt: skip
def test_parts_add_up(parts: Parts, engine: str, settings: list[str]) -> None:
    total, shares = parts("channels", f"run.engine={engine}", *settings)
    assert list(shares) == ["icap", "ik", "il_hh", "ina", "ipas", "isyn_e", "isyn_i"]
    assert all(np.abs(share).max() > 0 for share in shares.values())
    assert apart(total, shares) < 1e-12


def test_parts_add_up_with_the_variable_step_and_without_electrodes(parts: Parts) -> None:
    total, shares = parts("channels", 'run.dt="adaptive"')
    assert apart(total, shares) < 1e-12
    unbalanced, _ = parts("channels")
    total, shares = parts("channels", "record.balance=true")
    assert apart(total, shares) < 1e-12
    np.testing.assert_allclose(total - shares["ielectrode"], unbalanced, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_parts_are_of_the_moment_of_the_potentials(
    parts: Parts, tmp_path: Path, engine: str
) -> None:
    total, shares = parts("model", f"run.engine={engine}")
    with open_recording(tmp_path / "out.h5") as recording:
        geometry = recording.geometry("A")
        v = recording.report("vmem", "A").data[()]
    matrix = transfer_matrix(geometry, [[50.0, 0.0, 0.0], [50.0, 0.0, 300.0]])
    # mA/cm2 times um2 are 1e-2 nA
    leak = 1e-2 * geometry.area * LEAK * (v - REVERSAL)
    charging = 1e-2 * geometry.area * 1e-3 * CAPACITANCE * np.diff(v, axis=0) / DT
    peak = np.abs(total).max()
    assert np.abs(shares["ipas"] - leak @ matrix.T).max() < 1e-11 * peak
    assert np.abs(shares["icap"][1:] - charging @ matrix.T).max() < 1e-11 * peak
    assert apart(total, shares) < 1e-12


IH = """
NEURON { SUFFIX Ihx NONSPECIFIC_CURRENT ihcn RANGE gbar GLOBAL ehcn }
PARAMETER { gbar = 1e-4 ehcn = -45 }
ASSIGNED { v ihcn }
STATE { m }
INITIAL { m = 1/(1+exp((v+80)/8)) }
BREAKPOINT { SOLVE states METHOD cnexp  ihcn = gbar*m*(v-ehcn) }
DERIVATIVE states { m' = (1/(1+exp((v+80)/8)) - m)/20 }
"""
NMDA = """
NEURON { POINT_PROCESS NMDAx NONSPECIFIC_CURRENT i USEION ca READ eca WRITE ica RANGE tau, e, i }
PARAMETER { tau = 20 e = 0 }
ASSIGNED { v i ica eca }
STATE { s }
INITIAL { s = 0 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = 0.9*s*(v-e)/(1+exp(-0.062*v)/3.57)
    ica = 0.1*s*(v-eca)/(1+exp(-0.062*v)/3.57)
}
DERIVATIVE states { s' = -s/tau }
NET_RECEIVE(w) { s = s + w }
"""
OWN = """
[[cell.p.mechanism]]
name = "Ihx"
[[input]]
synapse = {type = "NMDAx", tau = 20.0}
weight = 0.002
count = 30
source = {poisson = 20.0}
"""


def test_what_cannot_be_told_apart_is_the_rest(parts: Parts, share: Path, tmp_path: Path) -> None:
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods/Ihx.mod").write_text(IH)
    (tmp_path / "mods/NMDAx.mod").write_text(NMDA)
    (tmp_path / "own.toml").write_text(MODEL.format(share=share) + OWN)
    total, shares = parts("own", 'run.mechanisms=["mods"]')
    # the block by the potential is that of the one current it can be of
    names = ["ica", "icap", "ihcn_Ihx", "ipas", "isyn_e", "isyn_i"]
    assert list(shares) == names
    assert all(np.abs(share).max() > 0 for share in shares.values())
    assert apart(total, shares) < 1e-12
    # two such currents on one segment, one of which excites
    other = OWN.replace("tau = 20.0", "tau = 20.0, e = -80.0").partition("[[input]]")[2]
    (tmp_path / "own.toml").write_text(f"{MODEL.format(share=share)}{OWN}[[input]]{other}")
    total, shares = parts("own", 'run.mechanisms=["mods"]')
    assert list(shares) == sorted([*names, "irest"])
    assert apart(total, shares) < 1e-12
    assert 0 < np.abs(shares["irest"]).max() < 1e-2 * np.abs(shares["isyn_e"]).max()
