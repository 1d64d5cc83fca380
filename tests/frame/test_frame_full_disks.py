"""A full disk in each command that writes: status 4, one line, and nothing stays."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lfpcli.cli.main import COMMANDS

MOD = """\
NEURON { SUFFIX old NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.001 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g * (v + 65) }
"""
STICK = ["builtin:stick", "--passive", "--tstop", "2"]
# by command, what writes to DISK; ONE is a recording, TRAINS spikes, TEMPLATES and MODS as they say
WRITING = {
    "sim": [
        [*STICK, "-o", "DISK/a.h5"],
        [*STICK, "-o", "OUT.h5", "--save-network", "DISK/net.h5"],
    ],
    "probe": [["ONE", "--array", "Neuropixels-128", "-o", "DISK/a.h5"]],
    "leadfield": [
        ["30,0,0", "--medium", "regions=[{slab={high=-90}, sigma=0}]", "-o", "DISK/l.h5"]
    ],
    "eeg": [["ONE", "--position", "0,0,78000", "-o", "DISK/a.h5"]],
    "meg": [["ONE", "--position", "0,0,78000", "--sensors", "helmet", "-o", "DISK/a.h5"]],
    "plot": [["ONE", "-o", "DISK/a.png"], ["ONE", "-o", "DISK/a.pdf"]],
    "convert": [
        ["ONE", "DISK/a.npz"],
        ["ONE", "DISK/a.csv", "--signal", "dipole/total"],
        ["ONE", "--to", "sonata", "DISK/folder"],
    ],
    "morph": [
        ["builtin:stick", "-o", "DISK/x.h5"],
        ["builtin:stick", "-o", "DISK/x.swc"],
    ],
    "example": [["network", "DISK/deep/folder"]],
    "init": [["builtin:stick", "-o", "DISK/m.toml"]],
    "mechs": [["--port", "MODS", "-o", "DISK/ported"]],
    "spikes": [
        ["--poisson", "20", "--size", "9", "--duration", "10", "-o", "DISK/t.h5"],
    ],
    "convolve": [
        [
            "TEMPLATES",
            "TRAINS",
            "--amplitude",
            "0,9",
            "--min-distance",
            "0",
            "--seed",
            "1",
            "-o",
            "DISK/a.h5",
        ]
    ],
    "kernel": [["builtin:network", "--rates", "E=2.5,I=6", "--cells", "2", "-o", "DISK/k.h5"]],
    "sweep": [["builtin:quickstart", "--set", "run.tstop=1,2", "-o", "DISK/deep/sweep"]],
}
# and what writes to standard output alone
TELLING = {
    "info": ["--json", "ONE"],
    "check": ["ONE"],
    "stats": ["ONE"],
    "diff": ["ONE", "TRAINS"],
    "doctor": [],
    "help": ["format"],
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system without any room left."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=4k", "lfp", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    (folder / "filler").write_bytes(bytes(4096))
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", str(folder)], check=True)
        yield folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "old.mod").write_text(MOD)
    (folder / "places.csv").write_text("x,y,z\n0,0,0\n30,0,0\n")
    (folder / "mods").mkdir()
    (folder / "old.mod").rename(folder / "mods" / "old.mod")
    one, trains, templates = (folder / f"{name}.h5" for name in ("one", "trains", "templates"))
    cell = ["builtin:ball_and_stick", "--insert", "hh", "--input", "soma:0.1@2", "--tstop", "9"]
    words = ["--array", "Neuropixels-128", "--placements", folder / "places.csv"]
    for command in (
        ["sim", *cell, "--record", "imem", "-o", one],
        ["spikes", "--poisson", "20", "--size", "2", "--duration", "1", "-o", trains],
        ["probe", one, *words, "--spike-window", "1,2", "-o", templates],
    ):
        program = [sys.executable, "-m", "lfpcli", *map(str, command), "-q"]
        subprocess.run(program, check=True)
    return {
        "ONE": str(one),
        "TRAINS": str(trains),
        "TEMPLATES": str(templates),
        "MODS": str(folder / "mods"),
    }


def test_all_commands_are_tried() -> None:
    assert {*WRITING, *TELLING} == set(COMMANDS)


@pytest.mark.parametrize(
    ("command", "words"),
    [(command, words) for command, lines in WRITING.items() for words in lines],
    ids=lambda value: value if isinstance(value, str) else value[-1].rpartition("/")[2],
)
def test_full_disk(
    shell: Callable[..., Any],
    disk: Path,
    inputs: dict[str, str],
    tmp_path: Path,
    command: str,
    words: list[str],
) -> None:
    filled = [inputs.get(word, word).replace("DISK", str(disk)) for word in words]
    filled = [word.replace("OUT", str(tmp_path / "out")) for word in filled]
    said = shell(command, *filled, "-q", code=4).err
    assert "no space left on device" in said and said.count("\n") == 1
    assert str(disk) in said and "; " in said
    assert [path.name for path in disk.iterdir()] == ["filler"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", TELLING)
def test_full_standard_output(inputs: dict[str, str], command: str) -> None:
    words = [inputs.get(word, word) for word in TELLING[command]]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lfpcli", command, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4, done.stderr
    assert "o space left on device" in done.stderr and done.stderr.count("\n") == 1
