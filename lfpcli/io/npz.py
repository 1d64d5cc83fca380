"""The one way to read arrays of NumPy: ``.npy`` and ``.npz`` files from strangers.

NumPy allocates what a header declares, and a ZIP archive of kilobytes unpacks to terabytes. So
headers are compared with the bytes that are there before data are read, and nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.memory import check_memory

MAGIC = b"\x93NUMPY"
# deflate does not shrink data further
_MOST_COMPRESSION = 1032
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# NumPy reads the header as a literal of Python, which takes long where it is long
_MOST_HEADER = 10_000
_HEADERS = {
    1: np.lib.format.read_array_header_1_0,
    2: np.lib.format.read_array_header_2_0,
}
_BLOCK_VALUES = 1 << 20
_FAILURES = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    SyntaxError,
    RecursionError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
_REMEDY = "write it again with numpy.save or numpy.savez"


@dataclass(frozen=True)
class Member:
    """A member of an archive, whose directory all members share: it may be long.

    Attributes
    ----------
    archive : ZipFile
        The open archive, which closes as the last of its members goes.
    entry : ZipInfo
        What its directory says of the member.
    """

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo


@dataclass(frozen=True)
class StoredArray:
    """An array of a file, read where it is asked for.

    Attributes
    ----------
    path : Path
        The file.
    source : str
        Its name in messages, with that of the array.
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.
    member : Member, optional
        Where it is in an archive; None for a file of one array.
    """

    path: Path
    source: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    member: Member | None = None

    def __getitem__(self, index: Any) -> Any:
        return self.read()[index]

    def read(self) -> np.ndarray:
        """Read the whole array.

        Returns
        -------
        ndarray, shape as declared
            In the unit that the file is in.

        Raises
        ------
        InputError
            Where it is damaged, or larger than memory.
        """
        check_memory(math.prod(self.shape) * self.dtype.itemsize, self.source)
        with _failures(self.source):
            if self.member is None and 0 not in self.shape:
                stored: np.ndarray = np.load(self.path, mmap_mode="r", allow_pickle=False)
                return stored
            with self._open() as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
                # the checksum of a member is looked at by its end
                file.read(1)
                return array

    def blocks(self) -> Iterator[np.ndarray]:
        """Read the values in the order of the file, some at a time, however many there are.

        Yields
        ------
        ndarray, shape (n,)
            In the unit that the file is in.

        Raises
        ------
        InputError
            Where it is damaged.
        """
        left = math.prod(self.shape) if self.dtype.itemsize else 0
        with _failures(self.source), self._open() as file:
            read_header = _HEADERS[np.lib.format.read_magic(file)[0]]
            read_header(file, max_header_size=_MOST_HEADER)
            while left:
                count = min(left, _BLOCK_VALUES)
                yield np.frombuffer(file.read(count * self.dtype.itemsize), self.dtype, count)
                left -= count
            file.read(1)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
            return
        with self.member.archive.open(self.member.entry) as packed:
            yield packed


def npy_array(path: Path, source: str) -> StoredArray:
    """Look at the header of a ``.npy``.

    Raises
    ------
    InputError
        Where it is none, holds Python objects, or declares more than is there.
    """
    with _failures(source), path.open("rb") as file:
        return _looked_at(file, path.stat().st_size, path, source=source)


def npz_arrays(path: Path, source: str) -> dict[str, StoredArray]:
    """Look at the headers of the members of a ``.npz``; raises as `npy_array`."""
    arrays: dict[str, StoredArray] = {}
    with _failures(source):
        archive = zipfile.ZipFile(path)
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            inside = f"{source}:{name}"
            _check_entry(entry, inside, path.stat().st_size)
            if name in arrays:
                raise InputError("is there twice", source=inside, remedy=_REMEDY)
            with archive.open(entry) as file:
                array = _looked_at(file, entry.file_size, path, source=inside)
            arrays[name] = replace(array, member=Member(archive, entry))
    return arrays


def _check_entry(entry: zipfile.ZipInfo, source: str, size: int) -> None:
    if not entry.filename.endswith(".npy"):
        raise InputError("is no array of NumPy", source=source, remedy=_REMEDY)
    if entry.compress_type not in _METHODS or entry.flag_bits & 1:
        raise InputError(
            "is packed in a way that NumPy does not write", source=source, remedy=_REMEDY
        )
    packed = min(entry.compress_size, size)
    if entry.file_size > packed * _MOST_COMPRESSION + _MOST_HEADER:
        raise InputError(
            f"declares {entry.file_size} bytes, but {packed} are there",
            source=source,
            remedy=_REMEDY,
        )


def _looked_at(file: IO[bytes], size: int, path: Path, *, source: str) -> StoredArray:
    """Read a header, and compare it with the bytes there are."""
    start = file.read(len(MAGIC) + 2)
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + 2:
        raise InputError("is no array of NumPy", source=source, remedy=_REMEDY)
    read_header = _HEADERS.get(start[len(MAGIC)])
    if read_header is None:
        raise InputError("has a format version that is not known", source=source, remedy=_REMEDY)
    shape, _, dtype = read_header(file, max_header_size=_MOST_HEADER)
    if dtype.hasobject:
        raise InputError(
            "NumPy file cannot be read: it holds Python objects, which are not unpickled",
            source=source,
            remedy=_REMEDY,
        )
    declared = math.prod(shape) * dtype.itemsize
    there = size - file.tell()
    if min(shape, default=0) < 0 or declared > there:
        raise InputError(
            f"declares {declared} bytes of data, but {there} are there",
            source=source,
            remedy=_REMEDY,
        )
    return StoredArray(path=path, source=source, shape=shape, dtype=dtype)


@contextlib.contextmanager
def _failures(source: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what NumPy and zipfile raise into an `InputError` of one line."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            "no such file", source=source, remedy="check the name and the folder"
        ) from error
    except _FAILURES as error:
        text = str(error).partition("\n")[0][:120] or type(error).__name__
        raise InputError(
            f"NumPy file cannot be read: {text}", source=source, remedy=_REMEDY
        ) from error


def read_npz(source: str | os.PathLike[str], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read those of some arrays that a ``.npz`` holds, with the shapes and numbers they have.

    Raises
    ------
    InputError
        Where it cannot be read, or an array does not consist of real numbers.
    """
    with _failures(source):
        if not zipfile.is_zipfile(source):
            Path(source).stat()
            raise InputError(
                "cannot be read as .npz: it is no archive", source=source, remedy=_REMEDY
            )
    stored = npz_arrays(Path(source), str(source))
    arrays = {name: stored[name].read() for name in names if name in stored}
    for name, array in arrays.items():
        check_real(array, name, source)
    return arrays


def read_npy(source: str | os.PathLike[str]) -> np.ndarray:
    """Read a ``.npy`` of real numbers; raises as `read_npz`."""
    array = np.array(npy_array(Path(source), str(source)).read())
    check_real(array, "array", source)
    return array


def read_matrix(source: str | os.PathLike[str]) -> np.ndarray:
    """Read a table of numbers, (rows, columns), in a unit of its own: ``.npy``, or text.

    Raises
    ------
    InputError
        Where it is none.
    """
    path = Path(source)
    if path.suffix == ".npy":
        return read_npy(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = [[float(cell) for cell in line.split(",")] for line in lines if line.strip()]
        matrix = np.array(rows)
    except (OSError, ValueError) as error:
        raise InputError(
            f"is no table of numbers: {error}", source=path, remedy="give .npy, or .csv of numbers"
        ) from error
    check_real(matrix, "table", path)
    return matrix


def check_real(array: np.ndarray, name: str, source: str | os.PathLike[str]) -> None:
    """Raise an InputError that names the file unless all numbers are finite, real; any shape."""
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"{name}: not real numbers but {array.dtype}",
            source=source,
            remedy="give an array of numbers",
        )
    if not np.all(np.isfinite(array)):
        raise InputError(
            f"{name}: not all finite", source=source, remedy="replace NaN and infinity"
        )
