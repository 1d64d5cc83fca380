"""How a file came to be: versions, command, inputs, seed, and the commands before it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lfpcli import __version__

_LIBRARIES = ("neuron", "numpy", "scipy", "h5py")


def provenance(
    command: Sequence[str],
    *,
    inputs: Mapping[str, str] | None = None,
    history: Mapping[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Return the record that `RecordingWriter` stores as JSON.

    It holds no time of day and no host, so that the same command writes the same bytes.

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
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "command": list(command),
        "inputs": dict(inputs or {}),
        **facts,
        "history": [*chain, before] if before else chain,
    }


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal."""
    with path.open("rb") as file:
        sums = hashlib.sha256()
        while block := file.read(1 << 20):
            sums.update(block)
    return sums.hexdigest()
