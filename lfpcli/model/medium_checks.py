"""What the keys of a medium of a probe, a field or a coupling must be together."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import located
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import check_conductivity
from lfpcli.model.dispersion import DispersionTable
from lfpcli.model.media import MediumTable, medium_of
from lfpcli.model.regions import Regions
from lfpcli.model.source_text import At


class InMedium(Protocol):
    """A table with a conductivity and a medium."""

    @property
    def sigma(self) -> Any:
        """Conductivity, S/m."""

    @property
    def medium(self) -> str | MediumTable:
        """The medium."""


class Dispersed(InMedium, Protocol):
    """One whose conductivity may depend on frequency, or that may have lead fields."""

    @property
    def dispersion(self) -> DispersionTable | None:
        """How the conductivity depends on frequency."""

    @property
    def lead_field(self) -> Any:
        """A file that holds the medium."""

    @property
    def has_array_keys(self) -> bool:
        """Whether contacts are stated."""

    @property
    def stated(self) -> Any:
        """Names of the keys that are stated."""


def check_lead_field(table: Dispersed, at: At) -> None:
    """Raise `InputError` where a key says again what the file of lead fields says."""
    if table.has_array_keys:
        raise at.table_error("has keys of contacts, which 'lead_field' has", "leave them out")
    if table.medium != vocabulary.INFINITE or table.sigma != vocabulary.SIGMA:
        raise at.table_error("has a medium, which 'lead_field' has", "leave it out")


def check_medium(table: InMedium, at: At, *, dispersions: bool = False) -> None:
    """Raise `InputError` where the conductivity does not go with the medium.

    Parameters
    ----------
    table : InMedium
        The table.
    at : At
        Where it is.
    dispersions : bool
        Whether regions may have dispersions of their own.
    """
    if isinstance(table.medium, Regions) and not dispersions:
        check_constant(table.medium, at / "medium")
    if isinstance(table.medium, Regions) and table.sigma != vocabulary.SIGMA:
        raise (at / "sigma").error(
            "does not go with a medium of regions", "give it to the medium's 'background'"
        )
    if not isinstance(table.sigma, tuple) or table.medium == vocabulary.INFINITE:
        return
    assert not isinstance(table.medium, Regions)
    conductor = medium_of(table.medium)
    assert conductor is not None and not isinstance(conductor, GridMedium)
    with located((at / "sigma").source_line):
        check_conductivity(conductor, np.array(table.sigma))


def check_dispersion(table: Dispersed, at: At) -> None:
    """Raise `InputError` where a dispersion does not go with what else is stated."""
    if table.dispersion is None or not table.dispersion.has_sigma:
        return
    if table.lead_field is not None or isinstance(table.medium, Regions):
        raise (at / "dispersion").error(
            "has conductivities of its own, as the regions have",
            "give dispersion.at, or each region its dispersion",
        )
    if "sigma" in table.stated:
        raise (at / "dispersion").error(
            "has conductivities of its own beside 'sigma'",
            "leave sigma out, or give dispersion.at",
        )


def check_constant(regions: Regions, at: At) -> None:
    """Raise `InputError` where regions depend on frequency, for what does not heed it."""
    if regions.has_dispersion:
        raise at.error(
            "has regions whose conductivity depends on frequency, which only a [[probe]] or a "
            "[[field]] heeds",
            "leave their dispersion out",
        )
