"""Body of ``lfp mechs``: compile, list, describe, check and port mechanisms."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, LfpWarning, OutputError, SimulatorError, nearest
from lfpcli.io.temporary import temporary_folder
from lfpcli.runtime.mechanisms.build import build
from lfpcli.runtime.mechanisms.check import Finding, check
from lfpcli.runtime.mechanisms.library import Library, cached_libraries
from lfpcli.runtime.mechanisms.library import clean as clean_cache
from lfpcli.runtime.mechanisms.porting import Port, port, portable
from lfpcli.runtime.mechanisms.sources import find_sources, includes_of

Paths = Sequence[str | os.PathLike[str]]

__all__ = [
    "Finding",
    "check_mechanisms",
    "clean_cache",
    "compile_mechanisms",
    "describe_mechanism",
    "list_mechanisms",
    "port_mechanisms",
    "portable_count",
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


def portable_count(paths: Paths) -> int:
    """How many of the files have something that `port_mechanisms` would mend."""
    return len(portable(find_sources(paths)))


@dataclass(frozen=True, kw_only=True)
class PortedFile:
    """A mechanism's copy.

    Attributes
    ----------
    source, target : Path
        The file, and its copy.
    changes : tuple of str
        What was mended; empty where the copy has the same bytes.
    diff : str
        Unified difference of the two.
    findings : tuple of Finding
        What was not recognised, and what the engines still refuse, at lines of `source`.
    """

    source: Path
    target: Path
    changes: tuple[str, ...]
    diff: str
    findings: tuple[Finding, ...]


def port_mechanisms(paths: Paths, folder: str | os.PathLike[str]) -> list[PortedFile]:
    """Copy mechanisms to a folder of their own, with the known patterns of older NEURON mended.

    Parameters
    ----------
    paths : sequence of path-like
        Folders and .mod files; they stay as they are.
    folder : path-like
        Where the copies go; it must not be there, or be empty.

    Returns
    -------
    list of PortedFile
        One for each mechanism, sorted by name.

    Raises
    ------
    InputError
        Where a file is missing or no text, or two have one name.
    OutputError
        Where the folder holds something, or cannot be written.
    """
    target = Path(folder)
    _check_fresh(target)
    ports = [port(file) for file in find_sources(paths)]
    _check_names(ports)
    try:
        with temporary_folder(target.parent, target.name) as work:
            whole = work / "whole"
            whole.mkdir()
            for ported in ports:
                _write_port(ported, whole)
            refused = _refusals(ports, whole)
            # what is there under the name of the folder is there in whole
            whole.replace(target)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"cannot be written: {(error.strerror or str(error)).lower()}",
            source=target,
            remedy="name another folder",
        ) from error
    return [
        PortedFile(
            source=ported.file.path,
            target=target / ported.file.path.name,
            changes=ported.changes,
            diff=ported.diff(target / ported.file.path.name),
            findings=(*ported.leftovers, *refused.get(ported.file.name, ())),
        )
        for ported in ports
    ]


def _check_fresh(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError("output exists", source=target, remedy="name a folder that is not there")
    if not target.absolute().parent.is_dir():
        raise OutputError(
            "output folder does not exist",
            source=target.parent,
            remedy=f"mkdir -p {target.parent}",
        )


def _check_names(ports: Sequence[Port]) -> None:
    """Two files of one name would become one."""
    by_name: dict[str, Path] = {}
    for ported in ports:
        other = by_name.setdefault(ported.file.path.name, ported.file.path)
        if other != ported.file.path:
            raise InputError(
                "two files have one name",
                source=f"{other} and {ported.file.path}",
                remedy="port their folders one by one",
            )


def _write_port(ported: Port, folder: Path) -> None:
    """Write a copy, with the encoding and the line ends of the file."""
    path = ported.file.path
    raw = path.read_bytes()
    if ported.changes:
        text = ported.text.replace("\n", "\r\n") if b"\r\n" in raw else ported.text
        try:
            raw.decode("utf-8")
            raw = text.encode("utf-8")
        except UnicodeDecodeError:
            raw = text.encode("latin-1")
    (folder / path.name).write_bytes(raw)
    for name in includes_of(ported.file):
        inside = folder / name
        # what lies elsewhere is found there by its own path
        if not Path(name).is_absolute() and ".." not in Path(name).parts:
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path.parent / name, inside)


def _refusals(ports: Sequence[Port], folder: Path) -> dict[str, list[Finding]]:
    """What the engines refuse of the copies, by mechanism, at lines of the files as they are."""
    refused: dict[str, list[Finding]] = {}
    by_name = {ported.file.path.name: ported for ported in ports}
    for finding in check(find_sources([folder])):
        ported = by_name[Path(finding.file).name]
        line = ported.source_line(finding.line)
        moved = replace(finding, file=str(ported.file.path), line=line)
        refused.setdefault(ported.file.name, []).append(moved)
    return refused


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
