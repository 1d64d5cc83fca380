"""Lines of an SWC file as numbers, each with its line number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from lfpcli.errors import InputError

# far above any traced cell, low enough to stop on endless input before memory runs out
MAX_LINES = 20_000_000
MAX_LINE_LENGTH = 10_000
COLUMNS = "id type x y z radius parent"


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
    unread : list of int
        Lines that are no points, when these may be passed over.
    """

    name: str
    rows: list[tuple[int, int, float, float, float, float, int]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)

    def source(self, row: int) -> str:
        """``file:line`` of a row."""
        return f"{self.name}:{self.lines[row]}"

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole-number columns (n, 3) (id, type, parent), and x, y, z, radius (n, 4)."""
        if not self.rows:
            return np.empty((0, 3), np.int64), np.empty((0, 4))
        ids, types, x, y, z, radius, parents = zip(*self.rows, strict=True)
        whole = np.array([ids, types, parents], dtype=np.int64).T
        return whole, np.array([x, y, z, radius], dtype=float).T


def read_table(
    source: str | os.PathLike[str] | TextIO, name: str | None = None, *, lenient: bool = False
) -> Table:
    """Read the points of an SWC file.

    Comments (``#``), blank lines, indentation, commas as separators, and columns past the
    seventh are passed over.

    Parameters
    ----------
    source : path-like or text stream
        The file.
    name : str, optional
        What to call it in messages.
    lenient : bool
        Whether lines that cannot be read are listed in `unread` instead of raised.

    Raises
    ------
    InputError
        With file and line, where a line is no point, or the file is no text.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            # an undecodable byte becomes a sign that no number holds
            with path.open(encoding="utf-8", errors="replace") as stream:
                return read_table(stream, name or str(path), lenient=lenient)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=path) from error
    table = Table(name or str(getattr(source, "name", "standard input")))
    for number, line in _lines(source, table.name):
        try:
            row = _parse(line)
        except ValueError as problem:
            if not lenient:
                raise InputError(
                    str(problem),
                    source=f"{table.name}:{number}",
                    remedy="correct it, or use --repair",
                ) from None
            table.unread.append(number)
            continue
        table.rows.append(row)
        table.lines.append(number)
    return table


def _lines(stream: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are neither blank nor comments."""
    number = 0
    while line := stream.readline(MAX_LINE_LENGTH):
        number += 1
        if "\0" in line:
            raise InputError("binary data, no SWC text", source=f"{name}:{number}")
        if len(line) == MAX_LINE_LENGTH and not line.endswith("\n"):
            if not line.lstrip().startswith("#"):
                raise InputError("line is too long for SWC", source=f"{name}:{number}")
            _skip_rest(stream, name, number)
        if number > MAX_LINES:
            raise InputError(f"more than {MAX_LINES:,} lines", source=name)
        text = line.lstrip("\ufeff").strip()
        if text and not text.startswith("#"):
            yield number, text


def _skip_rest(stream: TextIO, name: str, number: int) -> None:
    """Pass over the rest of a long comment."""
    for _ in range(1000):
        piece = stream.readline(MAX_LINE_LENGTH)
        if len(piece) < MAX_LINE_LENGTH or piece.endswith("\n"):
            return
    raise InputError("line is too long for SWC", source=f"{name}:{number}")


def _parse(line: str) -> tuple[int, int, float, float, float, float, int]:
    """Return one row; a `ValueError` says what is wrong with it."""
    words = line.replace(",", " ").split()
    if len(words) < 7:
        shown = line if len(line) <= 40 else f"{line[:37]}..."
        raise ValueError(f"'{shown}' has {len(words)} columns, expected 7 ({COLUMNS})")
    x, y, z, radius = (_number(word, "number") for word in words[2:6])
    return _whole(words[0]), _whole(words[1]), x, y, z, radius, _whole(words[6])


def _number(word: str, what: str) -> float:
    try:
        # Python's own literals with underscores are no SWC
        return float("_" if "_" in word else word)
    except ValueError:
        raise ValueError(f"'{word[:40]}' is not a {what}") from None


def _whole(word: str) -> int:
    value = _number(word, "whole number")
    if not value.is_integer() or abs(value) >= 2**31:
        raise ValueError(f"'{word[:40]}' is not a whole number of at most 31 bits")
    return int(value)
