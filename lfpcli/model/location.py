"""The one language for places on a cell: synapses, electrodes and recorders use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lfpcli.errors import InputError
from lfpcli.model.distribution import Distribution
from lfpcli.model.source_text import At, SourceText, clipped, shown
from lfpcli.model.tables import Table, key, only_with, read_table, table
from lfpcli.model.value_types import TEXT, ValueType, integer, listing, number, vector

_TEXT_FORM = re.compile(r"(?P<section>[^()#@]+?)\s*(?:\(\s*(?P<x>[^()]*?)\s*\))?")


@dataclass(frozen=True, kw_only=True)
class DepthTerm(Distribution):
    """One weighted density of depth."""

    weight: float = key(number(least=0), 1.0, doc="Weight of this density in the sum.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the density is not one of a continuous distribution."""
        super().check(at)
        if self.is_discrete:
            raise (at / "dist").error(f"'{self.dist}' is discrete; depth is not")


@dataclass(frozen=True, kw_only=True)
class Location(Table):
    """A place on a cell, or the places among which one is drawn."""

    sections: tuple[str, ...] | None = key(
        listing(TEXT, least=1),
        None,
        doc='Drawn by membrane area in these sections: "all", "soma", "dend", "apic", "axon", '
        "names, or globs of names.",
    )
    z_min: float | None = key(number("um"), None, doc="Lowest depth of the segments' middles.")
    z_max: float | None = key(number("um"), None, doc="Highest depth of the segments' middles.")
    depth: tuple[DepthTerm, ...] | None = key(
        listing(table(DepthTerm), least=1),
        None,
        doc="Weighted densities of depth, whose sum multiplies the membrane area.",
    )
    section: str | None = key(TEXT, None, doc="Instead: one section, by its name or number.")
    x: float | None = key(
        number(least=0, most=1), None, doc="Place along 'section', from 0 to 1; 0.5 if left out."
    )
    nearest: tuple[float, ...] | None = key(
        vector("um"), None, doc="Instead: the segment whose middle is nearest to this point."
    )
    index: int | None = key(integer(), None, doc="Instead: the segment of this index.")
    each: tuple[str, ...] | None = key(
        listing(TEXT, least=1),
        None,
        doc="Instead: one synapse in the middle of each of these sections.",
    )
    column: str | None = key(
        TEXT,
        None,
        doc="Instead: a column of the table of the rule's pairs, with indices of segments, or "
        "texts such as apic[3](0.5).",
    )

    @property
    def form(self) -> str:
        """How the place is written: section, nearest, index, each, column, or random."""
        names = ("section", "nearest", "index", "each", "column")
        return next((name for name in names if getattr(self, name) is not None), "random")

    def check(self, at: At) -> None:
        """Raise `InputError` where the keys say more than one place."""
        only_with(self, at, ("x",), "section")
        names = ("section", "nearest", "index", "each", "column")
        single = [n for n in names if getattr(self, n) is not None]
        if len(single) > 1:
            raise at.table_error(f"has both '{single[0]}' and '{single[1]}'", "give one of them")
        for name in ("sections", "z_min", "z_max", "depth"):
            # the nearest segment may be looked for in some sections alone
            allowed = not single or (name == "sections" and single == ["nearest"])
            if getattr(self, name) is not None and not allowed:
                raise (at / name).error(f"does not go with '{single[0]}'")
        if self.z_min is not None and self.z_max is not None and self.z_min >= self.z_max:
            raise (at / "z_max").expected(f"a number > z_min = {self.z_min:g}", self.z_max)
        if self.depth is not None and not any(term.weight for term in self.depth):
            raise (at / "depth").error("has weights that are all 0")


def parse_location(text: str) -> Location:
    """Read the short form of a place, as command lines give it.

    Parameters
    ----------
    text : str
        ``NAME`` (at random by area in the sections of this name, family or glob),
        ``NAME(x)`` (one place in a section), ``#INDEX`` (a segment), or ``@x,y,z`` (the segment
        nearest to a point, um).

    Returns
    -------
    Location

    Raises
    ------
    InputError
        Where the text is none of these.
    """
    raw = _raw_location(text.strip())
    if raw is None:
        raise InputError(
            f"{shown(text)} is no place on a cell",
            remedy="write NAME, NAME(x), #INDEX or @x,y,z",
        )
    return read_table(Location, raw, At(SourceText(clipped(text))))


def _raw_location(text: str) -> dict[str, Any] | None:
    if text[:1] == "#":
        return {"index": int(text[1:])} if text[1:].isascii() and text[1:].isdigit() else None
    if text[:1] == "@":
        numbers = [_number(part) for part in text[1:].split(",")]
        return None if None in numbers else {"nearest": numbers}
    form = _TEXT_FORM.fullmatch(text)
    if form is None:
        return None
    if form["x"] is None:
        return {"sections": [form["section"]]}
    x = _number(form["x"])
    return None if x is None else {"section": form["section"], "x": x}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _location(value: Any, at: At) -> Location:
    if isinstance(value, dict):
        return read_table(Location, value, at)
    raw = _raw_location(value.strip())
    if raw is None:
        raise at.expected(LOCATION.expects, value)
    return read_table(Location, raw, at)


LOCATION = ValueType(
    'a table such as {sections = ["dend"]}, or NAME, NAME(x), #INDEX or @x,y,z',
    lambda value: isinstance(value, (dict, str)),
    _location,
)
