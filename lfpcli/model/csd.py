"""The volumes of a probe of current source density."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key
from lfpcli.model.value_types import integer, listing, number, vector

MOST_VOLUMES = 10_000_000
"""Volumes of current source density that one probe may have."""


@dataclass(frozen=True, kw_only=True)
class Csd(Table):
    """Volumes of current source density: discs along z, or a grid of boxes."""

    z: tuple[float, ...] | None = key(
        vector("um", 2), None, doc="Laminar: lower and upper end of the discs."
    )
    dz: float | None = key(number("um", above=0), None, doc="Laminar: thickness of a disc.")
    radius: float | None = key(number("um", above=0), None, doc="Laminar: radius of the discs.")
    centre: tuple[float, ...] | None = key(
        vector("um", 2), None, doc="Laminar: x and y of the discs' axis; 0 and 0 if left out."
    )
    origin: tuple[float, ...] | None = key(
        vector("um"), None, doc="Volumetric: the corner of lowest x, y and z."
    )
    size: tuple[float, ...] | None = key(
        vector("um", above=0), None, doc="Volumetric: edges of the whole grid."
    )
    n: tuple[int, ...] | None = key(
        listing(integer(1), size=3), None, doc="Volumetric: number of boxes along x, y and z."
    )

    @property
    def is_laminar(self) -> bool:
        """Whether the volumes are discs along z."""
        return self.z is not None

    @property
    def layers(self) -> int:
        """Number of discs."""
        assert self.z is not None and self.dz is not None
        return round((self.z[1] - self.z[0]) / self.dz)

    def check(self, at: At) -> None:
        """Raise `InputError` unless the volumes are given completely, in one way."""
        exactly_one(self, at, ("z", "origin"))
        discs, boxes = ["z", "dz", "radius"], ["origin", "size", "n"]
        needed, other = (discs, boxes) if self.is_laminar else (boxes, [*discs, "centre"])
        for name in needed:
            if getattr(self, name) is None:
                raise at.table_error(f"with '{needed[0]}' needs the key '{name}'")
        for name in other:
            if getattr(self, name) is not None:
                raise (at / name).error(f"does not go with '{needed[0]}'")
        if self.is_laminar:
            self._check_layers(at)
        elif math.prod(self.n or ()) > MOST_VOLUMES:
            raise (at / "n").error(f"makes more than {MOST_VOLUMES:,} boxes")

    def _check_layers(self, at: At) -> None:
        assert self.z is not None and self.dz is not None
        low, high = self.z
        if high <= low:
            raise (at / "z").error(f"expected the lower end first, got {low:g} and {high:g} um")
        if not (high - low) / self.dz <= MOST_VOLUMES:
            raise (at / "dz").error(f"{self.dz:g} um makes more than {MOST_VOLUMES:,} discs")
        if abs(self.layers * self.dz - (high - low)) > 1e-6 * self.dz or self.layers == 0:
            raise (at / "dz").error(
                f"{self.dz:g} um does not divide the {high - low:g} um between the ends"
            )
