"""Texts as files hold them."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str:
    """Text of an attribute or an element of HDF5, which may be bytes; it never fails."""
    # h5py keeps what is no UTF-8 as surrogates, with which nothing can be written
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return data.decode("utf-8", "replace")


def is_number(text: str) -> bool:
    """Whether a cell of a table is a number; NaN and infinity are."""
    try:
        float(text)
    except ValueError:
        return False
    return True
