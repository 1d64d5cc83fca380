"""Options that several commands share, each declared once."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from typing import Any

from lfpcli.vocabulary import AUTO_RANKS


def completed(action: argparse.Action, words: Callable[[], Iterable[str]]) -> None:
    """Let the tab key offer words for an argument; they are asked for only then."""

    def offer(prefix: str, **_: object) -> list[str]:
        return [word for word in words() if word.startswith(prefix)]

    # the attribute that argcomplete looks for
    vars(action)["completer"] = offer


def add_output(parser: argparse.ArgumentParser, noun: str, *, required: bool = False) -> None:
    """``-o`` and ``--force``: where the result goes."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=output_name,
        required=required,
        help=f"{noun}; - is standard output" + ("" if required else " (the default in a pipe)"),
    )
    group.add_argument("-f", "--force", action="store_true", help="overwrite an existing FILE")


def add_json(parser: Any) -> None:
    """``--json``: facts as JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_seed(parser: Any) -> None:
    """``--seed``: of every random draw."""
    parser.add_argument(
        "--seed",
        type=non_negative_int,
        metavar="N",
        help="seed of all random draws; drawn, printed and stored where none is given",
    )


def drawn_seed(args: argparse.Namespace) -> int:
    """Draw a seed and tell it, where ``--seed`` was not given."""
    from lfpcli import seeds

    seed = seeds.draw_seed()
    args.console.note(f"seed {seed}")
    return seed


def add_common(parser: argparse.ArgumentParser) -> None:
    """Verbosity and debugging, which every command has."""
    group = parser.add_argument_group("common options")
    group.add_argument("-h", "--help", action="help", help="show this help and exit")
    volume = group.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help="no warnings, no progress")
    volume.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    group.add_argument("--debug", action="store_true", help="show tracebacks of errors")


def finite(text: str) -> float:
    """argparse type: a finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a finite number")
    return value


def positive(text: str) -> float:
    """argparse type: a number above zero."""
    value = finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not above zero")
    return value


def non_negative(text: str) -> float:
    """argparse type: a number not below zero."""
    value = finite(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is below zero")
    return value


def output_name(text: str) -> str:
    """argparse type: the name of an output, which a variable of a shell may have left empty."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; - is standard output")
    return text


def non_negative_int(text: str) -> int:
    """argparse type: a whole number not below zero."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is below zero")
    return value


def positive_int(text: str) -> int:
    """argparse type: a whole number above zero."""
    value = non_negative_int(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not above zero")
    return value


def ranks(text: str) -> int | str:
    """argparse type: a number of processes, or ``auto``."""
    return text if text == AUTO_RANKS else positive_int(text)


def numbers(text: str) -> list[float]:
    """argparse type: finite numbers separated by commas."""
    return [finite(part) for part in text.split(",")]


def triple(text: str) -> list[float]:
    """argparse type: three numbers ``x,y,z``."""
    values = numbers(text)
    if len(values) != 3:
        raise argparse.ArgumentTypeError(f"'{text}' is not three numbers x,y,z")
    return values


def point_or_file(text: str) -> str | list[list[float]]:
    """argparse type: one point ``x,y,z``, or the name of a file."""
    return [triple(text)] if text.count(",") == 2 else text


def face(text: str) -> float | str:
    """argparse type: the size of a face, or ``array`` for the one that the array states."""
    return text if text == "array" else non_negative(text)


def pair(text: str) -> tuple[float, float]:
    """argparse type: two numbers ``a,b``."""
    values = numbers(text)
    if len(values) != 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not two numbers a,b")
    return values[0], values[1]


def box(text: str) -> list[list[float]]:
    """argparse type: the lower and upper ends of a box, ``x0,x1,y0,y1,z0,z1``."""
    values = numbers(text)
    ends = [values[k : k + 2] for k in range(0, len(values), 2)]
    if len(values) != 6 or any(low > high for low, high in ends):
        raise argparse.ArgumentTypeError(f"'{text}' is not a box x0,x1,y0,y1,z0,z1")
    return ends


def sigma(text: str) -> float | list[float]:
    """argparse type: a conductivity, or three for x, y and z; S/m."""
    values = [positive(part) for part in text.split(",")]
    if len(values) not in (1, 3):
        raise argparse.ArgumentTypeError(f"'{text}' is not one or three conductivities")
    return values[0] if len(values) == 1 else values


def layers(text: str) -> dict[str, tuple[float, float]]:
    """Layers by name, NAME=LOW:HIGH[,...]: their lower and upper ends, um."""
    named: dict[str, tuple[float, float]] = {}
    for part in text.split(","):
        name, equals, reach = part.partition("=")
        ends = reach.split(":")
        if not name or not equals or len(ends) != 2:
            raise argparse.ArgumentTypeError(f"'{part}' is not NAME=LOW:HIGH")
        low, high = finite(ends[0]), finite(ends[1])
        if low >= high or name in named:
            wrong = "is named twice" if name in named else "does not end above its begin"
            raise argparse.ArgumentTypeError(f"layer '{name}' {wrong}")
        named[name] = (low, high)
    return named
