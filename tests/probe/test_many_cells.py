"""Templates of many cells in one file, their paths, turns as MEArec names them, and media."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.forward.media import HalfSpace
from lfpcli.forward.placing import random_placements

ARRAY = ["--array", "Neuropixels-24", "--shift", "20,0,0"]
NEAR = ["--placement-box", "30,60,-40,40,-40,40", "--spike-window", "1,2", "--seed", 1]
BOX = [[10.0, 80.0], [-60.0, 60.0], [-60.0, 60.0]]


def measured(lfp, runs: list[Path], tmp_path: Path, *options: object) -> dict[str, np.ndarray]:
    path = tmp_path / "templates.h5"
    lfp("probe", *runs, *ARRAY, *options, "-o", path, "-f")
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def test_all_cells_go_into_one_file(lfp, run: Path, tmp_path: Path) -> None:
    every = measured(lfp, [run], tmp_path, "--cell", "all", "--placements", 4, *NEAR)
    assert every["gids"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert [name.decode() for name in every["cell_types"]] == ["A"] * 8 + ["B"] * 4
    # the first cell goes where it would alone, others have draws of their own
    alone = measured(lfp, [run], tmp_path, "--cell", 0, "--placements", 4, *NEAR)
    assert np.array_equal(every["templates"][:4], alone["templates"])
    assert not np.isclose(every["positions"][4:8], alone["positions"]).any()
    at = tmp_path / "at.csv"
    rows = np.column_stack([every["positions"][8:], np.zeros((4, 3))])
    np.savetxt(at, rows, delimiter=",", header="x,y,z,rx,ry,rz", comments="", fmt="%.17g")
    last = measured(lfp, [run], tmp_path, "--cell", 2, "--placements", at, "--spike-window", "1,2")
    assert last["templates"].shape == every["templates"][8:].shape


def test_recordings_go_together(lfp, run: Path, tmp_path: Path) -> None:
    both = measured(lfp, [run, run], tmp_path, "--cell", 1, "--placements", 3, *NEAR)
    assert both["gids"].tolist() == [1] * 6
    assert not np.isclose(both["positions"][3:], both["positions"][:3]).any()
    ran = lfp("probe", run, run, *ARRAY, "-o", tmp_path / "o.h5", code=2)
    assert "several recordings go with --placements" in ran.err
    words = ("--cell", 1, "--placements", 3, *NEAR, "--cell-type", "PC")
    named = measured(lfp, [run, run], tmp_path, *words)
    assert {name.decode() for name in named["cell_types"]} == {"PC"}


def test_paths_are_drawn_in_their_box(lfp, run: Path, tmp_path: Path) -> None:
    words = ("--cell", "all", "--placements", 5, *NEAR, "--path-box=-10,10,-10,10,20,80:4")
    drawn = measured(lfp, [run], tmp_path, *words, "--path-length", "30,60")
    places = drawn["positions"].reshape(15, 4, 3)
    moves = places[:, -1] - places[:, 0]
    length = np.linalg.norm(moves, axis=1)
    assert np.all((length >= 30) & (length <= 60))
    assert np.all(np.abs(moves[:, :2]) <= 10) and np.all((moves[:, 2] >= 20) & (moves[:, 2] <= 80))
    assert len(np.unique(length.round(9))) == 15
    assert np.allclose(places[:, 1] - places[:, 0], moves / 3)
    assert drawn["units"].tolist() == np.repeat(np.arange(15), 4).tolist()
    for options, fault in (
        (("--path-length", "1,2"), "no path in the box is 1 to 2 um long"),
        (("--path", "0,0,50:3"), "both --path and --path-box"),
    ):
        ran = lfp("probe", run, *ARRAY, *words, *options, "-o", tmp_path / "o", code=2)
        assert fault in ran.err
    ran = lfp(
        *("probe", run, *ARRAY, "--cell", 1, "--placements", 2, *NEAR),
        *("--path-length", "1,2", "-o", tmp_path / "o"),
        code=2,
    )
    assert "--path-length goes with --path-box" in ran.err


@pytest.mark.parametrize(
    ("mode", "turn"),
    [
        ("norot", "none"),
        ("xrot", "x"),
        ("yrot", "y"),
        ("zrot", "z"),
        ("3drot", "any"),
        ("physrot", "tilt15"),
    ],
)
def test_modes_of_mearec_turn_the_cells_axis_up_first(mode: str, turn: str) -> None:
    plain = random_placements(50, BOX, 3, turn=turn).rotations
    theirs = random_placements(50, BOX, 3, turn=mode).rotations
    # the y axis, along which its cells point, goes where z goes
    assert np.allclose(theirs[:, :, 1], plain[:, :, 2])
    assert np.allclose(theirs[:, :, 0], plain[:, :, 0])
    if mode == "physrot":
        assert np.all(theirs[:, 2, 1] >= np.cos(np.radians(15.0)) - 1e-12)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_half_spaces_lie_along_any_axis(axis: str) -> None:
    column = "xyz".index(axis)
    points = np.array([[1.0, 2.0, 3.0], [-4.0, -5.0, -6.0]])
    turned = np.roll(points, column - 2, axis=1)
    plain = HalfSpace(z=10.0, sigma_other=1.5).images(points, 0.3)
    other = HalfSpace(z=10.0, sigma_other=1.5, axis=axis).images(turned, 0.3)
    assert np.array_equal(np.roll(plain[0], column - 2, axis=-1), other[0])
    assert np.array_equal(plain[1], other[1])


MEDIA = {
    "slice": "slice=400, z_shift=-200",
    "half space": "half_space=0, axis='x', side='above'",
    "sphere": "sphere=1000, sigma_out=0.1",
    "regions": "regions=[{slab={low=-900, high=900}, sigma=0.3}, {slab={high=-900}, sigma=0}],"
    " background=1.5, tolerance=0.05",
}


@pytest.mark.parametrize("medium", MEDIA)
def test_templates_are_made_in_media(lfp, run: Path, tmp_path: Path, medium: str) -> None:
    words = ("probe", run, "--cell", 1, "--contacts", "20,0,0", "--medium", MEDIA[medium])
    place = tmp_path / "p.csv"
    place.write_text("x,y,z\n350,0,0\n")
    if medium == "slice":
        # all of the cell must lie in it
        words = (*words[:-1], "slice=4000, z_shift=-2000")
    lfp(
        *(*words, "--placements", place, "--window", "5,10", "-o", tmp_path / "t.h5"),
    )
    with h5py.File(tmp_path / "t.h5") as file:
        templates = file["templates"][0, 0]
    plain = tmp_path / "plain.h5"
    lfp(
        "probe",
        run,
        "--cell",
        1,
        *("--contacts", "20,0,0", "--placements", place),
        *("--window", "5,10", "-o", plain),
    )
    with h5py.File(plain) as file:
        free = file["templates"][0, 0]
    assert np.all(np.isfinite(templates))
    ratio = float(templates @ free / (free @ free))
    # insulating planes and poorer conductors raise potentials, saline lowers them
    expected = {"slice": (0.9, 1.1), "half space": (1.5, 2.1), "sphere": (1.0, 1.5)}
    low, high = expected.get(medium, (0.9, 1.2))
    assert low <= ratio <= high


def test_templates_are_measured_by_lead_fields(lfp, run: Path, tmp_path: Path) -> None:
    lead, place = tmp_path / "lead.h5", tmp_path / "p.csv"
    place.write_text("x,y,z\n90,0,0\n120,30,-20\n")
    lfp("leadfield", "20,0,0", "--medium", MEDIA["regions"], "-o", lead, "-q")
    common = ("--cell", 1, "--placements", place, "--window", "5,10")
    lfp("probe", run, "--lead-field", lead, *common, "-o", tmp_path / "a.h5")
    words = ("--contacts", "20,0,0", "--medium", MEDIA["regions"])
    lfp("probe", run, *words, *common, "-o", tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5") as one, h5py.File(tmp_path / "b.h5") as other:
        assert np.allclose(one["templates"], other["templates"], rtol=1e-9, atol=1e-12)
