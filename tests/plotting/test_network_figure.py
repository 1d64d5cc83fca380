"""Figures of how networks are wired."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import synthetic
from remarks import notes_of

from lfpcli.io.recording import open_recording
from lfpcli.io.sonata_network import Edges, NetworkWriter, Nodes
from lfpcli.tasks.figures.network_figure import (
    indegrees,
    outdegrees,
    read_wiring,
    synapse_matrix,
)
from lfpcli.tasks.figures.plot import figure_of
from lfpcli.tasks.figures.synapse_sites import SynapseSites, synapse_sites

SIZES = {"E": 200, "I": 61}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Populations with synapses from E to I, some pairs with several, and none from I."""
    path = tmp_path_factory.mktemp("network") / "network.h5"
    rng = np.random.default_rng(5)
    source, target = rng.integers(0, 200, 900), rng.integers(0, 61, 900)
    source[:3], target[:3] = 7, 9
    attributes = {"syn_weight": rng.normal(0.02, 0.002, 900), "delay": np.full(900, 1.5)}
    edges = Edges(
        source="E",
        target="I",
        source_id=source,
        target_id=target,
        type_id=np.zeros(900, int),
        attributes=attributes,
        units={"syn_weight": "uS", "delay": "ms"},
        types={0: {}},
        sizes=(200, 61),
    )
    with NetworkWriter(path, {}) as writer:
        for name, size in SIZES.items():
            writer.nodes(name, Nodes(gids=np.arange(size), attributes={}, units={}))
        writer.edges(edges)
    return path, source, target


def test_degrees_count_cells(network):
    path, source, target = network
    wiring = read_wiring(path, "network.h5")
    (connection,) = wiring.connections
    for cell in (0, 9, 60):
        assert indegrees(wiring, connection)[cell] == len(set(source[target == cell]))
    for cell in (0, 7, 199):
        assert outdegrees(wiring, connection)[cell] == len(set(target[source == cell]))


def test_matrix_counts_synapses(network):
    path, source, target = network
    wiring = read_wiring(path, "network.h5")
    matrix, edges = synapse_matrix(wiring)
    sides = np.diff(edges)
    assert edges[-1] == 261 and sides[0] == 3 and len(sides) == 87
    assert (matrix * np.outer(sides, sides)).sum() == pytest.approx(900)
    whole, _ = synapse_matrix(wiring, 500)
    assert whole[200 + 9, 7] == np.count_nonzero((source == 7) & (target == 9))
    assert not whole[:200].any() and not whole[:, 200:].any()


def test_figure(network, lfp, tmp_path):
    axes = figure_of([network[0]]).axes
    assert [ax.get_title("left") for ax in axes] == [
        "synapses of a pair",
        *("indegree", "outdegree", "weight", "delay"),
    ]
    assert notes_of(axes[0]) == "900 synapses; means over blocks of 3 cells"
    assert axes[3].get_xlabel() == "weight (µS)" and axes[4].get_xlabel() == "delay (ms)"
    for name in ("a.png", "b.png"):
        lfp("plot", network[0], "-o", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_refusals(network, lfp, tmp_path):
    output = tmp_path / "x.png"
    assert "no parts" in lfp("plot", network[0], "--what", "spikes", "-o", output, code=2).err
    assert "of a recording" in lfp("plot", network[0], "--map", "xz", "-o", output, code=2).err
    page = ["plot", network[0], "--html", tmp_path / "x.html"]
    assert "no parts" in lfp(*page, "--what", "spikes", code=2).err
    lfp(*page)
    assert (tmp_path / "x.html").read_text().count("<figure>") == 1
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(network[0].read_bytes())
    with h5py.File(wrong, "r+") as file:
        file["edges/E_to_I/target_node_id"][0] = 61
    result = lfp("plot", wrong, "-o", output, code=3)
    assert "names cells that population 'I' has not" in result.err and not output.exists()
    with h5py.File(wrong, "r+") as file:
        file.move("edges", "inputs")
    result = lfp("plot", wrong, "-o", output, code=3)
    assert "no synapses between its cells" in result.err and "--synapses" in result.err


def test_text_of_svg_stays_text(network, lfp, tmp_path):
    lfp("plot", network[0], "-o", tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "indegree</text>" in text and "DejaVu Sans" in text


def test_labels_of_synapses():
    some = SynapseSites(source="E", positions=np.zeros((2, 3)), total=4)
    one = SynapseSites(source="input.0", positions=np.zeros((1, 3)), total=1)
    assert (some.label, one.label) == ("2 of 4 synapses of E", "1 synapse of input.0")


def test_synapses_on_cells(lfp, tmp_path):
    """Those onto the cells that are drawn whole, where the network has them."""
    recording = synthetic.network(tmp_path / "net.h5", sizes=(6, 3))
    with h5py.File(tmp_path / "wiring.h5", "w") as file:
        for name, gids in (("E", np.arange(6)), ("I", np.arange(6, 9))):
            file[f"nodes/{name}/0/gid"] = gids
            file[f"nodes/{name}/node_type_id"] = np.zeros(len(gids), int)
        base = "edges/E_to_I"
        file[f"{base}/source_node_id"] = np.array([0, 1, 2, 3])
        file[f"{base}/target_node_id"] = np.array([0, 1, 1, 2])
        file[f"{base}/source_node_id"].attrs["node_population"] = "E"
        file[f"{base}/target_node_id"].attrs["node_population"] = "I"
        for axis in "xyz":
            file[f"{base}/0/afferent_center_{axis}"] = np.arange(4.0) + "xyz".index(axis)
    wiring, options = tmp_path / "wiring.h5", ["--what", "geometry", "--cells", "7"]
    with open_recording(recording) as opened:
        (sites,) = synapse_sites(wiring, opened, [np.zeros(0, int), np.array([7])])
    assert (sites.source, sites.total) == ("E", 4)
    np.testing.assert_array_equal(sites.positions, [[1, 2, 3], [2, 3, 4]])
    with h5py.File(wiring, "r+") as file:
        base = "inputs/input.0_to_I"
        file[f"{base}/target_node_id"] = np.array([1, 2])
        file[f"{base}/target_node_id"].attrs["node_population"] = "I"
        file[base].attrs["name"] = "input.0"
        for axis in "xyz":
            file[f"{base}/0/afferent_center_{axis}"] = [7.0, 8.0]
    with open_recording(recording) as opened:
        below, above = synapse_sites(wiring, opened, [np.zeros(0, int), np.array([7])])
    assert (below.source, below.total, above.source) == ("input.0", 2, "E")
    np.testing.assert_array_equal(below.positions, [[7.0, 7.0, 7.0]])
    lfp("plot", recording, "-o", tmp_path / "a.png", *options, "--synapses", wiring)
    err = lfp("plot", recording, "-o", tmp_path / "b.png", "--synapses", recording, code=3).err
    assert "is no network" in err and err.count("\n") == 1
    other = synthetic.one_cell(tmp_path / "one.h5")
    err = lfp("plot", other, "-o", tmp_path / "b.png", "--synapses", wiring, code=2).err
    assert "onto 'I', which the recording has not" in err
    with h5py.File(wiring, "r+") as file:
        file["edges/E_to_I/target_node_id"][0] = 5
    err = lfp("plot", recording, "-o", tmp_path / "b.png", "--synapses", wiring, code=3).err
    assert "names cells that are not there" in err
