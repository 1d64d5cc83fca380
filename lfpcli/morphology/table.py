"""Lines of an SWC file as numbers, each with its line number."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from lfpcli.errors import InputError
from lfpcli.morphology.faults import Fault

# far above any traced cell, low enough to stop on endless input before memory runs out
MAX_LINES = 20_000_000
MAX_LINE_LENGTH = 10_000
COLUMNS = "id type x y z radius parent"
COLUMN_COUNT = 7
TOO_LONG = "is not a whole number of at most 63 bits"
# whole numbers that a column of 64 bits holds, and those that a float holds exactly
LARGEST_WHOLE = 2**63
LARGEST_EXACT = 2.0**53
MOST_DIGITS = 30
# the comment by which `lfp morph --shift` says that the cell stands where it should
PLACED = "placed: the coordinates are kept by lfp sim"
_PLACED = re.compile(r"#\s*placed\b")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")

Row = tuple[int, int, float, float, float, float, int]


@dataclass
class Table:
    """Rows as they stand in the file.

    Attributes
    ----------
    name : str
        The file's name, for messages.
    rows : list of tuple
        id, type, x, y, z, radius, parent; three of them whole numbers.
    lines : list of int
        Line of each row.
    faults : list of Fault
        Lines that are no points.
    unread_ids : set of str
        First words of those lines, by which other points may name them.
    comma_lines : list of int
        Lines with decimal commas.
    placed : bool
        Whether a comment says that the cell stands where it should.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread_ids: set[str] = field(default_factory=set)
    comma_lines: list[int] = field(default_factory=list)
    placed: bool = False

    def source(self, row: int) -> str:
        """``file:line`` of a row."""
        return f"{self.name}:{self.lines[row]}"

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole-number columns (n, 3) (id, type, parent), and x, y, z, radius (n, 4) in um."""
        if not self.rows:
            return np.empty((0, 3), np.int64), np.empty((0, 4))
        ids, types, x, y, z, radius, parents = zip(*self.rows, strict=True)
        whole = np.array([ids, types, parents], dtype=np.int64).T
        return whole, np.array([x, y, z, radius], dtype=float).T


def read_table(
    source: str | os.PathLike[str] | TextIO,
    name: str | None = None,
    *,
    decimal_commas: bool = False,
) -> Table:
    """Read the points of an SWC file.

    Comments (``#``), blank lines, indentation, commas and semicolons as separators, and columns
    past the seventh are passed over. Lines that are no points are listed in `Table.faults`.

    Parameters
    ----------
    source : path-like or text stream
        The file.
    name : str, optional
        What to call it in messages.
    decimal_commas : bool
        Whether commas inside of numbers are read as decimal points.

    Raises
    ------
    InputError
        Where the file cannot be read, or is no text, or endless.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            # an undecodable byte becomes a sign that no number holds
            with path.open(encoding="utf-8", errors="replace") as stream:
                return read_table(stream, name or str(path), decimal_commas=decimal_commas)
        except OSError as error:
            raise InputError(
                f"cannot be read: {error.strerror}", source=path, remedy="check its permissions"
            ) from error
    table = Table(name or str(getattr(source, "name", "standard input")))
    for number, line in _lines(source, table.name):
        if line.startswith("#"):
            table.placed = table.placed or _PLACED.match(line) is not None
            continue
        line = line.replace(";", " ").strip()
        words = line.split()
        if _has_decimal_commas(words):
            table.comma_lines.append(number)
            if not decimal_commas:
                continue
            line = line.replace(",", ".")
        try:
            table.rows.append(_parse(line))
        except ValueError as problem:
            table.faults.append(Fault(number, str(problem)))
            table.unread_ids.update(words[:1])
            continue
        table.lines.append(number)
    return table


def _lines(stream: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not blank."""
    number = 0
    while line := stream.readline(MAX_LINE_LENGTH):
        number += 1
        if "\0" in line:
            raise InputError(
                "binary data, no SWC text",
                source=f"{name}:{number}",
                remedy="check that it is a morphology: seven numbers a line",
            )
        if len(line) == MAX_LINE_LENGTH and not line.endswith("\n"):
            if not line.lstrip().startswith("#"):
                raise InputError(
                    "line is too long for SWC",
                    source=f"{name}:{number}",
                    remedy="check that it is a morphology: seven numbers a line",
                )
            _skip_rest(stream, name, number)
        if number > MAX_LINES:
            raise InputError(
                f"more than {MAX_LINES:,} lines",
                source=name,
                remedy="check that it is a morphology",
            )
        text = line.lstrip("\ufeff").strip()
        if text:
            yield number, text


def _skip_rest(stream: TextIO, name: str, number: int) -> None:
    """Pass over the rest of a long comment."""
    for _ in range(1000):
        piece = stream.readline(MAX_LINE_LENGTH)
        if len(piece) < MAX_LINE_LENGTH or piece.endswith("\n"):
            return
    raise InputError(
        "line is too long for SWC",
        source=f"{name}:{number}",
        remedy="check that it is a morphology: seven numbers a line",
    )


def _has_decimal_commas(words: list[str]) -> bool:
    """Whether a line has all its columns between blanks, and commas inside of them."""
    if len(words) < COLUMN_COUNT:
        return False
    return any(_DECIMAL_COMMA.fullmatch(word) for word in words[2:6])


def _parse(line: str) -> Row:
    """Return one row; a `ValueError` says what is wrong with it."""
    words = line.replace(",", " ").split()
    if len(words) < COLUMN_COUNT:
        shown = line if len(line) <= 40 else f"{line[:37]}..."
        raise ValueError(f"'{shown}' has {len(words)} columns, expected {COLUMN_COUNT} ({COLUMNS})")
    x, y, z, radius = (_number(word, "number") for word in words[2:6])
    return _whole(words[0]), _whole(words[1]), x, y, z, radius, _whole(words[6])


def _number(word: str, sort: str) -> float:
    try:
        # Python's own literals with underscores are no SWC
        return float("_" if "_" in word else word)
    except ValueError:
        raise ValueError(f"'{word[:40]}' is not a {sort}") from None


def _whole(word: str) -> int:
    value = _number(word, "whole number")
    whole = int(value) if value.is_integer() else LARGEST_WHOLE
    # beyond 53 bits a float would round the last digits away
    if abs(whole) >= LARGEST_EXACT and word.lstrip("+-").isdecimal() and len(word) < MOST_DIGITS:
        whole = int(word)
    if abs(whole) >= LARGEST_WHOLE:
        raise ValueError(f"'{word[:40]}' {TOO_LONG}")
    return whole
