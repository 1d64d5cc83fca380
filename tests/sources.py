"""Functions as text that stands on its own, for processes that do not import the test module."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


def standalone(function: Callable[..., Any]) -> str:
    """Source of a function, behind that of all it uses of its module.

    A test module imports pytest and much else, which a process for one model need not wait for:
    imports, functions and constants come along where they are named, and nothing else.

    Raises
    ------
    ValueError
        Where the function uses variables of a function around it.
    """
    parts: dict[str, str] = {}
    _gather(function, parts)
    return "\n".join(parts.values())


def _gather(function: Any, parts: dict[str, str]) -> None:
    if function.__code__.co_freevars:
        names = ", ".join(function.__code__.co_freevars)
        raise ValueError(f"{function.__name__} uses {names} of the function around it")
    # stands for it while the functions that it uses are looked at, which may call it
    parts[function.__name__] = ""
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name)
        # pytest puts names that are none into the assertions that it rewrites
        if name in parts or value is None or not name.isidentifier():
            continue
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            _gather(value, parts)
        else:
            parts[name] = _definition(name, value)
    del parts[function.__name__]
    parts[function.__name__] = textwrap.dedent(inspect.getsource(function))


def _names(code: CodeType) -> set[str]:
    """Names that a function looks up in its module, nested code included."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _definition(name: str, value: Any) -> str:
    """A statement that gives a name its value; empty where there is none, as of a fixture."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    if isinstance(value, Path):
        return f"from pathlib import Path\n{name} = Path({str(value)!r})"
    try:
        if ast.literal_eval(repr(value)) == value:
            return f"{name} = {value!r}"
    except (ValueError, SyntaxError):
        pass
    if hasattr(value, "__module__") and hasattr(value, "__qualname__"):
        return f"from {value.__module__} import {value.__qualname__} as {name}"
    return ""


def program(function: Callable[..., Any], *arguments: object) -> str:
    """Text of a program that calls a function, for ``python -c``."""
    words = ", ".join(map(repr, arguments))
    return f"{standalone(function)}\n{function.__name__}({words})\n"
