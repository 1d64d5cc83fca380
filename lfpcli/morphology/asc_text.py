"""The text of a Neurolucida file (.asc): contours, and trees as branches of points.

The format nests parentheses: properties and markers begin with a word, contours with a string,
trees with a parenthesis. A branch ends in a word such as ``Normal``, or splits into branches in
parentheses with ``|`` between them. Nesting is followed with a list instead of recursion, so that
no depth of it ends the program, and whatever is no point of a cell is passed over with its
parentheses balanced.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lfpcli.errors import InputError
from lfpcli.morphology.section import APICAL, AXON, DENDRITE

REMEDY = "check that it is a complete Neurolucida file, or convert it to SWC"
TREE_TYPES = {"axon": AXON, "dendrite": DENDRITE, "apical": APICAL}
SOMA_NAMES = ("cellbody", "cell body", "soma")
# a tree that names no type; sections are then called dend_0
UNTYPED = 0

# only one way to match a text, so that no text takes more than linear time
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_GAP = r"[\s,]+"
# a plain point is one token, since nearly all of a file is points
_TOKENS = re.compile(
    rf"""(?P<space>\s+|;[^\n]*)
    |(?P<point>\(\s*({_NUMBER}){_GAP}({_NUMBER})(?:{_GAP}({_NUMBER}))?(?:{_GAP}({_NUMBER}))?\s*\))
    |(?P<sign>[()|<>,])
    |(?P<string>"[^"\n]*")
    |(?P<number>{_NUMBER}(?![\w.]))
    |(?P<word>[^\s()|<>,;"]+)
    |(?P<other>.)""",
    re.VERBOSE,
)
_COORDINATES = slice(2, 6)


class Token(NamedTuple):
    """A piece of the text: its sort, what it says, where it stands, the numbers of a point."""

    sort: str
    text: str
    offset: int
    numbers: tuple[float, ...] = ()


@dataclass
class Branch:
    """An unbranched run of points.

    Attributes
    ----------
    type : int
        Type code of SWC, `UNTYPED` where the tree names none.
    parent : int
        Index among the branches, -1 for the first of a tree.
    offset : int
        Where it begins in the text.
    first, stop : int
        Its points among all points of the file.
    ended : bool
        Whether a word or a split has ended it.
    """

    type: int
    parent: int
    offset: int
    first: int
    stop: int
    ended: bool = False


@dataclass
class Contour:
    """A closed outline.

    Attributes
    ----------
    name : str
        Its string.
    properties : set of str
        Words of its properties, in small letters.
    first, stop : int
        Its points among all points of the file.
    offset : int
        Where it begins in the text.
    """

    name: str
    first: int
    stop: int
    offset: int
    properties: set[str] = field(default_factory=set)

    @property
    def named_soma(self) -> bool:
        """Whether its name is that of a soma."""
        return self.name.lower() in SOMA_NAMES


@dataclass
class Drawing:
    """What a file draws.

    Attributes
    ----------
    points : list of tuple of float
        x, y, z and diameter, um; what a point leaves out is 0.
    offsets : list of int
        Where each point begins in the text.
    branches : list of Branch
        Each after its parent.
    contours : list of Contour
        In the order of the file.
    passed_over : Counter of str
        How many spines, markers, texts there are.
    """

    points: list[tuple[float, float, float, float]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    contours: list[Contour] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


class AscParser:
    """Reads the text of a file into a drawing.

    Parameters
    ----------
    text : str
        The file, with line feeds alone between lines.
    name : str
        What to call it in messages.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._line_ends = [match.start() for match in re.finditer("\n", text)]
        self._end = len(text)
        self.tokens = _tokens(text)
        self.token = next(self.tokens, None)
        self.drawing = Drawing()

    def line_of(self, offset: int) -> int:
        """Line, from 1, of an offset in the text."""
        return bisect.bisect_left(self._line_ends, offset) + 1

    def source_of(self, offset: int) -> str:
        """``file:line`` of an offset in the text."""
        return f"{self.name}:{self.line_of(offset)}"

    def error(self, message: str, offset: int) -> InputError:
        """An error that names the line of an offset."""
        return InputError(message, source=self.source_of(offset), remedy=REMEDY)

    def parse(self) -> Drawing:
        """Read objects up to the end of the file."""
        sets: list[int] = []  # where sets begin that are not closed yet
        while self.token is not None:
            token = self.take()
            if token.text == ")" and sets:
                sets.pop()
            elif token.text == "(":
                self._object(token.offset, sets)
            elif token.text != ",":
                raise self.error(f"'{token.text[:40]}' stands outside of any object", token.offset)
        if sets:
            raise self.unclosed(sets[-1])
        return self.drawing

    def take(self) -> Token:
        """Next token; the text may not end here."""
        token = self.token
        if token is None:
            raise self.error("file ends in the middle of an object", self._end)
        if token.text == '"':
            raise self.error("quotation mark is never closed in its line", token.offset)
        self.token = next(self.tokens, None)
        return token

    def unclosed(self, offset: int) -> InputError:
        return self.error(
            f"parenthesis is never closed, the file ends in line {self.line_of(self._end)}", offset
        )

    def _object(self, offset: int, sets: list[int]) -> None:
        """Read what follows a parenthesis at the top."""
        token = self.token
        if token is None:
            raise self.unclosed(offset)
        if token.sort == "string":
            self._contour(offset)
        elif token.text in ("(", ")", "|", "<") or token.sort == "point":
            self._tree(offset)
        elif token.sort == "word" and token.text.lower() == "set":
            # objects may stand in a set as they do at the top
            sets.append(offset)
            self.take()
            if self.token is not None and self.token.sort == "string":
                self.take()
        elif token.sort == "number":
            raise self.error("point outside of any tree or contour", token.offset)
        else:
            self.pass_over(offset)

    def pass_over(self, offset: int, closing: str = ")") -> str:
        """Skip to the end of a node that is open; return its first word."""
        opening = {")": "(", ">": "<"}[closing]
        word, depth = "", 1
        while depth:
            if self.token is None:
                raise self.unclosed(offset)
            token = self.take()
            if token.text == opening:
                depth += 1
            elif token.text == closing:
                depth -= 1
            elif not word and token.sort == "word":
                word = token.text
        return word

    def add_point(self, numbers: tuple[float, ...], offset: int) -> None:
        x, y, z, diameter = (*numbers, 0.0, 0.0)[:4]
        self.drawing.points.append((x, y, z, diameter))
        self.drawing.offsets.append(offset)

    def long_point(self, offset: int) -> None:
        """Read a point that holds more than numbers: a label, or a Bezier curve."""
        numbers: list[float] = []
        label: Token | None = None
        while True:
            if self.token is None:
                raise self.unclosed(offset)
            token = self.take()
            if token.text == ")":
                break
            if token.text == "(" or token.sort == "point":
                if token.text == "(":
                    self.pass_over(token.offset)
            elif token.sort == "number":
                numbers.append(float(token.text))
                if label is not None:
                    raise self.error(f"'{label.text[:40]}' stands in a point", label.offset)
            elif token.sort == "word":
                label = token
            elif token.text != ",":
                raise self.error(f"'{token.text[:40]}' stands in a point", token.offset)
        if not 2 <= len(numbers) <= 4:
            raise self.error(
                f"point has {len(numbers)} numbers, expected 2 to 4 (x y z diameter)", offset
            )
        self.add_point(tuple(numbers), offset)

    def _contour(self, offset: int) -> None:
        name = self.take().text.strip('"')
        first = len(self.drawing.points)
        contour = Contour(name, first=first, stop=first, offset=offset)
        while True:
            if self.token is None:
                raise self.unclosed(offset)
            token = self.take()
            if token.text == ")":
                break
            self._contour_item(token, contour)
        contour.stop = len(self.drawing.points)
        self.drawing.contours.append(contour)

    def _contour_item(self, token: Token, contour: Contour) -> None:
        if token.sort == "point":
            self.add_point(token.numbers, token.offset)
        elif token.text == "(" and self.token is not None and self.token.sort == "number":
            self.long_point(token.offset)
        elif token.text == "(":
            contour.properties.add(self.pass_over(token.offset).lower())
        elif token.text == "<":
            self.pass_over(token.offset, ">")
        elif token.text in ("|", ">") or token.sort in ("number", "other"):
            raise self.error(f"'{token.text[:40]}' stands in a contour", token.offset)

    def _tree(self, offset: int) -> None:
        """Read a tree, or a text, which begins as one."""
        tree = _Tree(self, offset)
        while tree.is_open:
            if self.token is None:
                raise self.unclosed(tree.opened_at)
            tree.add(self.take())
        tree.close()


class _Tree:
    """A tree while it is read: the branch that grows, and the splits that are open."""

    def __init__(self, parser: AscParser, offset: int) -> None:
        self.parser = parser
        self.drawing = parser.drawing
        self.is_open = True
        self.is_text = False
        self._first_branch = len(self.drawing.branches)
        self._first_point = len(self.drawing.points)
        self._type = UNTYPED
        # by open parenthesis: where it stands, and the branch that splits there
        self._splits: list[tuple[int, int]] = [(offset, -1)]
        self._begin(offset)

    @property
    def opened_at(self) -> int:
        """Where the innermost open parenthesis stands."""
        return self._splits[-1][0]

    @property
    def branch(self) -> Branch:
        """The branch that grows."""
        return self.drawing.branches[self._current]

    def _begin(self, offset: int) -> None:
        """Begin a branch of the innermost split."""
        count = len(self.drawing.points)
        branch = Branch(
            type=self._type, parent=self._splits[-1][1], offset=offset, first=count, stop=count
        )
        self._current = len(self.drawing.branches)
        self.drawing.branches.append(branch)

    def add(self, token: Token) -> None:
        """Take the next token."""
        following = self.parser.token
        if token.sort == "point":
            self._check_open(token)
            self.parser.add_point(token.numbers, token.offset)
            self.branch.stop = len(self.drawing.points)
        elif token.text == "(":
            self._parenthesis(token, following)
        elif token.text == "<":
            self.drawing.passed_over["spine"] += 1
            self.parser.pass_over(token.offset, ">")
        elif token.text == ")":
            self._end_branch()
            self._close_split()
        elif token.text == "|":
            if len(self._splits) == 1:
                raise self.parser.error("'|' outside of a split", token.offset)
            self._end_branch()
            self._begin(token.offset)
        elif token.sort == "string":
            self.is_text = True
        elif token.sort == "word":
            self.branch.ended = True
        elif token.text != ",":
            raise self.parser.error(f"'{token.text[:40]}' stands in a tree", token.offset)

    def _check_open(self, token: Token) -> None:
        if self.branch.ended:
            raise self.parser.error("point after the end of its branch", token.offset)

    def _parenthesis(self, token: Token, following: Token | None) -> None:
        if following is None:
            raise self.parser.unclosed(token.offset)
        if following.sort == "number":
            self._check_open(token)
            self.parser.long_point(token.offset)
            self.branch.stop = len(self.drawing.points)
        elif following.sort in ("word", "string"):
            self._property(token)
        else:
            if self.branch.stop == self.branch.first:
                raise self.parser.error("branch without points splits", token.offset)
            self.branch.ended = True
            self._splits.append((token.offset, self._current))
            self._begin(token.offset)

    def _property(self, token: Token) -> None:
        """Pass over a property or a marker; one before the first point may name the type."""
        before = self.parser.drawing.points
        word = self.parser.pass_over(token.offset).lower()
        at_start = self._current == self._first_branch and len(before) == self._first_point
        if at_start and word in TREE_TYPES:
            self._type = self.branch.type = TREE_TYPES[word]
        elif not at_start:
            self.drawing.passed_over["marker"] += 1

    def _end_branch(self) -> None:
        if self.branch.stop == self.branch.first and not self._is_empty():
            raise self.parser.error("branch without points", self.branch.offset)

    def _is_empty(self) -> bool:
        return len(self.drawing.points) == self._first_point

    def _close_split(self) -> None:
        _, parent = self._splits.pop()
        self.is_open = bool(self._splits)
        if self.is_open:
            self._current = parent

    def close(self) -> None:
        """Take back what turned out to be a text, or a tree without points."""
        if not (self.is_text or self._is_empty()):
            return
        if self.is_text:
            self.drawing.passed_over["text"] += 1
        del self.drawing.branches[self._first_branch :]
        del self.drawing.points[self._first_point :]
        del self.drawing.offsets[self._first_point :]


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKENS.finditer(text):
        sort = match.lastgroup or ""
        if sort == "space":
            continue
        numbers: tuple[float, ...] = ()
        if sort == "point":
            numbers = tuple(float(number) for number in match.groups()[_COORDINATES] if number)
        yield Token(sort, match.group(), match.start(), numbers)
