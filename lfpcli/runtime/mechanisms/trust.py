"""Whether compiled mechanisms are this user's own: they run with the user's rights."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

from lfpcli.errors import SimulatorError

# whoever is root can do all that the user can
_ROOT = 0


def check_trusted(folder: Path, manifest: str) -> None:
    """Refuse a folder of the cache that another user owns or can change, or that was changed.

    Parameters
    ----------
    folder : Path
        The folder.
    manifest : str
        Name of the file in it that holds the digests of the libraries.

    Raises
    ------
    SimulatorError
        Names the folder or file, and what to do.
    """
    _check_owner(folder.parent)
    _check_owner(folder)
    for above in folder.parent.resolve().parents:
        _check_closed(above)
    facts = json.loads((folder / manifest).read_text(encoding="utf-8"))
    for name, digest in sorted(facts["digests"].items()):
        path = folder / name
        _check_owner(path)
        if digest_of(path) != digest:
            raise SimulatorError(
                "was changed after it was compiled", source=path, remedy=f"rm -r {folder}"
            )


def _check_closed(folder: Path) -> None:
    """Refuse a folder above the cache in which everybody could put another cache for this one."""
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise SimulatorError(
            "others can replace the cache of compiled mechanisms below this folder",
            source=folder,
            remedy=f"chmod o-w {folder}, or set LFP_MECH_CACHE to a folder of your own",
        )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_owner(path: Path) -> None:
    state = path.stat()
    if state.st_uid not in (os.geteuid(), _ROOT):
        raise SimulatorError(
            "compiled mechanisms belong to another user, whose code would run with your rights",
            source=path,
            remedy="set LFP_MECH_CACHE to a folder of your own",
        )
    writable = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # a group of one user's own, as many systems have it, and a folder where each can change only
    # what is theirs
    private = writable == stat.S_IWGRP and state.st_gid == state.st_uid
    sticky = path.is_dir() and state.st_mode & stat.S_ISVTX
    if writable and not private and not sticky:
        raise SimulatorError(
            "others can change compiled mechanisms, which would run with your rights",
            source=path,
            remedy=f"chmod go-w {path}, or set LFP_MECH_CACHE to a folder of your own",
        )
