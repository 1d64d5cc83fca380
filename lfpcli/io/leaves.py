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

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset
from lfpcli.guarded.signature import is_hdf5
from lfpcli.io import stream
from lfpcli.io.axes import REFERENCES
from lfpcli.io.npz import MAGIC, npy_array, npz_arrays
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
    format_name : {'hdf5', 'npy', 'npz', 'text', 'binary'}
        What it is.
    name : str
        What to call it in messages.
    path : Path
        A seekable copy of it.
    leaves : dict of str to Leaf
        Its parts by path, for HDF5 and NumPy files.
    file : h5py.File or None
        The open HDF5 file.
    """

    format_name: str
    name: str
    path: Path
    leaves: dict[str, Leaf] = field(default_factory=dict)
    file: h5py.File | None = None


@contextlib.contextmanager
def open_contents(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Open any data file, a pipe, or ``-``.

    Raises
    ------
    InputError
        Where there is no such file, or it is empty, truncated, or would have to be unpickled.
    """
    with stream.local_file(source) as (path, name):
        format_name = format_of(path)
        if format_name == "hdf5":
            with open_hdf5(path, name) as (file, _):
                yield Contents(format_name, name, path, leaves=_hdf5_leaves(file, name), file=file)
        elif format_name in ("npy", "npz"):
            yield Contents(format_name, name, path, leaves=_numpy_leaves(path, name, format_name))
        else:
            yield Contents(format_name, name, path)


def format_of(path: Path) -> str:
    """Format of a file by its first bytes, see `Contents`."""
    start = stream.head(path)
    if is_hdf5(path):
        return "hdf5"
    if start.startswith(MAGIC):
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
            # other zip archives, as of office programs, begin with the same bytes
            return all(n.endswith(".npy") for n in archive.namelist())
    # names that are no UTF-8 are a ValueError
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False


def read_text(contents: Contents) -> list[str]:
    """Lines of a text file."""
    try:
        return contents.path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(
            "is no text", source=contents.name, remedy="check what it is: file NAME"
        ) from error


def _numpy_leaves(path: Path, name: str, format_name: str) -> dict[str, Leaf]:
    if format_name == "npy":
        return {"/": Leaf(npy_array(path, name))}
    return {f"/{key}": Leaf(array) for key, array in npz_arrays(path, name).items()}


def _hdf5_leaves(file: h5py.File, name: str) -> dict[str, Leaf]:
    """Parts of a file in the order of their paths, each group once, whatever leads to it."""
    leaves = {"/": Leaf(None, _attributes(file))}
    pending: list[tuple[str, h5py.Group]] = [("", file)]
    paths = {_address(file): "/"}
    while pending:
        base, group = pending.pop()
        for key in group:
            path = f"{base}/{key}"
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.SoftLink):
                leaves[path] = Leaf(f"link to {link.path}")
                continue
            node = group[key]
            if isinstance(node, h5py.Group):
                known = paths.setdefault(_address(node), path)
                if known != path:
                    leaves[path] = Leaf(f"link to {known}")
                    continue
                pending.append((path, node))
            leaves[path] = Leaf(_data(node, f"{name}:{path}"), _attributes(node))
    # in the order of names, whatever order the file was written in
    return {path: leaves[path] for path in sorted(leaves, key=lambda path: path.split("/"))}


def _address(node: h5py.Group) -> int:
    return int(h5py.h5o.get_info(node.id).addr)


def _data(node: Any, source: str) -> Any:
    """What is compared and described of a node: its data, or that its type has no name."""
    if not isinstance(node, h5py.Dataset):
        return None
    try:
        return CheckedDataset(node, source)
    except TypeError:
        return f"data of type {node.id.get_type().get_class()}"


def _attributes(node: Any) -> dict[str, Any]:
    attributes = {}
    # references are addresses: they differ where the same data lie elsewhere in a file
    for key in sorted(set(node.attrs) - set(REFERENCES)):
        try:
            attributes[key] = node.attrs[key]
        except (OSError, TypeError):  # a type that NumPy has no name for
            attributes[key] = f"attribute of type {node.attrs.get_id(key).get_type().get_class()}"
    return attributes
