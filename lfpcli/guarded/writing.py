"""HDF5 files that are written anew, also onto a disk that is full."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import h5py

from lfpcli.guarded.lost_writes import any_lost, failed_write, half_closed, write_nowhere


@contextlib.contextmanager
def new_hdf5(
    path: str | os.PathLike[str], *, checked: bool = False, before: int = 0
) -> Iterator[h5py.File]:
    """Write an HDF5 file.

    Parameters
    ----------
    path : path-like
        The file.
    checked : bool
        Whether metadata have checksums, which readers of before HDF5 1.10 do not know.
    before : int
        Bytes that are left free at the begin of the file: 0, or a power of two from 512 on.

    Raises
    ------
    OSError, RuntimeError
        Where the disk is full; the process can still end in peace.
    """
    file = create(path, checked=checked, before=before)
    try:
        yield file
        check_written(file)
        file.flush()
    except BaseException:
        abandon(file)
        raise
    file.close()


def create(path: str | os.PathLike[str], *, checked: bool = False, before: int = 0) -> h5py.File:
    """Create an HDF5 file, or empty it; see `new_hdf5`."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    # what is written goes to the disk at once, so that a full one is met there: HDF5 crashes where
    # it cannot write what it kept back as a dataset is closed
    access.set_sieve_buf_size(0)
    if checked:
        # the first version whose metadata have checksums throughout
        access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    # the same work writes the same bytes at any time of day
    creation.set_obj_track_times(False)
    creation.set_userblock(before)
    flags = h5py.h5f.ACC_TRUNC
    return h5py.File(h5py.h5f.create(os.fsencode(path), flags, creation, access))


def abandon(file: h5py.File) -> None:
    """Close a file without a further write to the disk.

    HDF5 keeps a file open whose last blocks cannot be written, tries again when the process ends,
    and crashes it there. Where a write has failed it may crash as the file is closed, which stays
    open then.
    """
    with contextlib.suppress(OSError, RuntimeError, ValueError, NotImplementedError):
        descriptor = file.id.get_vfd_handle()
        is_broken = (
            half_closed(descriptor) is not None or failed_write(sys.exc_info()[1]) is not None
        )
        write_nowhere(descriptor)
        if is_broken:
            # one that Python forgets would be closed as well
            h5py.h5i.inc_ref(file.id)
            return
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        file.close()


def check_written(file: h5py.File) -> None:
    """Raise the error of a write that HDF5 could not tell; it may crash at what comes next.

    Raises
    ------
    OSError
        Where there was one.
    """
    if not any_lost():
        return
    number = half_closed(file.id.get_vfd_handle())
    if number is not None:
        raise OSError(number, os.strerror(number))
