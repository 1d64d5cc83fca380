"""Runs that are killed at a random moment, from their start to their end, and then finished.

Whatever the signal and the moment: the output is there in whole or not at all, an old one is not
touched, a checkpoint that is there is whole, nothing else stays, and what is run again with
``--resume`` ends in the same bytes as a run that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fault_samples import SHARE

SIGNALS = (
    *(signal.SIGKILL, signal.SIGTERM, signal.SIGINT),
    *(signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT),
)
# s of the clock after which a run that was asked to end has not
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
    ranks : int
        Number of processes.
    checkpoint : bool
        Whether checkpoints are written.
    old : bool
        Whether an output is there before, which is to be replaced.
    """

    name: str
    ranks: int = 1
    checkpoint: bool = False
    old: bool = False

    def command(self, *, resume: bool) -> list[str]:
        """The command line, in the folder of the model."""
        words = [sys.executable, "-m", "lfpcli", "sim", "model.toml", "-o", "out.h5", "-q"]
        if self.checkpoint:
            words += ["--checkpoint", "20"]
        if self.checkpoint and resume:
            words.append("--resume")
        if self.old or resume:
            words.append("--force")
        if self.ranks == 1:
            return words
        launcher = shutil.which("mpirun", path=str(Path(sys.executable).parent)) or "mpirun"
        return [launcher, "-n", str(self.ranks), "--oversubscribe", "--bind-to", "none", *words]


KINDS = (
    Kind(name="single"),
    Kind(name="single, old output", old=True),
    Kind(name="checkpoints", checkpoint=True),
    Kind(name="checkpoints, old", checkpoint=True, old=True),
    Kind(name="2 ranks", ranks=2),
    Kind(name="2 ranks, checkpoints", ranks=2, checkpoint=True),
)


@dataclass
class Kills:
    """What became of the runs of a kind."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A line of the table."""
        return f"{name:22}" + "".join(f"{self.counts[column]:13}" for column in COLUMNS)


HEADINGS = f"{'runs':22}" + "".join(f"{name:>13}" for name in COLUMNS)


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
    for number, kind in enumerate(KINDS):
        share = count // len(KINDS) + (number < count % len(KINDS))
        if share:
            yield kind.name, kill_runs_of(kind, range(first, first + share), folder)


def kill_runs_of(kind: Kind, seeds: range, folder: Path) -> Kills:
    """Kill the runs of some seeds, each of one kind, and finish them."""
    kills = Kills()
    work = folder / "reference"
    _prepare(work)
    begin = time.monotonic()
    done = _run(kind, work, resume=False)
    seconds = time.monotonic() - begin
    assert done.returncode == 0, done.stderr.decode()
    expected = _digest(work / "out.h5")
    shutil.rmtree(work)
    for seed in seeds:
        work = folder / f"run-{seed}"
        _prepare(work)
        _kill_one(kind, seed, work, seconds, expected=expected, kills=kills)
        shutil.rmtree(work)
    return kills


def _prepare(work: Path) -> None:
    work.mkdir()
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    (work / "model.toml").write_text(MODEL.format(stick=stick, tstop=200.0))


def _environment() -> dict[str, str]:
    as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    # an ending that dumps its memory would be left behind
    return {**os.environ, "OMP_NUM_THREADS": "1", **as_root}


def _run(kind: Kind, work: Path, *, resume: bool) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        kind.command(resume=resume),
        cwd=work,
        env=_environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=10 * PATIENCE,
        check=False,
    )


def _kill_one(
    kind: Kind, seed: int, work: Path, seconds: float, *, expected: str, kills: Kills
) -> None:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    number = SIGNALS[int(rng.integers(len(SIGNALS)))]
    moment = float(rng.uniform(0.0, 1.05 * seconds))
    if kind.old:
        (work / "out.h5").write_bytes(OLD)
    code, said = _killed(kind, work, number, moment, whom=int(rng.integers(1 << 30)))
    count = kills.counts
    count["kills"] += 1

    def fail(column: str, text: str) -> None:
        count[column] += 1
        tail = " | ".join(said.splitlines()[-3:])
        kills.failures.append(
            f"{kind.name} seed {seed} {number.name} at {moment:.3f} s: {column}: {text}; {tail}"
        )

    if code is None:
        fail("hangs", f"alive {PATIENCE:g} s after the signal")
    _look(work, kind, number, code, expected, said=said, fail=fail, count=count)
    again = _run(kind, work, resume=True)
    if again.returncode == 0:
        count["resumed"] += 1
    else:
        text = again.stderr.decode(errors="replace").strip()[-300:]
        kills.failures.append(f"{kind.name} seed {seed} {number.name}: not resumed: {text}")
    if (work / "out.h5").exists() and _digest(work / "out.h5") == expected:
        count["same bytes"] += 1
    else:
        kills.failures.append(f"{kind.name} seed {seed} {number.name}: other bytes")
    left = _strange(work, {"out.h5"})
    if left:
        fail("left behind", f"after the second run: {left}")


def _killed(
    kind: Kind, work: Path, number: signal.Signals, moment: float, *, whom: int
) -> tuple[int | None, str]:
    """Start a run and send a signal to it, or under MPI to the launcher or a rank."""
    log = work.with_suffix(".log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            kind.command(resume=False),
            cwd=work,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    time.sleep(moment)
    targets = [process.pid]
    if kind.ranks > 1:
        targets += _children(process.pid)
    target = targets[whom % len(targets)]
    if process.poll() is None:
        # it may have ended in the meantime
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, number)
    try:
        code: int | None = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = None
        for pid in [*_children(process.pid), process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
    if kind.ranks > 1 and number == signal.SIGKILL:
        # ranks whose launcher is killed end when they see it
        _await_end(work)
    text = log.read_text(errors="replace")
    log.unlink()
    return code, text


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
    fail: object,
    count: Counter[str],
) -> None:
    """See what a killed run left."""
    assert callable(fail)
    output = work / "out.h5"
    if output.exists():
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
        left = _strange(work, {"out.h5", "out.h5.checkpoint"})
        if left:
            fail("left behind", str(left))


def _strange(work: Path, expected: set[str]) -> list[str]:
    return sorted({path.name for path in work.iterdir()} - expected - {"model.toml"})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
