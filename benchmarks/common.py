"""What the benchmarks share: the machine's description, tables, and processes of their own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
# tables of this run, each a list of rows by the heads of their columns
_TABLES: list[list[dict[str, Any]]] = []
# a column of one of these heads is compared: seconds differ from machine to machine
_NOISE = 0.2
_RATIOS = ("ratio", "of plain", "of plain NEURON")


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Add the option that `save` obeys."""
    parser.add_argument(
        "--compare",
        action="store_true",
        help="print how ratios have drifted from the committed ones, and keep those",
    )


def save(name: str, *, compare: bool = False) -> None:
    """Say where ratios differ from the committed ones, and write the tables of this run as JSON.

    Parameters
    ----------
    name : str
        Name of the benchmark; the file is ``results/NAME.json``.
    compare : bool
        Whether the committed tables stay, and the comparison is all that is wanted.
    """
    path = RESULTS / f"{name}.json"
    before = json.loads(path.read_text())["tables"] if path.exists() else []
    changes = ratio_changes(before, _TABLES)
    for line in changes:
        print(line)
    if compare:
        print(f"{len(changes)} ratios have drifted by more than {_NOISE:.0%} from {path.name}")
        return
    result = {"benchmark": name, "machine": machine(), "tables": _TABLES}
    path.write_text(json.dumps(result, indent=1, default=float) + "\n")


def ratio_changes(
    before: Sequence[Sequence[dict[str, Any]]], after: Sequence[Sequence[dict[str, Any]]]
) -> list[str]:
    """Lines that name ratios which changed by more than a fifth.

    Rows are the same where their texts are; tables are compared in order.
    """
    lines = []
    for old_rows, new_rows in zip(before, after, strict=False):
        by_text = {_texts(row): row for row in old_rows}
        for row in new_rows:
            old = by_text.get(_texts(row), {})
            for head in _RATIOS:
                was, is_now = old.get(head), row.get(head)
                if not isinstance(was, float) or not isinstance(is_now, float):
                    continue
                if abs(is_now / was - 1.0) > _NOISE:
                    subject = ", ".join(_texts(row))
                    lines.append(f"{subject}: {head} was {was:.3g}, is {is_now:.3g}")
    return lines


def _texts(row: dict[str, Any]) -> tuple[str, ...]:
    """What a row is about: its cells of text."""
    return tuple(value for value in row.values() if isinstance(value, str))


def machine() -> str:
    """One paragraph that says what a table was measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    threads = os.environ.get("OMP_NUM_THREADS", "default")
    libraries = ", ".join(f"{n} {version(n)}" for n in ("neuron", "numpy", "LFPy", "LFPykit"))
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {libraries}, OMP_NUM_THREADS {threads}"
    )


def print_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table with aligned columns; `save` keeps it, too."""
    _TABLES.append([dict(zip(head, row, strict=True)) for row in rows])
    cells = [[f"{c:.4g}" if isinstance(c, float) else str(c) for c in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def keep(rows: Sequence[dict[str, Any]]) -> None:
    """Let `save` keep a table that is not printed as one."""
    _TABLES.append(list(rows))


def in_process(script: str, part: str, *arguments: str) -> Any:
    """Run one part of a benchmark in a fresh process and return the JSON that it prints last.

    NEURON has global state: what one part built would be run along by the next.
    """
    command = [sys.executable, script, "--part", part, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
