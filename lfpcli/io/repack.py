"""HDF5 files without the space that shrunken datasets leave behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py

from lfpcli.guarded.writing import new_hdf5

# a file is packed again where more of it than this is free
_FREE_SHARE = 0.1
_ROOT = "root"


def is_loose(file: h5py.File) -> bool:
    """Whether an open file that was just written has much free space inside.

    HDF5 writes datasets in chunks between those of others, and never moves them: what a dataset
    gives up as it is resized stays in the file.
    """
    size = int(file.id.get_filesize())
    return int(file.id.get_freespace()) > _FREE_SHARE * size


def repack(path: str | os.PathLike[str], finish: Callable[[h5py.File], None]) -> None:
    """Copy a closed file into one without free space, which takes its place.

    Parameters
    ----------
    path : path-like
        The file.
    finish : callable
        Given the copy before it is closed.

    Raises
    ------
    OSError
        Where the copy cannot be written; the file is as it was.
    """
    packed = Path(f"{os.fspath(path)}.packed")
    try:
        with h5py.File(path, "r") as source, new_hdf5(packed, checked=True) as target:
            _copy(source, target)
            finish(target)
        packed.replace(path)
    finally:
        packed.unlink(missing_ok=True)


def _copy(source: h5py.File, target: h5py.File) -> None:
    # copied as one, so that links between the parts stay links
    source.copy(source["/"], target, name=_ROOT)
    root = target[_ROOT]
    for key in root.attrs:
        attribute = root.attrs.get_id(key)
        target.attrs.create(key, root.attrs[key], dtype=attribute.dtype)
    for name in list(root):
        target.move(f"{_ROOT}/{name}", f"{_ROOT}-{name}")
    del target[_ROOT]
    for name in list(target):
        target.move(name, name.removeprefix(f"{_ROOT}-"))
