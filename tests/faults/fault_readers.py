"""A format of files for the campaign, and what reads them: commands or functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_mutators import BYTES, Mutator

Reader = Callable[[Path, Path], int]
# what stands in the output before a reader writes it
BEFORE = b"what was there before\n"


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    name : str
        Its name in the table.
    files : mapping of str to bytes
        Sound files, by name; one of them is damaged at a time.
    readers : sequence of callable
        Each takes the damaged file and a folder, and returns an exit code.
    mutators : sequence of callable
        What damages the bytes.
    structured : bool
        Whether the structure of HDF5 is damaged too.
    is_sound : bool
        Whether the readers accept the files as they are, which is seen first.
    beside : mapping of str to Path
        Sound files that stand beside the damaged one, by name.
    forked : bool
        Whether each input has a process of its own, as those need that change NEURON.
    warm : callable, optional
        Imports what takes long, once.
    weight : float
        Its share of the inputs, for those that take long to read.
    """

    name: str
    files: Mapping[str, bytes]
    readers: Sequence[Reader]
    mutators: Sequence[Mutator] = BYTES
    structured: bool = False
    is_sound: bool = True
    beside: Mapping[str, Path] = field(default_factory=dict)
    forked: bool = False
    warm: Callable[[], None] | None = None
    weight: float = 1.0


def command(*words: str) -> Reader:
    """A command line, in which FILE stands for the damaged file, and OUT for an output.

    ``IN:NAME`` is a file beside the damaged one.
    """

    def read(path: Path, folder: Path) -> int:
        from lfpcli.cli.main import main

        names = {"FILE": str(path), "OUT": str(folder / "out.h5")}
        arguments = []
        for word in words:
            beside = str(folder / word[3:]) if word.startswith("IN:") else word
            arguments.append(names.get(word, beside))
        return main(arguments)

    return read


def library(read: Callable[[Path], Any]) -> Reader:
    """A function of the library, whose errors are those of a command."""

    def guarded(path: Path, folder: Path) -> int:
        import sys

        from lfpcli.errors import LfpError

        try:
            read(path)
        except LfpError as error:
            print(f"lfp: error: {error}", file=sys.stderr)
            return int(error.code)
        return 0

    return guarded
