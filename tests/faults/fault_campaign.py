"""A campaign of damaged files: each is read in a process of its own, under limits.

The rule for every input: accepted or refused, with one line that has a remedy; no bug, no signal,
no traceback; under ten seconds and two gigabytes.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fault_formats import Format, Reader
from fault_mutators import change_hdf5

SECONDS = 10
MEMORY = 2 << 30
# input, output or options are refused; 1 is a difference; 5 is a model that NEURON refuses
REFUSED = {2, 3, 4, 5}


@dataclass
class Tally:
    """What became of the inputs of a format.

    Attributes
    ----------
    counts : Counter
        Inputs, accepted, refused, and what must not be: bugs, signals, hangs, memory, words.
    worst : float
        Longest time, s.
    failures : list of str
        What must not be, with the seed that makes it again.
    """

    counts: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0
    failures: list[str] = field(default_factory=list)


COLUMNS = ("inputs", "accepted", "refused", "70", "signals", "hangs", "memory", "words")


def damaged(form: Format, seed: int, folder: Path) -> Path:
    """The damaged file of a seed."""
    rng = np.random.default_rng(seed)
    names = sorted(form.files)
    name = names[int(rng.integers(len(names)))]
    content, path = form.files[name], folder / name
    if form.structured and rng.random() < 0.4:
        path.write_bytes(content)
        # HDF5 does not let itself be damaged in every way
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RuntimeError):
            change_hdf5(path, rng)
        return path
    for _ in range(int(rng.integers(1, 3))):
        content = form.mutators[int(rng.integers(len(form.mutators)))](content, rng)
    path.write_bytes(content)
    return path


def run(form: Format, seeds: Sequence[int], folder: Path) -> Tally:
    """Feed damaged files of one format, one for each seed."""
    tally = Tally()
    if form.is_sound:
        _accept_sound(form, folder)
    for seed in seeds:
        work = folder / f"{os.getpid()}-{seed}"
        work.mkdir()
        path = damaged(form, seed, work)
        reader = form.readers[seed % len(form.readers)]
        kind, said, seconds = _outcome(reader, path, work)
        tally.counts["inputs"] += 1
        tally.counts[kind] += 1
        tally.worst = max(tally.worst, seconds)
        if kind not in ("accepted", "refused"):
            tally.failures.append(f"{form.name} seed {seed}: {kind}: {said[:400]}")
        shutil.rmtree(work)
    return tally


def _accept_sound(form: Format, folder: Path) -> None:
    """See that sound files are accepted; this process then has imported what its children need."""
    for name, content in form.files.items():
        for number, reader in enumerate(form.readers):
            work = folder / f"sound-{os.getpid()}-{form.name}-{number}-{name}"
            work.mkdir()
            (work / name).write_bytes(content)
            with contextlib.redirect_stdout(io.StringIO()):
                code = reader(work / name, work)
            assert code == 0, f"{form.name}: {name} is refused by reader {number}"
            shutil.rmtree(work)


def _outcome(reader: Reader, path: Path, work: Path) -> tuple[str, str, float]:
    """How a reader takes a file, what it said last, and how long it took."""
    log = work / "said"
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        _read_and_end(reader, path, work, log)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - begin
    said = log.read_text(errors="replace") if log.exists() else ""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # of the processor: the machine may be busy with other things
        kind = "hangs" if number == signal.SIGPROF else "signals"
        return kind, f"{signal.Signals(number).name} {last}", seconds
    code = os.WEXITSTATUS(status)
    if usage.ru_maxrss << 10 > MEMORY + (1 << 28):
        return "memory", f"{usage.ru_maxrss >> 10} MB", seconds
    if "Traceback" in said or code not in {0, 1, *REFUSED}:
        return "70", last, seconds
    if code in (0, 1):
        return "accepted", last, seconds
    return _words(said, last), last, seconds


def _words(said: str, last: str) -> str:
    """Whether a refusal is one line with a place and a remedy, fit for a terminal."""
    errors = [line for line in said.splitlines() if "error: " in line]
    fits = len(errors) == 1 and "; " in last and "[" in last and last.isprintable()
    return "refused" if fits else "words"


def _read_and_end(reader: Reader, path: Path, work: Path, log: Path) -> None:
    code = 99
    try:
        os.chdir(work)
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY)
        os.dup2(descriptor, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
        sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        code = reader(path, work)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def campaign(forms: Sequence[Format], count: int, first: int, folder: Path) -> Iterator[str]:
    """Feed `count` inputs, shared out among the formats; yields the lines of the table."""
    each = max(1, count // len(forms))
    yield f"{'format':16}" + "".join(f"{name:>10}" for name in COLUMNS) + f"{'worst s':>10}"
    total, failures = Tally(), []
    for form in forms:
        tally = run(form, range(first, first + each), folder)
        yield _row(form.name, tally)
        total.counts += tally.counts
        total.worst = max(total.worst, tally.worst)
        failures += tally.failures
    yield _row("all", total)
    yield from failures


def _row(name: str, tally: Tally) -> str:
    numbers = "".join(f"{tally.counts[column]:10}" for column in COLUMNS)
    return f"{name:16}{numbers}{tally.worst:10.2f}"
