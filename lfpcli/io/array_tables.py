"""Tables of contacts: one row each, with or without a header."""

from __future__ import annotations

import csv
import os
import warnings
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.forward.contacts import Contacts
from lfpcli.io.stream import local_file
from lfpcli.io.text import is_number

COLUMNS = {
    "x": ("x", "x_pos", "pos_x"),
    "y": ("y", "y_pos", "pos_y"),
    "z": ("z", "z_pos", "pos_z"),
    "nx": ("nx", "normal_x"),
    "ny": ("ny", "normal_y"),
    "nz": ("nz", "normal_z"),
    "radius": ("radius", "r"),
    "id": ("id", "name", "channel", "channel_id", "electrode"),
}
HEADERLESS = {3: ("x", "y", "z"), 6: ("x", "y", "z", "nx", "ny", "nz")}
Row = tuple[int, list[str]]


def read_table(source: str | os.PathLike[str]) -> Contacts:
    """Read contacts from a table of text.

    Cells are separated by commas, semicolons, tabs or blanks; empty lines and lines that begin
    with ``#`` do not count. A header names the columns: x, y, z (um; bmtk's x_pos, y_pos, z_pos
    too), and where wanted nx, ny, nz (normals), radius (um, one for all contacts) and id (or
    name, channel). Without a header there are 3 columns, x y z, or 6, x y z nx ny nz.

    Parameters
    ----------
    source : path-like
        The file, or ``-`` for standard input.

    Returns
    -------
    Contacts

    Raises
    ------
    InputError
        Where there is no such file or a line of it does not hold what it should.
    """
    with local_file(source) as (path, source):
        rows = _rows(path, source)
    first_line, first = rows[0]
    if any(is_number(cell) for cell in first):
        columns = HEADERLESS.get(len(first))
        if columns is None:
            raise InputError(
                f"{len(first)} columns without a header, expected 3 or 6",
                source=f"{source}:{first_line}",
                remedy="give x,y,z or x,y,z,nx,ny,nz, or a header with the columns' names",
            )
        places = {name: index for index, name in enumerate(columns)}
    else:
        places = _header(first, f"{source}:{first_line}")
        rows = rows[1:]
    if not rows:
        raise InputError(
            "table has a header and no contacts",
            source=source,
            remedy="add a line for each contact",
        )
    _check_width(rows, len(first), source)
    return _contacts(rows, places, source)


def _contacts(rows: list[Row], columns: dict[str, int], source: str) -> Contacts:
    def numbers(*names: str) -> np.ndarray:
        values = np.empty((len(rows), len(names)))
        for row, (line, cells) in enumerate(rows):
            for column, name in enumerate(names):
                values[row, column] = _number(cells[columns[name]], name, f"{source}:{line}")
        return values

    normals = numbers("nx", "ny", "nz") if "nx" in columns else None
    if normals is not None and not normals.any(axis=1).all():
        line = rows[int(np.flatnonzero(~normals.any(axis=1))[0])][0]
        raise InputError(
            "normal is the zero vector",
            source=f"{source}:{line}",
            remedy="write where the contact looks",
        )
    return Contacts(
        positions=numbers("x", "y", "z"),
        normals=normals,
        radius=_one_radius(rows, numbers("radius")[:, 0], source) if "radius" in columns else 0.0,
        name=Path(source).stem,
        ids=[cells[columns["id"]] for _, cells in rows] if "id" in columns else (),
    )


def _rows(path: Path, source: str) -> list[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"is no table of text: byte {error.start} is not UTF-8",
            source=source,
            remedy="save it as UTF-8",
        ) from error
    if "\0" in text:
        raise InputError(
            "is no table of text: it holds a zero byte", source=source, remedy="save it as text"
        )
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError(
            "table holds no contacts", source=source, remedy="add a line for each contact"
        )
    separator = next((mark for mark in ",;\t" if mark in lines[0][1]), None)
    return [(number, _cells(line, separator, f"{source}:{number}")) for number, line in lines]


def _cells(line: str, separator: str | None, source: str) -> list[str]:
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error as error:
        raise InputError(
            f"is no line of a table: {error}", source=source, remedy="correct the line"
        ) from error


def _header(cells: list[str], source: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, cell in enumerate(cells):
        name = next((n for n, known in COLUMNS.items() if cell.strip().lower() in known), None)
        if name is None:
            warnings.warn(f"column '{cell}' is not used [{source}]", LfpWarning, stacklevel=4)
        elif name in places:
            raise InputError(
                f"two columns give {name}", source=source, remedy="leave one of them out"
            )
        else:
            places[name] = index
    missing = [name for name in ("x", "y", "z") if name not in places]
    if missing:
        raise InputError(
            f"table has no column {', '.join(missing)}",
            source=source,
            remedy="name the columns x, y and z (um)",
        )
    if 0 < sum(name in places for name in ("nx", "ny", "nz")) < 3:
        raise InputError(
            "normals need the three columns nx, ny and nz",
            source=source,
            remedy="add the columns, or leave out all three",
        )
    return places


def _check_width(rows: list[Row], width: int, source: str) -> None:
    for line, cells in rows:
        if len(cells) != width:
            raise InputError(
                f"{len(cells)} columns, expected {width} as in the lines before",
                source=f"{source}:{line}",
                remedy="write as many in each line",
            )


def _one_radius(rows: list[Row], radii: np.ndarray, source: str) -> float:
    other = np.flatnonzero(radii != radii[0])
    if len(other):
        line = rows[int(other[0])][0]
        raise InputError(
            f"radius is {radii[other[0]]:g} um, that of the contacts before {radii[0]:g} um",
            source=f"{source}:{line}",
            remedy="give contacts of unlike size as separate arrays",
        )
    if radii[0] < 0:
        raise InputError(
            f"radius is {radii[0]:g} um",
            source=f"{source}:{rows[0][0]}",
            remedy="write a number above 0, um",
        )
    return float(radii[0])


def _number(cell: str, name: str, source: str) -> float:
    if not is_number(cell) or not np.isfinite(float(cell)):
        raise InputError(
            f"{name} is '{cell}', expected a finite number", source=source, remedy="write a number"
        )
    return float(cell)
