"""Signals that end a command: with code 128 + N, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
)
# s that a command has to tidy up, or a loop in C to come back to Python
GRACE = 8


class Terminated(BaseException):
    """A signal arrived; raised where the work stands so that temporary files go.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        self.number = int(number)
        super().__init__(self.number)


# what Python calls the file of its import system
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


class Ending:
    """The signal that ended a command, if one did.

    Attributes
    ----------
    number : int
        The signal, 0 where none came. C code may turn the exception into another error, or lose
        it in a callback.
    """

    def __init__(self) -> None:
        self.number = 0

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Raise `Terminated`, once: what tidies up is not interrupted."""
        if self.number:
            return
        if frame is not None and frame.f_code.co_filename == _IMPORT_SYSTEM:
            # Python loses what is raised in the callbacks that tidy up the locks of modules:
            # the signal comes again, until these few lines are done
            os.kill(os.getpid(), number)
            return
        self.number = number
        raise Terminated(number)


@contextlib.contextmanager
def terminable() -> Iterator[Ending]:
    """Let signals unwind the stack; outside the main thread they stay as they are.

    What the caller ignores, as nohup(1) and shells do for background jobs, is ignored further on.
    """
    ending = Ending()
    usual: dict[int, Any] = {}
    try:
        for each in ENDING:
            if signal.getsignal(each) != signal.SIG_IGN:
                usual[each] = signal.signal(each, ending.terminate)
    except ValueError:
        yield ending
        return
    try:
        yield ending
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def begin_countdown() -> None:
    """Bound the time that a signal may take to end the command; not for those that only talk."""
    from lfpcli.kernels.deadline import watch

    for each in ENDING:
        if isinstance(getattr(signal.getsignal(each), "__self__", None), Ending):
            watch(each, GRACE)


def settled() -> None:
    """End the countdown of a signal that was taken care of."""
    from lfpcli.kernels.deadline import cancel

    cancel()
