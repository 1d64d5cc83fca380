"""A process of a job that is stopped, and would let all others wait for ever."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lfpcli.errors import SimulatorError, UsageError
from lfpcli.runtime.mpi.team import Team

PATIENCE_VARIABLE = "LFP_MPI_PATIENCE"
# s; someone who looks at a process in a debugger sets more
PATIENCE = 60

# The shell is given the seconds, where messages go, the message, and RANK:PROCESS of each rank of
# this machine, the first of which has started it. It looks each second. The state of a process
# stands behind its name, which ends with the last parenthesis. Where all processes are stopped,
# somebody wants the job to rest.
_SCRIPT = r"""
patience=$1 messages=$2 message=$3; shift 3
leader=${1#*:} before= seconds=0
while sleep 1; do
    kill -0 "$leader" || exit
    stopped= running=
    for rank; do
        IFS= read -r facts <"/proc/${rank#*:}/stat" || continue
        case ${facts##*)} in
            " T "*) stopped=${stopped:-$rank} ;;
            *) running=1 ;;
        esac
    done
    if [ -z "$running" ] || [ -z "$stopped" ] || [ "$stopped" != "$before" ]; then
        before=$stopped seconds=0
        continue
    fi
    seconds=$((seconds + 1))
    if [ "$seconds" -ge "$patience" ]; then
        printf "$message\n" "${stopped%:*}" "${stopped#*:}" >>"$messages"
        kill -KILL "${stopped#*:}"
        exit
    fi
done
"""


def patience() -> int:
    """Whole seconds that a process may be stopped.

    Raises
    ------
    UsageError
        Where the environment holds no such number.
    """
    text = os.environ.get(PATIENCE_VARIABLE, "") or str(PATIENCE)
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(
            f"{PATIENCE_VARIABLE} is '{text}', no whole number of seconds",
            remedy=f"set it to 1 or more, or leave it away for {PATIENCE}",
        )
    return int(text)


@contextlib.contextmanager
def stopped_ranks_ended(team: Team) -> Iterator[None]:
    """Have a process of the job that is stopped for long named on standard error, and killed.

    Its launcher then ends the job. The first process of each machine has a shell look after those
    of that machine, for what waits in MPI cannot look itself. Called on all ranks.
    """
    if team.size == 1:
        yield
        return
    seconds = patience()
    ranks = team.exchange((socket.gethostname(), os.getpid()))
    host, leader = ranks[team.rank]
    here = [f"{rank}:{pid}" for rank, (name, pid) in enumerate(ranks) if name == host]
    is_first = here[0] == f"{team.rank}:{leader}"
    if not is_first or len(here) == 1 or not Path("/proc/self/stat").exists():
        yield
        return
    error = SimulatorError(
        f"process %s of the job has been stopped for {seconds} s",
        source=f"{host.replace('%', '')}, process id %s",
        remedy=f"let it run, or set {PATIENCE_VARIABLE} to more seconds",
    )
    # launchers wait for what holds the standard error of their processes open: the shell must not
    with _shell([str(seconds), f"/proc/{leader}/fd/2", f"lfp: error: {error}", *here]):
        yield


@contextlib.contextmanager
def _shell(words: list[str]) -> Iterator[None]:
    nowhere = subprocess.DEVNULL
    try:
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", *words],
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )
    except OSError:  # without a shell nobody looks
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(watcher.pid, signal.SIGKILL)
        watcher.wait()
