"""Facts on standard output: as JSON, and as text."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from lfpcli.errors import printable
from lfpcli.vocabulary import ACCENT

_UNSAFE = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


# what a line that is not indented is about
_SUBJECT = re.compile(r"[^\s:][^:]*:|[^\s:]+(?: [^\s:]+)*$")


def to_json(facts: Any) -> str:
    """JSON text of facts; NumPy's scalars and arrays become numbers and lists, NaN becomes null."""
    text = json.dumps(_plain(facts), indent=2, ensure_ascii=False, allow_nan=False)
    # JSON escapes some control characters only, and surrogates are no text
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def lines(texts: Iterable[str]) -> str:
    """Text of several lines, none of which steers a terminal."""
    return "\n".join(map(printable, texts))


def data_text(text: str) -> str:
    """Text that another program reads, as it is; for a terminal without what would steer it."""
    return "\n".join(map(printable, text.split("\n"))) if sys.stdout.isatty() else text


def show(texts: Iterable[str]) -> None:
    """Print lines on standard output; on a terminal the subjects of lines stand out.

    Where NO_COLOR is set they are bold without a colour; where standard output is no terminal the
    lines are plain.
    """
    text = lines(texts)
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in text.split("\n"):
        shown = Text(line)
        subject = _SUBJECT.match(line)
        if subject is not None:
            shown.stylize(f"bold {ACCENT}", 0, subject.end())
        console.print(shown)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


def size_text(count: float) -> str:
    """Number of bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def table(rows: Iterable[Iterable[str]], indent: str = "  ") -> list[str]:
    """Lines of a table whose columns are as wide as they need."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        padded = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        lines.append((indent + "  ".join(padded)).rstrip())
    return lines


def count_text(number: int, noun: str) -> str:
    """A number and its noun, such as ``1 cell`` and ``2 cells``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
