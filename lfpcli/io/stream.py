"""Standard input and output as data: ``-`` wherever a file name is taken."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lfpcli.builtin import resolved
from lfpcli.errors import InputError, LfpError, OutputError
from lfpcli.guarded.signature import begins_hdf5
from lfpcli.io.temporary import temporary_file
from lfpcli.runtime.mpi.job import launcher_redirects
from lfpcli.vocabulary import STDIN as STDIN

# bytes of a morphology, a model or a table that come through a pipe
MOST_TEXT = 1 << 30


@dataclass
class _StandardOutput:
    """The descriptor that data goes to; it differs from 1 while fd 1 is guarded."""

    fd: int = 1


STDOUT = _StandardOutput()


def check_input(source: str | os.PathLike[str]) -> None:
    """Raise `InputError` unless `source` is ``-`` or a readable, non-empty file."""
    if str(source) == STDIN:
        if sys.stdin is None:
            raise InputError("is closed", source="standard input", remedy="pipe data into it")
        if sys.stdin.isatty():
            raise InputError(
                "is a terminal", source="standard input", remedy="pipe data into it or name a file"
            )
        return
    path = Path(resolved(source))
    if path.is_dir():
        raise InputError("is a folder, not a file", source=path, remedy="name a file in it")
    if not path.exists():
        raise InputError("no such file", source=path, remedy="check the name and the folder")
    if not os.access(path, os.R_OK):
        raise InputError("file cannot be read", source=path, remedy="check its permissions")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError("file is empty", source=path, remedy="write it again")


@contextlib.contextmanager
def local_file(source: str | os.PathLike[str]) -> Iterator[tuple[Path, str]]:
    """Yield a seekable file that holds `source`, and the name to call it in messages.

    Standard input, pipes and devices are copied to a temporary file, since HDF5 and NumPy seek.
    """
    check_input(source)
    path = Path(resolved(source))
    if str(source) != STDIN and path.is_file():
        yield path, str(source)
        return
    name = "standard input" if str(source) == STDIN else str(source)
    folder = Path(tempfile.gettempdir())
    with _spool_file(folder) as spool:
        try:
            if str(source) == STDIN:
                _spool(sys.stdin.buffer, spool, name)
            else:
                with Path(source).open("rb") as pipe:
                    _spool(pipe, spool, name)
        except LfpError:
            raise
        except OSError as error:
            raise InputError(
                f"cannot be read: {(error.strerror or str(error)).lower()}",
                source=name,
                remedy="check what is piped in",
            ) from error
        if spool.stat().st_size == 0:
            raise InputError(
                "is empty", source=name, remedy="the command before it in the pipe wrote nothing"
            )
        yield spool, name


@contextlib.contextmanager
def _spool_file(folder: Path) -> Iterator[Path]:
    with contextlib.ExitStack() as stack:
        try:
            path = stack.enter_context(temporary_file(folder, "stdin"))
        except OSError as error:
            raise _no_room(error, folder) from error
        yield path


def _no_room(error: OSError, folder: Path) -> OutputError:
    return OutputError(
        f"cannot write: {(error.strerror or str(error)).lower()}",
        source=folder,
        remedy="free some space there, or set TMPDIR to another folder",
    )


def _spool(source: BinaryIO, path: Path, name: str) -> None:
    """Copy a pipe; what is no HDF5 or NumPy data may not be endless."""
    with path.open("r+b") as spool:
        for block in _blocks(source, name):
            try:
                spool.write(block)
                # a full disk is met here, not where the file is closed
                spool.flush()
            except OSError as error:
                raise _no_room(error, path.parent) from error


def _blocks(source: BinaryIO, name: str) -> Iterator[bytes]:
    """The bytes of a pipe, some at a time."""
    binary, total = False, 0
    while block := source.read(1 << 20):
        if total == 0:
            binary = begins_hdf5(block) or block.startswith((b"\x93NUMPY", b"PK"))
        total += len(block)
        yield block
        # text is read into memory whole, arrays are not
        if not binary and total > MOST_TEXT:
            raise InputError(
                f"holds more than {MOST_TEXT >> 20} MiB and is neither HDF5 nor NumPy data",
                source=name,
                remedy="check what is piped in",
            )


def head(path: Path, count: int = 8192) -> bytes:
    """Return the first bytes of a file, by which its format is known."""
    with path.open("rb") as file:
        return file.read(count)


def stdout_is_terminal() -> bool:
    """Whether data written to standard output would land on a terminal."""
    return os.isatty(STDOUT.fd) and not launcher_redirects()


@contextlib.contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Yield standard output as a binary file."""
    sys.stdout.flush()
    with os.fdopen(os.dup(STDOUT.fd), "wb") as file:
        yield file


def copy_to_stdout(path: Path) -> None:
    """Write the bytes of `path` to standard output.

    Raises
    ------
    OutputError
        Where the write fails; `BrokenPipeError` passes through, since a reader that
        has enough is no failure.
    """
    try:
        with path.open("rb") as file, standard_output() as out:
            shutil.copyfileobj(file, out, 1 << 20)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write: {error.strerror}",
            source="standard output",
            remedy="free some space or write elsewhere",
        ) from error
