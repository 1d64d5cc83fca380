"""What electrodes inject is subtracted whole, whatever the electrode and whoever made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import open_recording

CLAMP = """
create soma, dend
soma { L = 20 diam = 20 insert pas }
dend { L = 200 diam = 2 nseg = 5 insert pas e_pas = -75 }
connect dend(0), soma(1)
objref clamp
soma clamp = new IClamp(0.5)
clamp.del = 0.2
clamp.dur = 10
clamp.amp = 0.5
"""
# a clamp whose current depends on the potential, and a conductance, which is no electrode's
STIMULI = {
    "DelayedSEClamp": "amp = -40.0, dur = 0.6, rs = 10.0",
    "GClamp": "g = 0.01, e = 0.0",
}


def membrane_currents(path: Path) -> np.ndarray:
    with open_recording(path) as recording:
        return np.asarray(recording.report("imem", "cell").data[()])


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_balanced_currents_add_to_zero(shell, tmp_path: Path, share: Path, engine: str) -> None:
    stimuli = [f'{{type = "{name}", {keys}}}' for name, keys in STIMULI.items()]
    settings = [
        *("--set", f"stimulus=[{', '.join(stimuli)}]"),
        *("--set", "record.balance=true", "--set", f"run.engine={engine}"),
    ]
    cell = [share / "morphologies/ball_and_sticks.swc", "--passive", "--tstop", "1", "--seed", "1"]
    shell("sim", *cell, "--record", "imem", *settings, "-o", tmp_path / "out.h5")
    currents = membrane_currents(tmp_path / "out.h5")
    assert np.abs(currents.sum(axis=1)).max() < 1e-9 < 0.1 < np.abs(currents).max()
    # what is subtracted is what a report of the clamp holds, sample by sample
    plain = [*settings, "--set", "record.balance=false", "--set", 'stimulus.0.record=["i"]']
    shell("sim", *cell, "--record", "imem", *plain, "-o", tmp_path / "plain.h5")
    with open_recording(tmp_path / "plain.h5") as recording:
        injected = recording.report("i_stimulus0", "cell").data
        assert "lag" not in injected.attrs
        np.testing.assert_allclose(
            recording.report("imem", "cell").data[()].sum(axis=1), injected[:, 0], atol=1e-9
        )


def test_electrodes_of_hoc_code_are_told_and_balanced(shell, tmp_path: Path) -> None:
    (tmp_path / "cell.hoc").write_text(CLAMP)
    options = ["--hoc", tmp_path / "cell.hoc", "--tstop", "1", "--seed", "1", "-f"]
    assert "electrodes inject current" in shell("sim", *options, "-o", tmp_path / "out.h5").err
    assert membrane_currents(tmp_path / "out.h5")[-1].sum() == pytest.approx(0.5)
    options += ["--record", "imem", "--set", "record.balance=true"]
    assert "inject" not in shell("sim", *options, "-o", tmp_path / "out.h5").err
    assert np.abs(membrane_currents(tmp_path / "out.h5").sum(axis=1)).max() < 1e-9


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ('run.dt="adaptive"', 5, "mechanism 'OUClamp' does not go with the variable time step"),
        ("run.method=crank-nicolson", 3, "with a voltage clamp (DelayedSEClamp)"),
    ],
)
def test_electrodes_that_a_method_has_not(
    shell, tmp_path: Path, share: Path, setting: str, code: int, message: str
) -> None:
    stimulus = '[{type="OUClamp",mean=0.1,sd=0.1},{type="DelayedSEClamp",amp=-40.0,dur=1.0}]'
    cell = [share / "morphologies/stick.swc", "--passive", "--tstop", "1", "--seed", "1"]
    settings = ["--set", f"stimulus={stimulus}", "--set", setting]
    assert message in shell("sim", *cell, *settings, "-o", tmp_path / "o.h5", code=code).err
