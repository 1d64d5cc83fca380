"""Morphologies and models that ship with the program, by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lfpcli.builtin import builtin_file, builtin_names, label, manual_folder, share_folder
from lfpcli.io.recording import open_recording
from lfpcli.model import load_model

MODEL = """\
[run]
tstop = 1.0
seed = 1
[cell.pyramid]
morphology = "builtin:ball_and_stick"
"""


def test_names_are_those_of_the_files() -> None:
    names = builtin_names()
    assert {"l5_pyramidal", "ball_and_stick", "quickstart", "network"} <= set(names)
    assert all(path.is_file() for path in names.values())
    assert (manual_folder() / "lfp.1").is_file()


def test_a_file_that_ships_is_known_again() -> None:
    assert label(builtin_file("builtin:stick")) == "builtin:stick"
    assert label(share_folder() / "morphologies" / "README.md").endswith("README.md")
    assert label("/elsewhere/stick.swc") == "/elsewhere/stick.swc"


def test_commands_take_the_names(lfp, tmp_path: Path) -> None:
    summary = json.loads(lfp("morph", "builtin:ball_and_stick", "--json").out)
    assert "ball_and_stick" in json.dumps(summary)
    assert "morphology" in lfp("info", "builtin:ball_and_stick.swc").out
    figure = tmp_path / "cell.svg"
    lfp("plot", "builtin:stick", "-o", figure)
    assert figure.stat().st_size > 1000


def test_a_model_keeps_the_name_and_not_the_path(shell, tmp_path: Path) -> None:
    model = tmp_path / "model.toml"
    model.write_text(MODEL)
    shell("sim", model, "-o", tmp_path / "out.h5", "-q")
    with open_recording(tmp_path / "out.h5") as recording:
        provenance = recording.provenance
    assert "builtin:ball_and_stick" in provenance["inputs"]
    assert str(share_folder()) not in json.dumps(provenance)
    assert load_model(model).to_dict()["cell"]["pyramid"]["morphology"] == "builtin:ball_and_stick"


def test_a_shipped_model_runs_by_its_name(shell) -> None:
    plan = shell("sim", "builtin:quickstart", "--dry-run", "-q").out
    assert "pyramidal" in plan


def count_segments(results: dict[str, object], morphology: str) -> None:
    from lfpcli import Cell

    results["segments"] = Cell(morphology).totnsegs


def test_the_library_takes_the_names(neuron_process) -> None:
    assert neuron_process(count_segments, morphology="builtin:ball_and_stick")["segments"] > 2


@pytest.mark.parametrize("command", ["morph", "sim", "plot", "info"])
def test_an_unknown_name_is_told_with_the_nearest(lfp, command: str, tmp_path: Path) -> None:
    output = ["-o", tmp_path / "out.svg"] if command == "plot" else []
    error = lfp(command, "builtin:l5_pyramid", *output, code=3).err
    assert "nothing called 'builtin:l5_pyramid' ships with lfp" in error
    assert "did you mean 'l5_pyramidal'?" in error


def test_an_unknown_name_in_a_model_is_told_with_its_line(lfp, tmp_path: Path) -> None:
    model = tmp_path / "model.toml"
    model.write_text(MODEL.replace("ball_and_stick", "ball_and_stock"))
    assert "model.toml:5" in lfp("sim", model, "--dry-run", code=3).err
