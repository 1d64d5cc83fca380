"""Recordings that lead elsewhere, bomb, or say what is not true: refused by every reader."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from fault_samples import recording

Change = Callable[[h5py.File], None]
DATA, IDS = "reports/imem/E/data", "reports/imem/E/mapping/node_ids"
POINTERS = "reports/imem/E/mapping/index_pointers"


def put(path: str, value: Any, **options: Any) -> Change:
    """Put another value in the place of a dataset, which keeps its attributes."""

    def change(file: h5py.File) -> None:
        attributes = dict(file[path].attrs)
        del file[path]
        file.create_dataset(path, data=value, **options)
        file[path].attrs.update(attributes)

    return change


def declare(path: str, shape: tuple[int, ...], **options: Any) -> Change:
    """Put a dataset that declares a shape and holds nothing in the place of another."""

    def change(file: h5py.File) -> None:
        attributes = dict(file[path].attrs)
        del file[path]
        file.create_dataset(path, shape, **{"dtype": "f8", **options})
        file[path].attrs.update(attributes)

    return change


def put_link(path: str, link: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file[path]
        file[path] = link

    return change


def put_view(name: str) -> Change:
    """Make a dataset a view of another file, or of this one."""

    def change(file: h5py.File) -> None:
        shape = file[DATA].shape
        del file[DATA]
        layout = h5py.VirtualLayout(shape, "f8")
        layout[:] = h5py.VirtualSource(name, "elsewhere", shape)
        file.create_virtual_dataset(DATA, layout)

    return change


def put_ring(file: h5py.File) -> None:
    """Links that lead to each other."""
    del file["signals/shank/data"]
    file["signals/shank/data"] = h5py.SoftLink("/ring/b")
    file["ring/a"] = h5py.SoftLink("/ring/b")
    file["ring/b"] = h5py.SoftLink("/ring/c")
    file["ring/c"] = h5py.SoftLink("/ring/a")


def put_attribute(path: str, key: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        file[path].attrs[key] = value

    return change


def put_ragged(file: h5py.File) -> None:
    del file[DATA]
    ragged = file.create_dataset(DATA, (200,), h5py.vlen_dtype(float))
    ragged[0] = [1.0, 2.0]


def put_references(file: h5py.File) -> None:
    del file[DATA]
    file.create_dataset(DATA, (200, 40), h5py.ref_dtype)


ELSEWHERE = {
    "link to a file": put_link(DATA, h5py.ExternalLink("/etc/passwd", "/")),
    "link to a device": put_link("signals/shank", h5py.ExternalLink("/dev/zero", "/")),
    "link to a neighbour": put_link("geometry/E", h5py.ExternalLink("other.h5", "/geometry/E")),
    "link to itself as a file": put_link(DATA, h5py.ExternalLink("r.h5", "/spikes")),
    "link of the root's child": put_link("dipole", h5py.ExternalLink("a/b/c.h5", "dipole")),
    "raw data of a file": declare(DATA, (200, 40), external=[("/etc/passwd", 0, 64000)]),
    "raw data of a device": declare(DATA, (200, 40), external=[("/dev/zero", 0, 64000)]),
    "raw data without an end": declare(
        DATA, (200, 40), external=[("x.raw", 0, h5py.h5f.UNLIMITED)]
    ),
    "raw data of two files": declare(
        DATA, (200, 40), external=[("x.raw", 0, 32000), ("y.raw", 9, 32000)]
    ),
    "view of a file": put_view("other.h5"),
    "view of /proc": put_view("/proc/self/mem"),
    "view of itself": put_view("."),
    "link to itself": put_link(DATA, h5py.SoftLink(f"/{DATA}")),
    "ring of links": put_ring,
    "link through itself": put_link("signals/shank", h5py.SoftLink("/signals/shank/shank")),
}
BOMBS = {
    "2^36 rows": declare(DATA, (1 << 36, 3), chunks=(1024, 3)),
    "2^36 rows, deflated": declare(DATA, (1 << 36, 3), chunks=(1024, 3), compression="gzip"),
    "2^40 columns": declare("dipole/total/data", (3, 1 << 40), chunks=(1, 1024)),
    "a contiguous block": declare("signals/shank/data", (1 << 30, 3)),
    "large chunks": declare(DATA, (1 << 28, 3), chunks=(1 << 27, 3)),
    "many spikes": declare("spikes/E/timestamps", (1 << 40,), chunks=(1024,)),
    "pointers": declare(POINTERS, (1 << 36,), chunks=(1024,)),
}
NO_NUMBERS = {
    "rows of different length": put_ragged,
    "references": put_references,
    "texts": put(DATA, np.full((200, 40), b"a")),
    "records": put(DATA, np.zeros((200, 40), [("a", "f8"), ("b", "i4")])),
    "complex numbers": put(DATA, np.zeros((200, 40), complex)),
    "truth": put(DATA, np.zeros((200, 40), bool)),
    "choices": declare(DATA, (200, 40), dtype=h5py.enum_dtype({"A": 0, "B": 1})),
    "bytes without a type": put(DATA, np.zeros((200, 40), "V8")),
    "nothing": put(DATA, h5py.Empty("f8")),
    "a number": put(DATA, 3.0),
    "one axis": put(DATA, np.zeros(200)),
    "three axes": put(DATA, np.zeros((200, 40, 1))),
}
UNTRUE = {
    "pA": put_attribute(DATA, "units", "pA"),
    "positions in mm": put_attribute("signals/shank/positions", "units", "mm"),
    "geometry in m": put_attribute("geometry/E/start", "units", "m"),
    "areas in cm2": put_attribute("geometry/E/area", "units", "cm2"),
    "dipoles in A m": put_attribute("dipole/total/data", "units", "A m"),
    "spikes in s": put_attribute("spikes/E/timestamps", "units", "s"),
    "dt of 0": put_attribute(DATA, "dt", 0.0),
    "dt of text": put_attribute("signals/shank/data", "dt", "soon"),
    "dt that goes back": put_attribute("dipole/total/data", "dt", -0.1),
    "dt of NaN": put_attribute("signals/shank/data", "dt", np.nan),
    "negative areas": put("geometry/E/area", np.full(40, -1.0)),
    "endless areas": put("geometry/E/area", np.full(40, np.inf)),
    "NaN in places": put("geometry/E/start", np.full((40, 3), np.nan)),
    "NaN in spikes": put("spikes/E/timestamps", [1.0, np.nan, 9.0]),
    "spikes that go back": put("spikes/E/timestamps", [5.0, 1.0, 9.0]),
    "fewer spikes than cells": put("spikes/E/timestamps", [1.0, 5.0]),
    "negative cells": put("spikes/E/node_ids", np.array([0, -1, 0])),
    "half cells": put("spikes/E/node_ids", np.array([0.0, 0.5, 0.0])),
    "cells twice": put(IDS, np.array([0, 0])),
    "cells out of order": put(POINTERS, np.array([40, 0])),
    "pointers beyond": put(POINTERS, np.array([0, 99])),
    "sections beyond": put("reports/imem/E/mapping/element_ids", np.full(40, 7)),
    "parents beyond": put("geometry/E/parent", np.full(40, 77)),
    "parents in a ring": put("geometry/E/parent", np.roll(np.arange(40), 1)),
}


@pytest.fixture
def strange(tmp_path: Path) -> Callable[[Change], Path]:
    """A recording that something of was changed."""

    def make(change: Change) -> Path:
        path = recording(tmp_path / "r.h5")
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


def readers(path: Path) -> list[tuple[str, ...]]:
    out = ("-o", str(path.with_name("out.h5")), "-q")
    head = ("--position", "0,0,78000")
    return [
        ("info", str(path)),
        ("probe", str(path), "--contacts", "30,0,0", *out),
        ("eeg", str(path), *head, *out),
        ("meg", str(path), *head, "--sensors", "helmet", *out),
        ("plot", str(path), "-o", str(path.with_name("out.png")), "-q"),
        ("stats", str(path)),
        ("convert", "-q", str(path), str(path.with_name("out.npz"))),
        ("diff", str(path), str(path)),
    ]


@pytest.mark.parametrize("name", [*ELSEWHERE, *BOMBS])
def test_no_reader_goes_there(
    lfp: Callable[..., Any], strange: Callable[[Change], Path], name: str
) -> None:
    path = strange((ELSEWHERE | BOMBS)[name])
    for words in readers(path):
        said = lfp(*words, code=3).err
        assert str(path) in said and "; " in said and said.count("\n") == 1, words
    assert lfp("check", path, "-q", code=1).out == f"{path}: not sound\n"
    assert [each.name for each in path.parent.iterdir()] == ["r.h5"]


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_numbers_are_due(
    lfp: Callable[..., Any], strange: Callable[[Change], Path], name: str
) -> None:
    path = strange(NO_NUMBERS[name])
    for words in readers(path)[1:4]:
        if words[0] == "probe":
            said = lfp(*words, code=3).err
            assert f"{path}:/{DATA}" in said and "; " in said and said.count("\n") == 1
    assert lfp("check", path, "-q", code=1).out == f"{path}: not sound\n"


@pytest.mark.parametrize("name", UNTRUE)
def test_what_is_not_true_is_seen(
    lfp: Callable[..., Any], strange: Callable[[Change], Path], name: str
) -> None:
    path = strange(UNTRUE[name])
    said = lfp("check", path, code=1).out
    assert f"{path}: not sound" in said and "error" in said
    info = lfp("info", path, code=3).err
    assert str(path) in info and "; " in info and info.count("\n") == 1


def test_an_unknown_filter_is_named(lfp: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(3000.0), compression="lzf", chunks=(1000,))
    content = path.read_bytes()
    # the number of the filter in the message of the pipeline, before its name
    at = content.index(b"lzf\0")
    head = content.rindex(b"\x00\x7d", 0, at)
    path.write_bytes(content[:head] + b"\x0d\x7d" + content[head + 2 :])
    said = lfp("info", path, code=3).err
    assert "is packed by filter 32013" in said and "h5repack" in said


def test_names_are_text(lfp: Callable[..., Any], strange: Callable[[Change], Path]) -> None:
    def rename(file: h5py.File) -> None:
        file.move("signals/shank", b"signals/\xff\xfe")

    path = strange(rename)
    for words in readers(path):
        said = lfp(*words, code=3).err
        assert "has a name that is no UTF-8" in said and said.rstrip("\n").isprintable()


@pytest.mark.parametrize("size", [1, 512, 8, 4096, 100_000])
def test_a_recording_that_is_cut_is_refused(
    lfp: Callable[..., Any], tmp_path: Path, size: int
) -> None:
    path = recording(tmp_path / "r.h5")
    content = path.read_bytes()
    path.write_bytes(content[:-size])
    assert str(path) in lfp("info", path, code=3).err
    path.write_bytes(content[:size])
    assert str(path) in lfp("info", path, code=3).err


def test_garbage_behind_and_before(lfp: Callable[..., Any], tmp_path: Path) -> None:
    """HDF5 knows where it ends; what it does not know is where it begins."""
    path = recording(tmp_path / "r.h5")
    content = path.read_bytes()
    path.write_bytes(content + b"garbage" * 99)
    assert lfp("check", path, "-q").out == f"{path}: sound\n"
    path.write_bytes(b"garbage!" + content)
    assert str(path) in lfp("info", path, code=3).err


@pytest.mark.parametrize("size", [512, 1 << 14])
def test_user_blocks_are_passed_over(lfp: Callable[..., Any], tmp_path: Path, size: int) -> None:
    """What stands before HDF5's own bytes, as in files of MATLAB, is not HDF5's, nor ours."""
    plain, path = recording(tmp_path / "plain.h5"), tmp_path / "r.h5"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(size) + plain.read_bytes())
    assert lfp("check", path, "-q").out == f"{path}: sound\n"
    assert lfp("diff", path, plain, code=0)
    assert lfp("probe", path, "--contacts", "30,0,0", "-o", tmp_path / "out.h5", "-q")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(size + 1) + plain.read_bytes())
    assert str(path) in lfp("check", path, code=1).out


def deep(file: h5py.File) -> None:
    group = file
    for _ in range(1500):
        group = group.create_group("d")
    group["x"] = 1.0


def doubled(file: h5py.File) -> None:
    """Two ways from each group to the next: more paths than can ever be walked."""
    groups = [file.create_group(f"g{k}") for k in range(50)]
    for above, below in itertools.pairwise(groups):
        above["left"] = above["right"] = below
    groups[-1]["x"] = 1.0


@pytest.mark.parametrize("change", [deep, doubled])
def test_groups_in_groups(lfp: Callable[..., Any], tmp_path: Path, change: Change) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        change(file)
    assert lfp("info", path, code=0).out.count("\n") < 3000
    assert "1 datasets were read" in lfp("check", path, code=0).out
    assert lfp("diff", path, path, code=0)
