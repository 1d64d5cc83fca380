"""`lfp eeg` and `lfp meg` on recordings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import eeg_recordings as made
import h5py
import numpy as np
import pytest

from lfpcli.forward import meg
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.montages import montage
from lfpcli.forward.orientation import rotations_onto
from lfpcli.forward.sensors import Sensors
from lfpcli.io.recording import Signal, open_recording

PLACE = np.array([0.0, 20000.0, 70000.0])
AT = ("--position", "0,20000,70000")
SENSORS = """\
name,x,y,z,nx,ny,nz,weight
mag,0,20000,110000,0,1,1,1
grad,40000,0,100000,1,0,0,1
grad,60000,0,130000,1,0,0,-1
"""
Run = Callable[..., object]


def signal(path: Path, name: str = "eeg") -> Signal:
    """A signal of a file, in memory."""
    with open_recording(path) as recording:
        found = recording.signal(name)
        found.data = np.asarray(found.data)
        found.groups = {key: np.asarray(data) for key, data in found.groups.items()}
    return found


def four_spheres(moment: np.ndarray, place: np.ndarray = PLACE) -> np.ndarray:
    """EEG (T, C) of a moment (T, 3) at the 10-20 electrodes."""
    head = FourSphereVolumeConductor(90000.0 * montage("10-20")[1])
    return head.get_dipole_potential(moment.T, place).T


def close(got: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-12) -> None:
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() < tolerance * np.abs(wanted).max()


def test_eeg_of_a_stored_moment(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5", imem=False)
    lfp("eeg", given.path, *AT, "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5")
    close(got.data, four_spheres(given.moment("E") + given.moment("I")))
    assert (got.units, got.dt, got.t_start) == ("mV", made.DT, 0.0)
    assert got.names == montage("10-20")[0]
    assert got.model == "four-sphere"
    assert got.parameters["radii"] == [79000.0, 80000.0, 85000.0, 90000.0]
    assert got.parameters["position"] == PLACE.tolist()
    assert got.groups == {}


def test_what_came_in_is_carried_along(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    lfp("eeg", given.path, *AT, "-o", tmp_path / "b.h5")
    lfp(
        "eeg",
        tmp_path / "b.h5",
        *AT,
        "--name",
        "far",
        "--model",
        "infinite",
        "-o",
        tmp_path / "c.h5",
    )
    with open_recording(tmp_path / "c.h5") as recording:
        assert recording.signals == ["eeg", "far"]
        assert recording.populations == ["E", "I"]
        assert recording.dipole_groups == ["E", "I", "total"]
        assert len(recording.provenance["history"]) == 2


def test_the_same_command_writes_the_same_bytes(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    files = [tmp_path / "b.h5", tmp_path / "b.h5"]
    seen = []
    for file in files:
        lfp("eeg", given.path, *AT, "-f", "-o", file)
        seen.append(file.read_bytes())
    assert seen[0] == seen[1]


@pytest.mark.parametrize("dipole", ["population", "cell", "none"])
def test_shares_of_populations(tmp_path: Path, lfp: Run, dipole: str) -> None:
    given = made.recording(tmp_path / "a.h5", dipole=dipole)
    lfp("eeg", given.path, *AT, "--per", "population", "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5")
    assert sorted(got.groups) == ["E", "I"]
    for name, share in got.groups.items():
        close(share, four_spheres(given.moment(name)))
    close(got.data, got.groups["E"] + got.groups["I"])


@pytest.mark.parametrize("dipole", ["cell", "none"])
def test_shares_of_cells(tmp_path: Path, lfp: Run, dipole: str) -> None:
    given = made.recording(tmp_path / "a.h5", dipole=dipole)
    lfp("eeg", given.path, *AT, "--per", "cell", "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5")
    assert sorted(got.groups) == ["0", "1", "2", "3", "4"]
    close(got.groups["1"], four_spheres(given.moment("E", 1)))
    close(got.groups["4"], four_spheres(given.moment("I", 4)))


def test_normal_and_direction(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    moment = given.moment("E") + given.moment("I")
    for options, axis in ((["--normal"], PLACE), (["--direction", "1,0,-2"], [1.0, 0.0, -2.0])):
        lfp("eeg", given.path, *AT, *options, "-f", "-o", tmp_path / "b.h5")
        close(signal(tmp_path / "b.h5").data, four_spheres(moment @ rotations_onto(axis)[0].T))


@pytest.mark.parametrize("dipole", ["cell", "none"])
def test_placements(tmp_path: Path, lfp: Run, dipole: str) -> None:
    given = made.recording(tmp_path / "a.h5", dipole=dipole)
    rng = np.random.default_rng(4)
    places, axes = rng.uniform(-40000, 40000, (5, 3)), rng.standard_normal((5, 3))
    lines = ["gid,x,y,z,nx,ny,nz"]
    lines += [
        f"{k}," + ",".join(repr(float(v)) for v in [*places[k], *axes[k]]) for k in range(4, -1, -1)
    ]
    table = tmp_path / "p.csv"
    table.write_text("\n".join(lines))
    lfp("eeg", given.path, "--placements", table, "--per", "population", "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5")
    wanted = [
        four_spheres(given.moment("E" if k < 3 else "I", k) @ turn.T, places[k])
        for k, turn in enumerate(rotations_onto(axes))
    ]
    close(got.data, np.sum(wanted, axis=0))
    close(got.groups["I"], wanted[3] + wanted[4])


def test_axial_currents_far_away_equal_the_dipole(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    lfp("eeg", given.path, *AT, "--multi-dipole", "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5")
    moment = given.moment("E") + given.moment("I")
    # the cells are 0.2 mm long, the scalp is 15 mm away
    close(got.data, four_spheres(moment), 0.05)
    assert np.abs(got.data - four_spheres(moment)).max() > 1e-5 * np.abs(got.data).max()
    assert got.parameters["sources"] == "axial"


def test_other_models(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    out = tmp_path / "b.h5"
    lfp("eeg", given.path, *AT, "--sigmas", "0.3,0.3,0.3,0.3", "-o", out)
    spheres = signal(out).data
    lfp("eeg", given.path, *AT, "--model", "homogeneous-sphere", "-f", "-o", out)
    close(signal(out).data, spheres, 1e-6)
    lfp("eeg", given.path, *AT, "--model", "infinite", "--sigmas", "0.6", "-f", "-o", out)
    half = signal(out).data
    lfp("eeg", given.path, *AT, "--model", "infinite", "-f", "-o", out)
    close(2 * half, signal(out).data)


def test_reference(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    out = tmp_path / "b.h5"
    lfp("eeg", given.path, *AT, "-o", out)
    plain = signal(out).data
    lfp("eeg", given.path, *AT, "--reference", "average", "-f", "-o", out)
    close(signal(out).data, plain - plain.mean(axis=1, keepdims=True), 1e-10)
    lfp("eeg", given.path, *AT, "--reference", "Cz", "--pick", "Fz,Cz", "-f", "-o", out)
    row = montage("10-20")[0].index
    close(signal(out).data[:, :1], plain[:, [row("Fz")]] - plain[:, [row("Cz")]], 1e-10)
    assert np.all(signal(out).data[:, 1] == 0)


def test_lead_field(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    head = made.new_york(tmp_path / "ny.mat")
    lfp(
        *("eeg", given.path, "--model", "lead-field", "--head-model", head.path),
        *("--position", "parietal_lobe", "--normal", "-o", tmp_path / "b.h5"),
    )
    got = signal(tmp_path / "b.h5")
    moment = given.moment("E") + given.moment("I")
    turn = rotations_onto(head.normals[31])[0]
    close(got.data, moment @ turn.T @ (1e-9 * head.field[31]))
    np.testing.assert_allclose(got.positions, 1e3 * head.electrodes)


@pytest.mark.parametrize(
    ("options", "field"),
    [([], meg.spherical_field), (["--model", "infinite"], meg.infinite_field)],
)
def test_meg(tmp_path: Path, lfp: Run, options: list[str], field: meg.Field) -> None:
    given = made.recording(tmp_path / "a.h5")
    sensors = tmp_path / "s.csv"
    sensors.write_text(SENSORS)
    lfp("meg", given.path, "--sensors", sensors, *AT, *options, "-o", tmp_path / "b.h5")
    got = signal(tmp_path / "b.h5", "meg")
    coils = Sensors(
        [[0, 20000, 110000], [40000, 0, 100000], [60000, 0, 130000]],
        [[0, 1, 1], [1, 0, 0], [1, 0, 0]],
        [1, 1, -1],
        ["mag", "grad", "grad"],
    )
    moment = given.moment("E") + given.moment("I")
    close(got.data, moment @ meg.sensor_field(field, coils, PLACE)[:, 0].T)
    assert (got.units, got.names) == ("T", ["mag", "grad"])
    lfp("meg", given.path, "--sensors", sensors, *AT, *options, "--quantity", "H", "-f", "-o",
        tmp_path / "b.h5")  # fmt: skip
    h = signal(tmp_path / "b.h5", "meg")
    close(h.data * 4e-7 * np.pi * 1e-3, got.data)
    assert h.units == "nA/um"


def test_centre_of_the_head(tmp_path: Path, lfp: Run) -> None:
    """Sensors, dipole and centre shifted together change nothing."""
    given = made.recording(tmp_path / "a.h5")
    sensors = tmp_path / "s.csv"
    sensors.write_text("x,y,z,nx,ny,nz\n0,30000,100000,1,1,0\n")
    lfp("meg", given.path, "--sensors", sensors, *AT, "-o", tmp_path / "b.h5")
    sensors.write_text("x,y,z,nx,ny,nz\n1000,30000,140000,1,1,0\n")
    lfp(
        *("meg", given.path, "--sensors", sensors, "--centre", "1000,0,40000"),
        *("--position", "1000,20000,110000", "-o", tmp_path / "c.h5"),
    )
    close(signal(tmp_path / "c.h5", "meg").data, signal(tmp_path / "b.h5", "meg").data)


def test_far_field_is_told(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    told = lfp("eeg", given.path, *AT, "-v", "-o", tmp_path / "b.h5").err
    assert "far field of all segments over that of the dipole, E: 1.0" in told
    assert lfp("eeg", given.path, *AT, "-f", "-o", tmp_path / "b.h5").err == ""
    bare = made.recording(tmp_path / "c.h5", imem=False)
    told = lfp("eeg", bare.path, *AT, "-v", "-f", "-o", tmp_path / "b.h5").err
    assert "no membrane currents are stored" in told


def test_pipe(tmp_path: Path, shell: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    first = shell("eeg", "-", *AT, stdin=given.path.read_bytes())
    sensors = tmp_path / "s.csv"
    sensors.write_text(SENSORS)
    shell(
        *("meg", "-", "--sensors", sensors, *AT, "-o", tmp_path / "b.h5"),
        stdin=first.out.encode("latin-1"),
    )
    with open_recording(tmp_path / "b.h5") as recording:
        assert recording.signals == ["eeg", "meg"]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--position", "0,0,79500"], 3, "dipole 0 lies outside the brain"),
        (["--position", "0,0,79000"], 3, "dipole 0 lies outside the brain"),
        ([*AT, "--radii", "79000,85000,80000,90000"], 3, "do not increase"),
        ([*AT, "--radii", "79000"], 2, "1 radii and 4 conductivities"),
        ([*AT, "--sigmas", "0.3,1.5,-0.015,0.3"], 3, "conductivity of shell 3 is -0.015 S/m"),
        ([*AT, "--model", "infinite", "--sigmas", "0"], 3, "not positive"),
        ([*AT, "--model", "infinite", "--radii", "5"], 2, "--radii has no meaning"),
        ([*AT, "--model", "infinite", "--normal"], 2, "no normals"),
        ([*AT, "--head-model", "x"], 2, "takes no head model file"),
        ([*AT, "--montage", "10-30"], 2, "did you mean '10-20'"),
        ([*AT, "--pick", "Zz"], 2, "no electrode 'Zz'"),
        ([*AT, "--reference", "Zz"], 2, "no electrode 'Zz' to refer to"),
        ([*AT, "--tolerance", "2"], 3, "tolerance of the series"),
        (["--position", "cortex"], 2, "neither a place x,y,z nor a site"),
        (["--position", "0,0"], 2, "not three numbers"),
        ([], 2, "give --position X,Y,Z in um, or --placements"),
        ([*AT, "--direction", "0,0,0"], 3, "no direction"),
        (["--position", "0,0,0", "--normal"], 2, "centre of the head has no normal"),
        ([*AT, "--normal", "--direction", "1,0,0"], 2, "not both"),
        ([*AT, "--name", "a/b"], 2, "cannot name a signal"),
        ([*AT, "--model", "lead-field"], 2, "needs a file"),
    ],
)
def test_bad_options(tmp_path: Path, lfp: Run, options: list, code: int, text: str) -> None:
    given = made.recording(tmp_path / "a.h5")
    err = lfp("eeg", given.path, *options, "-o", tmp_path / "b.h5", code=code).err
    assert text in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gid,x,y,z\n0,0,0,1\n1,0,0,1\n2,0,0,1\n3,0,0,1\n", "cell 4 has no placement"),
        ("gid,x,y,z\n0,0,0,1\n0,0,0,1\n", "gid 0 has two lines"),
        ("gid,x,y,z\n0.5,0,0,1\n", "no whole number"),
        ("gid,x,y,z,nx\n0,0,0,1,1\n", "nx, ny and nz"),
        ("gid,x,y,z\n0,0,nan,1\n", "p.csv:2"),
        ("gid,x,y,z\n0,0,1\n", "3 values, expected 4 [p.csv:2]"),
        ("gid,x,y,zz\n0,0,1,1\n", "unknown column 'zz'"),
        ("gid,x,y\n0,0,1\n", "column 'z' is missing"),
        ("gid,x,y,z\n", "no lines below"),
        ("", "file is empty"),
    ],
)
def test_bad_placements(
    tmp_path: Path, lfp: Run, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made.recording(tmp_path / "a.h5", dipole="cell")
    Path("p.csv").write_text(text)
    err = lfp("eeg", "a.h5", "--placements", "p.csv", "-o", "b.h5", code=3).err
    assert message in err


def test_electrode_beyond_the_scalp_is_named(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    table = tmp_path / "m.csv"
    table.write_text("name,x,y,z\nnear,0,0,90000\nfar,0,0,95000\n")
    err = lfp("eeg", given.path, *AT, "--montage", table, "-o", tmp_path / "b.h5", code=3).err
    assert "electrode far lies beyond the scalp" in err and f"[{table}]" in err
    lfp("eeg", given.path, *AT, "--montage", table, "--project", "-o", tmp_path / "b.h5")


def test_sensor_inside_the_head(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    table = tmp_path / "s.csv"
    table.write_text("x,y,z,nx,ny,nz\n0,0,60000,0,0,1\n")
    err = lfp("meg", given.path, *AT, "--sensors", table, "-o", tmp_path / "b.h5", code=3).err
    assert "sensor 0 lies inside the conductor: 60000 um from the centre" in err
    assert f"[{table}]" in err
    table.write_text(SENSORS.replace("1,0,0,-1", "1,0,0,-0.9"))
    err = lfp("meg", given.path, *AT, "--sensors", table, "-o", tmp_path / "b.h5", code=3).err
    assert f"weights of channel 'grad' add to 0.1 [{table}]; those of a magnetometer" in err
    err = lfp("meg", given.path, *AT, "-o", tmp_path / "b.h5", code=2).err
    assert "give --sensors FILE" in err


def test_recordings_without_what_is_needed(tmp_path: Path, lfp: Run) -> None:
    bare = made.recording(tmp_path / "a.h5", dipole="none", imem=False)
    err = lfp("eeg", bare.path, *AT, "-o", tmp_path / "b.h5", code=3).err
    assert "neither the dipole moment per total nor membrane currents" in err
    total = made.recording(tmp_path / "c.h5", dipole="total", imem=False)
    err = lfp("eeg", total.path, *AT, "--per", "cell", "-o", tmp_path / "b.h5", code=3).err
    assert "dipole moment per cell" in err
    err = lfp("eeg", total.path, *AT, "--multi-dipole", "-o", tmp_path / "b.h5", code=3).err
    assert "holds no membrane currents" in err


@pytest.mark.parametrize("how", ["nan", "columns", "units"])
def test_damaged_moments(tmp_path: Path, lfp: Run, how: str) -> None:
    given = made.recording(tmp_path / "a.h5", imem=False)
    with h5py.File(given.path, "a") as file:
        data = file["dipole/total/data"]
        if how == "nan":
            data[3, 1] = np.nan
        elif how == "units":
            data.attrs["units"] = "A m"
        else:
            kept = dict(data.attrs)
            del file["dipole/total/data"]
            file["dipole/total/data"] = np.zeros((10, 2))
            file["dipole/total/data"].attrs.update(kept)
    err = lfp("eeg", given.path, *AT, "-o", tmp_path / "b.h5", code=3).err
    assert {"nan": "NaN", "columns": "2 columns", "units": "'A m'"}[how] in err
    assert not (tmp_path / "b.h5").exists()


def test_without_mne(tmp_path: Path, lfp: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mne", None)
    given = made.recording(tmp_path / "a.h5")
    fif = tmp_path / "x-fwd.fif"
    fif.write_bytes(b"fif")
    calls = (
        ["eeg", "--montage", "10-05"],
        ["eeg", "--model", "lead-field", "--head-model", fif],
        ["meg", "--sensors", fif],
    )
    for name, *options in calls:
        err = lfp(name, given.path, *AT, *options, "-o", tmp_path / "b.h5", code=6).err
        assert "pip install 'lfpcli[mne]'" in err


@pytest.mark.parametrize(
    ("command", "options", "warned"),
    [
        ("eeg", ["--position", "0,0,78"], True),
        ("eeg", ["--position", "0,0,1100"], False),
        ("eeg", ["--position", "0,0,78", "--model", "infinite"], False),
        ("meg", ["--sensors", "helmet", "--position", "0,30,40"], True),
        ("meg", ["--sensors", "helmet", "--position", "0,30,40", "--centre", "0,0,9e3"], False),
    ],
)
def test_millimetres_are_noticed(
    tmp_path: Path, lfp: Run, command: str, options: list[str], warned: bool
) -> None:
    given = made.recording(tmp_path / "a.h5")
    err = lfp(command, given.path, *options, "-o", tmp_path / "b.h5").err
    text = "within 1 mm of the centre of the head"
    assert (text in err) is warned and err.count("\n") == int(warned)


def test_electrodes_in_millimetres_are_noticed(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    cap = tmp_path / "cap.csv"
    cap.write_text("name,x,y,z\nCz,0,0,89\nT7,-89,0,0\ndeep,0,0,60000\n")
    err = lfp("eeg", given.path, *AT, "--montage", cap, "-o", tmp_path / "b.h5").err
    assert "2 of 3 electrodes within 1 mm of the centre of the head, at 0, 0, 89 um" in err
    assert "not mm" in err


def test_helmets(tmp_path: Path, lfp: Run) -> None:
    given = made.recording(tmp_path / "a.h5")
    out = tmp_path / "b.h5"
    centre = ("--centre", "0,0,10000")
    lfp("meg", given.path, "--sensors", "helmet", *AT, *centre, "-o", out)
    got = signal(out, "meg")
    assert got.data.shape[1] == 102 and got.units == "T" and got.names[0] == "MAG001"
    gap = np.linalg.norm(got.positions - [0, 0, 10000], axis=1)
    np.testing.assert_allclose(gap, 110000.0)
    lfp("meg", given.path, "--sensors", "helmet-306", *AT, "-f", "-o", out)
    assert [signal(out, f"meg_{s}").data.shape[1] for s in ("mag", "grad")] == [102, 204]
    err = lfp(
        *("meg", given.path, "--sensors", "helmet", *AT, "--radius", "120000"),
        *("-f", "-o", out),
        code=3,
    ).err
    assert "sensor MAG001 lies inside the conductor: 110000 um" in err
    err = lfp(
        *("meg", given.path, "--sensors", "helmet", "--position", "0,0,95000", "-f", "-o", out),
        code=3,
    ).err
    assert "dipole 0 lies outside the conductor" in err
