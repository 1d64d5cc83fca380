"""Runs that are killed at a random moment, from their start to their end, and then finished.

Whatever the signal and the moment: the output is there in whole or not at all, an old one is not
touched, a checkpoint that is there is whole, nothing else stays, and what is run again with
``--resume`` ends in the same bytes as a run that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fault_samples import SHARE, recording, templates, trains

from lfpcli.errors import InputError
from lfpcli.io.recording import open_recording

SIGNALS = (
    *(signal.SIGKILL, signal.SIGTERM, signal.SIGINT),
    *(signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT),
)
# s without computing after which a run that was asked to end has not
PATIENCE = 60.0
OLD = b"an old output\n"
COLUMNS = (
    *("kills", "finished", "half files", "damaged", "left behind", "exit code", "words"),
    *("hangs", "resumed", "same bytes"),
)
MODEL = """\
[run]
tstop = {tstop}
dt = 0.1
seed = 5
[cell.c]
morphology = "{stick}"
Ra = 120.0
[[cell.c.mechanism]]
name = "pas"
sections = ["all"]
[population.E]
cell = "c"
size = 4
place = {{ shape = "cylinder", radius = 50.0 }}
[[input]]
population = "E"
synapse = {{ type = "ExpSyn", tau = 2.0 }}
weight = 0.002
source = {{ poisson = 200.0 }}
[record]
imem = true
[[probe]]
name = "p"
contacts = [[30.0, 0.0, 0.0], [30.0, 0.0, 50.0]]
"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to run.

    Attributes
    ----------
    name : str
        Its name in the table.
    words : tuple of str
        The command line, in a folder that has the model and inputs; OUT is the output.
    output : str
        Its name; one without a suffix is a folder.
    ranks : int
        Number of processes.
    checkpoint : bool
        Whether checkpoints are written.
    old : bool
        Whether an output is there before, which is to be replaced.
    warm : bool
        Whether all is imported before, so that the kill meets the work and not the imports.
    weight : int
        Its share of the kills.
    """

    name: str
    words: tuple[str, ...] = ("sim", "model.toml", "-o", "OUT")
    output: str = "out.h5"
    ranks: int = 1
    checkpoint: bool = False
    old: bool = False
    warm: bool = False
    weight: int = 1

    def arguments(self, *, resume: bool) -> list[str]:
        """The arguments of the program."""
        words = [self.output if word == "OUT" else word for word in self.words]
        words.append("-q")
        if self.checkpoint:
            words += ["--checkpoint", "20"]
        if self.checkpoint and resume:
            words.append("--resume")
        if (self.old or resume) and self.output != SWEEP:
            words.append("--force")
        return words

    def command(self, *, resume: bool) -> list[str]:
        """The command line of a process of its own."""
        program = [sys.executable, "-m", "lfpcli", *self.arguments(resume=resume)]
        if self.ranks == 1 or "--ranks" in self.words:
            # the program becomes the launcher itself
            return program
        launcher = shutil.which("mpirun", path=str(Path(sys.executable).parent)) or "mpirun"
        flags = ["-n", str(self.ranks), "--oversubscribe", "--bind-to", "none"]
        return [launcher, *flags, *program]


SWEEP = "sweep"
_PROBED = ("probe", "recording.h5", "--array", "Neuropixels-128", "-o", "OUT")
_CONVOLVED = (
    *("convolve", "templates.h5", "trains.h5", "--amplitude", "0,9", "--min-distance", "0"),
    *("--seed", "1", "-o", "OUT"),
)
_SWEPT = ("sweep", "model.toml", "--set", "run.tstop=5,10", "-o", "OUT")
_RANKS = ("sim", "model.toml", "--ranks", "2", "-o", "OUT")
KINDS = (
    Kind(name="single", weight=2),
    Kind(name="single, old output", old=True, weight=2),
    Kind(name="checkpoints", checkpoint=True, weight=2),
    Kind(name="checkpoints, old", checkpoint=True, old=True, weight=2),
    Kind(name="warm", warm=True, weight=8),
    Kind(name="warm, old output", warm=True, old=True, weight=8),
    Kind(name="warm, checkpoints", warm=True, checkpoint=True, weight=8),
    Kind(name="warm, checkpoints, old", warm=True, checkpoint=True, old=True, weight=8),
    Kind(name="2 ranks", ranks=2, weight=2),
    Kind(name="2 ranks, checkpoints", ranks=2, checkpoint=True, weight=2),
    Kind(name="2 ranks, old", ranks=2, checkpoint=True, old=True, weight=1),
    Kind(name="probe", words=_PROBED, warm=True, old=True, weight=2),
    Kind(name="convolve", words=_CONVOLVED, warm=True, old=True, weight=2),
    Kind(
        name="convert",
        words=("convert", "recording.h5", "OUT"),
        output="out.npz",
        warm=True,
        old=True,
        weight=2,
    ),
    Kind(
        name="plot",
        words=("plot", "recording.h5", "-o", "OUT"),
        output="out.svg",
        warm=True,
        old=True,
        weight=1,
    ),
    Kind(name="sweep", words=_SWEPT, output=SWEEP, weight=1),
    Kind(name="--ranks", words=_RANKS, ranks=2, checkpoint=True, old=True, weight=1),
)


@dataclass
class Kills:
    """What became of the runs of a kind."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A line of the table."""
        return f"{name:24}" + "".join(f"{self.counts[column]:13}" for column in COLUMNS)


HEADINGS = f"{'runs':24}" + "".join(f"{name:>13}" for name in COLUMNS)


def kill_runs(count: int, first: int, folder: Path) -> Iterator[tuple[str, Kills]]:
    """Kill `count` runs, shared out among the kinds; yields what became of each kind.

    Parameters
    ----------
    count : int
        Number of runs.
    first : int
        First seed; a seed stands for a moment and a signal.
    folder : Path
        An empty folder.
    """
    # an ending that dumps its memory would be left behind
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    total = sum(kind.weight for kind in KINDS)
    for kind in KINDS:
        share = max(1, round(count * kind.weight / total))
        yield kind.name, kill_runs_of(kind, range(first, first + share), folder)


def kill_runs_of(kind: Kind, seeds: range, folder: Path) -> Kills:
    """Kill the runs of some seeds, each of one kind, and finish them."""
    kills = Kills()
    inputs = folder / "inputs"
    if not inputs.exists():
        _make_inputs(inputs)
    if kind.warm:
        _warm_up()
    work = folder / "reference"
    _prepare(work, inputs)
    run = _Run(kind, work, resume=False)
    code = run.wait(10 * PATIENCE)
    assert code == 0, run.said()
    expected = _digest(work / kind.output)
    shutil.rmtree(work)
    for seed in seeds:
        work = folder / f"run-{seed}"
        _prepare(work, inputs)
        _kill_one(kind, seed, work, run.seconds, expected=expected, kills=kills)
        shutil.rmtree(work)
    return kills


def _make_inputs(folder: Path) -> None:
    """Write the model and the files that other commands read."""
    folder.mkdir()
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    (folder / "model.toml").write_text(MODEL.format(stick=stick, tstop=200.0))
    recording(folder / "recording.h5")
    trains(folder)
    templates(folder, folder / "recording.h5")


def _prepare(work: Path, inputs: Path) -> None:
    work.mkdir()
    for path in inputs.iterdir():
        (work / path.name).symlink_to(path)


def _warm_up() -> None:
    """Import what the commands import, once; no section of NEURON is made."""
    import matplotlib.figure  # noqa: F401

    from lfpcli.cli import main
    from lfpcli.runtime.neuron import nrn

    for name in main.COMMANDS:
        main.load(name)
    nrn()


class _Run:
    """A run that has begun, in a process of its own or a child of this one.

    Parameters
    ----------
    kind : Kind
        The way to run.
    work : Path
        The folder.
    resume : bool
        Whether it finishes one that was killed.

    Attributes
    ----------
    pid : int
        The process, or the launcher.
    seconds : float
        Time of the clock from its begin to its end.
    busy : float
        Time of the processor, s, as far as it was looked at.
    """

    def __init__(self, kind: Kind, work: Path, *, resume: bool) -> None:
        self._log = work.with_name(f"{work.name}.log")
        self._begin = time.monotonic()
        self.seconds = self.busy = 0.0
        self.code: int | None = None
        with self._log.open("wb") as said:
            if kind.warm:
                self.pid = _fork_run(kind, work, said.fileno(), resume=resume)
                return
            process = subprocess.Popen(
                kind.command(resume=resume),
                cwd=work,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.pid = process.pid
        # it is waited for here, not by the module
        process.returncode = 0

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.code is None:
            self.busy = _busy_seconds(self.pid) or self.busy
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.seconds = time.monotonic() - self._begin
                signalled = os.WIFSIGNALED(status)
                self.code = -os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
        return self.code is not None

    def wait(self, patience: float) -> int | None:
        """Exit code, or minus the signal; None where it has not ended and was killed.

        A process that waits for its turn on a machine that others use is not impatiently judged:
        what counts is time in which it does not compute.
        """
        idle_since, before = time.monotonic(), -1.0
        while not self.poll():
            time.sleep(0.002)
            if self.busy != before:
                idle_since, before = time.monotonic(), self.busy
            if time.monotonic() - idle_since > patience:
                for pid in [*_children(self.pid), self.pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
        return self.code

    def said(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def forget(self) -> None:
        """Remove what it has said."""
        self._log.unlink(missing_ok=True)


def _fork_run(kind: Kind, work: Path, said: int, *, resume: bool) -> int:
    """Run in a child of this process, which has imported all before."""
    child = os.fork()
    if child:
        return child
    try:
        os.chdir(work)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.environ.update(_environment())
        sys.argv = ["lfp", *kind.arguments(resume=resume)]
        sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = sys.__stderr__ = os.fdopen(2, "w", encoding="utf-8")
        from lfpcli.__main__ import run

        run()
    finally:
        os._exit(99)


def _busy_seconds(pid: int) -> float:
    """Time of the processor that a process has had, with its children, s."""
    try:
        text = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(text.split()[0]) * 1e-9 + sum(map(_busy_seconds, _children(pid)))


def _environment() -> dict[str, str]:
    as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **as_root}


def _kill_one(
    kind: Kind, seed: int, work: Path, seconds: float, *, expected: str, kills: Kills
) -> None:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    number = SIGNALS[int(rng.integers(len(SIGNALS)))]
    moment = float(rng.uniform(0.0, 1.05))
    if kind.old:
        (work / kind.output).write_bytes(OLD)
    run = _killed(kind, work, number, moment * seconds, whom=int(rng.integers(1 << 30)))
    count, said = kills.counts, run.said()
    count["kills"] += 1

    def fail(column: str, text: str) -> None:
        count[column] += 1
        tail = " | ".join(said.splitlines()[-3:])
        kills.failures.append(
            f"{kind.name} seed {seed} {number.name} at {moment:.3f} of {seconds:.2f} s:"
            f" {column}: {text}; {tail}"
        )

    if run.code is None:
        fail("hangs", f"idle for {PATIENCE:g} s after the signal")
    _look(work, kind, number, run.code, expected, said=said, fail=fail, count=count)
    run.forget()
    again = _Run(kind, work, resume=True)
    if again.wait(10 * PATIENCE) == 0:
        count["resumed"] += 1
    else:
        kills.failures.append(
            f"{kind.name} seed {seed} {number.name}: not resumed: {again.said().strip()[-300:]}"
        )
    again.forget()
    if (work / kind.output).exists() and _digest(work / kind.output) == expected:
        count["same bytes"] += 1
    else:
        kills.failures.append(f"{kind.name} seed {seed} {number.name}: other bytes")
    left = _strange(work, {kind.output})
    if left:
        fail("left behind", f"after the second run: {left}")


def _killed(kind: Kind, work: Path, number: signal.Signals, moment: float, *, whom: int) -> _Run:
    """Start a run and send a signal to it, or under MPI to the launcher or a rank."""
    run = _Run(kind, work, resume=False)
    end = time.monotonic() + moment
    while not run.poll() and time.monotonic() < end:
        time.sleep(min(0.002, max(end - time.monotonic(), 0.0)))
    targets = [run.pid]
    if kind.ranks > 1:
        targets += _children(run.pid)
    if not run.poll():
        # it may have ended in the meantime
        with contextlib.suppress(ProcessLookupError):
            os.kill(targets[whom % len(targets)], number)
    run.wait(PATIENCE)
    if kind.ranks > 1 or kind.output == SWEEP:
        # ranks and runs whose parent is killed end when they see it
        _await_end(work)
    return run


def _await_end(work: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and _running_in(work):
        time.sleep(0.05)


def _running_in(work: Path) -> bool:
    """Whether a process works in a folder."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == work:
                    return True
            except OSError:
                continue
    return False


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _look(
    work: Path,
    kind: Kind,
    number: signal.Signals,
    code: int | None,
    expected: str,
    *,
    said: str,
    fail: Callable[[str, str], None],
    count: Counter[str],
) -> None:
    """See what a killed run left."""
    output = work / kind.output
    if output.is_dir():
        _look_at_runs(output, fail)
    elif output.exists():
        content = output.read_bytes()
        if hashlib.sha256(content).hexdigest() == expected:
            count["finished"] += 1
        elif kind.old and content != OLD:
            fail("damaged", "the old output is another")
        elif not kind.old:
            fail("half files", f"{len(content)} bytes")
    elif kind.old:
        fail("damaged", "the old output is gone")
    if kind.ranks == 1 and code is not None:
        ended = -code if code < 0 else code - 128
        # by default the interpreter has not yet taken the signal over
        if code != 0 and ended != number:
            fail("exit code", str(code))
        if "Traceback" in said or "error: bug" in said:
            fail("words", "a traceback")
    # nobody can tidy up after SIGKILL; the next run does
    if number != signal.SIGKILL and kind.ranks == 1:
        left = _strange(work, {kind.output, f"{kind.output}.checkpoint"})
        if left:
            fail("left behind", str(left))


def _look_at_runs(folder: Path, fail: Callable[[str, str], None]) -> None:
    """Each run of a sweep is there in whole or not at all."""
    for path in folder.glob("[0-9]*.h5"):
        try:
            with open_recording(path) as recording:
                recording.signal("p").data[:]
        except InputError as error:
            fail("half files", str(error))


def _strange(work: Path, expected: set[str]) -> list[str]:
    """Names of what nobody expects; inputs are links."""
    names = {path.name for path in work.iterdir() if not path.is_symlink()} - expected
    names |= {path.name for path in work.rglob(".lfp-*")}
    return sorted(names)


def _digest(path: Path) -> str:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    sums = hashlib.sha256()
    for file in files:
        sums.update(file.read_bytes())
    return sums.hexdigest()
