"""Where in a model a value stands, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lfpcli.errors import InputError, nearest

KeyPath = tuple[str | int, ...]

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
# what a list of any length is said to be of
_LIST = re.compile(r"a list(?:, not empty)?, each a (text|number|whole number)\b")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")


@dataclass(frozen=True)
class SourceText:
    """The text a model was read from.

    Attributes
    ----------
    name : str
        File name, or what else to call it.
    folder : Path
        Folder that relative paths of the model refer to; absolute.
    lines : mapping
        Line of each table and key that `toml_lines` found.
    overrides : mapping
        The ``--set`` texts by the path they set.
    """

    name: str = "model"
    folder: Path = field(default_factory=Path.cwd)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> str:
        """Say where `path` was written: ``file:line``, or the ``--set`` that gave or changed it."""
        # what was set last, or what holds it, is where a reader must look
        for end in range(len(path), -1, -1):
            if path[:end] in self.overrides:
                return f"--set {clipped(self.overrides[path[:end]], 80)}"
        begins = (path[:end] for end in range(len(path), 0, -1))
        line = next((self.lines[begin] for begin in begins if begin in self.lines), None)
        places = [self.name if line is None else f"{self.name}:{line}"]
        if path:
            inside = (text for set_path, text in self.overrides.items() if _begins(set_path, path))
            places += [f"--set {clipped(text, 80)}" for text in inside]
        return ", ".join(places)


def _begins(path: KeyPath, start: KeyPath) -> bool:
    return path[: len(start)] == start


@dataclass(frozen=True)
class At:
    """A table or key of a model."""

    text: SourceText
    path: KeyPath = ()

    def __truediv__(self, key: str | int) -> At:
        return At(self.text, (*self.path, key))

    @property
    def source_line(self) -> str:
        """``file:line`` of this table or key."""
        return self.text.line_of(self.path)

    def error(self, fault: str, remedy: str | None = None) -> InputError:
        """Return the error that the value of this key is wrong."""
        *table, key = self.path or ("",)
        while table and isinstance(key, int):
            key = f"{table.pop()}[{key}]"
        head = f"[{dotted(table)}] " if table else ""
        head += f"key '{clipped(str(key))}'"
        return InputError(f"{head}: {fault}", source=self.source_line, remedy=remedy)

    def table_error(self, fault: str, remedy: str | None = None) -> InputError:
        """Return the error that this table, as a whole, is wrong."""
        head = f"[{dotted(self.path)}] " if self.path else ""
        return InputError(head + fault, source=self.source_line, remedy=remedy)

    def unknown(self, key: str, known: Iterable[str]) -> InputError:
        """Return the error that this table has a key it cannot have."""
        return (self / key).error("unknown key", nearest(key, known, "key"))

    def expected(self, expects: str, value: object) -> InputError:
        """Return the error that this key's value is not what it should be."""
        return self.error(f"expected {expects}, got {shown(value)}", _correction(expects, value))


def _correction(expects: str, value: object) -> str | None:
    """Remedy for what is nearly right: an entry without its list, a number with its unit."""
    entry = _LIST.match(expects)
    if entry and isinstance(value, str if entry[1] == "text" else (int, float)):
        return f"write [{shown(value)}]"
    if expects.startswith(("a number", "an integer")) and isinstance(value, str):
        unit = re.search(r"\(([^()]+)\)$", expects)
        if unit and re.match(r"[-+]?\d", value.strip()):
            return f"write a number alone, which is in {unit[1]}"
    return None


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as ``--set`` takes it: ``input.0.weight``."""
    return ".".join(clipped(str(part)) for part in path)


def clipped(text: str, longest: int = 40) -> str:
    """Return a text of a stranger as it can stand in a message: short, without control codes."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def shown(value: object) -> str:
    """Describe a wrong value in a message, in the words of TOML."""
    # to Python it is an integer, too
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        some = ", ".join(clipped(str(name)) for name in list(value)[:4])
        return f"a table with {some}" if value else "an empty table"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f'"{clipped(value)}"'
    # Python refuses to write integers of thousands of digits
    if isinstance(value, int) and abs(value) > 10**15:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, (int, float)):
        return f"{value}"
    return f"a {type(value).__name__}"


def toml_lines(text: str) -> dict[KeyPath, int]:
    """Find the lines of tables and of keys that begin a line, by a scan of TOML text.

    Keys inside inline tables are not found; `SourceText.line_of` then takes the line of what holds
    them.

    Parameters
    ----------
    text : str
        Well-formed TOML.

    Returns
    -------
    dict
        Line, from 1, by path; entries of arrays of tables have their index in the path.
    """
    lines: dict[KeyPath, int] = {}
    last: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _entered(_parts(header[2]), header[1] == "[[", last)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, text)]


def _entered(parts: list[str], is_entry: bool, last: dict[KeyPath, int]) -> KeyPath:
    """Path of the table that a header opens, with the indices of the entries it lies in."""
    path: KeyPath = ()
    for k, part in enumerate(parts):
        path = (*path, part)
        if is_entry and k == len(parts) - 1:
            last[path] = last.get(path, -1) + 1
        if path in last:
            path = (*path, last[path])
    return path


def check_name(name: str, at: At) -> None:
    """Raise `InputError` where a name cannot be that of a group in an HDF5 file."""
    if "/" in name or name in (".", "..") or not name.isprintable() or name != name.strip():
        raise at.error(f"{shown(name)} cannot be a name", "use letters, digits, - and _")
