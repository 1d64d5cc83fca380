"""Arrays of NumPy from strangers."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError

_FAILURES = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def read_npz(source: str | os.PathLike[str], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read those of some arrays that a ``.npz`` holds.

    Raises
    ------
    InputError
        Where it cannot be read, or an array does not consist of real numbers.
    """
    try:
        with Path(source).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise InputError("is no .npz", source=source)
            found = {name: archive[name] for name in names if name in archive}
    except _FAILURES as error:
        raise _unreadable(error, source, ".npz") from error
    for name, array in found.items():
        check_real(array, name, source)
    return found


def read_npy(source: str | os.PathLike[str]) -> np.ndarray:
    """Read a ``.npy`` of real numbers; raises as `read_npz`."""
    try:
        with Path(source).open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except _FAILURES as error:
        raise _unreadable(error, source, ".npy") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError("is no .npy", source=source)
    check_real(array, "array", source)
    return array


def check_real(array: np.ndarray, name: str, source: str | os.PathLike[str]) -> None:
    """Raise an InputError that names the file unless an array consists of finite real numbers."""
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: not real numbers but {array.dtype}", source=source)
    if not np.all(np.isfinite(array)):
        raise InputError(f"{name}: not all finite", source=source)


def _unreadable(error: Exception, source: str | os.PathLike[str], kind: str) -> InputError:
    if isinstance(error, InputError):
        return error
    if isinstance(error, FileNotFoundError):
        return InputError("no such file", source=source, remedy="check the name and the folder")
    return InputError(f"cannot be read as {kind}: {error}", source=source, remedy="write it again")
