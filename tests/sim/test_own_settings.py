"""What model files set for the whole run: settings, init() and advance(), missing files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import open_recording

CELL = """\
create soma, dend
access soma
soma { L = 20 diam = 20 }
dend { L = 200 diam = 2 nseg = 5 }
connect dend(0), soma(1)
forall { insert pas g_pas = 1e-4 e_pas = -65 insert hh }
celsius = 35
v_init = -70
"""
BALANCE = """\
proc init() {
  finitialize(v_init)
  fcurrent()
  forall for (x, 0) { e_pas(x) = v(x) + (ina(x) + ik(x) + il_hh(x))/g_pas(x) }
  if (cvode.active()) { cvode.re_init() } else { fcurrent() }
}
"""
# long steps before t = 0 until nothing changes any more
SETTLE = """\
proc init() { local usual
  finitialize(v_init)
  usual = dt
  t = -1e4
  dt = 10
  while (t < -1) fadvance()
  dt = usual
  t = 0
  if (cvode.active()) { cvode.re_init() } else { fcurrent() }
  frecord_init()
}
"""
ADVANCE = """\
calls = 0
proc advance() {
  calls = calls + 1
  soma.gnabar_hh = 0.12 + 0.01 * calls
  fadvance()
}
"""


def plain_neuron(results, file) -> None:
    from neuron import h

    h.load_file("stdrun.hoc")
    h.load_file(1, file)
    h.dt, h.steps_per_ms, h.tstop = 0.0625, 16, 5
    potentials = [h.Vector().record(h.soma(0.5)._ref_v), h.Vector().record(h.dend(0.9)._ref_v)]
    h.run()
    results["v"] = np.array(potentials).T


def potentials(path: Path, name: str = "cell") -> np.ndarray:
    with open_recording(path) as recording:
        values: np.ndarray = recording.report("vmem", name).data[()]
    return values


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.hoc"
    path.write_text(CELL)
    return path


@pytest.mark.parametrize("own", [BALANCE, SETTLE, ADVANCE, SETTLE + ADVANCE])
def test_own_procedures_run_as_in_neuron(shell, neuron_process, model: Path, own: str) -> None:
    model.write_text(CELL + own)
    out = model.with_name("out.h5")
    err = shell(
        "sim", "--hoc", model, "--tstop", 5, "--dt", 0.0625, "--record", "imem,vmem", "-o", out
    ).err
    plain = neuron_process(plain_neuron, file=str(model))["v"]
    np.testing.assert_allclose(potentials(out)[:, [0, 5]], plain, rtol=0, atol=1e-6)
    if own != BALANCE:
        # what the procedures do is seen
        assert abs(plain[-1, 0] + 70) > 0.1
    assert f"() of {model} runs, as NEURON's run system would call it" in err
    with open_recording(out) as recording:
        imem = recording.report("imem", "cell").data[()]
    # membrane currents are those of the potentials from the first sample on
    assert np.abs(imem.sum(axis=1)).max() < 1e-9 * max(np.abs(imem).max(), 1e-3)


def test_own_procedures_are_left_out_where_the_model_says_so(shell, model: Path) -> None:
    model.write_text(CELL + BALANCE)
    out = model.with_name("out.h5")
    err = shell(
        "sim", "--hoc", model, "--tstop", 5, "--set", "run.init=standard", "--record", "vmem",
        "-o", out,
    ).err  # fmt: skip
    assert f"init() of {model} is not run, as run.init says" in err
    assert potentials(out)[-1, 0] > -67


@pytest.mark.parametrize(
    ("own", "dt", "code", "text"),
    [
        ("proc advance() { fadvance() fadvance() }\n", 0.0625, 5, "is no step of 0.0625 ms"),
        (ADVANCE, "adaptive", 3, "advance() needs a fixed time step"),
        ('proc init() { execerror("no balance", "") }\n', 0.0625, 5, "no balance"),
    ],
)
def test_own_procedures_that_cannot_run_are_told(
    shell, model: Path, own: str, dt: object, code: int, text: str
) -> None:
    model.write_text(CELL + own)
    out = model.with_name("out.h5")
    err = shell("sim", "--hoc", model, "--tstop", 5, "--dt", dt, "-o", out, code=code).err
    assert text in err
    assert not out.exists()


def test_own_init_of_one_cell_among_many_is_refused(shell, share: Path, tmp_path: Path) -> None:
    (tmp_path / "code.hoc").write_text(
        "forall insert pas\nproc init() { forall e_pas = -70 finitialize(-70) }\n"
    )
    text = (
        f'[run]\ntstop = 1\n[cell.c]\nmorphology = "{share}/morphologies/stick.swc"\n'
        'code = ["code.hoc"]\n[population.P]\ncell = "c"\nsize = SIZE\n'
    )
    path = tmp_path / "m.toml"
    path.write_text(text.replace("SIZE", "2"))
    err = shell("sim", path, "-o", tmp_path / "o.h5", code=3).err
    assert "init() means the sections of one cell, and there are 2" in err
    path.write_text(text.replace("SIZE", "1"))
    shell("sim", path, "-o", tmp_path / "o.h5")


def stated(path: Path) -> dict[str, object]:
    with open_recording(path) as recording:
        run: dict[str, object] = recording.provenance["model"]["run"]
    return run


def test_settings_of_files_hold_where_the_model_is_silent(shell, model: Path) -> None:
    model.write_text(CELL + "dt = 0.05\nsecondorder = 2\n")
    out = model.with_name("out.h5")
    err = shell("sim", "--hoc", model, "--tstop", 5, "-o", out).err
    assert "celsius = 35 as the own files of 'cell' set it" in err
    assert "secondorder = 2" in err
    run = stated(out)
    assert (run["celsius"], run["v_init"], run["dt"]) == (35.0, -70.0, 0.05)
    with open_recording(out) as recording:
        assert recording.report("vmem", "cell").data.shape[0] == 101
    err = shell(
        "sim", "--hoc", model, "--tstop", 5, "--celsius", 6.3, "--dt", 0.1, "-o", out, "--force"
    ).err
    assert "set celsius = 35; the model's 6.3 holds" in err
    assert "set dt = 0.05; the model's 0.1 holds" in err
    run = stated(out)
    assert (run["celsius"], run["v_init"], run["dt"]) == (6.3, -70.0, 0.1)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("warm.hoc", "celsius = 37\nv_init = -80\nforall insert hh\n"),
        (
            "warm.py:warm",
            "from neuron import h\n"
            "def warm(cell):\n    h.celsius, h.v_init = 37, -80\n    cell.insert('hh')\n",
        ),
    ],
)
def test_code_of_a_cell_sets_the_temperature(
    shell, share: Path, tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / name.partition(":")[0]).write_text(code)
    path, out = tmp_path / "m.toml", tmp_path / "o.h5"
    path.write_text(
        f'[run]\ntstop = 20\n[cell.c]\nmorphology = "{share}/morphologies/ball_and_stick.swc"\n'
        f'code = ["{name}"]\n[[stimulus]]\ntype = "IClamp"\namp = 1.0\ndelay = 2\ndur = 100\n'
    )
    err = shell("sim", path, "-o", out).err
    assert "celsius = 37 as the own files of 'c' set it" in err
    with open_recording(out) as recording:
        # at 6.3 degrees there would be two
        assert len(recording.spikes("c")[0]) == 0
        assert recording.report("vmem", "c").data[0, 0] == -80


def test_files_that_differ_need_a_key(shell, share: Path, tmp_path: Path) -> None:
    for k, celsius in enumerate((34, 36)):
        (tmp_path / f"code{k}.hoc").write_text(f"celsius = {celsius}\n")
    path, out = tmp_path / "m.toml", tmp_path / "o.h5"
    path.write_text(
        "[run]\ntstop = 1\n"
        + "".join(
            f'[cell.c{k}]\nmorphology = "{share}/morphologies/stick.swc"\ncode = ["code{k}.hoc"]\n'
            f'[population.p{k}]\ncell = "c{k}"\nsize = 1\n'
            for k in range(2)
        )
    )
    err = shell("sim", path, "-o", out, code=3).err
    assert "set different celsius: 'c0' 34, 'c1' 36" in err
    assert "give celsius in [run]" in err
    shell("sim", path, "--set", "run.celsius=35", "-o", out)


def test_own_time_step_must_fit_the_run(shell, model: Path) -> None:
    model.write_text(CELL + "dt = 10\n")
    err = shell("sim", "--hoc", model, "--tstop", 5, "-o", "o.h5", code=3).err
    assert "set dt = 10 ms, which is no step of a run of 5 ms" in err


def test_the_variable_step_of_files_holds_where_the_model_is_silent(shell, model: Path) -> None:
    model.write_text(CELL + "objref solver\nsolver = new CVode()\nsolver.active(1)\n")
    out = model.with_name("out.h5")
    run = ["--hoc", model, "--tstop", 1, "-o", out, "-f"]
    err = shell("sim", *run).err
    assert "variable time step as the own files of 'cell' turn it on" in err
    assert stated(out)["dt"] == "adaptive"
    err = shell("sim", *run, "--dt", 0.1).err
    assert "turn the variable time step on; the model's dt 0.1 and method hold" in err
    assert stated(out)["dt"] == 0.1
