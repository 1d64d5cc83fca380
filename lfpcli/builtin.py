"""Morphologies, models and manual pages that ship with the program.

``builtin:l5_pyramidal`` stands for a file of theirs wherever a morphology or a model is taken.
Standard library only, as the command line is made of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from lfpcli.errors import InputError, nearest

PREFIX = "builtin:"
_PACKAGE = Path(__file__).parent
# folders that the prefix looks in, and the suffixes of what it finds there
_SHELVES = {"morphologies": (".swc",), "examples": (".toml",)}


def share_folder() -> Path:
    """Folder of the morphologies and examples, inside the package or beside it in a checkout."""
    inside = _PACKAGE / "share"
    return inside if inside.is_dir() else _PACKAGE.parent / "share"


def manual_folder() -> Path:
    """Folder of the manual pages."""
    inside = _PACKAGE / "share" / "man"
    return inside if inside.is_dir() else _PACKAGE.parent / "man"


def builtin_names() -> dict[str, Path]:
    """Names after the prefix, each with its file; morphologies first, each part in order."""
    names = {}
    for shelf, suffixes in _SHELVES.items():
        for path in sorted((share_folder() / shelf).glob("*")):
            if path.suffix in suffixes:
                names[path.stem] = path
    return names


def is_builtin(source: object) -> bool:
    """Whether a file name has the prefix."""
    return isinstance(source, str) and source.startswith(PREFIX)


def builtin_file(name: str) -> Path:
    """File of a name that begins with the prefix.

    Raises
    ------
    InputError
        Where nothing of that name ships.
    """
    names = builtin_names()
    wanted = name.removeprefix(PREFIX)
    path = names.get(wanted) or names.get(Path(wanted).stem)
    if path is None:
        raise InputError(
            f"nothing called '{name}' ships with lfp", remedy=nearest(wanted, names, "name")
        )
    return path


def resolved(source: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return a file name as it is, or the file that a name with the prefix stands for."""
    return builtin_file(source) if isinstance(source, str) and is_builtin(source) else source


def label(path: str | os.PathLike[str]) -> str:
    """Name of a file as provenance keeps it: with the prefix where it ships with the program.

    Where the program is installed differs from machine to machine, and its results must not.
    """
    file = Path(path)
    if file.is_relative_to(share_folder()) and file in builtin_names().values():
        return PREFIX + file.stem
    return str(path)
