"""What drives a circuit besides spikes and clamps, and reports of synapses: against bmtk."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from circuits import SWC, configuration, run_bmtk, write_circuit
from test_circuit_gaps import run

WAVE = "time amplitude\n0.0 0.0\n5.0 0.0\n5.5 0.004\n20.0 -0.003\n40.0 0.002\n41.0 0.0\n"
ELECTRODES = """\
ip electrode_mesh_file pos_x pos_y pos_z rotation_x rotation_y rotation_z
0 mesh.csv 100.0 150.0 20.0 0.3 0.2 1.0
1 mesh.csv -150.0 40.0 60.0 0.0 0.0 0.0
"""
MESH = "x_pos y_pos z_pos\n0.0 0.0 0.0\n10.0 0.0 4.0\n-10.0 5.0 0.0\n"


def write_field(path: Path, times: bool = False) -> None:
    """Potentials of a mesh as COMSOL exports them, in V or mV."""
    rng = np.random.default_rng(3)
    points = rng.uniform(-600, 600, (400, 3))
    values = 0.02 * points[:, :1] + 1e-5 * points[:, 1:2] * points[:, 2:]
    name, unit = "V (mV)", 1.0
    if times:
        values, unit = values * np.array([[1.0, -2.0, 0.5]]), 1e-3
        name = "  ".join(f"V (V) @ t={t}" for t in (0, 0.004, 0.011)).replace("  V", "        V")
    lines = [
        "% Model:              a.mph",
        "% Version:            COMSOL 6.0.0.318",
        "% Date:               Mar 5 2023, 19:35",
        "% Dimension:          3",
        "% Nodes:              400",
        "% Expressions:        1",
        "% Description:        Electric potential",
        "% Length unit:        µm",
        f"% x                       y                        z                        {name}",
    ]
    lines += [
        "        ".join(repr(float(x)) for x in row) for row in np.hstack([points, unit * values])
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def xstim(tree: dict[str, Any]) -> None:
    tree["inputs"]["field"] = {
        "input_type": "lfp",
        "module": "xstim",
        "node_set": "all",
        "positions_file": "$BASE_DIR/electrodes.csv",
        "mesh_files_dir": "$BASE_DIR",
        "resistance": 250.0,
        "waveform": "$BASE_DIR/wave.csv",
    }


def sine(tree: dict[str, Any]) -> None:
    xstim(tree)
    record_field(tree)
    shape = {"shape": "sin", "del": 7.0, "amp": 0.003, "dur": 30.0, "freq": 60.0}
    tree["inputs"]["field"]["waveform"] = shape


def record_field(tree: dict[str, Any]) -> None:
    for name in ("e_extracellular", "i_membrane"):
        tree["reports"][name] = {
            "cells": [0, 1, 2],
            "variable_name": name,
            "module": "membrane_report",
            "sections": "all",
        }


def comsol(tree: dict[str, Any]) -> None:
    record_field(tree)
    tree["inputs"]["field"] = {
        "input_type": "lfp",
        "module": "comsol",
        "node_set": "all",
        "comsol_files": ["$BASE_DIR/field.txt", "$BASE_DIR/field.txt"],
        "waveforms": ["$BASE_DIR/wave.csv", "$BASE_DIR/wave.csv"],
        "amplitudes": [200.0, 500.0],
    }


def comsol_in_time(tree: dict[str, Any]) -> None:
    record_field(tree)
    tree["inputs"]["field"] = {
        "input_type": "lfp",
        "module": "comsol",
        "node_set": "all",
        "comsol_files": "$BASE_DIR/field_in_time.txt",
        "amplitudes": 2.0,
    }


def replay(tree: dict[str, Any]) -> None:
    tree["inputs"]["again"] = {
        "input_type": "replay_spikes",
        "module": "replay",
        "spikes_file": "$BASE_DIR/earlier.h5",
        "source_node_set": [0, 1],
        "target_node_set": [1, 2],
        "edges": {
            "edges_file": "$BASE_DIR/v1_v1_edges.h5",
            "edge_types_file": "$BASE_DIR/edge_types.csv",
        },
    }
    tree["reports"]["conductances"] = {
        "cells": [0, 1, 2],
        "variable_name": "g",
        "module": "netcon_report",
        "sections": "all",
        "syn_type": "Exp2Syn",
    }


def voltage_clamp(tree: dict[str, Any]) -> None:
    tree["inputs"]["hold"] = {
        "input_type": "voltage_clamp",
        "module": "SEClamp",
        "node_set": {"population": "v1", "node_id": [1]},
        "amp": -62.0,
        "delay": 0.0,
        "duration": 25.0,
        "resistance": 1.0,
    }


CASES = (xstim, sine, comsol, comsol_in_time, replay, voltage_clamp)


def write_case(folder: Path, change: Any) -> None:
    """A circuit with one more input."""
    config = write_circuit(folder)
    # a dendrite that bends, within a segment
    (folder / "components/cell.swc").write_text(SWC + "12 3 150 180 60 0.5 6\n")
    (folder / "electrodes.csv").write_text(ELECTRODES)
    (folder / "mesh.csv").write_text(MESH)
    (folder / "wave.csv").write_text(WAVE)
    write_field(folder / "field.txt")
    write_field(folder / "field_in_time.txt", times=True)
    with h5py.File(folder / "earlier.h5", "w") as file:
        group = file.create_group("spikes/v1")
        group["timestamps"] = [4.03, 9.02, 15.01, 31.04]
        group["timestamps"].attrs["units"] = "ms"
        group["node_ids"] = np.array([0, 1, 2, 0], np.uint64)
    if change is comsol:
        with h5py.File(folder / "v1_nodes.h5", "r+") as file:
            nodes = file["nodes/v1/0"]
            nodes["positions"] = np.column_stack([nodes[axis] for axis in "xyz"])
            for axis in "xyz":
                del nodes[axis]
    tree = configuration()
    change(tree)
    tree["reports"]["v"] = {**tree["reports"]["v"], "sections": "all"}
    config.write_text(json.dumps(tree))


@pytest.mark.parametrize("change", CASES, ids=[case.__name__ for case in CASES])
def test_bmtk_gives_the_same(shell, tmp_path, change):
    bmtk = pytest.importorskip("bmtk")
    mods = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles"
    library = shell("mechs", mods / "vecevent.mod").out.split()[-1]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_case(ours, change)
    shutil.copytree(ours, theirs)
    run(ours, "out.h5")
    run_bmtk(theirs, library)
    names = ["v", "conductances"] if change is replay else ["v"]
    for name in names:
        with (
            h5py.File(theirs / "output" / f"{name}.h5") as expected,
            h5py.File(ours / "output" / f"{name}.h5") as file,
        ):
            values = expected["report/v1/data"][:]
            np.testing.assert_allclose(file["report/v1/data"][:], values, rtol=0, atol=1e-6)
            if name == "conductances":
                assert values.max() > 1e-3
                for key in ("src_ids", "trg_ids"):
                    assert file[f"report/v1/mapping/{key}"].shape == values.shape[1:]
