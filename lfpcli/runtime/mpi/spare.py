"""Whether a process has a core for a second thread, on which no other of the job computes."""

from __future__ import annotations

import os
import socket

from lfpcli.runtime.mpi.launch import cores
from lfpcli.runtime.mpi.team import Team


def has_spare_core(team: Team) -> bool:
    """Whether each process of a job may use more cores than processes share; called on all ranks.

    A process alone has one: with a single core for both of its threads nothing is lost, while
    processes that wait for each other in MPI take a core from their own second thread.
    """
    if team.size == 1:
        return True
    here = (socket.gethostname(), _allowed())
    ranks = team.exchange(here)
    sharing = sum(host == here[0] and bool(allowed & here[1]) for host, allowed in ranks)
    return all(team.exchange(cores() > sharing))


def _allowed() -> frozenset[int]:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))
