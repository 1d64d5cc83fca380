"""What NEURON prints: kept off standard output, or caught for an error message."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CALLBACKS: list[Any] = []
# what NEURON prints for each segment anew, in any order of the two
_OF_SEGMENTS = re.compile(r"NEURON: \w+ is being written at the same location by \w+ and \w+\n")
_REST_OF_IT = (" near line 0\n", " ", "^\n")


def prints_to_stderr() -> None:
    """Send what hoc's ``printf`` writes to standard error.

    NEURON hands its prints to Python's `sys.stdout`, where they would mix with data.
    """
    import neuron

    rest: list[str] = []
    told: set[frozenset[str]] = set()

    def write(stream: int, text: bytes) -> int:
        words = text.decode(errors="replace")
        known = frozenset(words.split())
        if known in told:
            rest[:] = _REST_OF_IT
        elif rest and words == rest[0]:
            rest.pop(0)
        else:
            rest.clear()
            sys.stderr.write(words)
            if _OF_SEGMENTS.fullmatch(words):
                told.add(known)
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
    # NEURON's C code writes to the descriptors, past sys.stdout
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
            # what C still holds in its buffers belongs to the text too
            _flush_c()
            for fd, old in zip((1, 2), kept, strict=True):
                os.dup2(old, fd)
                os.close(old)
            writer.flush()
            spool.seek(0)
            result.text = spool.read().decode(errors="replace")


def _flush_c() -> None:
    ctypes.CDLL(None).fflush(None)


@dataclass(frozen=True)
class HocMessage:
    """What NEURON said of an error.

    Attributes
    ----------
    text : str
        One line.
    file : str or None
        Name of the hoc file that was being read, as NEURON was given it.
    line : int or None
        Its line.
    """

    text: str
    file: str | None = None
    line: int | None = None


def hoc_message(printed: str) -> HocMessage:
    """Pick the first error out of what NEURON printed.

    Parameters
    ----------
    printed : str
        What `captured` caught.
    """
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    # on several processes NEURON puts the rank before its lines
    rank = re.search(r"^\d+ (?=NEURON:)", printed, re.MULTILINE)
    if rank is not None:
        lines = [line.removeprefix(rank[0]).strip() for line in lines]
    at = next((k for k, line in enumerate(lines) if line.startswith("NEURON:")), None)
    if at is None:
        return HocMessage(lines[-1] if lines else "NEURON gave no reason")
    text = lines[at].removeprefix("NEURON:").strip()
    if not text and at > 0:
        # the reason may stand before NEURON's name
        text = lines[at - 1]
    location = None
    if at + 1 < len(lines):
        location = re.fullmatch(r"in (.*) near line (\d+)", lines[at + 1])
    # NEURON says line 0 of what was no file, such as a call from Python
    if location is None or location.group(2) == "0":
        return HocMessage(text or "NEURON gave no reason")
    return HocMessage(text, location.group(1), int(location.group(2)))
