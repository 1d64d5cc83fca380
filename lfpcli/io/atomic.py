"""Outputs that are there in whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from lfpcli.errors import LfpError, OutputError
from lfpcli.io import stream

# HDF5 reports a failed write in its message alone
_WRITE_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES}


def check_output(
    target: str | os.PathLike[str], *, force: bool = False, binary: bool = True
) -> None:
    """Raise `OutputError` where `target` could not be written, before any work is done.

    Parameters
    ----------
    target : path-like
        File to write, or ``-`` for standard output.
    force : bool
        Whether an existing file may be replaced.
    binary : bool
        Whether the data may not go to a terminal.
    """
    if str(target) == stream.STDIN:
        if binary and stream.stdout_is_terminal():
            raise OutputError(
                "binary data would go to a terminal",
                source="standard output",
                remedy="name a file with -o FILE, or pipe it into another command",
            )
        return
    path = Path(target)
    if path.is_dir():
        raise OutputError("is a folder", source=path, remedy="name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(
            "output folder does not exist", source=folder, remedy=f"mkdir -p {folder}"
        )
    if path.exists() and not force and path.is_file():
        raise OutputError("output exists", source=path, remedy="use --force to overwrite it")
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "output folder is not writable", source=folder, remedy="check its permissions"
        )


@contextlib.contextmanager
def atomic_output(
    target: str | os.PathLike[str], *, force: bool = False, binary: bool = True
) -> Iterator[Path]:
    """Yield a path to write; on success it becomes `target`, on any failure nothing stays.

    The path may be opened for writing any number of times; its name says nothing of the
    format. What a killed process left behind is removed when the same target is written again.

    Parameters
    ----------
    target : path-like
        File to write, or ``-`` for standard output.
    force : bool
        Whether an existing file is replaced.
    binary : bool
        Whether the data may not go to a terminal.

    Raises
    ------
    OutputError
        Where the target exists, its folder is missing, or the disk is full.
    """
    check_output(target, force=force, binary=binary)
    final = Path(target)
    streamed = str(target) == stream.STDIN
    # devices and pipes are written to; renaming over them would replace them
    special = not streamed and final.exists() and not final.is_file()
    folder = Path(tempfile.gettempdir()) if streamed or special else final.parent
    path = folder / f"{_stem(final.name)}{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        with _disk_errors("standard output" if streamed else str(target)):
            if folder == final.parent:
                _sweep(folder, final.name)
            path.touch()
            yield path
            if streamed:
                stream.copy_to_stdout(path)
            elif special:
                with path.open("rb") as source, final.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
            else:
                _publish(path, final)
    finally:
        path.unlink(missing_ok=True)


def _stem(name: str) -> str:
    # process numbers mean something on one host only, and folders are shared between hosts
    return f".lfp-{name[:80]}-{zlib.crc32(os.uname().nodename.encode()):08x}-"


def _sweep(folder: Path, name: str) -> None:
    """Remove what processes that are no more left of this target."""
    for left in folder.glob(f"{glob.escape(_stem(name))}*.tmp*"):
        pid = left.name.partition(".tmp")[0].split("-")[-2]
        if pid.isdigit() and not _alive(int(pid)):
            left.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _publish(path: Path, final: Path) -> None:
    """Give the complete file its name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.replace(final)


@contextlib.contextmanager
def _disk_errors(place: str) -> Iterator[None]:
    """Turn a failed write into an `OutputError`; h5py reports a full disk as its own errors."""
    try:
        yield
    except (BrokenPipeError, LfpError):
        raise
    except (OSError, RuntimeError) as error:
        number = getattr(error, "errno", None) or next(
            (n for n in _WRITE_FAILURES if f"errno = {n}," in str(error)), None
        )
        if number not in _WRITE_FAILURES:
            raise
        raise OutputError(
            f"cannot write: {os.strerror(number).lower()}",
            source=place,
            remedy="free some space or write elsewhere",
        ) from error
