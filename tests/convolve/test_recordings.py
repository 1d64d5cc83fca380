"""Recordings with ground truth: each part of them against what it must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gaussian_templates import BEFORE, DT, SAMPLES, shape
from scipy import signal as processing

from lfpcli.forward import noise_stream
from lfpcli.forward.noise_stream import NoiseStream, measured_noise, stated_noise
from lfpcli.forward.treatment import Band, Noise
from lfpcli.tasks.convolve import recording as recordings
from lfpcli.tasks.convolve.parts import ContactSpread, ZeroPhase

PLAIN = ("--taper", 0, "--seed", 1, "--amplitude", "0,1")


def samples(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.array(file["signals/recording/data"])


def truth(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        units = file["units"].items()
        return {name: part[()] for name, part in units if isinstance(part, h5py.Dataset)}


def rebuilt(path: Path, gains: np.ndarray | float = 1.0) -> np.ndarray:
    """The noiseless recording from its ground truth and the formula of the templates."""
    known = truth(path)
    with h5py.File(path) as file:
        times = np.concatenate([g["timestamps"][:] for g in file["spikes"].values()])
        ids = np.concatenate([g["node_ids"][:] for g in file["spikes"].values()])
        shaped = file["signals/recording/data"].shape
    depth = {int(i): -w[BEFORE] for i, w in zip(known["ids"], known["waveforms"], strict=True)}
    expected = np.zeros(shaped)
    moments = DT * np.arange(shaped[0])
    for time, number, gain in zip(times, ids, np.broadcast_to(gains, times.shape), strict=True):
        near = np.abs(moments - time) < (SAMPLES - BEFORE - 2) * DT
        wave = gain * shape(moments[near] - time)
        expected[near] += wave[:, None] * depth[int(number)]
    return expected


@pytest.fixture
def made(lfp: Callable[..., Any], tmp_path: Path) -> Callable[..., Path]:
    def make(*arguments: object, name: str = "recording.h5") -> Path:
        path = tmp_path / name
        lfp("convolve", *arguments, "-o", path, "-f")
        return path

    return make


def test_spikes_lie_where_the_truth_says(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(20, 480, 30)).tolist() for _ in range(4)]
    path = made(write_templates(), write_trains({"units": trains}), *PLAIN)
    expected = rebuilt(path)
    # between samples a Gaussian is known exactly; what its Fourier series leaves out is 1e-5
    assert np.abs(samples(path) - expected).max() < 2e-5 * np.abs(expected).max()
    with h5py.File(path) as file:
        stored = file["spikes/units/timestamps"][:]
    asked = np.sort(np.concatenate(trains))
    assert np.abs(stored - asked).max() <= DT / 32 * (1 + 1e-9)


def test_a_spike_on_a_sample_is_its_template(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    templates = write_templates()
    path = made(templates, write_trains({"units": [[100.0]]}), *PLAIN)
    known = truth(path)
    with h5py.File(templates) as file:
        template = file["templates"][int(known["templates"][0])]
    first = round(100.0 / DT) - BEFORE
    assert np.allclose(
        samples(path)[first : first + SAMPLES], template.T.astype(np.float32), rtol=0, atol=1e-12
    )
    assert np.allclose(known["troughs"][0], -template.min(axis=1))


def test_blocks_change_nothing(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    trains = write_trains({"units": [np.sort(rng.uniform(0, 500, 40)).tolist() for _ in range(3)]})
    options = (*PLAIN, "--noise", "pink:0.01:40", "--far", "3:0.002")
    whole = samples(made(write_templates(), trains, *options))
    filtered = samples(made(write_templates(), trains, *options, "--filter", "300:6000"))
    monkeypatch.setattr(recordings, "PAGE", 777)
    # noise is drawn and coloured in single precision
    again = samples(made(write_templates(), trains, *options))
    assert np.allclose(again, whole, rtol=0, atol=1e-7)
    again = samples(made(write_templates(), trains, *options, "--filter", "300:6000"))
    assert np.allclose(again, filtered, rtol=0, atol=1e-7)


def test_filter_is_butterworth_forwards_and_backwards() -> None:
    rng = np.random.default_rng(5)
    data = rng.standard_normal((20_000, 2))
    zero_phase = ZeroPhase(Band(300.0, 6000.0), DT, 3)
    inside = zero_phase(data)
    sections = processing.butter(3, [300.0, 6000.0], "bandpass", fs=1000 / DT, output="sos")
    expected = processing.sosfiltfilt(sections, data, axis=0)[
        zero_phase.margin : -zero_phase.margin
    ]
    middle = slice(zero_phase.margin, -zero_phase.margin)
    assert np.abs(inside[middle] - expected[middle]).max() < 1e-7


@pytest.mark.parametrize("colour, exponent", [("white", 0.0), ("pink", 1.0), ("brown", 2.0)])
def test_noise_has_its_size_colour_and_correlation(colour: str, exponent: float) -> None:
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 40.0], [0.0, 0.0, 400.0]])
    noise = Noise(colour=colour, rms=0.01, length=50.0)
    stream = NoiseStream(stated_noise(noise, positions), 3, seed=2)
    drawn = np.concatenate([stream.between(k, k + 40_000) for k in range(0, 400_000, 40_000)])
    assert np.allclose(drawn.std(axis=0), 0.01, rtol=0.1)
    tolerance = 0.02 if colour == "white" else 0.15
    correlations = np.corrcoef(drawn.T)
    assert abs(correlations[0, 1] - np.exp(-0.8)) < tolerance
    assert abs(correlations[0, 2] - np.exp(-8.0)) < tolerance
    frequency, power = processing.welch(drawn[:, 0], nperseg=2048)
    band = (frequency > 0.01) & (frequency < 0.3)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert abs(slope + exponent) < 0.1


def test_noise_goes_on_before_and_behind() -> None:
    noise = stated_noise(Noise(colour="pink", rms=1.0), np.zeros((2, 3)))
    whole = NoiseStream(noise, 2, seed=7).between(-5_000, 30_000)
    part = NoiseStream(noise, 2, seed=7).between(12_345, 20_000)
    assert np.allclose(whole[17_345:25_000], part, rtol=0, atol=1e-6)
    wider = NoiseStream(noise, 5, seed=7).between(12_345, 20_000)
    assert np.allclose(wider[:, :2], part, rtol=0, atol=1e-6)


@pytest.mark.parametrize("is_long", [False, True])
def test_measured_noise_is_that_of_the_recording(
    monkeypatch: pytest.MonkeyPatch, is_long: bool
) -> None:
    if is_long:
        for name, count in (("_WHOLE", 1 << 16), ("SEGMENTS", 80), ("_TELLING", 4)):
            monkeypatch.setattr(noise_stream, name, count)
    rng = np.random.default_rng(8)
    white = rng.standard_normal((400_000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 0.3]])
    sections = processing.butter(2, 0.2, output="sos")
    source = processing.sosfilt(sections, white, axis=0)
    spiky = source.copy()
    spiky[::20_000] += 60.0  # what is a spike is no noise
    stream = NoiseStream(measured_noise(spiky, DT), 3, seed=1)
    drawn = stream.between(0, 400_000)
    assert np.allclose(drawn.std(axis=0), source.std(axis=0), rtol=0.03)
    assert np.abs(np.corrcoef(drawn.T) - np.corrcoef(source.T)).max() < 0.03
    _, wanted = processing.welch(source, nperseg=512, axis=0)
    _, power = processing.welch(drawn, nperseg=512, axis=0)
    assert np.allclose(power[2:80], wanted[2:80], rtol=0.15)


def test_far_cells_have_their_size(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    trains = write_trains({"units": [[]]}, duration=20_000.0)
    path = made(write_templates(units=40), trains, *PLAIN, "--far", "40:0.01")
    variance = np.var(samples(path), axis=0)
    mean_square = np.mean(samples(path) ** 2, axis=0)
    # all spikes are troughs, so that part of the size is a mean
    assert np.sqrt(variance.mean()) == pytest.approx(0.01, rel=0.1)
    assert np.all(mean_square > variance)


def test_what_lies_beneath_is_resampled(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
    tmp_path: Path,
) -> None:
    from lfpcli.io.recording import Signal
    from lfpcli.io.writer import RecordingWriter

    slow = 0.5 + np.arange(0, 600.0, 1.0)[:, None] * 0
    slow = np.sin(2 * np.pi * 0.02 * np.arange(600.0))[:, None] * np.arange(1.0, 5.0)
    with RecordingWriter(tmp_path / "lfp.h5", {}) as writer:
        writer.signal("LFP", Signal(data=slow, units="mV", dt=1.0))
    path = made(
        write_templates(), write_trains({"units": [[]]}), *PLAIN, "--beneath", tmp_path / "lfp.h5"
    )
    moments = DT * np.arange(len(samples(path)))
    expected = np.sin(2 * np.pi * 0.02 * moments)[:, None] * np.arange(1.0, 5.0)
    inside = slice(round(60 / DT), round(440 / DT))
    assert np.abs(samples(path)[inside] - expected[inside]).max() < 0.005 * 4


def test_amplitudes_vary_and_recover(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    bursts = np.concatenate([[t, t + 10.0] for t in np.arange(20.0, 480.0, 40.0)]).tolist()
    path = made(
        write_templates(), write_trains({"units": [bursts]}), *PLAIN, "--recovery", "0.5:10"
    )
    gains = 1 - 0.5 * np.exp(-np.diff([-np.inf, *bursts]) / 10.0)
    assert np.abs(samples(path) - rebuilt(path, gains)).max() < 1e-5
    spread = made(
        write_templates(), write_trains({"units": [bursts]}), *PLAIN, "--spread", "0.1:contact"
    )
    sites = np.rint(np.array(bursts) / DT).astype(int)
    ratio = samples(spread)[sites] / rebuilt(spread)[sites]
    assert 0.05 < ratio.std() < 0.15
    assert np.abs(np.corrcoef(ratio.T)[0, 1]) < 0.6


def test_units_drift_along_their_paths(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    templates = write_templates(units=2, steps=5)
    spikes = np.arange(20.0, 480.0, 20.0).tolist()
    # 40 um there and 40 back in 0.4 s
    path = made(templates, write_trains({"units": [spikes]}), *PLAIN, "--drift", 40 / 0.2 * 60)
    fold = np.abs((np.array(spikes) / 200.0 + 1.0) % 2.0 - 1.0)
    gains = 1.0 - 0.1 * 4 * fold
    assert np.abs(samples(path) - rebuilt(path, gains)).max() < 1e-5


def test_integers_are_read_as_millivolts(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
    lfp: Callable[..., Any],
    tmp_path: Path,
) -> None:
    from lfpcli.io.recording import open_recording

    trains = write_trains({"units": [[100.0, 200.0]]})
    plain = made(write_templates(), trains, *PLAIN)
    rounded = made(write_templates(), trains, *PLAIN, "--integers", name="integers.h5")
    with h5py.File(rounded) as file:
        assert file["signals/recording/data"].dtype == np.int16
        gain = file["signals/recording/data"].attrs["gain"]
    with open_recording(rounded) as recording:
        signal = recording.signal("recording")
        assert signal.data.dtype == np.float64
        assert np.abs(signal.data[:] - samples(plain)).max() <= gain / 2 * (1 + 1e-9)
    lfp("convert", rounded, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        data = next(arrays[name] for name in arrays if arrays[name].shape == samples(plain).shape)
    assert np.abs(data).max() < 1.0


def test_units_keep_their_rules(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    pyramids = write_templates("pc.h5", cell_type="L5_TTPC1")
    baskets = write_templates("bc.h5", cell_type="L5_LBC")
    trains = write_trains({"E": [[50.0]] * 3, "I": [[60.0]] * 2})
    types = ("--types", "E=TTPC", "--types", "I=LBC", "--min-distance", 0)
    known = truth(made(pyramids, baskets, trains, *PLAIN, *types))
    assert [name.decode() for name in known["cell_types"]] == ["L5_TTPC1"] * 3 + ["L5_LBC"] * 2
    assert len({tuple(p) for p in known["positions"][:3]}) == 3
    assert [name.decode() for name in known["populations"]] == ["E"] * 3 + ["I"] * 2


def test_same_seed_same_bytes(
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    made: Callable[..., Path],
) -> None:
    templates, trains = write_templates(), write_trains({"units": [[50.0, 60.3]]})
    options = (templates, trains, "--seed", 5, "--noise", "white:0.01", "--amplitude", "0,1")
    first = made(*options, name="a.h5").read_bytes()
    assert first == made(*options, name="b.h5").read_bytes()


@pytest.mark.parametrize(
    "options, code, fault",
    [
        (("--amplitude", "2,3"), 2, "another amplitude"),
        (("--min-distance", "1000"), 2, "nearer than"),
        (("--types", "units=MC"), 2, "cell types"),
        (("--types", "E=MC"), 2, "no trains of 'E'"),
        (("--drift", "10"), 2, "--path"),
        (("--filter", "300:12000"), 2, "half the sampling rate"),
        (("--filter", "0.1:"), 2, "raise the corner"),
        (("--far", "100:0.01"), 2, "more --placements"),
        (("--taper", "5"), 2, "do not fit"),
        (("--noise", "purple:0.1"), 2, "unknown noise"),
        (("--beneath", "no.h5"), 3, "no such file"),
        (("--noise-from", "no.h5"), 3, "no such file"),
        (("--spread", "0.1:x"), 2, "SD:contact"),
        (("--far", "1.5:2"), 2, "100:0.005"),
    ],
)
def test_what_cannot_be_is_told(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
    options: tuple[str, ...],
    code: int,
    fault: str,
) -> None:
    out = tmp_path / "out.h5"
    arguments = (write_templates(), write_trains({"units": [[50.0]] * 2}), "--amplitude", "0,1")
    ran = lfp("convolve", *arguments, *options, "--seed", 1, "-o", out, code=code)
    assert fault in ran.err
    assert not out.exists()


def test_files_that_do_not_go_together_are_refused(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> None:
    out, trains = tmp_path / "out.h5", write_trains({"units": [[50.0]]})
    first, other = write_templates("a.h5"), write_templates("b.h5", contacts=5)
    for files, fault in (
        ((first, other, trains), "other contacts"),
        ((first,), "templates and spikes"),
        ((trains, trains), "holds no templates"),
        ((first, first), "no recording"),
        ((write_templates("c.h5", dt=-1.0), trains), "sampling interval"),
        ((write_templates("d.h5", t_start=1.0), trains), "--spike-window"),
    ):
        ran = lfp("convolve", *files, "-o", out, "--seed", 1, code=2 if len(files) == 1 else 3)
        assert fault in ran.err
        assert not out.exists()


@pytest.mark.parametrize(
    ("trains", "stored", "told"),
    [
        ([[0.0], [500.0], [-1.0, 499.95]], [0.0, 499.95], "from 500 ms on: 2"),
        ([[10.0, 10.0, 20.0]], [10.0, 10.0, 20.0], "another of their unit: 1"),
        ([[100.0, 10.0], []], [10.0, 100.0], "2 units, 2 spikes"),
        ([[], []], [], "2 units, 0 spikes"),
    ],
)
def test_odd_trains_are_told(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
    trains: list[list[float]],
    stored: list[float],
    told: str,
) -> None:
    path = tmp_path / "o.h5"
    ran = lfp("convolve", write_templates(), write_trains({"u": trains}), *PLAIN, "-o", path)
    assert told in ran.err
    with h5py.File(path) as file:
        assert file["spikes/u/timestamps"][:] == pytest.approx(stored)


def test_paths_and_troughs_of_no_size_are_refused(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> None:
    trains, output = write_trains({"u": [[10.0]]}), tmp_path / "o.h5"
    still, silent = write_templates("still.h5", steps=2), write_templates("silent.h5", units=1)
    with h5py.File(still, "r+") as file:
        file["positions"][1::2] = file["positions"][::2]
    with h5py.File(silent, "r+") as file:
        file["templates"][...] = 0.0
    ran = lfp("convolve", still, trains, *PLAIN, "--drift", 10, "-o", output, code=3)
    assert "has no length" in ran.err
    ran = lfp("convolve", silent, trains, *PLAIN, "-o", output, code=2)
    assert "0 of the 1 units" in ran.err
    ran = lfp("convolve", write_templates(), trains, *PLAIN, "--duration", 1e-5, code=2)
    assert "hold no sample" in ran.err
    (tmp_path / "x.gdf").write_text("1 10.0\n")
    ran = lfp("convolve", silent, tmp_path / "x.gdf", *PLAIN, "-o", output, code=3)
    assert "lfp convert" in ran.err and not output.exists()


def test_factors_of_contacts_are_those_of_the_spike_alone() -> None:
    units = np.random.default_rng(4).integers(0, 4, 60)
    whole = ContactSpread(0.1, 3, 7, units).factors(np.arange(60))
    assert np.array_equal(
        ContactSpread(0.1, 3, 7, units).factors(np.array([40, 3])), whole[[40, 3]]
    )
    alone = np.full(np.count_nonzero(units == 2), 2)
    drawn = ContactSpread(0.1, 3, 7, alone).factors(np.arange(len(alone)))
    assert np.array_equal(drawn, whole[units == 2])
    assert len(np.unique(whole)) == whole.size
