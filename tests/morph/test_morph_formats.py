"""Writing and reading the other formats: HDF5, NeuroML, and those that NEURON reads."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from random_asc import random_asc
from random_trees import random_swc

from lfpcli.errors import InputError, UsageError
from lfpcli.io.morphology import write_morphology
from lfpcli.morphology.hdf5 import read_hdf5
from lfpcli.morphology.measures import section_area
from lfpcli.morphology.swc import read_swc, swc_text
from lfpcli.runtime.morphology.reading import read_morphology

SHIPPED = ("stick", "ball_and_stick", "ball_and_sticks", "l5_pyramidal", "l23_pyramidal", "basket")


def same_sections(one, two) -> bool:
    return all(
        (a.name, a.parent, a.parent_x, a.wire) == (b.name, b.parent, b.parent_x, b.wire)
        and np.array_equal(a.points, b.points)
        for a, b in zip(one.sections, two.sections, strict=True)
    )


@pytest.mark.parametrize("suffix", ["swc", "h5"])
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cells_come_back(share, tmp_path, name, suffix):
    cell = read_swc(share / "morphologies" / f"{name}.swc")
    write_morphology(cell, tmp_path / f"cell.{suffix}")
    back = read_morphology(tmp_path / f"cell.{suffix}")
    assert np.array_equal(back.types, cell.types)
    assert np.array_equal(back.parents, cell.parents)
    assert np.array_equal(back.points.astype("f4"), cell.points.astype("f4"))
    assert same_sections(cell, back)


@pytest.mark.filterwarnings("ignore::lfpcli.errors.LfpWarning")
@pytest.mark.parametrize("seed", range(60))
def test_random_trees_come_back(tmp_path, seed):
    (tmp_path / "cell.swc").write_text(random_swc(seed, depth_first=seed % 2 == 0))
    cell = read_swc(tmp_path / "cell.swc")
    for suffix in ("h5", "swc"):
        write_morphology(cell, tmp_path / f"copy.{suffix}")
        back = read_morphology(tmp_path / f"copy.{suffix}")
        assert np.array_equal(back.parents, cell.parents)
        assert np.array_equal(back.types, cell.types)
        assert same_sections(cell, back)


@pytest.mark.parametrize("name", SHIPPED)
def test_morphio_opens_written_files_without_a_warning(share, tmp_path, capfd, name):
    morphio = pytest.importorskip("morphio")
    cell = read_swc(share / "morphologies" / f"{name}.swc")
    for suffix in ("swc", "h5"):
        write_morphology(cell, tmp_path / f"cell.{suffix}")
        warnings = morphio.WarningHandlerCollector()
        opened = morphio.Morphology(str(tmp_path / f"cell.{suffix}"), warning_handler=warnings)
        assert warnings.get_all() == []
        length = sum(
            np.linalg.norm(np.diff(section.points, axis=0), axis=1).sum()
            for section in opened.iter()
        )
        traced = cell.points[:, :3]
        above = cell.parents >= 0
        above[above] &= cell.types[cell.parents[above]] != 1
        own = np.linalg.norm(traced[above] - traced[cell.parents[above]], axis=1).sum()
        assert length == pytest.approx(own, rel=1e-5)
        assert opened.soma.center == pytest.approx(cell.middle_of_soma, abs=1e-3)
    assert capfd.readouterr().err == ""


def test_hdf5_of_morphio_is_read(share, tmp_path):
    morphio = pytest.importorskip("morphio")
    from morphio.mut import Morphology as Mutable

    cell = read_swc(share / "morphologies" / "l5_pyramidal.swc")
    foreign = Mutable(str(share / "morphologies" / "l5_pyramidal.swc"))
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    foreign.soma.points = np.column_stack([10 * np.cos(angle), 10 * np.sin(angle), 0 * angle])
    foreign.soma.diameters = np.zeros(12)
    foreign.soma.type = morphio.SomaType.SOMA_SIMPLE_CONTOUR
    foreign.write(str(tmp_path / "cell.h5"))
    back = read_hdf5(tmp_path / "cell.h5")
    assert [s.name for s in back.sections] == [s.name for s in cell.sections]
    for mine, theirs in zip(back.sections, cell.sections, strict=True):
        assert np.allclose(mine.points, theirs.points, atol=1e-4)
        assert mine.parent_x == theirs.parent_x


@pytest.mark.filterwarnings("ignore::lfpcli.errors.LfpWarning")
@pytest.mark.parametrize("suffix", ["swc", "h5"])
@pytest.mark.parametrize("seed", range(12))
def test_drawn_cells_come_back(tmp_path, seed, suffix):
    (tmp_path / "cell.asc").write_text(random_asc(seed))
    cell = read_morphology(tmp_path / "cell.asc")
    write_morphology(cell, tmp_path / f"copy.{suffix}")
    back = read_morphology(tmp_path / f"copy.{suffix}")
    assert [section.name for section in back.sections] == [s.name for s in cell.sections]
    for one, two in zip(back.sections, cell.sections, strict=True):
        assert section_area(one) == pytest.approx(section_area(two), rel=1e-4)
        assert (one.parent, one.parent_x) == (two.parent, two.parent_x)


def test_hdf5_keeps_names_and_own_diameters(neuron_process, tmp_path):
    (tmp_path / "cell.hoc").write_text(BRANCH)

    def model(results) -> None:
        import warnings

        from lfpcli.io.morphology import write_morphology
        from lfpcli.morphology.measures import section_area
        from lfpcli.runtime.morphology.reading import load_sections, read_morphology

        cell = read_morphology("cell.hoc")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            write_morphology(cell, "cell.h5")
            results["h5_warnings"] = len(caught)
            write_morphology(cell, "cell.swc")
            results["warnings"] = np.array([str(w.message) for w in caught])
        for suffix in ("h5", "swc"):
            back = read_morphology(f"cell.{suffix}")
            results[f"{suffix}_names"] = np.array([s.name for s in back.sections])
            results[f"{suffix}_area"] = sum(section_area(s) for s in back.sections)
            sections = load_sections(f"cell.{suffix}").sections
            results[f"{suffix}_neuron"] = sum(x.area() for s in sections for x in s)

    kept = neuron_process(model)
    assert kept["h5_warnings"] == 0
    assert kept["h5_names"].tolist() == ["soma", "dend[0]", "dend[1]", "dend[2]", "iseg"]
    assert kept["swc_names"].tolist() == ["soma[0]", "axon[0]", "dend[0]", "dend[1]", "dend[2]"]
    assert "names change: iseg becomes axon[0]" in kept["warnings"][0]
    for key in ("h5_area", "swc_area", "h5_neuron", "swc_neuron"):
        assert kept[key] == pytest.approx(2156.92, abs=0.01), key


def damaged(path: Path, change) -> Path:
    with h5py.File(path, "a") as file:
        change(file)
    return path


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda f: f.__delitem__("points"), "no dataset 'points'"),
        (lambda f: (f.__delitem__("structure"), f.create_group("structure")), "no dataset"),
        (lambda f: f["points"].__setitem__((50, 0), np.nan), "not finite"),
        (lambda f: f["points"].__setitem__((50, 3), -1.0), "negative"),
        (lambda f: f["lfp/rows"].__setitem__(3, 10**6), "reach past"),
        (lambda f: f["lfp/parents"].__setitem__(3, 7), "does not follow its parent"),
        (lambda f: f["lfp"].__delitem__("types"), "no readable HDF5 morphology"),
        (
            lambda f: (f.__delitem__("lfp"), f["structure"].__setitem__((1, 2), 30)),
            "not in order",
        ),
        (
            lambda f: (f.__delitem__("points"), f.__setitem__("points", np.zeros((3, 2)))),
            "has shape (3, 2)",
        ),
    ],
)
def test_damaged_hdf5_is_refused(share, tmp_path, change, what):
    write_morphology(read_swc(share / "morphologies" / "basket.swc"), tmp_path / "cell.h5")
    with pytest.raises(InputError) as caught:
        read_hdf5(damaged(tmp_path / "cell.h5", change))
    assert what in caught.value.message


def test_truncated_hdf5_is_refused(share, tmp_path):
    write_morphology(read_swc(share / "morphologies" / "basket.swc"), tmp_path / "cell.h5")
    whole = (tmp_path / "cell.h5").read_bytes()
    (tmp_path / "cell.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="truncated or damaged"):
        read_morphology(tmp_path / "cell.h5")


def test_swc_text_is_short_and_exact():
    text = "1 1 414.8144 -0.0 15.12 6.4406 -1\n2 3 0.1 1e-05 3 0.25 1\n"
    from io import StringIO

    cell = read_swc(StringIO(text), name="cell.swc")
    assert swc_text(cell, ["head"]).splitlines() == [
        "# head",
        "# id type x y z radius parent; um",
        "1 1 414.8144 0 15.12 6.4406 -1",
        "2 3 0.1 1e-05 3 0.25 1",
    ]


def test_a_model_is_no_morphology(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text("[run]\ntstop = 10.0\n")
    with pytest.raises(InputError, match="is no morphology, and named as a model is"):
        read_morphology(path)


def test_unknown_suffix_is_refused(share, tmp_path):
    cell = read_swc(share / "morphologies" / "stick.swc")
    with pytest.raises(UsageError, match=r"\.obj.*use one of \.swc, \.h5"):
        write_morphology(cell, tmp_path / "cell.obj")


BRANCH = """
create soma, dend[3], iseg
soma { pt3dadd(-10, 0, 0, 20) pt3dadd(10, 0, 0, 20) }
dend[0] { pt3dadd(10, 0, 0, 4) pt3dadd(60, 0, 0, 4) }
dend[1] { pt3dadd(60, 0, 0, 1) pt3dadd(80, 20, 0, 1) }
dend[2] { pt3dadd(60, 0, 0, 1) pt3dadd(80, -20, 0, 1) }
iseg { pt3dadd(-10, 0, 0, 1) pt3dadd(-40, 0, 0, 1) }
connect dend[0](0), soma(1)
connect dend[1](0), dend[0](1)
connect dend[2](0), dend[0](1)
connect iseg(0), soma(0)
"""

NEUROML_2 = """
<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="n"><cell id="c"><morphology id="m">
<segment id="0"><proximal x="0" y="0" z="0" diameter="10"/><distal x="0" y="20" z="0"
 diameter="10"/></segment>
<segment id="1"><parent segment="0" fractionAlong="0.5"/><proximal x="5" y="10" z="0"
 diameter="2"/><distal x="50" y="10" z="0" diameter="1"/></segment>
<segment id="2"><parent segment="1"/><distal x="100" y="10" z="0" diameter="1"/></segment>
<segment id="3"><parent segment="0"/><proximal x="0" y="20" z="0" diameter="2"/>
 <distal x="0" y="100" z="0" diameter="1"/></segment>
<segmentGroup id="soma_group"><member segment="0"/></segmentGroup>
<segmentGroup id="up"><member segment="3"/></segmentGroup>
<segmentGroup id="apical_dends"><include segmentGroup="up"/></segmentGroup>
</morphology></cell></neuroml>"""

NEUROML_1 = """
<neuroml xmlns="http://morphml.org/neuroml/schema" xmlns:mml="http://morphml.org/morphml/schema"
 xmlns:meta="http://morphml.org/metadata/schema"><cells><cell name="c"><mml:segments>
<mml:segment id="0" cable="0"><mml:proximal x="0" y="0" z="0" diameter="16"/>
 <mml:distal x="0" y="0" z="0" diameter="16"/></mml:segment>
<mml:segment id="1" parent="0" cable="1"><mml:proximal x="0" y="8" z="0" diameter="3"/>
 <mml:distal x="0" y="50" z="0" diameter="2"/></mml:segment>
<mml:segment id="2" parent="1" cable="2"><mml:distal x="20" y="70" z="0" diameter="1"/>
 </mml:segment>
<mml:segment id="3" parent="1" cable="3"><mml:distal x="-20" y="70" z="0" diameter="1"/>
 </mml:segment></mml:segments><mml:cables>
<mml:cable id="0" name="c0"><meta:group>soma_group</meta:group></mml:cable>
<mml:cable id="1" name="c1" fractAlongParent="0.5"><meta:group>axon_group</meta:group></mml:cable>
<mml:cable id="2" name="c2"><meta:group>axon_group</meta:group></mml:cable>
<mml:cable id="3" name="c3"><meta:group>axon_group</meta:group></mml:cable>
</mml:cables></cell></cells></neuroml>"""


def test_neuroml_2_is_read(tmp_path):
    (tmp_path / "cell.nml").write_text(NEUROML_2)
    cell = read_morphology(tmp_path / "cell.nml")
    soma, dend, apic = cell.sections
    assert [s.name for s in cell.sections] == ["soma[0]", "dend[0]", "apic[0]"]
    assert soma.points[:, 1].tolist() == [0, 20]
    assert (dend.parent_x, dend.wire) == (0.5, (0, 10, 0))
    assert dend.points[:, 0].tolist() == [5, 50, 100]
    assert apic.parent_x == 1.0
    assert apic.points[-1].tolist() == [0, 100, 0, 1]


def test_neuroml_1_is_read(tmp_path):
    (tmp_path / "cell.xml").write_text(NEUROML_1)
    cell = read_morphology(tmp_path / "cell.xml")
    assert [s.name for s in cell.sections] == ["soma[0]", "axon[0]", "axon[1]", "axon[2]"]
    assert cell.sections[0].points[1].tolist() == [0, 0, 0, 16]
    assert [s.parent for s in cell.sections] == [-1, 0, 1, 1]
    assert cell.sections[1].parent_x == 0.5


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<neuroml", "no valid XML"),
        ("<neuroml/>", "holds no morphology"),
        (NEUROML_2.replace('x="50"', 'x="fifty"'), "'fifty' is not a number"),
        (NEUROML_2.replace('x="50"', 'x="inf"'), "'inf' is not finite"),
        (NEUROML_2.replace('parent segment="1"', 'parent segment="9"'), "'9' does not exist"),
        (NEUROML_2.replace('parent segment="1"', 'parent segment="2"'), "hang on each other"),
        (NEUROML_2.replace('diameter="2"', 'diameter="-2"'), "radius is negative"),
        (NEUROML_2.replace('segment id="3"', 'segment id="2"'), "without an id of its own"),
    ],
)
def test_wrong_neuroml_is_refused(tmp_path, text, what):
    (tmp_path / "cell.nml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_morphology(tmp_path / "cell.nml")
    assert what in caught.value.message


HOC = """
create soma, dend[3]
connect dend(0), soma(1)
for i = 1, 2 connect dend[i](0), dend[0](1)
soma { L = 20 diam = 20 nseg = 3 insert hh }
dend[0] { pt3dclear() pt3dadd(0, 0, 0, 2) pt3dadd(0, 0, 100, 2) }
dend[1] { L = 50 diam = 1 }
dend[2] { L = 30 diam = 1 }
"""


def test_hoc_cells_with_sections_without_points(neuron_process, tmp_path):
    (tmp_path / "cell.hoc").write_text(HOC)
    clamp = HOC + "objref clamp\nsoma clamp = new IClamp(0.5)\n"
    (tmp_path / "clamp.hoc").write_text(clamp)

    def model(results) -> None:
        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.morphology.reading import load_sections

        loaded = load_sections("cell.hoc")
        results["names"] = np.array(loaded.names)
        results["points"] = [s.n3d() for s in loaded.sections]
        results["lengths"] = [s.L for s in loaded.sections]
        again = load_sections("cell.hoc")
        results["again"] = [s.L for s in again.sections]
        results["alive"] = loaded.sections[0].nseg
        clamped = load_sections("clamp.hoc")
        results["clamps"] = len(clamped.sections[0](0.5).point_processes())
        try:
            load_sections("clamp.hoc")
        except SimulatorError as error:
            results["error"] = str(error)

    found = neuron_process(model)
    assert found["names"].tolist() == ["soma", "dend[0]", "dend[1]", "dend[2]"]
    # what has no points gets none
    assert found["points"].tolist() == [0, 2, 0, 0]
    assert found["lengths"].tolist() == found["again"].tolist() == [20, 100, 50, 30]
    # point processes are not copied: such a cell is what the file made, of which there is one
    assert found["clamps"] == 1
    assert "would be deleted" in str(found["error"])
    assert found["alive"] == 3


def test_files_that_neuron_cannot_read(neuron_process, tmp_path):
    (tmp_path / "bad.hoc").write_text("create x\nx { foo( }\n")
    (tmp_path / "none.hoc").write_text("x = 3\n")
    (tmp_path / "made.hoc").write_text("begintemplate Pyr\ncreate soma\nendtemplate Pyr\n")
    (tmp_path / "bad.asc").write_bytes(b"\0\1\2")

    def model(results) -> None:
        from lfpcli.errors import LfpError
        from lfpcli.runtime.morphology.reading import load_sections

        texts = []
        for name in ("none.hoc", "bad.asc", "bad.hoc", "made.hoc"):
            try:
                load_sections(name)
            except LfpError as error:
                texts.append(f"{int(error.code)} {error}")
        results["texts"] = np.array(texts)

    found = neuron_process(model)
    none, asc, bad, template = found["texts"].tolist()
    assert 'a cell of its template has template = "made.hoc:Pyr"' in template
    assert bad.startswith("5 hoc: ") and "bad.hoc:1]" in bad
    assert none == "3 makes no sections [none.hoc]; check what it declares"
    assert asc.startswith("3 ")
    assert "[bad.asc:1]" in asc
