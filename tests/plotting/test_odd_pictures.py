"""What figures say of odd recordings: long names, constant and very many channels, long times."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from remarks import notes_of

from lfpcli.io.recording import Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.spikes import Train, draw_raster
from lfpcli.plotting.style import house_style
from lfpcli.plotting.units import duration, shortened, shortened_apart, two_digits
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording


def draw(path, **options):
    with house_style(), open_recording(path) as recording:
        figure = draw_recording(recording, **options)
        figure.canvas.draw()
        return figure


def column(count, step=50.0):
    return np.column_stack([np.zeros((count, 2)), step * np.arange(count)])


def test_long_names_stay_on_the_page(tmp_path):
    rng = np.random.default_rng(1)
    names = ["a_population_of_" + "x" * 44, "b" * 60]
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        for name in names:
            writer.spikes(name, np.sort(rng.uniform(0, 100, 60)), rng.integers(0, 20, 60))
        signal = Signal(rng.normal(size=(999, 4)), "mV", 0.1, positions=column(4))
        writer.signal("s" * 60, signal)
    figure = draw(tmp_path / "a.h5", parts=["spikes", "signals", "spectrogram"])
    renderer, page = figure.canvas.get_renderer(), figure.bbox
    for ax in figure.axes:
        words = [ax._left_title, ax.yaxis.label, *ax.get_yticklabels()]
        for word in words:
            if word.get_text():
                box = word.get_window_extent(renderer)
                assert box.x0 >= page.x0 and box.x1 <= page.x1, word.get_text()


def test_long_names_of_channels_stay_on_the_page(tmp_path):
    rng = np.random.default_rng(2)
    names = [f"channel {k} " + "x" * 90 for k in range(3)]
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(rng.normal(size=(99, 3)), "mV", 0.1, names=names))
    figure = draw(tmp_path / "a.h5")
    renderer = figure.canvas.get_renderer()
    (ax,) = figure.axes
    assert [word.get_text() for word in ax.get_yticklabels()][-1].startswith("channe")
    for word in ax.get_yticklabels():
        assert word.get_window_extent(renderer).x0 >= figure.bbox.x0


def test_one_sample_is_a_mark(tmp_path):
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(np.ones((1, 2)), "mV", 0.1, positions=column(2)))
        writer.dipole("total", Sampled(np.ones((1, 3)), "nA um", 0.1))
    for ax in draw(tmp_path / "a.h5").axes:
        assert [line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1]
        assert all(line.get_marker() == "." for line in ax.lines if len(line.get_xdata()) == 1)


def test_constant_parts_are_told(tmp_path):
    course = np.sin(0.1 * np.arange(500))[:, None]
    for name, data, wanted, word in (
        ("zero", np.zeros((500, 3)), "", "all zero"),
        ("constant", np.full((500, 3), 0.3), "each about its mean", "constant"),
        ("shifted", course + np.array([0.0, 5.0, -5.0]), "each about its mean", "mV"),
        ("plain", course * np.array([1.0, 0.5, 0.2]), "", "mV"),
    ):
        with RecordingWriter(tmp_path / f"{name}.h5", {}) as writer:
            writer.signal("lfp", Signal(data, "mV", 0.1, positions=column(3)))
        (ax,) = draw(tmp_path / f"{name}.h5").axes
        assert notes_of(ax) == wanted
        assert any(word in text.get_text() for text in ax.texts), name


def test_very_many_contacts_are_those_beside_the_strongest(tmp_path):
    places = np.array([[16.0 * (k % 4), 0.0, 10.0 * (k // 4)] for k in range(2000)])
    data = np.random.default_rng(2).normal(size=(100, 2000))
    data[:, 1000] *= 4
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("hd", Signal(data, "mV", 0.1, positions=places))
    (ax,) = draw(tmp_path / "a.h5", parts=["array"], view=View()).axes
    assert notes_of(ax) == "120 of 2000 contacts"
    heights = np.array([line[:, 1].mean() for line in ax.collections[0].get_segments()])
    assert np.abs(heights - 2500).max() < 200


def test_numbers_read_well():
    assert [two_digits(value) for value in (134.2, 0.0312, 9.96)] == ["130", "0.031", "10"]
    assert [duration(ms) for ms in (2.5, 999.0, 10_000.0)] == ["2.5 ms", "999 ms", "10 s"]
    assert shortened("short", 8) == "short"
    assert shortened("abcdefghijkl", 7) == "abcd…kl" and len(shortened("x" * 90, 31)) == 31


def test_names_stay_apart_where_they_can() -> None:
    assert shortened_apart(["one", "seven"], 8) == ["one", "seven"]
    drives = ["prox1_L2_basket", "prox1_L5_basket", "prox1_L2_pyramidal", "prox2_L2_basket"]
    names = shortened_apart(drives, 11)
    assert names == ["prox1_L2_…t", "prox1_L5_…t", "prox1_L2_…l", "prox2_L2_…t"]
    # these differ only in the middle, which is left out
    assert shortened_apart(["aaaaaaBbbbbbb", "aaaaaaCbbbbbb"], 4) == ["aa…b", "aa…b"]


def test_rasters_have_room_for_long_names() -> None:
    times, rows = np.array([1.0]), np.array([0])
    for name, label in [("E", "2 cells"), ("L5_pyramidal", "")]:
        ax = Figure().add_subplot()
        trains = [Train(each, times, rows, 1, "black") for each in (name, "I")]
        draw_raster(ax, trains)
        assert [text.get_text() for text in ax.get_yticklabels()] == [name, "I"]
        assert ax.get_ylabel() == label
