"""Elements of arrays that are not there, found in the source of a mechanism.

Neither translator looks at indices. What is written behind an array goes to another instance, or
to memory of something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lfpcli.runtime.mechanisms.blocks import DECLARING, blocks_of

_DEFINED = re.compile(r"\bDEFINE\s+(\w+)\s+(\d+)")
_ELEMENT = re.compile(r"\b([A-Za-z_]\w*)\s*\[([^\[\]]*)\]")
_SUM = re.compile(r"\s*-?\s*\d+(?:\s*[-+]\s*\d+)*\s*")
_LOOP = re.compile(r"\bFROM\s+(\w+)\s*=\s*([^{}]*?)\bTO\b([^{}]*?)(?:\bBY\b[^{}]*)?\{([^{}]*)\}")
DECLARATIONS = DECLARING | {"INCLUDE"}
"""Blocks that have no statements."""
_LOCAL = re.compile(r"\bLOCAL\b[^\n]*")


@dataclass(frozen=True, kw_only=True)
class MissingElement:
    """An element that an array does not have.

    Attributes
    ----------
    array : str
        The array.
    index, size : int
        The index, and how many elements there are.
    """

    array: str
    index: int
    size: int


def missing_element(text: str) -> MissingElement | None:
    """An element of an array that a mechanism names and that is not there; None for none.

    Indices that are numbers, and those of loops from a number to another, are looked at.

    Parameters
    ----------
    text : str
        Source of the mechanism without comments.
    """
    constants = {name: int(value) for name, value in _DEFINED.findall(text)}
    blocks = blocks_of(text)
    declared = [block.body for block in blocks if block.keyword in ("ASSIGNED", "STATE")]
    sizes: dict[str, int] = {}
    for name, index in _ELEMENT.findall(" ".join(declared)):
        size = _number(index, constants)
        if size is not None:
            sizes[name] = size
    for block in blocks:
        if block.keyword in DECLARATIONS:
            continue
        body = _LOCAL.sub(" ", block.body)
        for counter, first, last, inside in _LOOP.findall(body):
            # what a loop does under a condition may be for some of its numbers alone
            if re.search(r"\bif\b|\bwhile\b", inside):
                continue
            for bound in (_number(first, constants), _number(last, constants)):
                known = constants if bound is None else {**constants, counter: bound}
                missing = _missing(inside, sizes, known)
                if missing is not None:
                    return missing
        missing = _missing(body, sizes, constants)
        if missing is not None:
            return missing
    return None


def _missing(body: str, sizes: dict[str, int], numbers: dict[str, int]) -> MissingElement | None:
    for name, index in _ELEMENT.findall(body):
        number = _number(index, numbers)
        if name in sizes and number is not None and not 0 <= number < sizes[name]:
            return MissingElement(array=name, index=number, size=sizes[name])
    return None


def _number(expression: str, numbers: dict[str, int]) -> int | None:
    """A sum of whole numbers and of names that stand for some; None where it is another one."""
    text = re.sub(r"[A-Za-z_]\w*", lambda match: str(numbers.get(match[0], match[0])), expression)
    if not _SUM.fullmatch(text):
        return None
    return sum(int(part) for part in re.findall(r"[-+]?\d+", re.sub(r"\s+", "", text)))
