"""Currents of clamps from tables and from sweeps of NWB."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from circuits import configuration, write_circuit

from lfpcli.errors import InputError
from lfpcli.io.recording import open_recording
from lfpcli.io.sonata.currents import read_current_table, read_sweep

PLACE = {"module": "IClamp", "node_set": [0, 1]}
LISTS = {"input_type": "current_clamp", "amp": [0.6, 1.2], "delay": [5.0, 10.0]}
TABLE = "timestamps amps\n0.0 0.0\n5.0 0.6\n10.0 1.2\n15.0 1.2\n20.0 0.0\n"


def write_sweep(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("epochs/Sweep_6/stimulus/timeseries")
        # A, at 5 kHz
        group["data"] = np.repeat([0.0, 0.6e-9, 1.2e-9, 1.2e-9, 0.0], 25)
        group["starting_time"] = 0.0
        group["starting_time"].attrs["rate"] = 5000.0


def test_a_table_becomes_pulses_between_its_changes(tmp_path: Path) -> None:
    (tmp_path / "amps.csv").write_text(TABLE)
    current = read_current_table(tmp_path / "amps.csv")
    assert current.pulses() == [(0.6, 5.0, 5.0), (1.2, 10.0, 10.0)] and current.end == 20.0
    # a current that does not end with 0 holds for one interval more
    (tmp_path / "amps.csv").write_text("t,i\n1,0.5\n3,0.7\n")
    options = {"separator": ",", "times_column": "t", "amps_column": "i"}
    current = read_current_table(tmp_path / "amps.csv", **options)
    assert current.pulses() == [(0.5, 1.0, 2.0), (0.7, 3.0, 2.0)]


def test_a_sweep_is_thinned_and_cut(tmp_path: Path) -> None:
    write_sweep(tmp_path / "cell.nwb")
    whole = read_sweep(tmp_path / "cell.nwb", "6", delay=3.0)
    assert np.allclose(whole.pulses(), [(0.6, 8.0, 5.0), (1.2, 13.0, 10.0)])
    thinned = read_sweep(tmp_path / "cell.nwb", "Sweep_6", downsample=1.0, window=(7.0, 12.0))
    assert len(thinned.times) == 6
    assert np.allclose(thinned.pulses(), [(0.6, 7.0, 3.0), (1.2, 10.0, 3.0)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamps i\n0 1\n1 2\n", "has no column 'amps'"),
        ("timestamps amps\n0 1\n", "fewer than two rows"),
        ("timestamps amps\n0 1\nsoon 2\n", "is no table of currents"),
        ("timestamps amps\n0 1\n1 nan\n", "is not finite"),
        ("timestamps amps\n2 1\n1 1\n", "do not ascend"),
    ],
)
def test_tables_that_are_none_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "amps.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_current_table(tmp_path / "amps.csv")


def test_a_sweep_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_sweep(tmp_path / "cell.nwb")
    with pytest.raises(InputError, match="has no sweep 'Sweep_7'"):
        read_sweep(tmp_path / "cell.nwb", "7")
    with pytest.raises(InputError, match="no sample in the window"):
        read_sweep(tmp_path / "cell.nwb", "6", window=(90.0, 91.0))


def test_files_drive_cells_as_lists_do(shell: Callable[..., Any], tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    (tmp_path / "amps.csv").write_text(TABLE)
    write_sweep(tmp_path / "cell.nwb")
    inputs = {
        "lists": LISTS | {"duration": [5.0, 10.0]},
        "csv": {"input_type": "csv", "file": "$BASE_DIR/amps.csv"},
        "nwb": {"input_type": "nwb", "file": "$BASE_DIR/cell.nwb", "sweep_id": 6},
    }
    potentials = {}
    for name, entry in inputs.items():
        tree = configuration()
        tree["run"]["tstop"] = 25.0
        tree["inputs"]["clamp"] = PLACE | entry
        config.write_text(json.dumps(tree))
        shell("sim", config, "-o", tmp_path / f"{name}.h5", "--seed", "1", "--force")
        with open_recording(tmp_path / f"{name}.h5") as recording:
            potentials[name] = np.asarray(recording.report("vmem", "v1").data)
    assert np.ptp(potentials["lists"]) > 50
    assert np.array_equal(potentials["csv"], potentials["lists"])
    assert np.array_equal(potentials["nwb"], potentials["lists"])
