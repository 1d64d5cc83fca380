"""The folder of a sweep: which values each of its runs has."""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, UsageError
from lfpcli.io.atomic import atomic_output, kept_if_used

INDEX = "sweep.json"
FORMAT, VERSION = "lfp-sweep", 1
MOST_RUNS = 1_000_000
_OPENING, _CLOSING = "[{", "]}"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is varied.

    Attributes
    ----------
    model : str
        Name of the model's file, as it was given.
    digest : str
        SHA-256 of the file.
    seed : int or None
        Seed of all runs; None where the model has one or it is varied.
    keys : tuple of str
        Keys of the model.
    values : tuple of tuple of str
        Values of each key, as texts.
    """

    model: str
    digest: str
    seed: int | None
    keys: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @functools.cached_property
    def points(self) -> list[tuple[str, ...]]:
        """Values of each run; those of the last key change first."""
        return list(itertools.product(*self.values))

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.points)

    def overrides(self, number: int) -> list[str]:
        """Texts of ``--set`` of a run."""
        values = self.points[number]
        return [f"{key}={value}" for key, value in zip(self.keys, values, strict=True)]

    def file(self, number: int) -> str:
        """Name of the recording of a run."""
        # names sort as their numbers do
        digits = max(4, len(str(self.count - 1)))
        return f"{number:0{digits}d}.h5"


def parse_variations(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read what ``--set KEY=VALUE,VALUE`` gives, by key.

    Commas within brackets, braces and quotes belong to a value.

    Raises
    ------
    UsageError
        Where a text has no key or an empty value, or a key comes twice.
    """
    variations: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, rest = text.partition("=")
        key = key.strip()
        values = _split(rest)
        if not equals or not key or not all(values):
            raise UsageError(
                f"--set {text} names no values", remedy="write it as run.tstop=50,100,200"
            )
        if key in variations:
            raise UsageError(f"--set {key} is given twice", remedy="give all values in one --set")
        variations[key] = tuple(values)
    if not variations:
        raise UsageError("nothing is varied", remedy="add --set KEY=VALUE,VALUE,...")
    return variations


def _split(text: str) -> list[str]:
    """Parts between commas that no bracket, brace or quote encloses."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]


def is_sweep(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a sweep."""
    return Path(path, INDEX).is_file()


def read_sweep(folder: Path) -> Sweep:
    """Read the index of a folder.

    Raises
    ------
    InputError
        Where there is none, or it is none of this version.
    """
    path = folder / INDEX
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] != FORMAT or table["version"] != VERSION:
            raise InputError(
                f"is no index of version {VERSION}", source=path, remedy="use another lfp"
            )
        sweep = Sweep(
            model=str(table["model"]),
            digest=str(table["digest"]),
            seed=table["seed"],
            keys=tuple(map(str, table["keys"])),
            values=tuple(tuple(map(str, values)) for values in table["values"]),
        )
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            "is a folder, and no sweep",
            source=folder,
            remedy="name a file in it, or make a sweep: lfp sweep",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            "is no index of a sweep", source=path, remedy="make the sweep again"
        ) from error
    runs = math.prod(len(values) for values in sweep.values)
    if len(sweep.keys) != len(sweep.values) or not 0 < runs <= MOST_RUNS:
        raise InputError(
            f"has {len(sweep.keys)} keys, values of {len(sweep.values)}, and {runs} runs",
            source=path,
            remedy="make the sweep again",
        )
    if not isinstance(sweep.seed, int | None):
        raise InputError("has a seed that is none", source=path, remedy="make the sweep again")
    return sweep


def write_sweep(folder: Path, sweep: Sweep) -> None:
    """Write the index of a folder, which is made."""
    runs: list[dict[str, Any]] = []
    for number, values in enumerate(sweep.points):
        named = dict(zip(sweep.keys, values, strict=True))
        runs.append({"index": number, "file": sweep.file(number), "set": named})
    table = {
        "format": FORMAT,
        "version": VERSION,
        "model": sweep.model,
        "digest": sweep.digest,
        "seed": sweep.seed,
        "keys": sweep.keys,
        "values": sweep.values,
        "runs": runs,
    }
    # tasks of a job array may write it at the same time, the same bytes each
    with (
        kept_if_used(folder),
        atomic_output(folder / INDEX, force=True, binary=False) as path,
    ):
        path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
