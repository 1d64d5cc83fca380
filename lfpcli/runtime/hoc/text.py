"""hoc code as text: comments, templates, procedures, and what its statements load."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_TEMPLATE = re.compile(r"\bbegintemplate\s+(\w+)(.*?)\bendtemplate\b", re.DOTALL)
_STRING = r'"(?:\\.|[^"\\\n])*"'
_LOCAL = re.compile(r"(?:\s*\b(?:local|localobj)\s+\w+(?:\s*,\s*\w+)*)*")
# procedures that NEURON's run system calls, and that a model may define in its own way
RUN_PROCEDURES = ("init", "advance", "stdinit", "run", "continuerun", "steprun")


def without_hoc_comments(text: str) -> str:
    """Blank out comments, keeping every line and column; strings stay."""

    def blank(match: re.Match[str]) -> str:
        piece = match.group(0)
        if piece.startswith('"'):
            return piece
        return re.sub(r"[^\n]", " ", piece)

    return re.sub(rf"{_STRING}|/\*.*?\*/|//[^\n]*", blank, text, flags=re.DOTALL)


def without_strings(plain: str) -> str:
    """Blank out strings, keeping every column."""
    return re.sub(_STRING, lambda match: " " * len(match.group(0)), plain)


def outside_templates(plain: str) -> str:
    """Blank out templates, whose statements are the business of their objects."""
    return _TEMPLATE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), plain)


def template_bodies(plain: str) -> dict[str, tuple[int, str]]:
    """Position and text of each template of a file without comments, by name."""
    bodies = {}
    for match in _TEMPLATE.finditer(plain):
        bodies[match.group(1)] = match.start(2), match.group(2)
    return bodies


def digest(text: str) -> str:
    """Digest of hoc code; white space makes no difference."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def procedure_span(bare: str, name: str) -> tuple[int, int] | None:
    """Where the body of a procedure begins and ends, after ``{`` and before ``}``.

    Parameters
    ----------
    bare : str
        hoc code without comments and strings.
    name : str
        The procedure; the last of several definitions counts, as in NEURON.

    Returns
    -------
    (int, int) or None
        None where it is not defined.
    """
    span = None
    for match in re.finditer(rf"\b(?:proc|func)\s+{name}\s*\(\s*\)\s*\{{", bare):
        depth, end = 1, match.end()
        while depth and end < len(bare):
            depth += {"{": 1, "}": -1}.get(bare[end], 0)
            end += 1
        span = match.end(), end - 1
    return span


def run_procedures(plain: str) -> dict[str, str]:
    """Digests of the `RUN_PROCEDURES` that a file without comments defines, by name."""
    bare = without_strings(outside_templates(plain))
    digests = {}
    for name in RUN_PROCEDURES:
        span = procedure_span(bare, name)
        if span is not None:
            digests[name] = digest(plain[slice(*span)])
    return digests


@dataclass(frozen=True)
class DefaultSection:
    """A template's first section, which NEURON takes where code names none.

    Attributes
    ----------
    name : str
        The section.
    init : int
        Where in the text the statements of the template's ``init`` begin.
    end : int
        Where the template ends.
    """

    name: str
    init: int
    end: int


def default_sections(plain: str) -> list[DefaultSection]:
    """The first section of each template of a file without comments.

    A template without sections of its own, or without ``init``, is left out.
    """
    defaults = []
    for start, body in template_bodies(plain).values():
        bare = without_strings(body)
        span = procedure_span(bare, "init")
        declared = re.search(r"\bcreate\s+(\w+)", _statements(bare))
        if span is not None and declared is not None:
            # hoc wants the names of local variables first
            local = _LOCAL.match(bare, span[0])
            begin = span[0] if local is None else local.end()
            defaults.append(
                DefaultSection(declared.group(1), init=start + begin, end=start + len(body))
            )
    return defaults


def _statements(bare: str) -> str:
    """Blank out what stands in braces: the bodies of procedures."""
    depth, kept = 0, []
    for letter in bare:
        depth += letter == "{"
        kept.append(" " if depth else letter)
        depth -= letter == "}"
    return "".join(kept)
