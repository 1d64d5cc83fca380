"""Circuits run from the shell, against bmtk, and on several ranks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from sources import program

from lfpcli.io.recording import open_recording

sys.path.insert(0, str(Path(__file__).parent))

from circuits import configuration, run_bmtk, write_circuit


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a circuit that was run."""
    folder = tmp_path_factory.mktemp("circuit")
    write_circuit(folder)
    run_lfp(folder)
    return folder


def run_lfp(folder: Path, *arguments: str, launcher: tuple[str, ...] = ()) -> str:
    command = (*launcher, sys.executable, "-m", "lfpcli", "sim", "config.json", "--seed", "1")
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    done = subprocess.run(
        [*command, "-o", "out.h5", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_outputs_are_those_that_the_configuration_names(ran):
    names = {path.name for path in (ran / "output").iterdir()}
    assert names == {"spikes.h5", "spikes.csv", "v.h5", "ecp.h5"}
    with open_recording(ran / "out.h5") as recording:
        assert recording.populations == ["v1"]
        assert recording.report("vmem", "v1").data.shape == (601, 3)
        assert recording.signals == ["ecp"]
        times, gids = recording.spikes("v1")
        assert set(gids.tolist()) <= {0, 1, 2, 3}
        assert 3 in gids
        trains, _ = recording.spikes("lgn")
        assert trains.tolist() == [3.02, 11.05, 12.47, 20.01, 33.35]
    with h5py.File(ran / "output" / "spikes.h5") as file:
        assert np.array_equal(file["spikes/v1/timestamps"][:], times)
    lines = (ran / "output" / "spikes.csv").read_text().splitlines()
    assert lines[0] == "timestamps population node_ids"
    assert len(lines) == 1 + len(times)


def test_bmtk_gives_the_same(ran, shell, tmp_path):
    bmtk = pytest.importorskip("bmtk")
    mods = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles"
    # what bmtk plays spike trains with
    library = shell("mechs", mods / "vecevent.mod").out.split()[-1]
    folder = tmp_path / "bmtk"
    shutil.copytree(ran, folder)
    tree = configuration()
    tree["output"]["output_dir"] = "$BASE_DIR/theirs"
    (folder / "config.json").write_text(json.dumps(tree))
    run_bmtk(folder, library)
    with (
        h5py.File(folder / "theirs" / "v.h5") as theirs,
        h5py.File(ran / "output" / "v.h5") as ours,
    ):
        expected = theirs["report/v1/data"][:]
        np.testing.assert_allclose(ours["report/v1/data"][:], expected, rtol=0, atol=1e-6)
        assert ours["report/v1/mapping/node_ids"][:].tolist() == [0, 1, 2]
    with (
        h5py.File(folder / "theirs" / "ecp.h5") as theirs,
        h5py.File(ran / "output" / "ecp.h5") as ours,
    ):
        expected = theirs["ecp/data"][:]
        peak = np.abs(expected).max()
        np.testing.assert_allclose(ours["ecp/data"][:], expected, rtol=0, atol=1e-6 * peak)
    with (
        h5py.File(folder / "theirs" / "spikes.h5") as theirs,
        h5py.File(ran / "output" / "spikes.h5") as ours,
    ):
        spikes = []
        for file in (theirs, ours):
            group = file["spikes/v1"]
            pairs = zip(group["node_ids"][:].tolist(), group["timestamps"][:].tolist(), strict=True)
            spikes.append(sorted((node, round(time, 6)) for node, time in pairs))
        assert spikes[0] == spikes[1]
        assert len(spikes[0]) > 4


def test_ranks_give_the_same_bits(ran, shell, tmp_path):
    mpirun = shutil.which("mpirun")
    if mpirun is None:
        pytest.skip("no mpirun")
    folder = tmp_path / "ranks"
    shutil.copytree(ran, folder)
    run_lfp(folder, "--force", launcher=(mpirun, "-n", "2", "--oversubscribe"))
    assert shell("diff", "--exact", ran / "out.h5", folder / "out.h5").code == 0


def test_a_run_may_end_while_a_point_neuron_is_held(ran, tmp_path):
    with open_recording(ran / "out.h5") as recording:
        times, gids = recording.spikes("v1")
    last = times[gids == 3][-1]
    folder = tmp_path / "held"
    shutil.copytree(ran, folder)
    # it is held for 3 ms
    end = round(last + 1.0, 1)
    told = run_lfp(folder, "--force", "--set", 'run.engine="coreneuron"', "--tstop", f"{end:g}")
    assert "engine coreneuron" in told
    with open_recording(folder / "out.h5") as recording:
        early, early_gids = recording.spikes("v1")
    np.testing.assert_array_equal(early, times[times <= end])
    np.testing.assert_array_equal(early_gids, gids[times <= end])


def test_a_model_names_the_circuit_and_measures_itself(ran, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(ran, folder)
    (folder / "model.toml").write_text(
        '[circuit]\nconfig = "config.json"\n[run]\ntstop = 5.0\ndt = 0.1\ncelsius = 20.0\n'
        'v_init = -75.0\n[[probe]]\nname = "own"\ncontacts = [[20.0, 0.0, 0.0]]\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "lfpcli", "sim", "model.toml", "-o", "own.h5"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with open_recording(folder / "own.h5") as recording:
        assert recording.signals == ["own"]
        assert recording.signal("own").data.shape == (51, 1)


def broken(tmp_path: Path, change) -> Path:
    config = write_circuit(tmp_path / "circuit")
    tree = configuration()
    change(tree, config.parent)
    config.write_text(json.dumps(tree))
    return config


def replaced(name: str, old: str, new: str):
    def change(tree, folder):
        path = folder / name
        path.write_text(path.read_text().replace(old, new))

    return change


def with_key(*keys: str, value):
    def change(tree, folder):
        node = tree
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (with_key("components", "morphologies_dir", value="$NOWHERE"), "'$NOWHERE' is not in"),
        (replaced("v1_node_types.csv", "ctdb:Biophys1.hoc", "python:make"), "'python:make' is not"),
        (replaced("v1_node_types.csv", "aibs_perisomatic", "my_axon"), "'my_axon' is not known"),
        (replaced("edge_types.csv", "wmax", "my_weight"), "weight_function 'my_weight'"),
        (replaced("v1_node_types.csv", "fit.json", "lost.json"), "lost.json is not there"),
        (replaced("edge_types.csv", "'somatic'", "'spine'"), "target_sections are"),
        (with_key("inputs", "lgn", "module", value="function"), "module 'function'"),
        (with_key("inputs", "lgn", "node_set", value="lgm"), "no node set 'lgm'"),
        (replaced("edge_types.csv", "exc.json", "fit.json"), "lacks 'tau1'"),
        (replaced("contacts.csv", "x_pos", "x"), "without x_pos"),
        (with_key("run", "dL", value="long"), "dL is 'long'"),
    ],
)
def test_what_is_not_there_is_refused_by_name(shell, tmp_path, change, text):
    config = broken(tmp_path, change)
    wrong = shell("sim", config, "-o", tmp_path / "o.h5", code=3)
    assert text in wrong.err
    assert wrong.err.count("error:") == 1
    assert not (tmp_path / "o.h5").exists()


def test_tables_beside_a_circuit_are_refused(shell, tmp_path):
    write_circuit(tmp_path / "c")
    model = tmp_path / "m.toml"
    model.write_text(
        '[circuit]\nconfig = "c/config.json"\n[cell.a]\nmorphology = "c/components/cell.swc"\n'
    )
    assert "[cell] does not go with [circuit]" in shell("sim", model, "-o", "-", code=3).err


OWN_TABLES = """
[circuit]
config = "c/config.json"
[run]
tstop = 60.0
dt = 0.1
celsius = 20.0
v_init = -75.0
[[stimulus]]
population = "v1"
cells = [1]
type = "IClamp"
delay = 5.0
dur = 40.0
amp = 1.2
record = ["i"]
[[input]]
population = "v1"
cells = [2]
synapse = {type = "Exp2Syn"}
weight = 0.0
location = "soma"
source = {times = [10.0]}
record = ["g"]
"""


def test_own_inputs_act_beside_those_of_a_circuit(ran, shell, tmp_path):
    config = write_circuit(tmp_path / "c")
    tree = configuration()
    tree["inputs"]["clamp"]["node_set"] = [0]
    config.write_text(json.dumps(tree))
    model = tmp_path / "m.toml"
    model.write_text(OWN_TABLES)
    shell("sim", model, "-o", tmp_path / "o.h5", "--seed", "1")
    with open_recording(tmp_path / "o.h5") as own, open_recording(ran / "out.h5") as whole:
        vmem = own.report("vmem", "v1").data[:]
        np.testing.assert_array_equal(vmem, whole.report("vmem", "v1").data[:])
        current = own.report("i_stimulus0", "v1")
        assert np.diff(current.pointers).tolist() == [0, 1, 0]
        assert current.data[:].max() == 1.2
        assert np.diff(own.report("g_input0", "v1").pointers).tolist() == [0, 0, 1]


def test_own_inputs_name_populations_of_the_circuit(shell, tmp_path):
    write_circuit(tmp_path / "c")
    model = tmp_path / "m.toml"
    model.write_text(OWN_TABLES.replace('population = "v1"', 'population = "V1"', 1))
    wrong = shell("sim", model, "-o", tmp_path / "o.h5", code=3)
    assert "no population of cells 'V1' [" in wrong.err
    assert "did you mean 'v1'?" in wrong.err


def until_a_checkpoint() -> None:
    """Run a command that ends as by SIGTERM after its first checkpoint."""
    from lfpcli.cli.main import Terminated, console_main
    from lfpcli.tasks.simulate.checkpoint import Checkpoints

    write = Checkpoints.write

    def stop(self, *arguments):
        write(self, *arguments)
        raise Terminated

    Checkpoints.write = stop
    console_main()


@pytest.mark.parametrize("every", ["21.3", pytest.param("37", marks=pytest.mark.slow)])
def test_a_circuit_goes_on_from_its_checkpoint(ran, shell, tmp_path, every):
    # its point neurons keep their potential and the time of their last event to themselves
    config = write_circuit(tmp_path / "c")
    out = tmp_path / "c/out.h5"
    run = ["sim", "config.json", "--seed", "1", "-o", "out.h5", "-q"]
    command = [sys.executable, "-c", program(until_a_checkpoint), *run, "--checkpoint", every]
    stopped = subprocess.run(command, cwd=config.parent, capture_output=True, check=False)
    assert stopped.returncode == 143, stopped.stderr.decode()
    assert not out.exists() and out.with_name("out.h5.checkpoint").exists()
    subprocess.run(
        [sys.executable, "-m", "lfpcli", *run, "--resume"], cwd=config.parent, check=True
    )
    shell("diff", "--exact", ran / "out.h5", out)
    assert not out.with_name("out.h5.checkpoint").exists()
