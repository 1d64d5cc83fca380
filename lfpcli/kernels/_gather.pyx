"""Doubles at many places of memory, put side by side; `lfpcli.kernels.gather` checks for it."""

from libc.stdint cimport uintptr_t
from libc.string cimport memcpy


def gather(const uintptr_t[::1] addresses, double[:, ::1] rows, Py_ssize_t row):
    """Copy the doubles at `addresses` into one row of `rows`."""
    cdef Py_ssize_t k
    with nogil:
        for k in range(addresses.shape[0]):
            rows[row, k] = (<double *> addresses[k])[0]


def gather_rows(const uintptr_t[::1] addresses, double[:, ::1] rows):
    """Fill each of `rows` with the doubles that begin at its address."""
    cdef Py_ssize_t k, size = rows.shape[1] * sizeof(double)
    if size == 0:
        return
    with nogil:
        for k in range(rows.shape[0]):
            memcpy(&rows[k, 0], <const void *> addresses[k], size)
