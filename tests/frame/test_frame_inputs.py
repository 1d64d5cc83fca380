"""Inputs that are not there, or not what they should be: one line, exit code 3, no traceback."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic


@pytest.fixture
def recording(tmp_path):
    return synthetic.one_cell(tmp_path / "one.h5")


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


COMMANDS = [
    ["plot", "FILE", "-o", "-"],
    ["info", "FILE"],
    ["diff", "FILE", "FILE"],
]


def with_file(command, path):
    return [str(path) if word == "FILE" else word for word in command]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_no_such_file(lfp, tmp_path, command):
    got = lfp(*with_file(command, tmp_path / "none.h5"), code=3)
    assert "no such file" in got.err and "none.h5" in got.err and one_line(got.err)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_empty_file(lfp, tmp_path, command):
    path = tmp_path / "empty.h5"
    path.touch()
    got = lfp(*with_file(command, path), code=3)
    assert "file is empty" in got.err and one_line(got.err)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_folder_instead_of_a_file(lfp, tmp_path, command):
    got = lfp(*with_file(command, tmp_path), code=3)
    assert "is a folder" in got.err and one_line(got.err)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_truncated_hdf5(lfp, tmp_path, recording, command):
    path = tmp_path / "cut.h5"
    path.write_bytes(recording.read_bytes()[:5000])
    got = lfp(*with_file(command, path), code=3)
    assert "truncated" in got.err and one_line(got.err)


def test_stdin_that_is_no_hdf5(shell):
    got = shell("plot", "-", "-o", "-", stdin=b"hello\n", code=3)
    assert got.err == (
        "lfp plot: error: is no HDF5 file [standard input]; make one with 'lfp sim'\n"
    )
    assert got.out == ""


def test_empty_stdin_blames_the_command_before(shell):
    got = shell("plot", "-", "-o", "-", stdin=b"", code=3)
    assert "the command before it in the pipe wrote nothing" in got.err and one_line(got.err)


def test_stdin_is_read_like_a_file(shell, tmp_path, recording):
    got = shell("info", "-", stdin=recording.read_bytes())
    assert got.out.startswith("standard input: recording")


def test_hdf5_that_is_no_recording(lfp, tmp_path):
    import h5py

    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    got = lfp("plot", path, "-o", "-", code=3)
    assert "no recording" in got.err and one_line(got.err)


def test_endless_text_is_given_up(lfp, monkeypatch):
    from lfpcli.io import stream

    monkeypatch.setattr(stream, "MOST_TEXT", 1 << 21)
    assert "neither HDF5 nor NumPy" in lfp("morph", "/dev/zero", code=3).err
