"""What mechanisms remember, found in their sources.

A run that goes on from a checkpoint is initialised and then gets back what was read of NEURON's
memory: potentials, all variables of each instance, arguments of connections, positions of random
streams, events under way. What a mechanism remembers elsewhere would be that of the initial state.
The look at the source is a cautious one: it may find a memory where there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from lfpcli.runtime.mechanisms.sources import neuron_block, without_comments
from lfpcli.runtime.neuron import nrn

# streams of a whole process, what NEURON keeps of conditions, and memory of C code
_OPAQUE = re.compile(
    r"\b(WATCH|BBCOREPOINTER|scop_random|exprand|normrand|poisrand|gauss|set_seed)\b"
)
_VERBATIM = re.compile(r"\bVERBATIM\b(.*?)\bENDVERBATIM\b", re.DOTALL)
# C code without any effect on what is kept
_HARMLESS = re.compile(r"(\s*(return\s*[\w.]*\s*;|#\s*include\b[^\n]*))*\s*")
_SENDS = re.compile(r"\b(net_send|net_move)\b")
_ASSIGNMENT = re.compile(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?=(?!=)")
# of NEURON's MechanismType
_CATEGORIES = _DENSITY, _POINT = 0, 1
# NEURON keeps these itself
_OF_NEURON = {"v", "t", "dt", "celsius", "area", "diam"}


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
    if any(not _HARMLESS.fullmatch(code) for code in _VERBATIM.findall(text)):
        return "has code in C (VERBATIM), whose state cannot be read"
    return shared_memory(text)


def shared_memory(text: str) -> str | None:
    """Say what the instances of a mechanism in a process remember together; None for nothing.

    What one of them leaves the next one finds, so that on several processes numbers are others.

    Parameters
    ----------
    text : str
        Its source without comments.
    """
    text = _VERBATIM.sub(" ", text)
    blocks = blocks_of(text)
    shared = _shared(text, blocks)
    receivers = [block for block in blocks if block.keyword == "NET_RECEIVE"]
    for block in _reached(receivers, blocks):
        changed = block.names & shared
        if changed:
            return f"remembers '{min(changed)}', which events change and all instances share"
    for block in blocks:
        name = None if block.keyword == "INITIAL" else _remembered(block, shared)
        if name is not None:
            return f"remembers '{name}', which all instances share"
    return None


@cache
def source_of(mechanism: str) -> str:
    """Source of a mechanism without comments, as NEURON keeps it; empty where it has none."""
    for category in _CATEGORIES:
        types = _selected(mechanism, category)
        if types is not None:
            return without_comments(str(types.code() or ""))
    return ""


@cache
def is_point_process(mechanism: str) -> bool:
    """Whether a mechanism is a point process, and not one of whole segments."""
    return _selected(mechanism, _POINT) is not None


def _selected(mechanism: str, category: int) -> Any:
    """NEURON's list of mechanisms with one of them selected; None where it is not there."""
    types = nrn().MechanismType(category)
    types.select(mechanism)
    name = nrn().ref("")
    # a name that is not there leaves the selection as it was
    types.selected(name)
    return types if name[0] == mechanism else None


@cache
def sends_to_itself(mechanism: str) -> bool:
    """Whether a mechanism sends itself events."""
    return bool(_SENDS.search(source_of(mechanism)))


@cache
def keeps_arguments(mechanism: str) -> bool:
    """Whether connections onto a mechanism may remember something, or be named by its events."""
    if sends_to_itself(mechanism):
        return True
    blocks = blocks_of(source_of(mechanism))
    receivers = [block for block in blocks if block.keyword == "NET_RECEIVE"]
    return any(block.names & arguments(block.header) for block in receivers)


@cache
def stream_names(mechanism: str) -> tuple[str, ...]:
    """RANDOM variables of a mechanism."""
    # other statements may follow on the line
    listed = re.findall(r"\bRANDOM\s+(\w+(?:\s*,\s*\w+)*)", neuron_block(source_of(mechanism)))
    return tuple(re.findall(r"\w+", " ".join(listed)))


@cache
def assigned_names(mechanism: str) -> tuple[str, ...]:
    """ASSIGNED variables of a mechanism in the order of its source."""
    names: list[str] = []
    for block in blocks_of(source_of(mechanism)):
        if block.keyword == "ASSIGNED":
            names += re.findall(r"\b[A-Za-z_]\w*", _without_units(block.body))
    return tuple(names)


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


def _shared(text: str, blocks: list[Block]) -> set[str]:
    """Variables of all instances: PARAMETERs that are not RANGE, GLOBAL ones, and LOCAL ones."""
    declared: dict[str, set[str]] = {"ASSIGNED": set(), "PARAMETER": set(), "STATE": set()}
    neuron = ""
    for block in blocks:
        if block.keyword in declared:
            declared[block.keyword] |= set(
                re.findall(r"\b[A-Za-z_]\w*", _without_units(block.body))
            )
        neuron += block.body if block.keyword == "NEURON" else ""
    ranges = set(re.findall(r"\w+", " ".join(re.findall(r"\bRANGE\b([^\n]*)", neuron))))
    shared = set(re.findall(r"\w+", " ".join(re.findall(r"\bGLOBAL\b([^\n]*)", neuron))))
    ions = set(re.findall(r"\w+", " ".join(re.findall(r"\bUSEION\b([^\n]*)", neuron))))
    # those of blocks are new each time, however deep their braces go
    outside = _flat(text)
    local = set(re.findall(r"\w+", " ".join(re.findall(r"^\s*LOCAL\b([^\n]*)", outside, re.M))))
    shared |= (declared["PARAMETER"] - ranges) | local
    return shared - declared["STATE"] - ions - _OF_NEURON


def _without_units(body: str) -> str:
    """Declarations without units in parentheses, limits in angle brackets, sizes in brackets."""
    return re.sub(r"\([^()]*\)|<[^<>]*>|\[[^\]]*\]", " ", body)


def _reached(start: list[Block], blocks: list[Block]) -> list[Block]:
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


def _remembered(block: Block, shared: set[str]) -> str | None:
    """A variable whose value before the block counts after it."""
    unconditional = {name for name, _ in Block(block.header, _flat(block.body)).changes}
    counts: dict[str, int] = {}
    for name, right in block.changes:
        if name not in shared:
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
