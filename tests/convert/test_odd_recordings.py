"""Recordings that formats meet rarely: each is converted, told about, or refused by name."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from lfpcli.io.exchange import samples
from lfpcli.io.recording import Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter

COUNT = 60


def written(path, *, spikes=(), moment=False, count=COUNT, **fields):
    """A recording of one signal of four contacts, 10 kHz."""
    rng = np.random.default_rng(4)
    signal = {
        "data": rng.normal(size=(count, 4)),
        "units": "mV",
        "dt": 0.1,
        "positions": np.arange(12.0).reshape(4, 3),
        "names": ["a", "b", "c", "d"],
    }
    with RecordingWriter(path, {"program": "lfp"}) as writer:
        writer.signal("LFP", Signal(**(signal | fields)))
        if len(spikes):
            writer.spikes("E", np.array(spikes, float), np.arange(len(spikes)))
        if moment:
            writer.dipole("total", Sampled(rng.normal(size=(count, 3)), "nA um", 0.1))
    return path


def samples_of(path):
    with open_recording(path) as recording:
        return recording.signal("LFP").data[:]


def test_nix_in_blocks_is_the_same(lfp, tmp_path, monkeypatch):
    neo = pytest.importorskip("neo")
    pytest.importorskip("nixio")
    from lfpcli.io.exchange import nix

    source = written(tmp_path / "in.h5", moment=True, spikes=[1.0, 2.0])
    monkeypatch.setattr(nix, "BLOCK_VALUES", 100)
    monkeypatch.setattr(samples, "BLOCK_VALUES", 50)
    lfp("convert", "-q", source, tmp_path / "o.nix")
    (segment,) = neo.NixIO(str(tmp_path / "o.nix"), mode="ro").read_block().segments
    signal, moment = segment.analogsignals
    assert np.array_equal(signal.magnitude, samples_of(source))
    with open_recording(source) as recording:
        assert np.array_equal(moment.magnitude, recording.dipole("total").data)
    assert [float(train[0]) for train in segment.spiketrains] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("units", "neo_units", "factor"),
    [("fT", "T", 1e-15), ("nV", "uV", 1e-3), ("", "dimensionless", 1), ("mA/cm2", "mA/cm**2", 1)],
)
def test_units_that_neo_does_not_know(lfp, tmp_path, units, neo_units, factor):
    neo = pytest.importorskip("neo")
    pytest.importorskip("nixio")
    source = written(tmp_path / "in.h5", units=units)
    lfp("convert", "-q", source, tmp_path / "o.nix")
    (signal,) = neo.NixIO(str(tmp_path / "o.nix"), mode="ro").read_block().segments[0].analogsignals
    assert signal.units.dimensionality.string.strip("()") == neo_units
    np.testing.assert_allclose(signal.magnitude, factor * samples_of(source), rtol=1e-15)


@pytest.mark.parametrize("units", ["9**9**9", "mV if 1 else V", "wobbles"])
def test_units_that_are_none_are_refused(lfp, tmp_path, units):
    pytest.importorskip("neo")
    pytest.importorskip("nixio")
    source = written(tmp_path / "in.h5", units=units)
    assert "has no unit" in lfp("convert", source, tmp_path / "o.nix", code=2).err


def test_evoked_in_blocks_is_read_by_mne(lfp, tmp_path, monkeypatch):
    mne = pytest.importorskip("mne")
    source = written(tmp_path / "in.h5", t_start=-2.0)
    monkeypatch.setattr(samples, "BLOCK_VALUES", 50)
    lfp("convert", "-q", source, tmp_path / "o-ave.fif")
    (evoked,) = mne.read_evokeds(tmp_path / "o-ave.fif", verbose="error")
    np.testing.assert_allclose(evoked.data.T, 1e-3 * samples_of(source), rtol=1e-7)
    assert evoked.times[0] == pytest.approx(-0.002, abs=1e-9)
    assert (evoked.first, evoked.last, evoked.nave) == (-20, COUNT - 21, 1)
    options = ("--dtype", "float64")
    said = lfp("convert", source, tmp_path / "p-ave.fif", *options, code=2)
    assert "-ave.fif, whose type of numbers is fixed" in said.err


@pytest.mark.parametrize(
    ("t_start", "first", "told"), [(-2.0, -20, ""), (12.6, 126, ""), (1.25, 12, "is put at 1.2 ms")]
)
def test_raw_data_of_mne_begin_where_they_do(lfp, tmp_path, t_start, first, told):
    mne = pytest.importorskip("mne")
    source = written(tmp_path / "in.h5", t_start=t_start)
    said = lfp("convert", source, tmp_path / "o_raw.fif")
    assert told in said.err
    raw = mne.io.read_raw_fif(tmp_path / "o_raw.fif", verbose="error")
    assert raw.first_samp == first
    np.testing.assert_allclose(raw.get_data().T, 1e-3 * samples_of(source), rtol=1e-15)


@pytest.mark.parametrize("target", ["o.edf", "o_raw.fif"])
def test_names_beyond_ascii_are_told(lfp, tmp_path, target):
    pytest.importorskip({"o.edf": "edfio", "o_raw.fif": "mne"}[target])
    source = written(tmp_path / "in.h5", names=["µ 1", "b", "x:y/z", ""])
    assert (
        "other letters of 'µ 1' and 0 more become ?"
        in lfp("convert", source, tmp_path / target).err
    )


# SpikeInterface closes its file when it is collected
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("package", "arguments"),
    [("mne", ("o_raw.fif",)), ("spikeinterface", ("o", "--to", "spikeinterface"))],
)
def test_names_that_come_twice_are_refused(lfp, tmp_path, package, arguments):
    pytest.importorskip(package)
    source = written(tmp_path / "in.h5", names=["a", "b", "a", "c"])
    target, *options = arguments
    said = lfp("convert", source, tmp_path / target, *options, code=2)
    assert "has two channels 'a'" in said.err
    lfp("convert", "-q", source, tmp_path / target, *options, "--channels", "0:2")


@pytest.mark.parametrize("target", ["o.npy", "o.csv", "o.nwb", "o.edf", "o_raw.fif", "o-ave.fif"])
def test_signals_without_samples_are_refused(lfp, tmp_path, target):
    packages = {".nwb": "pynwb", ".edf": "edfio", ".fif": "mne"}
    pytest.importorskip(packages.get(target[-4:], "numpy"))
    source = written(tmp_path / "in.h5", count=0)
    assert "has no samples" in lfp("convert", source, tmp_path / target, code=2).err


def test_what_lies_outside_the_samples_is_told(lfp, tmp_path):
    source = written(tmp_path / "in.h5", t_start=2.0, spikes=[1.0, 3.0, 7.9, 9.0])
    said = lfp("convert", source, tmp_path / "o.h5", "--to", "mearec")
    assert "2 of 4 before or after them left out" in said.err
    assert "the time of the first sample, which is not 0" in said.err
    said = lfp("convert", source, tmp_path / "o.csv")
    assert "spikes are left out" in said.err


def test_what_is_refused_tells_no_losses(lfp, tmp_path):
    source = written(tmp_path / "in.h5", units="")
    said = lfp("convert", source, tmp_path / "o.h5", "--to", "mearec", code=2)
    assert "left out" not in said.err


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"format": "lfp-kernels"}, "holds kernels, and no signals"),
        ({"format": "lfp-lead-grids"}, "holds lead fields, and no signals"),
        ({"format": "lfp-other"}, "is of no known format"),
    ],
)
def test_files_of_ours_without_signals_are_named(lfp, tmp_path, fields, text):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.attrs.update(fields)
    assert text in lfp("convert", tmp_path / "in.h5", tmp_path / "o.npz", code=3).err
