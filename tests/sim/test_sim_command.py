"""`lfp sim` in processes of its own: what it writes, and how it fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.forward.filters import resample
from lfpcli.io.recording import open_recording

MODEL = """
[run]
tstop = 20.0
v_init = -65.0
seed = 7
engine = "neuron"
dt = 0.0625
[cell.ball]
morphology = "{share}/morphologies/ball_and_sticks.swc"
Ra = 150.0
cm = 1.0
[[cell.ball.mechanism]]
name = "pas"
g = 1e-4
e = -65.0
[[cell.ball.mechanism]]
name = "hh"
sections = ["soma"]
gnabar = {{expr = "0.12 * exp(-d / 200)"}}
[[input]]
synapse = {{type = "Exp2Syn", tau1 = 0.2, tau2 = 2.0, e = 0.0}}
weight = 0.004
count = 5
source = {{poisson = 100.0}}
[[probe]]
name = "LFP"
contacts = [[30.0, 0.0, 0.0], [30.0, 0.0, 200.0]]
[record]
imem = true
vmem = "all"
variables = ["m_hh", "ina"]
"""


@pytest.fixture
def model(tmp_path: Path, share: Path) -> Callable[..., Path]:
    """Write the model, with some of its text replaced."""

    def write(*changes: tuple[str, str], name: str = "model.toml") -> Path:
        text = MODEL.format(share=share)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_same_command_and_seed_write_the_same_bytes(model, shell, tmp_path: Path) -> None:
    path, out = model(), tmp_path / "out.h5"
    sums = set()
    for _ in range(2):
        shell("sim", path, "-o", out, "-f")
        sums.add(md5(out))
    assert len(sums) == 1


def test_another_seed_draws_other_spikes(model, shell, tmp_path: Path) -> None:
    path = model()
    for seed in (1, 2):
        shell("sim", path, "-o", tmp_path / f"{seed}.h5", "--seed", seed)
    with open_recording(tmp_path / "1.h5") as one, open_recording(tmp_path / "2.h5") as two:
        assert one.provenance["seed"] == 1
        assert not np.array_equal(one.signal("LFP").data[()], two.signal("LFP").data[()])


def test_recording_holds_what_the_model_asks_for(model, shell, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    shell("sim", model(), "-o", out)
    with open_recording(out) as recording:
        geometry = recording.geometry("ball")
        imem, vmem = recording.report("imem", "ball"), recording.report("vmem", "ball")
        assert imem.data.shape == vmem.data.shape == (321, len(geometry))
        assert (imem.units, vmem.units) == ("nA", "mV")
        assert recording.report("m_hh", "ball").data.shape == (321, geometry.is_soma.sum())
        assert recording.report("ina", "ball").units == "mA/cm2"
        assert recording.signal("LFP").data.shape == (321, 2)
        moment = recording.dipole("total").data[()]
        np.testing.assert_allclose(
            moment, imem.data[()] @ geometry.middle, atol=1e-12 * np.abs(moment).max()
        )
        # nothing is injected, so that each cell's currents add to zero once they are solved for
        assert np.abs(imem.data[1:].sum(axis=1)).max() < 1e-9 * np.abs(imem.data[()]).max()
        assert recording.provenance["model"]["input"][0]["weight"] == 0.004
    with h5py.File(out) as file:
        assert file["reports/imem/ball/data"].attrs["dt"] == 0.0625
        assert file["spikes/ball/timestamps"].attrs["units"] == "ms"


def test_every_keeps_each_nth_sample(model, shell, tmp_path: Path) -> None:
    shell("sim", model(), "-o", tmp_path / "all.h5")
    shell("sim", model(), "-o", tmp_path / "third.h5", "--set", "record.every=3")
    with (
        open_recording(tmp_path / "all.h5") as every,
        open_recording(tmp_path / "third.h5") as third,
    ):
        for name in ("imem", "vmem"):
            whole, thinned = every.report(name, "ball"), third.report(name, "ball")
            assert thinned.dt == 3 * whole.dt
            np.testing.assert_array_equal(thinned.data[()], whole.data[::3])
        # signals are kept at the same times, behind a filter against aliases
        whole, third_of_it = every.signal("LFP"), third.signal("LFP")
        expected = resample(whole.data[()], whole.dt, third_of_it.dt)
        np.testing.assert_allclose(third_of_it.data[()], expected, rtol=0, atol=1e-17)


def test_balance_subtracts_electrode_currents(model, shell, tmp_path: Path) -> None:
    clamp = '[[stimulus]]\ntype = "IClamp"\nlocation = "soma(0.5)"\n'
    clamp += "delay = 1.0\ndur = 99.0\namp = 0.3\n"
    path = model(("[[probe]]", clamp + "[[probe]]"))
    said = shell("sim", path, "-o", tmp_path / "plain.h5").err
    assert "monopole" in said
    shell("sim", path, "-o", tmp_path / "balanced.h5", "--set", "record.balance=true")
    with (
        open_recording(tmp_path / "plain.h5") as plain,
        open_recording(tmp_path / "balanced.h5") as balanced,
    ):
        sums = plain.report("imem", "ball").data[:].sum(axis=1)
        np.testing.assert_allclose(sums[40:], 0.3, atol=1e-9)
        assert np.abs(balanced.report("imem", "ball").data[1:].sum(axis=1)).max() < 1e-9


def test_balance_of_a_run_without_membrane_currents_changes_nothing(shell, tmp_path) -> None:
    stimulus = '[{type="IClamp",location="soma(0.5)",delay=1.0,dur=9.0,amp=0.1}]'
    command = ("sim", "builtin:ball_and_stick", "--passive", "--tstop", "2", "--seed", "1")
    command += (
        "--set",
        f"stimulus={stimulus}",
        "--set",
        'record.dipole="none"',
        "--set",
        "record.imem=false",
    )
    for name, balance in (("plain", "false"), ("balanced", "true")):
        shell(*command, "--set", f"record.balance={balance}", "-o", tmp_path / f"{name}.h5")
    shell("diff", "--exact", tmp_path / "plain.h5", tmp_path / "balanced.h5")


@pytest.mark.parametrize("tstart", [0.0, -30.0])
def test_adaptive_step_agrees_with_a_small_fixed_one(model, shell, tmp_path, tstart) -> None:
    fixed = ("--set", "run.dt=0.001", "--set", "record.every=125")
    adaptive = ("--dt", "adaptive", "--set", "run.dt_out=0.125", "--set", "run.atol=1e-6")
    source = ("source = {poisson = 100.0}", "source = {times = [2.0, 9.0]}")
    path = model(source, ("[record]", "[record]\n"))
    for name, options in (("fixed", fixed), ("adaptive", adaptive)):
        shell("sim", path, "-o", tmp_path / f"{name}.h5", "--set", f"run.tstart={tstart}", *options)
    with (
        open_recording(tmp_path / "fixed.h5") as one,
        open_recording(tmp_path / "adaptive.h5") as two,
    ):
        v, w = (r.report("vmem", "ball").data[()] for r in (one, two))
        assert v.shape == w.shape
        assert np.abs(v - w).max() < 0.02 * np.ptp(v)


def test_filter_of_a_probe_is_that_of_lfp_probe(model, shell, tmp_path: Path) -> None:
    shell("sim", model(), "-o", tmp_path / "plain.h5")
    band = ("[record]", "filter = {low = 100.0, high = 2000.0}\n[record]")
    shell("sim", model(band), "-o", tmp_path / "filtered.h5")
    probe = ("--contacts", tmp_path / "c.csv", "--filter", "100:2000", "--name", "again")
    (tmp_path / "c.csv").write_text("30,0,0\n30,0,200\n")
    shell("probe", tmp_path / "plain.h5", *probe, "-o", tmp_path / "again.h5")
    with (
        open_recording(tmp_path / "filtered.h5") as one,
        open_recording(tmp_path / "again.h5") as two,
    ):
        filtered, again = one.signal("LFP").data[()], two.signal("again").data[()]
        unfiltered = two.signal("LFP").data[()]
    np.testing.assert_allclose(filtered, again, atol=1e-12 * np.abs(again).max())
    assert np.abs(filtered - unfiltered).max() > 0.1 * np.abs(unfiltered).max()


def test_dry_run_says_the_plan_and_writes_nothing(model, shell, tmp_path: Path) -> None:
    path = model()
    before = set(tmp_path.iterdir())
    plan = json.loads(shell("sim", path, "--dry-run", "--json").out)
    assert set(tmp_path.iterdir()) == before
    assert plan["populations"] == {"ball": 1}
    assert plan["synapses"] == 5
    assert plan["seed"] == 7


def test_one_line_from_morphology_to_picture(shell, share: Path, tmp_path: Path) -> None:
    swc = share / "morphologies/ball_and_sticks.swc"
    text = shell("morph", swc).out
    quick = ("--passive", "--input", "soma:0.005@5,10", "--tstop", "20", "--seed", "1")
    recorded = shell("sim", "-", *quick, stdin=text.encode()).out.encode("latin-1")
    assert recorded.startswith(b"\x89HDF")
    measured = shell("probe", "-", "--contacts", "30,0,0", stdin=recorded).out.encode("latin-1")
    picture = tmp_path / "a.png"
    shell("plot", "-", "-o", picture, stdin=measured)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_memory_stays_bounded_in_a_long_run(model, tmp_path: Path) -> None:
    import subprocess
    import sys

    path = model(
        ("tstop = 20.0", "tstop = 10000.0"),
        (
            "contacts = [[30.0, 0.0, 0.0], [30.0, 0.0, 200.0]]",
            'array = "Neuropixels-384"\nshift = [30.0, 0.0, 0.0]',
        ),
        ('imem = true\nvmem = "all"\nvariables = ["m_hh", "ina"]', ""),
    )
    code = (
        "from pathlib import Path\nfrom lfpcli.cli.main import main\n"
        f"code = main(['sim', {str(path)!r}, '-o', {str(tmp_path / 'out.h5')!r}, '-q'])\n"
        # the peak of getrusage is also that of the process that started this one
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(code, int(peak) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, resident = map(float, done.stdout.split())
    assert status == 0
    assert resident < 600.0


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (('name = "hh"', 'name = "hhh"'), 5, "unknown mechanism 'hhh'"),
        (("gnabar = {expr", "gnabbar = {expr"), 3, "hh has no parameter 'gnabbar'"),
        (('sections = ["soma"]', 'sections = ["sooma"]'), 3, "no section 'sooma'"),
        (("tau1 = 0.2", "tauu = 0.2"), 3, "Exp2Syn has no parameter 'tauu'"),
        (('type = "Exp2Syn"', 'type = "Exp3Syn"'), 5, "unknown point process 'Exp3Syn'"),
        (("count = 5", "count = 5\nlocation = {index = 4000}"), 3, "there is no segment 4000"),
        (("tstop = 20.0", "tstopp = 20.0"), 3, "did you mean 'tstop'?"),
        (("tstop = 20.0", 'tstop = "long"'), 3, "tstop"),
        (("ball_and_sticks.swc", "ball_and_stiks.swc"), 3, "no such file"),
        (('variables = ["m_hh", "ina"]', 'variables = ["m_hhh"]'), 3, "m_hhh"),
        (
            ('engine = "neuron"\ndt = 0.0625', 'engine = "coreneuron"\ndt = "adaptive"'),
            5,
            "variable time step",
        ),
    ],
)
def test_mistakes_in_models(model, shell, tmp_path, change, code: int, text: str) -> None:
    said = shell("sim", model(change), "-o", tmp_path / "out.h5", code=code)
    assert text in said.err
    assert said.err.count("\n") == 1
    assert said.err.startswith("lfp sim: error: ")
    assert "model.toml" in said.err or "[record]" in said.err
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--input", "soma:0.005"), "is not of the form"),
        (("--input", "soma:x@5"), "'x'"),
        (("--stim", "soma:1@5"), "is not of the form"),
        (("--passive", "g"), "is not of the form"),
        (("--tstop", "-5"), "is not above zero"),
    ],
)
def test_mistakes_on_the_command_line(shell, share, tmp_path, options, text: str) -> None:
    swc = share / "morphologies/ball_and_sticks.swc"
    said = shell("sim", swc, "-o", tmp_path / "out.h5", *options, code=2)
    assert text in said.err
    assert said.err.count("\n") == 1


def test_quick_options_do_not_go_with_a_model(model, shell, tmp_path: Path) -> None:
    said = shell("sim", model(), "--passive", "-o", tmp_path / "out.h5", code=2)
    assert "--passive" in said.err


def test_unsolvable_run_names_the_time(model, shell, tmp_path: Path) -> None:
    path = model(("g = 1e-4", "g = 1e200"), ("e = -65.0", "e = 1e200"))
    said = shell("sim", path, "-o", tmp_path / "out.h5", code=5)
    assert "no longer finite" in said.err
    assert not (tmp_path / "out.h5").exists()
