"""A stranger's model, looked at: what it would do and what code it names, none of which runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHARE = Path(__file__).parent.parent.parent / "share"
STICK = f"""
[run]
tstop = 10.0
mechanisms = ["mods"]
[cell.pyr]
morphology = "{SHARE}/morphologies/ball_and_stick.swc"
code = ["biophysics.hoc", "channels.py:insert"]
[population.E]
cell = "pyr"
size = 12
[[connection]]
pre = "E"
post = "E"
rule = {{indegree = 5}}
synapse = {{type = "ExpSyn"}}
weight = 1e-3
[[probe]]
name = "LFP"
contacts = [[0.0, 0.0, 50.0]]
"""


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A model whose code leaves a mark where it runs."""
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods/x.mod").write_text("NEURON { SUFFIX x }\n")
    mark = f"{tmp_path}/ran"
    (tmp_path / "biophysics.hoc").write_text(f'system("touch {mark}")\n')
    (tmp_path / "channels.py").write_text(f"open({mark!r}, 'w')\ndef insert(cell):\n    pass\n")
    (tmp_path / "model.toml").write_text(STICK)
    return tmp_path / "model.toml"


@pytest.mark.parametrize("command", [("info",), ("sim", "--dry-run", "--no-code")])
def test_code_is_named_and_does_not_run(
    lfp: Callable[..., Any], strange: Path, command: tuple[str, ...]
) -> None:
    facts = json.loads(lfp(*command, strange, "--json").out)
    assert facts["populations"] == {"E": 12}
    assert facts["synapses"] == 60 and facts["segments"] % 12 == 0 and facts["steps"] > 100
    named = [(code["key"], code["file"], code["part"], code["language"]) for code in facts["code"]]
    assert named == [
        ("run.mechanisms", "mods", "", "mod"),
        ("cell.pyr.code", "biophysics.hoc", "", "hoc"),
        ("cell.pyr.code", "channels.py", "insert", "Python"),
    ]
    said = lfp(*command, strange).out
    assert "runs code:    channels.py, insert (Python) [cell.pyr.code]" in said
    assert not (strange.parent / "ran").exists()


def test_segments_are_those_of_the_plan(shell: Callable[..., Any], tmp_path: Path) -> None:
    for nseg in ('{rule = "d_lambda"}', '{rule = "length", max = 30.0}', "7"):
        text = STICK.replace('mechanisms = ["mods"]\n', "").replace("code = [", f"nseg = {nseg}\n#")
        (tmp_path / "m.toml").write_text(text)
        plans = [
            json.loads(shell("sim", tmp_path / "m.toml", "--dry-run", "--json", *more).out)
            for more in ((), ("--no-code",))
        ]
        for name in ("segments", "synapses", "steps", "file bytes", "populations"):
            assert plans[0][name] == plans[1][name], (nseg, name)


def test_cells_that_code_makes_have_no_known_size(lfp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "cell.hoc").write_text("create soma\n")
    (tmp_path / "m.toml").write_text('[cell.c]\nhoc = "cell.hoc"\n')
    facts = json.loads(lfp("info", tmp_path / "m.toml", "--json").out)
    assert facts["segments"] is None and facts["file bytes"] is None
    assert facts["code"][0]["language"] == "hoc"
    assert any("made by code" in note for note in facts["notes"])
    assert "segments:     not known" in lfp("info", tmp_path / "m.toml").out


def test_a_look_loads_no_simulator(strange: Path) -> None:
    code = (
        "import sys; from lfpcli.model import load_model; from lfpcli.tasks.simulate.look import"
        f" look; look(load_model({str(strange)!r})); print('neuron' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_no_code_alone(lfp: Callable[..., Any], strange: Path) -> None:
    said = lfp("sim", strange, "--no-code", "-o", strange.parent / "o.h5", code=2).err
    assert "--no-code goes with --dry-run" in said


def test_control_characters_of_names_are_not_shown(lfp: Callable[..., Any], tmp_path: Path) -> None:
    name = "a\x1b[31mred.hoc"
    (tmp_path / name).write_text("create soma\n")
    (tmp_path / "m.json").write_text(json.dumps({"cell": {"c": {"hoc": name}}}))
    said = lfp("info", tmp_path / "m.json").out
    assert "\x1b" not in said and "a?[31mred.hoc" in said
