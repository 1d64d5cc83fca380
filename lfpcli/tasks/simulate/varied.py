"""Values of synapses, electrodes and segments that are drawn, computed or read from tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.io.pair_table import NamedColumns, read_named_columns
from lfpcli.model import Distribution, Expression
from lfpcli.model.varied import Column, Varied
from lfpcli.runtime.cell.cell import Cell


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What values of n synapses, electrodes or segments may depend on.

    Attributes
    ----------
    count : int
        n.
    rng : numpy.random.Generator
        What is drawn from.
    variables : mapping of str to ndarray (n,)
        What expressions may name, um.
    rows : ndarray of int, shape (n,)
        Rows of a table.
    table : NamedColumns, optional
        The table of columns that name none.
    source_line : str
        Where the values are written, for messages.
    """

    count: int
    rng: np.random.Generator
    variables: Mapping[str, np.ndarray] = field(default_factory=dict)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    table: NamedColumns | None = None
    source_line: str = ""


def values_of(value: Varied, scope: Scope) -> np.ndarray:
    """The values of a quantity, shape (n,), in its unit.

    Raises
    ------
    InputError
        Where an expression is not finite or names what is not known, or a table lacks a column or
        rows.
    """
    if isinstance(value, Distribution):
        return value.draw(scope.rng, scope.count)
    if isinstance(value, Expression):
        missing = sorted(value.names - set(scope.variables))
        if missing:
            raise InputError(
                f"'{value.expr}' names {missing[0]}, which is not known here",
                source=scope.source_line or None,
                remedy="spike trains without cells have no places: give a number"
                if not scope.variables
                else f"known are {', '.join(scope.variables)}",
            )
        with located(scope.source_line):
            values = value.evaluate({name: scope.variables[name] for name in value.names})
        everywhere: np.ndarray = np.broadcast_to(values, scope.count).copy()
        return everywhere
    if isinstance(value, Column):
        return _column(value, scope)
    return np.full(scope.count, float(value))


def _column(column: Column, scope: Scope) -> np.ndarray:
    table = scope.table if column.file is None else _table(column.file)
    if table is None:
        raise InputError(
            f"column '{column.column}' has no table",
            source=column.source_line or None,
            remedy="give its file",
        )
    values = table.numbers(column.column)
    if scope.rows.max(initial=-1) >= len(values):
        raise InputError(
            f"has {len(values)} rows, row {scope.rows.max()} is asked for",
            source=table.source,
            remedy="give a row for each segment of the cell, or for each cell of the population",
        )
    chosen: np.ndarray = values[scope.rows]
    return chosen


@cache
def _table(path: Path) -> NamedColumns:
    return read_named_columns(path)


# what expressions may name of segments
PLACES = ("d", "x", "y", "z", "r", "s")


def places_in_cell(cell: Cell) -> dict[str, np.ndarray]:
    """What an expression may name of segments: d, x, y, z, r and s, each (N,), um.

    d and s are the path distance from the soma; x, y and z the place relative to the soma as the
    cell stands now, r the straight distance.
    """
    relative = cell.geometry.middle - cell.somapos
    distance = cell.path_distance()
    return {
        "d": distance,
        **dict(zip("xyz", relative.T, strict=True)),
        "r": np.linalg.norm(relative, axis=1),
        "s": distance,
    }


class KnownPlaces:
    """Places in cells, computed once for each cell of which one is asked for.

    Parameters
    ----------
    cells : sequence of Cell, optional
        The cells of this process; none where they have no places yet.
    """

    def __init__(self, cells: Sequence[Cell] | None) -> None:
        self._cells = cells
        self._known: dict[int, dict[str, np.ndarray]] = {}

    def at(
        self,
        cell: int,
        segments: np.ndarray,
        *,
        names: Sequence[str] = PLACES,
        beside: Mapping[str, np.ndarray] | None = None,
    ) -> Mapping[str, np.ndarray]:
        """Those of some segments (n,) of a cell, beside others; values (n,), um."""
        known = names if self._cells is not None else ()
        return _PlacesAt(self, cell, segments, names=known, beside=beside or {})

    def of(self, cell: int) -> dict[str, np.ndarray]:
        """Those of a cell, values (N,), um, see `places_in_cell`."""
        assert self._cells is not None  # or no name is known
        if cell not in self._known:
            self._known[cell] = places_in_cell(self._cells[cell])
        return self._known[cell]


class _PlacesAt(Mapping[str, np.ndarray]):
    """Places of segments: few quantities depend on them, and only for these are they computed."""

    def __init__(
        self,
        known: KnownPlaces,
        cell: int,
        segments: np.ndarray,
        *,
        names: Sequence[str],
        beside: Mapping[str, np.ndarray],
    ) -> None:
        self._known, self._cell, self._segments = known, cell, segments
        self._names, self._beside = names, beside

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            return self._beside[name]
        places: np.ndarray = self._known.of(self._cell)[name]
        return np.asarray(places[self._segments])

    def __iter__(self) -> Iterator[str]:
        yield from self._beside
        yield from self._names

    def __len__(self) -> int:
        return len(self._beside) + len(self._names)
