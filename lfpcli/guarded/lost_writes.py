"""Writes that fail, also where nothing can be raised."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from lfpcli.interruptions import heeded_losses

# what a disk says that is full, or broken
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
# how HDF5 tells of a write that failed
_FAILED_WRITE = re.compile(r"write failed: .* file descriptor = (\d+), errno = (\d+),", re.DOTALL)
# by the descriptor of a file of which HDF5 failed to close an object, the number of the error
_half_closed: dict[int, int] = {}


@contextlib.contextmanager
def lost_writes() -> Iterator[list[int]]:
    """Yield the error numbers of failed writes that nobody could be told of.

    HDF5 keeps metadata back, and writes them as Python forgets an object, where nothing can be
    raised. There h5py prints what went wrong, and HDF5, which tries again and again, crashes in
    the end. So the first of them has all that follows written to nowhere.
    """
    numbers: list[int] = []

    def is_lost_write(error: BaseException | None) -> bool:
        failed = _FAILED_WRITE.search(str(error))
        if failed is None:
            # what comes after one is its consequence
            return bool(numbers) and isinstance(error, (OSError, RuntimeError))
        descriptor = int(failed[1])
        numbers.append(int(failed[2]))
        _half_closed.setdefault(descriptor, numbers[-1])
        with contextlib.suppress(OSError):
            write_nowhere(descriptor)
        return True

    with heeded_losses(is_lost_write):
        yield numbers


def failed_write(error: BaseException | None) -> int | None:
    """The number of a failed write that an error is about, or came after; None where none is."""
    # packages that close what they could not write raise errors of their own in its place
    while error is not None:
        number = getattr(error, "errno", None)
        failed = _FAILED_WRITE.search(str(error))
        if failed is not None:
            number = int(failed[2])
        if number in _FULL:
            return int(number)
        error = error.__cause__ or error.__context__
    return None


def any_lost() -> bool:
    """Whether HDF5 ever failed to close an object."""
    return bool(_half_closed)


def half_closed(descriptor: int) -> int | None:
    """The number of the error with which HDF5 failed to close an object of a file, None if not."""
    number = _half_closed.get(descriptor)
    if number is None:
        return None
    # other programs' files are closed in spite of it, and their descriptors used again
    is_nowhere = os.path.samestat(os.fstat(descriptor), Path(os.devnull).stat())
    return number if is_nowhere else None


def write_nowhere(descriptor: int) -> None:
    """Have a descriptor lead to nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
