"""The runs of a sweep, each in a process of its own."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from lfpcli.builtin import resolved
from lfpcli.errors import ExitCode, InputError, LfpError, OutputError, UsageError
from lfpcli.io.provenance import digest
from lfpcli.model import load_model
from lfpcli.runtime.engine.interrupts import deferred_signals
from lfpcli.seeds import draw_seed
from lfpcli.tasks.sweep.index import (
    INDEX,
    MOST_RUNS,
    Sweep,
    is_sweep,
    parse_variations,
    read_sweep,
    write_sweep,
)
from lfpcli.vocabulary import MODEL_SUFFIXES

_POLL = 0.02  # s


@dataclass(frozen=True)
class Failure:
    """A run that ended with an error.

    Attributes
    ----------
    number : int
        Of the run.
    code : int
        Its exit code.
    text : str
        What it said.
    """

    number: int
    code: int
    text: str


class SweepError(LfpError):
    """Some runs of a sweep failed; the exit code is that of the first."""

    def __init__(self, failures: Sequence[Failure], folder: Path, total: int) -> None:
        first = failures[0]
        text = first.text.rpartition("error: ")[2]
        super().__init__(
            f"{len(failures)} of {total} runs failed, run {first.number} first: {text}",
            source=folder,
            remedy="the others are kept; mend the model or the values, and start the sweep again",
        )
        self.code = ExitCode(first.code) if first.code in set(ExitCode) else ExitCode.FAILED


def planned(model: str, texts: Sequence[str], *, seed: int | None = None) -> Sweep:
    """Look at all values of a sweep.

    Parameters
    ----------
    model : str
        File of the model.
    texts : sequence of str
        What ``--set`` gave.
    seed : int, optional
        Seed of all runs.

    Returns
    -------
    Sweep
        Without a seed where none is given.

    Raises
    ------
    UsageError, InputError
        Where a value does not fit its key, or there are too many.
    """
    variations = parse_variations(texts)
    if not model.lower().endswith(MODEL_SUFFIXES) and not model.startswith("builtin:"):
        raise InputError(
            "is no model file", source=model, remedy="make one with lfp init, or name a .toml"
        )
    count = math.prod(map(len, variations.values()))
    if count > MOST_RUNS:
        raise UsageError(f"{count:,} runs are more than {MOST_RUNS:,}", remedy="take fewer values")
    _check(model, variations)
    return Sweep(
        model=model,
        digest=digest(Path(resolved(model))),
        seed=seed,
        keys=tuple(variations),
        values=tuple(variations.values()),
    )


def prepare(sweep: Sweep, folder: Path, *, force: bool = False) -> Sweep:
    """Make or read the index of a sweep.

    Parameters
    ----------
    sweep : Sweep
        What `planned` gave. Where neither it nor the model has a seed, one is drawn and kept.
    folder : Path
        The folder; where it has an index already, that must be of the same sweep.
    force : bool
        Whether an index of another sweep is replaced, and its runs removed.

    Returns
    -------
    Sweep
        With its seed.

    Raises
    ------
    OutputError
        Where the folder holds something else.
    """
    model = load_model(sweep.model, overrides=sweep.overrides(0))
    draws = sweep.seed is None and model.run.seed is None
    if is_sweep(folder):
        earlier = read_sweep(folder)
        if draws:
            # a seed that was drawn holds for the runs that are missing
            sweep = replace(sweep, seed=earlier.seed)
        if sweep == earlier:
            return earlier
        if not force:
            raise OutputError(
                f"holds another sweep, of other {_difference(earlier, sweep)}",
                source=folder / INDEX,
                remedy="name another folder, or use --force to remove its runs",
            )
        for number in range(earlier.count):
            (folder / earlier.file(number)).unlink(missing_ok=True)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(
            "is there and is no sweep", source=folder, remedy="name a folder that is empty"
        )
    if draws and sweep.seed is None:
        sweep = replace(sweep, seed=draw_seed())
    write_sweep(folder, sweep)
    return sweep


def _difference(earlier: Sweep, sweep: Sweep) -> str:
    names = {"model": "model", "digest": "bytes of the model", "seed": "seed", "keys": "keys"}
    parts = [text for name, text in names.items() if getattr(earlier, name) != getattr(sweep, name)]
    return ", ".join(parts or ["values"])


def _check(model: str, variations: dict[str, tuple[str, ...]]) -> None:
    """Read the model at each value of each key, the others at their first."""
    # each value once: all combinations of many keys would take longer than their runs
    usual = {key: values[0] for key, values in variations.items()}
    load_model(model, overrides=[f"{k}={v}" for k, v in usual.items()])
    for key, values in variations.items():
        for value in values[1:]:
            load_model(model, overrides=[f"{k}={v}" for k, v in {**usual, key: value}.items()])


def run_sweep(
    sweep: Sweep,
    folder: Path,
    *,
    numbers: Sequence[int] | None = None,
    jobs: int = 1,
    arguments: Sequence[str] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Run what is missing of a sweep.

    Parameters
    ----------
    sweep : Sweep
    folder : Path
        Where its recordings go.
    numbers : sequence of int, optional
        Which runs; all where left out.
    jobs : int
        How many at a time.
    arguments : sequence of str
        Further options of ``lfp sim``.
    tell : callable
        Told how many of how many runs are done.

    Returns
    -------
    int
        How many were made; the others were there.

    Raises
    ------
    SweepError
        Where runs failed, after all others were made.
    """
    wanted = list(range(sweep.count)) if numbers is None else list(numbers)
    for number in wanted:
        if not 0 <= number < sweep.count:
            raise UsageError(
                f"there is no run {number}", remedy=f"the sweep has runs 0 to {sweep.count - 1}"
            )
    # a recording appears under its name when it is whole
    missing = [number for number in wanted if not (folder / sweep.file(number)).exists()]
    total, done = len(missing), 0
    waiting, failures = deque(missing), []
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.popleft()
                # a signal between a birth and its record would leave a run that nobody ends
                with deferred_signals():
                    running[number] = _Child(sweep, folder, number, arguments, jobs=jobs)
            for number, child in list(running.items()):
                code = child.process.poll()
                if code is None:
                    continue
                del running[number]
                done += 1
                tell(done, total)
                if code:
                    failures.append(Failure(number, code, child.said()))
            time.sleep(_POLL)
    finally:
        # all at once: each may take seconds to come back from NEURON
        for child in running.values():
            child.process.terminate()
        for child in running.values():
            child.process.wait()
    if failures:
        raise SweepError(sorted(failures, key=lambda failure: failure.number), folder, total)
    return total


class _Child:
    """A process that makes one run."""

    def __init__(
        self, sweep: Sweep, folder: Path, number: int, arguments: Sequence[str], *, jobs: int
    ) -> None:
        # a process each: NEURON has one state for all that it ever built
        command = [sys.executable, "-m", "lfpcli", "sim", sweep.model]
        for text in sweep.overrides(number):
            command += ["--set", text]
        if sweep.seed is not None:
            command += ["--seed", str(sweep.seed)]
        command += [*arguments, "-q", "-o", str(folder / sweep.file(number))]
        environment = dict(os.environ)
        if jobs > 1:
            # else each process would take all cores
            environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def said(self) -> str:
        """The last line of its standard error."""
        assert self.process.stderr is not None
        errors: IO[bytes] = self.process.stderr
        # the error comes last, after warnings
        lines = errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.returncode}"
