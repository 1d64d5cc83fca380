"""Recordings in the formats of other tools, read by those tools."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from lfpcli.io.recording import Signal, open_recording
from lfpcli.io.writer import RecordingWriter

DT = 0.0625


@pytest.fixture
def signal(recording: Path) -> np.ndarray:
    with open_recording(recording) as file:
        return file.signal("LFP").data[:]


@pytest.fixture
def spikes(recording: Path) -> tuple[np.ndarray, np.ndarray]:
    with open_recording(recording) as file:
        return file.spikes("E")


def test_npz_holds_everything_sampled(lfp, recording, signal, spikes, tmp_path):
    lfp("convert", "-q", recording, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert np.array_equal(arrays["LFP"], signal)
        assert np.array_equal(arrays["LFP.t"], DT * np.arange(len(signal)))
        assert arrays["LFP.units"] == "mV"
        assert arrays["LFP.channels"].tolist() == ["a", "b", "c", "d"]
        assert arrays["LFP.positions"].shape == (4, 3)
        assert arrays["LFP.share.E"].shape == signal.shape
        assert arrays["dipole.total"].shape == (len(signal), 3)
        assert arrays["imem.E"].shape == (len(signal), 6)
        assert np.array_equal(arrays["spikes.E.times"], spikes[0])
        assert np.array_equal(arrays["spikes.E.ids"], spikes[1])


def test_npy_of_a_span_some_channels_and_another_unit(lfp, recording, signal, tmp_path):
    choice = ("--signal", "LFP", "--time", "10,20", "--channels", "c,0:2", "--units", "uV")
    lfp("convert", "-q", recording, tmp_path / "out.npy", *choice)
    got = np.load(tmp_path / "out.npy")
    assert np.array_equal(got, signal[160:321][:, [2, 0, 1]] * 1000.0)
    lfp("convert", "-q", recording, tmp_path / "f4.npy", "--signal", "LFP", "--dtype", "float32")
    assert np.load(tmp_path / "f4.npy").dtype == np.float32


def test_resampling_keeps_aliases_out(lfp, tmp_path, recording, signal):
    from scipy.signal import resample_poly

    lfp("convert", "-q", recording, tmp_path / "o.npy", "--signal", "LFP", "--resample", "0.25")
    expected = resample_poly(signal, 1, 4, axis=0, padtype="line")
    np.testing.assert_allclose(np.load(tmp_path / "o.npy"), expected, rtol=0, atol=1e-15)


def test_csv_is_tidy_and_exact(lfp, recording, signal, tmp_path):
    lfp("convert", "-q", recording, tmp_path / "o.csv", "--signal", "LFP", "--time", "0,1")
    with (tmp_path / "o.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 17 * 4
    assert rows[5] == {
        "time": repr(DT),
        "channel": "b",
        "value": repr(float(signal[1, 1])),
        "E": rows[5]["E"],
    }
    lfp("convert", "-q", recording, tmp_path / "s.tsv", "--signal", "spikes")
    assert (tmp_path / "s.tsv").read_text() == "gid\tms\n0\t3.0\n0\t10.5\n1\t10.5\n1\t40.0\n"


def test_matlab(lfp, recording, signal, spikes, tmp_path):
    from scipy.io import loadmat

    for name in ("a.mat", "b.mat"):
        lfp("convert", "-q", recording, tmp_path / name)
    assert (tmp_path / "a.mat").read_bytes() == (tmp_path / "b.mat").read_bytes()
    tree = loadmat(tmp_path / "a.mat", simplify_cells=True)
    assert np.array_equal(tree["signals"]["LFP"]["data"], signal)
    assert tree["signals"]["LFP"]["units"] == "mV"
    assert tree["signals"]["LFP"]["channels"].tolist() == ["a", "b", "c", "d"]
    assert tree["dipole"]["total"]["data"].shape == (len(signal), 3)
    assert np.array_equal(tree["spikes"]["E"]["times"], spikes[0])


def test_nwb_opens_everywhere_and_is_the_same_twice(lfp, recording, signal, spikes, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    for name in ("a.nwb", "b.nwb"):
        lfp("convert", "-q", recording, tmp_path / name)
    assert (tmp_path / "a.nwb").read_bytes() == (tmp_path / "b.nwb").read_bytes()
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        series = file.acquisition["LFP"]
        assert np.array_equal(series.data[:], signal)
        assert series.rate == 1000.0 / DT
        assert series.conversion == 1e-3
        assert file.electrodes["rel_y"][:].tolist() == [-50.0, 0.0, 50.0, 100.0]
        assert file.units["gid"][:].tolist() == [0, 1]
        assert np.array_equal(file.units["spike_times"][1], spikes[0][spikes[1] == 1] / 1000.0)
        assert file.acquisition["dipole.total"].unit == "nA um"


def test_nwb_has_no_critical_findings(lfp, recording, tmp_path):
    inspector = pytest.importorskip("nwbinspector")
    lfp("convert", "-q", recording, tmp_path / "a.nwb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        messages = list(inspector.inspect_nwbfile(nwbfile_path=str(tmp_path / "a.nwb")))
    severe = [m for m in messages if m.importance.name in ("CRITICAL", "ERROR", "PYNWB_VALIDATION")]
    assert severe == []


def test_nwb_and_folder_in_spikeinterface(lfp, recording, signal, spikes, tmp_path):
    si = pytest.importorskip("spikeinterface")
    extractors = pytest.importorskip("spikeinterface.extractors")
    choice = ("--signal", "LFP", "--signal", "spikes")
    lfp("convert", "-q", recording, tmp_path / "a.nwb", *choice)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traces = extractors.read_nwb_recording(tmp_path / "a.nwb")
        np.testing.assert_allclose(traces.get_traces(return_in_uV=True), signal * 1e3, rtol=1e-6)
        lfp("convert", "-q", recording, tmp_path / "folder", "--to", "spikeinterface", *choice)
        loaded = si.load(tmp_path / "folder" / "recording")
        sorting = si.load(tmp_path / "folder" / "sorting")
    assert np.array_equal(loaded.get_traces(), signal * 1e3)
    assert loaded.get_channel_locations()[:, 1].tolist() == [-50.0, 0.0, 50.0, 100.0]
    frames = sorting.get_unit_spike_train("E.1")
    assert frames.tolist() == [round(t / DT) for t in spikes[0][spikes[1] == 1]]


def test_zarr_in_xarray(lfp, recording, signal, tmp_path):
    zarr = pytest.importorskip("zarr")
    lfp("convert", "-q", recording, tmp_path / "o.zarr")
    group = zarr.open_group(str(tmp_path / "o.zarr"), mode="r")
    assert np.array_equal(group["LFP/data"][:], signal)
    xarray = pytest.importorskip("xarray")
    if int(zarr.__version__.partition(".")[0]) < 3:
        pytest.skip("xarray reads Zarr through the third generation of its package")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = xarray.open_zarr(str(tmp_path / "o.zarr"), group="LFP")
    assert dataset["data"].dims == ("time", "channel")
    assert dataset["time"].values[1] == DT


@pytest.mark.parametrize(("suffix", "bits"), [(".edf", 16), (".bdf", 24)])
def test_edf_is_as_exact_as_its_bits(lfp, recording, signal, tmp_path, suffix, bits):
    edfio = pytest.importorskip("edfio")
    path = tmp_path / f"o{suffix}"
    lfp("convert", "-q", recording, path, "--signal", "LFP", "--time", "0,99.95")
    file = edfio.read_edf(path) if suffix == ".edf" else edfio.read_bdf(path)
    assert [channel.label for channel in file.signals] == ["a", "b", "c", "d"]
    for k, channel in enumerate(file.signals):
        assert channel.physical_dimension == "uV"
        span = np.ptp(signal[:, k]) * 1e3
        error = np.abs(channel.data - signal[:, k] * 1e3).max()
        assert error <= 1.01 * span / 2**bits


def test_edf_says_what_it_cannot_hold(lfp, recording, tmp_path):
    pytest.importorskip("edfio")
    wrong = lfp(
        "convert", recording, tmp_path / "o.edf", "--signal", "LFP", "--resample", "0.07", code=2
    )
    assert "whole rates in Hz" in wrong.err
    assert "--resample" in wrong.err
    assert not (tmp_path / "o.edf").exists()


def test_fif_in_mne(lfp, recording, signal, tmp_path):
    mne = pytest.importorskip("mne")
    lfp("convert", "-q", recording, tmp_path / "o_raw.fif", "--signal", "LFP")
    raw = mne.io.read_raw_fif(tmp_path / "o_raw.fif", verbose="error")
    assert np.array_equal(raw.get_data().T, signal * 1e-3)
    assert raw.info["sfreq"] == 1000.0 / DT
    np.testing.assert_allclose(raw.info["chs"][3]["loc"][:3], [20e-6, 0, 100e-6], rtol=1e-6)
    lfp("convert", "-q", recording, tmp_path / "o-ave.fif", "--signal", "LFP")
    evoked = mne.read_evokeds(tmp_path / "o-ave.fif", verbose="error")[0]
    np.testing.assert_allclose(evoked.data.T, signal * 1e-3, rtol=1e-6, atol=1e-12)


def test_nix_in_neo(lfp, recording, signal, spikes, tmp_path):
    neo = pytest.importorskip("neo")
    pytest.importorskip("nixio")
    lfp("convert", "-q", recording, tmp_path / "o.nix")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with neo.NixIO(str(tmp_path / "o.nix"), mode="ro") as io:
            segment = io.read_block().segments[0]
    analog = {each.name: each for each in segment.analogsignals}["LFP"]
    assert np.array_equal(analog.magnitude, signal)
    assert analog.array_annotations["z"].tolist() == [-50.0, 0.0, 50.0, 100.0]
    trains = {each.name: each.magnitude for each in segment.spiketrains}
    assert np.array_equal(trains["E.0"], spikes[0][spikes[1] == 0])


def test_sonata_in_libsonata_and_bmtk(lfp, recording, signal, spikes, tmp_path):
    libsonata = pytest.importorskip("libsonata")
    lfp("convert", "-q", recording, tmp_path / "out", "--to", "sonata")
    reader = libsonata.SpikeReader(str(tmp_path / "out" / "spikes.h5"))
    assert sorted(reader["E"].get()) == sorted(
        zip(spikes[1].tolist(), spikes[0].tolist(), strict=True)
    )
    report = libsonata.ElementReportReader(str(tmp_path / "out" / "imem_E.h5"))["E"]
    frame = report.get()
    with open_recording(recording) as file:
        currents = file.report("imem", "E").data[:]
    np.testing.assert_array_equal(frame.data, currents.astype("f4"))
    with h5py.File(tmp_path / "out" / "LFP_ecp.h5") as ecp:
        assert np.array_equal(ecp["ecp/data"][:], signal)


def test_what_a_format_lacks_is_told(lfp, recording, tmp_path):
    ran = lfp("convert", recording, tmp_path / "o.npy", "--signal", "LFP")
    assert "npy does not hold the geometry of cells, parameters of forward models" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("o.xyz",), 2, "no format is known by '.xyz'"),
        (("o.npy",), 2, ".npy holds one signal"),
        (("o.npy", "--signal", "LPF"), 2, "did you mean 'LFP'?"),
        (("o.npz", "--channels", "e"), 2, "signal 'LFP' has no channel 'e'"),
        (("o.npy", "--signal", "LFP", "--units", "nA"), 2, "'mV' cannot be turned into 'nA'"),
        (("o.npy", "--signal", "LFP", "--time", "500,600"), 2, "no sample lies between"),
        (("o", "--to", "nbw"), 2, "did you mean 'nwb'?"),
        (("o.npz", "--to", "csv"), 2, "disagree"),
        (("o.h5", "--to", "npz"), 2, "disagree"),
        (("o.npy", "--signal", "LFP", "--time", "9,3"), 2, "before it begins"),
        (("o.npy", "--signal", "LFP", "--channels", "9:12"), 2, "no channel is chosen"),
        (("o.npy", "--signal", "LFP", "--channels", ""), 2, "no channel is named"),
        (("o.edf", "--signal", "spikes"), 2, "nothing sampled"),
        (("o.gdf", "--signal", "LFP"), 2, "holds no spikes"),
        (
            ("o.npz", "--channels", "1-3"),
            2,
            "no channel '1-3'; write the range 1:4, the end left out",
        ),
        (("o.npz", "--circuit", "c.json"), 2, "--circuit goes with"),
        (("none/o.npz",), 4, "mkdir -p none"),
    ],
)
def test_mistakes_are_named(lfp, recording, tmp_path, monkeypatch, arguments, code, text):
    monkeypatch.chdir(tmp_path)
    ran = lfp("convert", recording, *arguments, code=code)
    assert text in ran.err
    assert ran.err.count("error:") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_span_beyond_the_samples_is_cut_and_told(lfp, recording, signal, tmp_path):
    last = DT * (len(signal) - 1)
    choice = ("--signal", "LFP", "--time", f"20,{last + 100:g}")
    ran = lfp("convert", recording, tmp_path / "o.npy", *choice)
    assert f"is cut to 20,{last:g}" in ran.err
    assert np.array_equal(np.load(tmp_path / "o.npy"), signal[round(20 / DT) :])
    outside = ("--signal", "spikes", "--time", f"{last + 9:g},{last + 100:g}")
    assert "no sample lies" in lfp("convert", recording, tmp_path / "s.gdf", *outside, code=2).err


def test_outputs_that_exist_stay(lfp, recording, tmp_path):
    (tmp_path / "o.npz").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    assert "--force" in lfp("convert", recording, tmp_path / "o.npz", code=4).err
    ran = lfp("convert", recording, tmp_path / "folder", "--to", "sonata", code=4)
    assert "--force" in ran.err
    assert (tmp_path / "o.npz").read_text() == (tmp_path / "folder" / "mine").read_text() == "mine"


def test_standard_output_gets_the_format_that_is_named(shell, recording):
    ran = shell("convert", recording, "-", "--to", "npy", "--signal", "LFP")
    assert ran.out.startswith("\x93NUMPY")


def test_what_sonata_leaves_out_is_told(lfp, tmp_path):
    path = tmp_path / "csd.h5"
    with RecordingWriter(path, {"program": "lfp"}) as writer:
        data = np.ones((4, 2))
        writer.signal("CSD", Signal(data=data, units="nA/um3", dt=DT))
        places = np.zeros((2, 3))
        writer.signal("LFP", Signal(data=data, units="uV", dt=DT, positions=places))
    ran = lfp("convert", path, tmp_path / "out", "--to", "sonata")
    assert "CSD left out" in ran.err
    with h5py.File(tmp_path / "out" / "LFP_ecp.h5") as file:
        assert file["ecp/data"].attrs["units"] == "mV"
        assert np.allclose(file["ecp/data"][:], 1e-3)


# what each format makes of the same choice: file, samples (T, C) in uV, sampling interval in ms
def _npz(path):
    with np.load(path) as arrays:
        return arrays["LFP"], np.diff(arrays["LFP.t"])[0], str(arrays["LFP.units"])


def _mat(path):
    part = scipy.io.loadmat(path, simplify_cells=True)["signals"]["LFP"]
    return part["data"], np.diff(part["t"])[0], part["units"]


def _nc(path):
    with h5py.File(path) as file:
        data = file["LFP/data"]
        return data[:], np.diff(file["LFP/time"][:])[0], data.attrs["units"]


def _h5(path):
    with open_recording(path) as file:
        signal = file.signal("LFP")
        return signal.data[:], signal.dt, signal.units


@pytest.mark.parametrize(("name", "read"), [("npz", _npz), ("mat", _mat), ("nc", _nc), ("h5", _h5)])
def test_one_choice_in_every_format(lfp, recording, tmp_path, name, read):
    path, first = tmp_path / f"o.{name}", tmp_path / f"first.{name}"
    choice = ("--signal", "LFP", "--time", "10,60", "--channels", "b,d", "--units", "uV")
    lfp("convert", "-q", recording, path, *choice, "--resample", "0.125", "--dtype", "float32")
    samples, dt, units = read(path)
    assert samples.shape == (401, 2)
    assert samples.dtype == np.float32
    assert (dt, units) == (0.125, "uV")
    lfp("convert", "-q", recording, first, *choice)
    exact, dt, _ = read(first)
    assert dt == DT
    with open_recording(recording) as file:
        assert np.array_equal(exact, 1e3 * file.signal("LFP").data[160:961, [1, 3]])


def test_a_missing_package_is_named(lfp, recording, tmp_path, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "zarr" else find(name)
    )
    ran = lfp("convert", recording, tmp_path / "o.zarr", code=6)
    assert "pip install 'lfpcli[zarr]'" in ran.err


def test_a_folder_is_whole_or_not_there(lfp, recording, tmp_path):
    (tmp_path / "there").mkdir()
    assert (
        "output exists"
        in lfp("convert", recording, tmp_path / "there", "--to", "sonata", code=4).err
    )
    lfp("convert", "-q", "-f", recording, tmp_path / "there", "--to", "sonata")
    assert {path.name for path in tmp_path.iterdir()} == {"there"}
    wrong = lfp(
        "convert", recording, tmp_path / "o", "--to", "sonata", "--signal", "dipole/total", code=2
    )
    assert "nothing that SONATA could hold" in wrong.err
    assert {path.name for path in tmp_path.iterdir()} == {"there"}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Templates of 5 places whose trough is 3 samples late."""
    rng = np.random.default_rng(2)
    waves = 1e-3 * rng.normal(size=(5, 4, 225))
    waves[:, 1, 67] = -0.1
    turns = np.linalg.qr(rng.normal(size=(5, 3, 3)))[0]
    turns *= np.sign(np.linalg.det(turns))[:, None, None]
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "lfp-templates"
        file["templates"] = waves
        file["templates"].attrs.update({"dt": 1 / 32, "t_start": -2.0, "units": "mV"})
        file["positions"] = rng.normal(size=(5, 3))
        file["rotations"] = turns
        file["contacts"] = [[0.0, y, z] for y in (0, 20) for z in (0, 20)]
        file["contact_names"] = np.array(["0", "1", "2", "3"], "S1")
    return path


def test_templates_in_mearec(lfp, templates, tmp_path):
    mearec = pytest.importorskip("MEArec")
    lfp(
        "convert",
        "-q",
        templates,
        tmp_path / "m.h5",
        "--to",
        "mearec",
        "--cell-type",
        "L5_TTPC1_a_1",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = mearec.load_templates(str(tmp_path / "m.h5"), return_h5_objects=False)
    assert loaded.templates.shape == (5, 4, 224)
    with h5py.File(templates) as file:
        turns = file["rotations"][:]
        waves = 1e3 * file["templates"][:]
    # MEArec puts the trough on the sample of the spike
    assert loaded.templates.min(axis=1).argmin(axis=1).tolist() == [64] * 5
    np.testing.assert_allclose(loaded.templates[:, :, :200], waves[:, :, 3:203], rtol=1e-6)
    from scipy.spatial.transform import Rotation

    made = Rotation.from_euler("xyz", loaded.rotations).as_matrix()
    np.testing.assert_allclose(made, turns, atol=1e-12)
    assert [str(name) for name in loaded.celltypes] == ["L5_TTPC1_a_1"] * 5


def test_templates_become_those_of_mearec_alone(lfp, templates, tmp_path):
    ran = lfp("convert", templates, tmp_path / "o.npz", code=2)
    assert "become a file of MEArec, and nothing else" in ran.err


def test_a_signal_of_several_is_chosen_for_mearec(lfp, recording, tmp_path):
    ran = lfp("convert", recording, tmp_path / "o", "--to", "mearec", code=2)
    assert "choose one with --signal: LFP" in ran.err
