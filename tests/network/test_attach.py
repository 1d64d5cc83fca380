"""Models that a script builds in NEURON, attached: spikes as its own run, LFP as our own model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import needs_mpi

from lfpcli.io.recording import open_recording

SCRIPT = """\
from neuron import h

h.load_file("stdrun.hoc")
pc = h.ParallelContext()


def cell(name, x):
    soma, dend = h.Section(name=f"{name}_soma"), h.Section(name=f"{name}_dend")
    shapes = (soma, ((0, 20), (20, 20)), 1), (dend, ((20, 3), (420, 2)), 11)
    for section, points, nseg in shapes:
        for z, diam in points:
            h.pt3dadd(x, 0, z, diam, sec=section)
        section.nseg, section.Ra, section.cm = nseg, 120, 1
        section.insert("pas")
        section.e_pas, section.g_pas = -65, 1e-4
    dend.connect(soma(1))
    soma.insert("hh")
    return soma, dend


gids = (3, 7)[int(pc.id()) :: int(pc.nhost())]
cells = {gid: cell(f"c{gid}", 60 * gid) for gid in gids}
for gid, (soma, dend) in cells.items():
    pc.set_gid2node(gid, int(pc.id()))
    detector = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
    detector.threshold = -10
    pc.cell(gid, detector)
keep = []
if 7 in cells:
    synapse = h.Exp2Syn(cells[7][1](0.5))
    synapse.tau1, synapse.tau2, synapse.e = 0.5, 3, 0
    connection = pc.gid_connect(3, synapse)
    connection.weight[0], connection.delay = 0.02, 1.5
    keep += [synapse, connection]
if 3 in cells:
    clamp = h.IClamp(cells[3][0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 2, 30, 0.8
    keep.append(clamp)
h.tstop = 40
if __name__ == "__main__":
    times, ids = h.Vector(), h.Vector()
    pc.spike_record(-1, times, ids)
    pc.set_maxstep(10)
    h.stdinit()
    pc.psolve(h.tstop)
    print(times.to_python(), [int(gid) for gid in ids.to_python()], sep=";")
"""

HOC = """\
begintemplate Ball
public soma, dend, all
objref all
create soma, dend
proc init() {
  soma { pt3dadd(0, 0, 0, 20)  pt3dadd(0, 0, 20, 20) }
  dend { pt3dadd(0, 0, 20, 3)  pt3dadd(0, 0, 420, 2)  nseg = 11 }
  connect dend(0), soma(1)
  all = new SectionList()
  soma all.append()
  dend all.append()
  forsec all { Ra = 120  cm = 1  insert pas  e_pas = -65  g_pas = 1e-4 }
  soma insert hh
}
endtemplate Ball
"""

MODEL = """\
[run]
tstop = 40
dt = 0.025
method = "backward-euler"
engine = "neuron"
v_init = -65
celsius = 6.3
[cell.ball]
template = "ball.hoc:Ball"
nseg = { rule = "keep" }
[population.a]
cell = "ball"
place = { positions = [[180, 0, 10]] }
threshold = -10
[population.b]
cell = "ball"
place = { positions = [[420, 0, 10]] }
threshold = -10
[[connection]]
pre = "a"
post = "b"
rule = { indegree = 1 }
weight = 0.02
delay = 1.5
location = { section = "dend", x = 0.5 }
synapse = { type = "Exp2Syn", tau1 = 0.5, tau2 = 3, e = 0 }
[[stimulus]]
population = "a"
type = "IClamp"
location = { section = "soma" }
delay = 2
dur = 30
amp = 0.8
[[probe]]
name = "LFP"
contacts = [[200, 0, 50], [400, 10, 300]]
"""

# what parallel models in hoc do: gids, spikes at an end of the soma, an artificial cell in a
# section of its own, on which nothing is
NETWORK = """\
{load_file("stdrun.hoc")}
objref pc, cells, nil, nc, stim, holder
pc = new ParallelContext()
begintemplate Pair
public soma, dend, syn, connect2target
objref syn
create soma, dend
proc init() {
  connect dend(0), soma(1)
  soma { L = 20  diam = 20  insert hh }
  dend { L = 300  diam = 2  nseg = 5  insert pas  syn = new ExpSyn(0.5)  syn.tau = 2 }
}
obfunc connect2target() { localobj nc
  soma nc = new NetCon(&v(1), $o1)
  nc.threshold = 10
  return nc
}
endtemplate Pair
begintemplate Host
public source
objref source
create host
proc init() { host source = new NetStim(0.5)  source.number = 1  source.start = 2 }
endtemplate Host
cells = new List()
proc make() { localobj cell, nc
  if ($1 % pc.nhost != pc.id) return
  cell = new Pair()
  cells.append(cell)
  pc.set_gid2node($1, pc.id)
  pc.cell($1, cell.connect2target(nil))
}
make(4)
make(7)
if (pc.id == 0) {
  holder = new Host()
  pc.set_gid2node(20, 0)
  pc.cell(20, new NetCon(holder.source, nil))
}
proc join() { localobj nc
  if (!pc.gid_exists($2)) return
  nc = pc.gid_connect($1, pc.gid2cell($2).syn)
  nc.weight = $3
  nc.delay = $4
  cells.append(nc)
}
join(20, 4, 0.05, 1)
join(4, 7, 0.05, 1)
join(7, 4, 0.05, 15)
tstop = 40
"""

# cells that know no gids, in the words of hoc alone
WITHOUT_GIDS = """\
create first, second
objref syn, nc, clamp
first { L = 20  diam = 20  insert hh  clamp = new IClamp(0.5) }
clamp.del = 1
clamp.dur = 20
clamp.amp = 0.6
second { L = 20  diam = 20  insert hh  syn = new ExpSyn(0.5) }
first nc = new NetCon(&v(0.5), syn, 15, 1, 0.05)
tstop = 20
"""

ATTACHED = """\
[run]
attach = "two.py"
[[probe]]
name = "LFP"
contacts = [[200, 0, 50], [400, 10, 300]]
"""


RUNS = {
    "psolve": "h.ParallelContext().set_maxstep(10)\nh.finitialize(-65)\n"
    "h.ParallelContext().psolve(5)\n",
    "swallowed": "h.finitialize(-65)\ntry:\n    h.fadvance()\nexcept RuntimeError:\n    pass\n",
}

NAMELESS = """\
from neuron import h

somata = [h.Section(name=name) for name in ("soma_a", "soma_b")]
for soma in somata:
    soma.L = soma.diam = 20
    soma.insert("hh")
synapse = h.ExpSyn(somata[1](0.5))
connection = h.NetCon(somata[0](0.5)._ref_v, synapse, 5, 1, 0.05, sec=somata[0])
clamp = h.IClamp(somata[0](0.5))
clamp.delay, clamp.dur, clamp.amp = 1, 2, 1
source, pc = h.IntFire1(), h.ParallelContext()
if pc.id() == 0:
    pc.set_gid2node(9, 0)
    pc.cell(9, h.NetCon(source, None))
h.tstop = 10
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "two.py").write_text(SCRIPT)
    (tmp_path / "attached.toml").write_text(ATTACHED)
    return tmp_path


def _spikes(path: Path) -> list[tuple[float, int]]:
    with h5py.File(path) as file:
        group = file["spikes/cells"]
        times, gids = group["timestamps"][()].tolist(), group["node_ids"][()].tolist()
    return list(zip(times, gids, strict=True))


def _lfp(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file["signals/LFP/data"])


def test_spikes_are_those_of_the_scripts_own_run(shell: Callable[..., Any], folder: Path) -> None:
    own = subprocess.run(
        [sys.executable, "two.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    times, gids = map(json.loads, own.stdout.split(";"))
    expected = list(zip(times, gids, strict=True))
    shell("sim", "attached.toml", "-o", "out.h5", cwd=folder)
    assert len(expected) == 4 and _spikes(folder / "out.h5") == expected


def test_lfp_is_that_of_the_same_model_in_tables(shell: Callable[..., Any], folder: Path) -> None:
    (folder / "ball.hoc").write_text(HOC)
    (folder / "model.toml").write_text(MODEL)
    shell("sim", "attached.toml", "-o", "out.h5", cwd=folder)
    shell("sim", "model.toml", "-o", "model.h5", cwd=folder)
    ours, expected = _lfp(folder / "out.h5"), _lfp(folder / "model.h5")
    assert np.abs(ours - expected).max() < 1e-9 * np.abs(expected).max()


def test_quick_options_measure_a_script_alike(shell: Callable[..., Any], folder: Path) -> None:
    contacts = folder / "contacts.csv"
    contacts.write_text("x,y,z\n200,0,50\n400,10,300\n")
    shell("sim", "attached.toml", "-o", "out.h5", cwd=folder)
    options = ("--attach", "two.py", "--contacts", "contacts.csv")
    shell("sim", *options, "-o", "quick.h5", cwd=folder)
    assert np.array_equal(_lfp(folder / "quick.h5"), _lfp(folder / "out.h5"))
    # a model without cells may get its script from the option
    (folder / "attached.toml").write_text(ATTACHED.replace('attach = "two.py"', ""))
    shell("sim", "attached.toml", "--attach", "two.py", "-o", "again.h5", cwd=folder)
    assert np.array_equal(_lfp(folder / "again.h5"), _lfp(folder / "out.h5"))


@needs_mpi
def test_a_script_makes_the_same_on_two_ranks(shell: Callable[..., Any], folder: Path) -> None:
    shell("sim", "attached.toml", "-o", "one.h5", cwd=folder)
    shell("sim", "attached.toml", "-o", "two.h5", "--ranks", "2", cwd=folder)
    assert _spikes(folder / "two.h5") == _spikes(folder / "one.h5")
    assert np.array_equal(_lfp(folder / "two.h5"), _lfp(folder / "one.h5"))
    # without gids each process would have all cells
    (folder / "two.py").write_text(NAMELESS)
    error = shell("sim", "attached.toml", "-o", "no.h5", "--ranks", "2", cwd=folder, code=3).err
    assert "the cell of section 'soma_a' has no gid" in error and not (folder / "no.h5").exists()


def test_cells_without_gids_get_some_and_artificial_ones_keep_theirs(
    shell: Callable[..., Any], folder: Path
) -> None:
    (folder / "two.py").write_text(NAMELESS)
    plan = json.loads(shell("sim", "attached.toml", "--dry-run", "--json", cwd=folder).out)
    assert plan["populations"] == {"artificial": 1, "cells": 2} and plan["segments"] == 2
    shell("sim", "attached.toml", "-o", "out.h5", cwd=folder)
    spikes = _spikes(folder / "out.h5")
    assert [gid for _, gid in spikes] == [10, 11] and spikes[0][0] < spikes[1][0] < 10
    with h5py.File(folder / "out.h5") as file:
        assert np.unique(file["geometry/cells/gid"]).tolist() == [10, 11]


def test_sections_without_names_are_numbered(shell: Callable[..., Any], folder: Path) -> None:
    made = "parts = [h.Section() for _ in range(3)]\nparts[1].connect(parts[0])\n"
    (folder / "two.py").write_text(f"from neuron import h\n{made}")
    shell("sim", "attached.toml", "-o", "out.h5", cwd=folder)
    with open_recording(folder / "out.h5") as recording:
        names = recording.geometry("cells").section_names
    # NEURON itself tells such sections by their addresses
    assert list(names) == ["section[0]", "section[1]"]


def _hoc_spikes(folder: Path, text: str, detection: str) -> list[tuple[float, int]]:
    """Spikes of hoc code in a run of its own; `detection` records them to `times` and `ids`."""
    vectors = "objref times, ids\ntimes = new Vector()\nids = new Vector()\n"
    run = "stdinit()\ncontinuerun(tstop)\n"
    show = 'for i=0, times.size-1 printf("SPIKE %.17g %d\\n", times.x[i], ids.x[i])\n'
    load = '{load_file("stdrun.hoc")}\n'
    (folder / "alone.hoc").write_text(load + text + vectors + detection + run + show)
    code = "from neuron import h; h.load_file('alone.hoc')"
    own = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in own.stdout.splitlines() if line.startswith("SPIKE")]
    return [(float(time), int(gid)) for _, time, gid in rows]


@needs_mpi
def test_a_network_in_hoc_keeps_its_gids_and_spikes(
    shell: Callable[..., Any], folder: Path
) -> None:
    (folder / "net.hoc").write_text(NETWORK)
    expected = _hoc_spikes(folder, NETWORK, "pc.spike_record(-1, times, ids)\n")
    cells = [(time, gid) for time, gid in expected if gid != 20]
    assert len(cells) >= 4 and len(cells) < len(expected)
    options = ("--hoc", "net.hoc", "--contacts", "30,10,40", "--seed", "1")
    error = shell("sim", *options, "-o", "one.h5", cwd=folder).err
    assert "1 section" in error and "left out" in error
    assert sorted(_spikes(folder / "one.h5")) == sorted(cells)
    with open_recording(folder / "one.h5") as recording:
        assert set(recording.geometry("cells").gid) == {4, 7}
    shell("sim", *options, "-o", "two.h5", "--ranks", "3", cwd=folder)
    assert _spikes(folder / "two.h5") == _spikes(folder / "one.h5")
    assert np.array_equal(_lfp(folder / "two.h5"), _lfp(folder / "one.h5"))
    # --attach takes the file as well, for which it need have no gids
    shell("sim", "--attach", *options[1:], "-o", "same.h5", cwd=folder)
    assert np.array_equal(_lfp(folder / "same.h5"), _lfp(folder / "one.h5"))
    for more, code in ((("--stim", "soma:1@1+2"), 3), (("--checkpoint", "5"), 2)):
        error = shell("sim", *options, *more, "-o", "no.h5", cwd=folder, code=code).err
        assert ("give" if code == 3 else "checkpoints") in error
    assert not (folder / "no.h5").exists()


def test_connections_in_hoc_keep_their_threshold(shell: Callable[..., Any], folder: Path) -> None:
    (folder / "net.hoc").write_text(WITHOUT_GIDS)
    places = "nc.record(times, ids, 0)\n"
    expected = _hoc_spikes(folder, WITHOUT_GIDS, places)
    shell("sim", "--hoc", "net.hoc", "-o", "out.h5", cwd=folder)
    with h5py.File(folder / "out.h5") as file:
        times = file["spikes/cell_0/timestamps"][()].tolist()
    assert len(expected) >= 1 and times == [time for time, _ in expected]


@pytest.mark.parametrize("run", list(RUNS.values()), ids=list(RUNS))
def test_a_script_that_runs_is_refused(shell: Callable[..., Any], folder: Path, run: str) -> None:
    (folder / "two.py").write_text("from neuron import h\nsoma = h.Section(name='soma')\n" + run)
    error = shell("sim", "attached.toml", "-o", "out.h5", cwd=folder, code=3).err
    assert "the script runs the simulation itself" in error and "two.py" in error
    assert "__main__" in error and not (folder / "out.h5").exists()


def test_scripts_that_fail_or_build_nothing_are_named(
    shell: Callable[..., Any], folder: Path
) -> None:
    def error(text: str, *options: str, code: int) -> str:
        (folder / "two.py").write_text(text)
        words = ("sim", "attached.toml", "-o", "out.h5", *options)
        return str(shell(*words, cwd=folder, code=code).err)

    failed = error("x = 1\n1 / 0\n", code=5)
    assert "ZeroDivisionError" in failed and "two.py:2" in failed
    quits = error("from neuron import h\nsoma = h.Section()\nh.quit()\n", code=5)
    assert "ends the whole program" in quits and "two.py" in quits and "quit()" in quits
    assert "makes no sections" in error("def build():\n    pass\n", code=3)
    assert "has no checkpoints" in error(SCRIPT, "--checkpoint", "5", code=2)
    assert "leave out --save-network" in error(SCRIPT, "--save-network", "net.h5", code=2)
    beside = ATTACHED + '[cell.a]\nmorphology = "a.swc"\n'
    (folder / "attached.toml").write_text(beside)
    assert "[cell] does not go with run.attach" in error(SCRIPT, code=3)


def test_no_code_names_the_script_and_does_not_run_it(
    lfp: Callable[..., Any], folder: Path
) -> None:
    (folder / "two.py").write_text("raise SystemExit('was run')\n")
    facts = json.loads(lfp("sim", folder / "attached.toml", "--dry-run", "--no-code", "--json").out)
    assert facts["code"] == [
        {"key": "run.attach", "file": "two.py", "part": "", "language": "Python"}
    ]
    assert facts["segments"] is None and facts["populations"] == {}


def test_segments_begin_where_the_script_has_set_them(
    shell: Callable[..., Any], folder: Path
) -> None:
    script = folder / "begins.py"
    text = SCRIPT.replace("h.tstop = 40", "h.tstop = 1")
    script.write_text(f"{text}\nfor soma, dend in cells.values():\n    soma.v, dend.v = -70, -60\n")
    shell("sim", "--attach", script, "-o", folder / "b.h5", "--set", "record.vmem='all'")
    with h5py.File(folder / "b.h5") as file:
        first = file["reports/vmem/cells/data"][0]
        section = file["reports/vmem/cells/mapping/element_ids"][:]
        names = file["geometry/cells/section_names"].asstr()[:]
        np.testing.assert_array_equal(section, file["geometry/cells/section"][:])
    is_soma = np.char.find(names.astype(str), "soma") >= 0
    assert np.count_nonzero(is_soma[section]) == 2
    np.testing.assert_array_equal(first, np.where(is_soma[section], -70.0, -60.0))
