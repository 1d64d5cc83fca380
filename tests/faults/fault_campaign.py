"""A campaign of damaged files: a warm process reads one after the other, under limits.

The rule for every input: accepted or refused, with one line that has a place and a remedy; no bug,
no signal, no traceback; under ten seconds of the processor and two gigabytes; an output that was
there is replaced in whole or stays as it was, and nothing else is left.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from fault_mutators import change_hdf5
from fault_readers import BEFORE, Format, Reader

from lfpcli.errors import ExitCode
from lfpcli.guarded.signature import SIGNATURE

SECONDS = 10
MEMORY = 2 << 30
# of the clock, for what waits and never computes; a machine that others use may take longer
PATIENCE = 90
# input, output or options are refused; 5 is a model that NEURON refuses
REFUSED = {2, 3, 4, 5}
COLUMNS = (
    *("inputs", "accepted", "refused", "70", "signals", "hangs"),
    *("memory", "words", "outputs"),
)
# inputs after which a process is replaced, so that what one leaves does not pile up
_ROUND = 500
_SHOWN_REFUSALS = 40
# the inputs of a format are fed in so many parts, so that all formats have some early
_PARTS = 10


@dataclass
class Tally:
    """What became of the inputs of a format.

    Attributes
    ----------
    counts : Counter
        Inputs, accepted, refused, and what must not be, by the names of `COLUMNS`.
    worst : float
        Longest time of the processor, s.
    megabytes : int
        Most memory.
    seconds : float
        Time of all.
    failures : list of str
        What must not be, with the seed that makes it again.
    refusals : list of str
        The first words of refusals, a few.
    """

    counts: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0
    megabytes: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another one counted."""
        self.counts += other.counts
        self.worst = max(self.worst, other.worst)
        self.megabytes = max(self.megabytes, other.megabytes)
        self.seconds += other.seconds
        self.failures += other.failures

    def row(self, name: str) -> str:
        """A line of the table."""
        numbers = "".join(f"{self.counts[column]:9}" for column in COLUMNS)
        speed = self.counts["inputs"] / self.seconds if self.seconds else 0.0
        return f"{name:18}{numbers}{self.worst:8.2f}{self.megabytes:7}{speed:9.1f}"


HEADINGS = (
    f"{'format':18}"
    + "".join(f"{name:>9}" for name in COLUMNS)
    + f"{'worst s':>8}{'MB':>7}{'inputs/s':>9}"
)


def damaged(form: Format, seed: int, folder: Path) -> Path:
    """The damaged file of a seed, and the sound files that belong to it."""
    rng = np.random.default_rng(seed)
    names = sorted(form.files)
    name = names[int(rng.integers(len(names)))]
    for other in form.beside:
        link = folder / other
        link.parent.mkdir(exist_ok=True, parents=True)
        if other != name:
            link.symlink_to(form.beside[other])
    content, path = form.files[name], folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    if content.startswith(SIGNATURE) and form.structured and rng.random() < 0.4:
        path.write_bytes(content)
        # HDF5 does not let itself be damaged in every way
        with contextlib.suppress(Exception):
            change_hdf5(path, rng)
        return path
    for _ in range(int(rng.integers(1, 3))):
        content = form.mutators[int(rng.integers(len(form.mutators)))](content, rng)
    path.write_bytes(content)
    return path


def run(form: Format, seeds: Sequence[int], folder: Path, *, begins: bool = True) -> Tally:
    """Feed damaged files of one format, one for each seed; at the begin sound ones too."""
    tally = Tally()
    begin = time.monotonic()
    waiting = list(seeds)
    if form.warm is not None:
        form.warm()
    if form.is_sound and begins:
        check_sound(form, folder)
    while waiting:
        waiting = waiting[_one_process(form, waiting[:_ROUND], folder, tally) :]
    tally.seconds = time.monotonic() - begin
    return tally


def check_sound(form: Format, folder: Path) -> None:
    """See that sound files are accepted; raises `AssertionError` where one is not."""
    sound = Format(
        name=form.name,
        files=form.files,
        readers=form.readers,
        mutators=(lambda content, rng: content,),
        beside=form.beside,
        is_sound=False,
        forked=form.forked,
    )
    seeds = range(len(form.readers) * len(form.files))
    tally = Tally()
    _one_process(sound, seeds, folder, tally)
    assert tally.counts["accepted"] == len(seeds), "\n".join([*tally.failures, *tally.refusals])


def _one_process(form: Format, seeds: Sequence[int], folder: Path, tally: Tally) -> int:
    """Let one process read as far as it gets; returns how many inputs it has dealt with."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _read_all_and_end(form, seeds, folder, writer)
    os.close(writer)
    count = 0
    patient = True
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        rest = b""
        while patient:
            patient = _hears(pipe, child)
            block = pipe.read(1 << 16) if patient else b""
            if not block:
                break
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                _count(form, seeds[count], json.loads(line), tally)
                count += 1
    if not patient:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if count < len(seeds):
        # the process fell at this one
        _count(form, seeds[count], _fall(status, patient), tally)
        shutil.rmtree(_folder(folder, seeds[count], child), ignore_errors=True)
        count += 1
    return count


def _hears(pipe: IO[bytes], child: int) -> bool:
    """Whether a process says something, for as long as it or its children compute."""
    before = -1
    while True:
        if select.select([pipe], [], [], PATIENCE)[0]:
            return True
        now = _ticks(child)
        if now == before:
            return False
        before = now


def _ticks(pid: int) -> int:
    """Time of the processor that a process and its children have had, in ticks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return 0
    own = sum(int(word) for word in text.split()[11:15])
    return own + sum(_ticks(int(word)) for word in children.split())


def _fall(status: int, patient: bool) -> dict[str, Any]:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    hangs = number == signal.SIGPROF or not patient
    name = signal.Signals(number).name if number else f"exit {os.WEXITSTATUS(status)}"
    outcome = "hangs" if hangs else "signals"
    return {"outcome": outcome, "said": name, "seconds": 0.0, "megabytes": 0}


def _count(form: Format, seed: int, facts: dict[str, Any], tally: Tally) -> None:
    outcome = facts["outcome"]
    tally.counts["inputs"] += 1
    tally.counts[outcome] += 1
    tally.worst = max(tally.worst, facts["seconds"])
    tally.megabytes = max(tally.megabytes, facts["megabytes"])
    if outcome == "refused" and len(tally.refusals) < _SHOWN_REFUSALS:
        tally.refusals.append(f"{form.name} seed {seed}: {facts['said'][:400]}")
    if outcome not in ("accepted", "refused"):
        tally.failures.append(f"{form.name} seed {seed}: {outcome}: {facts['said'][:400]}")


def _folder(folder: Path, seed: int, pid: int) -> Path:
    return folder / f"{pid}-{seed}"


def _read_all_and_end(form: Format, seeds: Sequence[int], folder: Path, pipe: int) -> NoReturn:
    try:
        # what the reader says goes to a file
        log = os.open(folder / f"said-{os.getpid()}", os.O_CREAT | os.O_RDWR | os.O_APPEND)
        (folder / f"said-{os.getpid()}").unlink()
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
        sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for seed in seeds:
            work = _folder(folder, seed, os.getpid())
            work.mkdir()
            os.chdir(work)
            facts = _fed(form, seed, work, log)
            os.chdir(folder)
            shutil.rmtree(work)
            os.write(pipe, json.dumps(facts).encode() + b"\n")
    finally:
        os._exit(0)


def _fed(form: Format, seed: int, work: Path, log: int) -> dict[str, Any]:
    path = damaged(form, seed, work)
    reader = form.readers[seed // len(form.files) % len(form.readers)]
    (work / "out.h5").write_bytes(BEFORE)
    there = _names(work)
    os.ftruncate(log, 0)
    _forget_peak()
    begin = _busy_seconds()
    read = _in_child if form.forked else _exit_code
    status = read(reader, path, work)
    seconds = _busy_seconds() - begin
    sys.stderr.flush()
    said = os.pread(log, 1 << 16, 0).decode(errors="replace")
    last = said.strip().splitlines()[-1] if said.strip() else ""
    megabytes = _peak_megabytes()
    facts = {"said": last, "seconds": seconds, "megabytes": megabytes}
    if status < 0:
        name = signal.Signals(-status).name
        outcome = "hangs" if -status == signal.SIGPROF else "signals"
        return facts | {"outcome": outcome, "said": f"{name} {last}"}
    if megabytes << 20 > MEMORY:
        return facts | {"outcome": "memory", "said": f"{megabytes} MB"}
    return facts | {"outcome": _outcome(status, said, last, work, there)}


def _busy_seconds() -> float:
    """Time of the processor that this process and the children it waited for have had, s."""
    return sum(os.times()[:4])


def _outcome(code: int, said: str, last: str, work: Path, there: set[str]) -> str:
    if "Traceback" in said or code not in {0, 1, *REFUSED}:
        return "70"
    output = work / "out.h5"
    kept = output.exists() and output.read_bytes()[: len(BEFORE) + 1] == BEFORE
    strange = {name for name in _names(work) - there if "lfp-" in name or name.endswith(".tmp")}
    if strange or not output.exists() or (code != 0 and not kept):
        return "outputs"
    if code in (0, 1):
        return "accepted"
    return _words(said, last, code)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def _words(said: str, last: str, code: int) -> str:
    """Whether a refusal is one line with a place and a remedy, fit for a terminal."""
    errors = [line for line in said.splitlines() if "error: " in line]
    # misuse has its place on the command line
    has_place = "[" in last or code == ExitCode.USAGE
    fits = len(errors) == 1 and "; " in last and has_place and last.isprintable()
    return "refused" if fits else "words"


def _in_child(reader: Reader, path: Path, work: Path) -> int:
    """Exit code of a reader in a process of its own, for those that change their process."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(_exit_code(reader, path, work))
        finally:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _exit_code(reader: Reader, path: Path, work: Path) -> int:
    """Exit code of a reader; one that computes for too long ends the process."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return reader(path, work)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 99
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stderr.flush()


def _forget_peak() -> None:
    """Let the system measure the most memory anew, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_megabytes() -> int:
    """Most memory since it was forgotten, of this process; or of its children, of all time."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return max(int(line.split()[1]) >> 10, children)
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, children)


def campaign(
    forms: Sequence[Format], count: int, first: int, folder: Path, *, processes: int = 1
) -> Iterator[tuple[str, range, Tally]]:
    """Feed `count` inputs, shared out among the formats by their weight.

    Parameters
    ----------
    forms : sequence of Format
        The formats.
    count : int
        Number of inputs.
    first : int
        The first seed.
    folder : Path
        An empty folder.
    processes : int
        How many read at a time.

    Yields
    ------
    name : str
        The format.
    seeds : range
        Seeds of a part of its inputs, a tenth.
    tally : Tally
        What became of them.
    """
    total = sum(form.weight for form in forms)
    shares = [max(1, round(count * form.weight / total)) for form in forms]
    # three parts of each come first; of the others those of formats that are read fast
    turns = [(k, number) for k in range(_PARTS) for number in range(len(forms))]
    turns.sort(key=lambda turn: (turn[0] >= 3, turn[0] >= 3 and -forms[turn[1]].weight))
    parts = []
    for k, number in turns:
        share = shares[number]
        seeds = range(first + share * k // _PARTS, first + share * (k + 1) // _PARTS)
        if seeds:
            parts.append((number, seeds, seeds.start == first))
    # a process for each part: what one leaves in memory does not get into the next
    context = multiprocessing.get_context("fork")
    arguments = (forms, folder)
    with context.Pool(processes, _prepare_part, arguments, maxtasksperchild=1) as pool:
        for number, seeds, tally in pool.imap(_run_part, parts):
            yield forms[number].name, seeds, tally


# what the process of a part got with its birth: readers are functions, which no pipe takes
_inherited: dict[str, Any] = {}


def _prepare_part(forms: Sequence[Format], folder: Path) -> None:
    _inherited.update(forms=forms, folder=folder)


def _run_part(part: tuple[int, range, bool]) -> tuple[int, range, Tally]:
    number, seeds, begins = part
    form, folder = _inherited["forms"][number], _inherited["folder"]
    return number, seeds, run(form, seeds, folder, begins=begins)
