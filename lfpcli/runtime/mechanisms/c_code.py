"""C code in VERBATIM blocks: what C compilers took and C++ compilers refuse, mended in its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from lfpcli.runtime.mechanisms.sources import without_comments
from lfpcli.runtime.mechanisms.toolchain import neuron_folder

VERBATIM = re.compile(r"\bVERBATIM\b(.*?)\bENDVERBATIM\b", re.DOTALL)
# headers that NEURON puts before every translated mechanism
_HEADERS = ("bbsavestate", "mcran4", "nrncvode", "nrnran123", "nrnrandom", "oc_ansi", "scoplib")
# words that no declaration begins with, and types of a declaration
_NO_TYPES = "return|else|goto|case|throw|new|delete|typedef|using|if|while|do|for|switch"
_TYPE = (
    rf"(?!(?:{_NO_TYPES})\b)(?:(?:extern|static|const|unsigned|signed|struct|long|short)\s+)*"
    r"[A-Za-z_]\w*"
)
_DECLARATOR = r"[A-Za-z_]\w*\s*\([^(){};]*\)"
_DECLARATION = re.compile(
    rf'\s*(?:extern\s+"C"\s*)?{_TYPE}[\s*]+{_DECLARATOR}(?:\s*,[\s*]*{_DECLARATOR})*\s*'
)
# functions of C that return memory of no type
_ALLOCATES = (
    r"(?:malloc|calloc|realloc|hoc_Emalloc|hoc_Ecalloc|hoc_Erealloc|emalloc|ecalloc|erealloc)"
)
_KR_DEFINITION = re.compile(
    r"(?P<head>(?:^|(?<=[;}\n]))[ \t]*(?P<type>(?:[A-Za-z_]\w*[ \t*]+)*)\**(?P<name>[A-Za-z_]\w*))"
    r"[ \t]*\((?P<names>\s*[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*)\)"
    r"(?P<types>\s*(?:[A-Za-z_][\w \t]*[\s*]+[A-Za-z_]\w*(?:\s*\[\s*\])?"
    r"(?:\s*,[\s*]*[A-Za-z_]\w*(?:\s*\[\s*\])?)*\s*;\s*)+)\{"
)


@dataclass(frozen=True)
class Edit:
    """A replacement in a text.

    Attributes
    ----------
    start, end : int
        What is replaced.
    text : str
        By what.
    reason : str
        Why, as a user is told.
    """

    start: int
    end: int
    text: str
    reason: str


def edited(text: str, edits: list[Edit]) -> str:
    """Return a text with replacements that do not overlap."""
    for edit in sorted(edits, key=lambda each: -each.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a range to the lines that hold nothing else, so that no empty ones stay."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    if last < 0 or text[first:start].strip() or text[end:last].strip():
        return start, end
    return first, last + 1


def blanked(text: str) -> str:
    """A .mod file's text without comments of NMODL and C, and without strings, columns kept."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    def blank_verbatim(match: re.Match[str]) -> str:
        # strings first would take an apostrophe of a comment for their begin
        return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, match[0], flags=re.DOTALL)

    plain = without_comments(text)
    plain = VERBATIM.sub(blank_verbatim, plain)
    return plain


def verbatim_edits(text: str) -> list[Edit]:
    """What must change in the C code of a .mod file.

    Parameters
    ----------
    text : str
        The file.

    Returns
    -------
    list of Edit
        Without overlaps.
    """
    plain = blanked(text)
    edits: list[Edit] = []
    finders: tuple[Callable[[str, int], Iterator[Edit]], ...] = (
        _declarations,
        _old_definitions,
        _untyped_memory,
        _untyped_streams,
    )
    for block in VERBATIM.finditer(plain):
        for find in finders:
            edits += find(block[1], block.start(1))
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda each: each.start):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


@cache
def functions_of_neuron() -> frozenset[str]:
    """Names of the functions that NEURON declares to every mechanism."""
    names: set[str] = set()
    folder = neuron_folder() / ".data/include"
    for stem in _HEADERS:
        path = folder / f"{stem}.h"
        if path.exists():
            names |= set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", path.read_text(errors="replace")))
    # macros by which old code calls them
    return frozenset(names | {name.removeprefix("hoc_") for name in names})


def _declarations(code: str, offset: int) -> Iterator[Edit]:
    """Declarations of NEURON's functions, which clash with, or hide, those of its headers."""
    for statement in re.finditer(r"[^;{}#]+;", code):
        # a preprocessor's line ends at its end
        start = statement.start()
        body = statement[0]
        line = re.match(r"[^\n]*", body)
        if code[:start].rpartition("\n")[2].lstrip().startswith("#") and line is not None:
            start, body = start + line.end(), body[line.end() :]
        if not _DECLARATION.fullmatch(body[:-1]):
            continue
        names = re.findall(r"([A-Za-z_]\w*)\s*\(", body)
        if not all(name in functions_of_neuron() for name in names):
            continue
        start += len(body) - len(body.lstrip())
        first, last = whole_lines(code, start, statement.end())
        listed = ", ".join(names)
        yield Edit(
            offset + first,
            offset + last,
            "",
            f"{listed}: NEURON declares it itself, with types that this would clash with",
        )


def _old_definitions(code: str, offset: int) -> Iterator[Edit]:
    """Definitions whose arguments get their types behind the parenthesis."""
    for match in _KR_DEFINITION.finditer(code):
        names = [name.strip() for name in match["names"].split(",")]
        types: dict[str, str] = {}
        for declaration in match["types"].split(";"):
            first = re.match(
                r"\s*((?:[A-Za-z_]\w*\s+)*[A-Za-z_]\w*)(?=[\s*]+[A-Za-z_])", declaration
            )
            if first is None:
                continue
            for declarator in declaration[first.end() :].split(","):
                name = re.search(r"[A-Za-z_]\w*", declarator)
                if name is not None:
                    shape = " ".join(declarator.split())
                    types[name[0]] = f"{first[1]} {shape}"
        if set(names) != set(types) or re.match(rf"\s*(?:{_NO_TYPES})\b", match["head"]):
            continue
        head = match["head"] if match["type"].strip() else _with_int(match["head"])
        arguments = ", ".join(types[name] for name in names)
        yield Edit(
            offset + match.start(),
            offset + match.end(),
            f"{head}({arguments}) {{",
            f"{match['name']}: types of arguments stand in the parentheses",
        )


def _with_int(head: str) -> str:
    indent = len(head) - len(head.lstrip())
    return f"{head[:indent]}int {head[indent:]}"


def _untyped_memory(code: str, offset: int) -> Iterator[Edit]:
    """Memory and null pointers without a type, given to pointers that have one."""
    pointers: dict[str, str] = {}
    for match in re.finditer(r"\b((?:struct\s+)?[A-Za-z_]\w*)\s*((?:\*\s*)+)([A-Za-z_]\w*)", code):
        pointers.setdefault(match[3], f"{match[1]}{match[2].replace(' ', '')}")
    assigned = re.compile(rf"\b([A-Za-z_]\w*)\s*=\s*({_ALLOCATES}\s*\(|\(\s*void\s*\*\s*\)\s*0\b)")
    for match in assigned.finditer(code):
        declared = pointers.get(match[1])
        # what a star stands before is the memory that the pointer points to
        before = code[: match.start(1)].rstrip()
        is_declared_here = re.search(r"[A-Za-z_]\w*\s*\*+$", before) is not None
        if declared is None or declared == "void*":
            continue
        if before.endswith("*") and not is_declared_here:
            continue
        yield Edit(
            offset + match.start(2),
            offset + match.start(2),
            f"({declared}) ",
            f"{match[1]}: C++ wants the type of a pointer",
        )


def _untyped_streams(code: str, offset: int) -> Iterator[Edit]:
    """Pointers to random streams that are handed on as what NEURON keeps them as."""
    for match in re.finditer(
        r"\b(nrnran123_(?!newstream|set_global|get_global)\w+)\s*\(\s*(?=_p_)", code
    ):
        yield Edit(
            offset + match.end(),
            offset + match.end(),
            "(nrnran123_State*) ",
            f"{match[1]}: C++ wants the type of a pointer",
        )
