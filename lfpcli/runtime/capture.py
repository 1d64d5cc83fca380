"""What NEURON prints: kept off standard output, or caught for an error message."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

_CALLBACKS: list[Any] = []


def prints_to_stderr() -> None:
    """Send what hoc's ``printf`` writes to standard error.

    NEURON hands its prints to Python's `sys.stdout`, where they would mix with data.
    """
    import neuron

    def write(stream: int, text: bytes) -> int:
        sys.stderr.write(text.decode(errors="replace"))
        return 0

    printer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p)
    idler = ctypes.CFUNCTYPE(ctypes.c_int)
    callbacks = printer(write), idler(lambda: 1)
    # NEURON keeps bare pointers to them
    _CALLBACKS.extend(callbacks)
    neuron.nrn_dll_sym("nrnpy_set_pr_etal")(*callbacks)


class Captured:
    """Text that was printed; complete once its context has ended."""

    text = ""


@contextlib.contextmanager
def captured() -> Iterator[Captured]:
    """Catch what C code and Python print to standard output and standard error."""
    result = Captured()
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(fd) for fd in (1, 2)]
    with (
        tempfile.TemporaryFile() as spool,
        os.fdopen(os.dup(spool.fileno()), "w", errors="replace", buffering=1) as writer,
    ):
        os.dup2(spool.fileno(), 1)
        os.dup2(spool.fileno(), 2)
        try:
            with contextlib.redirect_stdout(writer), contextlib.redirect_stderr(writer):
                yield result
        finally:
            _flush_c()
            for fd, old in zip((1, 2), kept, strict=True):
                os.dup2(old, fd)
                os.close(old)
            writer.flush()
            spool.seek(0)
            result.text = spool.read().decode(errors="replace")


def _flush_c() -> None:
    ctypes.CDLL(None).fflush(None)


def hoc_message(text: str) -> tuple[str, int | None]:
    """Pick the message, and the line where there is one, out of what NEURON printed of an error.

    Parameters
    ----------
    text : str
        What `captured` caught.

    Returns
    -------
    message : str
        One line.
    line : int or None
        Line of the file that was being read.
    """
    lines = text.splitlines()
    found = [n for n, line in enumerate(lines) if "NEURON: " in line or line.startswith("Error")]
    message = lines[found[0]].split("NEURON: ", 1)[-1].strip() if found else ""
    if not message:
        message = next((line.strip() for line in reversed(lines) if line.strip()), "")
    near = re.search(r"near line (\d+)", text)
    line = int(near.group(1)) if near else None
    return message, line or None
