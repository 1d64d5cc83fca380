"""A full disk, links, permissions and leftovers of outputs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfpcli.errors import OutputError
from lfpcli.io.atomic import atomic_folder, atomic_output


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "lfp", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disks(
    shell: Callable[..., Any], share: Path, small_disk: Path, tmp_path: Path
) -> None:
    cell = share / "morphologies" / "l5_pyramidal.swc"
    old = small_disk / "old.h5"
    old.write_bytes(b"as it was")
    passive = ["--passive", "--tstop", 20, "--set", "record.imem=true", "-q"]
    for command in (
        ["morph", cell, "-o", small_disk / "a.h5"],
        ["morph", cell, "-o", small_disk / "a.swc"],
        ["morph", cell, "-o", old, "-f"],
        ["sim", cell, *passive, "-o", small_disk / "b.h5"],
    ):
        said = shell(*command, code=4).err
        assert "no space left on device" in said and "free some space" in said
        assert str(small_disk) in said and said.count("\n") == 1
        assert [path.name for path in small_disk.iterdir()] == ["old.h5"]
    assert old.read_bytes() == b"as it was"


def test_a_disk_that_fills_as_a_run_goes_on(shell: Callable[..., Any], small_disk: Path) -> None:
    """Where HDF5 writes what it kept back; 64 kB are enough for a part of the checkpoints."""
    run = ["sim", "builtin:stick", "--passive", "--tstop", 20, "--set", "record.imem=true", "-q"]
    said = shell(*run, "--checkpoint", 2, "-o", small_disk / "a.h5", code=4).err
    assert "no space left on device" in said and said.count("\n") == 1
    # the checkpoint is the one before, in whole
    assert {path.name for path in small_disk.iterdir()} <= {"a.h5.checkpoint"}


def test_writes_that_cannot_be_told_are_noticed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Closed:
        def __del__(self) -> None:
            raise RuntimeError(
                "Can't decrement id ref count (file write failed: time = now\n, filename = 'a', "
                f"file descriptor = {descriptor}, errno = 28, error message = 'No space')"
            )

    with pytest.raises(OutputError, match="no space left"), atomic_output(tmp_path / "a") as path:
        descriptor = os.open(path, os.O_WRONLY)
        Closed()
        os.write(descriptor, b"goes nowhere")
        assert path.stat().st_size == 0
        os.close(descriptor)
    assert list(tmp_path.iterdir()) == [] and capfd.readouterr() == ("", "")


def test_full_standard_output(shell: Callable[..., Any], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", "info", "--json", str(tmp_path / "a.npy")],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 4 and b"no space left" in done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["info", "--help"], ["help"]])
def test_full_standard_output_of_what_ends_early(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 4
    assert "no space left on device [standard output]; free some space" in done.stderr


def test_spool_of_standard_input_names_its_folder(
    shell: Callable[..., Any], small_disk: Path
) -> None:
    environment = {**os.environ, "TMPDIR": str(small_disk)}
    said = shell("info", "-", stdin=bytes(1 << 20), code=4, env=environment).err
    assert str(small_disk) in said and "TMPDIR" in said
    assert list(small_disk.iterdir()) == []


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with atomic_output(path, force=True) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        temporary.write_bytes(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() == b"new"


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link, path = tmp_path / "link", tmp_path / "far" / "a"
    link.symlink_to(path)
    for content in (b"first", b"second"):
        with atomic_output(link, force=True) as temporary:
            assert temporary.parent == path.parent
            temporary.write_bytes(content)
        assert link.is_symlink() and path.read_bytes() == content
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(OutputError, match="leads to itself"), atomic_output(circle, force=True):
        pass


def test_leftovers_of_processes_that_are_gone_are_swept(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with atomic_output(path) as temporary:
        name = temporary.name
        temporary.write_bytes(b"x")
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / name.replace(f"-{os.getpid()}-", f"-{gone.pid}-")
    packed = left.with_name(left.name + ".packed")
    for stale in (left, packed):
        stale.write_bytes(b"stale")
    with atomic_output(path, force=True) as temporary:
        assert not left.exists() and not packed.exists() and temporary.exists()


def test_folders_are_there_in_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(ZeroDivisionError), atomic_folder(target) as folder:
        (folder / "a").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(target) as folder:
        (folder / "a").write_text("first")
    with pytest.raises(OutputError, match="--force"), atomic_folder(target):
        pass
    with pytest.raises(OSError, match="lost"), atomic_folder(target, force=True) as folder:
        (folder / "a").write_text("half")
        raise OSError("lost")
    assert (target / "a").read_text() == "first"
    link = tmp_path / "link"
    link.symlink_to(target)
    target.chmod(0o700)
    with atomic_folder(link, force=True) as folder:
        (folder / "a").write_text("second")
        (folder / "b").write_text("more")
    assert link.is_symlink() and (target / "a").read_text() == "second"
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]


@pytest.mark.parametrize("name", ["out", "out/..", "."])
def test_folders_of_others_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years")
    with (
        pytest.raises(OutputError, match="which would be lost"),
        atomic_folder(name, force=True) as folder,
    ):
        (folder / "spikes.h5").write_text("minutes")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_was_being_replaced_comes_back(tmp_path: Path) -> None:
    """By a process that was killed between its two steps."""
    with atomic_folder(tmp_path / "out") as folder:
        stem = folder.parent.name.rpartition("-")[0].rpartition("-")[0]
    process = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, check=True, text=True)
    left = tmp_path / f"{stem}-{process.stdout.strip()}-00.tmp"
    left.mkdir()
    (tmp_path / "out").rename(left / "before")
    (left / "before" / "a").write_text("old")
    with pytest.raises(KeyError), atomic_folder(tmp_path / "out"):
        raise KeyError
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_package_raises_on_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """Matplotlib closes a PDF that could not be written, and fails at that."""
    with (
        pytest.raises(OutputError, match="no space left on device"),
        atomic_output(tmp_path / "a.pdf"),
    ):
        try:
            raise OSError(28, "No space left on device")
        finally:
            raise ValueError("inconsistent stream state")
