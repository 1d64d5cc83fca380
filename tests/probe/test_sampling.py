"""Signals of a run have samples, filters and noise of their own; none is thinned into aliases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.forward.filters import butterworth, resample
from lfpcli.io.provenance import provenance
from lfpcli.io.recording import Report, Signal, open_recording
from lfpcli.io.repack import is_loose
from lfpcli.io.writer import RecordingWriter

DT = 0.025
MODEL = """
[run]
tstop = 40.0
dt = 0.025
seed = 7
[cell.c]
morphology = "{share}/morphologies/ball_and_stick.swc"
[[cell.c.mechanism]]
name = "hh"
[[input]]
synapse = {{type = "ExpSyn", tau = 2.0, e = 0.0}}
weight = 0.02
location = "soma"
source = {{times = [3.0, 17.0]}}
[[probe]]
name = "raw"
contacts = [[30, 0, 0], [30, 0, 200], [30, 0, 210]]
[[probe]]
name = "mua"
contacts = [[30, 0, 0], [30, 0, 200], [30, 0, 210]]
filter = {{low = 300.0, high = 3000.0}}
resample = 0.1
[[probe]]
name = "noisy"
contacts = [[30, 0, 0], [30, 0, 200], [30, 0, 210]]
filter = {{low = 300.0, high = 3000.0}}
resample = 0.1
noise = {{colour = "pink", rms = 0.02, length = 100.0}}
per = "cell"
[[probe]]
name = "other"
contacts = [[30, 0, 0], [30, 0, 200], [30, 0, 210]]
filter = {{low = 300.0, high = 3000.0}}
resample = 0.1
noise = {{colour = "pink", rms = 0.02}}
[record]
vmem = "all"
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sampling") / "model.toml"
    path.write_text(MODEL.format(share=Path(__file__).parents[2] / "share"))
    return path


def contents(path: Path) -> dict[str, Any]:
    with open_recording(path) as recording:
        signals = {name: recording.signal(name) for name in recording.signals}
        for signal in signals.values():
            signal.data = signal.data[()]
            signal.groups = {group: data[()] for group, data in signal.groups.items()}
        moment, report = recording.dipole("total"), recording.report("vmem", "c")
        moment.data, report.data = moment.data[()], report.data[()]
    return signals | {"dipole": moment, "vmem": report}


def test_signals_are_sampled_behind_a_filter(shell, model: Path, tmp_path: Path) -> None:
    whole, thin = tmp_path / "whole.h5", tmp_path / "thin.h5"
    shell("sim", model, "-o", whole)
    shell("sim", model, "-o", thin, "--set", "record.every=32")
    every, kept = contents(whole), contents(thin)
    raw = every["raw"].data
    for name in ("raw", "dipole"):
        np.testing.assert_array_equal(kept[name].data, resample(every[name].data, DT, 32 * DT))
        assert kept[name].dt == pytest.approx(32 * DT)
    # a report stays what it says: each n-th sample
    np.testing.assert_array_equal(kept["vmem"].data, every["vmem"].data[::32])
    band = butterworth(raw, DT, low=300.0, high=3000.0)
    for signals in (every, kept):
        np.testing.assert_array_equal(signals["mua"].data, resample(band, DT, 0.1))
        np.testing.assert_array_equal(signals["noisy"].groups["0"], signals["mua"].data)
        assert signals["mua"].dt == 0.1


def test_noise_has_its_size_after_the_filters(shell, model: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for out in outs:
        shell("sim", model, "-o", out)
    shell("diff", "--exact", *outs)
    signals = contents(outs[0])
    added = {name: signals[name].data - signals["mua"].data for name in ("noisy", "other")}
    for traces in added.values():
        np.testing.assert_allclose(np.sqrt(np.mean(traces**2, axis=0)), 0.02, rtol=1e-9)
        # what is outside the band has gone through the filter
        power = np.abs(np.fft.rfft(traces, axis=0)) ** 2
        hertz = np.fft.rfftfreq(len(traces), 1e-4)
        assert power[(hertz > 0) & (hertz < 100)].sum() < 0.02 * power.sum()
    near = {name: np.corrcoef(traces.T)[1, 2] for name, traces in added.items()}
    assert near["noisy"] > 0.8 > 0.3 > abs(near["other"])
    # two probes of a model do not share their noise
    assert abs(np.corrcoef(added["noisy"][:, 0], added["other"][:, 0])[0, 1]) < 0.3
    seed = signals["noisy"].parameters["noise_seed"]
    again = tmp_path / "again.h5"
    shell("sim", model, "-o", tmp_path / "imem.h5", "--set", "record.imem=true")
    options = ["--noise", "pink:0.02:100", "--filter", "300:3000", "--resample", "0.1"]
    shell("probe", tmp_path / "imem.h5", "--contacts", _table(tmp_path), *options, "--seed", seed,
          "-o", again)  # fmt: skip
    np.testing.assert_allclose(contents(again)["LFP"].data, signals["noisy"].data, atol=1e-12)


def test_what_signals_give_up_is_no_longer_in_the_file(tmp_path: Path) -> None:
    path, noise = tmp_path / "loose.h5", np.random.default_rng(1).normal(size=(60_000, 8))
    with RecordingWriter(path, provenance(["lfp"]), float32=True) as writer:
        tracks = [writer.signal(name, Signal(noise[:0], "mV", 0.1))[""] for name in "ab"]
        empty = Report(noise[:0], "nA", 0.1, node_ids=[0], pointers=[0, 8], element_ids=[0] * 8,
                       element_pos=np.zeros(8))  # fmt: skip
        tracks.append(writer.report("imem", "E", empty))
        for first in range(0, len(noise), 1000):
            for track in tracks:
                track.append(noise[first : first + 1000])
        writer.finish()
        loose = writer.file.id.get_filesize()
        for track in tracks[:2]:
            track.dataset.resize(100, axis=0)
    assert path.stat().st_size < 0.7 * loose
    assert not path.with_name("loose.h5.packed").exists()
    with h5py.File(path) as file:
        assert not is_loose(file)
        assert file["report/E"] == file["reports/imem/E"]
        np.testing.assert_array_equal(file["signals/b/data"][:], noise[:100].astype("f4"))
        assert file.attrs.get_id("version").dtype == np.uint32
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.report("imem", "E").data[:], noise.astype("f4"))


def _table(folder: Path) -> Path:
    path = folder / "contacts.csv"
    path.write_text("30,0,0\n30,0,200\n30,0,210\n")
    return path


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("run.tstop=0.3", "too short for the filter"),
        ("probe.1.filter.high=30000", "half the sampling rate"),
        ("probe.1.resample=3.14159265358979e-7", "ratio of whole numbers"),
    ],
)
def test_what_cannot_be_filtered_is_refused_before_the_run(
    shell, model: Path, tmp_path: Path, setting: str, message: str
) -> None:
    ran = shell("sim", model, "-o", tmp_path / "o.h5", "--set", setting, code=3)
    assert message in ran.err
    assert f"{model}:" in ran.err
    assert not (tmp_path / "o.h5").exists()
