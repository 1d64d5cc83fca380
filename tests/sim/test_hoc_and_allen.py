"""Cells that hoc files build whole, and fits of the Allen Cell Types Database, in models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from allen_fit import FIT

from lfpcli.io.recording import open_recording

GEOMETRY = """
create soma, dend[2]
connect dend[0](0), soma(1)
connect dend[1](0), dend[0](1)
soma { L = 20 diam = 20 nseg = 1 insert hh }
dend[0] { L = 100 diam = 2 nseg = 5 insert pas e_pas = -65 }
dend[1] { L = 200 diam = 1 nseg = 7 insert pas e_pas = -65 }
"""
INIT = """
load_file("geometry.hoc")
objref syn, stim, con, clamp
dend[1] syn = new Exp2Syn(0.5)
syn.e = 0
stim = new NetStim()
stim.start = 5
stim.number = 2
stim.interval = 10
stim.noise = 0
con = new NetCon(stim, syn, 0, 1, 0.01)
soma clamp = new IClamp(0.5)
clamp.del = 18
clamp.dur = 5
clamp.amp = 0.1
celsius = 6.3
print "loaded"
"""


def plain_neuron(results, folder) -> None:
    import os

    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    h.load_file("init.hoc")
    h.CVode().use_fast_imem(True)
    segments = [segment for section in h.allsec() for segment in section]
    currents = [h.Vector().record(segment._ref_i_membrane_) for segment in segments]
    context = h.ParallelContext()
    context.set_maxstep(10)
    h.dt, h.steps_per_ms = 0.0625, 16
    h.finitialize(-65)
    context.psolve(30)
    results["imem"] = np.array(currents)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    (path / "geometry.hoc").write_text(GEOMETRY)
    (path / "init.hoc").write_text(INIT)
    return path


def test_hoc_file_runs_with_all_that_is_on_its_cell(
    shell, neuron_process, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.h5"
    done = shell(
        "sim", "--hoc", folder / "init.hoc", "--contacts", "40,0,0", "--tstop", 30, "--record",
        "imem", "--dt", 0.0625, "-o", out,
    )  # fmt: skip
    assert done.out == ""
    plain = neuron_process(plain_neuron, folder=str(folder))["imem"]
    with open_recording(out) as recording:
        assert list(recording.geometry("cell").section_names) == ["soma", "dend[0]", "dend[1]"]
        imem = recording.report("imem", "cell").data[()]
        assert imem.shape == (481, 13)
        assert np.abs(imem - plain.T).max() < 1e-8 * np.abs(plain).max()
        assert len(recording.spikes("cell")[0]) >= 2
        assert np.abs(recording.signal("LFP").data[()]).max() > 1e-4
        assert list(recording.provenance["inputs"]) == [str(folder / "init.hoc")]


def test_quick_options_add_to_a_hoc_file(shell, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    shell("sim", "--hoc", folder / "init.hoc", "--insert", "hh@dend", "--tstop", 5, "-o", out)
    with open_recording(out) as recording:
        model = recording.provenance["model"]["cell"]["cell"]
        assert model["mechanism"][0]["name"] == "hh"
        assert model["nseg"]["rule"] == "keep"


def test_settings_of_a_hoc_file_that_do_not_hold_are_told(
    shell, folder: Path, tmp_path: Path
) -> None:
    (folder / "init.hoc").write_text(INIT.replace("celsius = 6.3", "celsius = 20"))
    out = tmp_path / "out.h5"
    arguments = ("--tstop", 1, "--celsius", 6.3, "-o", out)
    err = shell("sim", "--hoc", folder / "init.hoc", *arguments).err
    assert "set celsius = 20; the model's 6.3 holds" in err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "no model is given"),
        (["model.toml", "--hoc", "init.hoc"], 2, "both a MODEL and --hoc"),
        (["--hoc", "none.hoc"], 3, "no such file"),
        (["--hoc", "empty.hoc"], 3, "makes no sections"),
        (["--hoc", "wrong.hoc"], 5, "wrong.hoc:2"),
        (["--hoc", "number.hoc"], 5, "'i' in connect is a number, no section"),
    ],
)
def test_wrong_hoc_files(shell, folder: Path, arguments: list[str], code: int, text: str) -> None:
    (folder / "empty.hoc").write_text("x = 1\n")
    # NEURON itself would end with a segmentation fault
    (folder / "number.hoc").write_text("create soma, dend\ni = 1\nconnect dend(0), i(1)\n")
    (folder / "wrong.hoc").write_text("create soma\nsoma { insert nothing }\n")
    err = shell("sim", *arguments, "-o", "out.h5", code=code, cwd=folder).err
    assert text in err
    assert not (folder / "out.h5").exists()


TEMPLATE = """
begintemplate T
public soma
create soma
proc init() { soma { L = 10 diam = 0 } }
endtemplate T
"""


@pytest.mark.parametrize(
    "arguments",
    [["morph", "flat.hoc"], ["sim", "--hoc", "flat.hoc"], ["sim", "flat.hoc", "--passive"],
     ["sim", "template.toml"]],
)  # fmt: skip
def test_diameters_of_zero_are_no_bug(shell, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "flat.hoc").write_text("create soma\nsoma { L = 10 diam = 0 }\n")
    (tmp_path / "t.hoc").write_text(TEMPLATE)
    (tmp_path / "template.toml").write_text('[cell.c]\ntemplate = "t.hoc:T"\n')
    if arguments[0] == "sim":
        arguments = [*arguments, "-o", "out.h5"]
    err = shell(*arguments, code=5, cwd=tmp_path).err
    assert "diameter diam = 0" in err and ".hoc" in err


def test_hoc_file_builds_each_cell_of_a_population(shell, folder: Path, tmp_path: Path) -> None:
    model, out = folder / "model.toml", tmp_path / "out.h5"
    model.write_text(
        '[run]\ntstop = 30\nengine = "neuron"\n[cell.c]\nhoc = "init.hoc"\n'
        '[population.P]\ncell = "c"\nsize = 2\n'
    )
    shell("sim", model, "-o", out)
    with open_recording(out) as recording:
        vmem = recording.report("vmem", "P").data[()]
        times, gids = recording.spikes("P")
    np.testing.assert_array_equal(vmem[:, 0], vmem[:, 1])
    assert np.ptp(vmem) > 50
    np.testing.assert_array_equal(times[gids == 0], times[gids == 1])


def test_fit_of_the_allen_database(shell, share: Path, tmp_path: Path) -> None:
    (tmp_path / "fit_parameters.json").write_text(json.dumps(FIT))
    model, out = tmp_path / "model.toml", tmp_path / "out.h5"
    model.write_text(
        f'[run]\ntstop = 5\nv_init = -80\n[cell.c]\nallen = "fit_parameters.json"\n'
        f'morphology = "{share}/morphologies/l5_pyramidal.swc"\n[record]\nvmem = "all"\n'
        'variables = ["ena", "g_pas", "gnabar_hh"]\n'
    )
    err = shell("sim", model, "-o", out).err
    assert "celsius = 34 as the own files of 'c' set it" in err
    assert "v_init = " not in err
    with open_recording(out) as recording:
        geometry = recording.geometry("c")
        names = [n for n in geometry.section_names if n.startswith("axon")]
        assert names == ["axon[0]", "axon[1]"]
        assert (recording.report("gnabar_hh", "c").data[()] == 0.2).all()
        assert (recording.report("ena", "c").data[()] == 53.0).all()
        assert 2e-4 in recording.report("g_pas", "c").data[0]
    model.write_text(model.read_text().replace("morphology =", 'template = "a.hoc:T" #'))
    assert "belongs to 'morphology'" in shell("sim", model, "-o", out, "-f", code=3).err
