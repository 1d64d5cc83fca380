"""What statements of NMODL do with variables: which they read as they were, and which they set.

The statements of each block are followed in their order, through the branches of conditions and
into procedures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lfpcli.runtime.mechanisms.blocks import Block, arguments

_TOKENS = re.compile(r"[A-Za-z_]\w*|[\d.]+(?:[eE][+-]?\d+)?|[=<>!]=|&&|\|\||\S")
_NAME = re.compile(r"[A-Za-z_]\w*")
# statements that set nothing themselves
_HINTS = re.compile(
    r"\bSOLVE\s+\w+(\s+(METHOD|STEADYSTATE)\s+\w+)?|\bCONDUCTANCE\s+\w+(\s+USEION\s+\w+)?"
    r"|\bTABLE\b[^{}]*?\bWITH\s+\w+|\bUNITSO(N|FF)\b"
)
_OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}


@dataclass
class Flow:
    """What a stretch of statements does with variables.

    Attributes
    ----------
    read : set of str
        Names whose value from before it counts.
    written : set of str
        Names that it sets in any case.
    touched : set of str
        Names that it may set.
    unset : set of str
        Names that it reads in any case, and before anything in it may have set them.
    """

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    unset: set[str] = field(default_factory=set)

    def add(self, other: Flow) -> None:
        """Let another stretch follow."""
        self.read |= other.read - self.written
        self.unset |= other.unset - self.touched
        self.written |= other.written
        self.touched |= other.touched

    def add_parallel(self, other: Flow) -> None:
        """Let another stretch run at some other time."""
        self.read |= other.read
        self.touched |= other.touched

    def without(self, names: set[str]) -> Flow:
        """The same where some names are those of variables of its own."""
        return Flow(
            read=self.read - names,
            written=self.written - names,
            touched=self.touched - names,
            unset=self.unset - names,
        )


class Follower:
    """Follows the statements of blocks.

    Parameters
    ----------
    blocks : sequence of Block
        All blocks of a mechanism.

    Attributes
    ----------
    unset_locals : set of str
        LOCAL variables, of the blocks that were followed, that are read before anything sets them.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._procedures = {b.title: b for b in blocks if b.keyword in ("PROCEDURE", "FUNCTION")}
        self._flows: dict[str, Flow] = {}
        self.unset_locals: set[str] = set()

    def of_block(self, block: Block) -> Flow:
        """What a block does."""
        tokens = _TOKENS.findall(_HINTS.sub(" ", block.body))
        flow = _Statements(tokens, self).sequence()
        return flow.without(arguments(block.header) | {block.title})

    def of_name(self, name: str) -> Flow:
        """What it does to name a variable, or to call a procedure or function."""
        block = self._procedures.get(name)
        if block is None:
            return Flow(read={name}, unset={name})
        if name not in self._flows:
            # one that calls itself is not followed again
            self._flows[name] = Flow()
            self._flows[name] = self.of_block(block)
        return self._flows[name]


class _Statements:
    """Reads statements of NMODL, which has no sign between them.

    Parameters
    ----------
    tokens : sequence of str
        Words, numbers and signs.
    follower : Follower
        What knows the procedures.
    """

    def __init__(self, tokens: Sequence[str], follower: Follower) -> None:
        self._tokens, self._follower = list(tokens), follower
        self._position = self._asked_until = self._loops = 0

    def sequence(self) -> Flow:
        """Read up to the brace that closes a block, and that brace."""
        flow = Flow()
        local: set[str] = set()
        # the condition right before, and what is set where it holds
        last: tuple[list[str], set[str]] = [], set()
        while self._next not in ("}", ""):
            begin = self._position
            if self._next == "LOCAL":
                self._position += 1
                local |= self._expression().read
            elif self._next == "if":
                step, branch = self._condition()
                asked = self._tokens[begin + 1 : self._asked_until]
                if asked == _opposite(last[0]):
                    step.written |= branch & last[1]
                last = asked, branch
                flow.add(step)
                continue
            else:
                flow.add(self._statement())
            last = [], set()
        self._position += 1
        self._follower.unset_locals |= flow.unset & local
        return flow.without(local)

    @property
    def _next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _statement(self) -> Flow:
        """Read a loop, a block, an assignment or a call."""
        if self._next in ("while", "FOR_NETCONS", "FROM"):
            return self._loop()
        if self._next == "{":
            return self._block()
        name, begin = self._next, self._position
        if _NAME.fullmatch(name):
            self._position += 1
            flow = self._bracketed("[", "]")
            is_element = self._position > begin + 1
            if self._next == "=":
                self._position += 1
                flow.add(self._expression())
                # one element alone leaves the others as they were
                written = set() if is_element and not self._loops else {name}
                flow.add(Flow(written=written, touched={name}))
                return flow
            self._position = begin
        return self._expression()

    def _expression(self) -> Flow:
        """Read up to the next statement: a word behind one that no sign connects with it."""
        flow = Flow()
        depth, is_complete = 0, False
        while self._next not in ("{", "}", ""):
            token = self._next
            is_word = token[0].isalnum() or token[0] in "._"
            # a reaction of a KINETIC block begins with a sign
            if (is_word or token == "~") and is_complete and depth == 0:
                break
            if is_word:
                if _NAME.fullmatch(token):
                    flow.add(self._follower.of_name(token))
                is_complete = True
            elif token in ("(", "["):
                depth, is_complete = depth + 1, False
            elif token in (")", "]"):
                depth, is_complete = depth - 1, True
            elif token != "'":
                is_complete = False
            self._position += 1
        return flow

    def _bracketed(self, opening: str, closing: str) -> Flow:
        """Read from a bracket to the one that closes it; nothing where there is none."""
        flow = Flow()
        depth = 0
        while self._next and (depth or self._next == opening):
            depth += (self._next == opening) - (self._next == closing)
            if _NAME.fullmatch(self._next):
                flow.add(self._follower.of_name(self._next))
            self._position += 1
        return flow

    def _block(self) -> Flow:
        """Read what stands in braces."""
        if self._next == "{":
            self._position += 1
        return self.sequence()

    def _loop(self) -> Flow:
        """Read a loop; one from a number to another runs once at least."""
        is_counted = self._next == "FROM"
        self._position += 1
        flow = Flow()
        if is_counted:
            # what counts is set, by the sign behind it
            flow.add(Flow(written={self._next}, touched={self._next}))
            self._position += 2
        flow.add(self._expression())
        asked = set(flow.unset)
        while self._next not in ("{", "}", ""):
            flow.add(self._statement())
        self._loops += is_counted
        flow.add(self._block())
        self._loops -= is_counted
        return flow if is_counted else Flow(read=flow.read, touched=flow.touched, unset=asked)

    def _condition(self) -> tuple[Flow, set[str]]:
        """Read a condition with all its branches; what they do, and what the first one sets."""
        self._position += 1
        flow = self._bracketed("(", ")")
        until = self._position
        first, other = self._block(), Flow()
        if self._next == "else":
            self._position += 1
            other = self._condition()[0] if self._next == "if" else self._block()
        self._asked_until = until
        flow.add(
            Flow(
                read=first.read | other.read,
                written=first.written & other.written,
                touched=first.touched | other.touched,
                unset=first.unset & other.unset,
            )
        )
        return flow, first.written


def _opposite(condition: Sequence[str]) -> list[str]:
    """The condition that holds where another one does not; none where it has several parts."""
    signs = [token for token in condition if token in _OPPOSITE]
    if len(signs) != 1 or {"&&", "||", "!"} & set(condition):
        return []
    return [_OPPOSITE.get(token, token) for token in condition]
