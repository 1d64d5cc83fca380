"""Outputs: whole or not at all, never over an existing file, never bytes to a terminal."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
import types

import numpy as np
import pytest
import synthetic
from sources import program

from lfpcli.cli import main as entry
from lfpcli.cli import options
from lfpcli.io.atomic import atomic_output


def add_output(parser) -> None:
    options.add_output(parser, "file")


def fill(args) -> None:
    """Write HDF5 without end."""
    from lfpcli.io.recording import Sampled
    from lfpcli.io.writer import RecordingWriter

    with atomic_output(args.output) as path, RecordingWriter(path, {}) as writer:
        track = writer.dipole("total", Sampled(np.zeros((0, 3)), "nA um", 0.1))
        for _ in range(100):
            track.append(np.ones((100_000, 3)))


def run_fill() -> None:
    command = types.ModuleType("lfpcli.cli.fill", "Fill a file.")
    command.add_arguments, command.run = add_output, fill
    sys.modules[command.__name__] = command
    entry.COMMANDS["fill"] = "fill a file"
    sys.exit(entry.main(sys.argv[1:]))


@pytest.fixture
def recording(tmp_path):
    folder = tmp_path / "input"
    folder.mkdir()
    return synthetic.one_cell(folder / "one.h5")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "output"
    path.mkdir()
    return path


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def test_existing_output_is_kept(lfp, recording, folder):
    target = folder / "a.png"
    target.write_bytes(b"mine")
    got = lfp("plot", recording, "-o", target, code=4)
    assert got.err == f"lfp plot: error: output exists [{target}]; use --force to overwrite it\n"
    assert target.read_bytes() == b"mine"
    lfp("plot", recording, "-o", target, "--force")
    assert target.read_bytes().startswith(b"\x89PNG")


def test_missing_output_folder(lfp, recording, folder):
    got = lfp("plot", recording, "-o", folder / "none" / "a.png", code=4)
    assert "output folder does not exist" in got.err and "mkdir -p" in got.err


def test_missing_output_folder_is_found_before_the_input_is_read(lfp, folder):
    lfp("plot", "none.h5", "-o", folder / "none" / "a.png", code=4)


@pytest.mark.parametrize("command", ["probe", "plot", "morph"])
def test_an_empty_name_is_no_standard_output(lfp, recording, command):
    got = lfp(command, recording, "-o", "", code=2)
    assert "the name is empty" in got.err and got.out == ""


@pytest.mark.parametrize(
    ("noun", "words"),
    [
        ("a recording", ["sim", "builtin:quickstart"]),
        ("a recording", ["spikes", "--poisson", "5", "--duration", "1", "--seed", "1"]),
        ("a file of kernels", ["kernel", "builtin:network", "--rates", "E=1,I=1"]),
        ("a file of lead fields", ["leadfield", "0,0,0", "--medium", "regions=[]"]),
        ("a network", ["sim", "builtin:quickstart", "--save-network"]),
    ],
)
def test_names_that_say_another_format_are_refused(lfp, folder, noun, words):
    option = [] if words[-1] == "--save-network" else ["-o"]
    got = lfp(*words, *option, folder / "out.csv", code=2)
    assert f"{noun} is HDF5, and out.csv says otherwise" in got.err
    assert not (folder / "out.csv").exists()


def test_output_that_is_a_folder(lfp, recording, folder):
    assert "is a folder" in lfp("plot", recording, "-o", folder, "--format", "png", code=4).err


def test_binary_to_a_terminal_is_refused(recording):
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", "plot", str(recording)],
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 4
    assert b"binary data would go to a terminal" in done.stderr


def test_full_disk_leaves_nothing_of_a_figure(shell, recording, folder):
    got = shell("plot", recording, "-o", folder / "a.png", code=4, preexec_fn=limit_file_size)
    assert "cannot write: file too large" in got.err and got.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_full_disk_leaves_nothing_of_a_recording(folder):
    done = subprocess.run(
        [sys.executable, "-c", program(run_fill), "fill", "-o", str(folder / "a.h5")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit_file_size,
    )
    assert done.returncode == 4, done.stderr
    assert "cannot write: file too large" in done.stderr and done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_full_device(shell, recording):
    got = shell("plot", recording, "-o", "/dev/full", code=4)
    assert "no space left on device" in got.err and got.err.count("\n") == 1


@pytest.mark.parametrize("command", [["plot", "-o", "-"], ["info"], ["info", "--json"]])
def test_full_standard_output(recording, command):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", command[0], str(recording), *command[1:]],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4, done.stderr
    assert "o space left on device" in done.stderr and done.stderr.count("\n") == 1


def test_closed_standard_output_of_a_binary_stream(recording):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "lfpcli", "plot", str(recording), "-o", "-"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_failure_inside_leaves_nothing(folder):
    with pytest.raises(ZeroDivisionError), atomic_output(folder / "a.bin") as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert list(folder.iterdir()) == []


def leftover(folder, name, pid):
    """A temporary file as process `pid` of this host would have left it."""
    with atomic_output(folder / name, force=True) as path:
        stale = path.with_name(path.name.replace(f"-{os.getpid()}-", f"-{pid}-"))
    stale.write_bytes(b"half")
    return stale


def test_leftovers_of_dead_processes_are_swept(folder):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = leftover(folder, "a.bin", gone.pid)
    alive = leftover(folder, "a.bin", os.getppid())
    other = leftover(folder, "b.bin", gone.pid)
    with atomic_output(folder / "a.bin", force=True) as path:
        path.write_bytes(b"whole")
    assert not dead.exists()
    assert alive.exists() and other.exists()
    assert (folder / "a.bin").read_bytes() == b"whole"


def test_leftovers_of_other_hosts_are_kept(folder, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = leftover(folder, "a.bin", gone.pid)
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((here[0], f"{here[1]}-2", *here[2:])))
    with atomic_output(folder / "a.bin", force=True) as path:
        path.touch()
    assert stale.exists()


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        (">&-", ["info", "RECORDING"], 4),
        (">&-", ["plot", "RECORDING", "-o", "-"], 4),
        (">&- 2>&- <&-", ["plot", "RECORDING", "-o", "FIGURE"], 0),
        ("2>&-", ["info", "none.h5"], 3),
        ("<&-", ["info", "-"], 3),
    ],
)
def test_closed_standard_files(recording, folder, closed, arguments, code):
    names = {"RECORDING": str(recording), "FIGURE": str(folder / "a.png")}
    line = [sys.executable, "-m", "lfpcli", *(names.get(a, a) for a in arguments)]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *line], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "bug" not in done.stderr and "Traceback" not in done.stderr
    if "FIGURE" in arguments:
        assert (folder / "a.png").read_bytes().endswith(b"IEND\xaeB`\x82")
