"""The network as it was built, as SONATA, in numbers, and foretold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, simulated, write


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A model, its recording, and its network."""
    folder = tmp_path_factory.mktemp("saved")
    path, out = write(folder, network()), folder / "net.h5"
    return path, simulated(path, folder / "o.h5", "--save-network", out), out


def test_libsonata_reads_the_network(saved: tuple[Path, Path, Path]) -> None:
    libsonata = pytest.importorskip("libsonata")
    _, recorded, out = saved
    nodes = libsonata.NodeStorage(str(out))
    assert nodes.population_names == {"E", "outside", "I"}
    assert nodes.open_population("I").get_attribute(
        "gid", libsonata.Selection([0, 1, 2])
    ).tolist() == [17, 18, 19]
    edges = libsonata.EdgeStorage(str(out)).open_population("I_to_E")
    assert (edges.size, edges.source, edges.target) == (7 * 2 * 3, "I", "E")
    for target in range(7):
        chosen = edges.afferent_edges([target])
        assert set(edges.target_nodes(chosen)) == {target}
        assert np.array_equal(
            np.bincount(edges.source_nodes(chosen)) % 3, [0] * (1 + max(edges.source_nodes(chosen)))
        )
        assert np.all(edges.get_attribute("delay", chosen) == 1.5)
    everything = edges.select_all()
    sources = edges.source_nodes(everything)
    for source in range(3):
        assert edges.efferent_edges([source]).flat_size == np.sum(sources == source)
    with h5py.File(recorded) as recording, h5py.File(out) as file:
        geometry = recording["geometry/E"]
        middle = 0.5 * (geometry["start"][:] + geometry["end"][:])
        group = file["edges/E_to_E/0"]
        centre = np.column_stack([group[f"afferent_center_{axis}"][:] for axis in "xyz"])
        away = np.linalg.norm(centre[:, None] - middle[None], axis=2).min(axis=1)
        assert away.max() < 1e-9
        types = json.loads(file["edges/E_to_E"].attrs["edge_types"])
        assert types["2"]["model_template"] == "Exp2Syn"


def test_synapses_of_inputs_lie_beside_the_network(saved: tuple[Path, Path, Path]) -> None:
    _, recorded, out = saved
    with h5py.File(recorded) as recording, h5py.File(out) as file:
        groups = file["inputs"]
        assert sorted(groups) == ["input.0_to_E", "input.0_to_I", "input.1_to_I"]
        first, only = groups["input.0_to_E"], groups["input.1_to_I"]
        assert (first.attrs["name"], only["target_node_id"].attrs["node_population"]) == (
            "input.0",
            "I",
        )
        assert np.array_equal(first["target_node_id"][:], np.repeat(np.arange(7), 40))
        assert json.loads(only.attrs["synapse"])["model_template"] == "Exp2Syn"
        assert np.all(first["0/syn_weight"][:] == 0.002)
        assert first["0/syn_weight"].attrs["units"] == "uS"
        geometry = recording["geometry/E"]
        middle = 0.5 * (geometry["start"][:] + geometry["end"][:])
        centre = np.column_stack([first[f"0/afferent_center_{axis}"][:] for axis in "xyz"])
        away = np.linalg.norm(centre[:, None] - middle[None], axis=2)
        # each on a segment of its own cell
        nearest = geometry["gid"][:][away.argmin(axis=1)]
        assert away.min(axis=1).max() < 1e-9 and np.array_equal(nearest, np.repeat(range(7), 40))


def test_statistics_are_those_of_the_file(
    shell: Callable[..., Any], saved: tuple[Path, Path, Path]
) -> None:
    path, _, out = saved
    plan = json.loads(shell("sim", path, "--dry-run", "--json").out)
    with h5py.File(out) as file:
        for name in ("E to I", "I to E", "E to E", "outside to E"):
            group, facts = file["edges"][name.replace(" ", "_")], plan["connections"][name]
            ends = np.column_stack([group["source_node_id"][:], group["target_node_id"][:]])
            assert facts["synapses"] == len(ends)
            assert facts["pairs"] == len(np.unique(ends, axis=0))
            assert facts["mean weight"] == pytest.approx(group["0/syn_weight"][:].mean())
            assert facts["mean delay"] == pytest.approx(group["0/delay"][:].mean())
    assert plan["synapses"] == sum(f["synapses"] for f in plan["connections"].values())


@needs_mpi
def test_the_same_network_on_two_ranks(
    shell: Callable[..., Any], tmp_path: Path, saved: tuple[Path, Path, Path]
) -> None:
    path, _, out = saved
    ranks(2, "sim", path, "-o", tmp_path / "b.h5", "-q", "--save-network", tmp_path / "2.h5")
    shell("diff", "--exact", out, tmp_path / "2.h5", "--ignore", "*provenance*")


def test_the_size_of_the_file_is_foretold(
    shell: Callable[..., Any], tmp_path: Path, saved: tuple[Path, Path, Path]
) -> None:
    path, out, _ = saved
    single = simulated(path, tmp_path / "o.h5", "--float32")
    for recorded, more in ((out, ()), (single, ("--float32",))):
        plan = json.loads(shell("sim", path, "--dry-run", "--json", *more).out)
        assert plan["file bytes"] == pytest.approx(recorded.stat().st_size, rel=0.25)


def test_a_plan_of_a_large_network_is_quick(shell: Callable[..., Any], tmp_path: Path) -> None:
    tree = network()
    tree["population"]["E"] |= {"size": 100_000, "place": {"shape": "cylinder", "radius": 900.0}}
    tree["connection"][2]["rule"] = {"indegree": 1000}
    tree["record"] = {"vmem": "soma"}
    plan = json.loads(shell("sim", write(tmp_path, tree), "--dry-run", "--json").out)
    assert plan["populations"]["E"] == 100_000
    segments = plan["segments"] / 100_003
    assert segments == round(segments) and 10 < segments < 30
    # 1000 recurrent and 40 of the background, and 6 of inhibition
    assert plan["synapses"] == pytest.approx(100_000 * 1046, rel=0.01)
    assert plan["memory bytes"] > 1e10 and plan["seconds"] > 60
    assert any("expected" in note for note in plan["notes"])
