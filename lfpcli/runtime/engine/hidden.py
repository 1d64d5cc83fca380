"""What mechanisms remember, found in their sources.

A run that goes on from a checkpoint is initialised and then gets back what was read of NEURON's
memory: potentials, all variables of each instance, arguments of connections, positions of random
streams, events under way. What a mechanism remembers elsewhere would be that of the initial state.
The look at the source is a cautious one: it may find a memory where there is none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lfpcli.runtime.engine.c_state import c_variable
from lfpcli.runtime.engine.shared_values import (
    left_to_others,
    shared_variables,
    unread_variables,
)
from lfpcli.runtime.mechanisms.blocks import Block, arguments, blocks_of, without_units
from lfpcli.runtime.mechanisms.c_code import VERBATIM
from lfpcli.runtime.mechanisms.sources import neuron_block, without_comments
from lfpcli.runtime.neuron import nrn

# streams of a whole process, what NEURON keeps of conditions, and memory of C code
_OPAQUE = re.compile(
    r"\b(WATCH|BBCOREPOINTER|scop_random|exprand|normrand|poisrand|gauss|set_seed)\b"
)
# C code without any effect on what is kept
_HARMLESS = re.compile(r"(\s*(return\s*[\w.]*\s*;|#\s*include\b[^\n]*))*\s*")
_SENDS = re.compile(r"\b(net_send|net_move)\b")
# of NEURON's MechanismType
_CATEGORIES = _DENSITY, _POINT = 0, 1


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
    if any(not _HARMLESS.fullmatch(code) for code in VERBATIM.findall(text)):
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
    variable = c_variable(text)
    if variable is not None:
        return f"remembers '{variable}', a variable of its C code, which all instances share"
    text = VERBATIM.sub(" ", text)
    blocks = blocks_of(text)
    shared = shared_variables(text, blocks) - unread_variables(blocks)
    receivers = [block for block in blocks if block.keyword == "NET_RECEIVE"]
    for block in _reached(receivers, blocks):
        changed = block.names & shared
        if changed:
            return f"remembers '{min(changed)}', which events change and all instances share"
    name = left_to_others(text, blocks)
    return None if name is None else f"remembers '{name}', which all instances share"


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
            names += re.findall(r"\b[A-Za-z_]\w*", without_units(block.body))
    return tuple(names)


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
