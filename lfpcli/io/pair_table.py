"""Tables of pairs of cells: two columns of indices, or named columns of which two are they."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.io.npz import read_npy
from lfpcli.io.text import is_number

_PRE, _POST = "pre", "post"
_EXPECTED = "give the index in 'pre' and that in 'post', one pair a row"


@dataclass(frozen=True, kw_only=True)
class NamedColumns:
    """Columns of a table of text.

    Attributes
    ----------
    columns : mapping of str to ndarray (n,)
        Texts by name.
    source : str
        The file, for messages.
    """

    columns: Mapping[str, np.ndarray]
    source: str

    def numbers(self, name: str) -> np.ndarray:
        """A column as numbers, shape (n,).

        Raises
        ------
        InputError
            Where there is no such column, or it holds what is no finite number.
        """
        texts = self.texts(name)
        for row, text in enumerate(texts.tolist()):
            if not is_number(text) or not np.isfinite(float(text)):
                raise InputError(
                    f"column '{name}' holds '{text}'",
                    source=f"{self.source}: row {row}",
                    remedy="give numbers",
                )
        return texts.astype(float)

    def texts(self, name: str) -> np.ndarray:
        """A column as texts, shape (n,).

        Raises
        ------
        InputError
            Where there is no such column.
        """
        if name not in self.columns:
            raise InputError(
                f"has no column '{name}'",
                source=self.source,
                remedy=nearest(name, self.columns, "column")
                if self.columns
                else "give a line of names",
            )
        return self.columns[name]


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """Pairs of cells.

    Attributes
    ----------
    pairs : ndarray of int, shape (n, 2)
        Indices of the presynaptic and of the postsynaptic cells.
    columns : NamedColumns
        Further columns, none without a line of names.
    """

    pairs: np.ndarray
    columns: NamedColumns = field(default_factory=lambda: NamedColumns(columns={}, source=""))


def read_named_columns(path: Path) -> NamedColumns:
    """Read a table of text whose first line names its columns.

    Parameters
    ----------
    path : Path
        Columns are separated by commas, semicolons, tabs or blanks.

    Raises
    ------
    InputError
        Where it is no such table.
    """
    lines = _lines(path)
    separator = next((mark for mark in ",;\t" if lines and mark in lines[0]), " ")
    rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    rows = [[cell.strip() for cell in row] for row in rows]
    if not rows or any(is_number(name) for name in rows[0]):
        raise InputError(
            "has no line of names", source=path, remedy="begin with the names of the columns"
        )
    names = rows[0]
    for number, row in enumerate(rows[1:]):
        if len(row) != len(names):
            raise InputError(
                f"has {len(row)} values for {len(names)} columns",
                source=f"{path}: row {number}",
                remedy="separate columns alike in all lines",
            )
    values = np.array(rows[1:], dtype=object).reshape(len(rows) - 1, len(names))
    columns = {name: values[:, k] for k, name in enumerate(names)}
    return NamedColumns(columns=columns, source=str(path))


def read_pair_table(path: Path, sizes: tuple[int, int]) -> PairTable:
    """Read pairs of indices, one a row.

    Parameters
    ----------
    path : Path
        A .npy file of shape (n, 2); text of two columns; or text whose first line names columns,
        ``pre`` and ``post`` among them.
    sizes : (int, int)
        Sizes of the two populations.

    Raises
    ------
    InputError
        Where there are no such pairs in the file.
    """
    if path.suffix == ".npy":
        return PairTable(pairs=_checked(_plain(path, ()), path, sizes))
    lines = _lines(path)
    first = lines[0].replace(",", " ").replace(";", " ").split() if lines else []
    if not first or all(is_number(cell) for cell in first):
        return PairTable(pairs=_checked(_plain(path, lines), path, sizes))
    columns = read_named_columns(path)
    pairs = np.column_stack([columns.numbers(_PRE), columns.numbers(_POST)])
    return PairTable(pairs=_checked(pairs, path, sizes), columns=columns)


def _lines(path: Path) -> list[str]:
    """Lines that hold something, comments left out."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", source=path, remedy=_EXPECTED) from error
    return [line.strip() for line in lines if line.partition("#")[0].strip()]


def _plain(path: Path, lines: Sequence[str]) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            return read_npy(path)
        return np.loadtxt([line.replace(",", " ") for line in lines], ndmin=2)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read as pairs: {error}", source=path, remedy=_EXPECTED
        ) from error


def _checked(pairs: np.ndarray, path: Path, sizes: tuple[int, int]) -> np.ndarray:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "fiu":
        raise InputError(
            f"has shape {pairs.shape}, expected (pairs, 2)", source=path, remedy=_EXPECTED
        )
    indices = pairs.astype(np.int64, casting="unsafe") if np.all(np.isfinite(pairs)) else None
    if indices is None or np.any(indices != pairs):
        raise InputError("holds what is no whole number", source=path, remedy="write whole numbers")
    for column, (name, size) in enumerate(zip((_PRE, _POST), sizes, strict=True)):
        wrong = np.flatnonzero((indices[:, column] < 0) | (indices[:, column] >= size))
        if len(wrong):
            raise InputError(
                f"pair {wrong[0]} has index {indices[wrong[0], column]} in '{name}' of {size}",
                source=path,
                remedy=f"indices count from 0 to {size - 1}",
            )
    return indices
