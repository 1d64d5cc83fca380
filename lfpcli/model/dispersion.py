# ruff: noqa: RUF009 - key() declares dataclass fields
"""Conductivities that depend on frequency: of tissues, of tables, and power laws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import InputError
from lfpcli.forward.dispersion import TISSUES, Dispersion, Measured, PowerLaw, Ratio
from lfpcli.io.table import read_columns, vectors
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, only_with, table
from lfpcli.model.value_types import PATH, choice, number

_COLUMNS = ("frequency", "sigma", "epsilon_r")


@dataclass(frozen=True, kw_only=True)
class DispersionTable(Table):
    """How a conductivity depends on frequency."""

    tissue: str | None = key(
        choice(*TISSUES),
        None,
        doc="A tissue by its four relaxations (Gabriel et al. 1996).",
    )
    file: Path | None = key(
        PATH,
        None,
        doc="Instead of a tissue: a .csv with the columns frequency (Hz), sigma (S/m) and "
        "epsilon_r, between whose rows logarithms are linear.",
    )
    exponent: float | None = key(
        number(least=0, most=1),
        None,
        doc="Instead of a tissue: the conductivity is proportional to this power of i f; 0 is a "
        "resistor.",
    )
    at: float | None = key(
        number("Hz", above=0),
        None,
        doc="Frequency at which the real part of the conductivity is sigma. Left out: it is that "
        "of the tissue or file, and sigma is left out too. A power law needs it.",
    )
    low: float | None = key(
        number("Hz", above=0),
        None,
        doc="Frequency below which a power law falls no more. Left out: 1.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where it is not one dispersion."""
        exactly_one(self, at, ("tissue", "file", "exponent"))
        only_with(self, at, ("low",), "exponent")
        if self.exponent is not None and self.at is None:
            raise at.table_error("needs the key 'at' (Hz)", "say at which frequency sigma holds")

    @property
    def has_sigma(self) -> bool:
        """Whether it has conductivities of its own, in place of sigma."""
        return self.at is None

    @cached_property
    def ratio(self) -> Ratio:
        """The conductivity over sigma, or over the usual one where it has its own.

        Raises
        ------
        InputError
            Where its file is no such table.
        """
        dispersion = self._dispersion
        if self.at is None:
            return Ratio(dispersion=dispersion, reference=vocabulary.SIGMA)
        reference = float(dispersion.at(np.array([self.at]))[0].real)
        return Ratio(dispersion=dispersion, reference=reference)

    @property
    def _dispersion(self) -> Dispersion:
        if self.tissue is not None:
            return TISSUES[self.tissue]
        if self.file is not None:
            return _measured(self.file)
        assert self.exponent is not None and self.at is not None
        return PowerLaw(exponent=self.exponent, reference=self.at, low=self.low or 1.0)


DISPERSION = table(DispersionTable, 'a table such as {tissue = "grey matter"}')
"""What a key holds that tells it."""


def _measured(path: Path) -> Measured:
    """Read a table of frequency, sigma and epsilon_r."""
    table = read_columns(path, _COLUMNS)
    frequency, sigma, epsilon = vectors(table, _COLUMNS).T
    for name in _COLUMNS:
        least = int(np.argmin(table[name]))
        if table[name][least] <= 0:
            raise InputError(
                f"row {least + 1} has {name} = {table[name][least]:g}, expected a number above 0",
                source=path,
                remedy="leave the row out",
            )
    falls = np.flatnonzero(np.diff(frequency) <= 0)
    if len(falls):
        raise InputError(
            f"frequencies do not ascend at row {falls[0] + 2}", source=path, remedy="sort the rows"
        )
    if len(frequency) < 2:
        raise InputError("has fewer than two rows", source=path, remedy="give more frequencies")
    return Measured(frequency=frequency, sigma=sigma, epsilon=epsilon)
