"""`lfp probe` gives what a probe measured while the run went, whatever the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import PROBES

from lfpcli.forward.potentials import transfer_matrix
from lfpcli.io.arrays import load_contacts
from lfpcli.io.recording import Signal, open_recording


def signal_of(path: Path, name: str) -> Signal:
    with open_recording(path) as recording:
        signal = recording.signal(name)
        signal.data = signal.data[()]
        signal.groups = {group: data[()] for group, data in signal.groups.items()}
        return signal


def close(got: np.ndarray, want: np.ndarray, tolerance: float = 1e-12) -> None:
    assert got.shape == want.shape
    assert np.abs(want).max() > 0
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


def measured(lfp, run: Path, tmp_path: Path, *options: object, name: str = "later") -> Signal:
    out = tmp_path / "probe.h5"
    lfp("probe", run, "-o", out, "-f", "--name", name, *options)
    return signal_of(out, name)


@pytest.mark.parametrize("per", ["total", "population", "cell"])
@pytest.mark.parametrize("name", PROBES)
def test_stored_currents_give_the_signal_of_the_run(
    lfp, run: Path, contacts: Path, tmp_path: Path, name: str, per: str
) -> None:
    options = [*PROBES[name]["options"], "--contacts", contacts, "--per", per]
    later, during = measured(lfp, run, tmp_path, *options), signal_of(run, f"{name} {per}")
    close(later.data, during.data)
    assert list(later.groups) == list(during.groups)
    for group, data in during.groups.items():
        close(later.groups[group], data)
    assert later.parameters == during.parameters
    assert later.model == during.model
    assert (later.units, later.dt, later.t_start) == ("mV", 0.0625, 0.0)
    np.testing.assert_array_equal(later.positions, during.positions)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("csd", ["--csd", "z=[-200, 800], dz=50, radius=400", "--per", "cell"]),
        (
            "boxes",
            [
                "--csd",
                "origin=[-900, -900, -900], size=[1800, 1800, 1800], n=[2, 3, 12]",
                "--per",
                "population",
            ],
        ),
    ],
)
def test_csd_of_stored_currents(lfp, run: Path, tmp_path: Path, name: str, options: list) -> None:
    later, during = measured(lfp, run, tmp_path, *options), signal_of(run, name)
    close(later.data, during.data)
    assert later.units == "nA/um3"
    volume = np.pi * 400.0**2 * 50.0 if name == "csd" else 1800.0**3 / 72
    with open_recording(run) as recording:
        total = sum(recording.report("imem", p).data[()].sum(axis=1) for p in ("A", "B"))
        largest = np.abs(recording.report("imem", "A").data[()]).max()
    # all cells are inside, and none of their current is lost
    np.testing.assert_allclose(later.data.sum(axis=1) * volume, total, atol=1e-11 * largest)
    for group in later.groups:
        close(later.groups[group], during.groups[group])


@pytest.mark.parametrize("per", ["population", "cell"])
@pytest.mark.parametrize("name", PROBES)
def test_shares_add_to_the_total(run: Path, name: str, per: str) -> None:
    signal, total = signal_of(run, f"{name} {per}"), signal_of(run, f"{name} total")
    assert list(signal.groups) == (["A", "B"] if per == "population" else ["0", "1", "2"])
    np.testing.assert_array_equal(signal.data, total.data)
    assert (
        np.abs(sum(signal.groups.values()) - total.data).max() <= 1e-12 * np.abs(total.data).max()
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("line", {}),
        ("point", {"method": "point"}),
        ("soma", {"method": "soma-point"}),
        ("anisotropic", {"sigma": [0.3, 0.2, 0.45]}),
        ("slice", {"medium": {"slice": 2000.0, "z_shift": -600.0, "sigma_glass": 0.05}}),
        ("sphere", {"medium": {"sphere": 3000.0, "sigma_out": 0.1, "centre": (0, 0, 100)}}),
        ("half space", {"medium": {"half_space": 1500.0, "sigma_other": 1.5}}),
    ],
)
def test_signal_is_the_transfer_matrix_times_currents(
    run: Path, contacts: Path, name: str, model: dict
) -> None:
    want = 0.0
    with open_recording(run) as recording:
        for population in ("A", "B"):
            matrix = transfer_matrix(
                recording.geometry(population), load_contacts(contacts), **model
            )
            want = want + recording.report("imem", population).data[()] @ matrix.T
    tolerance = 1e-5 if name == "slice" else 1e-12
    close(signal_of(run, f"{name} total").data, want, tolerance)


def test_faces_of_the_array_s_own_size(lfp, run: Path, tmp_path: Path) -> None:
    shared = ["--array", "SqMEA-10-15", "--shift", "80,0,0"]
    stated = load_contacts("SqMEA-10-15", radius="array")
    own = measured(lfp, run, tmp_path, *shared, "--radius", "array")
    points = measured(lfp, run, tmp_path, *shared)
    given = measured(
        lfp, run, tmp_path, *shared, "--radius", stated.radius, "--shape", stated.shape
    )
    np.testing.assert_array_equal(own.data, given.data)
    assert own.parameters["half_sides"] == list(stated.face_half_sides)
    assert np.abs(own.data - points.data).max() > 1e-6 * np.abs(points.data).max()


def test_rotation_and_shift_turn_the_array(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    got = measured(
        lfp, run, tmp_path, "--contacts", contacts, "--rotate", "z=90", "--shift", "10,0,-20"
    )
    want = load_contacts(contacts, shift=(10, 0, -20), rotate={"z": 90.0})
    np.testing.assert_allclose(got.positions, want.positions, atol=1e-12)


def test_one_point_on_the_command_line(lfp, run: Path, tmp_path: Path) -> None:
    one = measured(lfp, run, tmp_path, "--contacts", "30,0,0")
    close(one.data, signal_of(run, "line total").data[:, :1])


def test_float32_is_the_rounded_signal(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    got = measured(lfp, run, tmp_path, "--contacts", contacts, "--float32").data
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, signal_of(run, "line total").data.astype(np.float32))


def test_currents_are_left_out_unless_kept(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    for options, kept in (((), False), (("--keep-currents",), True)):
        out = tmp_path / f"{kept}.h5"
        lfp("probe", run, "-o", out, "--contacts", contacts, "--name", "x", *options)
        with open_recording(out) as recording:
            assert ("imem" in recording.reports) is kept
            assert recording.dipole_groups == ["total"]
            assert "line total" in recording.signals


def test_filter_and_resampling(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    shared = ["--contacts", contacts]
    raw = signal_of(run, "line total")
    got = measured(lfp, run, tmp_path, *shared, "--filter", ":200", "--resample", "0.5")
    assert (got.dt, len(got.data)) == (0.5, 41)
    assert got.parameters["filter"] == ":200"
    bend, raw_bend = (np.abs(np.diff(d, 2, axis=0)).max() for d in (got.data, raw.data[::8]))
    assert bend < raw_bend


def test_noise_follows_the_seed(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    options = ["--contacts", contacts, "--noise", "white:0.01"]
    one, two = (measured(lfp, run, tmp_path, *options, "--seed", 5).data for _ in range(2))
    other = measured(lfp, run, tmp_path, *options, "--seed", 6).data
    np.testing.assert_array_equal(one, two)
    added = one - signal_of(run, "line total").data
    assert 0.008 < added.std() < 0.012
    assert not np.array_equal(one, other)


def test_same_command_writes_the_same_bytes(lfp, run: Path, contacts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    contents = []
    for _ in range(2):
        lfp("probe", run, "--contacts", contacts, "--name", "x", "-o", out, "-f")
        contents.append(out.read_bytes())
    assert contents[0] == contents[1]


def test_pipes(shell, run: Path, contacts: Path, tmp_path: Path) -> None:
    out = tmp_path / "piped.h5"
    done = shell("probe", "-", "--contacts", contacts, "--name", "x", stdin=run.read_bytes())
    out.write_bytes(done.out.encode("latin-1"))
    close(signal_of(out, "x").data, signal_of(run, "line total").data)


def test_regions_are_a_slice(lfp, run: Path, tmp_path: Path) -> None:
    """A file of the medium's keys, and the images of the same slice."""
    (tmp_path / "medium.toml").write_text(
        "background = 1.5\ntolerance = 3e-3\n"
        "[[regions]]\nslab = {low = -1500.0, high = 1500.0}\nsigma = 0.3\n"
        "[[regions]]\nslab = {high = -1500.0}\nsigma = 0.0\n"
    )
    options = ["--contacts", "60,0,300", "--medium"]
    grid = measured(lfp, run, tmp_path, *options, tmp_path / "medium.toml")
    images = measured(lfp, run, tmp_path, *options, "slice=3000, z_shift=-1500")
    close(grid.data, images.data, 3e-3)
    assert 0 < grid.parameters["medium_error"] < 3e-3
    assert "sigma" not in grid.parameters
