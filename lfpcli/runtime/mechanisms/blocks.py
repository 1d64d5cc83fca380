"""Blocks of NMODL, and what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

DECLARING = frozenset({"NEURON", "UNITS", "PARAMETER", "ASSIGNED", "STATE", "CONSTANT"})
"""Keywords of blocks that declare, and have no statements."""
_ASSIGNMENT = re.compile(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?=(?!=)")


@dataclass(frozen=True)
class Block:
    """A block of NMODL: ``PROCEDURE rates(v) { ... }``."""

    header: str
    body: str

    @property
    def keyword(self) -> str:
        """Its first word."""
        return self.header.split("(")[0].split()[0]

    @property
    def title(self) -> str:
        """Its second word, by which it is called; empty where it has none."""
        words = self.header.split("(")[0].split()
        return words[1] if len(words) > 1 else ""

    @property
    def names(self) -> set[str]:
        """Names that it assigns to."""
        return {name for name, _ in self.changes}

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Names that it assigns to, each with what stands on the right."""
        matches = list(_ASSIGNMENT.finditer(self.body))
        pairs = []
        for number, match in enumerate(matches, 1):
            # NMODL needs no separator between statements
            end = matches[number].start() if number < len(matches) else len(self.body)
            pairs.append((match[1], re.split(r"[\n{}]", self.body[match.end() : end])[0]))
        return pairs


def blocks_of(text: str) -> list[Block]:
    """Outermost blocks of a source; what an INITIAL within another does is done anew each time."""
    blocks = []
    depth, start, header = 0, 0, ""
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            depth += 1
            if depth == 1:
                header = text[start : brace.start()].strip().rpartition("\n")[2].strip()
                start = brace.end()
        else:
            depth -= 1
            if depth == 0:
                body = re.sub(r"\bINITIAL\s*\{[^{}]*\}", " ", text[start : brace.start()])
                if header:
                    blocks.append(Block(header, body))
                start = brace.end()
    return blocks


def arguments(header: str) -> set[str]:
    """Names of the arguments of ``NET_RECEIVE(w (uS), n)``."""
    inside = header.partition("(")[2]
    return set(re.findall(r"\w+", re.sub(r"\([^()]*\)", " ", inside)))


def without_units(body: str) -> str:
    """Declarations without units in parentheses, limits in angle brackets, sizes in brackets."""
    return re.sub(r"\([^()]*\)|<[^<>]*>|\[[^\]]*\]", " ", body)


def flat(body: str) -> str:
    """What stands in no braces."""
    while "{" in body and re.search(r"\{[^{}]*\}", body):
        body = re.sub(r"\{[^{}]*\}", " ", body)
    return body
