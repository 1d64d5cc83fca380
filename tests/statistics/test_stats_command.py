"""`lfp stats`: text, JSON and CSV of a recording."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfpcli.io.recording import Sampled, Signal
from lfpcli.io.writer import RecordingWriter

Run = Callable[..., Any]
DT, SPAN = 0.5, 2000.0
TIMES = DT * np.arange(4001)
SPIKES = np.arange(50.0, 1950.0, 100.0)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two cells that fire each 100 ms, and what each spike leaves on five contacts."""
    positions = np.column_stack([np.zeros((5, 2)), 100.0 * np.arange(5)])
    shape = np.interp(np.arange(0, 8, DT), [0, 1, 2, 4, 6], [0, -2, 1, 0.2, 0])
    course = np.zeros(len(TIMES))
    for time in SPIKES:
        row = round(time / DT)
        course[row : row + len(shape)] += shape
    data = np.outer(course, [0.1, 0.5, 1.0, 0.5, 0.1])
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        times = np.repeat(SPIKES, 2)
        writer.spikes("E", times, np.tile([0, 1], len(SPIKES)))
        writer.signal("lfp", Signal(data, "mV", DT, positions=positions))
        writer.dipole("total", Sampled(data[:, :3], "nA um", DT))
    return tmp_path / "a.h5"


def test_json_holds_everything(lfp: Run, recording: Path) -> None:
    facts = json.loads(lfp("stats", recording, "--json", "--window", "2,8").out)
    population = facts["populations"]["E"]
    assert population["cells"] == 2 and population["spikes"] == 2 * len(SPIKES)
    assert population["rate_hz"] == pytest.approx(1e3 * len(SPIKES) / SPAN)
    assert population["cv"] == pytest.approx(0, abs=1e-12)
    assert population["correlation"] == pytest.approx(1.0)
    psth = population["psth"]["rate_hz"]
    assert len(psth) == 400 and max(psth) == pytest.approx(200.0)
    signal = facts["signals"]["lfp"]
    assert signal["units"] == "mV" and len(signal["sd"]) == 5
    assert len(signal["spectrum"]["density"]) == len(signal["spectrum"]["frequency_hz"])
    assert len(signal["coherence_with_next"]["gamma"]) == 4
    np.testing.assert_allclose(signal["coherence_with_next"]["gamma"], 1.0)
    assert signal["csd"]["z_um"] == [100.0, 200.0, 300.0]
    about = signal["spikes"]["E"]
    assert about["spikes"] == 2 * len(SPIKES)
    assert about["features"]["channel"] == 2
    assert about["features"]["amplitude"] == pytest.approx(3.0)
    assert about["features"]["width_ms"] == pytest.approx(1.0)
    # half of -2 mV: half way down, and a third of the way up again
    assert about["features"]["half_width_ms"] == pytest.approx(0.5 + 1 / 3)
    mean = np.array(about["triggered"]["mean"])
    assert about["triggered"]["begin_ms"] == -2.0 and mean.shape == (21, 5)


def test_text_and_csv_say_the_same(lfp: Run, recording: Path) -> None:
    text = lfp("stats", recording).out
    assert "population E: 2 cells, 2 fire, 38 spikes" in text
    assert "rate 9.5 Hz a cell" in text and "signal lfp: 5 channels, mV" in text
    rows = list(csv.DictReader(lfp("stats", recording, "--csv").out.splitlines()))
    facts = json.loads(lfp("stats", recording, "--json").out)
    numbers = {(r["subject"], r["channel"], r["statistic"]): r["value"] for r in rows}
    assert float(numbers["E", "", "rate_hz"]) == facts["populations"]["E"]["rate_hz"]
    assert float(numbers["lfp", "2", "sd"]) == facts["signals"]["lfp"]["sd"][2]
    power = facts["signals"]["lfp"]["band_power"]["gamma"][2]
    assert float(numbers["lfp", "2", "power of gamma"]) == power


def test_span_is_chosen(lfp: Run, recording: Path) -> None:
    facts = json.loads(lfp("stats", recording, "--json", "--time", "0,1000").out)
    assert facts["end_ms"] == 1000 and facts["populations"]["E"]["spikes"] == 20
    assert facts["populations"]["E"]["rate_hz"] == pytest.approx(10.0)


def test_a_span_beyond_the_samples_changes_no_rate(lfp: Run, recording: Path) -> None:
    whole = json.loads(lfp("stats", recording, "--json").out)
    last = whole["end_ms"]
    longer = lfp("stats", recording, "--json", "--time", f"0,{2 * last:g}")
    assert f"--time 0,{2 * last:g} is cut to 0,{last:g}" in longer.err
    assert json.loads(longer.out)["populations"] == whole["populations"]


def test_pipe(shell: Run, recording: Path) -> None:
    assert "population E" in shell("stats", "-", stdin=recording.read_bytes()).out


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--signal", "lpf"], 2, "no signal 'lpf'; did you mean 'lfp'?"),
        (["--time", "5,1"], 2, "'5,1' is not two rising times"),
        (["--time", "3000,4000"], 2, "there are samples from 0 to"),
        (["--time", "0,2"], 3, "a spectrum needs 16 samples or more"),
        (["--window", "5"], 2, "is not two lengths A,B"),
        (["--bin", "0"], 2, "is not above zero"),
        (["--json", "--csv"], 2, "not allowed with argument"),
    ],
)
def test_bad_options(lfp: Run, recording: Path, options: list[str], code: int, text: str) -> None:
    err = lfp("stats", recording, *options, code=code).err
    assert text in err and err.count("\n") == 1


def test_recording_of_nothing(lfp: Run, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.h5", {}):
        pass
    err = lfp("stats", tmp_path / "a.h5", code=3).err
    assert "holds neither spikes nor signals" in err


def test_drawn_trains_tell_their_length_and_number(lfp: Run, tmp_path: Path) -> None:
    """Silent trains count, and time goes on behind the last spike."""
    words = ("spikes", "--poisson", 0.5, "--size", 8, "--duration", 2, "--seed", 3)
    lfp(*words, "-o", tmp_path / "few.h5")
    facts = json.loads(lfp("stats", tmp_path / "few.h5", "--json").out)
    population = facts["populations"]["trains"]
    assert (facts["begin_ms"], facts["end_ms"], population["cells"]) == (0.0, 2000.0, 8)
    assert 0 < population["spikes"] < 8
    assert population["rate_hz"] == pytest.approx(population["spikes"] / 8 / 2.0)
    lfp(
        "spikes", "--poisson", 0, "--size", 3, "--duration", 1, "--seed", 1, "-o", tmp_path / "0.h5"
    )
    silent = json.loads(lfp("stats", tmp_path / "0.h5", "--json").out)["populations"]["trains"]
    assert (silent["cells"], silent["spikes"], silent["rate_hz"]) == (3, 0, 0.0)
