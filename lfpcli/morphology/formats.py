"""Which format a morphology file is in."""

from __future__ import annotations

import os
from pathlib import Path

from lfpcli.errors import InputError

SUFFIXES = {
    ".swc": "swc",
    ".h5": "h5",
    ".hdf5": "h5",
    ".asc": "asc",
    ".hoc": "hoc",
    ".xml": "neuroml",
    ".nml": "neuroml",
}
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """Return the format of a file: ``swc``, ``h5``, ``asc``, ``hoc`` or ``neuroml``.

    By its suffix; where that is not known, HDF5 and XML by their first bytes, else SWC. Code
    (.hoc) runs only from files that are named so.

    Raises
    ------
    InputError
        Where the file is missing, a folder, empty, or not readable.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError("is a folder, not a file", source=path, remedy="name a file in it")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise InputError(
            "no such file", source=path, remedy="check the name and the folder"
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=path) from error
    if not start:
        raise InputError("file is empty", source=path, remedy="write it again")
    if start.startswith(_HDF5_MAGIC):
        return "h5"
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return "neuroml" if start.lstrip().startswith(b"<") else "swc"
    if kind == "h5":
        raise InputError("is no HDF5 file", source=path, remedy="check how it was written")
    return kind
