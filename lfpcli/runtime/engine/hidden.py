"""States of mechanisms that cannot be read from outside, found in their sources.

A run that goes on from a checkpoint is initialised and then gets back what can be read: potentials,
STATE variables, and ASSIGNED ones that are RANGE. What a mechanism remembers elsewhere would be
that of the initial state. The look at the source is a cautious one: it may find a memory where
there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# a random number has a past, and C code, queues and pointers may keep anything
_OPAQUE = re.compile(
    r"\b(net_send|net_move|net_event|WATCH|FOR_NETCONS|RANDOM|POINTER|BBCOREPOINTER|VERBATIM|"
    r"BEFORE|AFTER|scop_random|exprand|normrand|poisrand|gauss|set_seed)\b"
)
_ASSIGNMENT = re.compile(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?=(?!=)")
# NEURON keeps these itself
_OF_NEURON = {"v", "t", "dt", "celsius", "area", "diam"}


@dataclass(frozen=True)
class _Block:
    """A block of NMODL: ``PROCEDURE rates(v) { ... }``."""

    header: str
    body: str

    @property
    def keyword(self) -> str:
        """Its first word."""
        return self.header.split("(")[0].split()[0]

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


def hidden_state(text: str) -> str | None:
    """Say what a mechanism remembers that cannot be read; None where there is nothing.

    Parameters
    ----------
    text : str
        Its source without comments.
    """
    opaque = _OPAQUE.search(text)
    if opaque:
        return f"uses {opaque[1]}, whose state cannot be read"
    blocks = _blocks(text)
    receivers = [block for block in blocks if block.keyword == "NET_RECEIVE"]
    for block in receivers:
        changed = {name for name, _ in block.changes} & _arguments(block.header)
        if changed:
            return f"keeps a state in the connections: NET_RECEIVE changes '{min(changed)}'"
    unread = _unread(text, blocks)
    for block in _reached(receivers, blocks):
        changed = {name for name, _ in block.changes} & unread
        if changed:
            return f"remembers '{min(changed)}', which events change and which is not RANGE"
    for block in blocks:
        name = None if block.keyword == "INITIAL" else _remembered(block, unread)
        if name is not None:
            return f"remembers '{name}', which is not RANGE"
    return None


def _blocks(text: str) -> list[_Block]:
    """Outermost blocks; what an INITIAL within another does is done anew at each begin."""
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
                    blocks.append(_Block(header, body))
                start = brace.end()
    return blocks


def _arguments(header: str) -> set[str]:
    """Names of the arguments of ``NET_RECEIVE(w (uS), n)``."""
    inside = header.partition("(")[2]
    return set(re.findall(r"\w+", re.sub(r"\([^()]*\)", " ", inside)))


def _unread(text: str, blocks: list[_Block]) -> set[str]:
    """Variables that are not given back: PARAMETERs, and ASSIGNED ones that are not RANGE."""
    declared: dict[str, set[str]] = {"ASSIGNED": set(), "PARAMETER": set(), "STATE": set()}
    neuron = ""
    for block in blocks:
        if block.keyword in declared:
            # units stand in parentheses, limits in angle brackets, sizes in brackets
            plain = re.sub(r"\([^()]*\)|<[^<>]*>|\[[^\]]*\]", " ", block.body)
            declared[block.keyword] |= set(re.findall(r"\b[A-Za-z_]\w*", plain))
        neuron += block.body if block.keyword == "NEURON" else ""
    ranges = set(re.findall(r"\w+", " ".join(re.findall(r"\bRANGE\b([^\n]*)", neuron))))
    ions = set(re.findall(r"\w+", " ".join(re.findall(r"\bUSEION\b([^\n]*)", neuron))))
    outside = re.sub(r"\{[^{}]*\}", " ", re.sub(r"\{[^{}]*\}", " ", text))
    local = set(re.findall(r"\w+", " ".join(re.findall(r"^\s*LOCAL\b([^\n]*)", outside, re.M))))
    unread = (declared["ASSIGNED"] - ranges) | declared["PARAMETER"] | local
    return unread - declared["STATE"] - ions - _OF_NEURON


def _reached(start: list[_Block], blocks: list[_Block]) -> list[_Block]:
    """Blocks with the procedures and functions that they call."""
    procedures = {}
    for block in blocks:
        match = re.match(r"(?:PROCEDURE|FUNCTION)\s+(\w+)", block.header)
        if match:
            procedures[match[1]] = block
    reached = list(start)
    for block in reached:
        for name in re.findall(r"\b(\w+)\s*\(", block.body):
            if name in procedures and procedures[name] not in reached:
                # the loop comes to it too
                reached.append(procedures[name])
    return reached


def _remembered(block: _Block, unread: set[str]) -> str | None:
    """A variable whose value before the block counts after it."""
    unconditional = {name for name, _ in _Block(block.header, _flat(block.body)).changes}
    counts: dict[str, int] = {}
    for name, right in block.changes:
        if name not in unread:
            continue
        # a counter, or a running mean
        if re.search(rf"\b{name}\b", right):
            return name
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        # set on one condition only; with two there is likely one for each branch
        if name not in unconditional and count < 2:
            return name
    return None


def _flat(body: str) -> str:
    """What stands in no braces."""
    while "{" in body and re.search(r"\{[^{}]*\}", body):
        body = re.sub(r"\{[^{}]*\}", " ", body)
    return body
