"""Recordings as objects of other libraries, from the face of this one."""

from __future__ import annotations

import numpy as np
import pytest

import lfpcli
from lfpcli.errors import UsageError

DT = 0.0625


@pytest.fixture(scope="module")
def signal(recording):
    with lfpcli.open_recording(recording) as file:
        return file.signal("LFP").data[:]


def test_neo(recording, signal):
    pytest.importorskip("neo")
    block = lfpcli.to_neo(recording)
    signals = {each.name: each for each in block.segments[0].analogsignals}
    assert np.array_equal(signals["LFP"].magnitude, signal)
    assert str(signals["LFP"].units.dimensionality) == "mV"
    assert float(signals["LFP"].sampling_period.rescale("ms")) == pytest.approx(DT)
    assert signals["LFP"].array_annotations["z"].tolist() == [-50.0, 0.0, 50.0, 100.0]
    trains = {train.name: train for train in block.segments[0].spiketrains}
    assert trains["E.1"].rescale("ms").magnitude.tolist() == [10.5, 40.0]


def test_mne_raw_and_dipole(recording, signal):
    mne = pytest.importorskip("mne")
    with lfpcli.open_recording(recording) as file:
        raw = lfpcli.to_mne(file, "LFP")
        moment = file.dipole("total").data[:]
    np.testing.assert_allclose(raw.get_data(), 1e-3 * signal.T, rtol=1e-12)
    with pytest.warns(UserWarning, match="at the origin"):
        dipole = lfpcli.to_mne(recording, "dipole/total")
    assert isinstance(dipole, mne.Dipole)
    np.testing.assert_allclose(dipole.amplitude[:, None] * dipole.ori, 1e-15 * moment, rtol=1e-9)


def test_spikeinterface(recording, signal):
    pytest.importorskip("spikeinterface")
    extractor = lfpcli.to_spikeinterface(recording, "LFP")
    assert np.array_equal(extractor.get_traces(), 1e3 * signal)
    assert extractor.get_sampling_frequency() == 16000.0


def test_pandas_of_each_part(recording, signal):
    pytest.importorskip("pandas")
    with lfpcli.open_recording(recording) as file:
        table = file.to_pandas("LFP")
        assert np.array_equal(table.to_numpy(), signal)
        assert list(table.columns) == ["a", "b", "c", "d"]
        assert table.index[2] == 2 * DT
        assert table.attrs["units"] == "mV"
        assert list(file.to_pandas("dipole/total").columns) == ["x", "y", "z"]
        assert file.to_pandas("imem/E").columns[4] == "1.dend[0](0.25)"
    assert lfpcli.to_pandas(recording, "LFP").equals(table)


def test_xarray(recording, signal):
    xarray = pytest.importorskip("xarray")
    array = lfpcli.to_xarray(recording, "LFP")
    assert array.dims == ("time", "channel")
    assert float(array.sel(channel="b", time=DT)) == signal[1, 1]
    assert array["z"].values.tolist() == [-50.0, 0.0, 50.0, 100.0]
    assert isinstance(array, xarray.DataArray)


@pytest.mark.parametrize("group", ["LFP", "signals/LFP", "/signals/LFP"])
def test_xarray_opens_recordings(recording, signal, group):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.open_dataset(recording, engine="lfp", group=group)
    assert dataset["data"].dims == ("time", "channel")
    assert dataset["time"].attrs["units"] == "ms"
    assert dataset["time"].values[3] == 3 * DT
    assert np.array_equal(dataset["data"].values, signal)
    assert np.array_equal(dataset["data"][10:20, ::2].values, signal[10:20, ::2])
    assert np.array_equal(dataset["data"].isel(time=[4, 2], channel=1).values, signal[[4, 2], 1])
    assert dataset["share_E"].shape == signal.shape
    near = dataset.sel(channel="c").sel(time=1.0, method="nearest")
    assert float(near["data"]) == signal[16, 2]


def test_xarray_names_the_groups(recording):
    xarray = pytest.importorskip("xarray")
    with pytest.raises(UsageError, match="LFP, dipole/total, imem/E"):
        xarray.open_dataset(recording, engine="lfp", group="nothing")


def test_netcdf_has_named_axes(lfp, recording, signal, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    first, second = tmp_path / "o.nc", tmp_path / "p.nc"
    lfp("convert", "-q", recording, first)
    lfp("convert", "-q", recording, second)
    assert first.read_bytes() == second.read_bytes()
    with xarray.open_dataset(first, group="LFP", engine="h5netcdf") as dataset:
        assert dataset["data"].dims == ("time", "channel")
        assert dataset["position"].dims == ("channel", "xyz")
        assert np.array_equal(dataset["data"].values, signal)
        assert dataset["time"].values[1] == DT
        assert dataset["time"].attrs["units"] == "ms"
        assert list(dataset["channel"].values) == ["a", "b", "c", "d"]
    with xarray.open_dataset(first, group="spikes/E", engine="h5netcdf") as spikes:
        assert spikes["gid"].values.tolist() == [0, 0, 1, 1]
        assert spikes["spike"].values.tolist() == [3.0, 10.5, 10.5, 40.0]


def test_unknown_signals_are_named(recording):
    pytest.importorskip("xarray")
    with pytest.raises(UsageError, match="no signal 'LFQ'"):
        lfpcli.to_xarray(recording, "LFQ")
