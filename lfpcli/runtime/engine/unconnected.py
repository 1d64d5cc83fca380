"""Events that mechanisms send themselves as they begin, and that belong to no connection.

The arguments of NET_RECEIVE lie in the connection whose event is handled. An event of INITIAL has
none: NEURON reads and writes them at no address and ends, CoreNEURON takes what lies before them.
"""

from __future__ import annotations

import re

from lfpcli.runtime.mechanisms.blocks import arguments, blocks_of

_SENT = re.compile(r"\bnet_send\s*\([^,]*,\s*([\d.]+)\s*\)")
_ASKED = re.compile(r"\bif\s*\(\s*flag\s*==\s*([\d.]+)\s*\)\s*")
_OTHERWISE = re.compile(r"\s*else\b\s*")
_LOOP = re.compile(r"\bFOR_NETCONS\s*\([^)]*\)\s*")


def unconnected_argument(text: str) -> str | None:
    """An argument of NET_RECEIVE that an event of INITIAL would need; None where none does.

    Parameters
    ----------
    text : str
        Source of a mechanism, without comments.
    """
    blocks = blocks_of(text)
    sent: set[float] = set()
    for block in blocks:
        if block.keyword == "INITIAL":
            sent |= {float(flag) for flag in _SENT.findall(block.body)}
    for block in blocks:
        if block.keyword != "NET_RECEIVE":
            continue
        names = arguments(block.header)
        for flag in sorted(sent):
            used = names & set(re.findall(r"\w+", _taken(block.body, flag)))
            if used:
                return min(used)
    return None


def _taken(body: str, flag: float) -> str:
    """What of a block may run for an event of a flag; loops over connections have their own."""
    body = _without_loops(body)
    asked = _ASKED.search(body)
    if asked is None:
        return body
    inside, rest = _braced(body[asked.end() :])
    otherwise = _OTHERWISE.match(rest)
    other = ""
    if otherwise is not None:
        other, rest = _branch(rest[otherwise.end() :])
    chosen = inside if float(asked[1]) == flag else other
    return body[: asked.start()] + _taken(chosen, flag) + _taken(rest, flag)


def _branch(text: str) -> tuple[str, str]:
    """What belongs to an ``else``, a chain of further conditions included, and what follows."""
    if text.startswith("{"):
        return _braced(text)
    # else if (...) { ... } else ...
    end = text.find("{")
    inside, rest = _braced(text[end:])
    whole = f"{text[:end]}{{{inside}}}"
    otherwise = _OTHERWISE.match(rest)
    if otherwise is None:
        return whole, rest
    other, rest = _branch(rest[otherwise.end() :])
    return f"{whole} else {{ {other} }}", rest


def _braced(text: str) -> tuple[str, str]:
    """What stands in the braces that a text begins with, and what follows them."""
    depth = 0
    for brace in re.finditer(r"[{}]", text):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[1 : brace.start()], text[brace.end() :]
    return text[1:], ""


def _without_loops(body: str) -> str:
    loop = _LOOP.search(body)
    if loop is None:
        return body
    _, rest = _braced(body[loop.end() :])
    return body[: loop.start()] + _without_loops(rest)
