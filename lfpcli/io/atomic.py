"""Outputs that are there in whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lfpcli.errors import LfpError, OutputError, UsageError
from lfpcli.guarded.lost_writes import failed_write, lost_writes
from lfpcli.io import stream
from lfpcli.io.temporary import BEFORE, temporary_file, temporary_folder

RECORDING_SUFFIXES = (".h5", ".hdf5")
_NOT_WRITABLE = {errno.EROFS, errno.EACCES}


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
    path = _resolved(target)
    if path.is_dir():
        raise OutputError("is a folder", source=path, remedy="name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(
            "output folder does not exist", source=folder, remedy=f"mkdir -p {folder}"
        )
    # devices and pipes exist as well, and are written to
    if path.exists() and not force and path.is_file():
        raise OutputError("output exists", source=path, remedy="use --force to overwrite it")
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "output folder is not writable", source=folder, remedy="check its permissions"
        )


def check_recording_output(
    target: str | os.PathLike[str], *, force: bool = False, noun: str = "a recording"
) -> None:
    """As `check_output` of a recording, whose name must not say that it is something else.

    Parameters
    ----------
    target : path-like
        File to write, or ``-`` for standard output.
    force : bool
        Whether an existing file is replaced.
    noun : str
        What the file is called in messages.

    Raises
    ------
    UsageError
        Where the suffix is none of HDF5's.
    """
    suffix = Path(target).suffix.lower()
    special = Path(target).exists() and not Path(target).is_file()
    # a number behind a dot, as in weight_0.1, is no suffix
    named = suffix[1:] and not suffix[1:].isdigit()
    if named and suffix not in RECORDING_SUFFIXES and not special:
        raise UsageError(
            f"{noun} is HDF5, and {Path(target).name} says otherwise",
            remedy="name it .h5; lfp convert and lfp plot write other files",
        )
    check_output(target, force=force)


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
        File to write, or ``-`` for standard output. A link is followed and stays one.
    force : bool
        Whether an existing file is replaced; its permissions stay.
    binary : bool
        Whether the data may not go to a terminal.

    Raises
    ------
    OutputError
        Where the target exists, its folder is missing, or the disk is full.
    """
    check_output(target, force=force, binary=binary)
    final = _resolved(target)
    streamed = str(target) == stream.STDIN
    # devices and pipes are written to; renaming over them would replace them
    special = not streamed and final.exists() and not final.is_file()
    # beside the target otherwise: a file keeps its bytes when it is renamed within a disk alone
    folder = Path(tempfile.gettempdir()) if streamed or special else final.parent
    # in a folder that all users share nobody else reads it
    mode = 0o600 if streamed or special else _mode_of(final)
    name = final.name if not streamed else "stdout"
    with (
        _disk_errors(str(folder) if streamed or special else str(target)) as lost,
        temporary_file(folder, name, mode=0o666 if mode is None else mode) as path,
    ):
        yield path
        _check_written(lost)
        if streamed:
            stream.copy_to_stdout(path)
        elif special:
            with path.open("rb") as source, final.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        else:
            _publish(path, final, mode)


@contextlib.contextmanager
def atomic_folder(target: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Yield a folder to fill; on success it becomes `target`, on any failure nothing stays.

    Parameters
    ----------
    target : path-like
        The folder. A link is followed and stays one.
    force : bool
        Whether an existing one is replaced, whose permissions stay; it may hold nothing that the
        new one does not.

    Raises
    ------
    OutputError
        Where the target exists or holds what others wrote, its parent is missing, or the disk is
        full.
    """
    check_folder_output(target, force=force)
    final = _resolved(target).resolve()
    with (
        _disk_errors(str(target)) as lost,
        temporary_folder(final.parent, final.name) as work,
    ):
        whole = work / "whole"
        whole.mkdir()
        yield whole
        _check_written(lost)
        if final.is_dir():
            _check_alike(final, whole)
            whole.chmod(stat.S_IMODE(final.stat().st_mode))
        try:
            if final.exists():
                # a folder that holds something is not replaced in one step
                final.replace(work / BEFORE)
            whole.replace(final)
        except OSError as error:
            raise OutputError(
                f"cannot be replaced: {(error.strerror or str(error)).lower()}",
                source=final,
                remedy="name another folder",
            ) from error


def check_folder_output(target: str | os.PathLike[str], *, force: bool = False) -> None:
    """Raise `OutputError` where a folder could not be made, before any work is done."""
    final = Path(target)
    if (final.exists() or final.is_symlink()) and not force:
        raise OutputError("output exists", source=final, remedy="use --force to overwrite it")
    parent = _resolved(target).resolve().parent
    if not parent.is_dir():
        raise OutputError(
            "output folder does not exist", source=parent, remedy=f"mkdir -p {parent}"
        )
    if not os.access(parent, os.W_OK):
        raise OutputError(
            "output folder is not writable", source=parent, remedy="check its permissions"
        )


def _check_alike(final: Path, whole: Path) -> None:
    """Refuse to replace a folder that holds what the one in its place would not."""
    others = {path.name for path in final.iterdir()} - {path.name for path in whole.iterdir()}
    if others:
        raise OutputError(
            f"holds '{min(others)}', which would be lost",
            source=final,
            remedy="remove the folder, or name another",
        )


@contextlib.contextmanager
def kept_if_used(folder: Path) -> Iterator[None]:
    """Make a folder, and remove it on a failure if it was not there and nothing is in it.

    Raises
    ------
    OutputError
        Where it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot be made: {error.strerror}", source=folder, remedy="name another folder"
        ) from error
    try:
        yield
    except BaseException:
        for path in missing:
            # what others have written in the meantime stays
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _mode_of(final: Path) -> int | None:
    """Permissions of a file that is replaced, None where there is none."""
    try:
        return stat.S_IMODE(final.stat().st_mode)
    except OSError:
        return None


def _resolved(target: str | os.PathLike[str]) -> Path:
    """What a target stands for: a link is followed, so that it stays a link.

    Raises
    ------
    OutputError
        Where a link leads to itself.
    """
    try:
        return Path(target).resolve() if Path(target).is_symlink() else Path(target)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            "is a link that leads to itself", source=target, remedy="remove it"
        ) from error


def _publish(path: Path, final: Path, mode: int | None) -> None:
    """Give the complete file its name, and the permissions of the one before it."""
    # on the disk before it has its name: a crash between the two would leave an empty file
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.replace(final)


@contextlib.contextmanager
def _disk_errors(target: str) -> Iterator[list[int]]:
    """Turn a failed write into an `OutputError`; h5py reports a full disk as its own errors.

    Yields the numbers of those that could not be raised where they happened.
    """
    with lost_writes() as lost:
        try:
            yield lost
        except (BrokenPipeError, LfpError):
            raise
        except Exception as error:
            number = lost[0] if lost else _number(error)
            if number is None:
                raise
            raise OutputError(
                f"cannot write: {os.strerror(number).lower()}",
                source=target,
                remedy="free some space or write elsewhere",
            ) from error


def _check_written(lost: list[int]) -> None:
    if lost:
        raise OSError(lost[0], os.strerror(lost[0]))


def _number(error: BaseException) -> int | None:
    """The number of a failed write; None where an error is about something else."""
    number = failed_write(error)
    if number is None and getattr(error, "errno", None) in _NOT_WRITABLE:
        number = getattr(error, "errno", None)
    return number
