"""Evoked responses of MNE-Python, written block by block into the layout that it makes.

A FIF file is a sequence of tags: their kind, type, size and next as big-endian 32-bit integers,
then the contents; a matrix is followed by its numbers of columns and rows (Neuromag: FIFF format).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lfpcli.io.exchange.contents import ending_in
from lfpcli.io.exchange.samples import Samples

_TAG = struct.Struct(">4i")
# kinds of tags that tell of samples
_LAST_SAMPLE, _NO_SAMPLES, _EPOCH = 209, 228, 302


def write_evoked(outline: Any, samples: Samples, path: Path) -> None:
    """Write an evoked response, in single precision, with more samples than fit into memory.

    Parameters
    ----------
    outline : mne.Evoked
        The response with its first sample alone.
    samples : Samples
        Shape (T, C), in the unit that MNE stores.
    path : Path
        The file.
    """
    with ending_in(path, "-ave.fif") as named:
        outline.save(named, overwrite=True, verbose="error")
        layout = named.read_bytes()
        count = samples.shape[0]
        with named.open("wb") as file:
            for number, tag in _tags(layout):
                if number == _EPOCH:
                    _write_matrix(file, tag, samples)
                elif number == _NO_SAMPLES:
                    file.write(tag[: _TAG.size] + struct.pack(">i", count))
                elif number == _LAST_SAMPLE:
                    last = outline.first + count - 1
                    file.write(tag[: _TAG.size] + struct.pack(">i", last))
                else:
                    file.write(tag)


def _tags(layout: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number that says what each tag holds, and the tag as it stands in the file."""
    start = 0
    while start < len(layout):
        number, _, size, _ = _TAG.unpack_from(layout, start)
        stop = start + _TAG.size + size
        yield number, layout[start:stop]
        start = stop


def _write_matrix(file: BinaryIO, tag: bytes, samples: Samples) -> None:
    """Write a matrix (C, T), of which `tag` tells the number, type and next, row by row."""
    number, data_type, _, following = _TAG.unpack_from(tag)
    count, channels = samples.shape
    size = 4 * count * channels
    file.write(_TAG.pack(number, data_type, size + 12, following))
    begin = file.tell()
    for start, block in samples.blocks():
        rows = np.ascontiguousarray(block.T.astype(">f4"))
        for channel, row in enumerate(rows):
            file.seek(begin + 4 * (channel * count + start))
            file.write(row.tobytes())
    file.seek(begin + size)
    file.write(struct.pack(">3i", count, channels, 2))
