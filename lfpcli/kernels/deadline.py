"""The end of a process that was asked to end, wherever it is; see ``_deadline.pyx``."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from lfpcli.kernels import _deadline
except ImportError:  # a system without POSIX signals has no countdown
    _deadline = None  # type: ignore[assignment]


def watch(number: int, seconds: int) -> None:
    """Begin a countdown where a signal comes.

    Parameters
    ----------
    number : int
        The signal; its handler of Python is called too. Setting another one ends the watch.
    seconds : int
        Whole seconds after which the process ends, with code 128 + `number`; 0 leaves them as
        they are.
    """
    if _deadline is not None:
        _deadline.watch(number, seconds)


def is_watched(number: int) -> bool:
    """Whether a signal begins a countdown."""
    return _deadline is not None and _deadline.watched(number)


def set_handler(number: int, handler: Any, *, watched: bool) -> Any:
    """Set Python's handler of a signal and return the one before it.

    Parameters
    ----------
    number : int
        The signal.
    handler : callable, int or None
        What Python calls, as `signal.signal` returns it, which alone would end the watch.
    watched : bool
        Whether the signal begins the countdown that was set before.
    """
    # Python does not know handlers of libraries in C, and cannot put them back
    usual = signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if watched:
        watch(number, 0)
    return usual


def cancel() -> None:
    """End the countdown: the signal was taken care of."""
    if _deadline is not None:
        _deadline.cancel()


@contextlib.contextmanager
def removed_at_deadline(path: str | os.PathLike[str]) -> Iterator[None]:
    """Have a file removed where the time is up while the context lasts."""
    if _deadline is None:
        yield
        return
    # the current folder may be another by then
    slot = _deadline.add_file(os.fsencode(Path(path).absolute()))
    try:
        yield
    finally:
        _deadline.drop_file(slot)
