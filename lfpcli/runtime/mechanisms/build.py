"""Compile mechanisms once per content, or find them compiled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lfpcli.runtime.mechanisms.compiling import compile_core_builtins, compile_library
from lfpcli.runtime.mechanisms.library import (
    BUILTIN_PREFIX,
    MANIFEST,
    Library,
    cache_folder,
    core_library_in,
    read_library,
)
from lfpcli.runtime.mechanisms.sources import find_sources, staged_stems
from lfpcli.runtime.mechanisms.store import built_once
from lfpcli.runtime.mechanisms.toolchain import build_key, toolchain
from lfpcli.runtime.mechanisms.trust import check_trusted

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
            check_trusted(target, MANIFEST)
            return library.at(files)

    subject = f"{len(files)} mechanism{'s' if len(files) > 1 else ''}"

    def compiled(work: Path) -> Path:
        report(f"compiling {subject}")
        return compile_library(files, work, skip_broken).folder

    target = partial if skip_broken else whole
    library = built_once(target, read_library, compiled, subject=subject)
    # where the cache lies is seen once it is there, and another process may have filled it
    check_trusted(target, MANIFEST)
    return library.at(files)


def build_core_builtins() -> Path:
    """Compile CoreNEURON with NEURON's own mechanisms in vectors, or find it compiled.

    Returns
    -------
    Path
        The library.

    Raises
    ------
    SimulatorError
        Where a compiler is missing or fails.
    OutputError
        Where the cache cannot be written.
    """
    target = cache_folder() / f"{BUILTIN_PREFIX}{build_key([], 'built in')}"
    library = core_library_in(target)
    if library is not None:
        return library
    # nothing is announced that cannot be compiled
    toolchain()
    subject = "NEURON's mechanisms for CoreNEURON"
    return built_once(target, core_library_in, compile_core_builtins, subject=subject)
