"""Every number of `lfp stats`, as a user gets it, against NumPy, SciPy and closed forms.

`PROOFS` is the table of which number is held by which test; a number that is in none of them, or
named after a test that is gone, fails.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from scipy import signal as filters

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Signal
from lfpcli.io.writer import RecordingWriter
from lfpcli.tasks.statistics.spectra import BANDS

Run = Callable[..., Any]
DT, SPAN, BIN = 0.5, 2000.0, 10.0
SAMPLES = 4001
HEIGHTS = np.array([0.0, 300.0, 100.0, 200.0, 400.0, 500.0])
LAYERS = {"low": (-50.0, 150.0), "high": (150.0, 450.0)}
OPTIONS = ("--bin", BIN, "--window", "5,10", "--sigma", 0.4)
OPTIONS += ("--layers", "low=-50:150,high=150:450")

HERE = "test_each_number.py"
ELEPHANT, TRAINS = "test_against_elephant.py", "test_train_statistics.py"
FIELDS, SOURCES = "test_fields.py", "test_sources.py"
PROOFS = {
    # of spikes
    "cells": (f"{HERE}::test_numbers_of_spikes",),
    "cells_firing": (f"{HERE}::test_numbers_of_spikes",),
    "spikes": (f"{HERE}::test_numbers_of_spikes",),
    "rate_hz": (
        f"{HERE}::test_numbers_of_spikes",
        f"{ELEPHANT}::test_rates_and_intervals",
        f"{TRAINS}::test_rates_count_silent_cells",
    ),
    "rate_sd_hz": (f"{HERE}::test_numbers_of_spikes",),
    "cv": (f"{ELEPHANT}::test_rates_and_intervals", f"{TRAINS}::test_alternating_intervals"),
    "lv": (f"{ELEPHANT}::test_rates_and_intervals", f"{TRAINS}::test_alternating_intervals"),
    "cells_with_intervals": (f"{HERE}::test_numbers_of_spikes",),
    "fano": (
        f"{HERE}::test_numbers_of_spikes",
        f"{TRAINS}::test_fano_and_correlation_are_those_of_numpy",
    ),
    "correlation": (
        f"{HERE}::test_numbers_of_spikes",
        f"{ELEPHANT}::test_counts_correlations_and_psth",
    ),
    "psth": (f"{HERE}::test_numbers_of_spikes", f"{ELEPHANT}::test_counts_correlations_and_psth"),
    # of signals
    "mean": (f"{HERE}::test_numbers_of_signals",),
    "sd": (f"{HERE}::test_numbers_of_signals",),
    "peak_to_peak": (f"{HERE}::test_numbers_of_signals",),
    "spectrum": (
        f"{HERE}::test_numbers_of_signals",
        f"{FIELDS}::test_spectrum_is_that_of_scipy",
        f"{ELEPHANT}::test_spectra_and_coherence_with_spikes",
    ),
    "band_power": (f"{HERE}::test_numbers_of_signals", f"{FIELDS}::test_tone_is_in_its_band"),
    "coherence_with_next": (
        f"{HERE}::test_numbers_of_signals",
        f"{FIELDS}::test_coherence_is_that_of_scipy",
    ),
    "csd": (
        f"{HERE}::test_numbers_of_signals",
        f"{FIELDS}::test_csd_of_a_parabola_is_constant",
        f"{SOURCES}::test_standard_method_is_that_of_elephant",
        f"{SOURCES}::test_inverse_method_gives_the_sources_back",
        f"{SOURCES}::test_kernel_method_is_near_smooth_sources",
    ),
    # of both
    "triggered": (
        f"{HERE}::test_numbers_of_spikes_in_signals",
        f"{ELEPHANT}::test_spike_triggered_average",
    ),
    "coherence": (
        f"{HERE}::test_numbers_of_spikes_in_signals",
        f"{ELEPHANT}::test_spectra_and_coherence_with_spikes",
    ),
    "features": (
        f"{HERE}::test_numbers_of_spikes_in_signals",
        f"{FIELDS}::test_features_of_a_triangle",
    ),
    # what is no number
    "units": (),
    "channels": (),
    "positions_um": (),
}


def trains() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times, ms, and gids of two populations; cells 3 and 4 never fire, cell 5 fires once."""
    rng = np.random.default_rng(7)
    firing = {"E": (0, 1, 2), "I": (6, 7)}
    together = {}
    for name, gids in firing.items():
        times = [np.unique(np.rint(rng.uniform(0, SPAN, 40) / DT) * DT) for _ in gids]
        owners = np.repeat(gids, [len(each) for each in times])
        order = np.argsort(np.concatenate(times), kind="stable")
        together[name] = np.concatenate(times)[order], owners[order]
    times, owners = together["E"]
    together["E"] = np.append(times, SPAN - 1.0), np.append(owners, 5)
    return together


def potentials() -> np.ndarray:
    rng = np.random.default_rng(8)
    smooth = np.apply_along_axis(
        np.convolve, 0, rng.standard_normal((SAMPLES + 19, 6)), np.ones(20) / 20, "valid"
    )
    data: np.ndarray = smooth + 0.3 * smooth[:, :1]
    for time in trains()["I"][0]:
        row = round(time / DT)
        shape = np.interp(np.arange(0, 8, DT), [0, 1, 2, 4, 6], [0, -20, 10, 2, 0])
        data[row : row + len(shape), 2] += shape[: SAMPLES - row]
    return data


def somata(gids: range, *, height: float) -> Geometry:
    """A sphere a cell, each 60 um above the one before it."""
    count = len(gids)
    middles, radius = np.zeros((count, 3)), np.array([0.0, 0.0, 5.0])
    middles[:, 2] = height + 60.0 * np.arange(count)
    return Geometry(
        middles - radius,
        middles + radius,
        np.full(count, 10.0),
        section=np.arange(count),
        parent=np.full(count, -1),
        x=np.full(count, 0.5),
        gid=np.array(gids),
        section_names=["soma[0]"] * count,
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbers") / "a.h5"
    positions = np.column_stack([np.full((6, 2), 20.0), HEIGHTS])
    with RecordingWriter(path, synthetic.PROVENANCE) as writer:
        for name, (times, gids) in trains().items():
            writer.spikes(name, times, gids)
        writer.geometry("E", somata(range(6), height=0.0))
        writer.geometry("I", somata(range(6, 8), height=200.0))
        writer.signal("lfp", Signal(potentials(), "mV", DT, positions=positions))
    return path


@pytest.fixture
def facts(lfp: Run, recording: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(lfp("stats", recording, *OPTIONS, "--json").out)
    return answer


def counts_of(name: str, gids: range) -> np.ndarray:
    times, owners = trains()[name]
    edges = np.arange(0, SPAN + BIN / 2, BIN)
    return np.array([np.histogram(times[owners == gid], edges)[0] for gid in gids])


def test_each_number_is_proven() -> None:
    """Each proof is a test of this folder; the tests below hold that there are no others."""
    folder = Path(__file__).parent
    for proof in {each for proofs in PROOFS.values() for each in proofs}:
        name, test = proof.split("::")
        assert re.search(rf"^def {test}\(", (folder / name).read_text(), re.M), proof


def test_no_other_number_is_told(facts: dict[str, Any]) -> None:
    told = set(facts["signals"]["lfp"])
    for population in facts["populations"].values():
        told |= set(population)
    for about in facts["signals"]["lfp"]["spikes"].values():
        told |= set(about)
    assert told == set(PROOFS)


def test_numbers_of_spikes(facts: dict[str, Any]) -> None:
    told = facts["populations"]["E"]
    times, owners = trains()["E"]
    number = np.bincount(owners, minlength=6)
    assert (told["cells"], told["cells_firing"], told["spikes"]) == (6, 4, len(times))
    assert told["cells_with_intervals"] == 3
    rates = number / (SPAN * 1e-3)
    assert told["rate_hz"] == pytest.approx(rates.mean(), rel=1e-12)
    assert told["rate_sd_hz"] == pytest.approx(np.std(rates, ddof=1), rel=1e-12)
    cvs, lvs = [], []
    for gid in range(3):
        steps = np.diff(times[owners == gid])
        cvs.append(np.std(steps, ddof=1) / np.mean(steps))
        lvs.append(3 * np.mean(((steps[1:] - steps[:-1]) / (steps[1:] + steps[:-1])) ** 2))
    assert told["cv"] == pytest.approx(np.mean(cvs), rel=1e-10)
    assert told["lv"] == pytest.approx(np.mean(lvs), rel=1e-10)
    counts = counts_of("E", range(6))
    firing = counts[counts.any(axis=1)]
    fano = np.mean(firing.var(axis=1, ddof=1) / firing.mean(axis=1))
    assert told["fano"] == pytest.approx(fano, rel=1e-10)
    pairs = np.corrcoef(firing)[np.triu_indices(len(firing), 1)]
    assert told["correlation"] == pytest.approx(pairs.mean(), rel=1e-9)
    psth = told["psth"]
    assert (psth["bin_ms"], psth["begin_ms"]) == (BIN, 0.0)
    np.testing.assert_allclose(psth["rate_hz"], counts.mean(axis=0) / (BIN * 1e-3), rtol=1e-12)


def test_numbers_of_signals(facts: dict[str, Any]) -> None:
    told, data = facts["signals"]["lfp"], potentials()
    np.testing.assert_allclose(told["mean"], data.mean(axis=0), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(told["sd"], data.std(axis=0), rtol=1e-10)
    np.testing.assert_allclose(told["peak_to_peak"], np.ptp(data, axis=0), rtol=1e-12)
    window = 2 * SAMPLES // 9
    hertz, density = filters.welch(data, fs=1e3 / DT, nperseg=window, axis=0)
    np.testing.assert_allclose(told["spectrum"]["frequency_hz"], hertz, rtol=1e-12)
    np.testing.assert_allclose(told["spectrum"]["density"], density, rtol=1e-9)
    _, beside = filters.coherence(data[:, :-1], data[:, 1:], fs=1e3 / DT, nperseg=window, axis=0)
    for band, (low, high) in BANDS.items():
        inside = (hertz >= low) & (hertz < high)
        power = density[inside].sum(axis=0) * (hertz[1] - hertz[0])
        if not inside.any():
            assert told["band_power"][band] == [None] * 6
            continue
        np.testing.assert_allclose(told["band_power"][band], power, rtol=1e-9)
        np.testing.assert_allclose(
            told["coherence_with_next"][band], beside[inside].mean(axis=0), rtol=1e-9
        )
    order = np.argsort(HEIGHTS)
    second = np.diff(data[:, order], n=2, axis=1)
    density_of = -0.4 * second / 100.0**2
    assert told["csd"]["z_um"] == [100.0, 200.0, 300.0, 400.0]
    np.testing.assert_allclose(told["csd"]["sd_na_per_um3"], density_of.std(axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        told["csd"]["mean_na_per_um3"], density_of.mean(axis=0), rtol=1e-6, atol=1e-15
    )


def test_numbers_of_spikes_in_signals(facts: dict[str, Any]) -> None:
    told, data = facts["signals"]["lfp"]["spikes"]["I"], potentials()
    rows = np.rint(trains()["I"][0] / DT).astype(int)
    whole = rows[(rows >= 10) & (rows + 20 < SAMPLES)]
    mean = np.mean([data[row - 10 : row + 21] for row in whole], axis=0)
    assert told["spikes"] == len(whole)
    triggered = told["triggered"]
    assert (triggered["begin_ms"], triggered["dt_ms"]) == (-5.0, DT)
    np.testing.assert_allclose(triggered["mean"], mean, rtol=1e-9, atol=1e-12)
    features, course = told["features"], mean[:, 2] - mean[0, 2]
    trough = int(np.argmin(course))
    peak = trough + int(np.argmax(course[trough:]))
    assert features["channel"] == 2
    assert features["amplitude"] == pytest.approx(course[peak] - course[trough], rel=1e-9)
    assert features["width_ms"] == pytest.approx(DT * (peak - trough))
    steepest = np.diff(course[trough : peak + 1]).max() / DT
    assert features["repolarisation"] == pytest.approx(steepest, rel=1e-9)
    # the time below half of the trough, on a thousand times finer a course of straight lines
    fine = np.interp(np.arange(0, len(course) - 1, 1e-3), np.arange(len(course)), course)
    below = np.flatnonzero(fine < 0.5 * course[trough])
    ends = np.split(below, np.flatnonzero(np.diff(below) > 1) + 1)
    (around,) = (each for each in ends if each[0] <= 1000 * trough <= each[-1])
    assert features["half_width_ms"] == pytest.approx(DT * 1e-3 * len(around), abs=2e-3)
    counts = np.bincount(rows, minlength=SAMPLES).astype(float)
    hertz, values = filters.coherence(
        counts[:, None], data, fs=1e3 / DT, nperseg=2 * SAMPLES // 9, axis=0
    )
    for band, (low, high) in BANDS.items():
        inside = (hertz >= low) & (hertz < high)
        if inside.any():
            wanted = values[inside].mean(axis=0)
            np.testing.assert_allclose(told["coherence"][band], wanted, rtol=1e-9)


def test_numbers_of_layers(facts: dict[str, Any]) -> None:
    """Cells by their somata, channels by their heights; the lower end belongs to a layer."""
    whole = facts["signals"]["lfp"]
    members = {"low": {"E": range(3), "I": range(0)}, "high": {"E": range(3, 6), "I": range(6, 8)}}
    for name, (low, high) in LAYERS.items():
        layer = facts["layers"][name]
        assert (layer["low_um"], layer["high_um"]) == (low, high)
        for population, gids in members[name].items():
            told = layer["populations"][population]
            owners = trains()[population][1]
            number = [np.count_nonzero(owners == gid) for gid in gids]
            assert (told["cells"], told["spikes"]) == (len(gids), sum(number))
            if not number:
                assert told["rate_hz"] is None
                continue
            assert told["rate_hz"] == pytest.approx(np.mean(number) / (SPAN * 1e-3))
            counts = counts_of(population, gids)
            rate = counts.mean(axis=0) / (BIN * 1e-3)
            np.testing.assert_allclose(told["psth"]["rate_hz"], rate, rtol=1e-12)
        inside = (low <= HEIGHTS) & (high > HEIGHTS)
        told = layer["signals"]["lfp"]
        assert told["channels"] == np.count_nonzero(inside)
        for key in ("mean", "sd", "peak_to_peak"):
            assert told[key] == pytest.approx(np.mean(np.array(whole[key])[inside]), rel=1e-9)
        power = np.array(whole["band_power"]["gamma"])[inside]
        assert told["band_power"]["gamma"] == pytest.approx(power.mean(), rel=1e-9)


def test_csv_holds_the_numbers_of_json(lfp: Run, recording: Path, facts: dict[str, Any]) -> None:
    rows = list(csv.DictReader(lfp("stats", recording, *OPTIONS, "--csv").out.splitlines()))
    told = {
        (r["subject"], r["channel"], r["statistic"], r["at"]): float(r["value"] or "nan")
        for r in rows
    }
    assert len(told) == len(rows), "each line has a name of its own"
    signal, population = facts["signals"]["lfp"], facts["populations"]["I"]
    for key in ("cells", "rate_hz", "rate_sd_hz", "cv", "lv", "fano", "correlation"):
        assert told["I", "", key, ""] == pytest.approx(population[key], rel=1e-15)
    assert told["I", "", "psth_hz", "20"] == population["psth"]["rate_hz"][2]
    for k, channel in enumerate(signal["channels"]):
        assert told["lfp", channel, "sd", ""] == signal["sd"][k]
        power = signal["band_power"]["beta"][k]
        assert told["lfp", channel, "power of beta", ""] == power
    assert told["lfp", "", "csd sd_na_per_um3", "200"] == signal["csd"]["sd_na_per_um3"][1]
    about = signal["spikes"]["I"]
    assert told["lfp", "2", "amplitude about I", ""] == about["features"]["amplitude"]
    assert told["lfp", "0", "mean about I", "-5"] == about["triggered"]["mean"][0][0]
    assert told["high: lfp", "", "sd", ""] == facts["layers"]["high"]["signals"]["lfp"]["sd"]
    assert (
        told["low: E", "", "rate_hz", ""] == facts["layers"]["low"]["populations"]["E"]["rate_hz"]
    )
    assert np.isnan(told["low: I", "", "rate_hz", ""])


def test_tables_show_layers(lfp: Run, recording: Path) -> None:
    text = lfp("stats", recording, *OPTIONS).out
    assert "layer high: z from 150 to 450 um" in text
    assert "  population I: 2 cells, 2 fire" in text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--layers", "sky=5000:6000"), "neither a cell nor a channel is in layer 'sky'"),
        (("--layers", "a=5:1"), "layer 'a' does not end above its begin"),
        (("--csd", "fem"), "invalid choice: 'fem'"),
        (("--sigma", "0"), "is not above zero"),
        (("--window", "-1,5"), "is not two lengths A,B"),
    ],
)
def test_mistakes_are_those_of_usage(
    lfp: Run, recording: Path, options: tuple[str, str], text: str
) -> None:
    err = lfp("stats", recording, *options, code=2).err
    assert text in err and err.count("\n") == 1


def test_method_that_no_signal_can_follow(lfp: Run, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("one", Signal(np.ones((100, 1)), "mV", DT, positions=np.zeros((1, 3))))
    err = lfp("stats", tmp_path / "a.h5", "--csd", "kcsd", code=2).err
    assert "no signal has a CSD to estimate with kcsd" in err and "evenly on a line" in err
