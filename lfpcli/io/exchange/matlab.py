"""MATLAB's files of version 5, through SciPy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from lfpcli.errors import UsageError
from lfpcli.io.exchange.contents import Contents, Target, Traces

# bytes; version 5 cannot hold an array of 2 GB, and it is made in memory
LARGEST = 1 << 30
LONGEST_NAME = 63


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write structures ``signals``, ``dipole``, ``reports`` and ``spikes``.

    Each signal is a structure with ``data`` (T, C), ``t`` (T, 1) in ms, ``units``, ``channels``,
    ``positions`` (C, 3) in um, and ``shares``.

    Raises
    ------
    UsageError
        Where it is too large for the format.
    """
    size = sum(int(np.prod(traces.samples.shape)) for traces in contents.traces)
    if size * np.dtype(target.dtype).itemsize > LARGEST:
        raise UsageError(
            f"MATLAB's format holds up to {LARGEST >> 30} GB, these samples are more",
            remedy="choose less with --signal, --time or --channels, or write .nwb",
        )
    tree: dict[str, dict[str, Any]] = {"signals": {}, "dipole": {}, "reports": {}, "spikes": {}}
    for traces in contents.traces:
        head, _, tail = traces.name.partition("/")
        part = "signals"
        if tail:
            part = "dipole" if head == "dipole" else "reports"
        key = tail if head == "dipole" else traces.name
        tree[part][field_name(key, tree[part])] = _structure(traces, target.dtype)
    for trains in contents.trains:
        tree["spikes"][field_name(trains.population, tree["spikes"])] = {
            "times": trains.times[:, None],
            "ids": trains.node_ids[:, None],
        }
    filled = {name: part for name, part in tree.items() if part}
    with path.open("wb") as file:
        savemat(file, filled, long_field_names=True, oned_as="column")
    _forget_date(path)


def _structure(traces: Traces, dtype: str) -> dict[str, Any]:
    structure: dict[str, Any] = {
        "data": traces.samples.array().astype(dtype),
        "t": traces.times[:, None],
        "units": traces.units,
        "channels": np.array(traces.channels, dtype=object),
    }
    if traces.positions is not None:
        structure["positions"] = traces.positions
    if traces.shares:
        shares: dict[str, Any] = {}
        for label, samples in traces.shares.items():
            shares[field_name(label, shares)] = samples.array().astype(dtype)
        structure["shares"] = shares
    return structure


def field_name(name: str, taken: dict[str, Any]) -> str:
    """A name as MATLAB allows for fields: a letter, then letters, digits and underscores."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not plain or not plain[0].isalpha():
        plain = f"x{plain}"
    plain = plain[:LONGEST_NAME]
    if plain in taken:
        raise UsageError(f"two names become '{plain}' in MATLAB", remedy="choose one with --signal")
    return plain


def _forget_date(path: Path) -> None:
    """Take the date out of the header's 116 characters, so that two files are the same."""
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file, written by lfp".ljust(116))
