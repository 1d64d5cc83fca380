"""What the benchmarks keep, and how they compare it with what is committed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def common() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_common", FOLDER / "common.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(ratio: float, seconds: float = 1.0) -> list[list[dict[str, Any]]]:
    return [[{"part": "run loop", "engine": "neuron", "lfp s": seconds, "ratio": ratio}]]


def test_changes_of_ratios_are_told_and_seconds_are_not(common: ModuleType) -> None:
    assert common.ratio_changes(table(10.0), table(10.5, seconds=9.0)) == []
    (line,) = common.ratio_changes(table(10.0), table(7.0))
    assert line == "run loop, neuron: ratio was 10, is 7"
    assert common.ratio_changes([], table(7.0)) == []


def test_tables_are_kept_and_compared_with_those_before(
    common: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    monkeypatch.setattr(common, "machine", lambda: "a machine")
    common.print_table(["part", "ratio"], [["matrix", 4.0]])
    common.save("forward")
    kept = json.loads((tmp_path / "forward.json").read_text())
    assert kept == {
        "benchmark": "forward",
        "machine": "a machine",
        "tables": [[{"part": "matrix", "ratio": 4.0}]],
    }
    common._TABLES[0][0]["ratio"] = 2.0
    common.save("forward")
    assert "matrix: ratio was 4, is 2" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_table_is_kept(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "print_table(" in text and path.stem != "common":
        assert f'save("{path.stem}"' in text
