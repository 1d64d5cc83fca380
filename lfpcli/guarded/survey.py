"""A look at all of an HDF5 file's structure before anything of it is used.

HDF5 follows whatever a file says: to other files, in circles, to terabytes. And the library loops
or crashes on some damaged files, which nothing in the same process can stop. So the structure is
walked in a child process, under limits of time and memory; what the child has read without harm,
the parent reads without harm too.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.trial import REMEDY as REMEDY
from lfpcli.guarded.trial import tried

# what h5py raises, depending on where in HDF5 reading fails
FAILURES = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    NotImplementedError,
)
# deflate does not shrink data further
_MOST_COMPRESSION = 1032
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}
_UNCOMPRESSED = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
# data that were never written take no space and read as fill values; so much of it is let be
_UNWRITTEN = 1 << 24
# values of variable length that are looked at one by one
_MOST_TEXTS = 1 << 20
# files that were looked at by this process, by what changes when they change
_surveyed: set[tuple[int, int, int, int]] = set()
# and what was wrong with those that were refused, which may have taken seconds to see
_refused: dict[tuple[int, int, int, int], InputError] = {}


def survey(path: Path, label: str) -> None:
    """Look at the structure of an HDF5 file in a child process.

    Parameters
    ----------
    path : Path
        The file.
    label : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where the file leads elsewhere or in circles, declares more than it holds, is damaged, or
        makes HDF5 loop or crash.
    """
    state = path.stat()
    identity = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    if identity in _surveyed:
        return
    if identity in _refused:
        error = _refused[identity]
        raise InputError(error.message, source=error.source, remedy=error.remedy)
    try:
        tried(functools.partial(_walk, path, label), label, program="HDF5", size=state.st_size)
    except InputError as error:
        _refused[identity] = error
        raise
    _surveyed.add(identity)


def _walk(path: Path, label: str) -> None:
    try:
        with h5py.File(path, "r") as file:
            Survey(file, label, path.stat().st_size).walk()
    except FAILURES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(reason(error), source=label, remedy=REMEDY) from error


def reason(error: BaseException) -> str:
    """One line that says what h5py met; its own texts name functions of the HDF5 library."""
    text = str(error)
    inner = text[text.find("(") + 1 :].rstrip(")") if "(" in text else text
    if isinstance(error, MemoryError):
        inner = "it needs more memory than there is"
    return f"HDF5 file is truncated or damaged ({inner[:120] or type(error).__name__})"


class Survey:
    """A walk through all links, attributes and layouts of an open file.

    Parameters
    ----------
    file : h5py.File
        The file.
    label : str
        What to call it in messages.
    size : int
        Its bytes.
    """

    def __init__(self, file: h5py.File, label: str, size: int) -> None:
        self._file, self._label, self._size = file, label, size
        # objects by address, since links make circles
        self._seen: set[int] = set()

    def walk(self) -> None:
        """Look at everything; raises as `survey`."""
        pending: list[tuple[str, Any]] = [("", self._file)]
        while pending:
            base, group = pending.pop()
            self._check_attributes(base or "/", group)
            for name in group:
                path = f"{base}/{name}"
                node = self._follow(group, name, path)
                if node is None:
                    continue
                address = int(h5py.h5o.get_info(node.id).addr)
                if address in self._seen:
                    continue
                self._seen.add(address)
                if isinstance(node, h5py.Group):
                    pending.append((path, node))
                else:
                    self._check_attributes(path, node)
                if isinstance(node, h5py.Dataset):
                    self._check_dataset(path, node)

    def _error(self, message: str, path: str, remedy: str = REMEDY) -> InputError:
        return InputError(message, source=f"{self._label}:{path}", remedy=remedy)

    def _follow(self, group: h5py.Group, name: str | bytes, path: str) -> Any:
        """What a link leads to within the file, None where it leads nowhere."""
        # h5py has bytes or stand-ins for names that are no UTF-8, with which nothing can be written
        if isinstance(name, bytes) or (not name.isascii() and not _is_unicode(name)):
            raise self._error("has a name that is no UTF-8", path, "rename it with h5py's move")
        kind = group.id.links.get_info(name.encode()).type
        link = None if kind == h5py.h5l.TYPE_HARD else group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise self._error(
                f"is a link to another file, '{link.filename}', which is not opened",
                path,
                "copy what it links to into the file: h5repack, or h5py's copy(expand_external)",
            )
        try:
            return group[name]
        except KeyError as error:
            if isinstance(link, h5py.SoftLink):
                return None
            raise self._error(reason(error), path) from error
        except (OSError, RuntimeError) as error:
            if isinstance(link, h5py.SoftLink):
                raise self._error("is a link that leads to itself", path) from error
            raise self._error(reason(error), path) from error

    def _check_attributes(self, path: str, node: Any) -> None:
        try:
            names = list(node.attrs)
        except FAILURES as error:
            raise self._error(reason(error), path) from error
        for name in names:
            try:
                _ = node.attrs.get_id(name).dtype
            except TypeError:
                continue  # a type that NumPy has no name for, told as such
            except FAILURES as error:
                raise self._error(reason(error), f"{path}@{name}") from error
            try:
                _ = node.attrs[name]
            except FAILURES as error:
                raise self._error(reason(error), f"{path}@{name}") from error

    def _check_dataset(self, path: str, dataset: h5py.Dataset) -> None:
        layout = dataset.id.get_create_plist()
        if layout.get_external_count():
            raise self._error(
                "has its data in another file, which is not opened",
                path,
                "copy the data into the file: h5repack",
            )
        if layout.get_layout() == h5py.h5d.VIRTUAL:
            raise self._error(
                "is a view of other files, which are not opened",
                path,
                "copy the data into the file: h5repack",
            )
        filters = {layout.get_filter(k)[0] for k in range(layout.get_nfilters())}
        if not filters <= _FILTERS:
            raise self._error(
                f"is packed by filter {min(filters - _FILTERS)}, which HDF5 does not bring along",
                path,
                "unpack it: h5repack -f NONE",
            )
        try:
            self._check_size(path, dataset, packed=bool(filters - _UNCOMPRESSED))
            type_code = dataset.dtype.kind
        except InputError:
            raise
        except TypeError:
            return  # a type that NumPy has no name for
        except FAILURES as error:
            raise self._error(reason(error), path) from error
        if type_code == "O" and not h5py.check_ref_dtype(dataset.dtype):
            self._check_texts(path, dataset)

    def _check_size(self, path: str, dataset: h5py.Dataset, *, packed: bool) -> None:
        """Refuse shapes that the file cannot hold."""
        if dataset.shape is None:
            return
        declared = math.prod(dataset.shape) * dataset.id.get_type().get_size()
        stored = min(dataset.id.get_storage_size(), self._size)
        if declared > stored * (_MOST_COMPRESSION if packed else 1) + _UNWRITTEN:
            shape = " x ".join(map(str, dataset.shape))
            raise self._error(f"declares {shape} values, but {stored} bytes are there", path)
        if dataset.chunks is not None:
            self._check_chunks(path, dataset)

    def _check_chunks(self, path: str, dataset: h5py.Dataset) -> None:
        """Go through the index of chunks, which is where damage leads HDF5 astray."""
        assert dataset.chunks is not None
        if math.prod(dataset.chunks) * dataset.id.get_type().get_size() > 1 << 32:
            raise self._error("has chunks of more than 4 GiB", path)
        # the number of chunks is counted in the index
        count = dataset.id.get_num_chunks()
        most = math.prod(
            math.ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)
        )
        if count > most:
            raise self._error(f"has {count} chunks where {most} fit", path)

    def _check_texts(self, path: str, dataset: h5py.Dataset) -> None:
        """Read values of variable length, which lie in heaps of their own."""
        if dataset.shape is None or math.prod(dataset.shape) > _MOST_TEXTS:
            return
        try:
            _ = np.asarray(dataset[()])
        except FAILURES as error:
            raise self._error(reason(error), path) from error


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
