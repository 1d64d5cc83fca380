"""Signals that come while C code runs which Python's exceptions cannot leave."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

from lfpcli.kernels.deadline import is_watched, set_handler

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM")


@contextlib.contextmanager
def deferred_signals() -> Iterator[Callable[[], None]]:
    """Keep signals until they are asked for.

    A handler runs as soon as C calls any Python function, before the first line of that: what it
    raises there would be printed and forgotten.

    Yields
    ------
    callable
        Runs the usual handlers of the signals that have come, and raises what they raise. Those
        that are left run at the end.
    """
    arrived: list[tuple[int, Any]] = []
    usual: dict[int, Any] = {}
    watched: dict[int, bool] = {}

    def keep(number: int, frame: Any) -> None:
        arrived.append((number, frame))

    def handle() -> None:
        while arrived:
            number, frame = arrived.pop(0)
            usual[number](number, frame)

    with contextlib.suppress(ValueError):  # not in the main thread, which alone gets signals
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):
                watched[number] = is_watched(number)
                usual[number] = set_handler(number, keep, watched=watched[number])
    try:
        yield handle
    finally:
        for number, handler in usual.items():
            set_handler(number, handler, watched=watched[number])
    handle()
