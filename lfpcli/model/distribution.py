# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""Quantities that are a number or are drawn from a distribution of scipy.stats."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, nearest
from lfpcli.model.families import check_parameters, family, family_names, is_discrete, quiet
from lfpcli.model.source_text import At, shown
from lfpcli.model.tables import Table, key, read_table, rest
from lfpcli.model.value_types import TEXT, ValueType, integer, is_number, number

MOST_ROUNDS = 1000
"""Rounds of redrawing after which `Distribution.draw` gives up."""
LEAST_MASS = 1e-3
"""Smallest share of a distribution that `min` and `max` may leave."""
LARGEST_COUNT = 1_000_000
"""Largest range of a count."""
LONGEST_SEARCH = 8191
"""Integers among which the upper end of a count without `max` is looked for."""

_NUMBERS = number(infinite=True)
PARAMETER = ValueType(
    'a number, "inf" or "-inf"',
    lambda value: is_number(value) or value in ("inf", "-inf"),
    lambda value, at: _NUMBERS.convert(float(value) if isinstance(value, str) else value, at),
)
"""Parameters may be infinite, which JSON has no number for."""


@dataclass(frozen=True, kw_only=True)
class Distribution(Table):
    """A number, or a distribution of scipy.stats between limits.

    Attributes
    ----------
    value : float or None
        The number, where it is one.
    """

    value: float | None = None
    dist: str | None = key(
        TEXT, None, doc="Name of a distribution in scipy.stats; it must be given."
    )
    min: float | None = key(number(), None, doc="Smaller values are drawn again.")
    max: float | None = key(number(), None, doc="Larger values are drawn again.")
    params: dict[str, float] = rest(
        PARAMETER, doc="Parameters of the distribution, such as loc and scale."
    )

    @classmethod
    def constant(cls, value: float) -> Distribution:
        """Make the quantity that always is `value`."""
        return cls(value=float(value))

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw values.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness; unused for a number.
        n : int
            How many.

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        InputError
            Where the limits leave hardly anything to draw.
        """
        if self.value is not None:
            return np.full(n, self.value)
        values = self._rvs(rng, n)
        # those within the limits stay, so that a limit that is never met changes no number
        for _ in range(MOST_ROUNDS):
            wrong = np.flatnonzero(~self._allows(values))
            if not len(wrong):
                return values
            values[wrong] = self._rvs(rng, len(wrong))
        raise InputError(
            f"'{self.dist}' gives hardly any value in its limits",
            source=self.source_line,
            remedy="widen the limits",
        )

    def draw_counts(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw whole numbers, by the density at the integers from `min` to `max`, renormalised.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness; unused for a number.
        n : int
            How many.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        if self.value is not None:
            return np.full(n, round(self.value), dtype=np.int64)
        integers, probabilities = self.count_probabilities
        edges = np.cumsum(probabilities)
        # rounding may leave the sum a bit below 1, and a draw between the two
        drawn = np.searchsorted(edges / edges[-1], rng.random(n), side="right")
        return integers[drawn]

    @functools.cached_property
    def count_probabilities(self) -> tuple[np.ndarray, np.ndarray]:
        """Integers that `draw_counts` draws, shape (K,), and their probabilities, shape (K,).

        The smallest is `min`, or 1. The largest is `max`, or the first of 127, 1023 and 8191 above
        the smallest where the density has become negligible.
        """
        low = 1 if self.min is None else math.ceil(self.min)
        high = low + LONGEST_SEARCH - 1 if self.max is None else math.floor(self.max)
        if not 0 <= high - low <= LARGEST_COUNT:
            raise InputError(
                f"a count cannot be from {low} to {high}",
                source=self.source_line,
                remedy="give min and max",
            )
        size = high - low + 1 if self.max is not None else 127
        # most counts are small: the density is computed no farther than it reaches
        while True:
            integers = np.arange(low, low + size)
            density = self.density(integers)
            has_ended = 0 <= density[-1] * size < 1e-12 * density.sum()
            if self.max is not None or has_ended or size == high - low + 1:
                return integers, self._normalised(density, low, high)
            size = 8 * size + 7

    @functools.cached_property
    def mean(self) -> float:
        """Mean of what `draw` draws."""
        if self.value is not None:
            return self.value
        from scipy import stats

        frozen = getattr(stats, str(self.dist))(**self.params)
        with quiet():
            return float(frozen.expect(lb=self.min, ub=self.max, conditional=True))

    @property
    def mean_count(self) -> float:
        """Mean of what `draw_counts` draws."""
        if self.value is not None:
            return round(self.value)
        integers, probabilities = self.count_probabilities
        return float(integers @ probabilities)

    def _normalised(self, density: np.ndarray, low: int, high: int) -> np.ndarray:
        total = density.sum()
        if not (total > 0 and np.isfinite(total)):
            raise InputError(
                f"'{self.dist}' has no density at the integers from {low} to {high}",
                source=self.source_line,
                remedy="widen the limits",
            )
        if self.max is None and density[-1] * len(density) > 1e-6 * total:
            raise InputError(
                "counts have no upper end", source=self.source_line, remedy="give 'max'"
            )
        probabilities: np.ndarray = density / total
        return probabilities

    def density(self, values: ArrayLike) -> np.ndarray:
        """Return the probability density (of discrete ones the mass); zero outside the limits.

        Parameters
        ----------
        values : array_like, any shape
            Values, in the unit of what is drawn.

        Returns
        -------
        ndarray, shape of `values`
            Per that unit.
        """
        x = np.asarray(values, dtype=float)
        with quiet():
            density = self._frozen.pmf(x) if self.is_discrete else self._frozen.pdf(x)
        return np.where(self._allows(x), density, 0.0)

    def support(self) -> tuple[float, float]:
        """Smallest and largest value that can be drawn."""
        if self.value is not None:
            return self.value, self.value
        with quiet():
            low, high = (float(end) for end in self._frozen.support())
        low = low if self.min is None else max(low, self.min)
        return low, high if self.max is None else min(high, self.max)

    @property
    def is_discrete(self) -> bool:
        """Whether it is a distribution over the integers."""
        return self.dist is not None and is_discrete(self.dist)

    def check(self, at: At) -> None:
        """Raise `InputError` where scipy.stats has no such distribution or it makes no sense."""
        if self.dist is None:
            raise at.table_error("needs the key 'dist'", "give a number, or dist = NAME")
        if family(self.dist) is None:
            raise (at / "dist").error(
                f"scipy.stats has no distribution {shown(self.dist)}",
                nearest(self.dist, family_names()),
            )
        check_parameters(self.dist, self.params, at)
        least, most = self.support()
        if least > most:
            raise at.table_error(
                f"min = {least:g} and max = {most:g} leave nothing of '{self.dist}'"
            )

    def check_draws(self, at: At) -> None:
        """Raise `InputError` where redrawing would hardly ever meet the limits."""
        mass = self._mass()
        if not mass >= LEAST_MASS:
            raise at.table_error(
                f"min and max leave {mass:.2g} of '{self.dist}'", f"leave at least {LEAST_MASS:g}"
            )

    def as_value(self, folder: Path) -> Any:
        """Return the number, or a dictionary that loads back to the distribution."""
        return self.value if self.value is not None else super().as_value(folder)

    def _mass(self) -> float:
        """Share of the distribution between the limits.

        scipy sums discrete ones term by term, so that limits far out are taken as none.
        """
        low, high = self.min, self.max
        # P(X >= low) of a discrete one is 1 - P(X <= low - 1)
        if self.is_discrete:
            low = None if low is None or low < -LARGEST_COUNT else math.ceil(low) - 1
            high = None if high is None or high > LARGEST_COUNT else high
        with quiet():
            below = 0.0 if low is None else self._frozen.cdf(low)
            return float((1.0 if high is None else self._frozen.cdf(high)) - below)

    def _allows(self, values: np.ndarray) -> np.ndarray:
        low = -np.inf if self.min is None else self.min
        high = np.inf if self.max is None else self.max
        return (values >= low) & (values <= high)

    def _rvs(self, rng: np.random.Generator, n: int) -> np.ndarray:
        with quiet():
            return np.asarray(self._frozen.rvs(size=n, random_state=rng), dtype=float)

    @functools.cached_property
    def _frozen(self) -> Any:
        return family(str(self.dist))(**self.params)


def quantity(
    unit: str = "", *, above: float | None = None, least: float | None = None
) -> ValueType:
    """Make the type of a number in a range, or a distribution."""
    numbers = number(unit, above=above, least=least)

    def convert(value: Any, at: At) -> Distribution:
        if is_number(value):
            return Distribution(value=numbers.convert(value, at), source_line=at.source_line)
        drawn = read_table(Distribution, value, at)
        drawn.check_draws(at)
        return drawn

    return _number_or_table(numbers, convert)


def _number_or_table(numbers: ValueType, convert: Any) -> ValueType:
    return ValueType(
        f"{numbers.expects} or {{dist = NAME, ...}}",
        lambda value: is_number(value) or isinstance(value, dict),
        convert,
        numbers.unit,
    )


def _count(value: Any, at: At) -> Distribution:
    if is_number(value):
        return Distribution(
            value=float(integer(0, LARGEST_COUNT).read(value, at)), source_line=at.source_line
        )
    drawn = read_table(Distribution, value, at)
    if drawn.min is not None and drawn.min < 0:
        raise (at / "min").expected("a number >= 0", drawn.min)
    try:
        _ = drawn.count_probabilities
    except InputError as error:
        raise at.table_error(error.message, error.remedy) from error
    return drawn


QUANTITY = quantity()
COUNT = _number_or_table(integer(), _count)
