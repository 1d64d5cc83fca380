# ruff: noqa: RUF009 - key() declares dataclass fields
"""``[group.NAME]``, whose share of signals is kept, and ``[[record.report]]``."""

from __future__ import annotations

from dataclasses import dataclass

from lfpcli.model.location import LOCATION, Location
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key
from lfpcli.model.value_types import TEXT, choice, integer, listing, number

CELLS = listing(integer(), least=1)
SEGMENTS, SOMATA = "segments", "somata"


@dataclass(frozen=True, kw_only=True)
class Group(Table):
    """Segments of cells, such as those of a layer, by whose name shares of signals are kept."""

    name: str
    populations: tuple[str, ...] | None = key(
        listing(TEXT, least=1), None, doc="Populations. Left out: all."
    )
    cells: tuple[int, ...] | None = key(
        CELLS, None, doc="Indices of cells in the population, of which there is one. Left out: all."
    )
    sections: tuple[str, ...] | None = key(
        listing(TEXT, least=1),
        None,
        doc="Sections, as those of a mechanism; cells without any of them have no segment in the "
        "group. Left out: all.",
    )
    z_min: float | None = key(number("um"), None, doc="Lowest depth.")
    z_max: float | None = key(number("um"), None, doc="Highest depth, itself not in the group.")
    depth: str = key(
        choice(SEGMENTS, SOMATA),
        SEGMENTS,
        doc="Whether z_min and z_max are of the segments' middles, or of the somata, so that cells "
        "are in the group with all their segments.",
    )

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        if self.z_min is None and self.z_max is None:
            return {"depth": "a group without z_min and z_max"}
        return {}

    def check(self, at: At) -> None:
        """Raise `InputError` where keys do not go together."""
        if self.cells is not None and (self.populations is None or len(self.populations) > 1):
            raise (at / "cells").error("belongs to one population", "give populations = [NAME]")
        if self.z_min is not None and self.z_max is not None and self.z_min >= self.z_max:
            raise (at / "z_max").expected(f"a number > z_min = {self.z_min:g}", self.z_max)


@dataclass(frozen=True, kw_only=True)
class ReportTable(Table):
    """A variable of chosen cells and segments."""

    variable: str = key(
        TEXT,
        doc="Variable to keep: v, imem, or another range variable of NEURON, as those of "
        "'variables'.",
    )
    name: str = key(
        TEXT, "", doc="Name of the report. Left out: the variable, _report and its number."
    )
    population: str | None = key(TEXT, None, doc="Population. Left out: all.")
    cells: tuple[int, ...] | None = key(
        CELLS, None, doc="Indices of cells in the population. Left out: all."
    )
    location: Location = key(
        LOCATION,
        Location(),
        doc="Where: one segment, or all of the named sections and depths. Left out: all segments.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where cells have no population."""
        if self.cells is not None and self.population is None:
            raise (at / "cells").error("belongs to 'population', which is not given")
        for name in ("depth", "column"):
            if getattr(self.location, name) is not None:
                raise (at / "location").error(f"has '{name}', and nothing is drawn here")
