"""Any data file as a tree of leaves: HDF5, NumPy's, or text, known by its first bytes."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io import stream
from lfpcli.io.recording import open_hdf5


@dataclass
class Leaf:
    """One part of a file.

    Attributes
    ----------
    data : array-like, str, or None
        A dataset or an array, read where it is sliced; for a link what it points at; None for
        a group.
    attributes : mapping of str to object
        What the file says of it.
    """

    data: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_array(self) -> bool:
        """Whether there is data of a shape and a type."""
        return hasattr(self.data, "shape")


@dataclass
class Contents:
    """An open file.

    Attributes
    ----------
    kind : {'hdf5', 'npy', 'npz', 'text', 'binary'}
        What it is.
    name : str
        What to call it in messages.
    path : Path
        A seekable copy of it.
    leaves : dict of str to Leaf
        Its parts by path, for HDF5 and NumPy files.
    """

    kind: str
    name: str
    path: Path
    leaves: dict[str, Leaf] = field(default_factory=dict)


@contextlib.contextmanager
def open_contents(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Open any data file, a pipe, or ``-``.

    Raises
    ------
    InputError
        Where there is no such file, or it is empty, truncated, or would have to be unpickled.
    """
    with stream.local_file(source) as (path, name):
        kind = kind_of(path)
        if kind == "hdf5":
            with open_hdf5(path, name) as (file, _):
                yield Contents(kind, name, path, _hdf5_leaves(file))
        elif kind in ("npy", "npz"):
            yield Contents(kind, name, path, _numpy_leaves(path, name, kind))
        else:
            yield Contents(kind, name, path)


def kind_of(path: Path) -> str:
    """Kind of a file by its first bytes."""
    start = stream.head(path)
    if stream.is_hdf5(start):
        return "hdf5"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if start.startswith(b"PK\x03\x04") and _is_npz(path):
        return "npz"
    if b"\0" in start:
        return "binary"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # the last character may have been cut in two
        return "text" if error.start > len(start) - 4 and len(start) == 8192 else "binary"
    return "text"


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return all(n.endswith(".npy") for n in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def read_text(contents: Contents) -> list[str]:
    """Lines of a text file."""
    try:
        return contents.path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError("is no text", source=contents.name) from error


def _numpy_leaves(path: Path, name: str, kind: str) -> dict[str, Leaf]:
    try:
        if kind == "npy":
            return {"/": Leaf(np.load(path, mmap_mode="r", allow_pickle=False))}
        with np.load(path, allow_pickle=False) as archive:
            return {f"/{key}": Leaf(archive[key]) for key in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"NumPy file cannot be read: {error}",
            source=name,
            remedy="only arrays of numbers and text are read, complete ones",
        ) from error


def _hdf5_leaves(file: h5py.File) -> dict[str, Leaf]:
    leaves = {"/": Leaf(None, _attributes(file))}
    _visit(file, "", leaves, set())
    return leaves


def _visit(group: h5py.Group, base: str, leaves: dict[str, Leaf], above: set[int]) -> None:
    """Add what is in a group; links within the file may lead back to a group above."""
    address = int(h5py.h5o.get_info(group.id).addr)
    if address in above:
        return
    for key in sorted(group):
        path = f"{base}/{key}"
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.SoftLink):
            leaves[path] = Leaf(f"link to {link.path}")
        elif isinstance(link, h5py.ExternalLink):
            # another file of the sender's choosing is not opened
            leaves[path] = Leaf(f"link to {link.filename}:{link.path}")
        else:
            node = group[key]
            data = node if isinstance(node, h5py.Dataset) else None
            leaves[path] = Leaf(data, _attributes(node))
            if isinstance(node, h5py.Group):
                _visit(node, path, leaves, above | {address})


def _attributes(node: Any) -> dict[str, Any]:
    found = {}
    for key in sorted(node.attrs):
        try:
            found[key] = node.attrs[key]
        except (OSError, TypeError):  # a type that NumPy has no name for
            found[key] = f"attribute of type {node.attrs.get_id(key).get_type().get_class()}"
    return found
