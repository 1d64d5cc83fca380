"""`lfp diff` on files."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
import synthetic

from lfpcli.io.writer import RecordingWriter


@pytest.fixture
def pair(tmp_path):
    a = synthetic.one_cell(tmp_path / "a.h5")
    b = tmp_path / "b.h5"
    shutil.copy(a, b)
    return a, b


def test_same_files_say_nothing(lfp, pair):
    for options in ([], ["--exact"], ["--rtol", "0"], ["--provenance"]):
        got = lfp("diff", *pair, *options)
        assert (got.out, got.err) == ("", "")


def test_verbose_counts_the_parts(lfp, pair):
    assert "parts compared, 0 differ" in lfp("diff", *pair, "-v").err


def test_first_difference_of_a_signal(lfp, pair):
    with h5py.File(pair[1], "a") as file:
        file["signals/shank/data"][300, 2] += 1e-3
        before = file["signals/shank/data"][300, 2] - 1e-3
    got = lfp("diff", *pair, code=1)
    assert got.out.startswith("/signals/shank/data: 1 of 12012 differ; first at [300, 2]: ")
    assert "largest difference 0.001 at [300, 2]" in got.out
    assert abs(before) < 1
    assert lfp("diff", *pair, "--atol", "2e-3").out == ""
    assert lfp("diff", *pair, "-q", code=1).out == ""


def test_one_sided_datasets_are_named(lfp, pair):
    with h5py.File(pair[0], "a") as file:
        del file["dipole"]
    with h5py.File(pair[1], "a") as file:
        del file["signals/shank/positions"]
    lines = lfp("diff", *pair, code=1).out.splitlines()
    assert lines == ["/dipole/total/data: only in B", "/signals/shank/positions: only in A"]


def test_attributes_and_shapes(lfp, pair):
    with h5py.File(pair[1], "a") as file:
        file["signals/shank/data"].attrs["sigma"] = 0.4
        file["signals/shank/data"].attrs["units"] = "uV"
        file["spikes/cell"].attrs["note"] = "x"
        del file["spikes/cell/node_ids"]
        file["spikes/cell/node_ids"] = np.zeros(3, np.uint64)
    lines = lfp("diff", *pair, code=1).out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "/signals/shank/data@sigma",
        "/signals/shank/data@units",
        "/spikes/cell@note",
        "/spikes/cell/node_ids",
    ]
    assert "shape [2] in A, [3] in B" in lines[-1]


def test_provenance_is_left_out_unless_asked_for(lfp, tmp_path, pair):
    with h5py.File(pair[1], "a") as file:
        file.attrs["provenance"] = "{}"
    lfp("diff", *pair)
    lines = lfp("diff", *pair, "--provenance", code=1).out.splitlines()
    assert "/@provenance command: only in A" in lines
    assert all(line.endswith(": only in A") for line in lines)


def test_ignored_parts(lfp, pair):
    with h5py.File(pair[1], "a") as file:
        file["reports/vmem/cell/data"][0] = 0.0
        file["signals/shank/data"].attrs["sigma"] = 0.4
    lfp("diff", *pair, "--ignore", "/reports/*", code=1)
    lfp("diff", *pair, "--ignore", "/reports/*", "--ignore", "*@sigma")


def test_json(lfp, pair):
    with h5py.File(pair[1], "a") as file:
        file["signals/shank/data"][3, 2] = np.nan
    facts = json.loads(lfp("diff", *pair, "--json", code=1).out)
    assert facts["same"] is False and facts["tolerance"]["relative_to"] == "peak"
    (difference,) = facts["differences"]
    assert difference["path"] == "/signals/shank/data" and difference["index"] == [3, 2]
    assert difference["b"] is None
    assert json.loads(lfp("diff", pair[0], pair[0], "--json").out)["same"] is True


def test_long_reports_are_cut(lfp, tmp_path):
    for name, shift in (("a", 0), ("b", 1)):
        np.savez(tmp_path / f"{name}.npz", **{f"x{k:02d}": np.arange(3) + shift for k in range(30)})
    files = (tmp_path / "a.npz", tmp_path / "b.npz")
    lines = lfp("diff", *files, code=1).out.splitlines()
    assert len(lines) == 21 and lines[-1] == "... and 10 more; -v shows all"
    assert len(lfp("diff", *files, "-v", code=1).out.splitlines()) == 30


def test_standard_input(shell, pair):
    data = pair[1].read_bytes()
    shell("diff", pair[0], "-", stdin=data)
    shell("diff", "-", pair[0], stdin=data)
    assert "both files are standard input" in shell("diff", "-", "-", stdin=data, code=2).err


def test_numpy_files(lfp, tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5.0))
    np.save(tmp_path / "b.npy", np.arange(5.0) + 1e-3 * np.eye(5)[2])
    got = lfp("diff", tmp_path / "a.npy", tmp_path / "b.npy", code=1)
    assert got.out.startswith("/: 1 of 5 differ; first at [2]: 2.0 in A, 2.001 in B")
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.zeros(2))
    np.savez(tmp_path / "b.npz", x=np.arange(3), z=np.zeros(2))
    got = lfp("diff", tmp_path / "a.npz", tmp_path / "b.npz", code=1)
    assert got.out.splitlines() == ["/y: only in A", "/z: only in B"]


def test_swc_files(lfp, tmp_path):
    (tmp_path / "a.swc").write_text("# a\n1 1 0 0 0 5 -1\n2 3 0 0 9 1 1\n")
    (tmp_path / "b.swc").write_text("# b\n1 1 0.0 0 0 5 -1\n2 3 0 0 9.5 1 1\n")
    files = (tmp_path / "a.swc", tmp_path / "b.swc")
    assert lfp("diff", *files, code=1).out.startswith("line 3, word 5: ")
    lfp("diff", *files, "--atol", "0.5")
    lfp("diff", *files, "--atol", "0.5", "--exact", code=2)
    assert lfp("diff", *files, "--exact", code=1).out.startswith("line 1, word 1: ")


def test_files_of_two_kinds_differ(lfp, tmp_path, pair):
    (tmp_path / "a.txt").write_text("1\n")
    assert (
        lfp("diff", pair[0], tmp_path / "a.txt", code=1).out == "file: kind hdf5 in A, text in B\n"
    )


def test_other_files_are_compared_as_bytes(lfp, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"ab\0cd")
    (tmp_path / "b.bin").write_bytes(b"ab\0cx")
    lfp("diff", tmp_path / "a.bin", tmp_path / "a.bin")
    assert "first at [4]" in lfp("diff", tmp_path / "a.bin", tmp_path / "b.bin", code=1).out


def test_pickled_arrays_are_not_read(lfp, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    got = lfp("diff", path, path, code=3)
    assert "NumPy file cannot be read" in got.err


def test_links(lfp, tmp_path):
    for name, target in (("a", "/x"), ("b", "/y")):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["x"] = file["y"] = np.arange(3)
            file["soft"] = h5py.SoftLink(target)
            file["group/up"] = file["/"]
    got = lfp("diff", tmp_path / "a.h5", tmp_path / "b.h5", code=1)
    assert got.out == "/soft: kind link to /x in A, link to /y in B\n"


def test_single_precision_recording(lfp, tmp_path, pair):
    with h5py.File(pair[0]) as source, RecordingWriter(tmp_path / "s.h5", {}, float32=True) as w:
        from lfpcli.io.recording import Recording

        w.report("vmem", "cell", Recording(source, "a").report("vmem", "cell"))
    got = lfp("diff", pair[0], tmp_path / "s.h5", "--rtol", "1e-6", code=1)
    assert not any(line.startswith("/reports/vmem/cell/data:") for line in got.out.splitlines())


@pytest.mark.parametrize("option", [["--rtol", "-1"], ["--rtol", "nan"], ["--atol", "x"]])
def test_tolerances_are_checked(lfp, option):
    assert f"argument {option[0]}: '{option[1]}' is " in lfp("diff", "a", "b", *option, code=2).err
