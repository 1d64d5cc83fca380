"""The raw tree of a model, from files, streams and dictionaries."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from lfpcli.builtin import resolved
from lfpcli.errors import InputError
from lfpcli.model.source_text import KeyPath, SourceText, shown, toml_lines

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LONGEST = 64 * 1024 * 1024
"""Bytes of text that a model may have; more is no model."""
DEEPEST = 32

Tree = dict[str, Any]
Lines = dict[KeyPath, int]

# parts of a key with dots; no key of a model comes near
_MOST_PARTS = 100
_OUTSIDE_KEYS = re.compile(r"[^\w.\"' \t-]+")


def read_file(path: Path) -> str:
    """Return the text of a file; `InputError` where there is none to be had."""
    try:
        with path.open("rb") as file:
            return read_stream(file, str(path))
    except FileNotFoundError as error:
        raise InputError(
            "no such file", source=path, remedy="check the name and the folder"
        ) from error
    except IsADirectoryError as error:
        raise InputError(
            "is a folder, not a model", source=path, remedy="name a .toml or .json file"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}",
            source=path,
            remedy="check its permissions",
        ) from error


def read_source(source: str | os.PathLike[str]) -> tuple[Tree, SourceText]:
    """Return the tree of a TOML or JSON file, and what names its lines in messages.

    Raises
    ------
    InputError
        As `read_file` and `parse`.
    """
    path = Path(resolved(source))
    tree, lines = parse(read_file(path), str(source))
    return tree, SourceText(str(source), path.parent.absolute(), lines)


def read_stream(stream: IO[Any], name: str) -> str:
    """Return the text of a text or binary stream."""
    try:
        # one byte more than allowed tells a text that is too long without reading all of it
        data = stream.read(LONGEST + 1)
        text = data if isinstance(data, str) else bytes(data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "is no text in UTF-8", source=name, remedy="a model is a TOML or JSON file"
        ) from error
    if len(data) > LONGEST:
        raise InputError("is too large for a model", source=name, remedy="check that it is a model")
    if not text.strip():
        raise InputError("is empty", source=name, remedy="a model has at least a [cell.NAME]")
    return text


def parse(text: str, name: str) -> tuple[Tree, Lines]:
    """Parse a model's text: JSON where it begins with a brace or is named .json, else TOML.

    Parameters
    ----------
    text : str
        The text.
    name : str
        Name of the file, for messages.

    Returns
    -------
    tree : dict
        Tables and keys.
    lines : dict
        Lines of the tables and keys, of TOML.

    Raises
    ------
    InputError
        Where the text is malformed; the message has the line.
    """
    # standard input has no suffix, and no model in TOML begins with a brace
    is_json = text.lstrip()[:1] == "{" or name.lower().endswith(".json")
    try:
        if is_json:
            return _table(json.loads(text, object_pairs_hook=_pairs), name), {}
        _check_keys(text, name)
        return tomllib.loads(text.replace("\r\n", "\n")), toml_lines(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"malformed JSON: {error.msg}",
            source=f"{name}:{error.lineno}",
            remedy="correct the line",
        ) from error
    except tomllib.TOMLDecodeError as error:
        fault, line = _toml_fault(str(error), text)
        raise InputError(
            f"malformed TOML: {fault}", source=f"{name}:{line}", remedy="correct the line"
        ) from error
    except RecursionError as error:
        raise InputError(
            "is nested too deeply", source=name, remedy="check that it is a model"
        ) from error
    except InputError as error:
        raise InputError(
            error.message, source=error.source or name, remedy=error.remedy or "correct it"
        ) from error
    except ValueError as error:
        raise InputError(f"malformed: {error}", source=name, remedy="correct it") from error


def _check_keys(text: str, name: str) -> None:
    """Refuse keys of very many parts, for each of which the parser goes through all before it."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") <= _MOST_PARTS:
            continue
        # what may stand in a key with dots; values have commas or quotes between
        for piece in _OUTSIDE_KEYS.split(line):
            parts = [part for part in piece.split(".") if part.strip()]
            if len(parts) > _MOST_PARTS:
                raise InputError(
                    f"a key has {len(parts)} parts",
                    source=f"{name}:{number}",
                    remedy="keys of a model have three at most",
                )


def _table(tree: Any, name: str) -> Tree:
    if not isinstance(tree, dict):
        raise InputError(
            "is no table of a model",
            source=name,
            remedy="write tables such as [run], see lfp-model(5)",
        )
    plain_tree(tree)
    return tree


def _pairs(pairs: list[tuple[str, Any]]) -> Tree:
    tree: Tree = {}
    # json would keep the last of two equal keys, and the first be lost without a word
    for key, value in pairs:
        if key in tree:
            raise InputError(f"key {shown(key)} comes twice", remedy="leave one of them out")
        tree[key] = value
    return tree


def _toml_fault(message: str, text: str) -> tuple[str, int]:
    """Take the line out of a parser's message."""
    line = re.search(r"\s*\(at line (\d+), column \d+\)$", message)
    if line:
        return message[: line.start()], int(line[1])
    return re.sub(r"\s*\(at end of document\)$", "", message), len(text.splitlines())


def parse_value(text: str) -> Any:
    """Read a value as TOML does; what is no value there is a bare word, a string."""
    # a second line would be a second key
    if "\n" in text or "\r" in text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text


def plain_tree(value: Any, depth: int = 0) -> Any:
    """Copy a tree of Python, NumPy and pathlib values into one of TOML's types.

    Raises
    ------
    InputError
        Where it is nested too deeply, or a key is no string.
    """
    if depth > DEEPEST:
        raise InputError("is nested too deeply for a model", remedy="check that it is a model")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError(f"key {key!r} is not a text", remedy="write the key as a text")
        return {key: plain_tree(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain_tree(value.tolist(), depth + 1)
    if isinstance(value, (list, tuple)):
        return [plain_tree(entry, depth + 1) for entry in value]
    return str(value) if isinstance(value, Path) else value


def is_stream(source: object) -> bool:
    """Whether a source is an open file."""
    return isinstance(source, io.IOBase) or hasattr(source, "read")
