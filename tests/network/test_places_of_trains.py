"""Cells on grids, spike trains with places, and cells that are connected one to one."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pytest
from network_models import ball_and_stick, write


def column() -> dict[str, Any]:
    """Cells on a grid, each of which listens to a train of its own from the middle."""
    return {
        "run": {"tstop": 1.0, "dt": 0.0625, "seed": 4},
        "cell": {"stick": ball_and_stick()},
        "population": {
            "E": {
                "cell": "stick",
                "place": {
                    "shape": "grid",
                    "counts": [2, 3],
                    "step": [4.0, 5.0],
                    "start": [-4.0, -5.0],
                    "z": 7.0,
                },
            },
            "drive": {
                "rate": {"dist": "norm", "loc": 0.5, "scale": 0.1, "number": 1},
                "size": 6,
                "place": {"shape": "cylinder", "radius": 0.0},
            },
        },
        "connection": [
            {
                "pre": "drive",
                "post": "E",
                "rule": {"one_to_one": True},
                "synapse": {"type": "ExpSyn", "tau": 2.0},
                "weight": {"expr": "0.001 * exp(-(r / 5)**2)"},
                "delay": {"expr": "0.1 * exp((r / 5)**2)"},
                "location": "soma",
            }
        ],
    }


def test_weights_fall_with_the_distance_from_the_train(shell, tmp_path):
    model = write(tmp_path, column())
    shell("sim", model, "-o", tmp_path / "o.h5", "--save-network", tmp_path / "n.h5")
    with h5py.File(tmp_path / "n.h5") as file:
        nodes = file["nodes/E/0"]
        np.testing.assert_array_equal(nodes["x"][:], [-4, -4, -4, 0, 0, 0])
        np.testing.assert_array_equal(nodes["y"][:], [-5, 0, 5, -5, 0, 5])
        np.testing.assert_array_equal(nodes["z"][:], np.full(6, 7.0))
        edges = file["edges/drive_to_E"]
        np.testing.assert_array_equal(edges["source_node_id"][:], np.arange(6))
        np.testing.assert_array_equal(edges["target_node_id"][:], np.arange(6))
        squared = (nodes["x"][:] ** 2 + nodes["y"][:] ** 2) / 25
        np.testing.assert_allclose(edges["0/syn_weight"][:], 1e-3 * np.exp(-squared), rtol=1e-12)
        np.testing.assert_allclose(edges["0/delay"][:], 0.1 * np.exp(squared), rtol=1e-6)
    with h5py.File(tmp_path / "o.h5") as file:
        times = file["spikes/drive/timestamps"][:]
    assert len(times) == 6 and abs(times.mean() - 0.5) < 0.2


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("population", "drive", "size"), 5, "'drive' has 5 members and 'E' 6"),
        (("population", "E", "size"), 5, "is 5, but the grid has 6"),
        (("population", "E", "place", "radius"), 5.0, 'belongs to shape = "cylinder"'),
        (("population", "E", "place", "shape"), "cylinder", "needs the key 'radius'"),
        (("population", "E", "place", "min_distance"), 1.0, "does not go with a grid"),
        (("connection", 0, "pre"), "E", "would connect each cell to itself"),
        (("connection", 0, "rule", "one_to_one"), False, "true"),
    ],
)
def test_what_does_not_fit_is_refused(shell, tmp_path, path, value, text):
    tree = column()
    table: Any = tree
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    wrong = shell("sim", write(tmp_path, tree), "-o", tmp_path / "o.h5", code=3)
    assert text in wrong.err
