"""How a file came to be: versions, command, inputs, seed, and the commands before it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lfpcli import __version__
from lfpcli.errors import InputError

_OPTIONS_WITH_VALUE = {"--output", "--checkpoint", "--save-network"}
_OPTIONS = {"--force", "--quiet", "--verbose", "--resume", "--verify-resume", "--debug"}
# -o FILE, -oFILE, and flags that may stand before it: -fq, -fo FILE
_SHORT_OPTIONS = re.compile(r"-[fqv]*(o.*|[fqv])")
_LIBRARIES = ("neuron", "numpy", "scipy", "h5py")


def provenance(
    command: Sequence[str],
    *,
    inputs: Mapping[str, str] | None = None,
    history: Mapping[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Return the record that `RecordingWriter` stores as JSON.

    It holds no time of day, no host and no name of an output, so that the same command writes the
    same bytes, wherever to.

    Parameters
    ----------
    command : sequence of str
        The command line.
    inputs : mapping of str to str
        Names of the input files with their SHA-256 digests, see `digest`.
    history : mapping, optional
        Provenance of the recording that was read; its chain goes before this command.
    **facts
        What else there is to tell: seed, engine, effective model.
    """
    before = dict(history or {})
    chain = list(before.pop("history", []))
    return {
        "program": "lfp",
        "version": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        # asked of the installer's records, as importing them takes long
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "command": lasting(command),
        "inputs": dict(inputs or {}),
        **facts,
        "history": [*chain, before] if before else chain,
    }


def lasting(command: Sequence[str]) -> list[str]:
    """A command line without what leaves no trace in its output.

    Those are names of outputs, what is said on the way, and whether a run was interrupted.

    Parameters
    ----------
    command : sequence of str
        The command line.
    """
    kept: list[str] = []
    words = iter(command)
    for word in words:
        option = word.partition("=")[0]
        if option in _OPTIONS_WITH_VALUE or _SHORT_OPTIONS.fullmatch(word):
            # the value is the next word, unless it is part of this one
            if word in _OPTIONS_WITH_VALUE or word.endswith("o"):
                next(words, None)
        elif word not in _OPTIONS:
            kept.append(word)
    return kept


def read_provenance(attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the record among the attributes of a file; an empty one where there is none.

    Parameters
    ----------
    attributes : mapping
        Attributes of the root.
    name : str
        Name of the file, for errors.

    Raises
    ------
    InputError
        Where it is no record of commands.
    """
    try:
        record: dict[str, Any] = json.loads(attributes.get("provenance", "{}"))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "provenance is no JSON",
            source=name,
            remedy="make it again, or delete the attribute provenance",
        ) from error
    if not _is_record(record):
        raise InputError(
            "provenance is no record of commands",
            source=name,
            remedy="make it again, or delete the attribute provenance",
        )
    return dict(record)


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("history", []), list):
        return False
    steps = [*record.get("history", []), record]
    return all(isinstance(s, dict) and isinstance(s.get("command", []), list) for s in steps)


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal.

    Raises
    ------
    InputError
        Where it is a device or a pipe, which may have no end.
    """
    if path.exists() and not path.is_file():
        raise InputError(
            "is no file whose content stays", source=path, remedy="write its content to a file"
        )
    with path.open("rb") as file:
        sums = hashlib.sha256()
        while block := file.read(1 << 20):
            sums.update(block)
    return sums.hexdigest()
