"""Errors of the library, with the table of the model that led to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lfpcli.errors import InputError, LfpError, UsageError


@contextlib.contextmanager
def located(place: str) -> Iterator[None]:
    """Name the table of the model, ``file:line``, in errors that the library raises below it."""
    try:
        yield
    except UsageError as error:
        # what would be misuse of the library is a mistake in the model here
        raise InputError(error.what, place=error.place or place, remedy=error.remedy) from error
    except LfpError as error:
        error.place = error.place or place
        raise
