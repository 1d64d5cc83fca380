"""Folders of the cache, each built once however many processes ask for it at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lfpcli.errors import OutputError

# what a network file system answers that knows no locks
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

Content = TypeVar("Content")
_LISTENERS: list[Callable[[str], None]] = []


@contextlib.contextmanager
def announced(listener: Callable[[str], None]) -> Iterator[None]:
    """Tell a listener, in a line each, what is compiled within, since it takes a while."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


def built_once(
    target: Path,
    read: Callable[[Path], Content | None],
    compiled: Callable[[Path], Path],
    *,
    subject: str,
) -> Content:
    """Return what is in a folder of the cache, and build it where nobody did so before.

    Parameters
    ----------
    target : Path
        The folder, named after all that decides its content.
    read : callable
        Reads the folder; None where it is not there, or not whole.
    compiled : callable
        Builds the content within an empty folder, and returns the folder that is to be published.
    subject : str
        What is compiled, for those who wait.

    Raises
    ------
    OutputError
        Where the cache cannot be written.
    """
    with _disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target) as exclusive:
        # a listing makes a network file system forget that the folder was not there
        content = read(target) if target in target.parent.iterdir() else None
        if content is not None:
            return content
        if exclusive:
            for remnant in target.parent.glob(f"unfinished-{target.name}-*"):
                shutil.rmtree(remnant, ignore_errors=True)
        for listener in _LISTENERS:
            listener(f"compiling {subject}, once for this machine")
        with tempfile.TemporaryDirectory(prefix="lfp-mechs-") as work:
            _publish(compiled(Path(work)), target, read)
    content = read(target)
    if content is None:
        raise OutputError(
            "the compiled mechanisms are gone",
            source=target,
            remedy="run the command again; something cleans this folder",
        )
    return content


@contextlib.contextmanager
def _lock(target: Path) -> Iterator[bool]:
    """Hold the lock of a build; yield whether there is one, since some file systems have none."""
    with _disk_errors(target.parent):
        descriptor = os.open(target.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            exclusive = True
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            exclusive = False
        yield exclusive
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the cache of mechanisms cannot be written: {_reason(error)}",
            source=folder,
            remedy="set LFP_MECH_CACHE to a folder that can",
        ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, shutil.Error):
        # what went wrong with each file, of which one will do: from, to, reason
        return str(error.args[0][0][2])
    return (error.strerror or str(error)).lower()


def _publish(folder: Path, target: Path, read: Callable[[Path], Content | None]) -> None:
    """Give a finished build its name in one step; another's that came first is as good."""
    unfinished = target.with_name(f"unfinished-{target.name}-{secrets.token_hex(6)}")
    try:
        with _disk_errors(target.parent):
            shutil.copytree(folder, unfinished)
            # after a crash of the machine a folder that looks whole must have whole files
            for file in unfinished.iterdir():
                with file.open("rb") as data:
                    os.fsync(data.fileno())
            with contextlib.suppress(FileNotFoundError):
                if read(target) is None:
                    shutil.rmtree(target)
            try:
                unfinished.rename(target)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
