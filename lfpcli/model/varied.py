# ruff: noqa: RUF009 - key() declares dataclass fields
"""Values that differ from synapse to synapse, or from segment to segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError
from lfpcli.model.distribution import Distribution, quantity
from lfpcli.model.expression import ANYWHERE, EXPRESSION, Expression
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, read_table
from lfpcli.model.value_types import PATH, TEXT, ValueType, is_number, number


@dataclass(frozen=True, kw_only=True)
class Column(Table):
    """A column of a table, a row for each synapse, electrode or segment."""

    column: str = key(TEXT, doc="Name of the column.")
    file: Path | None = key(
        PATH,
        None,
        doc="The table, .csv with a line of names. Left out: that of the rule's pairs. Its rows "
        "are the segments of a cell for a mechanism, the cells for an electrode.",
    )

    @property
    def value(self) -> None:
        """The number that it is; it is another in each row."""
        return None

    @property
    def mean(self) -> float:
        """Mean of what it holds, which is not known here.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"the mean of column '{self.column}' is not known",
            source=self.source_line or None,
            remedy="give a number or a distribution",
        )


Varied = float | Distribution | Expression | Column
"""A parameter: a number, drawn, computed from a place, or read from a table."""


def varied(numbers: ValueType, *, expression: ValueType = EXPRESSION) -> ValueType:
    """Make the type of a number in a range, a distribution, an expression or a column."""
    drawn = quantity()

    def convert(value: Any, at: At) -> Varied:
        if is_number(value):
            return float(numbers.convert(value, at))
        if value and not {"dist", "expr", "column"} & set(value):
            # a distribution takes any key for one of its parameters
            raise at.unknown(next(iter(value)), ("expr", "dist", "column"))
        return _table_of(value, at, drawn.convert, expression)

    return ValueType(
        f'{numbers.expects}, {{dist = NAME, ...}}, {{expr = "..."}} or {{column = NAME}}',
        lambda value: is_number(value) or isinstance(value, dict),
        convert,
        numbers.unit,
    )


def _table_of(
    value: dict[str, Any],
    at: At,
    drawn: Callable[[Any, At], Distribution],
    expression: ValueType,
) -> Distribution | Expression | Column:
    if "expr" in value:
        computed: Expression = expression.convert(value, at)
        return computed
    if "column" in value:
        return read_table(Column, value, at)
    return drawn(value, at)


def varied_quantity(
    unit: str = "", *, above: float | None = None, least: float | None = None
) -> ValueType:
    """Make the type of a quantity of connections: also an expression or a column."""
    drawn = quantity(unit, above=above, least=least)

    def convert(value: Any, at: At) -> Distribution | Expression | Column:
        if is_number(value):
            constant: Distribution = drawn.convert(value, at)
            return constant
        return _table_of(value, at, drawn.convert, ANYWHERE)

    return ValueType(
        f'{drawn.expects}, {{expr = "..."}} or {{column = NAME}}',
        drawn.accepts,
        convert,
        drawn.unit,
    )


def constants(params: Mapping[str, Varied], source: str) -> dict[str, float]:
    """Parameters that are all numbers.

    Parameters
    ----------
    params : mapping of str to Varied
        The parameters.
    source : str
        Where they are written, for messages.

    Raises
    ------
    InputError
        Where one of them varies.
    """
    values = {}
    for name, value in params.items():
        if not isinstance(value, int | float):
            raise InputError(
                f"'{name}' varies from synapse to synapse",
                source=source,
                remedy="give a number here",
            )
        values[name] = float(value)
    return values


NUMBERS = number()
PARAMETERS_OF_SYNAPSES = varied(NUMBERS, expression=ANYWHERE)
PARAMETERS_OF_PLACES = varied(NUMBERS)
