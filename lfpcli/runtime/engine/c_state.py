"""What C code in mechanisms has of its process, and all instances of a mechanism therefore share.

C code stands in VERBATIM blocks, where nothing keeps it from variables and generators of random
numbers that are one in a process: what cells get depends on which others their process holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lfpcli.runtime.mechanisms.blocks import blocks_of, flat
from lfpcli.runtime.mechanisms.c_code import VERBATIM
from lfpcli.runtime.mechanisms.random_streams import stream_variables

# NMODL's functions that draw from one stream of the whole process
_NMODL_DRAWS = re.compile(r"\b(scop_random|exprand|normrand|poisrand)\s*\(")
# generators of C with one state in a process; those of NEURON whose state the code itself keeps
_C_DRAWS = re.compile(
    r"\b(rand|random|drand48|lrand48|mrand48|mcell_ran4|mcell_ran4a|mcell_iran4|mcell_iran4a)\s*\("
    r"|\bstd\s*::\s*(mt19937\w*|default_random_engine|minstd_rand0?)\b"
)
_SEEDS = r"srand|srand48|srandom|seed48|set_seed|mcell_ran4_init|nrn_random123_setseq"
_SEEDED = {"rand", "random", "drand48", "lrand48", "mrand48"}
_PROTOTYPE = re.compile(r"\b(?:double|void|int|long)\s+\w+\s*\([^(){};]*\)\s*;")
_CLOCK = re.compile(
    rf"\b(?:{_SEEDS})\s*\([^;]*?\b(time|clock|gettimeofday|getpid)\s*\(|\bstd\s*::\s*(random_device)\b"
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_OF_TYPE = (
    r"(?:(?:unsigned|signed|long|short)\s+)*"
    r"(?:int|double|float|long|short|bool|unsigned|size_t|u?int\d+_t)\b"
)
# a constant is the same for all, what is declared extern is defined elsewhere, and texts are names
# of files and messages
_STATIC = re.compile(
    r"\bstatic\s+(?!const\b|constexpr\b|inline\b|char\b)[A-Za-z_][\w:<> ]*?[\s*&]+([A-Za-z_]\w*)\s*"
    r"(?:\[[^\]]*\]\s*)*[=;,]"
)
_OF_FILE = re.compile(rf"(?:^|[;}}])\s*{_OF_TYPE}[\s*]+([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*[=;,]")


@dataclass(frozen=True, kw_only=True)
class ProcessGenerator:
    """A generator of random numbers that a process has once.

    Attributes
    ----------
    name : str
        The function that draws from it.
    is_of_c : bool
        Whether C code draws from a generator of C.
    """

    name: str
    is_of_c: bool

    @property
    def can_be_seeded(self) -> bool:
        """Whether a seed can be set that the mechanism's own code does not keep."""
        return not self.is_of_c or self.name in _SEEDED


def process_generator(text: str, *, is_pointer_unset: bool = False) -> ProcessGenerator | None:
    """The generator of its process that a mechanism draws from; None where it does not.

    Parameters
    ----------
    text : str
        Its source without comments of NMODL.
    is_pointer_unset : bool
        Whether a POINTER of it is not set, as that to a generator may be.
    """
    streams = [] if is_pointer_unset else stream_variables(text)
    for block in blocks_of(text):
        # what draws from a stream of its own has another one for where nobody gave it any
        if any(f"_p_{stream.name}" in block.body for stream in streams):
            text = text.replace(block.body, " ")
    code = _PROTOTYPE.sub(" ", _plain(" ".join(VERBATIM.findall(text))))
    draw = _NMODL_DRAWS.search(VERBATIM.sub(" ", text)) or _NMODL_DRAWS.search(code)
    if draw is not None:
        return ProcessGenerator(name=draw[1], is_of_c=False)
    draw = _C_DRAWS.search(code)
    if draw is None:
        return None
    return ProcessGenerator(name=draw[1] or f"std::{draw[2]}", is_of_c=True)


def clock_seed(code: str) -> str | None:
    """What of the clock or of the system C code takes a seed from; None for nothing.

    Parameters
    ----------
    code : str
        Source of a mechanism without comments of NMODL.
    """
    match = _CLOCK.search(_plain(code))
    return None if match is None else match[1] or f"std::{match[2]}"


def c_variable(text: str) -> str | None:
    """A variable of C code that all instances of a mechanism share; None where there is none.

    Parameters
    ----------
    text : str
        Source of a mechanism without comments of NMODL.
    """
    plain = re.sub(r"\s+", " ", _plain(text))
    code = " ".join(VERBATIM.findall(plain))
    # what stands in no braces is outside of blocks, and of functions in C
    outside = " ".join(VERBATIM.findall(flat(plain)))
    declared = [*_STATIC.finditer(code), *_OF_FILE.finditer(outside)]
    return next((match[1] for match in declared if _is_changed(match[1], code)), None)


def _is_changed(name: str, code: str) -> bool:
    """Whether C code may set a variable elsewhere than where it is declared.

    A table of coefficients, which is read alone, is the same for all.
    """
    used = re.compile(rf"([&*]|\+\+|--)?\s*\b{name}\b\s*((?:\[[^\]]*\]\s*)*)(\S?\S?)")
    count = 0
    for match in used.finditer(code):
        before, indices, after = match.groups()
        is_array = bool(indices)
        count += 1
        if count == 1:
            declared_array = is_array
            continue
        is_set = re.match(r"=(?!=)|[-+*/%&|^]=|\+\+|--|<<|>>", after) is not None
        # a pointer to it, by whose means it may be set elsewhere
        if is_set or before in ("&", "++", "--") or is_array != declared_array:
            return True
    return False


def _plain(code: str) -> str:
    """C code without comments, strings and lines of the preprocessor."""
    code = _STRING.sub('""', _COMMENT.sub(" ", code))
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", code, flags=re.MULTILINE)
