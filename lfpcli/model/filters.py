"""What is done to a signal: filters and noise of an instrument."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lfpcli import vocabulary
from lfpcli.forward.treatment import Band
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key
from lfpcli.model.value_types import choice, integer, number


@dataclass(frozen=True, kw_only=True)
class Filter(Table):
    """A Butterworth filter that runs forwards and backwards, without phase."""

    low: float | None = key(
        number("Hz", above=0), None, doc="Lower corner. Left out: a low-pass filter."
    )
    high: float | None = key(
        number("Hz", above=0), None, doc="Upper corner. Left out: a high-pass filter."
    )
    order: int = key(integer(1), 3, doc="Order of one pass.")

    @cached_property
    def band(self) -> Band:
        """The pass band."""
        return Band(self.low, self.high)

    def check(self, at: At) -> None:
        """Raise `InputError` where there is no band."""
        if self.low is None and self.high is None:
            raise at.table_error("needs the key 'low' or 'high' (Hz)")
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise (at / "high").expected(f"a number > low = {self.low:g} (Hz)", self.high)


@dataclass(frozen=True, kw_only=True)
class Noise(Table):
    """Noise that is added to a signal."""

    colour: str = key(choice(*vocabulary.COLOURS), "white", doc="Colour of the noise.")
    rms: float = key(
        number(least=0),
        doc="Root mean square at each contact, in the unit of the signal, after filter and "
        "resampling.",
    )
    length: float | None = key(
        number("um", least=0),
        None,
        doc="Correlation length between contacts. Left out: their noise is independent.",
    )
