"""Kinds of values that keys of a model have: what is expected, checked and made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lfpcli.builtin import resolved
from lfpcli.errors import located, nearest
from lfpcli.model.source_text import At, shown


@dataclass(frozen=True)
class ValueType:
    """One type of value.

    Attributes
    ----------
    expects : str
        What a value of the type is, for messages and the manual.
    accepts : callable
        Whether a value has the right type.
    convert : callable
        Makes the value of the model, ``convert(value, at)``; raises `InputError`.
    unit : str
        Unit, or an empty string.
    words : tuple of str
        The words that a value must be one of, where it is a word.
    """

    expects: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any, At], Any]
    unit: str = ""
    words: tuple[str, ...] = ()

    def read(self, value: Any, at: At) -> Any:
        """Check a raw value and return what the model holds."""
        if not self.accepts(value):
            raise at.expected(self.expects, value)
        return self.convert(value, at)


def is_number(value: Any) -> bool:
    """Whether a value is a number; booleans are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(
    unit: str = "",
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    infinite: bool = False,
) -> ValueType:
    """Make the type of numbers in a range; infinite ones are let in where they mean something."""
    expects = "a number" + _range(least, above, most, below) + (f" ({unit})" if unit else "")

    def convert(value: Any, at: At) -> float:
        result = _as_float(value)
        good = not math.isnan(result) and (infinite or math.isfinite(result))
        good = good and (least is None or result >= least) and (above is None or result > above)
        if (
            not good
            or (most is not None and result > most)
            or not (below is None or result < below)
        ):
            raise at.expected(expects, value)
        return result

    return ValueType(expects, is_number, convert, unit)


def integer(least: int = 0, most: int = 2**63 - 1) -> ValueType:
    """Make the type of whole numbers from `least` to `most`."""
    limited = most < 2**63 - 1
    expects = f"a whole number >= {least}" + (f" and <= {most}" if limited else "")

    def convert(value: Any, at: At) -> int:
        # JSON and --set write 3.0 for 3
        if value != int(value) or not least <= value <= most:
            raise at.expected(expects, value)
        return int(value)

    def accepts(value: Any) -> bool:
        return is_number(value) and math.isfinite(_as_float(value))

    return ValueType(expects, accepts, convert)


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _range(
    least: float | None, above: float | None, most: float | None, below: float | None
) -> str:
    limits = ((least, ">="), (above, ">"), (most, "<="), (below, "<"))
    parts = [f"{sign} {limit:g}" for limit, sign in limits if limit is not None]
    return f" {' and '.join(parts)}" if parts else ""


def _same(value: Any, at: At) -> Any:
    return value


BOOLEAN = ValueType("true or false", lambda value: isinstance(value, bool), _same)


def _text(value: str, at: At) -> str:
    if not value.strip() or "\0" in value:
        raise at.expected("a text that is not empty", value)
    return value


TEXT = ValueType("a text", lambda value: isinstance(value, str), _text)


def choice(*names: str) -> ValueType:
    """Make the type of one word out of `names`."""
    quoted = [f'"{name}"' for name in names]
    expects = " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if quoted[1:] else quoted[0]

    def convert(value: str, at: At) -> str:
        if value not in names:
            raise at.error(
                f"expected {expects}, got {shown(value)}", nearest(value, names, "value")
            )
        return value

    return ValueType(expects, lambda value: isinstance(value, str), convert, words=names)


def listing(item: ValueType, *, least: int = 0, size: int | None = None) -> ValueType:
    """Make the type of lists of one type; they become tuples."""
    count = f" of {size}" if size is not None else (", not empty" if least else "")
    expects = f"a list{count}, each {item.expects}"

    def convert(value: list[Any], at: At) -> tuple[Any, ...]:
        if len(value) < least or (size is not None and len(value) != size):
            raise at.expected(expects, value)
        return tuple(item.read(entry, at / k) for k, entry in enumerate(value))

    return ValueType(expects, lambda value: isinstance(value, list), convert, item.unit)


def vector(unit: str = "", size: int = 3, *, above: float | None = None) -> ValueType:
    """Make the type of three (or `size`) numbers."""
    limit = _range(None, above, None, None)
    expects = f"a list of {size} numbers{limit}" + (f" ({unit})" if unit else "")
    whole = listing(number(above=above), size=size)

    def convert(value: list[Any], at: At) -> tuple[float, ...]:
        if len(value) != size:
            raise at.expected(expects, value)
        numbers: tuple[float, ...] = whole.convert(value, at)
        return numbers

    return ValueType(expects, whole.accepts, convert, unit)


def _file(value: str, at: At) -> Any:
    with located(at.source_line):
        return at.text.folder / resolved(_text(value, at))


def path(noun: str) -> ValueType:
    """Make the type of names of files or folders, which become paths."""
    return ValueType(f"the name of {noun}", lambda value: isinstance(value, str), _file)


PATH = path("a file")


def either(*types: ValueType) -> ValueType:
    """Make the type of values of any of `types`; the first that accepts a value's type reads it."""
    expects = " or ".join(value_type.expects for value_type in types)

    def convert(value: Any, at: At) -> Any:
        value_type = next(value_type for value_type in types if value_type.accepts(value))
        if value_type.words and value not in value_type.words:
            raise at.expected(expects, value)
        return value_type.convert(value, at)

    units = [value_type.unit for value_type in types if value_type.unit]
    return ValueType(
        expects,
        lambda value: any(value_type.accepts(value) for value_type in types),
        convert,
        units[0] if units else "",
    )
