"""Model code that ends the whole process, as ``h.quit()`` does: no exception tells of it.

NEURON ends the interpreter and then the process, with the code of success and without an output.
What the interpreter does at its end can still say what happened.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from lfpcli.errors import LfpError, SimulatorError

_ENDS: list[Callable[[LfpError], object]] = []


def end_by(end: Callable[[LfpError], object]) -> None:
    """Let a function tell the error of code that ends the process, and end that itself."""
    _ENDS[:] = [end]


@contextlib.contextmanager
def quits_told(file: Path) -> Iterator[None]:
    """Tell the error of code of a file that ends the process, by the function of `end_by`."""

    def at_end() -> None:
        error = SimulatorError(
            "the model's code ends the whole program",
            source=file,
            remedy="leave quit() out of it, or let it stand under if __name__ == '__main__'",
        )
        for end in _ENDS:
            end(error)

    atexit.register(at_end)
    try:
        yield
    finally:
        atexit.unregister(at_end)
