"""Overrides of a model's keys from the command line: ``--set run.tstop=50``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lfpcli.errors import UsageError, nearest
from lfpcli.model.source_text import At, KeyPath, SourceText, clipped, shown
from lfpcli.model.text import Tree, parse_value

NAMED_TABLES = ("cell", "population")


def apply_overrides(tree: Tree, overrides: Iterable[str], name: str) -> dict[KeyPath, str]:
    """Set keys of a raw tree in place.

    Parameters
    ----------
    tree : dict
        The tree.
    overrides : iterable of str
        ``a.b.c=value`` each. Entries of lists go by their index or, where they have one, their
        ``name``; the value is one of TOML, or a bare word.
    name : str
        Name of the model, for messages.

    Returns
    -------
    dict
        The texts by the paths they set.

    Raises
    ------
    UsageError
        Where a text is no ``path=value``.
    InputError
        Where a list has no such entry, or there is no such cell or population.
    """
    done: dict[KeyPath, str] = {}
    for text in overrides:
        parts, value = _split(text)
        done[_set(tree, parts, parse_value(value), SourceText(name, overrides={(): text}))] = text
    return done


def _split(text: str) -> tuple[list[str], str]:
    key, equals, value = text.partition("=")
    parts = [part.strip().strip("\"'") for part in key.split(".")]
    if not equals or not value.strip() or not all(parts):
        raise UsageError(f"--set {clipped(text)} sets nothing", remedy="write it as run.tstop=50")
    return parts, value.strip()


def _set(tree: Tree, parts: list[str], value: Any, text: SourceText) -> KeyPath:
    """Set a value in a tree, making the tables on the way; return its path."""
    at = At(text)
    node: Any = tree
    for depth, part in enumerate(parts):
        if not isinstance(node, (list, dict)):
            raise at.error(f"is no table, {shown(part)} cannot be set in it")
        step: Any = _entry(node, part, at) if isinstance(node, list) else part
        at /= step
        if depth == len(parts) - 1:
            node[step] = value
        elif isinstance(node, dict) and step not in node:
            if len(at.path) == 2 and at.path[0] in NAMED_TABLES:
                raise at.error(f"no such {at.path[0]}", nearest(part, node, str(at.path[0])))
            node[step] = {}
        node = node[step]
    return at.path


def _entry(entries: list[Any], part: str, at: At) -> int:
    """Index of an entry of a list by its number or its name."""
    if part.isascii() and part.isdigit() and int(part) < len(entries):
        return int(part)
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    if names.count(part) == 1:
        return names.index(part)
    has = f"it has 0 to {len(entries) - 1}" if entries else "it is empty"
    if named := [str(name) for name in names if name is not None]:
        has += f", named {', '.join(named)}"
    raise at.table_error(f"has no entry {shown(part)}", has)
