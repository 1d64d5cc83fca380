"""Sweeps: one folder, an index, runs that go on, and one table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lfpcli.errors import UsageError
from lfpcli.tasks.sweep.index import Sweep, parse_variations

KEYS = ("--set", "input.0.weight=0.001,0.1", "--set", "run.tstop=8")


@pytest.fixture
def model(tmp_path: Path, share: Path) -> Path:
    target = tmp_path / "sweep.toml"
    target.write_text((share / "examples" / "sweep.toml").read_text())
    return target


def rows_of(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_values_are_told_apart_by_commas_outside_of_brackets() -> None:
    variations = parse_variations(
        ["a.b=1,2", "c=[1,2],[3,4],{x = 1, y = 2}", "d='p,q',\"r\"", "e= 1 , 2 "]
    )
    assert variations["a.b"] == ("1", "2")
    assert variations["c"] == ("[1,2]", "[3,4]", "{x = 1, y = 2}")
    assert variations["d"] == ("'p,q'", '"r"')
    assert variations["e"] == ("1", "2")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "nothing is varied"),
        (["run.tstop"], "names no values"),
        (["run.tstop=1,,2"], "names no values"),
        (["=1,2"], "names no values"),
        (["a=1", "a=2"], "given twice"),
    ],
)
def test_wrong_variations_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_variations(texts)


def test_the_last_key_changes_first() -> None:
    sweep = Sweep(model="m", digest="", seed=1, keys=("a", "b"), values=(("1", "2"), ("x", "y")))
    assert sweep.points == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
    assert sweep.overrides(2) == ["a=2", "b=x"]
    assert sweep.file(3) == "0003.h5"


def test_a_sweep_runs_goes_on_and_is_gathered(shell, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    command = ("sweep", model, *KEYS, "-o", folder)
    # as a task of a job array: the second run alone
    shell(*command, "--index", 1)
    assert sorted(path.name for path in folder.iterdir()) == ["0001.h5", "sweep.json"]
    second = (folder / "0001.h5").read_bytes()
    done = shell(*command, "--jobs", 2)
    assert "1 run made, 1 there before" in done.err
    assert (folder / "0001.h5").read_bytes() == second
    index = json.loads((folder / "sweep.json").read_text())
    assert index["runs"][1] == {
        "index": 1,
        "file": "0001.h5",
        "set": {"input.0.weight": "0.1", "run.tstop": "8"},
    }
    # what lfp sim makes with the same values
    keys = ("--set", "input.0.weight=0.1", "--set", "run.tstop=8")
    shell("sim", model, *keys, "-o", tmp_path / "one.h5")
    shell("diff", folder / "0001.h5", tmp_path / "one.h5", "--exact")
    text = shell("info", folder).out
    assert "2 of 2 runs done" in text
    assert "stick rate (Hz)" in text
    shell("convert", folder, tmp_path / "table.csv")
    first, last = rows_of(tmp_path / "table.csv")
    assert (first["input.0.weight"], last["input.0.weight"]) == ("0.001", "0.1")
    assert int(last["stick spikes"]) == 1
    assert float(last["stick rate (Hz)"]) == pytest.approx(125.0)
    assert float(last["LFP peak-to-peak (mV)"]) > 10 * float(first["LFP peak-to-peak (mV)"])
    shell("convert", folder, tmp_path / "table.json")
    assert len(json.loads((tmp_path / "table.json").read_text())) == 2


def test_missing_runs_are_rows_too(lfp, shell, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    shell("sweep", model, *KEYS, "-o", folder, "--index", 0)
    facts = json.loads(lfp("info", folder, "--json").out)
    assert [run["state"] for run in facts["runs"]] == ["done", "missing"]
    lfp("convert", folder, tmp_path / "table.tsv")
    lines = (tmp_path / "table.tsv").read_text().splitlines()
    assert lines[2].split("\t")[2] == "missing"


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ("input.0.wieght=1,2", 3, "did you mean 'weight'?"),
        ("run.tstop=10,x", 3, "--set run.tstop=x"),
        ("run.tstop=", 2, "names no values"),
    ],
)
def test_values_are_looked_at_before_the_first_run(
    lfp, model: Path, tmp_path: Path, values: str, code: int, message: str
) -> None:
    done = lfp("sweep", model, "--set", values, "-o", tmp_path / "sweep", code=code)
    assert message in done.err
    done = lfp("sweep", model, "--tstop", 10, "-o", tmp_path / "sweep", code=2)
    assert "unknown option '--tstop'; give --set run.tstop=VALUE" in done.err
    assert not (tmp_path / "sweep").exists()


def test_another_sweep_is_refused_in_the_folder(lfp, shell, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    command = ("sweep", model, *KEYS, "-o", folder)
    shell(*command, "--index", 0)
    done = lfp("sweep", model, "--set", "run.tstop=5,6", "-o", folder, code=4)
    assert "holds another sweep, of other keys" in done.err
    model.write_text(model.read_text() + "\n")
    done = lfp(*command, code=4)
    assert "of other bytes of the model" in done.err
    assert (folder / "0000.h5").exists()
    done = lfp(*command, "--index", 7, "--force", code=2)
    assert "there is no run 7" in done.err
    assert not (folder / "0000.h5").exists()


def test_folders_of_others_are_refused(lfp, model: Path, tmp_path: Path) -> None:
    done = lfp("sweep", model, *KEYS, "-o", tmp_path, code=4)
    assert "is there and is no sweep" in done.err
    assert "is a folder, and no sweep" in lfp("info", tmp_path, code=3).err
    morphology = lfp("sweep", "builtin:stick", *KEYS, "-o", tmp_path / "new", code=3)
    assert "stick" in morphology.err


def test_a_run_that_fails_is_named_and_the_others_are_made(
    shell, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sweep"
    values = "input.0.synapse.type=Exp2Syn,Exq2Syn"
    done = shell("sweep", model, "--set", values, "--set", "run.tstop=5", "-o", folder, code=5)
    assert "1 of 2 runs failed, run 1 first: " in done.err
    assert "unknown point process 'Exq2Syn'" in done.err
    assert (folder / "0000.h5").exists()
    assert not (folder / "0001.h5").exists()


def test_runs_are_listed_without_being_made(lfp, model: Path, tmp_path: Path) -> None:
    text = lfp("sweep", model, *KEYS, "-o", tmp_path / "sweep", "--dry-run").out
    assert text.splitlines()[2].split() == ["1", "0001.h5", "0.1", "8"]
    assert not (tmp_path / "sweep").exists()


def test_tables_of_other_kinds_are_refused(lfp, shell, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    shell("sweep", model, "--set", "run.tstop=5", "-o", folder)
    done = lfp("convert", folder, tmp_path / "table.h5", code=2)
    assert ".csv, .tsv, .json" in done.err
    (folder / "sweep.json").write_text("{}")
    assert "no index of a sweep" in lfp("info", folder, code=3).err
