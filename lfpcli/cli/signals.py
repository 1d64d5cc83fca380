"""Signals that end a command: with code 128 + N, and nothing left behind."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
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
# s after which a callback that lost a signal is over
_CALLBACK_SECONDS = 0.002


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


class Ending:
    """The signal that ended a command, if one did.

    Attributes
    ----------
    number : int
        The signal, 0 where none came. C code may turn the exception into another error.
    command_is_over : bool
        Whether the usual handlers are back.
    """

    def __init__(self) -> None:
        self.number = 0
        self.command_is_over = False
        self._lost = False

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Raise `Terminated`, once: what tidies up is not interrupted."""
        if self.command_is_over:
            # too late to raise: handlers are being put back
            self.number = self.number or number
            return
        if self.number and not self._lost:
            return
        self.number = self.number or number
        self._lost = False
        raise Terminated(self.number)

    def raise_again(self) -> None:
        """Have the exception raised a moment later, as Python loses what callbacks raise.

        These are the finalizers of objects and of weak references, which may run at any line,
        and functions of C code that cannot fail. A thread waits until they are done.
        """
        self._lost = True
        # a command that is over by then needs no exception, but its exit code
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._signal_main_thread, daemon=True).start()

    def _signal_main_thread(self) -> None:
        time.sleep(_CALLBACK_SECONDS)
        main_thread = threading.main_thread().ident
        if main_thread is not None and not self.command_is_over:
            signal.pthread_kill(main_thread, self.number)


@contextlib.contextmanager
def terminable() -> Iterator[Ending]:
    """Let signals unwind the stack; outside the main thread they stay as they are.

    What the caller ignores, as nohup(1) and shells do for background jobs, is ignored further on.

    Raises
    ------
    Terminated
        Also where a signal comes before the context is entered.
    """
    ending = Ending()
    usual: dict[int, Any] = {}
    usual_hook, usual_print = sys.unraisablehook, sys.excepthook

    def heed_lost(lost: Any) -> None:
        if isinstance(lost.exc_value, Terminated):
            ending.raise_again()
        else:
            usual_hook(lost)

    def heed_printed(error_type: type[BaseException], error: BaseException, trace: Any) -> None:
        # Cython has printed what it loses, before it tells
        if not isinstance(error, Terminated):
            usual_print(error_type, error, trace)

    try:
        try:
            for each in ENDING:
                handler = signal.getsignal(each)
                if handler != signal.SIG_IGN:
                    usual[each] = handler
                    signal.signal(each, ending.terminate)
            sys.unraisablehook, sys.excepthook = heed_lost, heed_printed
        except ValueError:
            usual.clear()
        yield ending
    finally:
        ending.command_is_over = True
        for number, handler in usual.items():
            signal.signal(number, handler)
        if usual:
            sys.unraisablehook, sys.excepthook = usual_hook, usual_print


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
