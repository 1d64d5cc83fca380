# ruff: noqa: RUF009 - key() declares dataclass fields
"""Single files of nodes and edges in the SONATA format, in tables of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, table
from lfpcli.model.value_types import PATH, TEXT, ValueType, either, is_number


def _plain(value: Any, at: At) -> Any:
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str) and not is_number(entry):
            raise at.expected("a number, a text or a list of them", value)
    return tuple(value) if isinstance(value, list) else value


def _attributes(value: dict[str, Any], at: At) -> dict[str, Any]:
    return {name: _plain(entry, at / name) for name, entry in value.items()}


ATTRIBUTES = ValueType(
    'a table of attributes such as {ei = "e"}', lambda value: isinstance(value, dict), _attributes
)


@dataclass(frozen=True, kw_only=True)
class NodesTable(Table):
    """Nodes of a file in the SONATA format."""

    file: Path = key(PATH, doc="The file of nodes, HDF5.")
    types: Path | None = key(PATH, None, doc="Its table of types, .csv, where it has one.")
    population: str | None = key(
        TEXT, None, doc="Population in the file. Left out: this name, or the only one."
    )
    select: dict[str, Any] = key(
        ATTRIBUTES,
        {},
        doc="Which nodes: attributes with a value or a list of values. Left out: all.",
    )
    kinds: str | None = key(
        TEXT, None, doc="Attribute that names the kind of each cell, one of those of 'cell'."
    )


@dataclass(frozen=True, kw_only=True)
class EdgesTable(Table):
    """Edges of a file in the SONATA format."""

    file: Path = key(PATH, doc="The file of edges, HDF5.")
    types: Path | None = key(PATH, None, doc="Its table of types, .csv, where it has one.")
    population: str | None = key(TEXT, None, doc="Population in the file. Left out: the only one.")


NODES = either(PATH, table(NodesTable, 'a table such as {file = "nodes.h5"}'))
EDGES = either(PATH, table(EdgesTable, 'a table such as {file = "edges.h5"}'))
