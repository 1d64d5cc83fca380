"""Montages, sensors and forward solutions of MNE, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import meg
from lfpcli.forward.montages import montage
from lfpcli.io.head_model import open_head_model
from lfpcli.io.montage import load_montage
from lfpcli.io.sensors import load_sensors

mne = pytest.importorskip("mne")
pytestmark = pytest.mark.filterwarnings("ignore")

CENTRE = np.array([0.0, 0.0, 0.04])


def test_own_table_is_that_of_mne() -> None:
    known = mne.channels.get_builtin_montages()
    if "spherical_1010" not in known:
        pytest.skip("this MNE has no spherical montage")
    theirs = mne.channels.make_standard_montage("spherical_1010").get_positions()["ch_pos"]
    names, directions = montage("10-10")
    shared = [k for k, name in enumerate(names) if name in theirs]
    assert len(shared) > 60
    for k in shared:
        place = theirs[names[k]] / np.linalg.norm(theirs[names[k]])
        np.testing.assert_allclose(directions[k], place, atol=1e-3)


def test_ten_five() -> None:
    got = load_montage("10-05", 90000.0)
    assert len(got.names) > 300
    np.testing.assert_allclose(np.linalg.norm(got.positions, axis=1), 90000.0)
    top = got.positions[got.names.index("Cz")]
    assert top[2] > 0.95 * 90000.0


def test_unknown_montage() -> None:
    with pytest.raises(UsageError, match="MNE has no montage 'biosemi65'; did you mean"):
        load_montage("mne:biosemi65", 90000.0)


def neuromag(path: Path) -> Path:
    """A measurement file of one magnetometer and one planar gradiometer, 12 cm up."""
    coils = mne.io.constants.FIFF
    info = mne.create_info(["MEG0111", "MEG0112"], 1000.0, ["mag", "grad"])
    kinds = (coils.FIFFV_COIL_VV_MAG_T1, coils.FIFFV_COIL_VV_PLANAR_T1)
    for channel, kind in zip(info["chs"], kinds, strict=True):
        channel["coil_type"] = kind
        channel["coord_frame"] = coils.FIFFV_COORD_DEVICE
        channel["loc"] = np.array([0, 0.01, 0.12, 1, 0, 0, 0, 1, 0, 0, 0, 1.0])
    with info._unlock():
        info["dev_head_t"] = mne.Transform("meg", "head", mne.transforms.translation(0, 0, 0.04))
    mne.io.RawArray(np.zeros((2, 10)), info).save(path, verbose=False)
    return path


def test_sensors(tmp_path: Path) -> None:
    sensors = load_sensors(neuromag(tmp_path / "a_raw.fif"))
    assert sensors.names == ["MEG0111", "MEG0112"]
    assert sensors.units == ["T", "T/m"]
    np.testing.assert_allclose(sensors.positions[:, 2], 160000.0, rtol=3e-3)
    dipole = np.array([20000.0, 10000.0, 100000.0])
    got = meg.sensor_field(meg.spherical_field, sensors.moved(-1e6 * CENTRE), dipole - 1e6 * CENTRE)
    solution = forward(tmp_path, "meg", dipole * 1e-6)
    wanted = solution["sol"]["data"].reshape(2, 1, 3) * 1e-15
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * np.abs(wanted[1]).max())


def forward(folder: Path, kind: str, place: np.ndarray):
    """Forward solution of one source in a sphere."""
    sources = mne.setup_volume_source_space(
        pos={"rr": place[None], "nn": np.array([[0, 0, 1.0]])}, sphere_units="m", verbose=False
    )
    sphere = mne.make_sphere_model(CENTRE, 0.09, verbose=False)
    if kind == "meg":
        info = mne.io.read_info(folder / "a_raw.fif", verbose=False)
    else:
        system = mne.channels.make_standard_montage("colin27_1020")
        info = mne.create_info(system.ch_names, 1000.0, "eeg")
        info.set_montage(system, verbose=False)
        with info._unlock():
            info["dev_head_t"] = mne.Transform("meg", "head", np.eye(4))
    return mne.make_forward_solution(
        info, None, sources, sphere, meg=kind == "meg", eeg=kind == "eeg", verbose=False
    )


def test_forward_solution(tmp_path: Path) -> None:
    place = np.array([0.01, 0.02, 0.09])
    solution = forward(tmp_path, "eeg", place)
    file = tmp_path / "a-fwd.fif"
    mne.write_forward_solution(file, solution, verbose=False)
    with open_head_model(file) as head:
        assert head.units == "mV"
        assert list(head.names) == solution["sol"]["row_names"]
        assert head.normals is None
        got = head.get_transformation_matrix(head.nearest(place * 1e6))
        np.testing.assert_allclose(got, solution["sol"]["data"] * 1e-12, rtol=1e-6)
        np.testing.assert_allclose(head.positions, place[None] * 1e6, rtol=1e-6)
    with pytest.raises(InputError, match="has no MEG channels"), open_head_model(file, "meg"):
        pass


def test_no_fif(tmp_path: Path) -> None:
    file = tmp_path / "a-fwd.fif"
    file.write_text("no such thing")
    with pytest.raises(InputError, match="no forward solution"), open_head_model(file):
        pass
    with pytest.raises(InputError, match="no measurement information"):
        load_sensors(file)
