"""Values that one instance of a mechanism leaves in a variable and another one reads.

NMODL has variables that all instances in a process share: PARAMETERs that are not RANGE, GLOBAL
ones, and LOCAL ones outside of blocks. They do no harm where each instance sets them before it
reads them; see `flow`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lfpcli.runtime.engine.flow import Flow, Follower
from lfpcli.runtime.mechanisms.blocks import DECLARING, Block, blocks_of, flat, without_units
from lfpcli.runtime.mechanisms.c_code import VERBATIM

# NEURON keeps these itself
_OF_NEURON = {"v", "t", "dt", "celsius", "area", "diam"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_LIST = r"\s+(\w+(?:\s*,\s*\w+)*)"
# indices of what diffuses, which are counted
_COUNTED = re.compile(r"\b(?:COMPARTMENT|LONGITUDINAL_DIFFUSION)\s+(\w+)\s*,")
_NUMBER_WITH_UNIT = re.compile(r"(?<![\w.])(\d[\d.]*)\s*\(\s*/?[A-Za-z]\w*\s*\)")
_CONTINUED = re.compile(r"[-+*/^(,=][ \t]*\n|\n[ \t]*[-+*/^),=]")
_MATHEMATICS = {"exp", "log", "log10", "sqrt", "pow", "fabs"}
_SOLVED = re.compile(r"\bSOLVE\s+(\w+)")
# blocks that run in time steps and at events
_RUNNING = {"BREAKPOINT", "DERIVATIVE", "KINETIC", "LINEAR", "NONLINEAR", "DISCRETE"}
_RUNNING |= {"NET_RECEIVE", "BEFORE", "AFTER"}


def shared_variables(text: str, blocks: Sequence[Block]) -> set[str]:
    """Variables that all instances of a mechanism share.

    Parameters
    ----------
    text : str
        Source of the mechanism without comments and C code.
    blocks : sequence of Block
        Its blocks.
    """
    neuron = _bodies(blocks, "NEURON")
    parameters = _declared(blocks, "PARAMETER") - _listed("RANGE", neuron)
    # those of blocks are new each time, however deep their braces go
    shared = _listed("GLOBAL", neuron) | parameters | _listed("LOCAL", flat(text))
    ions = _listed("READ", neuron) | _listed("WRITE", neuron)
    return shared - _declared(blocks, "STATE") - ions - _OF_NEURON


def left_to_others(text: str, blocks: Sequence[Block]) -> str | None:
    """A variable that an instance may find as another one has left it; None where there is none.

    Parameters
    ----------
    text : str
        Source of the mechanism without comments and C code.
    blocks : sequence of Block
        Its blocks.
    """
    shared = shared_variables(text, blocks)
    if not shared:
        return None
    follower = Follower(blocks)
    shared = shared - unread_variables(blocks) - _constants(blocks, follower)
    solved = {name for block in blocks for name in _SOLVED.findall(block.body)}
    running = Flow()
    for block in blocks:
        if block.keyword in _RUNNING or block.title in solved:
            running.add_parallel(follower.of_block(block))
    # what INITIAL alone sets is the same for all where it depends on what is
    begun = set().union(*(follower.of_block(b).touched for b in blocks if b.keyword == "INITIAL"))
    changed = running.touched | (begun & _by_instance(blocks, shared))
    return min(running.read & changed & shared, default=None)


def unread_variables(blocks: Sequence[Block]) -> set[str]:
    """Variables that nothing reads but statements that set them, such as totals of what came.

    Parameters
    ----------
    blocks : sequence of Block
        All blocks of a mechanism.
    """
    running = [block for block in blocks if block.keyword not in DECLARING]
    named = Counter(_NAME.findall(" ".join(f"{b.header} {b.body}" for b in running)))
    by_itself: Counter[str] = Counter()
    for block in running:
        for name, rest in block.changes:
            by_itself[name] += 1 + _NAME.findall(_right(rest)).count(name)
    return {name for name, count in by_itself.items() if count == named[name]}


def _constants(blocks: Sequence[Block], follower: Follower) -> set[str]:
    """Variables that INITIAL sets to what is the same for all instances, and nothing to another.

    So are factors for the temperature, which procedures set again and again.
    """
    rights: dict[str, set[str]] = {}
    for block in blocks:
        if block.keyword not in DECLARING:
            if _CONTINUED.search(block.body):
                # what is set to a variable may go on in the next line
                return set()
            for name, rest in block.changes:
                rights.setdefault(name, set()).add(_without_notation(_right(rest)))
    ranges = _listed("RANGE", _bodies(blocks, "NEURON"))
    same = _declared(blocks, "PARAMETER") - ranges - rights.keys() - _OF_NEURON
    same |= _declared(blocks, "CONSTANT") | _MATHEMATICS | {"celsius"}
    begin = Flow()
    for block in blocks:
        if block.keyword == "INITIAL":
            begin.add(follower.of_block(block))
    return {
        name
        for name, texts in rights.items()
        if len(texts) == 1 and name in begin.written and set(_NAME.findall(min(texts))) <= same
    } - begin.read


def _right(rest: str) -> str:
    """What is set to a variable, without a further statement on its line."""
    return re.split(r"(?<=[\w)\]])\s+(?=[A-Za-z_])", rest.strip())[0]


def _without_notation(expression: str) -> str:
    """An expression without units behind numbers, blanks, and parentheses about a number."""
    expression = _NUMBER_WITH_UNIT.sub(r"\1", expression)
    return re.sub(r"(?<!\w)\((\d[\d.]*)\)", r"\1", re.sub(r"\s+", "", expression))


def unset_local(text: str) -> str | None:
    """A LOCAL variable that is read before anything sets it; None where there is none.

    It holds what lies in memory by chance, so that results depend on the compiler, on the engine,
    and on what else a process does.

    Parameters
    ----------
    text : str
        Source of the mechanism without comments.
    """
    blocks = blocks_of(VERBATIM.sub(_set_in_c, _COUNTED.sub(r"\1 = 0 ", text)))
    follower = Follower(blocks)
    solved = {name for block in blocks for name in _SOLVED.findall(block.body)}
    for block in blocks:
        if block.keyword in _RUNNING | {"INITIAL"} or block.title in solved:
            follower.of_block(block)
    return min(follower.unset_locals, default=None)


def _set_in_c(match: re.Match[str]) -> str:
    """Assignments to the LOCAL variables that C code names."""
    return "".join(f" {name} = 0 " for name in re.findall(r"\b_l(\w+)", match[0]))


def _by_instance(blocks: Sequence[Block], shared: set[str]) -> set[str]:
    """Names that depend on what instances have of their own, directly or through others."""
    own = _declared(blocks, "STATE") | _declared(blocks, "ASSIGNED") | {"v"}
    own = own - shared - {"t", "dt", "celsius"} | _listed("RANGE", _bodies(blocks, "NEURON"))
    changes = [change for block in blocks for change in block.changes]
    count = -1
    while len(own) != count:
        count = len(own)
        own |= {name for name, right in changes if own & set(_NAME.findall(right))}
    return own


def _bodies(blocks: Sequence[Block], keyword: str) -> str:
    return "\n".join(block.body for block in blocks if block.keyword == keyword)


def _declared(blocks: Sequence[Block], keyword: str) -> set[str]:
    return set(_NAME.findall(without_units(_bodies(blocks, keyword))))


def _listed(keyword: str, text: str) -> set[str]:
    lists = re.findall(rf"\b{keyword}{_LIST}", without_units(text))
    return set(_NAME.findall(" ".join(lists)))
