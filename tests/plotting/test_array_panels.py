"""Traces and spikes at their contacts, chosen cells, rates, spectrograms, rows of topographies."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic
from remarks import notes_of

from lfpcli.io.recording import Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.style import house_style
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording
from lfpcli.tasks.statistics.spectra import spectrogram

DT = 0.1
SPIKES = {0: [20.0, 60.0], 1: [40.0, 99.0]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays")
    synthetic.network(path / "net.h5", sizes=(30, 8))
    synthetic.head(path / "eeg.h5")
    contacts = np.array([[16.0 * (k % 2), 0.0, 20.0 * (k // 2)] for k in range(40)])
    shape = np.interp(np.arange(0, 3, DT), [0, 0.5, 0.8, 2.0], [0, -1, 0.3, 0])
    data = np.zeros((1001, 40))
    for gid, times in SPIKES.items():
        near = 400.0 / (400.0 + np.sum((contacts - contacts[8 + 20 * gid]) ** 2, axis=1))
        for time in times:
            row = round(time / DT)
            end = min(row + len(shape), len(data))
            data[row:end] += 0.1 * np.outer(shape[: end - row], near)
    with RecordingWriter(path / "dense.h5", synthetic.PROVENANCE) as writer:
        times = np.concatenate([SPIKES[0], SPIKES[1]])
        writer.spikes("cell", times, np.repeat([0, 1], 2))
        writer.signal("probe", Signal(data, "mV", DT, positions=contacts, model="line source"))
    return path


def draw(path, *, parts=None, **view):
    with house_style(), open_recording(path) as recording:
        figure = draw_recording(recording, parts=parts, view=View(**view))
        figure.canvas.draw()
        return figure


def test_footprint_is_the_mean_about_the_spikes_of_a_cell(folder):
    (ax,) = draw(folder / "dense.h5", parts=["footprint"], cells=["0"]).axes
    assert ax.get_title("left") == "probe: 2 spikes of cell 0"
    lines = ax.collections[0].get_segments()
    heights = np.array([np.ptp(line[:, 1]) for line in lines])
    # at contacts 8 and 9, 16 um apart: 400 / 400 and 400 / (400 + 256)
    assert np.sort(heights)[-2] / heights.max() == pytest.approx(400 / 656, rel=1e-6)
    assert len(lines) < 40 and "of 40 contacts" in notes_of(ax)


def test_footprint_needs_spikes(folder, lfp, tmp_path):
    options = ["-o", tmp_path / "a.png", "--what", "footprint"]
    # the spike at 99 ms has no 3 ms after it
    err = lfp("plot", folder / "dense.h5", *options, "--time", "90,100", code=2).err
    assert "no spike of cell has 1 ms before and 3 ms after it" in err and err.count("\n") == 1
    err = lfp("plot", folder / "eeg.h5", *options, code=2).err
    assert "holds no 'footprint' to draw" in err


def test_array_shows_the_span(folder):
    (ax,) = draw(folder / "dense.h5", parts=["array"], time=(15.0, 30.0)).axes
    assert ax.get_title("left") == "probe: 15 to 30 ms"
    assert len(ax.collections[0].get_segments()) >= 10


def test_chosen_cells(folder):
    figure = draw(folder / "net.h5", parts=["geometry", "vmem"], cells=["2-4", "33"])
    cells, potentials = figure.axes
    labels = [text.get_text() for text in potentials.get_yticklabels()]
    assert labels[::-1] == ["E 2", "E 3", "E 4", "I 33"]
    assert notes_of(potentials) == "4 of 38 cells"
    assert any("4 of 38 cells whole" in text.get_text() for text in cells.texts)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ("99", "recording has no cell '99'; gids are 0 to 37"),
        ("a", "'a' is no cell; give gids or ranges"),
        ("5-", "'5-' is no cell"),
    ],
)
def test_unknown_cells(folder, lfp, tmp_path, cells, text):
    err = lfp("plot", folder / "net.h5", "-o", tmp_path / "a.png", "--cells", cells, code=2).err
    assert text in err and err.count("\n") == 1


def test_rates_are_those_of_the_spikes(folder):
    raster, rates = draw(folder / "net.h5", parts=["spikes"]).axes
    assert rates.get_ylabel() == "Hz" and "bins of" in notes_of(rates)
    with open_recording(folder / "net.h5") as recording:
        times = recording.spikes("E")[0]
    values, edges, _ = rates.patches[0].get_data()
    spikes = float(np.sum(values * np.diff(edges)) * 30 * 1e-3)
    assert spikes == pytest.approx(len(times))
    assert raster.get_xlim() == rates.get_xlim()


def test_traces_of_contacts_beside_each_other_are_told_apart(tmp_path):
    """The four of a tetrode have two heights."""
    places = np.array([[-8.0, 0, 8], [8, 0, 8], [-8, 0, -8], [8, 0, -8]])
    samples = np.random.default_rng(2).standard_normal((200, 4))
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("tetrode", Signal(samples, "mV", 0.1, positions=places))
    with house_style(), open_recording(tmp_path / "a.h5") as recording:
        (ax,) = draw_recording(recording).axes
    labels = [text.get_text().replace("\u2212", "-") for text in ax.get_yticklabels()]
    assert sorted(labels) == ["-8, -8", "-8, 8", "8, -8", "8, 8"]
    assert ax.get_ylabel() == "x, z (µm)"


def test_spectrogram_follows_a_tone(tmp_path):
    times = 0.5 * np.arange(8000)
    tone = np.where(times < 2000, np.sin(2e-3 * np.pi * 40 * times), 0)
    tone += np.where(times >= 2000, np.sin(2e-3 * np.pi * 120 * times), 0)
    data = np.column_stack([0.1 * tone, tone])
    positions = np.array([[0, 0, 0], [0, 0, 100.0]])
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(data, "mV", 0.5, positions=positions))
    (ax,) = draw(tmp_path / "a.h5", parts=["spectrogram"], time=(0.0, 4000.0)).axes
    assert ax.get_title("left") == "lfp: power at x = 0, y = 0, z = 100 µm"
    assert "of 2 channels the one that varies most" in notes_of(ax)
    assert ax.child_axes[0].get_ylabel() == "mV²/Hz" and ax.get_ylabel() == "frequency (Hz)"
    middles, frequencies, density, window = spectrogram(tone, 0.5)
    step = frequencies[1]
    for span, wanted in (((200, 1800), 40), ((2200, 3800), 120)):
        inside = (middles > span[0]) & (middles < span[1])
        strongest = frequencies[np.argmax(density[:, inside], axis=0)]
        assert np.abs(strongest - wanted).max() <= step
    # a sine of amplitude 1 has the power 1/2, whatever the window
    assert np.median(density.sum(axis=0)) * step == pytest.approx(0.5, rel=0.02)
    assert window == pytest.approx(1e3 / step)


def test_topographies_beside_each_other_share_a_scale(folder):
    figure = draw(folder / "eeg.h5", parts=["topography"], times=(22.0, 25.0, 30.0))
    (ax,) = figure.axes
    maps = ax.child_axes
    assert [each.get_title("center") for each in maps] == ["22 ms", "25 ms", "30 ms"]
    assert len({each.images[0].get_clim() for each in maps}) == 1
    assert [len(each.child_axes) for each in maps] == [0, 0, 1]


def test_one_time_of_a_map(folder, lfp, tmp_path):
    arguments = ["-o", tmp_path / "a.png", "--map", "xz", "--at", "1,2"]
    err = lfp("plot", folder / "net.h5", *arguments, code=2).err
    assert "show one time; give one --at" in err
    seven = ["--what", "topography", "--at", "1,2,3,4,5,6,7"]
    err = lfp("plot", folder / "eeg.h5", "-o", tmp_path / "a.png", *seven, code=2).err
    assert "7 times of topographies; give 6 at most" in err
