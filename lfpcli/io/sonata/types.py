"""Tables of node and edge types: text with one space between columns."""

from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError
from lfpcli.io.stream import check_input
from lfpcli.io.text import is_number

NOTHING = frozenset(
    {"NULL", "NONE", "None", "", "null", "NaN", "nan", "-NaN", "-nan", "NA", "N/A", "n/a", "<NA>"}
)
"""What the tables write where a type has no value in a column, as pandas reads them for bmtk."""


def read_types(path: Path, key: str) -> dict[int, dict[str, Any]]:
    """Read a table of types.

    Parameters
    ----------
    path : Path
        The file.
    key : {'node_type_id', 'edge_type_id'}
        The column that numbers the types.

    Returns
    -------
    dict of int to dict
        Per type its columns that have a value: numbers, texts, and lists.

    Raises
    ------
    InputError
        Where a row has another number of columns than the header, or a type comes twice.
    """
    check_input(path)
    types: dict[int, dict[str, Any]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, delimiter=" ", skipinitialspace=True)
            header = next(rows, [])
            if key not in header:
                raise InputError(
                    _header_fault(header, key),
                    source=f"{path}:1",
                    remedy="separate columns by one space each",
                )
            for row in rows:
                if row:
                    _add(types, dict(zip(header, row, strict=True)), key)
    except UnicodeDecodeError as error:
        raise InputError("is no text", source=path, remedy="take the table of types") from error
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"row {len(types) + 2} does not fit the header: {error}",
            source=path,
            remedy="separate columns by one space each, and quote lists",
        ) from error
    return types


def _header_fault(header: list[str], key: str) -> str:
    """What is wrong with a header that lacks a column."""
    line = " ".join(header)
    for name, separator in (("tabs", "\t"), ("commas", ","), ("semicolons", ";")):
        if key in line.split(separator):
            return f"separates its columns by {name}"
    return f"has no column '{key}'"


def _add(types: dict[int, dict[str, Any]], row: dict[str, str], key: str) -> None:
    number = int(row[key])
    if number in types:
        raise ValueError(f"type {number} comes twice")
    columns = {name: _value(text) for name, text in row.items() if name != key}
    types[number] = {name: value for name, value in columns.items() if value is not None}


def _value(text: str) -> Any:
    if text in NOTHING:
        return None
    if is_number(text):
        number = float(text)
        return int(text) if text.lstrip("+-").isdigit() else number
    if text.startswith("[") and text.endswith("]"):
        return _list(text)
    return text


def _list(text: str) -> Any:
    """A list as the tables write it, that of Python or of JSON; the text where it is none."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, list) else text
