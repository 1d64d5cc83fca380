"""Cells of hoc morphologies many times, morphologies in templates, and where cells stand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import open_recording
from lfpcli.runtime.mechanisms.concentrations import written_concentrations

BRANCHED = """\
create soma, dend[2]
soma { pt3dadd(-10, 0, 0, 20) pt3dadd(10, 0, 0, 20) insert hh gnabar_hh = 0.2 ena = 55 nseg = 3 }
dend[0] { pt3dadd(10, 0, 0, 4) pt3dadd(60, 0, 0, 2) insert pas e_pas = -60 Ra = 77 cm = 2 }
dend[1] { L = 30 nseg = 3 diam(0:1) = 3:1 }
connect dend[0](0), soma(1)
connect dend[1](1), dend[0](1)
"""


def state(sections):
    """All that is set of some sections."""
    values = []
    for s in sections:
        values += [s.L, s.Ra, s.nseg, s.n3d(), s.orientation()]
        names = ("cm", "diam", "gnabar_hh", "ena", "e_pas", "nao")
        values += [getattr(segment, name, 0) for segment in s for name in names]
        values += [segment.area() for segment in s]
    return values


def test_hoc_morphologies_are_made_many_times(neuron_process, tmp_path: Path) -> None:
    (tmp_path / "a.hoc").write_text(BRANCHED)
    (tmp_path / "b.hoc").write_text("create soma\nsoma { L = 9 diam = 9 }\n")

    def model(results) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.neuron import nrn

        h = nrn()
        cells = [Cell("a.hoc", nseg={"rule": "keep"}) for _ in range(3)] + [Cell("b.hoc")]
        results["count"] = len(list(h.allsec()))
        results["names"] = cells[2].names
        results["states"] = [state(cell.sections) for cell in cells[:3]]
        h.load_file(1, "a.hoc")
        results["plain"] = state([h.soma, h.dend[0], h.dend[1]])
        results["other"] = cells[3].sections[0].L

    got = neuron_process(model)
    assert got["count"] == 10
    assert list(got["names"]) == ["soma", "dend[0]", "dend[1]"]
    for values in got["states"]:
        np.testing.assert_array_equal(values, got["plain"])
    assert got["other"] == 9


def test_populations_of_hoc_morphologies_run(shell, tmp_path: Path) -> None:
    (tmp_path / "a.hoc").write_text(BRANCHED)
    path, out = tmp_path / "m.toml", tmp_path / "o.h5"
    path.write_text(
        '[run]\ntstop = 2\n[cell.c]\nmorphology = "a.hoc"\n[population.P]\ncell = "c"\nsize = 3\n'
    )
    shell("sim", path, "-o", out)
    with open_recording(out) as recording:
        vmem = recording.report("vmem", "P").data[()]
    assert vmem.shape[1] == 3
    assert np.ptp(vmem, axis=1).max() == 0


TEMPLATE = """\
begintemplate Shell
public soma, dend, apic, axon, all, somatic, basal, apical, axonal, biophys
create soma[1], dend[1], apic[1], axon[1]
objref all, somatic, basal, apical, axonal, this
proc init() {
    all = new SectionList()
    somatic = new SectionList()
    basal = new SectionList()
    apical = new SectionList()
    axonal = new SectionList()
    if ($1) { soma { L = 11 diam = 11 all.append() } }
}
endtemplate Shell
"""


def test_a_morphology_goes_into_a_template(shell, share: Path, tmp_path: Path) -> None:
    (tmp_path / "t.hoc").write_text(TEMPLATE)
    path, out = tmp_path / "m.toml", tmp_path / "o.h5"
    swc = share / "morphologies/ball_and_sticks.swc"
    text = (
        f'[run]\ntstop = 2\n[cell.c]\nmorphology = "{swc}"\nMORE'
        '[[cell.c.mechanism]]\nname = "pas"\n[population.P]\ncell = "c"\nsize = 2\n'
    )
    path.write_text(text.replace("MORE", 'template = "t.hoc:Shell"\nargs = [0]\n'))
    shell("sim", path, "-o", out)
    plain = tmp_path / "plain.h5"
    path.write_text(text.replace("MORE", ""))
    shell("sim", path, "-o", plain)
    with open_recording(out) as one, open_recording(plain) as other:
        assert one.geometry("P").section_names == other.geometry("P").section_names
        np.testing.assert_array_equal(one.geometry("P").end, other.geometry("P").end)
        np.testing.assert_array_equal(one.geometry("P").area, other.geometry("P").area)
    path.write_text(text.replace("MORE", 'template = "t.hoc:Shell"\nargs = [1]\n'))
    err = shell("sim", path, "-o", out, "--force").err
    assert "the template makes sections of its own" in err
    (tmp_path / "t.hoc").write_text(TEMPLATE.replace("all", "entire"))
    err = shell("sim", path, "-o", out, "--force", code=3).err
    assert "no public SectionList 'all'" in err


TWO_CELLS = """\
create soma, soma2, dend2
soma { L = 20 diam = 20 insert hh }
soma2 { L = 20 diam = 20 insert hh }
dend2 { L = 100 diam = 2 insert pas }
connect dend2(0), soma2(1)
objref clamp
soma2 clamp = new IClamp(0.5)
clamp.del = 1
clamp.dur = 2
clamp.amp = 0.5
"""


TREES = {"quiet": "soma", "driven": "soma2"}


def tree_tables(name: str, root: str) -> str:
    return (
        f'[cell.{name}]\nhoc = "two.hoc"\nroot = "{root}"\n[population.{name}]\ncell = "{name}"\n'
    )


def test_several_cells_of_one_hoc_file_are_several_cells(shell, tmp_path: Path) -> None:
    path, out = tmp_path / "two.hoc", tmp_path / "o.h5"
    path.write_text(TWO_CELLS)
    err = shell("sim", "--hoc", path, "--tstop", 8, "--seed", 1, "-o", out).err
    assert "the hoc file builds 2 cells: soma (cell_0), soma2 (cell_1)" in err
    with open_recording(out) as recording:
        assert list(recording.geometry("cell_0").section_names) == ["soma"]
        assert list(recording.geometry("cell_1").section_names) == ["soma2", "dend2"]
        assert set(recording.geometry("cell_1").gid) == {1}
        assert len(recording.spikes("cell_0")[0]) == 0
        assert len(recording.spikes("cell_1")[0]) >= 1
    (note,) = json.loads(shell("morph", path, "--json").out)["notes"]
    assert note == "holds 2 cells or pieces, whose trees begin with soma, soma2"


def test_tables_of_a_population_go_to_each_of_its_trees(shell, tmp_path: Path) -> None:
    (tmp_path / "two.hoc").write_text(TWO_CELLS)
    model, out = tmp_path / "model.toml", tmp_path / "o.h5"
    stimulus = '[[stimulus]]\ntype = "IClamp"\npopulation = "P"\namp = 0.5\ndelay = 1\ndur = 2\n'
    text = '[run]\ntstop = 8.0\n[cell.c]\nhoc = "two.hoc"\n[population.P]\ncell = "c"\n' + stimulus
    model.write_text(text)
    shell("sim", model, "-o", out)
    with open_recording(out) as recording:
        assert all(len(recording.spikes(name)[0]) >= 1 for name in ("P_0", "P_1"))
    model.write_text(text.replace('cell = "c"', 'cell = "c"\nsize = 2'))
    err = shell("sim", model, "-o", out, "-f", code=3).err
    assert "builds 2 cells, each of them once: soma, soma2" in err and 'root = "soma"' in err


def test_trees_of_one_hoc_file_are_cells_with_spikes_of_their_own(shell, tmp_path: Path) -> None:
    (tmp_path / "two.hoc").write_text(TWO_CELLS)
    tables = [tree_tables(name, root) for name, root in TREES.items()]
    model, out = tmp_path / "model.toml", tmp_path / "o.h5"
    model.write_text("[run]\ntstop = 8.0\nseed = 1\n" + "".join(tables))
    shell("sim", model, "-o", out)
    with open_recording(out) as recording:
        assert list(recording.geometry("quiet").section_names) == ["soma"]
        assert list(recording.geometry("driven").section_names) == ["soma2", "dend2"]
        spikes = {name: len(recording.spikes(name)[0]) for name in TREES}
        assert spikes["quiet"] == 0 and spikes["driven"] >= 1


@pytest.mark.parametrize(
    ("roots", "message"),
    [
        (["soma", "dend2"], "no tree begins with a section 'dend2'"),
        (["soma", "soma"], "the tree of 'soma' is a cell already"),
    ],
)
def test_trees_that_cannot_be_cells(shell, tmp_path: Path, roots: list[str], message: str) -> None:
    (tmp_path / "two.hoc").write_text(TWO_CELLS)
    tables = [tree_tables(f"c{k}", root) for k, root in enumerate(roots)]
    model = tmp_path / "model.toml"
    model.write_text("[run]\ntstop = 1.0\n" + "".join(tables))
    err = shell("sim", model, "-o", tmp_path / "o.h5", code=3).err
    assert message in err and "two.hoc" in err


# what a hoc file may have: arrays, loops, connections in both ways, electrodes, synapses with
# spikes of their own, lists, pointers, procedures and another file
WHOLE = """\
objref clamp, syn, stim, netcon, trace, moments, apical
ndend = 3
create soma, dend[ndend], axon
access soma
load_file("channels.hoc")
proc geometry() { local i
  soma { L = 20 diam = 20 }
  for i = 0, ndend - 1 dend[i] { L = 100 + 10 * i diam = 2 nseg = 3 connect dend[i](0), soma(1) }
  axon { pt3dadd(0, 0, 0, 1) pt3dadd(0, -80, 0, 1) }
  soma connect axon(0), 0
}
geometry()
channels()
forall Ra = 120
forsec "dend" e_pas = -60
soma.gnabar_hh = 0.15
apical = new SectionList()
dend[2] apical.append()
forsec apical g_pas = 2e-4
soma clamp = new IClamp(0.5)
clamp.del = 1
clamp.dur = 1e9
trace = new Vector(3)
moments = new Vector(3)
trace.x[1] = 0.1
trace.x[2] = 0.3
moments.x[1] = 4
moments.x[2] = 8
trace.play(&clamp.amp, moments, 1)
dend[1] syn = new ExpSyn(0.7)
stim = new NetStim()
stim.start = 3
stim.number = 5
netcon = new NetCon(stim, syn, 0, 1, 0.01)
"""
CHANNELS = "proc channels() { forall insert pas  soma insert hh  axon { insert hh } }\n"


def test_populations_of_whole_hoc_files_are_equal_cells(
    shell, neuron_process, tmp_path: Path
) -> None:
    (tmp_path / "whole.hoc").write_text(WHOLE)
    (tmp_path / "channels.hoc").write_text(CHANNELS)
    model, out = tmp_path / "m.toml", tmp_path / "o.h5"
    model.write_text(
        '[run]\ntstop = 20\nengine = "neuron"\n[cell.c]\nhoc = "whole.hoc"\n'
        '[population.P]\ncell = "c"\nsize = 3\n[record]\nvmem = "all"\n'
    )
    shell("sim", model, "-o", out)

    def plain(results, file: str) -> None:
        from neuron import h

        h.load_file("stdrun.hoc")
        h.load_file(1, file)
        sections = [h.soma, *h.dend, h.axon]
        potentials = [h.Vector().record(s(0.5)._ref_v) for s in sections]
        h.celsius, h.v_init, h.tstop = 6.3, -65, 20
        h.run()
        results["v"] = np.array(potentials).T

    expected = neuron_process(plain, file=str(tmp_path / "whole.hoc"))["v"]
    with open_recording(out) as recording:
        geometry, vmem = recording.geometry("P"), recording.report("vmem", "P").data[()]
        assert len(recording.spikes("P")[0]) >= 3
    count = len(geometry) // 3
    for k in range(3):
        cell = geometry.gid == k
        assert cell.sum() == count
        np.testing.assert_array_equal(geometry.area[cell], geometry.area[geometry.gid == 0])
        np.testing.assert_array_equal(vmem[:, cell], vmem[:, geometry.gid == 0])
    # soma, the middles of three dendrites of three segments, and of the axon
    middles = [0, 2, 5, 8, count - 1]
    np.testing.assert_allclose(vmem[:, middles], expected, rtol=0, atol=1e-6)


MADE = """\
load_file("lib.hoc")
objref cell
cell = new Pyr(2, 0.15)
access cell.soma
"""
LIBRARY = """\
begintemplate Pyr
public soma, dend
create soma, dend[1]
proc init() { local k
    create dend[$1]
    soma { L = 18 diam = 18 insert hh gnabar_hh = $2 }
    for k = 0, $1 - 1 { connect dend[k](0), soma(1) dend[k] { L = 150 + 50 * k diam = 2 } }
}
endtemplate Pyr
"""


def test_populations_of_files_that_make_a_cell_of_a_template(shell, tmp_path: Path) -> None:
    """None of whose sections has a name at the top level of hoc."""
    (tmp_path / "made.hoc").write_text(MADE)
    (tmp_path / "lib.hoc").write_text(LIBRARY)
    model, out = tmp_path / "m.toml", tmp_path / "o.h5"
    model.write_text(
        '[run]\ntstop = 1\n[cell.c]\nhoc = "made.hoc"\n[population.P]\ncell = "c"\nsize = 2\n'
    )
    shell("sim", model, "-o", out)
    with open_recording(out) as recording:
        geometry = recording.geometry("P")
    areas = [geometry.area[geometry.gid == k] for k in range(2)]
    assert len(areas[0]) == 3
    np.testing.assert_array_equal(areas[0], areas[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "begintemplate T\nproc init() {}\nendtemplate T\ncreate soma\n",
            'give template = "once.hoc:T" instead of hoc',
        ),
        (
            'create soma\nif (name_declared("seen")) { execerror("twice", "") }\nseen = 1\n',
            "cannot a second time: hoc: twice",
        ),
        (
            'create soma\nif (name_declared("seen")) { execute("create more") }\nseen = 1\n',
            "makes other sections when it runs again",
        ),
    ],
)
def test_hoc_files_that_cannot_be_run_again(shell, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "once.hoc").write_text(text)
    model = tmp_path / "m.toml"
    model.write_text(
        '[run]\ntstop = 1\n[cell.c]\nhoc = "once.hoc"\n[population.P]\ncell = "c"\nsize = 2\n'
    )
    err = shell("sim", model, "-o", tmp_path / "o.h5", code=3).err
    assert message in err and "once.hoc" in err


def depth(path: Path) -> tuple[float, float]:
    with open_recording(path) as recording:
        geometry = recording.geometry(next(iter(recording.populations)))
        return float(geometry.start[:, 2].min()), float(geometry.end[:, 2].max())


@pytest.mark.parametrize("suffix", [".swc", ".h5"])
def test_a_shift_on_the_way_is_kept(shell, share: Path, tmp_path: Path, suffix: str) -> None:
    cell, out = tmp_path / f"cell{suffix}", tmp_path / "o.h5"
    source = share / "morphologies/stick.swc"
    shell("morph", source, "--shift", "0,0,100", "-o", cell)
    shell("sim", source, "--passive", "--tstop", 1, "-o", out)
    low, high = depth(out)
    err = shell("sim", cell, "--passive", "--tstop", 1, "-o", out, "--force").err
    assert depth(out) == pytest.approx((low + 100, high + 100), abs=1e-4)
    assert "origin" not in err
    for key, shift in (("shift=[0,0,7]", 7), ("origin=soma", 0)):
        setting = f"cell.cell.{key}"
        shell("sim", cell, "--passive", "--tstop", 1, "--set", setting, "-o", out, "--force")
        assert depth(out) == pytest.approx((low + shift, high + shift), abs=1e-4)


def test_a_file_with_its_soma_elsewhere_is_told(shell, tmp_path: Path) -> None:
    cell, out = tmp_path / "cell.swc", tmp_path / "o.h5"
    cell.write_text("1 1 5 6 30 5 -1\n2 3 5 6 35 1 1\n3 3 5 6 90 1 2\n")
    err = shell("sim", cell, "--passive", "--tstop", 1, "-o", out).err
    assert "has the soma at (5, 6, 30) um; it is moved to the origin" in err
    assert 'cell.cell.origin = "file" keeps it' in err
    moved = depth(out)
    arguments = ("--passive", "--tstop", 1, "--set", "cell.cell.origin=file", "-o", out, "--force")
    err = shell("sim", cell, *arguments).err
    assert "moved to the origin" not in err
    assert depth(out) == pytest.approx((moved[0] + 30, moved[1] + 30), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NEURON { SUFFIX a USEION ca READ ica, cai WRITE cai }", {"cai"}),
        ("NEURON {\n USEION ca READ cai WRITE ica VALENCE 2\n}", set()),
        ("NEURON {\n USEION na\n READ ina\n WRITE nai, nao\n}", {"nai", "nao"}),
        ("NEURON {\n : USEION ca WRITE cai\n USEION k WRITE ik\n}", set()),
    ],
)
def test_concentrations_that_a_mechanism_writes(text: str, expected: set[str]) -> None:
    assert written_concentrations(text) == expected
