"""Recordings with ground truth in files of other tools, and templates of MEArec."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gaussian_templates import BEFORE, DT

DURATION = 2000.0


@pytest.fixture
def recording(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> Callable[..., Path]:
    """A recording of three E and two I units; the last one never fires."""
    rng = np.random.default_rng(6)
    trains = {
        "E": [np.sort(rng.uniform(20, DURATION - 20, 40)).tolist() for _ in range(3)],
        "I": [np.sort(rng.uniform(20, DURATION - 20, 60)).tolist(), []],
    }

    def make(*options: object) -> Path:
        path = tmp_path / "recording.h5"
        templates = write_templates(units=8)
        sources = (templates, write_trains(trains, DURATION))
        lfp("convolve", *sources, *options, "--seed", 2, "--amplitude", "0,1", "-o", path, "-f")
        return path

    return make


def converted(lfp: Callable[..., Any], source: Path, *arguments: object) -> Path:
    output = source.with_name("out.h5")
    lfp("convert", "-q", "-f", source, output, *arguments)
    return output


def sampled(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        data = file["signals/recording/data"]
        return np.asarray(data[:], float) * data.attrs.get("gain", 1.0)


def trains_of(path: Path) -> list[np.ndarray]:
    """Times of each unit of `/units`, ms."""
    with h5py.File(path) as file:
        units = zip(file["units/populations"].asstr()[:], file["units/ids"][:], strict=True)
        return [
            file[f"spikes/{name}/timestamps"][:][file[f"spikes/{name}/node_ids"][:] == number]
            for name, number in units
        ]


@pytest.mark.parametrize("options", [(), ("--integers", "--noise", "white:0.002")])
def test_mearec_reads_recordings(lfp, recording, options):
    mearec = pytest.importorskip("MEArec")
    path = recording(*options)
    output = converted(lfp, path, "--to", "mearec", "--dtype", "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = mearec.load_recordings(str(output), return_h5_objects=False)
    microvolts = 1e3 * sampled(path)
    if options:
        assert loaded.recordings.dtype == np.int16
        assert np.allclose(loaded.recordings * loaded.gain_to_uV, microvolts, rtol=1e-12)
    else:
        assert np.allclose(loaded.recordings, microvolts, rtol=1e-6, atol=1e-6)
    for train, times in zip(loaded.spiketrains, trains_of(path), strict=True):
        assert np.allclose(1e3 * train.times.magnitude, times)
        assert float(train.t_stop) == DURATION / 1e3
    kinds = [train.annotations["cell_type"] for train in loaded.spiketrains]
    assert kinds == ["E", "E", "E", "I", "I"]
    with h5py.File(path) as file:
        truth = {key: dataset[()] for key, dataset in file["units"].items()}
    assert np.allclose(loaded.template_locations, truth["positions"])
    assert np.allclose(loaded.voltage_peaks, 1e3 * truth["troughs"])
    scale = loaded.gain_to_uV if options else 1.0
    with h5py.File(output) as file:
        assert np.array_equal(file["template_ids"], truth["templates"])
    waves = 1e3 * truth["waveforms"].transpose(0, 2, 1)
    assert np.allclose(loaded.templates * scale, waves, rtol=1e-5, atol=1e-5)
    assert np.allclose(loaded.channel_positions[:, 2], [0.0, 25.0, 50.0, 75.0])


def test_spikes_in_mearec_files_lie_at_their_troughs(lfp, recording):
    spikeinterface = pytest.importorskip("spikeinterface.extractors")
    output = converted(lfp, recording("--taper", 0), "--to", "mearec")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traces, sorting = spikeinterface.read_mearec(output)
    assert traces.get_num_channels() == 4
    assert sorting.get_num_units() == 5
    samples = traces.get_traces(return_in_uV=True)
    frames = sorting.get_unit_spike_train(sorting.unit_ids[0])
    alone = [f for f in frames if np.abs(others(sorting, f)).min() > 60]
    assert len(alone) > 10
    for frame in alone:
        around = samples[frame - 10 : frame + 11].min(axis=1)
        assert abs(int(np.argmin(around)) - 10) <= 1


def others(sorting: Any, frame: int) -> np.ndarray:
    """How far the spikes of other units are from a frame."""
    trains = [sorting.get_unit_spike_train(unit) for unit in sorting.unit_ids[1:]]
    return np.concatenate(trains).astype(int) - int(frame)


@pytest.mark.parametrize("format_name", ["mearec", "spikeinterface"])
def test_sorters_are_compared_with_the_truth(lfp, recording, tmp_path, format_name):
    # SpikeInterface matches spikes by code that Numba compiles
    pytest.importorskip("numba")
    core = pytest.importorskip("spikeinterface.core")
    comparison = pytest.importorskip("spikeinterface.comparison")
    output = tmp_path / "truth.h5"
    source = recording()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lfp("convert", "-q", source, output, "--to", format_name)
        if format_name == "mearec":
            from spikeinterface.extractors import read_mearec

            _, truth = read_mearec(output)
        else:
            truth = core.load(output / "sorting")
            gc.collect()
    # a sorter that finds each spike of the first unit, half of the second, and no other
    found = {
        "a": truth.get_unit_spike_train(truth.unit_ids[0]) + 2,
        "b": truth.get_unit_spike_train(truth.unit_ids[1])[::2],
    }
    rate = truth.get_sampling_frequency()
    sorter = core.NumpySorting.from_unit_dict([found], sampling_frequency=rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = comparison.compare_sorter_to_ground_truth(truth, sorter, delta_time=0.4)
        accuracy = result.get_performance()["accuracy"].to_numpy(float)
    assert accuracy[:2] == pytest.approx([1.0, 0.5], abs=0.02)
    assert len(truth.unit_ids) == 5


def test_sortings_hold_all_units(lfp, recording, tmp_path):
    core = pytest.importorskip("spikeinterface.core")
    path = recording()
    with warnings.catch_warnings():
        # SpikeInterface leaves the file of its samples to the garbage
        warnings.simplefilter("ignore", ResourceWarning)
        lfp("convert", "-q", path, tmp_path / "folder", "--to", "spikeinterface")
        sorting = core.load(tmp_path / "folder" / "sorting")
        gc.collect()
    with h5py.File(path) as file:
        positions, troughs = file["units/positions"][:], file["units/troughs"][:]
    assert list(sorting.unit_ids) == ["E.0", "E.1", "E.2", "I.3", "I.4"]
    assert sorting.get_property("cell_type").tolist() == ["cell 0"] * 5
    assert np.allclose(sorting.get_property("gt_unit_locations"), positions)
    assert np.allclose(sorting.get_property("amplitude_uV"), 1e3 * troughs.max(axis=1))
    for unit, times in zip(sorting.unit_ids, trains_of(path), strict=True):
        frames = sorting.get_unit_spike_train(unit)
        assert len(frames) == len(times)
        assert np.all(np.abs(frames - times / DT) <= 0.5 + 1e-6)


def test_nwb_units_tell_the_truth(lfp, recording, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    path = recording()
    lfp("convert", "-q", path, tmp_path / "r.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "r.nwb", "r") as io:
        table = io.read().units.to_dataframe()
    with h5py.File(path) as file:
        truth = {key: dataset[()] for key, dataset in file["units"].items()}
    assert np.allclose(table[["soma_x", "soma_y", "soma_z"]].to_numpy(), truth["positions"])
    means = np.array([1e3 * np.asarray(mean) for mean in table["waveform_mean"]])
    assert np.allclose(means, truth["waveforms"])
    assert [len(times) for times in table["spike_times"]] == [len(t) for t in trains_of(path)]


def test_recordings_of_recordings_keep_the_truth(lfp, recording):
    path = recording()
    cut = converted(lfp, path, "--channels", "1:3", "--resample", 0.1)
    with h5py.File(path) as file, h5py.File(cut) as other:
        waves = file["units/waveforms"][:, ::2, 1:3]
        assert other["units"].attrs["dt"] == 0.1
        assert np.allclose(other["units/waveforms"], waves, atol=2e-3 * np.abs(waves).max())
        assert other["units/cell_types"][:].tolist() == file["units/cell_types"][:].tolist()
    assert "units" not in h5py.File(converted(lfp, path, "--signal", "recording"))


def test_integers_stay_what_they_stand_for(lfp, recording):
    path = recording("--integers")
    assert np.allclose(sampled(converted(lfp, path)), sampled(path), rtol=1e-12)


def test_mearec_needs_positions(lfp, tmp_path):
    from lfpcli.io.recording import Signal
    from lfpcli.io.writer import RecordingWriter

    path = tmp_path / "r.h5"
    with RecordingWriter(path, {}) as writer:
        writer.signal("EEG", Signal(data=np.zeros((5, 2)), units="mV", dt=1.0))
    ran = lfp("convert", path, tmp_path / "m.h5", "--to", "mearec", code=2)
    assert "has no positions" in ran.err
    assert not (tmp_path / "m.h5").exists()


def write_library(path: Path, steps: int = 0) -> np.ndarray:
    """Templates as MEArec writes them, of 3 units at a staggered probe; returns them in uV."""
    rng = np.random.default_rng(7)
    shape = (3, steps, 5, 60) if steps else (3, 5, 60)
    waves = rng.normal(size=shape).astype("f4")
    waves[..., 0, 20] = -100.0
    with h5py.File(path, "w") as file:
        file["templates"] = waves
        file["locations"] = rng.normal(size=(*shape[:-2], 3))
        file["rotations"] = [[0.0, 0.0, np.pi / 2], [np.pi / 2, 0.0, 0.0], [0.1, 0.2, 0.3]]
        types = np.array(["L5_TTPC1_a_1", "L5_TTPC1_a_1", "L5_NBC_b_1"], object)
        file.create_dataset("celltypes", data=types, dtype=h5py.string_dtype("ascii"))
        file["info/params/dt"] = 0.1
        file["info/params/cut_out"] = [2.0, 4.0]
        file["info/params/drifting"] = bool(steps)
        record = {"pitch": [25.0, 18.0], "dim": [1, 3, 1], "stagger": -12.5, "plane": "yz"}
        for key, value in {**record, "electrode_name": "x", "sortlist": "null"}.items():
            file[f"info/electrodes/{key}"] = value
    return waves


@pytest.mark.parametrize("steps", [0, 4])
def test_templates_of_mearec_become_ours(lfp, tmp_path, steps):
    waves = write_library(tmp_path / "theirs.h5", steps)
    lfp("convert", "-q", tmp_path / "theirs.h5", tmp_path / "ours.h5")
    with h5py.File(tmp_path / "ours.h5") as file:
        assert np.allclose(1e3 * file["templates"][:], waves.reshape(-1, 5, 60), rtol=1e-6)
        assert file["templates"].attrs["t_start"] == -2.0
        turned = file["rotations"][0] @ [1.0, 0.0, 0.0]
        assert np.allclose(turned, [0.0, 1.0, 0.0])
        places = file["contacts"][:]
        assert len(file["cell_types"]) == len(file["positions"]) == 3 * max(steps, 1)
        assert ("units" in file) == bool(steps)
    # one contact, three of which the middle column is 12.5 lower, and one, centred
    heights = np.array([0.0, -12.5, 12.5, 37.5, 0.0])
    assert np.allclose(places[:, 0], 0.0)
    assert np.allclose(places[:, 1], [-18.0, 0.0, 0.0, 0.0, 18.0])
    assert np.allclose(places[:, 2], heights - heights.mean())


def test_convolve_runs_on_templates_of_mearec(lfp, write_trains, tmp_path):
    waves = write_library(tmp_path / "theirs.h5")
    lfp("convert", "-q", tmp_path / "theirs.h5", tmp_path / "ours.h5")
    trains = write_trains({"E": [[30.0]], "I": [[70.0]]}, 100.0)
    options = ("--types", "E=TTPC", "--types", "I=NBC", "--taper", 0, "--min-distance", 0)
    path = tmp_path / "r.h5"
    lfp("convolve", tmp_path / "ours.h5", trains, *options, "--seed", 1, "-o", path)
    samples = 1e3 * sampled(path)
    assert np.allclose(samples[700 - 20 : 700 + 40], waves[2].T, atol=1e-4)
    with h5py.File(path) as file:
        assert file["units/cell_types"].asstr()[1] == "L5_NBC_b_1"


def test_positions_of_probes_are_those_of_meautility():
    utility = pytest.importorskip("MEAutility")
    from lfpcli.io.exchange.mearec_electrodes import record_positions

    records = (
        {"dim": 4, "pitch": 30.0, "plane": "xy"},
        {"dim": [6, 4], "pitch": [40.0, 16.0], "stagger": 20, "plane": "yz"},
        {"dim": [10, 12, 10], "pitch": [25.0, 18.0], "stagger": -12.5, "plane": "xz"},
        {
            "dim": [2, 2, 2],
            "pitch": 5.0,
            "stagger": [0.0, 1.0, 3.0],
            "sortlist": [5, 4, 3, 2, 1, 0],
        },
        {"pos": [[0.0, 1.0], [2.0, 3.0]], "plane": "xz", "offset": 2.0, "center": False},
        {"dim": 1, "pitch": 5.0},
    )
    for record in records:
        expected = utility.return_mea(info={"electrode_name": "x", **record}).positions
        assert np.allclose(record_positions(record, "x"), expected), record


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("info/electrodes/dim", [1, 2, 1], "states 4 contacts of 5"),
        ("info/electrodes/sortlist", [0, 1, 2, 3, 9], "no record of MEAutility"),
        ("info/electrodes/dim", b"many", "no record of MEAutility"),
        ("info/params/cut_out", [9.0, 4.0], "a cut of [9.0, 4.0] ms"),
        ("rotations", np.zeros((2, 3)), "(2, 3) for 3 templates"),
    ],
)
def test_wrong_libraries_are_named(lfp, tmp_path, key, value, message):
    write_library(tmp_path / "theirs.h5")
    with h5py.File(tmp_path / "theirs.h5", "a") as file:
        del file[key]
        file[key] = value
    ran = lfp("convert", tmp_path / "theirs.h5", tmp_path / "o.h5", code=3)
    assert message in ran.err
    assert key.split("/")[0] in ran.err
    assert not (tmp_path / "o.h5").exists()


def test_gaussian_units_have_their_trough_at_the_spike(recording):
    with h5py.File(recording()) as file:
        assert file["units"].attrs["before"] == pytest.approx(BEFORE * DT)
