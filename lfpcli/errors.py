"""Errors that a user can act on, each with the exit code of the command that meets it."""

from __future__ import annotations

import contextlib
import enum
import functools
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class ExitCode(enum.IntEnum):
    """Exit codes of every ``lfp`` command; 128 + N stands for signal N."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INPUT = 3
    OUTPUT = 4
    SIMULATOR = 5
    MISSING = 6
    BUG = 70


# characters of a message, and of these how many are its end
_LONGEST, _LONGEST_END = 600, 150


def printable(text: str) -> str:
    """Text without what would steer a terminal: control characters become escapes such as \\x1b."""
    if text.isprintable():
        return text
    shown = (c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return "".join(shown)


def _shortened(text: str) -> str:
    """A text that fits on a screen: a line of a damaged file may be all of the file."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - _LONGEST_END]} ... {text[-_LONGEST_END:]}"


class LfpError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What is wrong, one line.
    source : str or path-like, optional
        Where it is written: ``file:line``, a table and key of a model, or ``file:dataset``.
    remedy : str, optional
        What the user can do about it.
    """

    code = ExitCode.FAILED
    # what is advised where an error names no remedy of its own
    usual_remedy = "run it with --debug to see where"

    def __init__(self, message: str, *, source: object = None, remedy: str | None = None) -> None:
        self.message = _shortened(" ".join(str(message).split()))
        self.source = None if source is None else str(source)
        self.remedy = remedy
        super().__init__(self.message)

    def __str__(self) -> str:
        text = self.message
        if self.source:
            text += f" [{self.source}]"
        return printable(f"{text}; {self.remedy or self.usual_remedy}")


class UsageError(LfpError, ValueError):
    """The command line, or an argument of a library function, makes no sense."""

    code = ExitCode.USAGE
    usual_remedy = "see the command's --help"


class InputError(LfpError, ValueError):
    """A file or an array that was read is not what it should be."""

    code = ExitCode.INPUT
    usual_remedy = "correct it"


class OutputError(LfpError, OSError):
    """The output exists already or cannot be written."""

    code = ExitCode.OUTPUT
    usual_remedy = "write elsewhere"


class SimulatorError(LfpError, RuntimeError):
    """NEURON, a mechanism or model code failed."""

    code = ExitCode.SIMULATOR
    usual_remedy = "correct the model, or see more with --debug"


class MissingDependencyError(LfpError, ImportError):
    """An optional package is not installed; the remedy is its pip line."""

    code = ExitCode.MISSING
    usual_remedy = "install it"


class LfpWarning(UserWarning):
    """Something the user should know of that does not stop the work."""


def nearest(name: str, known: Iterable[object], noun: str = "name") -> str:
    """Remedy for an unknown name: the nearest known one, or the list of them.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str
        The names there are.
    noun : str
        The noun to use, for instance ``"key"``.

    Returns
    -------
    str
        ``did you mean 'dt'?``, or the known names where none is near.
    """
    import difflib

    texts = [str(k) for k in known]
    # channels that are numbers stand in the order of numbers: 2 before 10
    names = sorted(texts, key=lambda text: (len(text) if text.isdigit() else 0, text))
    folded = name.casefold()
    same = [text for text in names if text.casefold() == folded]
    close = same or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        by_folded = {text.casefold(): text for text in names}
        close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
        close = [by_folded[text] for text in close]
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return f"there is no {noun} here"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"known {plural}: {shown}"


def known_keywords(cls: type[T]) -> type[T]:
    """Decorate a class: a keyword that it does not take is an error that names the nearest.

    Python's own TypeError names none before 3.13.
    """
    # the command line imports this file at every start
    import inspect

    initialise = cls.__init__
    parameters = inspect.signature(initialise).parameters
    names = [name for name in parameters if name != "self"]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    @functools.wraps(initialise)
    def checked(self: Any, *args: Any, **keywords: Any) -> None:
        for keyword in keywords:
            if keyword not in names and not takes_any:
                raise UsageError(
                    f"{cls.__name__} has no argument '{keyword}'",
                    remedy=nearest(keyword, names, "argument"),
                )
        initialise(self, *args, **keywords)

    # changed in place, so that isinstance and pickle go on to work
    cls.__init__ = checked  # type: ignore[method-assign]
    return cls


@contextlib.contextmanager
def located(source: str) -> Iterator[None]:
    """Name the table of the model, ``file:line``, in errors that the library raises below it."""
    try:
        yield
    except UsageError as error:
        # what would be misuse of the library is a mistake in the model here
        raise InputError(
            error.message, source=error.source or source, remedy=error.remedy
        ) from error
    except LfpError as error:
        error.source = error.source or source
        raise
