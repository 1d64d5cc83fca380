"""The command `lfp morph`, and what it does from Python."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.morphology.swc import read_swc
from lfpcli.runtime.morphology.reading import read_morphology
from lfpcli.tasks import morph as task


@pytest.fixture
def cells(share):
    return share / "morphologies"


def test_summary_of_a_known_cell(lfp, cells):
    summary = json.loads(lfp("morph", cells / "ball_and_sticks.swc", "--json").out)
    assert summary["points"] == 29
    assert summary["kinds"]["soma"]["area_um2"] == pytest.approx(np.pi * 22**2, abs=1e-3)
    assert summary["kinds"]["dend"]["sections"] == 2
    assert summary["kinds"]["dend"]["length_um"] == pytest.approx(2 * 120 * 2**0.5, abs=0.01)
    assert summary["kinds"]["apic"]["length_um"] == pytest.approx(
        400 + 2 * np.hypot(125, 150), abs=0.01
    )
    assert summary["total"]["sections"] == 6
    assert summary["bifurcations"] == 1
    assert summary["tips"] == 4
    assert summary["max_branch_order"] == 1
    assert summary["max_path_length_um"] == pytest.approx(400 + np.hypot(125, 150), abs=0.01)
    assert summary["extent_um"]["z"] == pytest.approx([-127.778, 561])
    assert summary["soma"] == {"diameter_um": 22.0, "middle_um": [0, 0, 0]}
    assert summary["checks"] == []


def test_segments_follow_the_rule(lfp, cells):
    path = cells / "ball_and_stick.swc"
    # lambda at 100 Hz is 1e5 sqrt(2 / (4 pi 100 150)) = 325.7 um for 2 um
    plain = json.loads(lfp("morph", path, "--ra", "150", "--json").out)
    assert plain["kinds"]["dend"]["segments"] == int((600 / 32.57 + 0.9) / 2) * 2 + 1
    # without --ra as lfp sim counts: by NEURON's 35.4 ohm cm
    silent = json.loads(lfp("morph", path, "--json").out)
    assert silent["segmentation"]["Ra_ohm_cm"] == 35.4
    assert silent["kinds"]["dend"]["segments"] == int((600 / 67.05 + 0.9) / 2) * 2 + 1
    finer = json.loads(lfp("morph", path, "--json", "--d-lambda", "0.01", "--ra", "150").out)
    assert finer["kinds"]["dend"]["segments"] == int((600 / 3.257 + 0.9) / 2) * 2 + 1
    by_length = json.loads(lfp("morph", path, "--json", "--max-length", "50").out)
    assert by_length["kinds"]["dend"]["segments"] == 13
    assert by_length["segmentation"] == {"rule": "length", "max_um": 50.0}


def test_a_pipe_carries_the_cell_and_the_summary(lfp, cells, tmp_path):
    out = lfp("morph", cells / "basket.swc").out
    assert "# basket.swc" not in out
    assert "soma of diameter 14.00 um" in out
    (tmp_path / "copy.swc").write_text(out)
    original, copy = read_swc(cells / "basket.swc"), read_swc(tmp_path / "copy.swc")
    assert np.array_equal(original.points, copy.points)


def test_commands_chain_through_pipes(shell, cells):
    first = shell("morph", cells / "l5_pyramidal.swc", "--rotate", "y=90", "--shift", "1,2,3")
    second = shell("morph", "-", "--json", stdin=first.out.encode())
    summary = json.loads(second.out)
    assert summary["name"] == "standard input"
    assert summary["soma"]["middle_um"] == [1, 2, 3]
    assert summary["extent_um"]["x"][1] == pytest.approx(1056.4, abs=0.1)


def test_hdf5_on_standard_input(shell, cells, tmp_path):
    shell("morph", cells / "basket.swc", "-o", tmp_path / "cell.h5")
    back = shell("morph", "-", stdin=(tmp_path / "cell.h5").read_bytes())
    assert back.out.count("\n") > 800


def test_several_files(lfp, cells, tmp_path):
    pair = [cells / "stick.swc", cells / "basket.swc"]
    assert [s["points"] for s in json.loads(lfp("morph", *pair, "--json").out)] == [11, 858]
    assert lfp("morph", *pair).out.count("total") == 2
    lfp("morph", *pair, "-o", tmp_path / "both.json")
    assert len(json.loads((tmp_path / "both.json").read_text())) == 2
    assert "do not fit into one file" in lfp("morph", *pair, "-o", "-", code=2).err


def test_transforms_act_about_the_soma_in_their_order(lfp, cells, tmp_path):
    lfp("morph", cells / "l23_pyramidal.swc", "--shift", "10,20,30", "-o", tmp_path / "a.h5")
    moved = read_morphology(tmp_path / "a.h5")
    original = read_swc(cells / "l23_pyramidal.swc")
    assert np.allclose(moved.points[:, :3], original.points[:, :3] + [10, 20, 30], atol=1e-3)
    options = ["--rotate", "z=90", "--mirror", "x", "--distort", "z=0.5", "--scale", "2"]
    lfp("morph", tmp_path / "a.h5", *options, "-o", tmp_path / "b.h5")
    turned = read_morphology(tmp_path / "b.h5")
    x, y, z = original.points[:, :3].T
    # doubled, z halved, x mirrored, then x to y and y to -x
    expected = np.column_stack([10 - 2 * y, 20 - 2 * x, 30 + z])
    assert np.allclose(turned.points[:, :3], expected, atol=1e-3)
    assert np.allclose(turned.points[:, 3], 2 * original.points[:, 3], rtol=1e-6)


def test_rotation_and_its_inverse_cancel(cells):
    cell = read_swc(cells / "basket.swc")
    there = task.transform(cell, rotate="x=30,y=40,z=50")
    back = task.transform(there, rotate="x=-30,y=-40,z=-50,order=zyx")
    assert np.allclose(back.points, cell.points, atol=1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"rotate": "q=3"},
        {"rotate": "x=abc"},
        {"mirror": "w"},
        {"mirror": ""},
        {"distort": "z=1"},
        {"distort": "z=0.1,nu=0.6"},
        {"distort": "z"},
    ],
)
def test_wrong_transforms_are_refused(cells, given):
    with pytest.raises(UsageError):
        task.transform(read_swc(cells / "stick.swc"), **given)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["none.swc"], 3, "no such file [none.swc]"),
        (["."], 3, "is a folder"),
        (["empty.swc"], 3, "file is empty [empty.swc]"),
        (["bad.swc"], 3, "parent 9 of point 2 does not exist [bad.swc:2]; correct it, or mend"),
        (["text.h5"], 3, "is no HDF5 file [text.h5]"),
        (["good.swc", "-o", "good.swc"], 4, "output exists [good.swc]; use --force"),
        (["good.swc", "-o", "no/where.swc"], 4, "output folder does not exist"),
        (["good.swc", "-o", "cell.obj"], 2, "cannot write a morphology as '.obj'"),
        (["good.swc", "--json", "-o", "-"], 2, "both ask for standard output"),
        (["good.swc", "--scale", "0"], 2, "'0' is not above zero"),
        (["good.swc", "--shift", "1,2"], 2, "is not three numbers"),
        (["good.swc", "--rotat", "x=1"], 2, "unknown option '--rotat'"),
        ([], 2, "required: FILE"),
    ],
)
def test_errors_are_one_line_with_a_code(lfp, tmp_path, monkeypatch, arguments, code, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.swc").write_text("")
    (tmp_path / "good.swc").write_text("1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n")
    (tmp_path / "bad.swc").write_text("1 1 0 0 0 5 -1\n2 3 9 0 0 1 9\n")
    (tmp_path / "text.h5").write_text("no data\n")
    err = lfp("morph", *arguments, code=code).err
    assert err.startswith("lfp morph: error: ")
    assert text in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "bad.swc", "empty.swc", "good.swc", "text.h5",
    ]  # fmt: skip


def test_repair_warns_and_writes_a_good_file(lfp, tmp_path):
    (tmp_path / "bad.swc").write_text("1 1 0 0 0 5 -1\n2 3 9 0 0 1 9\n3 3 19 0 0 nan 2\n")
    ran = lfp("morph", tmp_path / "bad.swc", "--repair", "-o", tmp_path / "good.swc")
    assert "warning: joined points without a parent to the nearest membrane: line 2" in ran.err
    assert "# repair: took radii from neighbours: line 3" in (tmp_path / "good.swc").read_text()
    assert lfp("morph", tmp_path / "good.swc", "--json").err == ""


def test_faults_are_told_in_json(lfp, tmp_path):
    (tmp_path / "bad.swc").write_text("1 1 0 0 0 5 -1\n2 3 9 0 0 0 1\n3 3 19 0 0 -1 2\n")
    (tmp_path / "good.swc").write_text("1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n")
    got = lfp("morph", tmp_path / "bad.swc", "--json", code=3)
    facts = json.loads(got.out)
    assert facts["faults"] == [
        {"line": 2, "fault": "radius is zero"},
        {"line": 3, "fault": "radius is negative"},
    ]
    assert got.err.startswith("lfp morph: error: radius is zero")
    both = json.loads(
        lfp("morph", tmp_path / "bad.swc", tmp_path / "good.swc", "--json", code=3).out
    )
    assert ["faults" in facts for facts in both] == [False, True]


def test_same_command_same_bytes(lfp, cells, tmp_path):
    for name in ("a.h5", "b.h5"):
        lfp("morph", cells / "basket.swc", "--rotate", "x=33", "-o", tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_checks_name_what_stands_out(lfp, tmp_path):
    rows = ["1 3 0 0 0 5 -1"]
    rows += [f"{k} 3 {10 * k} 0 0 {2 if k != 9 else 0.02} {k - 1}" for k in range(2, 101)]
    rows += ["101 3 1000 500 0 2 100", "102 3 1300 9 0 2 100", "103 3 1009 0 0 2 100"]
    (tmp_path / "odd.swc").write_text("\n".join(rows))
    checks = json.loads(lfp("morph", tmp_path / "odd.swc", "--json").out)["checks"]
    place = tmp_path / "odd.swc"
    assert checks == [
        "no soma: positions refer to the root",
        f"points with more than two branches: 1 [{place}:100]",
        f"points over 100 um from their parent: 2 [{place}:101, {place}:102]",
        f"diameters that jump by over 5 times: 2 [{place}:9, {place}:10]",
        f"diameters below 0.05 um: 1 [{place}:9]",
        "flat: all points have the same z",
    ]
