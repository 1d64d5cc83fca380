"""Reading a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from lfpcli.builtin import resolved
from lfpcli.errors import InputError
from lfpcli.model.model import Model
from lfpcli.model.overrides import apply_overrides
from lfpcli.model.run import Run
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import keys_of, read_table
from lfpcli.model.text import Lines, is_stream, parse, plain_tree, read_file, read_stream


def load_model(
    source: str | os.PathLike[str] | IO[Any] | Mapping[str, Any],
    *,
    overrides: Iterable[str] = (),
    name: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Model:
    """Read and check a model.

    Parameters
    ----------
    source : path, open file or mapping
        A TOML or JSON file, a stream of its text or bytes, or the tree of tables itself.
    overrides : iterable of str
        ``a.b.c=value`` texts that set keys before the check.
    name : str, optional
        What to call the source in messages; its path by default.
    folder : path, optional
        Folder that relative paths in the model refer to; that of the file, else the current one.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        Where there is no model or it is wrong; the message has file, line, table and key.
    UsageError
        Where an override is no ``path=value``.
    """
    path: Path | None = None
    lines: Lines = {}
    if isinstance(source, Mapping):
        name = name or "model"
        tree = plain_tree(source)
    elif is_stream(source):
        name = name or str(getattr(source, "name", "<stream>"))
        tree, lines = parse(read_stream(source, name), name)  # type: ignore[arg-type]
    elif isinstance(source, (str, os.PathLike)):
        path = Path(resolved(source))
        name = name or str(source)
        tree, lines = parse(read_file(path), name)
    else:
        raise InputError(f"a model is no {type(source).__name__}", remedy="give a path or a dict")
    base = Path(folder) if folder is not None else (path.parent if path else Path())
    # before the check, so that an override may also mend a file
    set_keys = apply_overrides(tree, overrides, name)
    text = SourceText(name, base.absolute(), lines, set_keys)
    at = At(text)
    _refuse_keys_of_run(tree, at)
    return read_table(Model, tree, at, path=path, text=text)


def _refuse_keys_of_run(tree: Mapping[str, Any], at: At) -> None:
    """Refuse keys of the table [run] that stand outside it."""
    known = {name for name, _, _ in keys_of(Model)}
    of_run = {name for name, _, _ in keys_of(Run)} - known
    for name in tree:
        if name in of_run:
            raise (at / name).error("stands outside a table", f"write [run] and under it {name}")
