"""Signals that end a command: with code 128 + N, and nothing left behind."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from lfpcli.interruptions import ENDING_SIGNALS, heeded_losses, tells_of_a_loss

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
        if tells_of_a_loss(frame):
            self._raise_again()
            return
        self._lost = False
        raise Terminated(self.number)

    def heed_lost(self, error: BaseException | None) -> bool:
        """Have the exception raised a moment later where it was lost; says whether it was."""
        if not isinstance(error, Terminated):
            return False
        self._raise_again()
        return True

    def _raise_again(self) -> None:
        self._lost = True
        # a command that is over by then needs no exception, but its exit code; no Thread, whose
        # begin takes locks that the interrupted line may hold
        with contextlib.suppress(RuntimeError):
            _thread.start_new_thread(self._signal_main_thread, ())

    def _signal_main_thread(self) -> None:
        time.sleep(_CALLBACK_SECONDS)
        main_thread = threading.main_thread().ident
        if main_thread is not None and self._lost and not self.command_is_over:
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
    # other threads get no signals
    is_main = threading.current_thread() is threading.main_thread()
    with heeded_losses(ending.heed_lost) if is_main else contextlib.nullcontext():
        try:
            for each in ENDING_SIGNALS if is_main else ():
                handler = signal.getsignal(each)
                if handler != signal.SIG_IGN:
                    # one of a library in C, loaded before Python, cannot be put back
                    usual[each] = signal.SIG_DFL if handler is None else handler
                    signal.signal(each, ending.terminate)
            yield ending
        finally:
            ending.command_is_over = True
            for number, handler in usual.items():
                signal.signal(number, handler)


def begin_countdown() -> None:
    """Bound the time that a signal may take to end the command; not for those that only talk."""
    from lfpcli.kernels.deadline import watch

    for each in ENDING_SIGNALS:
        if isinstance(getattr(signal.getsignal(each), "__self__", None), Ending):
            watch(each, GRACE)


def settled() -> None:
    """End the countdown of a signal that was taken care of."""
    from lfpcli.kernels.deadline import cancel

    cancel()
