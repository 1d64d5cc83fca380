"""Models as circuits: bmtk runs them and gives the same spikes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording
from lfpcli.runtime.hoc.frozen import euler_angles_zyx

sys.path.insert(0, str(Path(__file__).parents[1] / "circuits"))

import circuits
from sources import program

MODEL = """
[run]
tstop = 50.0
dt = 0.1
seed = 5
celsius = 10.0

[cell.pyramidal]
morphology = "builtin:ball_and_sticks"
nseg = {rule = "length", max = 40.0}
Ra = 130.0

[[cell.pyramidal.mechanism]]
name = "pas"
g = {expr = "1e-4 + 1e-7 * d"}
e = -65.0

[[cell.pyramidal.mechanism]]
name = "hh"
sections = ["soma"]

[population.E]
cell = "pyramidal"
size = 4
place = {shape = "cylinder", radius = 80.0}
rotate = {x = 20.0, z = "random"}

[population.stim]
rate = 30.0
size = 5

[[connection]]
pre = "E"
post = "E"
rule = {probability = 0.9}
synapse = {type = "ExpSyn", tau = 2.0, e = 0.0}
weight = 0.002
delay = 1.5

[[connection]]
pre = "stim"
post = "E"
rule = {probability = 0.8}
synapse = {type = "Exp2Syn", tau1 = 0.5, tau2 = 3.0, e = 0.0}
weight = 0.02
delay = 1.0
location = {sections = ["dend", "apic"]}

[[input]]
synapse = {type = "Exp2Syn", tau1 = 0.2, tau2 = 2.0, e = 0.0}
weight = 0.004
count = 12
source = {poisson = 40.0}

[[stimulus]]
type = "IClamp"
population = "E"
amp = 0.4
delay = 5.0
dur = 30.0

[[probe]]
name = "LFP"
contacts = [[60.0, 0.0, 0.0], [60.0, 0.0, 200.0]]
sigma = 0.3

[[probe]]
name = "slice"
contacts = [[60.0, 0.0, 0.0]]
sigma = 0.25

[record]
vmem = "soma"
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that ran here, and its circuit that bmtk ran."""
    bmtk = pytest.importorskip("bmtk")
    mods = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles"
    folder = tmp_path_factory.mktemp("export")
    (folder / "model.toml").write_text(MODEL)

    def run(*arguments: object) -> tuple[str, str]:
        command = [sys.executable, "-m", "lfpcli", *map(str, arguments)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    run("sim", "model.toml", "-o", "run.h5", "--save-network", "net.h5")
    _, said = run("convert", "model.toml", "circuit", "--to", "sonata")
    assert "the probe 'slice'" in said
    assert "vecevent.mod" in said
    # synapses and clamps are written down, though the cells have them
    assert "point process" not in said
    run("convert", "net.h5", "saved", "--to", "sonata")
    library = run("mechs", mods / "vecevent.mod")[0].split()[-1]
    done = subprocess.run(
        [sys.executable, "-c", program(circuits.bmtk, "config.json", library)],
        cwd=folder / "circuit",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "NEURON_MODULE_OPTIONS": "-nogui"},
    )
    assert (folder / "circuit" / "output" / "spikes.h5").exists(), done.stderr + done.stdout
    return folder


def test_spikes_of_bmtk_are_the_same(ran):
    with (
        open_recording(ran / "run.h5") as ours,
        h5py.File(ran / "circuit" / "output" / "spikes.h5") as theirs,
    ):
        times, gids = ours.spikes("E")
        group = theirs["spikes/E"]
        expected = sorted(zip(gids.tolist(), times.round(4).tolist(), strict=True))
        got = zip(group["node_ids"][:].tolist(), group["timestamps"][:].tolist(), strict=True)
        assert len(expected) > 5
        assert sorted((int(node), round(time, 4)) for node, time in got) == expected


def test_potentials_of_bmtk_are_the_same(ran):
    with (
        open_recording(ran / "run.h5") as ours,
        h5py.File(ran / "circuit" / "output" / "v_E.h5") as voltages,
        h5py.File(ran / "circuit" / "output" / "LFP.h5") as potentials,
    ):
        report = ours.report("vmem", "E")
        theirs = voltages["report/E/data"][:]
        order = np.argsort(voltages["report/E/mapping/node_ids"][:])
        np.testing.assert_allclose(theirs[:, order], report.data[1:], rtol=0, atol=1e-3)
        expected = ours.signal("LFP").data[1:]
        peak = np.abs(expected).max()
        np.testing.assert_allclose(potentials["ecp/data"][:], expected, rtol=0, atol=1e-4 * peak)


def test_a_saved_network_is_the_same_circuit(ran):
    files = sorted(p.relative_to(ran / "saved") for p in (ran / "saved").rglob("*") if p.is_file())
    assert Path("config.json") in files
    for file in files:
        assert (ran / "saved" / file).read_bytes() == (ran / "circuit" / file).read_bytes(), file


def test_a_saved_network_moves_with_its_files(shell, tmp_path):
    first = tmp_path / "first"
    for name in ("models", "cells", "nets"):
        (first / name).mkdir(parents=True)
    (first / "cells" / "stick.swc").write_text("1 1 0 0 0 8 -1\n2 3 0 0 8 1 1\n3 3 0 0 99 1 2\n")
    model = """
        run = {tstop = 1.0}
        cell.stick.morphology = "../cells/stick.swc"
        population.E = {cell = "stick", size = 2}
    """
    (first / "models" / "model.toml").write_text(model)
    network = first / "nets" / "net.h5"
    # the folder is seen from the file, wherever the command runs
    shell("sim", first / "models" / "model.toml", "-o", first / "o.h5", "--save-network", network)
    first.rename(tmp_path / "second")
    network = tmp_path / "second" / "nets" / "net.h5"
    shell("convert", network, tmp_path / "circuit", "--to", "sonata", "--force")
    template = next((tmp_path / "circuit").rglob("*.hoc")).read_text()
    assert "99" in template
    (tmp_path / "second" / "cells").rename(tmp_path / "elsewhere")
    said = shell("convert", network, tmp_path / "again", "--to", "sonata", code=3)
    assert "stick.swc" in said.err


def test_what_we_read_is_what_we_wrote(ran, shell):
    tree = json.loads((ran / "saved" / "config.json").read_text())
    tree["run"]["tstop"] = 20.0
    (ran / "saved" / "short.json").write_text(json.dumps(tree))
    shell("sim", ran / "saved" / "short.json", "-o", ran / "again.h5", "--seed", 1)
    with open_recording(ran / "run.h5") as first, open_recording(ran / "again.h5") as again:
        times, _ = first.spikes("E")
        assert again.spikes("E")[0].round(3).tolist() == times[times <= 20.0].round(3).tolist()


def test_angles_make_the_rotation(ran):
    rng = np.random.default_rng(2)
    for axes in (rng.normal(size=(3, 3)), np.eye(3), np.eye(3)[[2, 1, 0]]):
        rotation, _ = np.linalg.qr(axes)
        rotation *= np.sign(np.linalg.det(rotation))
        x, y, z = euler_angles_zyx(rotation)
        turns = []
        for axis, angle in enumerate((x, y, z)):
            turn = np.eye(3)
            first, second = ((1, 2), (2, 0), (0, 1))[axis]
            turn[first, first] = turn[second, second] = np.cos(angle)
            turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
            turns.append(turn)
        np.testing.assert_allclose(turns[0] @ turns[1] @ turns[2], rotation, atol=1e-12)


def test_models_are_no_recordings(lfp, tmp_path):
    (tmp_path / "model.toml").write_text(MODEL)
    said = lfp("convert", tmp_path / "model.toml", tmp_path / "x.h5", code=2)
    assert "lfp sim" in said.err
    said = lfp("convert", tmp_path / "model.toml", tmp_path / "x.npz", code=2)
    assert "--to sonata" in said.err


def frozen_globals(results):
    from lfpcli.runtime.hoc.frozen import freeze
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    section = h.Section(name="soma")
    section.insert("hh")
    h.usetable_hh = 0
    frozen = freeze("Cell_0", [section], ["soma[0]"])
    h.usetable_hh = 1
    h(frozen.text)
    results["before"] = h.usetable_hh
    cell = h.Cell_0()
    results["cell"] = int(cell.soma[0].nseg)
    results["after"] = h.usetable_hh


def test_global_variables_of_mechanisms_go_along(neuron_process):
    results = neuron_process(frozen_globals)
    assert (results["before"], results["cell"], results["after"]) == (1, 1, 0)
