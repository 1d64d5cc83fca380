"""Starting a launcher of MPI: how many processes, and what it must be told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfpcli.errors import MissingDependencyError

REASON = "LFP_RANKS_REASON"
"""Environment variable in which the processes find why there are so many of them."""
_LAUNCHERS = ("mpirun", "mpiexec")
_TOPOLOGY = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A command that starts processes.

    Attributes
    ----------
    command : list of str
        The command with its arguments.
    environment : mapping of str to str
        Its environment.
    notes : list of str
        What the user should know.
    """

    command: list[str]
    environment: Mapping[str, str]
    notes: list[str]


def cores() -> int:
    """Number of cores that this process may use; hardware threads of one core count once.

    A simulation keeps the arithmetic of a core busy, so that a second process on its other
    hardware thread gains nothing.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if allowed is None:
        return os.cpu_count() or 1
    siblings = set()
    for cpu in allowed:
        try:
            text = (_TOPOLOGY / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
        except OSError:
            text = str(cpu)
        siblings.add(text)
    return len(siblings)


def launch(ranks: int, arguments: Sequence[str], reason: str) -> Launch:
    """Return what starts this program on several processes.

    Parameters
    ----------
    ranks : int
        Number of processes.
    arguments : sequence of str
        Arguments of the program.
    reason : str
        Why there are so many, which the plan of the run tells.

    Raises
    ------
    MissingDependencyError
        Where there is no launcher.
    """
    launcher = _launcher()
    flags, environment, notes = _flags(launcher, ranks)
    # a rank computes on one thread: the others have the other cores
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", REASON: reason}
    program = [sys.executable, "-m", "lfpcli"]
    return Launch(
        command=[launcher, *flags, *program, *arguments],
        environment={**os.environ, **environment},
        notes=notes,
    )


def _launcher() -> str:
    """The launcher beside this Python, which fits its MPI library, or else on the path."""
    places = os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
    for name in _LAUNCHERS:
        if program := shutil.which(name, path=places):
            return program
    raise MissingDependencyError(
        "there is no mpirun to start several processes with",
        remedy="pip install 'lfpcli[mpi]', or use one process",
    )


def _flags(launcher: str, ranks: int) -> tuple[list[str], dict[str, str], list[str]]:
    """Flags and environment of a launcher, and what to tell of them."""
    done = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False)
    flags = ["-n", str(ranks)]
    crowded = ranks > cores()
    notes = []
    if crowded:
        notes.append(f"{ranks} processes share {cores()} cores")
    if "Open MPI" not in done.stdout + done.stderr:
        # MPICH and its kin leave processes unbound and take any number
        return flags, {}, notes
    environment = {}
    if crowded:
        flags += ["--oversubscribe", "--bind-to", "none"]
    elif cores() >= 2 * ranks:
        # a second thread of each process contracts beside the run, on another core
        flags += ["--bind-to", "none"]
    else:
        flags += ["--bind-to", "core"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Open MPI starts nothing as root unless told twice; this program runs as root already
        environment = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        if not all(name in os.environ for name in environment):
            notes.append("started as root, which Open MPI is told to allow; another user is safer")
    return flags, environment, notes
