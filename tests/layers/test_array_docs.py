"""Public functions of arrays say which shape and which unit an array has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "lfpcli"

_AXIS = r"(?:\.\.\.|[A-Za-z]\w*|\d+)(?:\s*[+*-]\s*\w+)?"
# (N,), (3,), (T, N), (P, 3, 3); `as name` and `see name` lead to the page that says it
SHAPE = re.compile(
    rf"\({_AXIS},(?:\s*{_AXIS}(?:,\s*{_AXIS})*)?\)|\bshapes?\b|\bscalar"
    r"|\b(?:as|as in|see|as of) `\w",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"\b(?:um2?|um3|ms|mV|uV|nA|uA|pA|S/m|uS|S/cm2|uF/cm2|mA/cm2|ohm cm|MOhm|nF|nA um|nA/um3?|Hz"
    # a T alone is also the letter of a number of samples
    r"|in T|, T|T/m|degrees?|deg|rad|radians"
    # what has no unit says what it is
    r"|ind(?:ex|ices)|gids?|rows?|columns?|counts?|numbers?|masks?|whether|which|ratios?"
    r"|shares?|factors?|weights?|directions?|normals?|rotations?|matri(?:x|ces)|probabilit(?:y|ies)"
    r"|units?|dimensionless|how many|orders?|addresses|bytes|seeds?|ranks?|bits|identity)\b",
    re.IGNORECASE,
)


@dataclass
class Function:
    """A public function with arrays among its arguments or results."""

    name: str
    docstring: str

    @property
    def missing(self) -> list[str]:
        """What its docstring does not say."""
        parts = {"shape": SHAPE, "unit": UNIT}
        return [name for name, pattern in parts.items() if not pattern.search(self.docstring)]


def takes_arrays(function: ast.FunctionDef) -> bool:
    arguments = function.args
    annotations = [
        argument.annotation
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    ]
    texts = [ast.unparse(a) for a in (*annotations, function.returns) if a is not None]
    return any("ndarray" in text or "NDArray" in text for text in texts)


def functions_of(body: list[ast.stmt], prefix: str, class_text: str = "") -> Iterator[Function]:
    """Public array functions and methods, with the text that documents each."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node) or ""
            yield from functions_of(node.body, f"{prefix}{node.name}.", text)
        elif isinstance(node, ast.FunctionDef) and takes_arrays(node):
            text = ast.get_docstring(node) or ""
            if node.name == "__init__":
                yield Function(prefix + node.name, class_text + text)
            elif not node.name.startswith("_"):
                yield Function(prefix + node.name, text)


def public_functions() -> list[Function]:
    functions = []
    for path in sorted(ROOT.rglob("*.py")):
        functions.extend(functions_of(ast.parse(path.read_text()).body, f"{path.stem}."))
    return functions


def test_array_functions_say_shape_and_unit() -> None:
    silent = {
        f"{function.name} lacks {' and '.join(function.missing)}"
        for function in public_functions()
        if function.missing
    }
    assert not silent, "\n".join(sorted(silent))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Potentials, mV, shape (T, C).", []),
        ("Indices of segments, shape (N,).", []),
        ("Sum of currents.", ["shape", "unit"]),
        ("Currents (nA).", ["shape"]),
        ("Currents (T, N).", ["unit"]),
        ("Potentials, mV, as `line` has them.", []),
    ],
)
def test_what_counts_as_said(text: str, missing: list[str]) -> None:
    assert Function("name", text).missing == missing


def test_the_search_sees_functions_and_methods() -> None:
    names = {function.name for function in public_functions()}
    assert len(names) > 150
    assert any(name.startswith("geometry.Geometry.") for name in names)
