"""Tables as text: columns under a header, separated by commas."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.io import stream


def read_columns(
    source: str | os.PathLike[str],
    numbers: Sequence[str],
    *,
    optional: Sequence[str] = (),
    text: Sequence[str] = (),
) -> dict[str, list[Any]]:
    """Read a table whose first line names its columns.

    Parameters
    ----------
    source : path-like
        The file, or ``-``. Empty lines and lines that begin with # are skipped.
    numbers : sequence of str
        Columns of finite numbers that must be there.
    optional : sequence of str
        Columns of finite numbers that may be there.
    text : sequence of str
        Columns of text that may be there.

    Returns
    -------
    dict of str to list
        The columns that are there; in order of the rows.

    Raises
    ------
    InputError
        With the line, where the file is no such table.
    """
    with stream.local_file(source) as (path, name):
        try:
            # a byte order mark, as spreadsheets write it, is no part of the first heading
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InputError("is no text", source=name, remedy="expected a CSV file") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            rows.append((number, _cells(line, f"{name}:{number}")))
    if not rows:
        raise InputError(
            "table has no lines", source=name, remedy="write a header and lines below it"
        )
    known = (*numbers, *optional, *text)
    header = _header(*rows[0], name, numbers, known)
    if len(rows) == 1:
        raise InputError(
            "table has a header and no lines below it", source=name, remedy="add lines"
        )
    return _columns(rows[1:], header, name, text)


def _cells(line: str, source: str) -> list[str]:
    try:
        # line by line, as an open quote would swallow the lines behind it, and their numbers
        return [cell.strip() for cell in next(csv.reader([line]))]
    except csv.Error as error:
        raise InputError(
            f"is no line of a table: {error}", source=source, remedy="correct the line"
        ) from error


def _header(
    number: int, cells: list[str], name: str, numbers: Sequence[str], known: Sequence[str]
) -> list[str]:
    source = f"{name}:{number}"
    header = [cell.lower() for cell in cells]
    for column in header:
        if column not in known:
            raise InputError(
                f"unknown column '{column}'", source=source, remedy=nearest(column, known, "column")
            )
        if header.count(column) > 1:
            raise InputError(
                f"column '{column}' is there twice", source=source, remedy="leave one of them out"
            )
    missing = [column for column in numbers if column not in header]
    if missing:
        raise InputError(
            f"column '{missing[0]}' is missing",
            source=source,
            remedy=f"the first line names the columns: {','.join(numbers)}",
        )
    return header


def _columns(
    rows: list[tuple[int, list[str]]], header: list[str], name: str, text: Sequence[str]
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {column: [] for column in header}
    for number, cells in rows:
        source = f"{name}:{number}"
        if len(cells) != len(header):
            raise InputError(
                f"{len(cells)} values, expected {len(header)}",
                source=source,
                remedy="write a value for each column",
            )
        for column, cell in zip(header, cells, strict=True):
            columns[column].append(cell if column in text else _number(cell, column, source))
    return columns


def _number(cell: str, column: str, source: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise InputError(
            f"'{cell}' in column '{column}' is no number", source=source, remedy="write a number"
        ) from None
    if not math.isfinite(value):
        raise InputError(
            f"'{cell}' in column '{column}' is not finite",
            source=source,
            remedy="write a finite number",
        )
    return value


def vectors(table: dict[str, list[Any]], columns: Sequence[str]) -> np.ndarray:
    """Some columns of numbers side by side, shape (rows, columns)."""
    return np.asarray(np.array([table[column] for column in columns], dtype=float).T)
