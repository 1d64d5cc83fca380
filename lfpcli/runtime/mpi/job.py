"""What an MPI launcher says of the processes it started, without MPI."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# number of processes and number of this one, as mpirun, mpiexec, srun and others set them, with
# what they are called; a batch script's own process has SLURM_NTASKS and is one of no step
_LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MVAPICH"),
    ("PMI_SIZE", "PMI_RANK", "MPICH or its kin"),
    ("FLUX_JOB_SIZE", "FLUX_TASK_RANK", "Flux"),
    ("JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK", "jsrun"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
)
# s that other ranks leave to rank 0 to fail with the same error before they speak
GRACE = 1.5


_end: Callable[[BaseException], object] | None = None


def end_job_by(end: Callable[[BaseException], object]) -> None:
    """Set what ends this process, and the job with it, for an error that cannot be raised."""
    global _end
    _end = end


def end_job(error: BaseException) -> None:
    """End the job for an error where other processes would wait for this one for ever.

    Inside an engine that exchanges spikes no process can stop alone: even what it does at the end
    waits for all. Returns in a process that is alone, and where nobody said how to end it.
    """
    if _end is not None and launched()[0] > 1:
        _end(error)


def launched() -> tuple[int, int]:
    """How many processes the launcher started, and which one this is; (1, 0) without one."""
    size, rank, _ = _launch()
    return size, rank


def launcher_name() -> str:
    """What the launcher is called that started this process; empty without one."""
    return _launch()[2]


def _launch() -> tuple[int, int, str]:
    for size, rank, name in _LAUNCHERS:
        texts = os.environ.get(size, ""), os.environ.get(rank, "")
        if all(text.isdigit() for text in texts):
            return int(texts[0]), int(texts[1]), name
    return 1, 0, ""


def await_rank_0() -> None:
    """Wait until rank 0 would have ended the job, had it met the same error."""
    rank = launched()[1]
    if rank > 0:
        _world()
        time.sleep(GRACE + min(0.02 * rank, GRACE))


def abort(code: int) -> None:
    """Let the launcher end all processes, with an exit code; returns where it cannot be told.

    Open MPI needs no telling: it ends a job that lost a process.
    """
    world = _world()
    if world is not None:
        world.Abort(code)


def _world() -> Any:
    """MPI's world, which is joined for the purpose; None with Open MPI, or without mpi4py."""
    if "OMPI_COMM_WORLD_SIZE" in os.environ:
        return None
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError):
        return None
    return MPI.COMM_WORLD


def launcher_redirects() -> bool:
    """Whether a launcher takes standard output elsewhere than to a terminal.

    Open MPI gives its processes terminals of their own, whose text it passes on.
    """
    if launched()[0] == 1:
        return False
    try:
        target = str(Path(f"/proc/{os.getppid()}/fd/1").readlink())
    except OSError:
        return False
    return not target.startswith(("/dev/pts/", "/dev/tty"))
