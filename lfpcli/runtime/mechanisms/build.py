"""Compile mechanisms once per content, however many processes ask at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lfpcli.errors import OutputError, SimulatorError
from lfpcli.runtime.mechanisms.check import Finding, check
from lfpcli.runtime.mechanisms.library import (
    CORE_LIBRARY,
    NEURON_LIBRARY,
    Library,
    Mechanism,
    cache_folder,
    read_library,
)
from lfpcli.runtime.mechanisms.sources import ModFile, find_sources, stage, staged_stems
from lfpcli.runtime.mechanisms.toolchain import Toolchain, build_key, toolchain

# what a network file system answers that knows no locks
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
# a file that make could not translate or compile
_FAILED_TARGET = re.compile(r"\*\*\* \[.*?/(\w+)\.(?:cpp|o)\] Error")
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
            made = _compile(files, Path(work), skip_broken)
            return _publish(made, target)


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
            place=folder,
            remedy="set LFP_MECH_CACHE to a folder that can",
        ) from error


def _publish(made: Library, target: Path) -> Library:
    """Give the finished build its name in one step; another's that came first is as good."""
    unfinished = target.with_name(f"unfinished-{target.name}-{secrets.token_hex(6)}")
    try:
        with _disk_errors(target.parent):
            shutil.copytree(made.folder, unfinished)
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
            place=target,
            remedy="run the command again; something cleans this folder",
        )
    return library


def _compile(files: Sequence[ModFile], work: Path, skip_broken: bool) -> Library:
    tools = toolchain()
    skipped: list[Finding] = []
    good = list(files)
    if skip_broken:
        findings = check(files, tools)
        skipped = [f for f in findings if f.engine == "neuron"]
        broken = {f.file for f in skipped}
        good = [file for file in files if str(file.path) not in broken]
        if not good:
            raise _failure(skipped, "")
    done = work / "done"
    done.mkdir()
    _compile_neuron(good, work, done, tools)
    refused = _compile_coreneuron(good, work, done, tools)
    library = Library(
        done,
        tuple(
            Mechanism(
                f.name, f.kind, str(f.path.resolve()), f.digest, f.electrode, refused.get(f.name)
            )
            for f in good
        ),
        tuple(replace(f, file=str(Path(f.file).resolve())) for f in skipped),
        tuple(file.name for file in files if file not in good),
    )
    library.write_manifest()
    return library


def _compile_neuron(files: Sequence[ModFile], work: Path, done: Path, tools: Toolchain) -> None:
    stage(files, work / "neuron" / "mods")
    command = [tools.program("nrnivmodl"), "-incflags", shlex.join(tools.flags), "mods"]
    code, printed = tools.run(command, work / "neuron")
    found = list((work / "neuron").glob(f"*/{NEURON_LIBRARY}.*"))
    if code != 0 or not found:
        raise _failure([f for f in check(files, tools) if f.engine == "neuron"], printed)
    shutil.copy(found[0], done)


def _compile_coreneuron(
    files: Sequence[ModFile], work: Path, done: Path, tools: Toolchain
) -> dict[str, str]:
    """Compile what CoreNEURON takes; return why it does not take the others."""
    refused = {f.name: f"POINTER {f.pointers[0]}" for f in files if f.pointers}
    stems = stage([f for f in files if f.name not in refused], work / "core" / "mods")
    while stems:
        printed = _run_core(work / "core", done, tools)
        if printed is None:
            break
        # those that failed are taken away, the others have been compiled by then
        failed = _FAILED_TARGET.findall(printed)
        broken = {stem: stems.pop(stem) for stem in dict.fromkeys(failed) if stem in stems}
        refused |= _reasons(broken.values(), tools)
        if not broken:
            reason = f"its compiler failed: {_first_error(printed)}"
            return refused | {file.name: reason for file in stems.values()}
        for stem in broken:
            for left in (work / "core").rglob(f"{stem}.*"):
                left.unlink()
    return refused


def _run_core(work: Path, done: Path, tools: Toolchain) -> str | None:
    """Compile a library for CoreNEURON; return what was printed where that fails."""
    command = [tools.program("nrnivmodl-core"), "-i", shlex.join(tools.flags), "mods"]
    code, printed = tools.run(command, work, MAKEFLAGS="-k")
    found = list(work.glob(f"*/{CORE_LIBRARY}.*"))
    if code != 0 or not found:
        return printed
    shutil.copy(found[0], done)
    return None


def _reasons(files: Iterable[ModFile], tools: Toolchain) -> dict[str, str]:
    """Why CoreNEURON does not take these files, by mechanism."""
    files = list(files)
    reasons = {file.name: "it does not compile" for file in files}
    names = {str(file.path): file.name for file in files}
    # of several findings in a file the first counts
    for finding in reversed(check(files, tools) if files else []):
        if finding.engine == "coreneuron":
            reasons[names[finding.file]] = finding.text
    return reasons


def _failure(findings: Sequence[Finding], printed: str) -> SimulatorError:
    """Make the error for files that do not compile: the first finding, and how many there are."""
    if not findings:
        return SimulatorError(
            f"mechanisms do not compile: {_first_error(printed)}",
            remedy="see 'lfp mechs --check'",
        )
    first = findings[0]
    if "command-line option" in first.text or "command line option" in first.text:
        return SimulatorError(f"compiler: {first.text}", remedy="correct LFP_MECH_CFLAGS")
    broken = len({f.file for f in findings})
    others = f" ({len(findings)} errors in {broken} files)" if len(findings) > 1 else ""
    return SimulatorError(
        f"mechanism does not compile: {first.text}{others}",
        place=first.place,
        remedy="correct it ('lfp mechs --check' lists all errors), or leave such files out with"
        " --skip-broken",
    )


def _first_error(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return (errors or lines or ["nothing was printed"])[0]
