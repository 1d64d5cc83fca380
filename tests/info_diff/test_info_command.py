"""`lfp info` on files."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import synthetic

from lfpcli.io.provenance import provenance
from lfpcli.io.templates import TemplateWriter


@pytest.fixture
def recording(tmp_path):
    return synthetic.one_cell(tmp_path / "one.h5")


def test_facts_of_a_recording(lfp, recording):
    facts = json.loads(lfp("info", recording, "--json").out)
    assert (facts["kind"], facts["format_version"]) == ("recording", 1)
    assert facts["time"] == {"t_start": 0.0, "t_stop": pytest.approx(100.0)}
    cell = facts["populations"]["cell"]
    assert (cell["cells"], cell["sections"], cell["segments"]) == (1, 12, 101)
    assert cell["area_um2"] > 0 and cell["low_um"][2] < -100
    spikes = facts["spikes"]["cell"]
    assert (spikes["number"], spikes["cells_firing"]) == (2, 1)
    assert spikes["rate_hz"] == pytest.approx(20.0)
    signal = facts["signals"]["shank"]
    assert signal["shape"] == [synthetic.STEPS, 12] and signal["units"] == "mV"
    assert (signal["model"], signal["parameters"]) == ("line", {"sigma": 0.3})
    assert signal["rate_hz"] == pytest.approx(10_000)
    assert facts["dipoles"]["total"]["units"] == "nA um"
    assert facts["reports"]["vmem"]["cell"]["cells"] == 1
    assert facts["provenance"]["seed"] == 3
    paths = {d["path"]: d for d in facts["datasets"]}
    assert paths["/geometry/cell/start"]["shape"] == [101, 3]
    assert paths["/geometry/cell/section_names"]["type"] == "text"


def test_network_rates_and_shares(lfp, tmp_path):
    path = synthetic.network(tmp_path / "net.h5", sizes=(8, 2))
    facts = json.loads(lfp("info", path, "--json").out)
    assert facts["spikes"]["E"]["rate_hz"] == pytest.approx(120.0)
    assert facts["populations"]["I"]["gids"] == [8, 9]
    assert facts["signals"]["neuropixels"]["groups"] == ["E", "I"]


def test_text_of_a_recording(lfp, recording):
    text = lfp("info", recording).out
    for line in (
        "time: 0 to 100 ms",
        "population cell: 1 cell, 12 sections, 101 segments",
        "spikes of cell: 2 from 1 cell, 20 Hz a cell",
        "signal shank: 1001 x 12 float64, mV, 0 to 100 ms at dt 0.1 ms",
        "  model line: sigma = 0.3",
        "made by lfp 0.1.0, engine neuron, seed 3",
        "  $ lfp morph cell.swc\n  $ lfp sim model.toml -o out.h5",
    ):
        assert line in text
    assert "/geometry/cell/start" not in text
    assert "/geometry/cell/start" in lfp("info", recording, "-v").out


def test_other_hdf5(lfp, tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "x"
        file["a/b"] = np.zeros((3, 2), np.float32)
        file["a/b"].attrs["units"] = "mV"
        file["a/empty"] = h5py.Empty("f8")
        file["scalar"] = 3
        file["soft"] = h5py.SoftLink("/a/b")
    lines = lfp("info", path).out.splitlines()
    assert lines[0].startswith(f"{path}: HDF5, ")
    assert [line.split() for line in lines[1:]] == [
        ["@title", "=", "x"],
        ["/a/b", "3", "x", "2", "float32", "mV"],
        ["/a/empty", "empty", "float64"],
        ["/scalar", "scalar", "int64"],
        ["/soft", "link", "to", "/a/b"],
    ]


def test_provenance_of_templates(lfp, tmp_path):
    path = tmp_path / "templates.h5"
    before = provenance(["lfp", "sim", "model.toml"], seed=3)
    with TemplateWriter(path, provenance(["lfp", "probe", "a b.h5"], history=before, seed=4)):
        pass
    text = lfp("info", path).out
    assert "  @format = lfp-templates" in text and "@provenance" not in text
    assert "made by lfp 0.1.0, seed 4\n  $ lfp sim model.toml\n  $ lfp probe 'a b.h5'\n" in text
    assert json.loads(lfp("info", path, "--json").out)["provenance"]["seed"] == 4


@pytest.mark.parametrize(
    "record",
    ["[", "[]", '{"history": 1}', '{"history": [1]}', '{"command": 1}', "[" * 100000, 3],
)
def test_provenance_that_is_none(lfp, tmp_path, record):
    path = tmp_path / "templates.h5"
    with TemplateWriter(path, {}) as writer:
        writer.file.attrs["provenance"] = record
    assert "provenance is no " in lfp("info", path, code=3).err


def test_numpy_files(lfp, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    np.savez(tmp_path / "a.npz", v=np.zeros(3), t=np.arange(2))
    assert json.loads(lfp("info", tmp_path / "a.npy", "--json").out)["datasets"] == [
        {"path": "/", "shape": [4, 2], "type": "float64"}
    ]
    text = lfp("info", tmp_path / "a.npz").out
    assert "NumPy archive" in text and "/v" in text and "/t" in text


def test_swc(lfp, tmp_path):
    path = tmp_path / "a.swc"
    path.write_text("# a\n 1 1 0 0 0 5 -1\n2 3 0 0 9 1 1\n3 7 0 -4 9 1 2 # tip\n")
    facts = json.loads(lfp("info", path, "--json").out)
    assert (facts["kind"], facts["points"], facts["roots"]) == ("swc", 3, 1)
    assert facts["types"] == {"basal": 1, "soma": 1, "type 7": 1}
    assert facts["low_um"] == [0, -4, 0] and facts["high_um"] == [0, 0, 9]
    assert "3 points" in lfp("info", path).out


def test_morphologies_of_other_formats(lfp, share, tmp_path):
    cell = share / "morphologies" / "basket.swc"
    expected = json.loads(lfp("info", cell, "--json").out)
    lfp("morph", cell, "-o", tmp_path / "cell.h5")
    facts = json.loads(lfp("info", tmp_path / "cell.h5", "--json").out)
    assert facts["kind"] == "h5"
    for key in ("points", "roots", "types", "low_um"):
        assert facts[key] == pytest.approx(expected[key], rel=1e-6), key
    text = lfp("info", tmp_path / "cell.h5").out
    assert "HDF5 morphology" in text and "/structure" not in text
    assert "/structure" in lfp("info", tmp_path / "cell.h5", "-v").out


def test_standard_input(shell, recording):
    facts = json.loads(shell("info", "-", "--json", stdin=recording.read_bytes()).out)
    assert (facts["file"], facts["kind"]) == ("standard input", "recording")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello world\n", "format is not known"),
        (b"1 1 0 0 0 5 -1\n2 3 0 zero 9 1 1\n", ":2]"),
        (b"# nothing\n", "format is not known"),
        (b"\x00\x01\x02", "format is not known"),
        (b"\x93NUMPY\x01\x00", "NumPy file cannot be read"),
        (b"PK\x03\x04junk\x00", "format is not known"),
    ],
)
def test_unknown_files(lfp, tmp_path, content, message):
    path = tmp_path / "a.dat"
    path.write_bytes(content)
    got = lfp("info", path, code=3)
    assert message in got.err and got.err.count("\n") == 1 and got.out == ""


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("geometry/cell/start", np.full((101, 3), np.nan), "holds NaN or infinity"),
        ("geometry/cell/start", np.zeros((101, 2)), "expected three columns"),
        ("geometry/cell/diam", np.zeros(7), "'diam' has 7 rows"),
        ("geometry/cell/section", np.full(101, 99), "names a section that is not there"),
        ("spikes/cell/timestamps", np.zeros((2, 2)), "has 2 axes, expected 1"),
        ("spikes/cell/node_ids", np.zeros(5, int), "differ in length"),
        ("signals/shank/data", np.zeros(5), "has 1 axes, expected 2"),
        ("signals/shank/positions", np.array(["a"], "S1"), "axes, expected 2"),
    ],
)
def test_damaged_recordings(lfp, recording, path, value, message):
    with h5py.File(recording, "a") as file:
        del file[path]
        file[path] = value
    got = lfp("info", recording, code=3)
    assert message in got.err and got.err.count("\n") == 1


@pytest.mark.parametrize("value", ["x", np.array([1, 2]), np.nan, -1.0])
def test_damaged_attributes(lfp, recording, value):
    with h5py.File(recording, "a") as file:
        file["signals/shank/data"].attrs["dt"] = value
    assert "'dt'" in lfp("info", recording, code=3).err
    with h5py.File(recording, "a") as file:
        file["signals/shank/data"].attrs["dt"] = 0.1
        file.attrs["format_version"] = value
    assert "version" in lfp("info", recording, code=3).err


def test_later_format(lfp, recording):
    with h5py.File(recording, "a") as file:
        file.attrs["format_version"] = 2
    assert "recording of format version 2, known is 1" in lfp("info", recording, code=3).err


@pytest.mark.parametrize("text", ["no json", "[1]", "3", '{"history": 3}', '{"history": [1]}'])
def test_damaged_provenance_is_no_bug(lfp, recording, text):
    with h5py.File(recording, "a") as file:
        file.attrs["provenance"] = text
    from lfpcli.cli.main import main

    assert main(["info", str(recording)]) in (0, 3)
