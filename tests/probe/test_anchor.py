"""Arrays that stand beside a part of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, open_recording
from lfpcli.io.writer import RecordingWriter


def write(path, cells=1):
    """Cells of a soma, a straight dendrite of two segments and two branches, 1000 um apart."""
    start = np.array([[0, 0, -5], [0, 0, 5], [0, 0, 55], [0, 0, 105], [0, 0, 105]], float)
    end = np.array([[0, 0, 5], [0, 0, 55], [0, 0, 105], [40, 0, 105], [0, 40, 105]], float)
    shift = np.repeat(np.arange(cells) * 1000.0, 5)[:, None] * [1.0, 0.0, 0.0]
    count = 5 * cells
    geometry = Geometry(
        start=np.tile(start, (cells, 1)) + shift,
        end=np.tile(end, (cells, 1)) + shift,
        diam=np.full(count, 2.0),
        gid=np.repeat(np.arange(cells), 5),
        section=np.tile([0, 1, 1, 2, 3], cells),
        parent=np.concatenate([np.array([-1, 0, 1, 2, 2]) + 5 * k for k in range(cells)]),
        x=np.tile([0.5, 0.25, 0.75, 0.5, 0.5], cells),
        section_names=["Cell[0].soma[0]", "Cell[0].dend[0]", "Cell[0].apic[0]", "Cell[0].apic[1]"],
    )
    geometry.parent[::5] = -1
    rng = np.random.default_rng(1)
    with RecordingWriter(path, {}) as writer:
        writer.geometry("E", geometry)
        report = Report(
            data=rng.normal(size=(4, count)),
            units="nA",
            dt=0.1,
            node_ids=np.arange(cells),
            pointers=5 * np.arange(cells + 1),
            element_ids=geometry.section,
            element_pos=geometry.x,
        )
        writer.report("imem", "E", report)
    return path


@pytest.mark.parametrize(
    ("anchor", "place"),
    [
        ("soma", (0, 0, 0)),
        ("soma[0]", (0, 0, 0)),
        ("dend", (0, 0, 55)),
        ("dend[0](0)", (0, 0, 5)),
        ("dend(0.75)", (0, 0, 80)),
        ("dend(1)", (0, 0, 105)),
        ("apic[1]", (0, 20, 105)),
        ("0:apic[0](0.5)", (20, 0, 105)),
    ],
)
def test_shifts_count_from_the_section(lfp, tmp_path, anchor, place):
    run = write(tmp_path / "run.h5")
    options = ("--contacts", "10,20,30", "--shift", "1,2,3", "--anchor", anchor)
    lfp("probe", "-q", run, *options, "-o", tmp_path / "o.h5")
    with open_recording(tmp_path / "o.h5") as file:
        expected = np.add((11.0, 22.0, 33.0), place)
        np.testing.assert_allclose(file.signal("LFP").positions, [expected], atol=1e-6)


def test_the_cell_of_several_is_named(lfp, tmp_path):
    run = write(tmp_path / "run.h5", cells=3)
    options = ("--contacts", "10,0,0", "--anchor")
    said = lfp("probe", run, *options, "soma", "-o", tmp_path / "o.h5", code=2)
    assert "has 3 cells; name the cell, too: --anchor GID:SECTION" in said.err
    lfp("probe", "-q", run, *options, "2:soma", "-o", tmp_path / "o.h5")
    with open_recording(tmp_path / "o.h5") as file:
        np.testing.assert_allclose(file.signal("LFP").positions, [[2010.0, 0, 0]], atol=1e-9)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--contacts", "10,0,0", "--anchor", "apic"), "has 2 sections 'apic'; name one"),
        (("--contacts", "10,0,0", "--anchor", "apic[2]"), "has no section 'apic[2]'"),
        (("--contacts", "10,0,0", "--anchor", "7:soma"), "has no cell 7"),
        (("--contacts", "10,0,0", "--anchor", "soma(2)"), "is no anchor"),
        (("--csd", "z=[0,100], dz=50, radius=10", "--anchor", "soma"), "goes with --array"),
    ],
)
def test_anchors_that_are_not_there(lfp, tmp_path, options, text):
    run = write(tmp_path / "run.h5")
    said = lfp("probe", run, *options, "-o", tmp_path / "o.h5", code=2)
    assert text in said.err
    assert not (tmp_path / "o.h5").exists()


MODEL = """
run = {tstop = 2.0}
cell.c.morphology = "builtin:ball_and_sticks"
population.E = {cell = "c", size = 2, place = {positions = [[0, 0, 0], [300, 0, 0]]}}
record = {imem = true, vmem = "none"}
stimulus = [{type = "IClamp", population = "E", amp = 0.3, dur = 1.0}]
probe = [{name = "LFP", contacts = [[20.0, 0.0, 0.0]], shift = [0.0, 5.0, 0.0], anchor = "1:soma"}]
"""


def test_probes_of_a_model_stand_beside_its_cells(shell, tmp_path):
    (tmp_path / "m.toml").write_text(MODEL)
    shell("sim", tmp_path / "m.toml", "-o", tmp_path / "o.h5")
    options = ("--contacts", "20,0,0", "--shift", "0,5,0", "--anchor", "1:soma", "--name", "again")
    shell("probe", tmp_path / "o.h5", *options, "-o", tmp_path / "p.h5")
    with open_recording(tmp_path / "p.h5") as file:
        signal, again = file.signal("LFP"), file.signal("again")
        np.testing.assert_array_equal(signal.positions, again.positions)
        np.testing.assert_allclose(signal.positions, [[320.0, 5.0, 0.0]], atol=1e-9)
        peak = np.abs(again.data[:]).max()
        assert peak > 0
        np.testing.assert_allclose(signal.data[:], again.data[:], atol=1e-12 * peak)
        # the stored model is one that gives the same again, wherever the anchor is
        (table,) = file.provenance["history"][-1]["model"]["probe"]
        assert table["shift"] == [300.0, 5.0, 0.0]
        assert "anchor" not in table


@pytest.mark.parametrize(
    ("anchor", "text"),
    [
        ("soma", "names no cell, of which there are 2"),
        ("7:soma", "there is no cell 7"),
        ("0:axon", "has no section 'axon'"),
        ("soma(2)", "is no anchor"),
    ],
)
def test_anchors_of_a_model_that_are_not_there(shell, tmp_path, anchor, text):
    (tmp_path / "m.toml").write_text(MODEL.replace("1:soma", anchor))
    said = shell("sim", tmp_path / "m.toml", "--dry-run", code=3)
    assert text in said.err
    assert "m.toml:7" in said.err
