"""What a command says: messages on standard error, data on standard output."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from lfpcli.errors import printable
from lfpcli.vocabulary import ACCENT


class Console:
    """Messages of one command.

    Parameters
    ----------
    prog : str
        Prefix of each message, such as ``lfp sim``.
    quiet : bool
        Whether warnings, notes and progress are left out.
    verbose : int
        How much more than warnings is said.
    """

    def __init__(self, prog: str, quiet: bool = False, verbose: int = 0) -> None:
        self.prog = prog
        self.quiet = quiet
        self.verbose = verbose
        self.silent = False  # ranks other than 0 leave talking to rank 0
        self.subject = ""  # the file that errors without a place are about

    def error(self, text: object) -> None:
        """Print an error; always shown."""
        self._line(f"error: {text}")

    def warn(self, text: object) -> None:
        """Print a warning."""
        if not self.quiet and not self.silent:
            self._line(f"warning: {text}")

    def note(self, text: object) -> None:
        """Print something worth knowing."""
        if not self.quiet and not self.silent:
            self._line(str(text))

    def detail(self, text: object) -> None:
        """Print something only ``-v`` asks for."""
        if self.verbose and not self.silent:
            self._line(str(text))

    def _line(self, text: str) -> None:
        shown = " ".join(text.split()) if text.startswith("error: ") else text
        # texts of files and of other programs do not steer the terminal
        shown = "\n".join(map(printable, shown.split("\n")))
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{self.prog}: {shown}\n")
            sys.stderr.flush()

    @contextlib.contextmanager
    def catch_warnings(self) -> Iterator[None]:
        """Show the library's warnings as lines of this command, each text once."""
        from lfpcli.errors import LfpWarning

        seen: set[str] = set()
        usual = warnings.showwarning

        def show(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if not issubclass(category, LfpWarning):
                if self.verbose > 1:
                    usual(message, category, *rest, **more)
            elif str(message) not in seen:
                seen.add(str(message))
                self.warn(message)

        with warnings.catch_warnings():
            warnings.simplefilter("always", LfpWarning)
            warnings.showwarning = show
            yield

    @contextlib.contextmanager
    def progress(self, title: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
        """Yield a function that takes how far the work has come, 0 to `total`.

        A bar is drawn only on a terminal and only by rank 0.
        """
        # what a cell of a notebook runs has a terminal, whose every line stays on the page
        in_notebook = "JPY_PARENT_PID" in os.environ
        if self.quiet or self.silent or in_notebook or not sys.stderr.isatty():
            yield lambda done: None
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(complete_style=ACCENT, finished_style=ACCENT),
            TextColumn("{task.completed:.1f}/{task.total:.1f} " + unit),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=RichConsole(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=total, speed="")
            begin = time.monotonic()

            def advance(done: float) -> None:
                speed = done / max(time.monotonic() - begin, 1e-3)
                bar.update(task, completed=done, speed=f"{speed:.3g} {unit}/s")

            yield advance


def open_standard_files() -> None:
    """Occupy the standard descriptors that the caller closed.

    A data file would become one of them else, and get what is printed. Writing to a closed
    standard output stays an error; messages to a closed standard error are lost.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, mode), number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")


@contextlib.contextmanager
def guarded_stdout() -> Iterator[None]:
    """Keep standard output for data: what C code prints to fd 1 goes to fd 2.

    NEURON prints to fd 1 from C. While the guard is on, fd 1 is a copy of fd 2 and
    `lfpcli.io.stream.stdout_fd` names the kept descriptor; Python's `sys.stdout` writes there too.
    """
    from lfpcli.io import stream

    sys.stdout.flush()
    kept = os.dup(1)
    # what children print is no data
    os.set_inheritable(kept, False)
    usual = sys.stdout
    redirected = usual is sys.__stdout__ or _writes_to_fd_1(usual)
    os.dup2(2, 1)
    stream.STDOUT.fd = kept
    if redirected:
        sys.stdout = _text_output(os.dup(kept))
    try:
        try:
            yield
        except SystemExit:
            # argparse ends so behind a help that it printed
            _flush()
            raise
        _flush()
    finally:
        # a signal may come at any of these lines, and must not leave a closed file behind
        guarded, sys.stdout = sys.stdout, usual
        stream.STDOUT.fd = 1
        if redirected:
            _close_quietly(guarded)
        os.dup2(kept, 1)
        os.close(kept)


class _DataOutput(io.FileIO):
    """Standard output, whose full disk is named, however much is written at once."""

    def write(self, data: Any) -> int:
        """Write some bytes."""
        with _named_failures():
            return super().write(data)


def _text_output(descriptor: int) -> io.TextIOWrapper:
    raw = _DataOutput(descriptor, "w")
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        errors="surrogateescape",
        line_buffering=raw.isatty(),
    )


@contextlib.contextmanager
def _named_failures() -> Iterator[None]:
    from lfpcli.errors import LfpError, OutputError

    try:
        yield
    except (BrokenPipeError, LfpError):
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write: {(error.strerror or str(error)).lower()}",
            source="standard output",
            remedy="free some space or write elsewhere",
        ) from error


def _flush() -> None:
    """Write out what was printed, so that a full disk is a failure and not a silence."""
    with _named_failures():
        sys.stdout.flush()


def _writes_to_fd_1(file: Any) -> bool:
    try:
        return bool(file.fileno() == 1)
    except (OSError, ValueError, AttributeError):
        return False


def _close_quietly(file: Any) -> None:
    # a reader that is gone must not turn into a second error at closing
    with contextlib.suppress(OSError):
        file.close()
