"""Whatever README, help texts, manual pages and examples print runs as printed."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from printed import (
    Printed,
    commands_in,
    joined_lines,
    of_examples,
    of_help,
    of_pages,
    of_readme,
    parsed,
)

Run = Callable[[str, Path], "subprocess.CompletedProcess[str]"]

MODEL = """\
[run]
tstop = 40.0
seed = 1
[cell.pyr]
morphology = "cell.swc"
rotate = {x = 90.0}
shift = [0.0, 0.0, 100.0]  # inside the slices of the pages
[[cell.pyr.mechanism]]
name = "pas"
g = 1e-4
[[cell.pyr.mechanism]]
name = "hh"
sections = ["soma"]
[[input]]
synapse = {type = "Exp2Syn", tau1 = 0.2, tau2 = 1.8, e = 0.0}
weight = 0.02
count = 5
source = {times = [5.0, 25.0]}
[[probe]]
name = "shank"
contacts = "contacts.csv"
sigma = 0.3
[record]
imem = true
"""
NETWORK = """\
[run]
tstop = 40.0
seed = 1
[cell.stick]
morphology = "builtin:ball_and_stick"
[[cell.stick.mechanism]]
name = "pas"
[population.E]
cell = "stick"
size = 3
[population.I]
cell = "stick"
size = 2
[[connection]]
pre = "E"
post = "I"
rule = {all = true}
synapse = {type = "ExpSyn", tau = 2.0, e = 0.0}
weight = 0.001
[[probe]]
name = "shank"
contacts = "contacts.csv"
[record]
dipole = "none"
"""
MOD = """\
NEURON { SUFFIX NAME NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g * (v + 65) }
"""
HOC = """\
create soma, dend
connect dend(0), soma(1)
soma { L = 20 diam = 20 insert hh }
dend { L = 200 diam = 2 nseg = 5 insert pas }
"""
ATTACHED = """\
from neuron import h

soma = h.Section(name="soma")
soma.L = soma.diam = 20.0
soma.insert("hh")
clamp = h.IClamp(soma(0.5))
clamp.delay, clamp.dur, clamp.amp = 1.0, 2.0, 0.5
"""
REGIONS = """\
regions = [
    {slab = {high = 0.0}, sigma = 0.0},
    {slab = {low = 300.0}, sigma = 1.5},
]
"""
SENSORS = "x,y,z,nx,ny,nz\n0,0,110000,1,0,0\n0,80000,75000,1,0,0\n"
SETTING_UP = """\
lfp sim model.toml -o out.h5
lfp probe out.h5 --contacts contacts.csv --name LFP --keep-currents -o lfp.h5
cp out.h5 a.h5 && cp out.h5 b.h5 && cp out.h5 expected.h5
lfp eeg out.h5 --position 0,0,78000 -o eeg.h5
lfp convert out.h5 spikes.gdf --signal spikes
lfp convert out.h5 sonata_all/ --to sonata && cp sonata_all/shank_ecp.h5 ecp.h5
mkdir output && cp ecp.h5 output/
cp out.h5 one.h5 && cp out.h5 two.h5
lfp morph cell.swc -o cell.h5
cp lfp.h5 before.h5 && cp lfp.h5 after.h5
lfp sweep model.toml --set input.0.weight=0.001,0.01 -o sweep/
lfp sim network.toml -o run.h5
lfp kernel network.toml --rates E=2,I=5 -o kernels.h5
lfp spikes units.json --duration 2 --seed 1 -o trains.h5 && cp trains.h5 spikes.h5
lfp sim model.toml --set run.tstop=2000 -o network.h5
lfp probe out.h5 --contacts contacts.csv --name LFP --per cell -o cells.h5
lfp leadfield 30,0,0 --medium 'regions=[{slab={high=0}, sigma=0}]' -o lead.h5
lfp example medium .
lfp example microcircuit .
lfp spikes microcircuit_spikes.json --duration 1 --seed 1 -o points.h5
lfp sim builtin:templates -o cell_spikes.h5
lfp probe cell_spikes.h5 --contacts contacts.csv --placements 150 \\
 --placement-box 44,52,-5,5,-200,500 --spike-window 1,3 --cell-type TTPC --seed 1 -o templates.h5
cp templates.h5 pc.h5
lfp probe cell_spikes.h5 --contacts contacts.csv --placements 50 \\
 --placement-box 44,52,-5,5,-200,500 --spike-window 1,3 --cell-type BC --seed 2 -o bc.h5
"""
UNITS = '{"E": {"size": 3, "poisson": 5.0}, "I": {"size": 2, "poisson": 8.0}}'


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a line of shell in a folder, with the installed program on the path."""

    def run_line(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        }
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done

    return run_line


@pytest.fixture(scope="session")
def desk(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of the names that the printed lines read."""
    folder = tmp_path_factory.mktemp("desk")
    run("lfp morph builtin:ball_and_stick -o cell.swc", folder)
    (folder / "model.toml").write_text(MODEL)
    rows = [f"30,0,{z}" for z in range(-200, 600, 100)]
    (folder / "network.toml").write_text(NETWORK)
    (folder / "units.json").write_text(UNITS)
    (folder / "rates.csv").write_text("time,rate\n0,5\n2000,20\n")
    (folder / "contacts.csv").write_text("\n".join(["x,y,z", *rows]))
    (folder / "mea.csv").write_text("x,y,z\n0,0,0\n100,0,0\n")
    (folder / "sensors.csv").write_text(SENSORS)
    (folder / "init.hoc").write_text(HOC)
    (folder / "network.py").write_text(ATTACHED)
    (folder / "slice_medium.toml").write_text(REGIONS)
    lines = (folder / "cell.swc").read_text().splitlines()
    (folder / "broken.swc").write_text("\n".join([*lines, lines[-1]]))
    for name in ("mods/Im", "more/Ih"):
        path = folder / f"{name}.mod"
        path.parent.mkdir()
        path.write_text(MOD.replace("NAME", path.stem))
    for line in joined_lines(SETTING_UP):
        run(line, folder)
    return folder


def named(printed: Printed) -> str:
    return f"{printed.source}: {printed.line[:60]}"


ALL = [*of_help(), *of_pages()]
BLOCKS = [*of_readme(), *(lines for _, lines in of_examples())]


def test_there_is_what_to_run() -> None:
    assert len(of_help()) > 45 and len(of_pages()) > 45
    assert len(of_readme()) == 2 and len(of_readme()[0]) == 10
    # those that read what other programs, experiments or job arrays give
    assert sum(not printed.runs_here for printed in ALL) <= 15


@pytest.mark.parametrize("printed", [*ALL, *itertools.chain(*BLOCKS)], ids=named)
def test_a_printed_line_is_understood(printed: Printed) -> None:
    calls = commands_in(printed.line)
    for words in calls:
        parsed(words)
    assert calls or printed.source == "README.md" or "for " in printed.line


def test_the_words_of_a_line() -> None:
    line = "mpirun -n 2 lfp sim a.toml --set x='b c' -o - | lfp plot - -o p.png  # a picture"
    assert commands_in(line) == [
        ["sim", "a.toml", "--set", "x=b c", "-o", "-"],
        ["plot", "-", "-o", "p.png"],
    ]


@pytest.mark.parametrize("number", range(len(of_readme())))
def test_the_lines_of_the_readme_run_in_an_empty_folder(
    run: Run, tmp_path: Path, number: int
) -> None:
    for printed in of_readme()[number]:
        run(printed.line, tmp_path)
    pictures = list(tmp_path.glob("*.png"))
    assert pictures and all(path.stat().st_size > 5000 for path in pictures)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lines"), of_examples(), ids=[n for n, _ in of_examples()])
def test_the_lines_of_an_example_run_in_its_folder(
    run: Run, tmp_path: Path, name: str, lines: list[Printed]
) -> None:
    run(f"lfp example {name} here", tmp_path)
    for printed in lines:
        run(printed.line, tmp_path / "here")


@pytest.mark.slow
@pytest.mark.parametrize("printed", [p for p in of_help() if p.runs_here], ids=named)
def test_a_line_of_help_runs(run: Run, desk: Path, tmp_path: Path, printed: Printed) -> None:
    shutil.copytree(desk, tmp_path / "desk")
    run_anew(run, printed, tmp_path / "desk")


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({p.source for p in of_pages()}))
def test_the_lines_of_a_page_run_in_order(run: Run, desk: Path, tmp_path: Path, page: str) -> None:
    shutil.copytree(desk, tmp_path / "desk")
    for printed in of_pages():
        if printed.source == page and printed.runs_here:
            run_anew(run, printed, tmp_path / "desk")


def run_anew(run: Run, printed: Printed, folder: Path) -> None:
    """Run a line; what it writes is written anew, whatever lies on the desk."""
    for words in commands_in(printed.line):
        for option, name in itertools.pairwise(words):
            # `lfp convert` names its output by place
            outputs = ("-o", "--output", *(words[1:2] if words[0] == "convert" else ()))
            if option in outputs and not name.startswith("-"):
                target = folder / name
                if target.is_dir():
                    shutil.rmtree(target)
                target.unlink(missing_ok=True)
    run(printed.line, folder)
