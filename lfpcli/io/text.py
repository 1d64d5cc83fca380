"""Texts as files hold them."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str:
    """Text of an attribute or an element of HDF5, which may be bytes; it never fails."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_number(text: str) -> bool:
    """Whether a cell of a table is a number; NaN and infinity are."""
    try:
        float(text)
    except ValueError:
        return False
    return True
