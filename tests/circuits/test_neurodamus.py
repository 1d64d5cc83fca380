"""Circuits in the dialect of neurodamus, against plain NEURON and on several ranks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording
from lfpcli.io.sonata.config import read_config
from lfpcli.io.sonata.nodes import read_populations

sys.path.insert(0, str(Path(__file__).parent))

from neurodamus_circuit import (
    SEGMENTS,
    plain_neuron,
    simulation_tree,
    weights,
    write_neurodamus,
)

DYNAMICS = "biophysical_neuron_models_dir"


def run_lfp(folder: Path, *arguments: str, launcher: tuple[str, ...] = ()) -> str:
    command = (*launcher, sys.executable, "-m", "lfpcli", "sim", "simulation_config.json")
    done = subprocess.run(
        (*command, *arguments), cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a circuit that was run."""
    folder = tmp_path_factory.mktemp("neurodamus")
    write_neurodamus(folder)
    words = run_lfp(folder, "-o", "out.h5", "--set", 'run.engine="neuron"')
    # of the axon two sections are left, and the stubs have their numbers
    assert "A__B__chemical: 1 synapses on axons that templates cut off are left out" in words
    return folder


def test_run_equals_a_script_of_neuron(
    ran: Path, shell: Any, neuron_process: Callable[..., dict[str, np.ndarray]]
) -> None:
    library = shell("mechs", ran / "mod").out.split()[-1]
    theirs = neuron_process(plain_neuron, folder=str(ran), library=library)
    with open_recording(ran / "out.h5") as recording:
        potentials = []
        for name in ("A", "B"):
            report = recording.report("vmem", name)
            # of the reports none is of potentials elsewhere
            assert report.data.shape[1] == len(report.node_ids)
            potentials.append(report.data[()])
        spikes = {name: recording.spikes(name) for name in ("A", "B")}
    ours = np.concatenate(potentials, axis=1)
    assert np.abs(ours - theirs["v"]).max() < 1e-6
    times = np.concatenate([spikes["A"][0], spikes["B"][0]])
    gids = np.concatenate([spikes["A"][1], spikes["B"][1] - 3 + 1000])
    order, other = np.lexsort((gids, times)), np.lexsort((theirs["gids"], theirs["times"]))
    assert len(spikes["A"][0]) == 3
    np.testing.assert_array_equal(gids[order], theirs["gids"][other])
    np.testing.assert_allclose(times[order], theirs["times"][other], atol=1e-9)


def test_files_are_those_that_the_configuration_names(ran: Path) -> None:
    libsonata = pytest.importorskip("libsonata")
    reader = libsonata.ElementReportReader(str(ran / "output/currents.h5"))["A"]
    assert reader.times == (1.0, 20.0, 0.5)
    assert reader.get_node_ids() == [0, 1, 2]
    frames = reader.get(node_ids=[1])
    elements = np.array(frames.ids)[:, 1]
    # soma, basal and apical dendrites, and the stubs behind under the numbers of the first axons
    assert list(dict.fromkeys(elements.tolist())) == [0, 4, 5, 6, 1, 2]
    currents = np.asarray(frames.data)
    assert currents.shape == (38, len(elements))
    # the ramp counts as a membrane current, the electrode that holds the cell does not
    with h5py.File(ran / "output/soma.h5") as file:
        assert file["report/A/data"].shape == (38, 3)
        assert file["report/B/mapping/element_ids"][()].tolist() == [0, 0]
    with h5py.File(ran / "output/whole.h5") as file:
        assert file["report/A/mapping/element_ids"][()].tolist() == [0, 0, 0]
        electrode = file["report/A/data"][()]
    # nothing holds the second cell
    np.testing.assert_allclose(electrode, [[-0.02, 0.0, 0.02]] * 38, atol=1e-6)
    with h5py.File(ran / "output/potentials.h5") as file:
        assert file["report/A/mapping/element_ids"][()].tolist() == [0, 1, 0, 1, 0, 1]
        measured = file["report/A/data"][:, 2:4]
    expected = currents @ weights()[SEGMENTS : 2 * SEGMENTS]
    np.testing.assert_allclose(measured, expected, rtol=1e-5, atol=1e-8)
    spikes = libsonata.SpikeReader(str(ran / "output/spikes.h5"))
    assert sorted(spikes.get_population_names()) == ["A", "B"]
    assert len(spikes["A"].get()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_give_the_same_bits(ran: Path, ranks: int, tmp_path: Path) -> None:
    mpirun = shutil.which("mpirun")
    if mpirun is None:
        pytest.skip("no mpirun")
    shutil.copytree(ran, tmp_path / "circuit", ignore=shutil.ignore_patterns("output", "*.out"))
    folder = tmp_path / "circuit"
    launcher = (mpirun, "-n", str(ranks), "--oversubscribe")
    run_lfp(folder, "-o", "ranks.h5", "--set", 'run.engine="neuron"', launcher=launcher)
    compared = [sys.executable, "-m", "lfpcli", "diff", "--exact", "out.h5", "ranks.h5"]
    done = subprocess.run(compared, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SECLAMP = {
    "module": "seclamp",
    "input_type": "voltage_clamp",
    "node_set": "A",
    "delay": 0.0,
    "duration": 5.0,
    "voltage": -60.0,
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "modoverride": (
        {"connection_overrides": [{"source": "A", "target": "B", "modoverride": "GluSynapse"}]},
        "modoverride is not run ('GluSynapse')",
    ),
    "module": (
        {"inputs": {"field": {"module": "spatially_uniform_e_field", "node_set": "A"}}},
        "module 'spatially_uniform_e_field' is not run",
    ),
    "key": (
        {"inputs": {"clamp": {**SECLAMP, "duration_levels": [1.0, 2.0]}}},
        "duration_levels is not run",
    ),
    "compartments": (
        {"inputs": {"clamp": {**SECLAMP, "compartment_set": "tufts"}}},
        "key 'compartment_set' is not run",
    ),
    "neuromodulation": (
        {"connection_overrides": [{"source": "A", "target": "B", "neuromodulation_strength": 0.3}]},
        "neuromodulation_strength is not run",
    ),
    "code": (
        {
            "connection_overrides": [
                {"source": "A", "target": "B", "synapse_configure": "%s.Use = sin(3)"}
            ]
        },
        "synapse_configure '%s.Use = sin(3)' is no assignment of a number",
    ),
    "condition": ({"conditions": {"modifications": [{"type": "ttx"}]}}, "'modifications'"),
    "report": (
        {"reports": {"synapses": {"type": "synapse", "variable_name": "g"}}},
        "reports of the type 'synapse' are not written",
    ),
    "node set": ({"node_set": "Others"}, "no node set 'Others'"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_not_run_is_refused_by_name(lfp: Any, tmp_path: Path, case: str) -> None:
    config = write_neurodamus(tmp_path / "circuit")
    changed, words = REFUSED[case]
    config.write_text(json.dumps({**simulation_tree(), **changed}))
    result = lfp("info", config, "--json")
    refused = json.loads(result.out)["refused"]
    assert any(words in sentence for sentence in refused), refused


def test_populations_have_the_folders_of_all_where_they_name_none(tmp_path: Path) -> None:
    write_neurodamus(tmp_path)
    path = tmp_path / "circuit_config.json"
    tree = json.loads(path.read_text())
    told = tree["networks"]["nodes"][0]["populations"]
    folders = {name: told["A"].pop(name) for name in ("morphologies_dir", DYNAMICS)}
    tree["components"] = {**folders, "alternate_morphologies": {"neurolucida-asc": "asc"}}
    told["B"][DYNAMICS] = "own"
    path.write_text(json.dumps(tree))
    populations = read_populations(read_config(path).nodes)
    assert populations["A"].folders == {
        "morphologies_dir": tmp_path / "swc",
        DYNAMICS: tmp_path / "hoc",
        "neurolucida-asc": tmp_path / "asc",
    }
    assert populations["B"].folders[DYNAMICS] == tmp_path / "own"
