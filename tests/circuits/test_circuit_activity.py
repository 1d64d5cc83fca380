"""Synapses between cells that act of themselves (syn_activity)."""

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
from lfpcli.tasks.circuits.activity import synapse_activity
from lfpcli.tasks.circuits.circuit import read_circuit

ENTRY = {
    "input_type": "syn_activity",
    "module": "syn_activity",
    "precell_filter": {"node_id": [0]},
    "postcell_filter": {"ei": "e"},
    "timestamps": [12.0, 4.0],
}


def written(folder: Path, inputs: dict[str, Any]) -> Path:
    config = write_circuit(folder)
    tree = configuration()
    tree["inputs"] = inputs
    tree["run"]["tstop"] = 20.0
    tree["reports"] = {}
    config.write_text(json.dumps(tree))
    return config


def test_synapses_act_as_where_their_cells_had_spiked(
    tmp_path: Path, shell: Callable[..., Any]
) -> None:
    config = written(tmp_path / "own", {"activity": ENTRY})
    shell("sim", config, "-o", tmp_path / "own.h5", "--set", 'record.vmem="soma"')
    replay = {
        "input_type": "replay_spikes",
        "module": "replay",
        "spikes_file": "spikes.h5",
        "source_node_set": [0],
        "target_node_set": [1],
        "edges": {"edges_file": "v1_v1_edges.h5", "edge_types_file": "edge_types.csv"},
    }
    config = written(tmp_path / "replayed", {"replay": replay})
    tree = json.loads(config.read_text())
    del tree["networks"]["edges"]
    config.write_text(json.dumps(tree))
    with h5py.File(config.with_name("spikes.h5"), "w") as file:
        file["spikes/v1/timestamps"] = [4.0, 12.0]
        file["spikes/v1/node_ids"] = [0, 0]
    shell("sim", config, "-o", tmp_path / "replayed.h5", "--set", 'record.vmem="soma"')
    with (
        open_recording(tmp_path / "own.h5") as own,
        open_recording(tmp_path / "replayed.h5") as replayed,
    ):
        vmem = own.report("vmem", "v1").data[:]
        np.testing.assert_array_equal(vmem, replayed.report("vmem", "v1").data[:])
        # it is cell 1 alone that the edges of cell 0 lead to, beside a point neuron
        assert vmem[:, 1].max() > vmem[:, 0].max() + 1.0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"timestamps": "soon"}, "timestamps are 'soon'"),
        ({"timestamps": [1.0, float("inf")]}, "timestamps are"),
        ({"precell_filter": {"ei": "x"}}, "chooses no cells .*precell_filter"),
        ({"postcell_filter": {"layer": 4}}, "no attribute 'layer' .*postcell_filter"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    circuit = read_circuit(write_circuit(tmp_path / "c"))
    with pytest.raises(InputError, match=text):
        synapse_activity(circuit, {**ENTRY, **change}, "inputs.activity")


def test_cells_have_to_be_chosen_and_once(tmp_path: Path, lfp: Callable[..., Any]) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != "precell_filter"}
    config = written(tmp_path / "c", {"activity": entry})
    with pytest.raises(InputError, match="names no precell_filter"):
        synapse_activity(read_circuit(config), entry, "inputs.activity")
    facts = json.loads(lfp("info", written(tmp_path / "d", {"activity": ENTRY}), "--json").out)
    assert facts["refused"] == [] and facts["inputs"][0]["module"] == "syn_activity"
