"""One helper thread that works on a chunk while NEURON computes the next."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lfpcli.runtime.blas import blas_threads


class Background:
    """Runs calls one after the other, in a thread of its own or at once.

    Parameters
    ----------
    threaded : bool
        Whether there is a thread, which needs callbacks between NEURON's steps. Under MPI there is
        none: its calls belong to one thread.
    """

    def __init__(self, threaded: bool) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1) if threaded else None
        self._pending: Future[None] | None = None
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Background:
        if self._pool:
            self._undo.enter_context(blas_threads(1))
            self._undo.callback(sys.setswitchinterval, sys.getswitchinterval())
            # NEURON holds the interpreter but for one short callback per step; the other thread
            # gets its turn there, and must ask for it sooner than by default
            sys.setswitchinterval(1e-4)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
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
        self._pending = self._pool.submit(call, *arguments)

    def wait(self) -> None:
        """Wait for the last call and raise what it raised."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()
