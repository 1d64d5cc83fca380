"""Numbers that lie in memory by chance: LOCAL variables that nothing set, elements not there."""

from __future__ import annotations

import pytest

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine import begin, checks
from lfpcli.runtime.engine.shared_values import unset_local
from lfpcli.runtime.mechanisms.bounds import missing_element
from lfpcli.runtime.mechanisms.library import Mechanism

HEAD = """
NEURON { SUFFIX late RANGE y }
DEFINE N 4
ASSIGNED { v y past[N] other[2] }
STATE { s[3] }
"""
STEP = "BREAKPOINT { SOLVE step METHOD cnexp }\n"


def stepping(body: str) -> str:
    """A mechanism whose equations have some statements."""
    return (
        f"{HEAD}{STEP}DERIVATIVE step {{\n{body}\n}}\nPROCEDURE set(x) {{ LOCAL b  b = x  y = b }}"
    )


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("LOCAL a\n y = a\n a = v", "a"),
        ("LOCAL a\n if (past[a] > 0) { y = 1 } else { y = 2 }\n a = 1", "a"),
        ("LOCAL a, b\n b = 2\n set(a*b)", "a"),
        ("LOCAL a\n FROM i = 0 TO 2 { y = y + a }", "a"),
        ("LOCAL a\n while (a < 3) { a = a + 1 }", "a"),
        # set before, or perhaps, or not read in any case
        ("LOCAL a\n a = v\n y = a", None),
        ("LOCAL a\n if (v > 0) { a = 1 }\n y = a", None),
        ("LOCAL a\n if (v > 0) { y = a }", None),
        ("LOCAL i\n FROM i = 0 TO 2 { past[i] = v }", None),
        ("LOCAL a\nVERBATIM\n_la = 3;\nENDVERBATIM\n y = a", None),
        ("LOCAL a[2]\n a[0] = v\n y = a[0]", None),
        ("LOCAL i\n COMPARTMENT i, past[i] { s }", None),
    ],
)
def test_a_local_that_is_read_before_it_is_set(body: str, name: str | None) -> None:
    assert unset_local(stepping(body)) == name


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("FROM i = 0 TO N { past[i] = 0 }", ("past", 4, 4)),
        ("FROM i = 0 TO N-1 { past[i+1] = past[i] }", ("past", 4, 4)),
        ("y = other[2]", ("other", 2, 2)),
        ("s[N - 1] = 1", ("s", 3, 3)),
        ("FROM i = 0 TO 3 { past[i-1] = 0 }", ("past", -1, 4)),
        ("FROM i = 0 TO N-1 { past[i] = 0 }", None),
        ("FROM i = 0 TO N-2 { past[i+1] = past[i] }", None),
        ("FROM i = 0 TO N-1 { if (i < N-1) { past[i+1] = past[i] } }", None),
        ("LOCAL other[9]\n y = past[k] + past[y*2]", None),
    ],
)
def test_elements_that_an_array_does_not_have(body: str, told: tuple[str, int, int] | None) -> None:
    missing = missing_element(stepping(body))
    assert (missing and (missing.array, missing.index, missing.size)) == told


def test_both_are_refused_before_a_run() -> None:
    late = Mechanism(name="late", nature="density", file="late.mod", digest="", electrode=False)
    with pytest.raises(SimulatorError, match=r"'late' reads LOCAL 'a' before it is set.*late\.mod"):
        checks._check_memory(late, stepping("LOCAL a\n y = a"))
    with pytest.raises(SimulatorError, match=r"'past' of mechanism 'late' has 4 elements, .* 4 \["):
        checks._check_memory(late, stepping("FROM i = 0 TO N { past[i] = 0 }"))
    checks._check_memory(late, stepping("y = 1"))


@pytest.mark.parametrize(("is_point", "setter"), [(False, "h.table_f_late"), (True, "f of each")])
def test_tables_without_values_are_named(
    monkeypatch: pytest.MonkeyPatch, is_point: bool, setter: str
) -> None:
    sources = {"hh": "NEURON { SUFFIX hh }", "late": f"{HEAD} FUNCTION_TABLE f(v (mV))"}
    monkeypatch.setattr(begin, "used_mechanisms", lambda: set(sources))
    monkeypatch.setattr(begin, "source_of", sources.__getitem__)
    monkeypatch.setattr(begin, "is_point_process", lambda name: is_point)
    told = str(begin._without_table())
    assert "mechanism 'late' has a FUNCTION_TABLE 'f' without values" in told and setter in told
