"""Reading that may loop or crash, tried in a child process before it is done in this one.

Nothing in the same process can stop a loop or a crash inside a library. What the child has read
without harm, under limits of time and memory, the parent reads without harm too.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from lfpcli.errors import InputError
from lfpcli.interruptions import ENDING_SIGNALS

# of the processor, since loops keep it busy; and by the clock, for what waits
_BUSY_SECONDS = 4.0
_SECONDS = 60.0
_BYTES_A_SECOND = 1e8
_ALARMS = (signal.SIGPROF, signal.SIGALRM)
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
            told = pipe.read()
        status = os.waitpid(child, 0)[1]
    except BaseException:
        with contextlib.suppress(OSError):
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(status):
        loops = os.WTERMSIG(status) in _ALARMS
        text = "does not come to an end with" if loops else "crashes on"
        raise InputError(f"{program} {text} this file", source=label, remedy=REMEDY)
    if told:
        raise InputError(**json.loads(told))


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
        for number in (*ENDING_SIGNALS, *_ALARMS):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        # the kernel's alarms end also what never comes back to Python
        more = size / _BYTES_A_SECOND
        signal.setitimer(signal.ITIMER_PROF, _BUSY_SECONDS + more)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS + more)
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
