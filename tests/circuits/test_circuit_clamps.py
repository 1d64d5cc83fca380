"""Reports of clamps against bmtk, and point processes that circuits have no module for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from sources import program

sys.path.insert(0, str(Path(__file__).parent))

from circuits import configuration, write_circuit
from test_circuit_gaps import run

from lfpcli.io.recording import open_recording
from lfpcli.tasks.circuits.inputs import unknown_input

STEPS = {"amps": [-70.0, -62.0, -75.0], "durations": [2.0, 3.0, 2.0]}


def alone(folder: Path, inputs: dict[str, Any]) -> Path:
    """A circuit without synapses that is driven by these inputs, with reports of its clamps."""
    config = write_circuit(folder)
    tree = configuration()
    tree["run"]["tstop"] = 8.0
    tree["networks"]["edges"] = []
    tree["inputs"] = inputs
    tree["reports"] = {"v": tree["reports"]["v"]}
    for name in ("se", "ic"):
        tree["reports"][f"{name}_currents"] = {
            "cells": "all",
            "variable_name": name,
            "module": "clamp_report",
        }
    config.write_text(json.dumps(tree))
    return config


def bmtk_with_clamps(amps: list[float], durations: list[float]) -> None:
    """Run a circuit with a current clamp and a voltage clamp; the process ends here."""
    import os
    import sys
    from types import SimpleNamespace

    from bmtk.simulator import bionet
    from neuron import h

    configuration = bionet.Config.from_json("config.json", validate=False)
    configuration.build_env()
    network = bionet.BioNetwork.from_config(configuration)
    simulator = bionet.BioSimulator.from_config(configuration, network=network)
    # reports are of the clamps that a script attaches, no longer of those of a configuration
    simulator.attach_se_voltage_clamp([amps], [durations], [2], [1.0])
    electrode = h.IClamp(network.get_cell_gid(0).hobj.soma[0](0.5))
    electrode.amp, electrode.delay, electrode.dur = 1.2, 2.0, 4.0
    simulator._iclamps.append(SimpleNamespace(_stim=electrode))
    simulator.run()
    sys.stdout.flush()
    os._exit(0)


def test_bmtk_reports_the_same_currents(tmp_path: Path) -> None:
    pytest.importorskip("bmtk")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    alone(theirs, {})
    inputs = {
        "hold": {"input_type": "voltage_clamp", "module": "SEClamp", "node_set": [2], "rs": 1.0},
        "push": {
            "input_type": "current_clamp",
            "module": "IClamp",
            "node_set": [0],
            "amp": 1.2,
            "delay": 2.0,
            "duration": 4.0,
        },
    }
    inputs["hold"] |= STEPS
    alone(ours, inputs)
    run(ours, "out.h5")
    subprocess.run(
        [sys.executable, "-c", program(bmtk_with_clamps, STEPS["amps"], STEPS["durations"])],
        cwd=theirs,
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, "NEURON_MODULE_OPTIONS": "-nogui"},
    )
    for name, node_id in (("se", 2), ("ic", 0)):
        with (
            h5py.File(theirs / "output" / f"{name}_currents.h5") as expected,
            h5py.File(ours / "output" / f"{name}_currents.h5") as file,
        ):
            values = expected["data"][:]
            assert values.shape == (80, 1)
            assert np.ptp(values) > 1.0
            np.testing.assert_allclose(file["data"][:], values, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(file["report/v1/data"][:], file["data"][:])
            assert file["report/v1/mapping/node_ids"][:].tolist() == [node_id]


@pytest.mark.parametrize("module", ["GClamp", "VClamp", "OUClamp", "syn_activity", "function"])
def test_other_point_processes_are_no_modules(module: str) -> None:
    error = unknown_input({"input_type": "current_clamp", "module": module}, "inputs.push")
    assert error is not None
    assert f"input_type 'current_clamp' with module '{module}' is not simulated" in str(error)


def test_an_input_without_a_module_is_refused_before_the_run(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    entry = {"input_type": "current_clamp", "module": "GClamp", "node_set": [0], "g": 0.01}
    config = alone(tmp_path / "c", {"push": entry})
    wrong = shell("sim", config, "-o", tmp_path / "o.h5", code=3)
    assert "module 'GClamp' is not simulated" in wrong.err and "inputs.push" in wrong.err
    assert wrong.err.count("error:") == 1
    assert not (tmp_path / "o.h5").exists()


OWN_STIMULI = """
[circuit]
config = "c/config.json"
[run]
tstop = 5.0
dt = 0.1
celsius = 20.0
v_init = -75.0
[record]
vmem = "soma"
[[stimulus]]
population = "v1"
cells = [2]
type = "GClamp"
g = 0.002
e = -60.0
record = ["i"]
[[stimulus]]
population = "v1"
cells = [1]
type = "SineClamp"
amp = 0.1
freq = 100.0
record = ["i"]
"""


def test_a_model_file_puts_them_into_a_circuit(shell: Callable[..., Any], tmp_path: Path) -> None:
    alone(tmp_path / "c", {})
    (tmp_path / "m.toml").write_text(OWN_STIMULI)
    shell("sim", tmp_path / "m.toml", "-o", tmp_path / "o.h5")
    with open_recording(tmp_path / "o.h5") as recording:
        vmem = np.asarray(recording.report("vmem", "v1").data)
        conductance = recording.report("i_stimulus0", "v1")
        assert np.diff(conductance.pointers).tolist() == [0, 0, 1]
        current = np.asarray(conductance.data)[:, 0]
        assert np.diff(recording.report("i_stimulus1", "v1").pointers).tolist() == [0, 1, 0]
    # currents are those of the potential at the begin of a step, to within what it changes
    expected = np.abs(0.002 * (-60.0 - vmem[:, 2]))
    change = 0.002 * np.abs(np.diff(vmem[:, 2])).max()
    np.testing.assert_allclose(np.abs(current), expected, rtol=0, atol=1.01 * change)
    assert change < 0.2 * expected.min()
