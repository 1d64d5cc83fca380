"""Methods of the fixed step: of first and of second order, and the check of their errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import Sampled, open_recording

FINE = 1 / 640
MODEL = """
[run]
tstop = 8.0
seed = 1
[cell.c]
morphology = "{share}/morphologies/ball_and_stick.swc"
[[cell.c.mechanism]]
name = "hh"
[[input]]
synapse = {{type = "ExpSyn", tau = 2.0, e = 0.0}}
weight = 0.05
location = "soma"
source = {{times = [2.0]}}
[[probe]]
name = "LFP"
contacts = [[50, 0, 0], [50, 0, 300]]
[record]
imem = true
vmem = "all"
variables = ["ina", "i_cap", "m_hh"]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("step") / "model.toml"
    path.write_text(MODEL.format(share=Path(__file__).parents[2] / "share"))
    return path


def lfp_of(path: Path) -> Sampled:
    with open_recording(path) as recording:
        signal = recording.signal("LFP")
        signal.data = signal.data[()]
    return signal


@pytest.fixture(scope="module")
def reference(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    """The LFP of a step that is as good as none."""
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("fine") / "fine.h5"
    arguments = ["--dt", FINE, "--set", "run.method=crank-nicolson", "-o", out]
    command = [sys.executable, "-m", "lfpcli", "sim", model, *arguments]
    subprocess.run([str(part) for part in command], check=True, timeout=300)
    return lfp_of(out)


# largest error of a sample, root mean square, error of the spike's size, and of its time (ms);
# see the table of lfp-accuracy(7)
ERRORS = {
    ("backward-euler", 0.0625): (0.22, 0.20, 0.09, 0.06),
    ("backward-euler", 0.05): (0.18, 0.16, 0.075, 0.048),
    ("backward-euler", 0.025): (0.095, 0.082, 0.041, 0.024),
    ("backward-euler", 0.0125): (0.048, 0.042, 0.022, 0.012),
    ("crank-nicolson", 0.0625): (0.032, 0.015, 0.007, 0.003),
    ("crank-nicolson", 0.05): (0.026, 0.011, 0.004, 0.002),
    ("crank-nicolson", 0.025): (0.013, 0.005, 0.001, 0.002),
    ("crank-nicolson", 0.0125): (0.006, 0.003, 0.0005, 0.002),
}


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
@pytest.mark.parametrize(("method", "dt"), ERRORS)
def test_errors_of_the_step_are_those_of_the_page(
    shell, model: Path, reference: Sampled, tmp_path: Path, method: str, dt: float, engine: str
) -> None:
    from scipy.interpolate import CubicSpline

    out = tmp_path / "out.h5"
    settings = ["--set", f"run.method={method}", "--set", f"run.engine={engine}"]
    shell("sim", model, "--dt", dt, *settings, "-o", out)
    lfp = lfp_of(out)
    exact, samples = reference.data[:, 0], lfp.data[:, 0]
    pointwise, rms, size, late = ERRORS[method, dt]
    expected = np.interp(lfp.times, reference.times, exact)
    apart = samples - expected
    assert 0.3 * pointwise < np.abs(apart).max() / np.abs(exact).max() < pointwise
    assert 0.3 * rms < np.sqrt(np.mean(apart**2) / np.mean(expected**2)) < rms
    times = np.arange(2.2, 7.5, 1e-3)
    spike = CubicSpline(lfp.times, samples)(times)
    assert abs(spike.min() / exact.min() - 1) < size
    assert abs(times[np.argmin(spike)] - reference.times[np.argmin(exact)]) < late


# the same two of the LFP of share/examples/network.toml
ERRORS_OF_NETWORK = {
    ("backward-euler", 0.0625): (0.19, 0.09),
    ("backward-euler", 0.025): (0.075, 0.035),
    ("crank-nicolson", 0.05): (0.11, 0.032),
    ("crank-nicolson", 0.025): (0.048, 0.017),
}


@pytest.mark.slow
def test_errors_of_the_step_of_a_network_are_those_of_the_page(
    shell, share: Path, tmp_path: Path
) -> None:
    def lfp(method: str, dt: float) -> Sampled:
        shell("sim", share / "examples/network.toml", "--tstop", 16, "--dt", dt, "-f",
              "--set", f"run.method={method}", "-o", tmp_path / "out.h5")  # fmt: skip
        return lfp_of(tmp_path / "out.h5")

    fine = lfp("crank-nicolson", 1 / 256)
    for (method, dt), bounds in ERRORS_OF_NETWORK.items():
        coarse = lfp(method, dt)
        expected = np.array(
            [np.interp(coarse.times, fine.times, channel) for channel in fine.data.T]
        ).T
        apart = coarse.data - expected
        errors = (
            np.abs(apart).max() / np.abs(expected).max(),
            np.sqrt(np.mean(apart**2) / np.mean(expected**2)),
        )
        for error, bound in zip(errors, bounds, strict=True):
            assert 0.6 * bound < error < 1.1 * bound


def test_samples_tell_their_moment(shell, model: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.h5", tmp_path / "second.h5"
    shell("sim", model, "-o", first, "--dt", 0.05)
    shell("sim", model, "-o", second, "--dt", 0.05, "--set", "run.method=crank-nicolson")
    for path, offset in ((first, 0.0), (second, -0.025)):
        with open_recording(path) as recording:
            assert recording.signal("LFP").t_start == pytest.approx(offset)
            assert recording.dipole("total").t_start == pytest.approx(offset)
            assert recording.report("imem", "c").t_start == pytest.approx(offset)
            assert recording.report("vmem", "c").t_start == 0.0
            lags = {
                name: recording.file[f"reports/{name}/c/data"].attrs.get("lag")
                for name in recording.reports
            }
        assert lags == {"ina": 0.05, "i_cap": None, "m_hh": None, "imem": None, "vmem": None}
        # currents of the middle of a step add up to the capacitive one of its potentials
        with open_recording(path) as recording:
            imem, v = (recording.report(name, "c") for name in ("imem", "vmem"))
            cap = recording.report("i_cap", "c")
            step = np.diff(v.data[()], axis=0) / 0.05 * 1e-3
            np.testing.assert_allclose(cap.data[1:], step, rtol=1e-9, atol=1e-12)
            assert np.abs(imem.data[()].sum(axis=1)).max() < 1e-9 * np.abs(imem.data[()]).max()


def test_check_tells_the_error_of_each_signal(shell, model: Path, tmp_path: Path) -> None:
    estimates = {}
    for method in ("backward-euler", "crank-nicolson"):
        ran = shell("sim", model, "--dt", 0.025, "--check-dt", "--json", "-o", tmp_path / "o.h5",
                    "-f", "--set", f"run.method={method}")  # fmt: skip
        errors = {error["name"]: error for error in json.loads(ran.out)["step errors"]}
        assert list(errors) == ["LFP", "dipole"]
        assert "LFP: dt 0.025 ms makes errors of" in ran.err
        estimates[method] = errors["LFP"]["largest"]
    # within a factor of two of what a fine step tells
    assert 0.045 < estimates["backward-euler"] < 0.19
    assert 0.006 < estimates["crank-nicolson"] < 0.025


WARM = """
create soma, dend
soma { L = 20 diam = 20 insert hh }
dend { L = 200 diam = 2 nseg = 5 insert pas e_pas = -75 }
connect dend(0), soma(1)
celsius = 30
v_init = -75
secondorder = 2
objref clamp
soma clamp = new IClamp(0.5)
clamp.del = 1
clamp.dur = 10
clamp.amp = 0.5
"""


def test_check_runs_with_what_the_cells_own_files_say(shell, share: Path, tmp_path: Path) -> None:
    (tmp_path / "warm.hoc").write_text(WARM)
    shell("morph", share / "morphologies/ball_and_stick.swc", "--shift", "0,0,500", "-o",
          tmp_path / "placed.swc")  # fmt: skip
    probe = 'probe=[{name="LFP",contacts=[[20,30,50]]}]'
    options = ["--tstop", 4, "--dt", 0.0125, "--check-dt", "--json", "-f", "--seed", 1]
    passive = ["--passive", "g=1e-4,e=-70", "--input", "soma:0.005@1"]
    for cell in (["--hoc", tmp_path / "warm.hoc"], [tmp_path / "placed.swc", *passive]):
        ran = shell("sim", *cell, *options, "--set", probe, "-o", tmp_path / "o.h5")
        # at another temperature, method or place the runs would have nothing in common
        assert all(error["largest"] < 0.05 for error in json.loads(ran.out)["step errors"])


CLAMP = """
[[stimulus]]
type = "SEClamp"
location = "soma"
dur1 = 5.0
amp1 = -20.0
rs = 0.001
"""
FIELD = """
[[field]]
electrodes = [[50.0, 0.0, 0.0]]
current = {amp = -6e4, dur = 0.2, delay = 1.0}
"""
HOC = """
create soma
access soma
L = 20
diam = 20
insert pas
objref clamp
clamp = new SEClamp(0.5)
clamp.dur1 = 5
clamp.amp1 = -20
clamp.rs = 0.001
secondorder = 2
"""


@pytest.mark.parametrize(("table", "reason"), [(CLAMP, "SEClamp"), (FIELD, "field")])
def test_second_order_is_refused_where_it_would_oscillate(
    shell, model: Path, tmp_path: Path, table: str, reason: str
) -> None:
    """A stiff clamp's potential swings by the step that it made; so does that of a field."""
    clamped = tmp_path / "clamped.toml"
    clamped.write_text(model.read_text() + table)
    arguments = ["sim", clamped, "-o", tmp_path / "o.h5"]
    ran = shell(*arguments, "--set", "run.method=crank-nicolson", code=3)
    assert reason in ran.err and "backward-euler" in ran.err
    assert not (tmp_path / "o.h5").exists()


def swinging(results) -> None:
    """NEURON's second order with a stiff clamp, without this program."""
    from neuron import h

    section = h.Section(name="soma")
    section.L = section.diam = 20
    section.insert("pas")
    clamp = h.SEClamp(section(0.5))
    clamp.dur1, clamp.amp1, clamp.rs = 5, -20, 0.001
    vector = h.Vector().record(section(0.5)._ref_v)
    h.load_file("stdrun.hoc")
    h.secondorder, h.dt, h.steps_per_ms = 2, 0.025, 40
    h.finitialize(-65)
    h.continuerun(1)
    results["v"] = np.array(vector)


def test_a_stiff_clamp_swings_by_its_step_in_second_order(neuron_process) -> None:
    """Why the second method is refused with clamps."""
    v = neuron_process(swinging)["v"][1:9]
    assert np.ptp(v) == pytest.approx(2 * 45.0, rel=0.05)


def test_a_clamp_of_the_models_own_has_first_order(shell, tmp_path: Path) -> None:
    (tmp_path / "clamp.hoc").write_text(HOC)
    ran = shell("sim", "--hoc", tmp_path / "clamp.hoc", "--tstop", 4, "-o", tmp_path / "o.h5")
    assert "method = backward-euler: SEClamp in the cells' own files oscillates" in ran.err
    with open_recording(tmp_path / "o.h5") as recording:
        v = recording.report("vmem", "cell").data[()]
    # the potential is that of the clamp from the second sample on
    np.testing.assert_allclose(v[2:], -20.0, atol=0.5)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--dt", "adaptive", "--check-dt"], 2, "fixed time step"),
        (["--check-dt", "-o", "-"], 2, "a file to compare with"),
        (["--dt", "adaptive", "--set", "run.method=crank-nicolson"], 3, "fixed time step"),
        (["--set", "run.method=heun"], 3, "crank-nicolson"),
    ],
)
def test_what_cannot_be_is_refused(
    shell, model: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    out = [] if "-o" in arguments else ["-o", tmp_path / "o.h5"]
    assert message in shell("sim", model, *arguments, *out, code=code).err
    assert not (tmp_path / "o.h5").exists()
