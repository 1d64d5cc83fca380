"""By which bytes a file is known as HDF5."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file is HDF5, also behind a user block, which MATLAB's files begin with."""
    with Path(path).open("rb") as file:
        for place in _places(os.fstat(file.fileno()).st_size):
            file.seek(place)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
    return False


def begins_hdf5(start: bytes) -> bool:
    """Whether bytes are the start of an HDF5 file whose user block, if any, is among them."""
    return any(start.startswith(SIGNATURE, place) for place in _places(len(start)))


def _places(size: int) -> Iterator[int]:
    """Where HDF5 looks for its signature: at the begin, and at 512 bytes and their doubles."""
    place = 0
    while place + len(SIGNATURE) <= size:
        yield place
        place = 2 * place or 512
