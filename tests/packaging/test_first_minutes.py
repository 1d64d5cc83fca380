"""The first minutes: examples, a model to begin with, the manual, what the program stands on."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from lfpcli import __version__
from lfpcli.cli.help import manual_pages
from lfpcli.cli.manual import arguments, plain_text, unescaped
from lfpcli.model import check_files, load_model
from lfpcli.tasks.files.doctor import examine
from lfpcli.tasks.files.examples import examples


def test_examples_are_listed_with_what_they_show(lfp):
    lines = lfp("example").out.splitlines()
    assert lines[0].startswith("quickstart ")
    assert len(lines) == len(examples()) >= 8
    facts = json.loads(lfp("example", "--json").out)
    assert [entry["name"] for entry in facts] == list(examples())
    assert all(entry["shows"] and entry["commands"] for entry in facts)


@pytest.mark.parametrize("name", examples())
def test_an_example_has_all_that_its_model_names(lfp, name: str, tmp_path: Path):
    folder = tmp_path / "deeper" / name
    printed = lfp("example", name, folder).out.splitlines()
    assert printed == [f"cd {folder}", *examples()[name].commands]
    check_files(load_model(folder / f"{name}.toml"))
    inputs = re.findall(r"[\w.]+\.csv", "\n".join(printed[1:]))
    written = re.findall(r"convert \S+ ([\w.]+\.csv)", "\n".join(printed[1:]))
    assert all((folder / file).exists() for file in set(inputs) - set(written))


def test_examples_keep_files_that_are_there(lfp, tmp_path: Path):
    lfp("example", "slice", tmp_path)
    (tmp_path / "mea.csv").write_text("mine")
    assert "output exists" in lfp("example", "slice", tmp_path, code=4).err
    assert (tmp_path / "mea.csv").read_text() == "mine"
    lfp("example", "slice", tmp_path, "--force")
    assert (tmp_path / "mea.csv").read_text() != "mine"
    assert "is a file, not a folder" in lfp("example", "slice", tmp_path / "mea.csv", code=4).err


def test_an_unknown_example_is_told_with_the_nearest(lfp):
    assert "did you mean 'quickstart'?" in lfp("example", "quickstrat", code=3).err


@pytest.mark.parametrize("cell", ["l5_pyramidal", "ball_and_stick", "basket", "stick"])
def test_the_model_to_begin_with_is_whole(lfp, cell: str, tmp_path: Path):
    path = tmp_path / "model.toml"
    lfp("init", f"builtin:{cell}", "-o", path)
    model = load_model(path)
    check_files(model)
    assert list(model.cells) == [cell]
    assert path.read_text().count("#") > 25
    # what stands ready as a comment is a table that holds
    text = re.sub(r"^# (?=\[\[|\w+ = )", "", path.read_text(), flags=re.M)
    assert "stimulus" in load_model_text(text, tmp_path).to_dict()


def load_model_text(text: str, folder: Path):
    path = folder / "uncommented.toml"
    path.write_text(text)
    return load_model(path)


def test_the_model_to_begin_with_runs_with_contacts_beside_the_soma(shell, lfp, tmp_path: Path):
    # a cell whose soma lies far from the origin
    lfp("morph", "builtin:ball_and_sticks", "--shift", "5000,200,-300", "-o", tmp_path / "my c.swc")
    shell("init", "my c.swc", "-o", "model.toml", cwd=tmp_path)
    shell("sim", "model.toml", "--tstop", 5, "-o", "out.h5", "-q", cwd=tmp_path)
    facts = json.loads(shell("info", "out.h5", "--json", cwd=tmp_path).out)
    assert list(facts["populations"]) == ["my_c"]
    contacts = facts["signals"]["LFP"]
    assert contacts["low_um"][0] == contacts["high_um"][0] == 30.0
    assert contacts["high_um"][2] - contacts["low_um"][2] > 500.0
    assert (
        "output exists" in shell("init", "my c.swc", "-o", "model.toml", code=4, cwd=tmp_path).err
    )


def test_standard_input_makes_no_model(lfp):
    assert "names its morphology's file" in lfp("init", "-", code=3).err


def test_doctor_finds_this_installation_well(lfp):
    facts = json.loads(lfp("doctor", "--json").out)
    states = {entry["name"]: entry["state"] for entry in facts}
    assert states["lfp"] == states["neuron"] == states["NEURON loads"] == "ok"
    assert "broken" not in states.values()
    assert len(lfp("doctor").out.splitlines()) == len(facts)


def test_doctor_tells_what_is_broken(lfp, monkeypatch, tmp_path: Path):
    locked = tmp_path / "file"
    locked.write_text("")
    monkeypatch.setenv("LFP_MECH_CACHE", str(locked / "cache"))
    monkeypatch.setattr("lfpcli.tasks.files.doctor.os.access", lambda *_: False)
    checks = {check.name: check for check in examine()}
    assert checks["cache of mechanisms"].state == "broken"
    assert "LFP_MECH_CACHE" in checks["cache of mechanisms"].text
    lfp("doctor", code=1)


def test_versions_for_a_report(lfp):
    lines = lfp("--version", "-v").out.splitlines()
    assert lines[0] == f"lfp {__version__}"
    assert {"python", "neuron", "numpy"} <= {line.split()[0] for line in lines}


def test_help_lists_all_pages_with_what_they_are(lfp):
    lines = lfp("help").out.splitlines()
    topics = [line.split()[0] for line in lines]
    assert topics[0] == "lfp" and {"sim", "model", "accuracy"} <= set(topics)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("topic", manual_pages())
def test_each_page_is_text(lfp, topic: str):
    text = lfp("help", topic).out
    assert "\nNAME\n" in text and "\nSEE ALSO\n" in text
    # no escape and no macro is left over
    assert not re.search(r"\\[-&f(*]|^\.[A-Z]", text, flags=re.M)
    assert max(map(len, text.splitlines())) < 200


def test_pages_by_other_names(lfp):
    assert lfp("help", "lfp-sim").out == lfp("help", "sim.1").out == lfp("help", "sim").out
    assert "did you mean 'model'?" in lfp("help", "modle", code=3).err


def test_escapes_and_arguments_of_the_manual():
    assert unescaped("a\\-b \\fBc\\fR\\(aqd\\(aq \\e") == "a-b c'd' \\"
    assert arguments('\\-o ", " "\\fIA B\\fR" c\\ d') == ["-o", ", ", "A B", "c d"]
    page = ".TH X 1\n.SH NAME\nx \\- y\n.TP\n.B \\-\\-long\\-option\nDoes it.\n.TP\n.B a\nShort.\n"
    assert plain_text(page).splitlines()[2:] == [
        "NAME",
        "       x - y",
        "",
        "       --long-option",
        "              Does it.",
        "",
        "       a      Short.",
    ]


def test_commands_run_in_cells_of_notebooks(shell, tmp_path: Path) -> None:
    # IPython's backend is there for the kernel alone
    cell = {**os.environ, "MPLBACKEND": "module://of_the_kernel", "JPY_PARENT_PID": "1"}
    shell("sim", "builtin:ball_and_stick", "--passive", "--input", "soma:0.01@1", "--tstop", 3,
          "-o", tmp_path / "run.h5", env=cell)  # fmt: skip
    shell("probe", tmp_path / "run.h5", "--array", "tetrode", "--shift", "30,0,0",
          "-o", tmp_path / "lfp.h5", env=cell)  # fmt: skip
    shell("plot", tmp_path / "lfp.h5", "-o", tmp_path / "lfp.png", env=cell)
    assert (tmp_path / "lfp.png").stat().st_size > 5000


def test_cells_of_notebooks_get_no_bars(monkeypatch, capfd) -> None:
    from lfpcli.cli.console import Console

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    with Console("lfp sim").progress("simulating", 1.0, "ms") as advance:
        advance(0.5)
    assert capfd.readouterr().err == ""
