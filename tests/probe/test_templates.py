"""Templates of one cell at many places are what each place alone gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.placements import Placements
from lfpcli.forward.placing import box_about, contacts_inside, near_soma, random_placements
from lfpcli.forward.potentials import near_contacts, transfer_matrix
from lfpcli.forward.rotations import rotation_matrix
from lfpcli.geometry import Geometry
from lfpcli.io.arrays import load_contacts
from lfpcli.io.recording import open_recording
from lfpcli.tasks.measure.probe import cell_of

ARRAY = ["--array", "Neuropixels-24", "--shift", "20,0,0"]
BOX = ["--placement-box", "40,120,-60,60,-50,50"]


@pytest.fixture(scope="module")
def cell(run: Path) -> tuple[Geometry, np.ndarray, np.ndarray]:
    """Segments, currents (T, N) and spike times of cell 1."""
    with open_recording(run) as recording:
        report = recording.report("imem", "A")
        columns = slice(int(report.pointers[1]), int(report.pointers[2]))
        times, gids = recording.spikes("A")
        geometry = cell_of(recording.geometry("A"), 1)
        return geometry, report.data[:, columns], times[gids == 1]


def moved(geometry: Geometry, position: np.ndarray, turn: np.ndarray) -> Geometry:
    soma = geometry.middle[geometry.is_soma].mean(axis=0)
    start, end = ((e - soma) @ turn.T + position for e in (geometry.start, geometry.end))
    return replace(geometry, start=start, end=end)


def written(lfp, run: Path, tmp_path: Path, *options: object) -> dict[str, np.ndarray]:
    out = tmp_path / "templates.h5"
    lfp("probe", run, "--cell", 1, "-o", out, "-f", *options)
    with h5py.File(out) as file:
        found = {name: file[name][()] for name in file}
        return found | {"attrs": dict(file["templates"].attrs), "file": dict(file.attrs)}


@pytest.mark.parametrize(
    ("options", "model"),
    [
        ([], {}),
        (["--method", "point", "--sigma", "0.4"], {"method": "point", "sigma": 0.4}),
        (["--sigma", "0.3,0.2,0.4"], {"sigma": [0.3, 0.2, 0.4]}),
        (["--radius", "array"], {}),
        (
            ["--medium", "sphere=4000, tolerance=1e-12"],
            {"medium": {"sphere": 4000.0}, "tolerance": 1e-12},
        ),
    ],
)
def test_each_template_is_that_of_its_place(
    lfp, run: Path, tmp_path: Path, cell, options: list, model: dict
) -> None:
    geometry, currents, _ = cell
    got = written(
        lfp,
        run,
        tmp_path,
        *ARRAY,
        "--placements",
        6,
        *BOX,
        "--seed",
        4,
        "--window",
        "5,12",
        *options,
    )
    faces = "array" if "--radius" in options else None
    contacts = load_contacts("Neuropixels-24", shift=(20, 0, 0), radius=faces)
    assert got["templates"].shape == (6, len(contacts), 113)
    for k, template in enumerate(got["templates"]):
        turn = got["rotations"][k]
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        placed = moved(geometry, got["positions"][k], turn)
        want = transfer_matrix(placed, contacts, **model) @ currents[80:193].T
        # means over faces near a source are refined until they hold, which turning a cell changes
        limit = 1e-6 if "--radius" in options else 1e-10
        assert np.abs(template - want).max() < limit * np.abs(want).max()
    np.testing.assert_array_equal(got["contacts"], contacts.positions)
    assert [name.decode() for name in got["contact_names"]] == list(contacts.ids)
    attrs = got["attrs"]
    assert (attrs["units"], attrs["dt"], attrs["t_start"], attrs["gid"]) == ("mV", 0.0625, 5.0, 1)
    assert (got["file"]["format"], got["file"]["format_version"]) == ("lfp-templates", 1)
    provenance = json.loads(got["file"]["provenance"])
    assert (provenance["seed"], provenance["history"][0]["command"][1]) == (4, "sim")


def test_places_are_in_the_box_and_follow_the_seed(lfp, run: Path, tmp_path: Path) -> None:
    few, more, other = (
        written(lfp, run, tmp_path, *ARRAY, *BOX, "--placements", n, "--seed", seed)
        for n, seed in ((5, 1), (9, 1), (5, 2))
    )
    for name in ("positions", "rotations"):
        np.testing.assert_array_equal(few[name], more[name][:5])
        assert not np.array_equal(few[name], other[name])
    assert np.abs(few["templates"] - more["templates"][:5]).max() < 1e-12 * few["templates"].max()
    low, high = np.array([[40, -60, -50], [120, 60, 50]])
    assert ((more["positions"] >= low) & (more["positions"] <= high)).all()


def test_same_command_writes_the_same_bytes(lfp, run: Path, tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        written(lfp, run, tmp_path, *ARRAY, "--placements", 3, "--seed", 1, "--float32")
        contents.append((tmp_path / "templates.h5").read_bytes())
    assert contents[0] == contents[1]


def test_mean_over_spikes(lfp, run: Path, tmp_path: Path, cell) -> None:
    geometry, currents, times = cell
    assert len(times) > 0
    got = written(
        lfp, run, tmp_path, *ARRAY, "--placements", 2, "--seed", 1, "--spike-window", "1,2"
    )
    centre = np.rint(times / 0.0625).astype(int)
    centre = centre[(centre >= 16) & (centre + 32 < len(currents))]
    mean = np.mean([currents[k - 16 : k + 33] for k in centre], axis=0)
    contacts = load_contacts("Neuropixels-24", shift=(20, 0, 0))
    placed = moved(geometry, got["positions"][1], got["rotations"][1])
    want = transfer_matrix(placed, contacts) @ mean.T
    assert np.abs(got["templates"][1] - want).max() < 1e-10 * np.abs(want).max()
    assert (got["attrs"]["t_start"], got["attrs"]["spikes"]) == (-1.0, len(centre))


def test_filter_acts_before_the_cut(lfp, run: Path, tmp_path: Path) -> None:
    shared = [*ARRAY, "--placements", 2, "--seed", 1, "--filter", "300:3000"]
    whole = written(lfp, run, tmp_path, *shared)
    part = written(lfp, run, tmp_path, *shared, "--window", "5,12")
    np.testing.assert_allclose(
        part["templates"], whole["templates"][:, :, 80:193], rtol=0, atol=1e-12
    )
    assert part["attrs"]["filter"] == "300:3000"
    thin = written(lfp, run, tmp_path, *shared, "--resample", "0.125", "--window", "5,12")
    assert thin["templates"].shape[2] == 57
    assert thin["attrs"]["dt"] == 0.125


@pytest.mark.parametrize("kind", ["csv", "npz", "h5"])
def test_places_of_a_file(lfp, run: Path, tmp_path: Path, kind: str) -> None:
    positions = np.array([[60.0, 5.0, -30.0], [80.0, -20.0, 10.0], [90.0, 0.0, 0.0]])
    angles = np.array([[0.0, 0.0, 0.0], [30.0, 0.0, 90.0], [10.0, -50.0, 200.0]])
    rotations = np.array([rotation_matrix(dict(zip("xyz", a, strict=True))) for a in angles])
    path = tmp_path / f"places.{kind}"
    if kind == "csv":
        rows = np.hstack([positions, angles]).tolist()
        text = "\n".join(",".join(map(str, row)) for row in rows)
        path.write_text(f"x,y,z,rx,ry,rz\n{text}\n")
    elif kind == "npz":
        np.savez(path, positions=positions, rotations=rotations)
    else:
        with h5py.File(path, "w") as file:
            file["positions"], file["rotations"] = positions, rotations
    got = written(lfp, run, tmp_path, *ARRAY, "--placements", path)
    np.testing.assert_array_equal(got["positions"], positions)
    np.testing.assert_allclose(got["rotations"], rotations, atol=1e-15)
    again = written(lfp, run, tmp_path, *ARRAY, "--placements", path, "--window", "0,20")
    np.testing.assert_array_equal(again["templates"], got["templates"])


def test_turns() -> None:
    contacts = load_contacts("Neuropixels-24")
    box = box_about(contacts, 10.0)
    np.testing.assert_array_equal(box[:, 0], contacts.positions.min(axis=0) - 10.0)
    still = random_placements(20, box, 1, turn="none")
    np.testing.assert_array_equal(still.rotations, np.tile(np.eye(3), (20, 1, 1)))
    about = random_placements(400, box, 1, turn="z").rotations
    np.testing.assert_allclose(about[:, 2, 2], 1.0)
    assert np.abs(about[:, 0, 0].mean()) < 0.15
    any_way = random_placements(2000, box, 1).rotations
    # the image of an axis is uniform on the sphere
    assert np.abs(any_way.mean(axis=0)).max() < 0.06
    assert np.abs((any_way**2).mean(axis=0) - 1 / 3).max() < 0.03


def test_contacts_inside_are_those_of_each_place_alone(cell) -> None:
    geometry, _, _ = cell
    contacts = load_contacts("Neuropixels-24")
    places = random_placements(300, box_about(contacts, 20.0), 3)
    got = contacts_inside(geometry, contacts, places)
    assert len(got) > 5
    want = []
    for k in range(len(places)):
        near = near_contacts(moved(geometry, places.positions[k], places.rotations[k]), contacts)
        want += [(k, row["contact"], row["segment"]) for row in near]
    assert [tuple(row)[:3] for row in got] == want
    assert (got["distance"] < got["radius"]).all()


def test_least_distance_of_the_soma(lfp, run: Path, tmp_path: Path, cell) -> None:
    geometry, _, _ = cell
    contacts = load_contacts("Neuropixels-24", shift=(20, 0, 0))
    got = written(
        lfp, run, tmp_path, *ARRAY, "--placements", 60, "--min-distance", 15, "--seed", 1,
        "--placement-box", "10,80,-60,60,-60,60",
    )  # fmt: skip
    soma = np.flatnonzero(geometry.is_soma)
    places = Placements(got["positions"], got["rotations"])
    assert not near_soma(geometry, contacts, places, 15.0).any()
    for position, turn in zip(places.positions, places.rotations, strict=True):
        placed = moved(geometry, position, turn)
        at = np.linspace(0.0, 1.0, 50)[:, None, None]
        along = placed.start[soma] + at * (placed.end[soma] - placed.start[soma])
        distance = np.linalg.norm(along.reshape(-1, 3)[:, None] - contacts.positions, axis=2)
        assert distance.min() > 15.0 + 0.5 * geometry.diam[soma].max() - 0.3
    free = random_placements(60, [[10, 80], [-60, 60], [-60, 60]], 1)
    assert near_soma(geometry, contacts, free, 15.0).any()


@pytest.mark.parametrize(
    ("code", "options", "text"),
    [
        (3, ["--placements", 3], "holds 3 cells"),
        (3, ["--placements", 3, "--cell", 7], "holds no cell 7"),
        (2, ["--placements", 0, "--cell", 1], "number of placements is 0"),
        (3, ["--placements", "none.csv", "--cell", 1], "no such file"),
        (2, ["--placements", 3, "--cell", 1, "--per", "cell"], "--per does not go with"),
        (2, ["--placements", 3, "--cell", 1, "--noise", "white:1"], "--noise does not go with"),
        (2, ["--placements", 3, "--cell", 1, "--window", "5,5"], "does not end after"),
        (3, ["--placements", 3, "--cell", 1, "--window", "5,50"], "is not in the run"),
        (2, ["--placements", 3, "--cell", 1, "--window", "5"], "not two numbers"),
        (2, ["--placements", 3, "--placement-box", "1,0,0,1,0,1"], "not a box"),
        (3, ["--placements", 3, "--cell", 1, "--spike-window", "500,2"], "none of"),
        (2, ["--placements", 3, "--cell", 1, "--window", "1,2", "--spike-window", "1,2"], "not al"),
        (
            3,
            ["--placements", 2, "--cell", 1, "--min-distance", "500", *BOX],
            "still too near after",
        ),
        (3, ["--placements", 2, "--cell", 1, "--medium", "sphere=300"], "outside the sphere"),
    ],
)
def test_wrong_options(lfp, run: Path, tmp_path: Path, code: int, options: list, text: str) -> None:
    out = tmp_path / "out.h5"
    err = lfp("probe", run, *ARRAY, "--seed", 1, "-o", out, *options, code=code).err
    assert text in err
    assert not out.exists()


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("x,y\n1,2\n", "'z' is missing"),
        ("x,y,z,rw\n1,2,3,4\n", "unknown column 'rw'"),
        ("x,y,z\n1,2,inf\n", "not finite"),
    ],
)
def test_wrong_tables_of_places(lfp, run: Path, tmp_path: Path, table: str, text: str) -> None:
    path = tmp_path / "places.csv"
    path.write_text(table)
    err = lfp(
        "probe", run, *ARRAY, "--cell", 1, "--placements", path, "-o", tmp_path / "o", code=3
    ).err
    assert text in err
    assert f"{path}:" in err


def test_wrong_arrays_of_places(lfp, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "places.npz"
    for arrays, text in (
        ({"rotations": np.eye(3)[None]}, "has no positions"),
        ({"positions": np.zeros((2, 2))}, "expected (P, 3)"),
        ({"positions": np.zeros((1, 3)), "rotations": 2 * np.eye(3)[None]}, "no rotation"),
        ({"positions": np.array([["a", "b", "c"]])}, "not real numbers"),
    ):
        np.savez(path, **arrays)
        err = lfp(
            "probe", run, *ARRAY, "--cell", 1, "--placements", path, "-o", tmp_path / "o", code=3
        ).err
        assert text in err
    path.write_bytes(b"PK\x03\x04 truncated")
    err = lfp(
        "probe", run, *ARRAY, "--cell", 1, "--placements", path, "-o", tmp_path / "o", code=3
    ).err
    assert "cannot be read as .npz" in err


def test_library_refuses_what_makes_no_sense() -> None:
    with pytest.raises(UsageError, match="unknown turn"):
        random_placements(3, [[0, 1]] * 3, 1, turn="w")
    with pytest.raises(UsageError, match="lower and upper ends"):
        random_placements(3, [[1, 0]] * 3, 1)
    with pytest.raises(InputError, match="still too near"):
        random_placements(3, [[0, 1]] * 3, 1, accept=lambda some: np.zeros(len(some), bool))
