"""Body of ``lfp mechs``: compile, list, describe and check mechanisms."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lfpcli.errors import LfpWarning, SimulatorError, nearest
from lfpcli.runtime.mechanisms.build import build
from lfpcli.runtime.mechanisms.check import Finding, check
from lfpcli.runtime.mechanisms.library import Library, cached_libraries
from lfpcli.runtime.mechanisms.library import clean as clean_cache
from lfpcli.runtime.mechanisms.sources import find_sources

Paths = Sequence[str | os.PathLike[str]]

__all__ = [
    "Finding",
    "check_mechanisms",
    "clean_cache",
    "compile_mechanisms",
    "describe_mechanism",
    "list_mechanisms",
]


def compile_mechanisms(
    paths: Paths, *, skip_broken: bool = False, report: Callable[[str], None] | None = None
) -> Library:
    """Compile mechanisms and warn of what was left out.

    Parameters
    ----------
    paths : sequence of path-like
        Folders and .mod files.
    skip_broken : bool
        Whether files that do not compile are left out.
    report : callable, optional
        Told that a compilation begins.

    Returns
    -------
    Library
        The compiled mechanisms.
    """
    library = build(paths, skip_broken=skip_broken, **({"report": report} if report else {}))
    for finding in {f.file: f for f in reversed(library.skipped)}.values():
        warnings.warn(
            f"left out, does not compile: {finding.text} [{finding.location}]",
            LfpWarning,
            stacklevel=2,
        )
    return library


def check_mechanisms(paths: Paths) -> list[Finding]:
    """Translate mechanisms without compiling them; return all that is wrong, in file order."""
    return check(find_sources(paths))


def list_mechanisms(paths: Paths = ()) -> list[dict[str, Any]]:
    """List mechanisms.

    Parameters
    ----------
    paths : sequence of path-like
        Folders and .mod files; without any, what NEURON has built in and what was compiled.

    Returns
    -------
    list of dict
        `name`, `kind`, `file` (None where built in) and `library` (None where not compiled).
    """
    if paths:
        return [
            {"name": f.name, "kind": f.nature, "file": str(f.path), "library": None}
            for f in find_sources(paths)
        ]
    from lfpcli.runtime.mechanisms.describe import builtin_mechanisms

    listed = [{**m, "file": None, "library": None} for m in builtin_mechanisms()]
    for library in cached_libraries():
        listed += [
            {"name": m.name, "kind": m.nature, "file": m.file, "library": str(library.path)}
            for m in library.mechanisms
        ]
    return listed


def describe_mechanism(
    name: str, paths: Paths = (), report: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Describe one mechanism.

    Parameters
    ----------
    name : str
        Its name.
    paths : sequence of path-like
        Where it is defined; without any, NEURON's own and what was compiled before are searched.
    report : callable, optional
        Told that a compilation begins.

    Returns
    -------
    dict
        As of `lfpcli.runtime.mechanisms.describe.describe`, with `file` and `coreneuron` (None, or
        why CoreNEURON does not take it).

    Raises
    ------
    SimulatorError
        Where there is no such mechanism.
    """
    from lfpcli.runtime.engine.coreneuron import builtin_names
    from lfpcli.runtime.mechanisms.describe import builtin_mechanisms, describe
    from lfpcli.runtime.mechanisms.load import load

    builtin = [m["name"] for m in builtin_mechanisms()]
    libraries = [compile_mechanisms(paths, report=report)] if paths else cached_libraries()
    defining = [library for library in libraries if name in library.names]
    if defining:
        _warn_of_others(name, defining)
        # of several of one name the latest build is meant, as `lfp sim` takes it
        load(defining[0])
        mechanism = defining[0].mechanism(name)
        return {**describe(name), "file": mechanism.file, "coreneuron": mechanism.refused}
    if name not in builtin:
        known = builtin.copy()
        for library in libraries:
            known += library.names
        raise SimulatorError(
            f"unknown mechanism '{name}'",
            remedy=f"{nearest(name, known, 'mechanism')}; or name the folder of its .mod file",
        )
    refused = None if name in builtin_names() else "not among CoreNEURON's own mechanisms"
    return {**describe(name), "file": None, "coreneuron": refused}


def _warn_of_others(name: str, libraries: Sequence[Library]) -> None:
    """Warn where the cache holds different mechanisms of one name."""
    # the first library is the latest: going backwards, its path is the one kept for a digest
    versions = [library.mechanism(name) for library in reversed(libraries)]
    files = {mechanism.digest: mechanism.file for mechanism in versions}
    if len(files) > 1:
        latest = versions[-1].file
        others = ", ".join(sorted(file for file in files.values() if file != latest))
        warnings.warn(
            f"several mechanisms named '{name}' were compiled; this is the latest, from {latest}"
            f" (not {others or Path(latest).name + ' as it was before'})",
            LfpWarning,
            stacklevel=3,
        )
