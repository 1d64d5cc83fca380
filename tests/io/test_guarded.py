"""Files that would harm their reader: other files, circles, bombs, loops."""

from __future__ import annotations

import io
import itertools
import os
import signal
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, open_hdf5, texts, whole
from lfpcli.io.npz import npy_array, npz_arrays, read_npy, read_npz
from lfpcli.io.recording import open_recording
from lfpcli.io.writer import RecordingWriter


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught, open_hdf5(path):
        pass
    assert caught.value.remedy and str(path) in str(caught.value.source)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def test_other_files_are_not_opened(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(80))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10,), "f8", external=[(str(secret), 0, 80)])
    assert "in another file" in refused(path)
    with h5py.File(path, "w") as file:
        file["g/away"] = h5py.ExternalLink("b.h5", "/")
    assert ":/g/away" in refused(path)
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource("b.h5", "x", (10,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("v", layout)
    assert "view of other files" in refused(path)


def test_circles(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
    assert "leads to itself" in refused(path)
    with h5py.File(path, "w") as file:
        file["group/up"] = file["/"]
        file["soft"] = h5py.SoftLink("/nowhere")
    with open_hdf5(path) as file:
        assert list(file["group/up/group"]) == ["up"]


def test_shapes_are_bounded_by_what_is_there(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1 << 36, 3), "f8", chunks=(1024, 3))
    assert "declares 68719476736 x 3 values" in refused(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros(1 << 23), compression="gzip", chunks=(1 << 16,))
    with open_hdf5(path) as file:
        assert len(whole(numbers(file, "x", "a"))) == 1 << 23


def test_a_file_that_changes_is_looked_at_again(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with open_hdf5(path):
        pass
    with h5py.File(path, "a") as file:
        file["away"] = h5py.ExternalLink("b.h5", "/")
    assert "another file" in refused(path)


def test_damage(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(100.0), fletcher32=True)
        file["names"] = ["a", "b"]
        offset = file["x"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 11] ^= 4
    path.write_bytes(content)
    with open_hdf5(path) as file:
        assert texts(file, "names", "a") == ["a", "b"]
        with pytest.raises(InputError, match=r"a checksum is wrong \[a:/x\]; make it again"):
            numbers(file, "x", "a")[3:5]
    path.write_bytes(bytes(content[: len(content) // 2]))
    assert "truncated or damaged" in refused(path)
    path.write_bytes(b"x" * 100)
    assert "no HDF5 file" in refused(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array(["a"], "S1"), "expected numbers"),
        (np.zeros((2, 2)), "has 2 axes"),
        (h5py.Empty("f8"), "has no axes"),
    ],
)
def test_what_is_no_list_of_numbers(path: Path, value: object, text: str) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = value
    with open_hdf5(path) as file, pytest.raises(InputError, match=text):
        numbers(file, "x", "a", ndim=1)


def test_values(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["nan"], file["half"], file["large"] = [np.nan], [0.5], np.array([2**63], np.uint64)
        ragged = file.create_dataset("ragged", (1,), h5py.vlen_dtype(float))
        ragged[0] = [1.0, 2.0]
    with open_hdf5(path) as file:
        for name, dtype, text in (
            ("nan", float, "NaN"),
            ("half", np.int64, "no whole numbers"),
            ("large", np.int64, "no whole numbers"),
        ):
            with pytest.raises(InputError, match=text):
                whole(numbers(file, name, "a"), dtype)
        with pytest.raises(InputError, match="expected numbers"):
            numbers(file, "ragged", "a")
        assert isinstance(numbers(file, "half", "a"), CheckedDataset)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_header_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    content = npy(np.zeros(4))
    for wrong in (
        content.replace(b"(4,), }          ", b"(99999999999,), }"),
        content.replace(b"(4,), }  ", b"(-4,), } "),
        content.replace(b"{'descr'", b"((((((((").replace(b"'<f8'", b"((((("),
        content[:9],
        content[:-8],
        b"\x93NUMPY\x09\x00" + content[8:],
    ):
        path.write_bytes(wrong)
        with pytest.raises(InputError) as caught:
            npy_array(path, str(path))
        assert caught.value.remedy and caught.value.source == str(path)
    path.write_bytes(content)
    assert np.array_equal(read_npy(path), np.zeros(4))


def test_zip_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = npy(np.zeros(0)).replace(b"(0,), }          ", b"(99999999999,), }")
    for entries, method in (
        ({"x.npy": header}, zipfile.ZIP_STORED),
        ({"x.npy": npy(np.zeros(4))}, zipfile.ZIP_BZIP2),
        ({"x.txt": b"hello"}, zipfile.ZIP_STORED),
    ):
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        with pytest.raises(InputError) as caught:
            npz_arrays(path, str(path))
        assert caught.value.remedy and str(path) in str(caught.value.source)
    np.savez_compressed(path, x=np.zeros(1000), y=np.ones(3))
    stored = npz_arrays(path, str(path))
    assert stored["x"].shape == (1000,) and np.array_equal(stored["y"].read(), np.ones(3))
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    assert list(read_npz(path, ["z"])) == []
    content[:2] = b"XX"
    path.write_bytes(content[:50])
    with pytest.raises(InputError, match="no archive"):
        read_npz(path, ["x"])


def test_loops_and_crashes_of_hdf5_end_the_child_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lfpcli.guarded import survey, trial

    def loop(self: survey.Survey) -> None:
        while True:
            pass

    def crash(self: survey.Survey) -> None:
        os.abort()

    def eat(self: survey.Survey) -> None:
        np.ones(1 << 29)

    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    monkeypatch.setattr(trial, "_BUSY_SECONDS", 0.2)
    for walk, text in (
        (loop, "does not come to an end"),
        (crash, "crashes on this file"),
        (eat, "more memory than there is"),
    ):
        monkeypatch.setattr(survey.Survey, "walk", walk)
        monkeypatch.setattr(survey, "_refused", {})
        assert text in refused(path)


def test_a_child_has_the_time_that_it_computes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine makes no file endless; one that waits for what does not come is."""
    from lfpcli.guarded import survey, trial

    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    monkeypatch.setattr(trial, "_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(survey.Survey, "walk", lambda self: time.sleep(600))
    assert "does not come to an end" in refused(path)
    monkeypatch.setattr(survey, "_refused", {})
    monkeypatch.setattr(survey.Survey, "walk", lambda self: time.sleep(0.5))
    ticks = itertools.count()
    monkeypatch.setattr(trial, "_ticks", lambda pid: next(ticks))
    with open_hdf5(path) as file:
        assert list(file) == ["x"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1])
def test_a_child_that_somebody_ends_has_vouched_for_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    from lfpcli.guarded import survey

    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    monkeypatch.setattr(survey.Survey, "walk", lambda self: signal.raise_signal(number))
    usual = signal.signal(number, lambda number, frame: None)
    try:
        assert "crashes on this file" in refused(path)
    finally:
        signal.signal(number, usual)


def test_handlers_run_in_the_parent_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that meets both as the child begins unwinds one of them."""
    from lfpcli.guarded import trial

    class Ended(BaseException):
        pass

    def end(number: int, frame: object) -> None:
        (path.parent / str(os.getpid())).touch()
        raise Ended

    children: list[int] = []

    def fork_with_a_signal() -> int:
        child = fork()
        children.append(child)
        signal.raise_signal(signal.SIGUSR1)
        return child

    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    fork = trial._fork
    monkeypatch.setattr(trial, "_fork", fork_with_a_signal)
    usual = signal.signal(signal.SIGUSR1, end)
    try:
        with pytest.raises(Ended), open_hdf5(path):
            pass
    finally:
        signal.signal(signal.SIGUSR1, usual)
    assert {each.name for each in path.parent.iterdir()} == {path.name, str(os.getpid())}
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


def test_parts_of_recordings_are_groups(path: Path) -> None:
    with RecordingWriter(path, {}) as writer:
        writer.file["signals"] = np.zeros(3)
    with pytest.raises(InputError, match="is no group"), open_recording(path):
        pass
