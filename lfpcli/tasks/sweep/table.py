"""What came out of the runs of a sweep, as one table."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, Sampled, open_recording
from lfpcli.tasks.sweep.index import read_sweep

SUFFIXES = {".csv": ",", ".tsv": "\t", ".json": ""}
_BLOCK = 1 << 16  # samples that are read at a time

Row = dict[str, Any]


def sweep_facts(folder: Path) -> dict[str, Any]:
    """What a sweep varies, and what each of its runs has come to.

    Returns
    -------
    dict
        ``kind``, ``file``, ``model``, ``seed``, ``keys``, ``runs`` (rows of `sweep_rows`).
    """
    sweep = read_sweep(folder)
    return {
        "kind": "sweep",
        "file": str(folder),
        "model": sweep.model,
        "seed": sweep.seed,
        "keys": dict(zip(sweep.keys, map(list, sweep.values), strict=True)),
        "runs": sweep_rows(folder),
    }


def sweep_rows(folder: Path) -> list[Row]:
    """One row for each run.

    Returns
    -------
    list of dict
        ``index``, ``file``, ``state`` (``done`` or ``missing``), the values of the keys that are
        varied, and of runs that are done: spikes and rates (Hz) of populations, and of signals and
        dipoles the largest peak-to-peak size of a channel and the root mean square of all.
    """
    sweep = read_sweep(folder)
    rows: list[Row] = []
    for number, values in enumerate(sweep.points):
        path = folder / sweep.file(number)
        row: Row = {"index": number, "file": path.name}
        row["state"] = "done" if path.exists() else "missing"
        row |= {key: _number(text) for key, text in zip(sweep.keys, values, strict=True)}
        if path.exists():
            with open_recording(path) as recording:
                row |= _measures(recording)
        rows.append(row)
    return rows


def write_table(folder: Path, output: str, *, force: bool = False) -> None:
    """Write the rows of a sweep to a table.

    Parameters
    ----------
    folder : Path
        The sweep.
    output : str
        A file .csv, .tsv or .json; ``-`` is CSV to standard output.
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    UsageError
        Where the suffix is another.
    """
    suffix = ".csv" if output == "-" else Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"the table of a sweep is no '{suffix or output}'",
            remedy=f"name a file that ends with {', '.join(SUFFIXES)}",
        )
    check_output(output, force=force, binary=False)
    rows = sweep_rows(folder)
    with atomic_output(output, force=force, binary=False) as path:
        if suffix == ".json":
            path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(
                file, columns(rows), delimiter=SUFFIXES[suffix], lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(rows)


def columns(rows: Sequence[Row]) -> list[str]:
    """Names of the columns of rows that may have different ones."""
    names: dict[str, None] = {}
    for row in rows:
        # in the order in which they first come
        names |= dict.fromkeys(row)
    return list(names)


def _measures(recording: Recording) -> Row:
    row: Row = {}
    for name in recording.spike_populations:
        times, _ = recording.spikes(name)
        row[f"{name} spikes"] = len(times)
        duration, cells = _duration(recording), _cells(recording, name)
        if duration and cells:
            row[f"{name} rate (Hz)"] = len(times) / cells / duration * 1e3
    for name in recording.signals:
        row |= _size(name, recording.signal(name))
    for name in recording.dipole_groups:
        row |= _size(f"dipole {name}", recording.dipole(name))
    return row


def _duration(recording: Recording) -> float:
    """Length of the run as its effective model has it, ms."""
    model = recording.provenance.get("model", {})
    return float(model.get("run", {}).get("tstop", 0.0)) if isinstance(model, dict) else 0.0


def _cells(recording: Recording, population: str) -> int:
    if population not in recording.populations:
        return 0
    return len(np.unique(recording.geometry(population).gid))


def _size(name: str, sampled: Sampled) -> Row:
    """Largest peak-to-peak size of a channel, and root mean square of all."""
    samples = sampled.data.shape[0]
    if not samples or not sampled.data.shape[1]:
        return {}
    low = np.full(sampled.data.shape[1], np.inf)
    high, squares = -low, 0.0
    # a recording may be larger than memory
    for first in range(0, samples, _BLOCK):
        block = np.asarray(sampled.data[first : first + _BLOCK], dtype=float)
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        squares += float(np.sum(block**2))
    rms = np.sqrt(squares / (samples * len(low)))
    unit = f" ({sampled.units})" if sampled.units else ""
    return {
        f"{name} peak-to-peak{unit}": float(np.max(high - low)),
        f"{name} rms{unit}": float(rms),
    }


def _number(text: str) -> int | float | str:
    """The number that a text is, else the text."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
