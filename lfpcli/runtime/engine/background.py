"""One helper thread that works on a chunk while NEURON computes the next."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lfpcli.kernels.threads import limit_threads
from lfpcli.runtime.engine.blas import blas_threads

_current = threading.local()


def leaving() -> None:
    """Say, in a call that runs in the background, that it now works without the interpreter.

    Whoever has submitted the call waits for this: a simulator that keeps the interpreter to itself
    would otherwise hold the call up from its first line on.
    """
    left: threading.Event | None = getattr(_current, "left", None)
    if left is not None:
        left.set()


class Background:
    """Runs calls one after the other, in a thread of its own or at once.

    Parameters
    ----------
    threaded : bool
        Whether there is a thread. Under MPI there is none: its calls belong to one thread.
    """

    def __init__(self, threaded: bool) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1) if threaded else None
        self._pending: Future[None] | None = None
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Background:
        if self._pool:
            self._undo.enter_context(blas_threads(1))
            self._undo.callback(limit_threads, limit_threads(1))
            self._undo.callback(sys.setswitchinterval, sys.getswitchinterval())
            # NEURON holds the interpreter but for one short callback per step, and CoreNEURON for
            # a chunk; the other thread must ask for its turn sooner than by default
            sys.setswitchinterval(1e-4)
        return self

    def __exit__(self, error_type: Any, error: Any, trace: Any) -> None:
        try:
            # an error of the run itself tells more than what it made of the chunk before
            if error_type is None:
                self.wait()
        finally:
            if self._pool:
                self._pool.shutdown(cancel_futures=True)
            self._undo.close()

    def submit(self, call: Callable[..., None], *arguments: Any) -> None:
        """Run a call after the one before it is done; its errors are raised at the next one."""
        if self._pool is None:
            call(*arguments)
            return
        self.wait()
        left = threading.Event()
        self._pending = self._pool.submit(_followed, left, call, *arguments)
        left.wait()

    def wait(self) -> None:
        """Wait for the last call and raise what it raised."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()


def _followed(left: threading.Event, call: Callable[..., None], *arguments: Any) -> None:
    """Run a call; `left` is set once it is done or works without the interpreter."""
    _current.left = left
    try:
        call(*arguments)
    finally:
        left.set()
