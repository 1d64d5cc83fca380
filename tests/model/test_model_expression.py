"""Arithmetic of models: what it computes, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.model import Expression

D = np.array([0.0, 50.0, 200.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.12 * exp(-d / 200)", 0.12 * np.exp(-D / 200)),
        ("1 + 2 * 3 - 4 / 8", np.full(3, 6.5)),
        ("-d ** 2", -(D**2)),
        ("2 ** 3 ** 2 / 512", np.ones(3)),
        ("(d + 1) ** -0.5", (D + 1) ** -0.5),
        ("min(d, 100, 3 * d)", np.minimum(D, 100)),
        ("max(0, 1 - d / 100)", np.maximum(0, 1 - D / 100)),
        ("sqrt(abs(-d)) + log(d + 1)", np.sqrt(D) + np.log(D + 1)),
        ("+d", D),
        ("1e-3", np.full(3, 1e-3)),
        (" d\n", D),
    ],
)
def test_arithmetic_is_that_of_numpy(text: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(Expression(text).evaluate({"d": D}), expected, rtol=1e-14)


def test_all_names_of_places_are_known() -> None:
    expression = Expression("d + 2 * x + 3 * y + 4 * z + 5 * r")
    assert expression.names == frozenset("dxyzr")
    values = {name: np.ones(2) for name in "dxyzr"}
    assert expression.evaluate(values).tolist() == [15.0, 15.0]


def test_names_of_functions_are_no_variables() -> None:
    assert Expression("exp(3)").names == frozenset()


def test_values_are_floats_of_the_shape_of_the_variables() -> None:
    assert Expression("3").evaluate({}).shape == ()
    assert Expression("3").evaluate({"d": D}).tolist() == [3.0, 3.0, 3.0]
    assert Expression("7 / 2").evaluate({}) == 3.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exp(-dd / 2)", "column 6: unknown name 'dd'; did you mean 'd'?"),
        ("0.1 * depth", "column 7: unknown name 'depth'"),
        ("sin(d)", "unknown function 'sin'"),
        ("exq(d)", "did you mean 'exp'?"),
        ("exp", "unknown name 'exp'"),
        ("d ^ 2", "'d ^ 2' is no arithmetic that is allowed; write ** for a power"),
        ("d // 2", "is no arithmetic"),
        ("d % 2", "is no arithmetic"),
        ("d < 3", "is no arithmetic"),
        ("1 if d else 2", "is no arithmetic"),
        ("[d]", "is no arithmetic"),
        ("d[0]", "is no arithmetic"),
        ("lambda: d", "is no arithmetic"),
        ("(d := 3)", "is no arithmetic"),
        ("d.__class__", "is no arithmetic"),
        ("f'{d}'", "is no arithmetic"),
        ("__import__('os').system('true')", "this is no function"),
        ("open('x')", "unknown function 'open'"),
        ("'a'", '"a" is no finite number'),
        ("True", "true is no finite number"),
        ("3j", "is no finite number"),
        ("None", "is no finite number"),
        ("1e999", "inf is no finite number"),
        ("9" * 400, "an integer of 1329 bits is no finite number"),
        ("2 ** 1000", "column 6: power beyond 100"),
        ("d ** -(1000)", "power beyond 100"),
        ("exp()", "exp takes one argument"),
        ("exp(1, 2)", "exp takes one argument"),
        ("min(1)", "min takes two or more arguments"),
        ("max(d, key=d)", "max takes two or more arguments"),
        ("exp(*d)", "is no arithmetic"),
        ("", "is no arithmetic expression"),
        ("d +", "is no arithmetic expression, column"),
        ("d; d", "is no arithmetic expression"),
        ("d = 3", "is no arithmetic expression"),
        ("d\0", "no arithmetic expression"),
        ("-" * 200 + "d", "nested deeper than 30 levels"),
        ("(" * 300 + "d" + ")" * 100, "no arithmetic expression"),
        ("+".join("d" * 200), "nested deeper"),
        ("d" * 501, "has 501 characters, at most 500"),
    ],
)
def test_anything_else_is_refused(text: str, expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(d)", "'log(d)' is not finite at d = 0"),
        ("1 / (d - 50)", "is not finite at d = 50"),
        ("sqrt(d - 100)", "is not finite at d = 0"),
        ("exp(exp(d))", "is not finite at d = 50"),
        ("exp(1000)", "'exp(1000)' is not finite"),
        ("99 ** 99 ** d", "is not finite at d = 200"),
    ],
)
def test_values_that_are_not_finite_are_refused(text: str, expected: str) -> None:
    variables = {"d": D if text != "99 ** 99 ** d" else D[2:]}
    with pytest.raises(InputError, match=re.escape(expected)):
        Expression(text).evaluate(variables)
