"""Doubles at many places of memory, put side by side.

The addresses are those of memory that others own: that they are alive and point to doubles cannot
be checked here, so that this is for the runtime alone.
"""

from __future__ import annotations

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.kernels import _gather


def gather(addresses: np.ndarray, rows: np.ndarray, row: int) -> None:
    """Copy single doubles into one row of an array.

    Parameters
    ----------
    addresses : ndarray of uintp, shape (n,)
        Where the doubles are.
    rows : ndarray of float64, shape (m, n), contiguous
        What is written to; in the units of the doubles.
    row : int
        The row, 0 to m - 1.

    Raises
    ------
    UsageError
        Where shapes or types do not go together.
    """
    _check(addresses, rows)
    if len(addresses) != rows.shape[1]:
        raise UsageError(f"{len(addresses)} addresses for rows of {rows.shape[1]} values")
    if not 0 <= row < len(rows):
        raise UsageError(f"row {row} of an array of {len(rows)} rows")
    _gather.gather(addresses, rows, row)


def gather_rows(addresses: np.ndarray, rows: np.ndarray) -> None:
    """Fill each row of an array with the doubles that begin at its address.

    Parameters
    ----------
    addresses : ndarray of uintp, shape (m,)
        Where the first double of each row is; the others follow it.
    rows : ndarray of float64, shape (m, n), contiguous
        What is written to; in the units of the doubles.

    Raises
    ------
    UsageError
        Where shapes or types do not go together.
    """
    _check(addresses, rows)
    if len(addresses) != len(rows):
        raise UsageError(f"{len(addresses)} addresses for {len(rows)} rows")
    _gather.gather_rows(addresses, rows)


def _check(addresses: np.ndarray, rows: np.ndarray) -> None:
    if addresses.ndim != 1 or addresses.dtype != np.uintp:
        raise UsageError(f"addresses are {addresses.dtype} of shape {addresses.shape}")
    if rows.ndim != 2 or rows.dtype != np.float64 or not rows.flags.c_contiguous:
        raise UsageError(f"rows are {rows.dtype} of shape {rows.shape}, or not contiguous")
