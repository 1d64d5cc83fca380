"""Layer tables: connections of many pairs of populations and layers, a row each."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, nearest
from lfpcli.model.network import Connection
from lfpcli.model.source_text import At
from lfpcli.model.tables import read_table
from lfpcli.model.text import read_file
from lfpcli.model.value_types import PATH, ValueType

LAYERS = "layers"
_TEXTS = ("pre", "post")
_NEEDED = (*_TEXTS, "z_min", "z_max", "synapses")
_OPTIONAL = ("weight", "delay")


def _connections(value: list[Any], at: At) -> tuple[Connection, ...]:
    tables: list[Connection] = []
    for number, entry in enumerate(value):
        here = at / number
        if isinstance(entry, dict) and LAYERS in entry:
            tables += _of_layers(entry, here, number)
        else:
            tables.append(read_table(Connection, entry, here, number=number))
    return tuple(tables)


CONNECTIONS = ValueType("a list, each a table", lambda value: isinstance(value, list), _connections)
"""``[[connection]]``, a table of layers taken as one for each of its rows."""


def _of_layers(entry: dict[str, Any], at: At, number: int) -> list[Connection]:
    """A connection for each row of the table of layers that one names."""
    for name in ("pre", "post", "rule"):
        if name in entry:
            raise (at / name).error("does not go with 'layers', whose rows say it")
    common = {name: value for name, value in entry.items() if name != LAYERS}
    location = common.pop("location", {})
    if not isinstance(location, dict) or {"z_min", "z_max"} & set(location):
        raise (at / "location").error("is no table without z_min and z_max, which the rows give")
    path = PATH.read(entry[LAYERS], at / LAYERS)
    connections = []
    for row in _rows(path):
        if row["synapses"] == 0:
            continue
        table: dict[str, Any] = {
            **common,
            **{name: row[name] for name in (*_TEXTS, *_OPTIONAL) if name in row},
            "rule": {"indegree": int(row["synapses"]), "replace": True},
            "location": {**location, "z_min": row["z_min"], "z_max": row["z_max"]},
        }
        connections.append(read_table(Connection, table, at, number=number))
    return connections


def _rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a table of layers, texts and numbers by the names of their columns."""
    header: list[str] = []
    rows = []
    for number, line in enumerate(read_file(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        source = f"{path}:{number}"
        if not header:
            header = _header(cells, source)
        elif len(cells) != len(header):
            raise InputError(
                f"{len(cells)} values, expected {len(header)}",
                source=source,
                remedy="write a value for each column",
            )
        else:
            rows.append(_row(dict(zip(header, cells, strict=True)), source))
    if not rows:
        raise InputError(
            "table of layers has no rows", source=path, remedy=f"columns: {','.join(_NEEDED)}"
        )
    return rows


def _header(cells: list[str], source: str) -> list[str]:
    known = (*_NEEDED, *_OPTIONAL)
    for cell in cells:
        if cell not in known:
            raise InputError(
                f"unknown column '{cell}'", source=source, remedy=nearest(cell, known, "column")
            )
    for name in _NEEDED:
        if cells.count(name) != 1:
            raise InputError(
                f"column '{name}' is missing or there twice",
                source=source,
                remedy=f"the first line names the columns: {','.join(_NEEDED)}",
            )
    return cells


def _row(cells: dict[str, str], source: str) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells[name] for name in _TEXTS}
    for name in cells:
        if name in _TEXTS:
            continue
        try:
            row[name] = float(cells[name])
        except ValueError:
            row[name] = math.nan
        if not math.isfinite(row[name]):
            raise InputError(
                f"'{cells[name]}' in column '{name}' is no number",
                source=source,
                remedy="write a number",
            )
    count = row["synapses"]
    if count < 0 or count != math.floor(count):
        raise InputError(
            f"has {count:g} synapses of a cell in a layer",
            source=source,
            remedy="give whole numbers from 0 on",
        )
    return row
