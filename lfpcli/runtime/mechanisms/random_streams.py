"""Random numbers of mechanisms: streams of the interpreter become RANDOM variables of NMODL.

Older mechanisms keep a pointer to a generator of hoc, which a procedure sets and a function draws
from, both in C. CoreNEURON cannot follow the pointer, and where it is not set they draw from one
stream of the whole process. A RANDOM variable is a stream of each instance, in both engines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lfpcli.runtime.mechanisms.c_code import VERBATIM, Edit, blanked, edited, whole_lines
from lfpcli.runtime.mechanisms.sources import neuron_block, pointers_in

# what draws from one stream of the process, and what draws the same from a RANDOM variable
_OF_PROCESS = {
    "scop_random": "random_uniform",
    "exprand": "random_negexp",
    "normrand": "random_normal",
}
_DRAW = re.compile(rf"\b({'|'.join(_OF_PROCESS)})\s*\(")
# laws that comments say a generator of hoc must have
_SAID = {"uniform": "random_uniform", "negexp": "random_negexp", "normal": "random_normal"}
# all that a function which merely draws consists of
_WORDS_OF_A_DRAW = frozenset(
    re.findall(
        r"\w+",
        "if else double value return nrn_random_pick Rand RANDCAST void _nt nrn_threads exit printf"
        " hoc_execerror hoc_execerr_ext nullptr NULL VERBATIM ENDVERBATIM",
    )
)
_SETTER = """\
 {{
VERBATIM
#if !NRNBBCORE
    if (ifarg(1) && hoc_is_object_arg(1)) {{
        /* the stream of a Random123 generator goes on here; others give the numbers of a stream */
        Rand* generator = nrn_random_arg(1);
        uint32_t id[3];
        if (nrn_random_isran123(generator, &id[0], &id[1], &id[2])) {{
            uint32_t sequence;
            char which;
            nrn_random123_getseq(generator, &sequence, &which);
            nrnran123_setids({name}, id[0], id[1], id[2]);
            nrnran123_setseq({name}, sequence, which);
        }} else {{
            union {{ double value; uint32_t word[2]; }} first, second;
            first.value = nrn_random_pick(generator);
            second.value = nrn_random_pick(generator);
            nrnran123_setids({name}, first.word[0] ^ first.word[1],
                             second.word[0] ^ second.word[1], 1);
            nrnran123_setseq({name}, 0, 0);
        }}
    }} else if (ifarg(2)) {{
        nrnran123_setids({name}, (uint32_t) *getarg(1), (uint32_t) *getarg(2),
                         ifarg(3) ? (uint32_t) *getarg(3) : 0);
        nrnran123_setseq({name}, 0, 0);
    }}
#endif
ENDVERBATIM
}}"""


@dataclass(frozen=True, kw_only=True)
class StreamVariable:
    """How the instances of a mechanism get random streams of their own.

    Attributes
    ----------
    name : str
        The RANDOM variable, or the pointer.
    takes : {'variable', 'numbers', 'generator'}
        Whether it is a RANDOM variable; else what its procedure takes: two or three numbers of a
        stream, or a generator of hoc.
    setter : str
        That procedure; empty for RANDOM variables.
    law : str
        Which numbers the generator has to give, such as ``random_uniform``; empty where that is
        not said, or not needed.
    """

    name: str
    takes: str
    setter: str = ""
    law: str = ""


def stream_variables(text: str) -> tuple[StreamVariable, ...]:
    """Find the random streams of a mechanism.

    Parameters
    ----------
    text : str
        Its source.

    Returns
    -------
    tuple of StreamVariable
        RANDOM variables first.
    """
    block = neuron_block(text)
    streams: list[StreamVariable] = []
    for names in re.findall(r"\bRANDOM\b[ \t]+(\w+(?:\s*,\s*\w+)*)", block):
        streams += [StreamVariable(name=n, takes="variable") for n in re.findall(r"\w+", names)]
    pointers = re.findall(r"\b(?:BBCORE)?POINTER\s+(\w+(?:\s*,\s*\w+)*)", block)
    plain = blanked(text)
    for pointer in re.findall(r"\w+", " ".join(pointers)):
        users = [each for each in _blocks(plain) if f"_p_{pointer}" in each.body]
        by_numbers = [u for u in users if "nrnran123_newstream" in u.body and "getarg" in u.body]
        by_generator = [u for u in users if "nrn_random_arg" in u.body]
        if by_numbers:
            setter = by_numbers[0].name
            streams.append(StreamVariable(name=pointer, takes="numbers", setter=setter))
        elif by_generator:
            setter = by_generator[0].name
            laws = {_law(u, pointer, text) for u in users if u not in by_generator}
            law = (laws.pop() or "") if len(laws) == 1 else ""
            streams.append(
                StreamVariable(
                    name=pointer,
                    takes="generator",
                    setter=setter,
                    law=law.removesuffix(f"({pointer})"),
                )
            )
    return tuple(streams)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A PROCEDURE or FUNCTION.

    Attributes
    ----------
    keyword, name : str
        What it is, and its name.
    start, end : int
        Its body, braces included.
    body : str
        The body without comments and strings.
    """

    keyword: str
    name: str
    start: int
    end: int
    body: str


def with_random_variables(text: str) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Rewrite the random numbers of a .mod file.

    Parameters
    ----------
    text : str
        The file.

    Returns
    -------
    text : str
        The file with RANDOM variables.
    changes : list of str
        What was changed.
    leftovers : list of (int, str)
        What was not, each with its line.
    """
    changes: list[str] = []
    leftovers: list[tuple[int, str]] = []
    for pointer in pointers_in(neuron_block(text)):
        text, change, leftover = _without_pointer(text, pointer)
        changes += change
        leftovers += leftover
    text, change, leftover = _without_stream_of_process(text)
    if changes or change:
        text = _thread_safe(text)
    return text, changes + change, leftovers + leftover


def _without_pointer(text: str, pointer: str) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Replace a pointer to a generator by a RANDOM variable of its name, where that goes."""
    plain = blanked(text)
    users = [block for block in _blocks(plain) if f"_p_{pointer}" in block.body]
    setters = [block for block in users if "nrn_random_arg" in block.body]
    draws = [block for block in users if block not in setters]
    if not setters or not any("nrn_random_pick" in block.body for block in draws):
        return text, [], []
    line = _line(plain, setters[0].start)
    inside = sum(block.body.count(f"_p_{pointer}") for block in users)
    if inside != plain.count(f"_p_{pointer}"):
        return text, [], [(line, f"code outside of procedures uses the generator '{pointer}'")]
    edits = [_setter_edit(block, pointer) for block in setters]
    for block in draws:
        law = _law(block, pointer, text)
        if law is None:
            at = _line(plain, block.start)
            reason = f"what '{block.name}' draws is not said, or it does more than draw"
            return text, [], [(at, f"{reason}: the pointer '{pointer}' stays, for NEURON alone")]
        body = f" {{\n    {block.name} = {law}\n}}"
        edits.append(Edit(block.start, block.end, body, f"{block.name} draws {law}"))
    edits += _declaration_edits(text, plain, pointer)
    changes = [f"the pointer '{pointer}' to a generator of hoc becomes a RANDOM variable"]
    return edited(text, edits), changes + [edit.reason for edit in edits if edit.reason], []


def _setter_edit(block: _Block, pointer: str) -> Edit:
    return Edit(
        block.start,
        block.end,
        _SETTER.format(name=pointer),
        f"{block.name} takes a generator of hoc, or the two or three numbers of a stream",
    )


def _declaration_edits(text: str, plain: str, pointer: str) -> list[Edit]:
    """POINTER becomes RANDOM in the NEURON block, and ASSIGNED loses the name."""
    edits = []
    listed = rf"(?:\w+\s*,\s*)*{pointer}\b(?:\s*,\s*\w+)*"
    statement = re.search(rf"(?<!BBCORE)\bPOINTER\s+({listed})", plain)
    assert statement is not None  # or it would be no pointer
    others = [name for name in re.findall(r"\w+", statement[1]) if name != pointer]
    kept = f"POINTER {', '.join(others)}\n        " if others else ""
    edits.append(Edit(statement.start(), statement.end(), f"{kept}RANDOM {pointer}", ""))
    for block in re.finditer(r"\b(?:ASSIGNED|PARAMETER)\s*\{([^{}]*)\}", plain):
        for name in re.finditer(rf"\b{pointer}\b[ \t]*(?:\([^()\n]*\))?", block[1]):
            start, stop = block.start(1) + name.start(), block.start(1) + name.end()
            start, stop = whole_lines(text, start, stop)
            edits.append(Edit(start, stop, "", ""))
    return edits


def _law(block: _Block, pointer: str, text: str) -> str | None:
    """What a function draws, as NMODL says it; None where it does more, or does not tell."""
    body = block.body
    fallback = _DRAW.search(body)
    arguments = ""
    if fallback is not None:
        arguments = _arguments(body, fallback.end() - 1)
        body = body.replace(f"{fallback[0]}{arguments})", "fallback_value", 1)
    names = {block.name, f"_l{block.name}", f"_p_{pointer}", "fallback_value"}
    names |= {f"ret_{block.name}"}
    words = set(re.findall(r"[A-Za-z_]\w*", body))
    # what is multiplied or added to is no mere draw; casts have a star before a parenthesis
    arithmetic = re.search(r"[-+/%]|\*(?!\s*\))", re.sub(r"\b\d[\d.]*\b", "", body))
    if words - names - _WORDS_OF_A_DRAW or arithmetic or body.count("nrn_random_pick") != 1:
        return None
    if fallback is not None:
        return _draw_of(fallback[1], arguments, pointer)
    said = re.findall(r"\bRandom\.(uniform|negexp|normal)\b", text[block.start : block.end])
    if len(set(said)) == 1:
        return f"{_SAID[said[0]]}({pointer})"
    return None


def _draw_of(function: str, arguments: str, variable: str) -> str:
    """The draw from a RANDOM variable that has the law of one of SCoP's functions.

    CoreNEURON's functions know the standard laws alone, so that means and scales stand outside.
    """
    plain = f"{_OF_PROCESS[function]}({variable})"
    if function == "scop_random":
        # it takes no argument, which C compilers did not mind
        return plain
    if function == "exprand":
        mean = arguments.strip()
        return plain if mean == "1" else f"({mean})*{plain}"
    mean, _, deviation = (part.strip() for part in _split(arguments))
    scaled = plain if deviation == "1" else f"({deviation})*{plain}"
    return scaled if mean == "0" else f"(({mean}) + {scaled})"


def _split(arguments: str) -> tuple[str, str, str]:
    """Two arguments, parted at the comma that stands in no parentheses."""
    depth = 0
    for k, character in enumerate(arguments):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            return arguments[:k], ",", arguments[k + 1 :]
    return arguments, ",", "1"


def _arguments(body: str, opening: int) -> str:
    """What stands between a parenthesis and the one that closes it."""
    depth = 0
    for k in range(opening, len(body)):
        depth += {"(": 1, ")": -1}.get(body[k], 0)
        if depth == 0:
            return body[opening + 1 : k]
    return body[opening + 1 :]


def _without_stream_of_process(text: str) -> tuple[str, list[str], list[tuple[int, str]]]:
    """Let NMODL's own functions draw from a stream of each instance."""
    plain = blanked(text)
    statements = VERBATIM.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), plain)
    draws = list(_DRAW.finditer(statements))
    leftovers = [
        (_line(plain, match.start()), f"{match[1]} has no counterpart that draws from a stream")
        for match in re.finditer(r"\b(poisrand|poisson|gauss)\s*\(", statements)
    ]
    seeds = re.search(r"\bset_seed\s*\(", statements)
    if draws and seeds is not None:
        at = _line(plain, seeds.start())
        return text, [], [*leftovers, (at, "set_seed seeds the one stream of a process")]
    if not draws:
        return text, [], leftovers
    name = "rng"
    while re.search(rf"\b{name}\b", plain):
        name += "_"
    edits = []
    for draw in draws:
        function = draw[1]
        arguments = _arguments(statements, draw.end() - 1)
        if _DRAW.search(arguments):
            at = _line(plain, draw.start())
            return text, [], [*leftovers, (at, f"{function} has another draw as its argument")]
        end = draw.end() + len(arguments) + 1
        reason = f"{function}, one stream of a process, becomes {_OF_PROCESS[function]} of '{name}'"
        edits.append(Edit(draw.start(), end, _draw_of(function, arguments, name), reason))
    block = re.search(r"\bNEURON\s*\{", plain)
    assert block is not None  # or the file was not read
    edits.append(Edit(block.end(), block.end(), f"\n    RANDOM {name}", ""))
    return edited(text, edits), [edit.reason for edit in edits if edit.reason], leftovers


def _thread_safe(text: str) -> str:
    """Say THREADSAFE, without which the two translations have different variables."""
    plain = blanked(text)
    block = re.search(r"\bNEURON\s*\{", plain)
    if block is None or re.search(r"\bTHREADSAFE\b", neuron_block(text)):
        return text
    return f"{text[: block.end()]}\n    THREADSAFE{text[block.end() :]}"


def _blocks(plain: str) -> Sequence[_Block]:
    """Procedures and functions of a file without comments."""
    blocks = []
    for match in re.finditer(r"\b(PROCEDURE|FUNCTION)\s+(\w+)\s*\([^{}]*?(?=\{)", plain):
        start = match.end()
        depth = 0
        for k in range(start, len(plain)):
            depth += {"{": 1, "}": -1}.get(plain[k], 0)
            if depth == 0:
                body = plain[start : k + 1]
                # the space before the brace belongs to what is replaced
                first = len(plain[:start].rstrip())
                blocks.append(
                    _Block(keyword=match[1], name=match[2], start=first, end=k + 1, body=body)
                )
                break
    return blocks


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
