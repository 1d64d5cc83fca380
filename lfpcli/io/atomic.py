"""Outputs that are there in whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import tempfile
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
                place="standard output",
                remedy="name a file with -o FILE, or pipe it into another command",
            )
        return
    path = Path(target)
    if path.is_dir():
        raise OutputError("is a folder", place=path, remedy="name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError("output folder does not exist", place=folder, remedy=f"mkdir -p {folder}")
    if path.exists() and not force and path.is_file():
        raise OutputError("output exists", place=path, remedy="use --force to overwrite it")
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "output folder is not writable", place=folder, remedy="check its permissions"
        )


@contextlib.contextmanager
def atomic_output(
    target: str | os.PathLike[str], *, force: bool = False, binary: bool = True
) -> Iterator[Path]:
    """Yield a path to write; on success it becomes `target`, on any failure nothing stays.

    The path may be opened for writing any number of times; its name says nothing of the
    format. Where the file system allows, it has no name until it is complete, so that even a
    killed process leaves nothing behind.

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
    with _disk_errors("standard output" if streamed else str(target)), _unnamed(folder) as path:
        yield path
        if streamed:
            stream.copy_to_stdout(path)
        elif special:
            with path.open("rb") as source, final.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        else:
            _publish(path, final)


@contextlib.contextmanager
def _unnamed(folder: Path) -> Iterator[Path]:
    """Yield a path to an empty file in `folder` that has no name, or a hidden one."""
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
        path = Path(f"/proc/self/fd/{descriptor}")
        if not path.exists():
            os.close(descriptor)
            raise OSError(errno.ENOTSUP, "no /proc")
    except (OSError, AttributeError):
        path = _hidden(folder)
        path.touch()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
        return
    try:
        yield path
    finally:
        os.close(descriptor)


def _hidden(folder: Path) -> Path:
    return folder / f".lfp-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def _publish(path: Path, final: Path) -> None:
    """Give the complete file its name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if path.parent.name != "fd":
        path.replace(final)
        return
    named = _hidden(final.parent)
    # a link cannot replace a file, a rename can
    os.link(path, named, follow_symlinks=True)
    try:
        named.replace(final)
    finally:
        named.unlink(missing_ok=True)


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
            place=place,
            remedy="free some space or write elsewhere",
        ) from error
