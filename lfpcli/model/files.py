"""The files that a model names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lfpcli.model.model import Model
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, keys_of


def model_files(model: Model) -> Iterator[tuple[At, Path]]:
    """Yield the files and folders that a model names, each with the key that names it."""
    yield from _files(model, At(model.text))


def check_files(model: Model) -> None:
    """Raise `InputError` where a file or folder that a model names is not there.

    Parameters
    ----------
    model : Model
        The model.
    """
    for at, path in model_files(model):
        if not _exists(path):
            raise at.error(
                f"no such file '{path}'", "check the name; it counts from the model's folder"
            )
        # mechanisms may be folders or files
        is_folder_key = at.path[-1] == "workdir"
        if is_folder_key and not path.is_dir():
            raise at.error(f"'{path}' is no folder")
        if path.is_dir() and not is_folder_key and "mechanisms" not in at.path:
            raise at.error(f"'{path}' is a folder, not a file")
        if path.is_file() and path.stat().st_size == 0:
            raise at.error(f"file '{path}' is empty")


def _exists(path: Path) -> bool:
    """Whether a path exists; one that no file system can have does not."""
    try:
        return path.exists()
    except OSError:
        return False


def _files(value: Any, at: At) -> Iterator[tuple[At, Path]]:
    if isinstance(value, Path):
        yield at, value
    elif isinstance(value, Table):
        for name, spec, entry in keys_of(value):
            inner = at if spec.rest else at / name
            yield from _files(getattr(value, entry.name), inner)
    elif dataclasses.is_dataclass(value):
        for entry in dataclasses.fields(value):
            yield from _files(getattr(value, entry.name), at)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _files(entry, at / name)
    elif isinstance(value, tuple):
        for k, entry in enumerate(value):
            yield from _files(entry, at / k)
