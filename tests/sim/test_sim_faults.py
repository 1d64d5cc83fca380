"""Models that name what NEURON does not take: refused with the place and a remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfpcli.errors import InputError
from lfpcli.model import load_model

SHARE = Path(__file__).parent.parent.parent / "share"
CELL = f'[run]\ntstop = 1.0\n[cell.c]\nmorphology = "{SHARE}/morphologies/stick.swc"\n'


def names(table: str) -> str:
    return f"{CELL}{table}\n"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (names('[record]\nvariables = ["sec"]'), "no segment has the variable 'sec'", ""),
        (names('[record]\nvariables = ["diam"]'), "no segment has the variable 'diam'", ""),
        (
            names('[[cell.c.mechanism]]\nname = "morphology"'),
            "'morphology' is no mechanism that can be inserted",
            ":5",
        ),
        (names('[[cell.c.mechanism]]\nname = "capacitance"'), "can be inserted", ":5"),
        (
            names('nseg = {rule = "length", max = 1e-6}'),
            "segments [",
            ":3",
        ),
    ],
    ids=["attribute", "diameter", "morphology", "capacitance", "nseg"],
)
def test_what_neuron_does_not_take(
    shell: Callable[..., Any], tmp_path: Path, text: str, message: str, line: str
) -> None:
    (tmp_path / "m.toml").write_text(text)
    said = shell("sim", tmp_path / "m.toml", "-o", tmp_path / "o.h5", "--seed", 1, code=3).err
    assert message in said and f"{line}]" in said and "; " in said
    assert not (tmp_path / "o.h5").exists()


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"nseg": 100_000}, "expected a whole number >= 1 and <= 32767, got 100000"),
        ({"nseg": {"rule": "fixed", "n": 32768}}, "<= 32767"),
    ],
)
def test_numbers_of_segments_that_neuron_does_not_take(tree: Any, message: str) -> None:
    cell = {"morphology": "stick.swc", **tree}
    with pytest.raises(InputError, match=message):
        load_model({"cell": {"c": cell}})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"cell": {"c": {"morphology": "a.swc"}}, "population": {"": {"cell": "c"}}}, "population"),
        ({"cell": {"": {"morphology": "a.swc"}}}, "cell"),
    ],
)
def test_tables_without_a_name(tables: Any, message: str) -> None:
    with pytest.raises(InputError, match=rf"\[{message}\] has a table without a name"):
        load_model(tables)


def test_a_population_cannot_be_called_as_the_sum_of_all() -> None:
    tables = {"cell": {"c": {"morphology": "a.swc"}}, "population": {"total": {"cell": "c"}}}
    with pytest.raises(InputError, match=r"\[population.total\] 'total' is what the sum"):
        load_model(tables)
