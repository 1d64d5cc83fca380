"""Arithmetic in a model: ``{expr = "0.12 * exp(-d / 200)"}``, read by walking its syntax tree."""

from __future__ import annotations

import ast
import functools
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, nearest
from lfpcli.model.source_text import At, clipped, shown
from lfpcli.model.value_types import ValueType

VARIABLES = ("d", "x", "y", "z", "r", "s")
LONGEST = 500
DEEPEST = 30
LARGEST_POWER = 100.0

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_UNARY: dict[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], bool]] = {
    "exp": (np.exp, False),
    "log": (np.log, False),
    "sqrt": (np.sqrt, False),
    "abs": (np.abs, False),
    "min": (lambda *values: functools.reduce(np.minimum, values), True),
    "max": (lambda *values: functools.reduce(np.maximum, values), True),
}


@dataclass(frozen=True)
class Expression:
    """An arithmetic expression of a place on a cell, or of where two cells are.

    Attributes
    ----------
    expr : str
        Text with numbers, ``+ - * / **``, parentheses, the names d (path distance from the soma),
        x, y, z (middle of the segment relative to the soma, before the cell is moved and turned)
        and r (straight distance from the soma), all in um, and the functions exp, log, sqrt,
        abs, min and max. Of connections d, x, y, z and r are those of the presynaptic soma from
        the postsynaptic one, r in the x-y plane, and s is the path distance of the synapse.

    Raises
    ------
    InputError
        Where the text is nothing of this kind; the message says in which column.
    """

    expr: str
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    _tree: ast.expr = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        tree = _parsed(self.expr)
        names = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "names", names & set(VARIABLES))

    def evaluate(self, variables: Mapping[str, ArrayLike]) -> np.ndarray:
        """Evaluate the expression.

        Parameters
        ----------
        variables : mapping of str to array_like, shape (N,)
            Values of at least the variables in `names`, um.

        Returns
        -------
        ndarray, shape (N,)
            One value per place; of shape () where the expression names no variable and
            `variables` is empty.

        Raises
        ------
        InputError
            Where a value is not finite, such as a logarithm of 0.
        """
        arrays = {name: np.asarray(value, dtype=float) for name, value in variables.items()}
        with np.errstate(all="ignore"):
            values = np.asarray(_value(self._tree, arrays), dtype=float)
        shape = np.broadcast_shapes(values.shape, *(a.shape for a in arrays.values()))
        result: np.ndarray = np.broadcast_to(values, shape).copy()
        if not np.all(np.isfinite(result)):
            k = int(np.flatnonzero(~np.isfinite(result.ravel()))[0])
            at = ", ".join(
                f"{name} = {np.broadcast_to(arrays[name], shape).ravel()[k]:g}"
                for name in sorted(self.names)
            )
            raise InputError(
                f"'{self.expr}' is not finite" + (f" at {at}" if at else ""),
                remedy="change it such that it is finite everywhere",
            )
        return result

    @property
    def value(self) -> None:
        """The number that it is; it may be another everywhere."""
        return None

    @property
    def mean(self) -> float:
        """Mean of what it gives, which is not known.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"the mean of '{self.expr}' is not known", remedy="give a number or a distribution"
        )

    def as_value(self, folder: Path) -> dict[str, str]:
        """Return the expression as a model has it."""
        return {"expr": self.expr}


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise InputError(
            f"expression has {len(text)} characters, at most {LONGEST} are allowed",
            remedy="shorten it",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InputError(
            f"'{clipped(text, 80)}' is no arithmetic expression, column {error.offset or 1}",
            remedy="write numbers, names, + - * / ** and functions, see lfp-model(5)",
        ) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise InputError(
            "text is no arithmetic expression",
            remedy="write numbers, names, + - * / ** and functions, see lfp-model(5)",
        ) from error
    _check(tree, text.strip(), 0)
    return tree


def _fail(node: ast.expr, text: str, fault: str, remedy: str | None = None) -> InputError:
    return InputError(
        f"'{clipped(text, 80)}', column {node.col_offset + 1}: {fault}", remedy=remedy
    )


def _check(node: ast.expr, text: str, depth: int) -> None:
    """Raise `InputError` unless the tree holds arithmetic of known names alone."""
    if depth > DEEPEST:
        raise InputError(f"expression is nested deeper than {DEEPEST} levels", remedy="shorten it")
    if isinstance(node, ast.Constant):
        _check_number(node, text)
    elif isinstance(node, ast.Name):
        if node.id not in VARIABLES:
            known = (*VARIABLES, *_FUNCTIONS)
            raise _fail(node, text, f"unknown name '{node.id}'", nearest(node.id, known))
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        _check(node.left, text, depth + 1)
        _check(node.right, text, depth + 1)
        _check_power(node, text)
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        _check(node.operand, text, depth + 1)
    elif isinstance(node, ast.Call):
        _check_call(node, text)
        for argument in node.args:
            _check(argument, text, depth + 1)
    else:
        part = (ast.get_source_segment(text, node) or "this")[:30]
        remedy = "write ** for a power" if "^" in part else None
        raise _fail(node, text, f"'{part}' is no arithmetic that is allowed", remedy)


def _check_number(node: ast.Constant, text: str) -> None:
    value = node.value
    try:
        good = type(value) in (int, float) and math.isfinite(float(value))  # type: ignore[arg-type]
    except OverflowError:
        good = False
    if not good:
        raise _fail(node, text, f"{shown(value)} is no finite number")


def _check_power(node: ast.BinOp, text: str) -> None:
    exponent = node.right
    while isinstance(exponent, ast.UnaryOp):
        exponent = exponent.operand
    if not (isinstance(node.op, ast.Pow) and isinstance(exponent, ast.Constant)):
        return
    if abs(float(exponent.value)) > LARGEST_POWER:  # type: ignore[arg-type]
        raise _fail(exponent, text, f"power beyond {LARGEST_POWER:g}")


def _check_call(node: ast.Call, text: str) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _FUNCTIONS:
        fault = f"unknown function '{name}'" if name else "this is no function"
        raise _fail(node, text, fault, nearest(name, _FUNCTIONS, "function"))
    is_open = _FUNCTIONS[name][1]
    if node.keywords or (len(node.args) < 2 if is_open else len(node.args) != 1):
        count = "two or more arguments" if is_open else "one argument"
        raise _fail(node, text, f"{name} takes {count}")


def _value(node: ast.expr, variables: Mapping[str, np.ndarray]) -> Any:
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return variables[node.id]
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, variables), _value(node.right, variables))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_value(node.operand, variables))
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return _FUNCTIONS[node.func.id][0](*(_value(a, variables) for a in node.args))


def _expression(value: dict[str, Any], at: At) -> Expression:
    for name in value:
        if name != "expr":
            raise at.unknown(name, ("expr",))
    if not isinstance(value.get("expr"), str):
        raise at.expected(EXPRESSION.expects, value)
    try:
        return Expression(value["expr"])
    except InputError as error:
        raise (at / "expr").error(error.message, error.remedy) from error


def _of_place(value: dict[str, Any], at: At) -> Expression:
    expression = _expression(value, at)
    if "s" in expression.names:
        raise (at / "expr").error(
            "s is known of the synapses of connections alone", "use d, the path distance here"
        )
    return expression


ANYWHERE = ValueType('{expr = "..."}', lambda value: isinstance(value, dict), _expression)
"""Of connections, where s is known too."""
EXPRESSION = ValueType('{expr = "..."}', lambda value: isinstance(value, dict), _of_place)
