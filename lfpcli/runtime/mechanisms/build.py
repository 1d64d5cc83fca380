"""Compile mechanisms once per content, however many processes ask at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lfpcli.errors import OutputError
from lfpcli.runtime.mechanisms.compiling import compile_library
from lfpcli.runtime.mechanisms.library import Library, cache_folder, read_library
from lfpcli.runtime.mechanisms.sources import ModFile, find_sources, staged_stems
from lfpcli.runtime.mechanisms.toolchain import build_key

# what a network file system answers that knows no locks
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_SAY_NOTHING: Callable[[str], None] = lambda text: None  # noqa: E731


def build(
    paths: Iterable[str | os.PathLike[str]],
    *,
    skip_broken: bool = False,
    report: Callable[[str], None] = _SAY_NOTHING,
) -> Library:
    """Compile mechanisms for NEURON and CoreNEURON, or find them compiled.

    Parameters
    ----------
    paths : iterable of path-like
        Folders of .mod files, and .mod files.
    skip_broken : bool
        Whether files that do not compile are left out; `Library.skipped` names them.
    report : callable
        Told that a compilation begins.

    Returns
    -------
    Library
        The compiled mechanisms; not loaded yet.

    Raises
    ------
    InputError
        Where a file is missing or no text.
    SimulatorError
        Where a file does not compile, two define one name, or a compiler is missing.
    OutputError
        Where the cache cannot be written.
    """
    files = find_sources(paths)
    contents = [(stem, file.digest) for stem, file in staged_stems(files).items()]
    whole = cache_folder() / build_key(contents)
    partial = cache_folder() / build_key(contents, "skip broken")
    # where nothing was broken, both ways of asking get the same build
    for target in (whole, partial) if skip_broken else (whole,):
        library = read_library(target)
        if library is not None:
            return library.at(files)
    return _build_once(files, partial if skip_broken else whole, skip_broken, report).at(files)


def _build_once(
    files: Sequence[ModFile], target: Path, skip_broken: bool, report: Callable[[str], None]
) -> Library:
    """Build into `target` unless another process does so first."""
    with _disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target) as exclusive:
        # a listing makes a network file system forget that the folder was not there
        library = read_library(target) if target in target.parent.iterdir() else None
        if library is not None:
            return library
        if exclusive:
            for left in target.parent.glob(f"unfinished-{target.name}-*"):
                shutil.rmtree(left, ignore_errors=True)
        report(f"compiling {len(files)} mechanism{'s' if len(files) > 1 else ''}")
        with tempfile.TemporaryDirectory(prefix="lfp-mechs-") as work:
            return _publish(compile_library(files, Path(work), skip_broken), target)


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
            f"the cache of mechanisms cannot be written: {(error.strerror or '').lower()}",
            source=folder,
            remedy="set LFP_MECH_CACHE to a folder that can",
        ) from error


def _publish(compiled: Library, target: Path) -> Library:
    """Give the finished build its name in one step; another's that came first is as good."""
    unfinished = target.with_name(f"unfinished-{target.name}-{secrets.token_hex(6)}")
    try:
        with _disk_errors(target.parent):
            shutil.copytree(compiled.folder, unfinished)
            # after a crash of the machine a folder that looks whole must have whole files
            for file in unfinished.iterdir():
                with file.open("rb") as data:
                    os.fsync(data.fileno())
            with contextlib.suppress(FileNotFoundError):
                if read_library(target) is None:
                    shutil.rmtree(target)
            try:
                unfinished.rename(target)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    library = read_library(target)
    if library is None:
        raise OutputError(
            "the compiled mechanisms are gone",
            source=target,
            remedy="run the command again; something cleans this folder",
        )
    return library
