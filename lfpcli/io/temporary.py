"""Temporary files: made anew, of this process alone, and removed when it is gone."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

_PRIVATE = 0o600
BEFORE = "before"
"""Name in a temporary folder of what it is to replace."""


@contextlib.contextmanager
def temporary_file(folder: Path, name: str, *, mode: int = _PRIVATE) -> Iterator[Path]:
    """Make an empty file that goes with the context, unless it got another name.

    What processes left that are no more is removed first.

    Parameters
    ----------
    folder : Path
        Where to.
    name : str
        What it stands for, part of its name.
    mode : int
        Its permissions, less what the umask takes away.

    Raises
    ------
    OSError
        Where it cannot be made.
    """
    # commands that only talk load no kernel
    from lfpcli.kernels.deadline import removed_at_deadline

    _sweep(folder, name)
    path = folder / f"{_stem(name)}{os.getpid()}-{secrets.token_hex(4)}.tmp"
    with removed_at_deadline(path):
        try:
            # never what somebody else has put there, nor what a link leads to
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR, mode))
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder(folder: Path, name: str) -> Iterator[Path]:
    """Make a folder that goes with the context, and all that is in it; see `temporary_file`.

    What is named `BEFORE` in a folder that a process left was in the way of its output, and gets
    its name back.
    """
    _sweep(folder, name)
    path = folder / f"{_stem(name)}{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        path.mkdir(mode=0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _stem(name: str) -> str:
    # process numbers mean something on one host only, and folders are shared between hosts
    return f".lfp-{name[:80]}-{zlib.crc32(os.uname().nodename.encode()):08x}-"


def _sweep(folder: Path, name: str) -> None:
    """Remove what processes that are no more left under this name."""
    for left in folder.glob(f"{glob.escape(_stem(name))}*.tmp*"):
        pid = left.name.partition(".tmp")[0].split("-")[-2]
        if pid.isdigit() and not _alive(int(pid)):
            with contextlib.suppress(OSError):  # of another user
                _remove(left, folder / name)


def _remove(left: Path, target: Path) -> None:
    if left.is_symlink() or not left.is_dir():
        left.unlink(missing_ok=True)
        return
    before = left / BEFORE
    if before.exists() and not target.exists():
        before.rename(target)
    shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
