"""Recordings name their axes, so that xarray and netCDF tools open them as they are."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

import lfpcli
from lfpcli.io.axes import REFERENCES, attach_axes, loose_axes
from lfpcli.io.recording import Signal
from lfpcli.io.repack import repack
from lfpcli.io.writer import RecordingWriter

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")


@pytest.mark.parametrize("name", ["LFP", "dipole/total"])
def test_groups_open_without_an_engine_of_ours(recording, name):
    group = name if "/" in name else f"signals/{name}"
    expected = lfpcli.to_xarray(recording, name)
    with xarray.open_dataset(recording, group=group) as dataset:
        array = dataset["data"]
        assert array.dims == ("time", "channel")
        assert np.array_equal(array.values, expected.values)
        assert np.array_equal(dataset["time"], expected["time"])
        assert dataset["time"].attrs["units"] == "ms"
        assert list(dataset["channel"].values) == list(expected["channel"].values)


def test_reports_places_and_shares_have_axes(recording):
    with xarray.open_dataset(recording, group="reports/imem/E") as report:
        assert report["data"].dims == ("time", "channel")
        assert report["time"].values[2] == 2 * 0.0625
    with xarray.open_dataset(recording, group="signals/LFP") as signal:
        assert signal["positions"].sel(channel="b", xyz="z") == 0.0
        assert signal["positions"].sel(channel="d", xyz="x") == 20.0
    with xarray.open_dataset(recording, group="signals/LFP/groups") as shares:
        assert shares["E"].dims == ("time", "channel")


def test_hdf5_sees_the_axes_from_both_sides(recording):
    with h5py.File(recording, "r") as file:
        data = file["signals/LFP/data"]
        assert [list(axis.keys()) for axis in data.dims] == [["time"], ["channel"]]
        for number, name in enumerate(("time", "channel")):
            scale = file[f"signals/LFP/{name}"]
            assert h5py.h5ds.is_attached(data.id, scale.id, number)
        # equal times are one dataset
        assert file["signals/LFP/time"] == file["dipole/total/time"]


def test_parts_that_are_carried_along_keep_their_axes(lfp, recording, tmp_path):
    probed = tmp_path / "probed.h5"
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("x,y,z\n200,0,0\n200,0,40\n", encoding="utf-8")
    lfp("probe", "-q", recording, "--contacts", contacts, "--name", "near", "-o", probed)
    with h5py.File(probed, "r") as file:
        assert loose_axes(file) == []
    for group in ("signals/LFP", "signals/near", "dipole/total"):
        with xarray.open_dataset(probed, group=group) as dataset:
            assert dataset["data"].dims == ("time", "channel")


def test_files_that_are_packed_again_keep_their_axes(recording, tmp_path):
    path, again = tmp_path / "packed.h5", tmp_path / "again.h5"
    for copy in (path, again):
        shutil.copy(recording, copy)
    with h5py.File(path, "r") as file:
        samples = file["signals/LFP/data"][()]
    repack(path, attach_axes)
    with h5py.File(path, "r") as file:
        assert loose_axes(file) == []
        assert file["signals/LFP/time"] == file["dipole/total/time"]
        assert np.array_equal(file["signals/LFP/data"][()], samples)
    repack(again, attach_axes)
    assert path.read_bytes() == again.read_bytes()


def test_many_shares_have_one_axis(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        group = file.create_group("signals/LFP")
        group.attrs.update({"t_start": 0.0, "dt": 0.1})
        for name in ("data", *(f"groups/{number}" for number in range(4500))):
            group.create_dataset(name, data=np.ones((1, 1)))
        attach_axes(file)
    with h5py.File(path, "r") as file:
        # more references than an attribute in the header of an object holds
        assert len(file["signals/LFP/time"].attrs["REFERENCE_LIST"]) == 4501
        assert file["signals/LFP/groups/4499"].dims[0][0] == file["signals/LFP/time"]


def test_empty_signals_have_axes(tmp_path):
    path = tmp_path / "empty.h5"
    with RecordingWriter(path, {}) as writer:
        writer.signal("none", Signal(data=np.empty((0, 2)), units="mV", dt=0.1))
        writer.signal("nobody", Signal(data=np.empty((4, 0)), units="mV", dt=0.1))
    for name, sizes in (("none", (0, 2)), ("nobody", (4, 0))):
        with xarray.open_dataset(path, group=f"signals/{name}") as dataset:
            assert dataset["data"].shape == sizes


def test_files_without_axes_are_the_same(lfp, recording, tmp_path):
    bare = tmp_path / "bare.h5"
    shutil.copy(recording, bare)
    with h5py.File(bare, "r+") as file:
        for base in ("signals/LFP", "dipole/total", "reports/imem/E"):
            del file[f"{base}/data"].attrs[REFERENCES[0]]
            for name in ("time", "channel"):
                del file[f"{base}/{name}"]
    lfp("diff", "--exact", recording, bare)
    lfp("convert", "-q", bare, tmp_path / "again.h5")


def test_check_tells_of_axes_that_another_tool_lost(lfp, recording, tmp_path):
    copied = tmp_path / "copied.h5"
    with h5py.File(recording, "r") as source, h5py.File(copied, "w") as target:
        for key, value in source.attrs.items():
            target.attrs[key] = value
        for name in ("signals", "geometry"):
            source.copy(name, target)
    result = lfp("check", copied)
    assert "axes lead elsewhere" in result.out
    lfp("convert", "-q", copied, tmp_path / "again.npz")
    with xarray.open_dataset(copied, engine="lfp", group="LFP") as dataset:
        assert dataset["data"].dims == ("time", "channel")
    # a copy by lfp has them again
    mended = tmp_path / "mended.h5"
    lfp("convert", "-q", copied, mended)
    with xarray.open_dataset(mended, group="signals/LFP") as dataset:
        assert dataset["data"].dims == ("time", "channel")
