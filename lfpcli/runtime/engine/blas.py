"""How many threads the library below NumPy's matrix products uses, where that is OpenBLAS."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from functools import cache
from typing import Any

from lfpcli.runtime.neuron import loaded_library

_PREFIXES = ("libscipy_openblas64_", "libscipy_openblas", "libopenblas64_", "libopenblas")
_SUFFIXES = ("64_", "")


@contextlib.contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let matrix products use no more threads than `count` for a while.

    Threads of OpenBLAS that wait for work keep a core busy, which NEURON needs for itself. Where
    NumPy uses another library its threads stay as they are.
    """
    read, write = _controls()
    usual = read()
    write(min(count, usual))
    try:
        yield
    finally:
        write(usual)


@cache
def _controls() -> tuple[Any, Any]:
    """Functions that read and set the number of threads of NumPy's OpenBLAS."""
    for library in filter(None, map(_loaded, _PREFIXES)):
        for base in ("scipy_openblas", "openblas"):
            for suffix in _SUFFIXES:
                read = getattr(library, f"{base}_get_num_threads{suffix}", None)
                write = getattr(library, f"{base}_set_num_threads{suffix}", None)
                if read and write:
                    return read, write
    return (lambda: 1), (lambda count: None)


def _loaded(prefix: str) -> ctypes.CDLL | None:
    path = loaded_library(prefix)
    return ctypes.CDLL(path) if path else None
