"""MATLAB's files: version 5 through SciPy, and version 7.3, which is HDF5, where they are large."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import savemat

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.contents import Contents, Target, Traces
from lfpcli.io.exchange.samples import LARGEST_IN_MEMORY, Samples

LONGEST_NAME = 63
_USER_BLOCK = 512
_CLASSES = {"f8": "double", "f4": "single", "i8": "int64"}


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write structures ``signals``, ``dipole``, ``reports`` and ``spikes``.

    Each signal is a structure with ``data`` (T, C), ``t`` (T, 1) in ms, ``units``, ``channels``,
    ``positions`` (C, 3) in um, and ``shares``.

    Version 5 is made in memory, up to 256 MB of samples; larger ones are written as version 7.3.
    """
    size = sum(traces.values for traces in contents.traces) * np.dtype(target.dtype).itemsize
    if size > LARGEST_IN_MEMORY:
        warnings.warn(
            f"{size / (1 << 20):.0f} MB of samples: written as version 7.3 (HDF5), for MATLAB from "
            "2006 on",
            LfpWarning,
            stacklevel=2,
        )
        write_hdf5(contents, path, target)
        return
    tree = _tree(contents, lambda traces: _structure(traces, target.dtype))
    filled = {name: part for name, part in tree.items() if part}
    with path.open("wb") as file:
        savemat(file, filled, long_field_names=True, oned_as="column")
    _forget_date(path)


def _tree(contents: Contents, structure: Callable[[Traces], Any]) -> dict[str, dict[str, Any]]:
    """The structures of a file, each signal as `structure` makes it."""
    tree: dict[str, dict[str, Any]] = {"signals": {}, "dipole": {}, "reports": {}, "spikes": {}}
    for traces in contents.traces:
        head, _, tail = traces.name.partition("/")
        part = "signals"
        if tail:
            part = "dipole" if head == "dipole" else "reports"
        key = tail if head == "dipole" else traces.name
        tree[part][field_name(key, tree[part])] = structure(traces)
    for trains in contents.trains:
        tree["spikes"][field_name(trains.population, tree["spikes"])] = {
            "times": trains.times[:, None],
            "ids": trains.node_ids[:, None],
        }
    return tree


def write_hdf5(contents: Contents, path: Path, target: Target) -> None:
    """Write the same structures as version 7.3, block by block.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.
    """
    tree = _tree(contents, lambda traces: traces)
    with new_hdf5(path, before=_USER_BLOCK) as file:
        for part, entries in tree.items():
            if not entries:
                continue
            group = _struct(file, part)
            for name, entry in entries.items():
                inner = _struct(group, name)
                if isinstance(entry, Traces):
                    _write_signal(inner, entry, target.dtype)
                    continue
                for key, values in entry.items():
                    _array(inner, key, values)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, written by lfp".ljust(116))
        # no subsystem, version 2, and the mark of the order of bytes
        raw.write(bytes(8) + bytes([0, 2]) + b"IM")


def _struct(group: h5py.Group, name: str) -> h5py.Group:
    inner = group.create_group(name)
    inner.attrs["MATLAB_class"] = np.bytes_("struct")
    return inner


def _array(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """An array of numbers; MATLAB's first axis is HDF5's last."""
    dataset = group.create_dataset(name, data=np.ascontiguousarray(np.asarray(values).T))
    dataset.attrs["MATLAB_class"] = np.bytes_(_CLASSES[dataset.dtype.str[1:]])


def _text(group: h5py.Group, name: str, texts: Sequence[str]) -> None:
    """Rows of characters, filled up with blanks."""
    width = max(map(len, texts), default=0)
    codes = [[ord(letter) for letter in text.ljust(width)] for text in texts]
    dataset = group.create_dataset(name, data=np.array(codes, np.uint16).reshape(-1, width).T)
    dataset.attrs["MATLAB_class"] = np.bytes_("char")
    dataset.attrs["MATLAB_int_decode"] = np.int32(2)


def _write_signal(group: h5py.Group, traces: Traces, dtype: str) -> None:
    _write_samples(group, "data", traces.samples, dtype)
    _array(group, "t", traces.times[:, None])
    _text(group, "units", [traces.units])
    _text(group, "channels", traces.channels)
    if traces.positions is not None:
        _array(group, "positions", traces.positions)
    if traces.shares:
        inner = _struct(group, "shares")
        for label, samples in traces.shares.items():
            _write_samples(inner, field_name(label, dict(inner)), samples, dtype)


def _write_samples(group: h5py.Group, name: str, samples: Samples, dtype: str) -> None:
    count, channels = samples.shape
    dataset = group.create_dataset(name, (channels, count), dtype)
    dataset.attrs["MATLAB_class"] = np.bytes_(_CLASSES[np.dtype(dtype).str[1:]])
    for start, block in samples.blocks():
        dataset[:, start : start + len(block)] = block.T


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
