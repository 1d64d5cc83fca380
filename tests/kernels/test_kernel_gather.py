"""Gathering of doubles from addresses, and what is refused before any memory is touched."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.kernels.gather import gather, gather_rows

VALUES = np.random.default_rng(4).normal(size=(7, 5))
ADDRESSES = VALUES.ctypes.data + 8 * np.arange(VALUES.size, dtype=np.uintp)


def test_single_doubles_go_into_one_row_and_no_other() -> None:
    order = np.random.default_rng(5).permutation(VALUES.size)[:11]
    rows = np.full((3, 11), -1.0)
    gather(ADDRESSES[order], rows, 1)
    np.testing.assert_array_equal(rows[1], VALUES.ravel()[order])
    assert np.all(rows[[0, 2]] == -1.0)


def test_runs_of_doubles_fill_rows() -> None:
    order = np.array([4, 0, 6])
    rows = np.empty((3, 5))
    gather_rows(ADDRESSES[5 * order], rows)
    np.testing.assert_array_equal(rows, VALUES[order])
    gather_rows(ADDRESSES[:2], np.empty((2, 0)))


@pytest.mark.parametrize(
    ("addresses", "rows", "row"),
    [
        (ADDRESSES[:4], np.empty((2, 5)), 0),
        (ADDRESSES[:5], np.empty((2, 5)), 2),
        (ADDRESSES[:5], np.empty((2, 5)), -1),
        (ADDRESSES[:5].astype(np.int64), np.empty((2, 5)), 0),
        (ADDRESSES[:5], np.empty((2, 5), np.float32), 0),
        (ADDRESSES[:5], np.empty((5, 2)).T, 0),
        (ADDRESSES[:5], np.empty(5), 0),
    ],
)
def test_what_does_not_fit_is_refused(addresses: np.ndarray, rows: np.ndarray, row: int) -> None:
    with pytest.raises(UsageError):
        gather(addresses, rows, row)


def test_rows_without_their_addresses_are_refused() -> None:
    with pytest.raises(UsageError, match="2 addresses for 3 rows"):
        gather_rows(ADDRESSES[:2], np.empty((3, 5)))
