"""Doubles at many places of memory, put side by side."""

cimport cython
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy


def gather(const uintptr_t[::1] addresses, double[:, ::1] rows, Py_ssize_t row):
    """Copy the doubles at `addresses` into one row of `rows`."""
    cdef Py_ssize_t k
    if row < 0 or row >= rows.shape[0] or addresses.shape[0] != rows.shape[1]:
        raise IndexError("row or number of addresses does not fit")
    for k in range(addresses.shape[0]):
        rows[row, k] = (<double *> addresses[k])[0]


def gather_rows(const uintptr_t[::1] addresses, double[:, ::1] rows):
    """Fill each of `rows` with the doubles that begin at its address."""
    cdef Py_ssize_t k, size = rows.shape[1] * sizeof(double)
    if addresses.shape[0] != rows.shape[0]:
        raise IndexError("number of addresses does not fit")
    if size == 0:
        return
    with nogil:
        for k in range(rows.shape[0]):
            memcpy(&rows[k, 0], <const void *> addresses[k], size)
