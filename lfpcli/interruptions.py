"""Signals that end a command, and errors that come where nothing can be raised."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

ENDING_SIGNALS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
)


class _Hooks:
    """What Python calls with errors that it loses, or prints as the end of a program.

    Parameters
    ----------
    heed : callable
        Takes an error and says whether it took care of it.
    """

    def __init__(self, heed: Callable[[BaseException | None], bool]) -> None:
        self._heed = heed
        self.usual, self.usual_print = sys.unraisablehook, sys.excepthook

    def lost(self, loss: Any) -> None:
        if not self._heed(loss.exc_value):
            self.usual(loss)

    def printed(
        self, error_type: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not self._heed(error):
            self.usual_print(error_type, error, trace)


_HOOK_CODES = (_Hooks.lost.__code__, _Hooks.printed.__code__)


@contextlib.contextmanager
def heeded_losses(heed: Callable[[BaseException | None], bool]) -> Iterator[None]:
    """Have a function told of errors that nobody can catch.

    They come from the finalizers of objects and of weak references, which may run at any line, and
    from functions of C code that cannot fail. Cython has such an error printed first, as one that
    ends the program would be, and then tells that it is lost: the function hears of it twice.

    Parameters
    ----------
    heed : callable
        Takes an error and says whether it took care of it; others are printed as usual.
    """
    hooks = _Hooks(heed)
    try:
        sys.unraisablehook, sys.excepthook = hooks.lost, hooks.printed
        yield
    finally:
        # no call here, after which a signal could be raised with half of it done
        sys.unraisablehook, sys.excepthook = hooks.usual, hooks.usual_print


def tells_of_a_loss(frame: FrameType | None) -> bool:
    """Whether a frame is inside such a function: Python prints what is raised there."""
    while frame is not None:
        if frame.f_code in _HOOK_CODES:
            return True
        frame = frame.f_back
    return False
