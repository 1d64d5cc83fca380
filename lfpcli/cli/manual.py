"""Manual pages as plain text, for machines without `man`.

The pages use few of man(7)'s macros; these are all that is read here.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

INDENT = 7
_ESCAPES = {
    "\\-": "-",
    "\\ ": " ",
    "\\&": "",
    "\\e": "\\",
    "\\(aq": "'",
    "\\(dq": '"',
    "\\(bu": "*",
    "\\(em": " - ",
    "\\(ti": "~",
    "\\(ha": "^",
    "\\*(lq": '"',
    "\\*(rq": '"',
}
_ESCAPE = re.compile(r"\\(?:\*?\(..|f[A-Z]|.)")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"|((?:\\ |\S)+)')
# macros that set their arguments in one font, or in two by turns without a blank between them
_FONTS = ("B", "I")
_TURNS = ("BR", "RB", "BI", "IB", "IR", "RI")


def unescaped(text: str) -> str:
    """Text without roff's escapes."""
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[0], ""), text)


def arguments(text: str) -> list[str]:
    """Arguments of a macro: words, or texts in quotation marks."""
    words = []
    for match in _ARGUMENT.finditer(text):
        quoted = match[1] is not None
        words.append(unescaped(match[1].replace('""', '"') if quoted else match[2]))
    return words


@dataclass
class _Page:
    """A page while it is set."""

    width: int
    lines: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    indent: int = INDENT
    hanging: bool = False
    tag: str | None = None
    awaits_tag: bool = False
    verbatim: bool = False
    depth: int = 0

    def take(self, text: str) -> None:
        """Take up a line of text."""
        if self.awaits_tag:
            self.tag, self.awaits_tag = text, False
        elif self.verbatim:
            self.lines.append((" " * self._margin() + text).rstrip())
        else:
            self.words.append(text)

    def flush(self, *, blank: bool = False) -> None:
        """Set what was taken up as a paragraph, and leave a blank line where wanted."""
        text, margin = " ".join(self.words), " " * self._margin()
        if self.tag is not None:
            self._set_tag(self.tag, text)
        elif text:
            self.lines.extend(self._wrapped(text, margin, margin))
        self.words, self.tag = [], None
        if blank and self.lines and self.lines[-1]:
            self.lines.append("")

    def _margin(self) -> int:
        return self.indent + INDENT * (self.depth + self.hanging)

    def _set_tag(self, tag: str, text: str) -> None:
        outer = " " * (self._margin() - INDENT)
        inner = " " * self._margin()
        # a short tag shares the first line of its text
        if text and len(tag) < INDENT - 1:
            head = f"{outer}{tag:{INDENT}}"
            self.lines.extend(self._wrapped(text, head, inner))
            return
        self.lines.append(outer + tag)
        self.lines.extend(self._wrapped(text, inner, inner))

    def _wrapped(self, text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def heading(self, text: str, indent: int) -> None:
        """Set the heading of a section or subsection."""
        self.flush(blank=True)
        self.hanging, self.depth = False, 0
        self.lines.append(" " * indent + text)

    def macro(self, name: str, words: list[str]) -> None:
        """Do what a macro says."""
        if name in _FONTS:
            self.take(" ".join(words))
        elif name in _TURNS:
            self.take("".join(words))
        elif name == "SH":
            self.heading(" ".join(words), 0)
        elif name == "SS":
            self.heading(" ".join(words), 3)
        elif name in ("TP", "IP"):
            self.flush(blank=True)
            self.hanging, self.awaits_tag = True, name == "TP"
            if name == "IP":
                self.tag = words[0] if words else None
        elif name in ("PP", "P", "LP"):
            self.flush(blank=True)
            self.hanging = False
        elif name in ("EX", "nf"):
            self.flush()
            self.verbatim = True
        elif name in ("EE", "fi"):
            self.verbatim = False
        elif name == "br":
            self.flush()
        elif name in ("RS", "RE"):
            self.flush()
            self.depth = max(0, self.depth + (1 if name == "RS" else -1))


def plain_text(page: str, width: int = 78) -> str:
    """Return a manual page as text.

    Parameters
    ----------
    page : str
        Its source.
    width : int
        Longest line, characters.
    """
    setting = _Page(width)
    title = ""
    for line in page.splitlines():
        if line.startswith(('.\\"', "'\\\"")):
            continue
        if line.startswith("."):
            name, _, rest = line[1:].partition(" ")
            words = arguments(rest)
            if name == "TH":
                title = f"{words[0]}({words[1]})"
            setting.macro(name, words)
        else:
            setting.take(unescaped(line))
    setting.flush()
    return "\n".join([title, "", *setting.lines]).rstrip() + "\n"


def summary(page: str) -> str:
    """What a page's NAME section says after the dash."""
    _, _, rest = page.partition(".SH NAME\n")
    return unescaped(rest.splitlines()[0]).partition(" - ")[2]
