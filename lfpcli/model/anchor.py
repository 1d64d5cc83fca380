"""Anchors: sections of cells that the places of arrays count from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lfpcli.errors import UsageError
from lfpcli.model.source_text import At
from lfpcli.model.value_types import ValueType

_PATTERN = re.compile(r"(?:(?P<gid>\d+):)?(?P<section>[^():]+)(?:\((?P<x>\d*\.?\d+)\))?")
_EXAMPLES = "give SECTION or GID:SECTION, as in soma, 7:apic[3], dend[0](0.5)"


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A section of a cell, or a place along it.

    Attributes
    ----------
    gid : int or None
        The cell; None where there is one alone.
    section : str
        Name of the section, with or without its number.
    x : float or None
        Place along it, 0 to 1; None is its middle.
    """

    gid: int | None
    section: str
    x: float | None


def parsed_anchor(text: str) -> Anchor:
    """The anchor that a text names: ``soma``, ``apic[3]``, ``7:dend[0](0.5)``.

    Raises
    ------
    UsageError
        Where it names none.
    """
    match = _PATTERN.fullmatch(text)
    x = None if match is None or match["x"] is None else float(match["x"])
    if match is None or (x is not None and not 0 <= x <= 1):
        raise UsageError(f"'{text}' is no anchor", remedy=_EXAMPLES)
    gid = None if match["gid"] is None else int(match["gid"])
    return Anchor(gid=gid, section=match["section"].strip(), x=x)


def _checked(value: str, at: At) -> str:
    try:
        parsed_anchor(value)
    except UsageError as error:
        raise at.error(error.message, error.remedy) from None
    return value


ANCHOR = ValueType(
    'a section of a cell, such as "soma"', lambda value: isinstance(value, str), _checked
)
