"""What is wrong in a file, all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lfpcli.errors import InputError

# faults that one line of a message lists
MOST_LISTED = 6


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong.

    Attributes
    ----------
    line : int
        Line of the file, from 1; 0 for the file as a whole.
    message : str
        What is wrong there.
    """

    line: int
    message: str


class FaultyFileError(InputError):
    """A file with faults; the message lists them, the source is the line of the first.

    Parameters
    ----------
    faults : sequence of Fault
        At least one; the first one leads the message.
    name : str
        The file's name.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, faults: Sequence[Fault], *, name: str, remedy: str) -> None:
        self.faults = tuple(faults)
        self.name = name
        first, *others = self.faults
        message = first.message
        if others:
            listed = [f"line {fault.line}: {fault.message}" for fault in others[:MOST_LISTED]]
            more = len(others) - MOST_LISTED
            if more > 0:
                listed.append(f"{more} more")
            message += f" (further faults: {'; '.join(listed)})"
        source = f"{name}:{first.line}" if first.line else name
        super().__init__(message, source=source, remedy=remedy)
