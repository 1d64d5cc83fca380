"""Tables of a model as dataclasses whose fields say what their keys are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lfpcli.builtin import is_builtin, label
from lfpcli.errors import nearest
from lfpcli.model.source_text import At
from lfpcli.model.value_types import ValueType

T = TypeVar("T", bound="Table")

REQUIRED: Any = object()


@dataclass(frozen=True)
class Key:
    """What a field of a table is in the file.

    Attributes
    ----------
    value_type : ValueType
        ValueType of its value.
    doc : str
        What it means, for the manual.
    name : str
        Its name in the file, where not the field's.
    required : bool
        Whether it cannot be left out.
    rest : bool
        Whether the field takes all further keys of the table, with values of the type.
    """

    value_type: ValueType
    doc: str
    name: str = ""
    required: bool = False
    rest: bool = False


def key(value_type: ValueType, default: Any = REQUIRED, *, doc: str, name: str = "") -> Any:
    """Declare a key as a dataclass field; without a `default` it is required."""
    meta = {"key": Key(value_type, doc, name, required=default is REQUIRED)}
    if default is REQUIRED:
        return field(metadata=meta)
    # dataclasses take no mutable default
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=meta)
    return field(default=default, metadata=meta)


def rest(value_type: ValueType, *, doc: str) -> Any:
    """Declare the dictionary that takes all keys the table does not name."""
    return field(default_factory=dict, metadata={"key": Key(value_type, doc, rest=True)})


@dataclass(frozen=True, kw_only=True)
class Table:
    """Base of the tables.

    Attributes
    ----------
    source_line : str
        ``file:line`` it was read from, for later messages; no part of equality.
    stated : frozenset of str
        Names of the keys that the file states, as against those left at their defaults; no part
        of equality.
    """

    source_line: str = field(default="", compare=False, repr=False)
    stated: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def check(self, at: At) -> None:
        """Raise `InputError` where the keys do not go together."""

    def unheeded(self) -> dict[str, str]:
        """Keys that nothing heeds beside others: what each does not go with, by name.

        They must not be stated, and no dictionary of the table holds their defaults.
        """
        return {}

    def as_value(self, folder: Path) -> Any:
        """Return the table as a dictionary that loads back to it."""
        values: dict[str, Any] = {}
        unheeded = self.unheeded()
        for name, spec, entry in keys_of(self):
            if name in unheeded:
                continue
            value = getattr(self, entry.name)
            if spec.rest:
                values.update(plain(value, folder))
            elif value is not None:
                values[name] = plain(value, folder)
        return values


def keys_of(table: Any) -> Iterator[tuple[str, Key, dataclasses.Field[Any]]]:
    """Yield name in the file, `Key` and dataclass field of each key of a table (or its class)."""
    for entry in dataclasses.fields(table):
        if spec := entry.metadata.get("key"):
            yield spec.name or entry.name, spec, entry


def read_table(cls: type[T], value: Any, at: At, **fixed: Any) -> T:
    """Make a table of a class from a raw dictionary.

    Parameters
    ----------
    cls : type
        A dataclass that derives from `Table`.
    value : dict
        Raw keys and values.
    at : At
        Where the table stands.
    **fixed
        Fields that are no keys, such as the name of the table.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        Where a key is unknown, missing, of a wrong type or out of its range.
    """
    if not isinstance(value, dict):
        raise at.expected("a table", value)
    values = {**fixed, **_read_values(cls, value, at)}
    table = cls(source_line=at.source_line, stated=frozenset(value), **values)
    # what is wrong in itself is told first
    table.check(at)
    for name, owner in table.unheeded().items():
        if name in table.stated:
            raise (at / name).error(f"does not go with {owner}", "leave it out")
    return table


def _read_values(cls: type[Table], tree: dict[str, Any], at: At) -> dict[str, Any]:
    """Read the keys of a table into the values of the fields of its class."""
    known: dict[str, tuple[Key, str]] = {}
    others: tuple[Key, str] | None = None
    for name, spec, entry in keys_of(cls):
        if spec.rest:
            others = spec, entry.name
        else:
            known[name] = spec, entry.name
    values: dict[str, Any] = {}
    for name, raw in tree.items():
        if name in known:
            spec, attribute = known[name]
            values[attribute] = spec.value_type.read(raw, at / name)
        elif others is not None:
            spec, attribute = others
            other = _read_other(spec.value_type, raw, at / name, known)
            values.setdefault(attribute, {})[name] = other
        else:
            raise at.unknown(name, known)
    # what is misspelt was told above: a missing key would point the wrong way
    for name, (spec, _) in known.items():
        if spec.required and name not in tree:
            raise at.table_error(f"needs the key '{name}'", f"give {spec.value_type.expects}")
    return values


def _read_other(value_type: ValueType, raw: Any, at: At, known: Iterable[str]) -> Any:
    """Read a value of an open table; one of a wrong type may be a known key misspelt."""
    if not value_type.accepts(raw):
        remedy = nearest(str(at.path[-1]), known, "key")
        error = at.expected(value_type.expects, raw)
        error.remedy = remedy if remedy.startswith("did you mean") else None
        raise error
    return value_type.convert(raw, at)


def table(cls: type[Table], expects: str = "a table") -> ValueType:
    """Make the type of values that are a table of a class."""
    return ValueType(
        expects, lambda value: isinstance(value, dict), lambda v, at: read_table(cls, v, at)
    )


def exactly_one(entry: Table, at: At, names: Iterable[str]) -> None:
    """Raise `InputError` unless one, and only one, of the optional keys is given."""
    names = list(names)
    present = [name for name in names if getattr(entry, name) is not None]
    listed = ", ".join(f"'{name}'" for name in names)
    if len(present) > 1:
        raise at.table_error(f"has both '{present[0]}' and '{present[1]}'", f"give one of {listed}")
    if not present:
        raise at.table_error(f"needs one of {listed}")


def only_with(entry: Table, at: At, names: Iterable[str], owner: str) -> None:
    """Raise `InputError` where a key is given without the key `owner` that it belongs to."""
    for name in names:
        if getattr(entry, name) is not None and getattr(entry, owner) is None:
            raise (at / name).error(f"belongs to '{owner}', which is not given")


def plain(value: Any, folder: Path) -> Any:
    """Return a value of a model in the types of JSON, paths relative to `folder` beneath it."""
    if hasattr(value, "as_value"):
        return value.as_value(folder)
    if isinstance(value, Path):
        shipped = label(value)
        if is_builtin(shipped):
            return shipped
        # paths count from the folder of the model: its text is the same wherever that lies
        inside = value.is_relative_to(folder)
        return (value.relative_to(folder) if inside else value).as_posix()
    if isinstance(value, dict):
        return {name: plain(entry, folder) for name, entry in value.items()}
    if isinstance(value, tuple):
        return [plain(entry, folder) for entry in value]
    # JSON has no infinity; where one may be, the tables read these texts
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
