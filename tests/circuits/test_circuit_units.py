"""Spikes of recorded units that drive a circuit, and reports of clamps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.tasks.circuits.circuit import read_circuit
from lfpcli.tasks.circuits.drives import unit_spikes

sys.path.insert(0, str(Path(__file__).parent))

from circuits import write_circuit

TIMES = {4: [0.5, 1.25, 2.0], 7: [0.75], 9: [1.0, 1.5]}
"""Spikes of the units, s."""
MAP = "node_ids unit_ids\n0 7\n1 4\n2 9\n"


def write_units(path: Path) -> None:
    """A session with three units on two electrodes, and a table of stimuli."""
    with h5py.File(path, "w") as file:
        units = file.create_group("units")
        units["id"] = np.array(list(TIMES))
        units["spike_times"] = np.concatenate(list(TIMES.values()))
        units["spike_times_index"] = np.cumsum([len(times) for times in TIMES.values()])
        units["snr"] = [1.0, 3.0, 5.0]
        units["peak_channel_id"] = [11, 11, 12]
        electrodes = file.create_group("general/extracellular_ephys/electrodes")
        electrodes["id"] = [11, 12]
        electrodes["location"] = ["LGd", "VISp"]
        flashes = file.create_group("intervals/flashes_presentations")
        flashes["start_time"], flashes["stop_time"] = [0.0, 1.0], [0.9, 1.6]


def spikes(folder: Path, **entry: Any) -> dict[int, list[float]]:
    """Times (ms) of the spikes of each node of an input."""
    folder.mkdir(exist_ok=True)
    circuit = read_circuit(write_circuit(folder / "c"))
    write_units(folder / "units.nwb")
    (folder / "map.csv").write_text(MAP)
    whole = {"node_set": "lgn", "input_file": str(folder / "units.nwb"), **entry}
    (driven,) = unit_spikes(circuit, whole, "inputs.probe", np.random.default_rng(2))
    assert driven.population == "lgn"
    return {k: driven.times[driven.index == k].tolist() for k in range(3)}


def test_a_map_tells_the_unit_of_each_node(tmp_path: Path) -> None:
    drawn = spikes(tmp_path, mapping="units_map", units=str(tmp_path / "map.csv"))
    assert drawn == {0: [750.0], 1: [500.0, 1250.0, 2000.0], 2: [1000.0, 1500.0]}


def test_an_interval_begins_the_time(tmp_path: Path) -> None:
    named = {"interval_name": "flashes", "interval_index": 1}
    for name, interval in (("a", [1000.0, 1600.0]), ("b", named)):
        folder = tmp_path / name
        entry = {"mapping": "units_map", "units": str(folder / "map.csv"), "interval": interval}
        drawn = {k: np.round(v, 6).tolist() for k, v in spikes(folder, **entry).items()}
        assert drawn == {0: [], 1: [250.0], 2: [0.0, 500.0]}


def test_nodes_are_dealt_units_that_a_filter_chooses(tmp_path: Path) -> None:
    chosen = {"snr": {"operation": ">", "value": 2.0}, "location": "LGd"}
    drawn = spikes(tmp_path, mapping="sample_with_replacement", units=chosen)
    assert drawn == {k: [750.0] for k in range(3)}
    every = spikes(tmp_path / "all", mapping="sample_without_replacement", units={})
    assert sorted(every.values()) == sorted([1e3 * t for t in times] for times in TIMES.values())


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"mapping": "sample", "units": {"snr": 3.0}}, "1 units for 3 nodes"),
        ({"mapping": "sample", "units": {"sn": 3.0}}, "units have no column 'sn'"),
        ({"mapping": "best", "units": {}}, "mapping is 'best'"),
        (
            {"mapping": "sample", "units": {}, "interval": {"interval_name": "gratings"}},
            "has no intervals 'gratings'",
        ),
    ],
    ids=["few", "column", "mapping", "interval"],
)
def test_what_units_lack_is_named(tmp_path: Path, entry: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        spikes(tmp_path, **entry)
