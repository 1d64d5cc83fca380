"""Dipoles of hnn-core: tables of time (ms) and of the moment in nAm, by layers, and HDF5."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import numbers, whole
from lfpcli.guarded.signature import is_hdf5
from lfpcli.io.exchange.contents import Contents, Traces
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.recording import open_hdf5
from lfpcli.io.stream import check_input
from lfpcli.io.text import is_number

HEADINGS = ("times", "time")
"""How the line of headings of a table begins."""
H5IO = "h5io"
"""Name of the group that h5io writes."""
_AGAIN = "save it again with hnn-core"
NANOAMPERE_METRE = 1e6
"""1 nA m in nA um."""


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the moment along z as the dipoles ``total``, ``L2`` and ``L5``, nA um.

    The first column is time, the second the sum, others the layers, as hnn-core writes them: text
    (.txt), text with headings (.csv), or HDF5 by h5io (.hdf5).

    Raises
    ------
    InputError
        Where a line is no row of numbers, or times are no even steps.
    """
    path = Path(source)
    check_input(path)
    table = _hdf5(path) if is_hdf5(path) else np.array(_rows(path))
    if len(table) < 2 or table.shape[1] < 2:
        raise InputError("holds no dipole in time", source=path, remedy="save it with hnn-core")
    steps = np.diff(table[:, 0])
    dt = float(np.median(steps))
    # the text has four digits after the point
    if dt <= 0 or np.any(np.abs(steps - dt) > 1.5e-4):
        raise InputError(
            "its first column is no time in even steps, as dipoles of hnn-core have it",
            source=path,
            remedy="resample it first, or name the format with --from",
        )
    count = len(table)
    dt = float(table[-1, 0] - table[0, 0]) / (count - 1)
    traces = []
    for number, label in enumerate(["total", "L2", "L5"][: table.shape[1] - 1], start=1):
        moment = np.zeros((count, 3))
        moment[:, 2] = table[:, number] * NANOAMPERE_METRE
        traces.append(
            Traces(
                name=f"dipole/{label}",
                samples=Samples(moment),
                units="nA um",
                dt=dt,
                t_start=float(table[0, 0]),
                channels=["x", "y", "z"],
                model="from hnn-core",
            )
        )
    yield Contents(traces=traces, source=str(path))


def _hdf5(path: Path) -> np.ndarray:
    """Columns of a dipole that h5io wrote: dictionaries are groups, and keys have a prefix."""
    with open_hdf5(path) as (file, name):
        base = f"{H5IO}/key_data"
        columns = [whole(numbers(file, f"{H5IO}/key_times", name, ndim=1, remedy=_AGAIN))]
        for label in ("agg", "L2", "L5"):
            if label == "agg" or f"{base}/key_{label}" in file:
                path_of_label = f"{base}/key_{label}"
                columns.append(whole(numbers(file, path_of_label, name, ndim=1, remedy=_AGAIN)))
        if len({len(column) for column in columns}) > 1:
            raise InputError("columns differ in length", source=f"{name}:/{base}", remedy=_AGAIN)
    return np.column_stack(columns)


def _rows(path: Path) -> list[list[float]]:
    rows: list[list[float]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                words = line.partition("#")[0].replace(",", " ").split()
                if not words or (not rows and words[0] in HEADINGS):
                    continue
                if not all(is_number(word) for word in words):
                    raise InputError(
                        "is no row of numbers", source=f"{path}:{number}", remedy="see the line"
                    )
                if rows and len(words) != len(rows[0]):
                    raise InputError(
                        f"has {len(words)} numbers, the first row has {len(rows[0])}",
                        source=f"{path}:{number}",
                        remedy="see the line",
                    )
                rows.append([float(word) for word in words])
    except UnicodeDecodeError as error:
        raise InputError("is no text", source=path, remedy="see lfp info") from error
    return rows
