"""EEG, MEG, dipoles and source estimates in MNE-Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import Sampled, open_recording
from lfpcli.io.writer import RecordingWriter

mne = pytest.importorskip("mne")

DT = 0.2
POSITION = np.array([0.0, 0.0, 78000.0])


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dipole moment with its EEG and MEG."""
    from lfpcli.cli.main import main

    folder = tmp_path_factory.mktemp("mne")
    rng = np.random.default_rng(4)
    with RecordingWriter(folder / "dipole.h5", {"program": "lfp"}) as writer:
        # nA um; 1 nA m is 1e6
        moment = 3e7 * rng.normal(size=(500, 3))
        writer.dipole("total", Sampled(moment, "nA um", DT, share="total"))
    # cells that stand along x
    place = ["--position", "0,0,78000", "--direction", "1,0,0"]
    eeg, meg = folder / "eeg.h5", folder / "meg.h5"
    steps = (
        ["eeg", folder / "dipole.h5", "--montage", "10-20", *place, "-o", eeg],
        ["meg", eeg, "--sensors", "helmet", *place, "-o", meg],
    )
    for step in steps:
        assert main([str(word) for word in step]) == 0
    return meg


@pytest.fixture(scope="module")
def moment(heads) -> np.ndarray:
    """The moment in the head, A m."""
    with open_recording(heads) as recording:
        x, y, z = 1e-15 * recording.dipole("total").data[:].T
    # z of the cell is x of the head
    return np.column_stack([z, y, -x])


def test_eeg_as_raw_and_evoked(lfp, heads, tmp_path):
    raw_file, evoked_file = tmp_path / "eeg_raw.fif", tmp_path / "eeg-ave.fif"
    lfp("convert", heads, raw_file, "--signal", "eeg")
    lfp("convert", heads, evoked_file, "--signal", "eeg")
    raw = mne.io.read_raw_fif(raw_file, verbose="error")
    evoked = mne.read_evokeds(evoked_file, condition=0, verbose="error")
    with open_recording(heads) as recording:
        signal = recording.signal("eeg")
        expected = 1e-3 * signal.data[:].T
        positions = signal.positions
    np.testing.assert_allclose(raw.get_data(), expected, rtol=1e-12)
    np.testing.assert_allclose(evoked.data, expected, rtol=1e-6, atol=1e-7 * abs(expected).max())
    assert raw.info["sfreq"] == 1000.0 / DT
    assert set(raw.get_channel_types()) == {"eeg"}
    montage = raw.get_montage().get_positions()
    assert montage["coord_frame"] == "head"
    places = np.array([montage["ch_pos"][name] for name in raw.ch_names])
    np.testing.assert_allclose(places, 1e-6 * positions, atol=1e-6)


def test_meg_in_tesla(lfp, heads, tmp_path):
    lfp("convert", heads, tmp_path / "meg_raw.fif", "--signal", "meg")
    raw = mne.io.read_raw_fif(tmp_path / "meg_raw.fif", verbose="error")
    with open_recording(heads) as recording:
        signal = recording.signal("meg")
        assert set(raw.get_channel_types()) == {"mag"}
        np.testing.assert_allclose(raw.get_data(), signal.data[:].T, rtol=1e-12)


def test_a_dipole_as_text(lfp, heads, moment, tmp_path):
    said = lfp("convert", heads, tmp_path / "m.dip", "--signal", "dipole/total")
    assert "rounded" in said.err
    dipole = mne.read_dipole(tmp_path / "m.dip", verbose="error")
    np.testing.assert_allclose(dipole.times, 1e-3 * DT * np.arange(500), atol=1e-4)
    np.testing.assert_allclose(dipole.pos, np.tile(1e-6 * POSITION, (500, 1)), atol=1e-4)
    np.testing.assert_allclose(
        dipole.amplitude[:, None] * dipole.ori, moment, atol=5e-3 * np.abs(moment).max()
    )


def test_a_moment_too_small_for_the_text_is_refused(lfp, recording, tmp_path):
    said = lfp("convert", recording, tmp_path / "m.dip", "--signal", "dipole/total", code=2)
    assert "1e-12 A m" in said.err
    assert not (tmp_path / "m.dip").exists()


def test_a_fixed_dipole(lfp, heads, moment, tmp_path):
    target = tmp_path / "m-dip.fif"
    said = lfp("convert", heads, target, "--signal", "dipole/total")
    assert "across its direction" in said.err
    dipole = mne.read_dipole(target, verbose="error")
    assert isinstance(dipole, mne.DipoleFixed)
    location = dipole.info["chs"][0]["loc"]
    np.testing.assert_allclose(location[:3], 1e-6 * POSITION, atol=1e-7)
    np.testing.assert_allclose(
        dipole.data[0], moment @ location[3:6], atol=1e-5 * np.abs(moment).max()
    )


def test_a_source_estimate(lfp, heads, tmp_path):
    target = tmp_path / "m-vl.stc"
    said = lfp("convert", heads, target, "--signal", "dipole/total")
    assert "along z" in said.err
    estimate = mne.read_source_estimate(str(target))
    with open_recording(heads) as recording:
        expected = 1e-15 * recording.dipole("total").data[:, 2]
    np.testing.assert_allclose(estimate.data[0], expected, rtol=1e-6)
    np.testing.assert_allclose(estimate.times, 1e-3 * DT * np.arange(500), atol=1e-6)
    again = tmp_path / "again-vl.stc"
    lfp("convert", heads, again, "--signal", "dipole/total")
    assert target.read_bytes() == again.read_bytes()


def test_names_that_mne_does_not_know(lfp, heads, tmp_path):
    said = lfp("convert", heads, tmp_path / "m.stc", "--signal", "dipole/total", code=2)
    assert "-vl.stc" in said.err
    said = lfp("convert", heads, tmp_path / "m-vl.stc", "--signal", "eeg", code=2)
    assert "no dipole moment" in said.err
