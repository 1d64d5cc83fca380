"""Montages, sensors and forward solutions of MNE, where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import meg
from lfpcli.forward.instrument import NO_CELL
from lfpcli.forward.montages import montage
from lfpcli.io.head_model import load_head_model
from lfpcli.io.montage import load_montage
from lfpcli.io.sensors import load_sensors
from lfpcli.model.head import Meg
from lfpcli.tasks.head.instruments import head_instruments

mne = pytest.importorskip("mne")
pytestmark = pytest.mark.filterwarnings("ignore")

CENTRE = np.array([0.0, 0.0, 0.04])


@pytest.mark.parametrize(
    ("template", "system", "within"),
    # a cap for a sphere, and heads of their own shape
    [
        ("biosemi64", "10-20", 1.1),
        ("biosemi64", "10-10", 4.0),
        ("10-05", "10-20", 13.0),
        ("standard_1020", "10-20", 13.0),
    ],
)
def test_one_name_is_at_one_place(template: str, system: str, within: float) -> None:
    source = template if template == "10-05" else f"mne:{template}"
    theirs = load_montage(source, 1.0)
    direction = dict(zip(theirs.names, theirs.positions, strict=True))
    names, directions = montage(system)
    shared = [k for k, name in enumerate(names) if name in direction]
    assert len(shared) >= 21
    cosines = [directions[k] @ direction[names[k]] for k in shared]
    assert np.degrees(np.arccos(np.min(cosines))) < within


def test_former_names_of_montages() -> None:
    former, today = (load_montage(f"mne:{name}", 1.0) for name in ("standard_1020", "colin27_1020"))
    assert set(former.names) >= {"Cz", "T7", "Oz"}
    row, other = former.names.index("T7"), today.names.index("T7")
    np.testing.assert_allclose(former.positions[row], today.positions[other], atol=0.05)


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


def test_forward_solution_of_two_units(tmp_path: Path) -> None:
    """Magnetometers in T and gradiometers in T/m, equal to those of the sensors' own file."""
    file = neuromag(tmp_path / "a_raw.fif")
    dipole = np.array([20000.0, 10000.0, 100000.0])
    solution = forward(tmp_path, "meg", dipole * 1e-6)
    mne.write_forward_solution(tmp_path / "a-fwd.fif", solution, verbose=False)
    place = {"name": "meg", "position": tuple(dipole)}
    stored = head_instruments(Meg(model="lead-field", head_model=tmp_path / "a-fwd.fif", **place))
    computed = head_instruments(Meg(sensors=file, centre=tuple(1e6 * CENTRE), **place))
    assert [i.name for i in stored] == [i.name for i in computed] == ["meg_mag", "meg_grad"]
    assert [i.units for i in stored] == ["T", "T/m"]
    assert [i.names for i in stored] == [["MEG0111"], ["MEG0112"]]
    for theirs, ours in zip(stored, computed, strict=True):
        wanted, got = (i.moment_matrix(np.array([NO_CELL])) for i in (theirs, ours))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


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
    head = load_head_model(file)
    assert set(head.channel_units) == {"mV"}
    assert list(head.names) == solution["sol"]["row_names"]
    assert head.normals is None
    got = head.get_transformation_matrix(head.nearest(place * 1e6))
    np.testing.assert_allclose(got, solution["sol"]["data"] * 1e-12, rtol=1e-6)
    np.testing.assert_allclose(head.positions, place[None] * 1e6, rtol=1e-6)
    with pytest.raises(InputError, match="has no MEG channels"):
        load_head_model(file, "meg")


def test_no_fif(tmp_path: Path) -> None:
    file = tmp_path / "a-fwd.fif"
    file.write_text("no such thing")
    with pytest.raises(InputError, match="no forward solution"):
        load_head_model(file)
    with pytest.raises(InputError, match="no measurement information"):
        load_sensors(file)
