"""Compiled mechanisms as they lie in the cache."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lfpcli.runtime.mechanisms.check import Finding
from lfpcli.runtime.mechanisms.sources import ModFile
from lfpcli.runtime.mechanisms.trust import digest_of

MANIFEST = "manifest.json"
NEURON_LIBRARY = "libnrnmech"
CORE_LIBRARY = "libcorenrnmech"
# folders of the cache that are no mechanisms of anybody's, or not whole
TAP_PREFIX = "tap-"
BUILTIN_PREFIX = "built-in-"
_NO_MECHANISMS = ("unfinished-", TAP_PREFIX, BUILTIN_PREFIX)


@dataclass(frozen=True)
class Mechanism:
    """One compiled mechanism.

    Attributes
    ----------
    name, nature, digest : str
        As in `ModFile`.
    file : str
        The .mod file it was compiled from.
    electrode : bool
        Whether it injects electrode current.
    refused : str or None
        Why CoreNEURON does not take it; None where it does.
    """

    name: str
    nature: str
    file: str
    digest: str
    electrode: bool
    refused: str | None = None


@dataclass(frozen=True)
class Library:
    """Mechanisms that were compiled together.

    Attributes
    ----------
    folder : Path
        Its folder in the cache.
    mechanisms : tuple of Mechanism
        What it holds.
    skipped : tuple of Finding
        Errors of the files that were left out because they do not compile.
    skipped_names : tuple of str
        The mechanisms that those files would define.
    """

    folder: Path
    mechanisms: tuple[Mechanism, ...]
    skipped: tuple[Finding, ...] = ()
    skipped_names: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The shared library for NEURON."""
        return next(iter(self.folder.glob(f"{NEURON_LIBRARY}.*")))

    @property
    def core_path(self) -> Path | None:
        """The shared library for CoreNEURON, None where there is none."""
        return core_library_in(self.folder)

    @property
    def names(self) -> list[str]:
        """Names of its mechanisms."""
        return [mechanism.name for mechanism in self.mechanisms]

    def mechanism(self, name: str) -> Mechanism:
        """The mechanism of this name, which must be among `names`."""
        return next(mechanism for mechanism in self.mechanisms if mechanism.name == name)

    @property
    def refused(self) -> dict[str, str]:
        """Mechanisms that CoreNEURON does not take, each with the reason."""
        return {m.name: m.refused for m in self.mechanisms if m.refused is not None}

    def at(self, files: Iterable[ModFile]) -> Library:
        """Return this library with the paths of the files it was asked for this time."""
        paths = {file.digest: str(file.path) for file in files}
        return replace(
            self,
            mechanisms=tuple(replace(m, file=paths.get(m.digest, m.file)) for m in self.mechanisms),
        )

    def write_manifest(self) -> None:
        """Write what is known of it into its folder."""
        libraries = [
            *self.folder.glob(f"{NEURON_LIBRARY}.*"),
            *self.folder.glob(f"{CORE_LIBRARY}.*"),
        ]
        facts = {
            "digests": {path.name: digest_of(path) for path in libraries},
            "mechanisms": [_manifest_entry(m) for m in self.mechanisms],
            "skipped": [asdict(f) for f in self.skipped],
            "skipped_names": list(self.skipped_names),
        }
        (self.folder / MANIFEST).write_text(json.dumps(facts, indent=1) + "\n")


def _manifest_entry(mechanism: Mechanism) -> dict[str, Any]:
    facts = asdict(mechanism)
    # the word of the file and of `lfp mechs --json`
    return {"kind": facts.pop("nature"), **facts}


def read_library(folder: Path) -> Library | None:
    """Read a library of the cache; None where there is none, or none that is whole."""
    try:
        facts: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        library = Library(
            folder,
            tuple(Mechanism(nature=m.pop("kind"), **m) for m in facts["mechanisms"]),
            tuple(Finding(**f) for f in facts["skipped"]),
            tuple(facts["skipped_names"]),
        )
        # builds of before there were digests are made again
        facts["digests"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return library if any(folder.glob(f"{NEURON_LIBRARY}.*")) else None


def core_library_in(folder: Path) -> Path | None:
    """CoreNEURON's library in a folder; None where there is none."""
    return next(folder.glob(f"{CORE_LIBRARY}.*"), None)


def cache_folder() -> Path:
    """Folder of all builds: ``$LFP_MECH_CACHE``, or one in the user's cache."""
    chosen = os.environ.get("LFP_MECH_CACHE")
    if chosen:
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    # the XDG base directory specification tells to ignore relative paths
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "lfp" / "mechanisms"


def cached_libraries() -> list[Library]:
    """All libraries of the cache, the latest first."""
    root = cache_folder()
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    candidates = [read_library(folder) for folder in folders]
    libraries = [library for library in candidates if library is not None]
    return sorted(libraries, key=lambda library: -library.folder.stat().st_mtime)


def clean() -> int:
    """Remove all builds of the cache, and what killed builds left; return how many builds."""
    root = cache_folder()
    count = len(cached_libraries())
    if root.is_dir():
        for path in root.iterdir():
            if path.suffix == ".lock":
                path.unlink(missing_ok=True)
            elif (path / MANIFEST).exists() or path.name.startswith(_NO_MECHANISMS):
                shutil.rmtree(path, ignore_errors=True)
    return count
