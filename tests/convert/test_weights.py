"""Weights of segments in the channels of a model, in BlueRecording's layout."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.exchange.bluerecording import electrode_positions
from lfpcli.io.recording import open_recording

MODEL = """
[run]
tstop = 5.0
seed = 3

[cell.stick]
morphology = "builtin:ball_and_stick"

[[cell.stick.mechanism]]
name = "pas"

[population.E]
cell = "stick"
size = 3
place = {shape = "cylinder", radius = 100.0}

[[input]]
synapse = {type = "Exp2Syn", tau1 = 0.5, tau2 = 4.0, e = 0.0}
weight = 0.002
count = 10
source = {times = [1.0]}

[[probe]]
name = "LFP"
contacts = [[50.0, 0.0, 0.0], [50.0, 0.0, 100.0]]

[[eeg]]
montage = "10-20"
position = [0.0, 0.0, 78000.0]

[[meg]]
sensors = "helmet"
position = [0.0, 0.0, 78000.0]
# a radial dipole has no field outside a sphere
direction = [1.0, 0.0, 0.0]

[record]
imem = true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    (folder / "model.toml").write_text(MODEL)
    return folder


CONTACTS = MODEL[: MODEL.index("[[eeg]]")] + "[record]\nimem = true\n"


def test_weights_measure_as_what_they_were_made_of(shell, lfp, tmp_path: Path) -> None:
    """Of another file of weights than ours, names and columns are in the order of the names."""
    model, run, weights = (tmp_path / name for name in ("m.toml", "run.h5", "w.h5"))
    model.write_text(CONTACTS)
    shell("sim", model, "-o", run)
    lfp("convert", run, weights, "--to", "bluerecording")
    out = tmp_path / "out.h5"
    lfp("probe", run, "--lead-field", weights, "--name", "by weights", "-o", out)
    with open_recording(out) as recording:
        found, stated = (recording.signal(name) for name in ("by weights", "LFP"))
        assert found.data[:] == pytest.approx(stated.data[:], rel=1e-12, abs=1e-15)
        assert found.positions == pytest.approx(stated.positions)
    factors = "electrodes/E/scaling_factors"
    for change, fault in (
        (lambda file: file[factors].attrs.__delitem__("units"), "has no attribute units"),
        (lambda file: file[factors].attrs.__setitem__("units", "T/nA"), "has the unit 'T/nA'"),
        (lambda file: file["E/offsets"].__setitem__(-1, 3), "for 3 cells and 2 contacts"),
        (lambda file: file["E/node_ids"].__setitem__(0, 77), "0 segments of cell 0"),
        (lambda file: file.__delitem__("E"), "has no cells"),
    ):
        (tmp_path / "spoilt.h5").write_bytes(weights.read_bytes())
        with h5py.File(tmp_path / "spoilt.h5", "r+") as file:
            change(file)
        options = ("--lead-field", tmp_path / "spoilt.h5", "--name", "x", "-o", tmp_path / "n.h5")
        got = lfp("probe", run, *options, code=3)
        assert fault in got.err and not (tmp_path / "n.h5").exists()
    (tmp_path / "p.csv").write_text("x,y,z\n0,0,0\n")
    options = ("--lead-field", weights, "--cell", 0, "--placements", tmp_path / "p.csv")
    got = lfp("probe", run, *options, "-o", tmp_path / "t.h5", code=3)
    assert "weights of cells where they are" in got.err


@pytest.mark.parametrize("source", ["model.toml", "run.h5"])
def test_weights_times_currents_are_the_signals(shell, folder, source):
    if not (folder / "run.h5").exists():
        shell("sim", folder / "model.toml", "-o", folder / "run.h5")
    weights = folder / f"{source}.weights.h5"
    shell("convert", folder / source, weights, "--to", "bluerecording")
    with h5py.File(weights) as file, open_recording(folder / "run.h5") as recording:
        factors = file["electrodes/E/scaling_factors"][:]
        assert np.all(factors[:, -1] == 1.0)
        currents = recording.report("imem", "E").data[:]
        first = 0
        names = sorted(name for name in file["electrodes"] if name != "E")
        for label in ("LFP", "eeg", "meg"):
            signal = recording.signal(label)
            columns = slice(first, first + signal.data.shape[1])
            expected = signal.data[:]
            np.testing.assert_allclose(
                currents @ factors[:, columns],
                expected,
                rtol=0,
                atol=1e-9 * np.abs(expected).max(),
            )
            assert names[first].partition("_")[2].startswith(f"{label}_")
            electrode = file["electrodes"][names[first]]
            assert int(electrode["E"][()]) == first
            assert np.array_equal(electrode["position"][:], signal.positions[0])
            first = columns.stop
        assert factors.shape[1] == first + 1
        assert file["electrodes/E/scaling_factors"].attrs["units"] == "T/nA mV/nA"


def test_some_channels_of_one_signal(shell, folder, tmp_path):
    weights = tmp_path / "w.h5"
    choice = ("--signal", "LFP", "--channels", "1:2")
    shell("convert", folder / "model.toml", weights, "--to", "bluerecording", *choice)
    assert electrode_positions(weights).tolist() == [[50.0, 0.0, 100.0]]
    again = tmp_path / "again.h5"
    shell("convert", folder / "model.toml", again, "--to", "bluerecording", *choice)
    assert weights.read_bytes() == again.read_bytes()


def test_what_cannot_be_weights_is_refused(lfp, recording, tmp_path):
    said = lfp("convert", recording, tmp_path / "w.h5", "--to", "bluerecording", code=3)
    assert "tells of no model" in said.err
    spikes = tmp_path / "spikes.gdf"
    spikes.write_text("0 1.0\n")
    said = lfp("convert", spikes, tmp_path / "w.h5", "--to", "bluerecording", code=2)
    assert "has no weights" in said.err
