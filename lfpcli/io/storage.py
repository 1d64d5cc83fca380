"""How arrays are stored in files of ours: in chunks of whole rows, each with a checksum."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from lfpcli.vocabulary import GROUPS

# bytes of a chunk, the unit that HDF5 reads, checks and caches
CHUNK_BYTES = 1 << 18
# and of one of the share of a cell: of these there may be thousands, and what fills a chunk is held
CELL_CHUNK_BYTES = 1 << 15
_CELL = GROUPS[-1]


def store(
    group: h5py.Group, name: str, values: Any, *, dtype: Any = None, units: str = ""
) -> h5py.Dataset:
    """Store an array with checksums, by which damage is seen when it is read.

    Parameters
    ----------
    group : h5py.Group
        Where to.
    name : str
        Name of the dataset.
    values : array-like, any shape, or sequence of str
        The values. Texts become as long as the longest of them, since those of variable length
        lie in a heap without checksums.
    dtype : dtype, optional
        Type to store.
    units : str
        Unit of the values, kept as the attribute `units`.
    """
    array = np.asarray(values, dtype=dtype)
    if array.dtype.kind in "UO":
        encoded = [str(text).encode() for text in array.ravel()]
        # of fixed length: variable ones lie in a heap that no checksum covers
        text_type = h5py.string_dtype("utf-8", max(1, max(map(len, encoded), default=1)))
        array = np.array(encoded, dtype=text_type).reshape(array.shape)
    dataset = create_checked(group, name, array.shape, array.dtype)
    if array.size:
        dataset[...] = array
    if units:
        dataset.attrs["units"] = units
    return dataset


def create_checked(
    group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any
) -> h5py.Dataset:
    """Create a dataset with checksums, of fixed size, to be filled."""
    # HDF5 keeps checksums of chunks only, and what is empty has none
    if not shape or 0 in shape:
        return group.create_dataset(name, shape, dtype)
    row = math.prod(shape[1:])
    rows = min(shape[0], chunk_rows(row, np.dtype(dtype).itemsize))
    return group.create_dataset(name, shape, dtype, chunks=(rows, *shape[1:]), fletcher32=True)


def chunk_rows(columns: int, width: int, *, share: str = "") -> int:
    """Rows that HDF5 stores together, of so many columns of so many bytes.

    Parameters
    ----------
    columns, width : int
        Columns, and bytes of a number.
    share : str
        Whose share of a signal it is, as in the file.
    """
    size = CELL_CHUNK_BYTES if share == _CELL else CHUNK_BYTES
    return max(1, min(size // max(columns * width, 1), 1 << 14))
