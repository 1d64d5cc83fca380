"""Dipoles of hnn-core: text of time (ms) and of the moment in nAm, by layers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.exchange.contents import Contents, Traces
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.stream import check_input
from lfpcli.io.text import is_number

NANOAMPERE_METRE = 1e6
"""1 nA m in nA um."""


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the moment along z as the dipoles ``agg``, ``L2`` and ``L5``, nA um.

    The first column is time, the second the sum, others the layers, as hnn-core writes them.

    Raises
    ------
    InputError
        Where a line is no row of numbers, or times are no even steps.
    """
    path = Path(source)
    check_input(path)
    rows = _rows(path)
    table = np.array(rows)
    if len(table) < 2 or table.shape[1] < 2:
        raise InputError("holds no dipole in time", source=path, remedy="save it with hnn-core")
    steps = np.diff(table[:, 0])
    dt = float(np.median(steps))
    # the text has four digits after the point
    if dt <= 0 or np.any(np.abs(steps - dt) > 1.5e-4):
        raise InputError("times are no even steps", source=path, remedy="resample it first")
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


def _rows(path: Path) -> list[list[float]]:
    rows: list[list[float]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                words = line.partition("#")[0].split()
                if not words:
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
