"""Memory in huge pages, where a simulator writes to thousands of places at every step."""

from __future__ import annotations

import ctypes
import sys

import numpy as np

# blocks whose pages a processor remembers; only more of them are worth the call
FEW = 2000
_PAGE = 4096
# of Linux, from 6.1 on
_MADV_COLLAPSE = 25


def gather_pages(places: np.ndarray, size: int) -> None:
    """Ask the system to put blocks of memory into huge pages, where it can.

    A processor remembers the places of a few thousand pages; more vectors than that, written in
    turn, make it look up each one at every step.

    Parameters
    ----------
    places : ndarray of uintp, shape (blocks,)
        Addresses of the blocks, one at least.
    size : int
        Bytes of each.
    """
    if not sys.platform.startswith("linux"):
        return
    first, last = int(places.min()) // _PAGE * _PAGE, int(places.max()) + size
    if last - first > 2 * len(places) * size:
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    # only advice: systems that do not know it refuse, and nothing depends on it
    advise(first, last - first, _MADV_COLLAPSE)
