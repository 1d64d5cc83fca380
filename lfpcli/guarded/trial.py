"""Reading that may loop or crash, tried in a child process before it is done in this one.

Nothing in the same process can stop a loop or a crash inside a library. What the child has read
without harm, under limits of time and memory, the parent reads without harm too.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, NoReturn

from lfpcli.errors import InputError
from lfpcli.interruptions import ENDING_SIGNALS

# of the processor, since loops keep it busy
_BUSY_SECONDS = 4.0
# files of many small objects take longest; those of large data are read at their heads alone
_BYTES_A_SECOND = 1e6
_MORE_SECONDS = 30.0
# by the clock, for what waits without computing; a machine that others use may take longer
_IDLE_SECONDS = 60.0
_EXTRA_MEMORY = 1 << 30
REMEDY = "make it again, or get it again from where it came"


def tried(read: Callable[[], object], label: str, *, program: str, size: int) -> None:
    """Read something in a child process.

    Parameters
    ----------
    read : callable
        Reads, and raises `InputError` where it cannot.
    label : str
        What to call the file in messages.
    program : str
        What to call the library that reads.
    size : int
        Bytes of the file; large ones have more time.

    Raises
    ------
    InputError
        Of the child; or where it does not come to an end, or crashes.
    """
    reader, writer = os.pipe()
    # handlers of the parent must not run in the child, which would unwind the parent's work
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    child = 0
    try:
        try:
            child = _fork()
            if child == 0:
                os.close(reader)
                _report_and_end(read, writer, size=size, unblocked=usual)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            told = _heard(pipe, child)
        status = os.waitpid(child, 0)[1]
    except BaseException:
        with contextlib.suppress(OSError):
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        raise
    if told is None or os.WIFSIGNALED(status):
        is_endless = told is None or os.WTERMSIG(status) == signal.SIGPROF
        text = "does not come to an end with" if is_endless else "crashes on"
        raise InputError(f"{program} {text} this file", source=label, remedy=REMEDY)
    if told:
        raise InputError(**json.loads(told))


def _heard(pipe: IO[bytes], child: int) -> bytes | None:
    """What a child says until it ends; None where it waits for what does not come, and is ended."""
    told, before = b"", -1
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while True:
        if poll.poll(1000 * _IDLE_SECONDS):
            block = os.read(pipe.fileno(), 1 << 16)
            if not block:
                return told
            told += block
            continue
        ticks = _ticks(child)
        if ticks == before:
            os.kill(child, signal.SIGKILL)
            return None
        before = ticks


def _ticks(pid: int) -> int:
    """Time of the processor that a process has had, in ticks; -1 where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return -1
    return sum(int(word) for word in text.rpartition(")")[2].split()[11:13])


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of locks that other threads hold; the child uses those of one library, which
        # takes care of its own
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _report_and_end(
    read: Callable[[], object], writer: int, *, size: int, unblocked: Iterable[int]
) -> NoReturn:
    """Read, write the error as JSON, and end this process without tidying up."""
    try:
        # collecting garbage would touch, and so copy, all pages that the parent has
        gc.disable()
        # what ends a command ends its child too, which leaves what is the parent's
        for number in (*ENDING_SIGNALS, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        # the kernel's alarm ends also what never comes back to Python
        more = min(size / _BYTES_A_SECOND, _MORE_SECONDS)
        signal.setitimer(signal.ITIMER_PROF, _BUSY_SECONDS + more)
        _limit_memory()
        try:
            read()
        except InputError as error:
            facts = {"message": error.message, "source": error.source, "remedy": error.remedy}
            os.write(writer, json.dumps(facts).encode())
    finally:
        os._exit(0)


def _limit_memory() -> None:
    with contextlib.suppress(OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + _EXTRA_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
