# ruff: noqa: RUF009 - key() declares dataclass fields
"""``[run] ephaptic``: cells feel the extracellular potential of each other's currents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli import vocabulary
from lfpcli.forward import bundle as bundles
from lfpcli.forward.potentials import PotentialModel
from lfpcli.model.media import MEDIUM, MediumTable, medium_of, tolerance_of
from lfpcli.model.medium_checks import check_medium
from lfpcli.model.probe import SIGMA, Conductivity
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, table
from lfpcli.model.value_types import BOOLEAN, choice, number


@dataclass(frozen=True, kw_only=True)
class BundleTable(Table):
    """A narrow space about parallel fibres, grounded at its ends."""

    axis: str = key(choice("x", "y", "z"), "x", doc="Axis that the fibres are along.")
    low: float = key(number("um"), doc="Where it begins.")
    high: float = key(number("um"), doc="Where it ends.")
    area: float = key(number("um2", above=0), doc="Cross section of the space between the fibres.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the space has no length."""
        if self.high <= self.low:
            raise (at / "high").expected(f"a number > low = {self.low:g} (um)", self.high)


@dataclass(frozen=True, kw_only=True)
class Ephaptic(Table):
    """The medium in which cells feel each other's membrane currents."""

    sigma: Conductivity = key(
        SIGMA,
        vocabulary.SIGMA,
        doc="Conductivity, isotropic, along x, y and z, or a tensor, as of a probe.",
    )
    medium: str | MediumTable = key(
        MEDIUM, vocabulary.INFINITE, doc="The medium, as that of a probe."
    )
    bundle: BundleTable | None = key(
        table(BundleTable, 'a table such as {axis = "x", low = 0, high = 1e4, area = 1}'),
        None,
        doc="Instead of a medium: a narrow space about parallel fibres, in which the potential "
        "depends on the place along them alone.",
    )
    method: str = key(
        choice(*vocabulary.METHODS), vocabulary.METHOD, doc="Segments as sources, see probe."
    )
    own: bool = key(
        BOOLEAN,
        False,
        doc="Whether a cell also feels its own currents. Left out: those of other cells alone.",
    )

    @property
    def model(self) -> PotentialModel:
        """How currents make potentials at the segments."""
        return PotentialModel(
            method=self.method,
            sigma=self.sigma,
            medium=medium_of(self.medium),
            tolerance=tolerance_of(self.medium),
        )

    @property
    def space(self) -> bundles.Bundle | None:
        """The narrow space, where it is one."""
        if self.bundle is None:
            return None
        return bundles.Bundle(
            axis="xyz".index(self.bundle.axis),
            ends=(self.bundle.low, self.bundle.high),
            area=self.bundle.area,
            sigma=float(np.ravel(self.sigma)[0]),
        )

    def check(self, at: At) -> None:
        """Raise `InputError` where the medium is not one thing."""
        check_medium(self, at)
        if self.bundle is None:
            return
        if self.medium != vocabulary.INFINITE:
            raise at.table_error("has both 'bundle' and 'medium'", "give one of them")
        if isinstance(self.sigma, tuple):
            raise (at / "sigma").error("must be one number in a bundle")
