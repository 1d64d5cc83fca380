"""Spectra, shares, and recordings over each other."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic
from remarks import notes_of

from lfpcli.io.recording import Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.spectra import _by_decades
from lfpcli.plotting.style import house_style
from lfpcli.tasks.figures.compare import _differing, draw_comparison
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording, figure_of

DT = 0.5
TIMES = DT * np.arange(4000)
PLACES = np.column_stack([np.zeros((3, 2)), [0.0, 100.0, 200.0]])


def write(path, data, *, dt=DT, name="lfp"):
    with RecordingWriter(path, {}) as writer:
        signal = Signal(data, "mV", dt, positions=PLACES)
        signal.groups = {"E": 0.7 * data, "I": 0.3 * data}
        signal.shares = {"E": "population", "I": "population"}
        writer.signal(name, signal)
        writer.dipole("total", Sampled(data, "nA um", dt))
    return path


def tones(*frequencies):
    return np.sin(2e-3 * np.pi * np.outer(TIMES, frequencies))


def draw(path, **options):
    with house_style(), open_recording(path) as recording:
        figure = draw_recording(recording, **options)
        figure.canvas.draw()
        return figure


def test_spectra_peak_where_the_tones_are(tmp_path):
    path = write(tmp_path / "a.h5", tones(10.0, 40.0, 200.0))
    (ax,) = draw(path, parts=["spectra"], view=View(time=(0.0, 1999.0))).axes
    assert ax.get_xlabel() == "frequency (Hz)" and ax.get_ylabel() == "power (mV²/Hz)"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    for line, wanted in zip(ax.lines, (10.0, 40.0, 200.0), strict=True):
        peak = line.get_xdata()[np.argmax(line.get_ydata())]
        assert peak == pytest.approx(wanted, abs=2.3)


def test_recordings_share_the_scale_of_the_largest(tmp_path):
    """The first of them is the smallest here; all stay in the picture, and are named once."""
    data = tones(10.0, 40.0, 200.0)
    for name, factor in (("x_1.h5", 1.0), ("x_30.h5", 30.0)):
        write(tmp_path / name, factor * data)
    with house_style():
        figure = figure_of([tmp_path / "x_1.h5", tmp_path / "x_30.h5"])
    overlay = figure.axes[0]
    low, high = overlay.get_ylim()
    for line in overlay.lines[:6]:
        assert low < line.get_ydata().min() and line.get_ydata().max() < high
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend() is not None]
    assert [text.get_text() for text in legends[0].get_texts()] == ["x_1.h5", "x_30.h5"]
    assert len(legends) == 1
    assert _differing(["x_1.h5", "x_30.h5"]) == ["1", "30"] and _differing(["a", "a"]) == ["a", "a"]


def test_many_frequencies_are_means_in_bins():
    """Low ones stay, power is kept, and each bin is a hundredth of a decade wide."""
    frequencies = 0.5 * np.arange(4001)
    density = np.random.default_rng(2).exponential(size=(4001, 2)) / (1 + frequencies[:, None])
    middle, means = _by_decades(frequencies, density)
    assert len(middle) < 400 and middle[0] == 0 and np.all(np.diff(middle) > 0)
    np.testing.assert_array_equal(middle[:20], frequencies[:20])
    np.testing.assert_allclose(means[:20], density[:20])
    high = middle > 100
    np.testing.assert_allclose(np.diff(np.log10(middle[high]))[1:-1], 0.01, atol=0.004)
    edges = np.concatenate([[0.0], 0.5 * (middle[1:] + middle[:-1]), [2000.25]])
    power = 0.5 * density.sum(axis=0)
    np.testing.assert_allclose((means * np.diff(edges)[:, None]).sum(axis=0), power, rtol=0.02)


def test_shares_are_those_of_the_strongest_channel(tmp_path):
    data = tones(10.0, 40.0, 200.0) * [1.0, 3.0, 2.0]
    path = write(tmp_path / "a.h5", data)
    (ax,) = draw(path, parts=["shares"], view=View(time=(0.0, 50.0))).axes
    assert ax.get_title("left") == "lfp: shares at x = 0, y = 0, z = 100 µm"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["total", "E", "I"]
    total, first, second = (line.get_ydata() for line in ax.lines)
    assert np.allclose(total, data[:101, 1]) and np.allclose(first + second, total)


def test_shares_in_layers(tmp_path, lfp):
    """Means over the channels of each; the upper end of a layer is not in it."""
    data = tones(10.0, 40.0, 200.0)
    path = write(tmp_path / "a.h5", data)
    layers = {"L5": (0.0, 200.0), "L1": (200.0, 300.0)}
    axes = draw(path, parts=["shares"], view=View(time=(0.0, 50.0), layers=layers)).axes
    assert [ax.get_title("left") for ax in axes] == [
        "lfp: shares in L5 (mean of 2 channels)",
        "lfp: shares in L1 (mean of 1 channel)",
    ]
    for ax, columns in zip(axes, ([0, 1], [2]), strict=True):
        total, first, second = (line.get_ydata() for line in ax.lines)
        assert np.allclose(total, data[:101, columns].mean(axis=1))
        assert np.allclose(first, 0.7 * total) and np.allclose(second, 0.3 * total)
    out = tmp_path / "a.png"
    err = lfp("plot", path, "--what", "shares", "--layers", "L9=900:999", "-o", out, code=2).err
    assert "no channel of 'lfp' is in layer 'L9', z from 900 to 999 um" in err
    err = lfp("plot", path, "--layers", "L9=0:9", "-o", out, code=2).err
    assert "--layers are of shares" in err and not out.exists()


def test_two_recordings_and_their_difference(tmp_path):
    a = write(tmp_path / "a.h5", tones(10.0, 40.0, 200.0))
    b = write(tmp_path / "b.h5", tones(10.0, 40.0, 200.0) * np.array([1.0, 1.1, 1.0]))
    with house_style(), open_recording(a) as first, open_recording(b) as second:
        view = View(time=(0.0, 100.0))
        figure = draw_comparison([first, second], parts=["lfp"], view=view)
        figure.canvas.draw()
    over, difference = figure.axes
    assert [t.get_text() for t in over.get_legend().get_texts()] == ["a.h5", "b.h5"]
    assert difference.get_title("left") == "lfp: second less first"
    assert notes_of(difference) == "at most 10 % of the largest sample"
    sizes = [np.ptp(line.get_ydata()) for line in difference.lines[:3]]
    assert np.allclose(sizes, [0, 0.2, 0], atol=0.01)


def test_equal_recordings_differ_nowhere(lfp, tmp_path):
    a = write(tmp_path / "a.h5", tones(10.0, 40.0, 200.0))
    with house_style(), open_recording(a) as first, open_recording(a) as second:
        figure = draw_comparison([first, second])
    assert [notes_of(ax) for ax in figure.axes[1::2]] == ["no sample differs"] * 2
    for k in (1, 2):
        lfp("plot", a, a, "-o", tmp_path / f"{k}.png", "--dpi", "60")
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_other_times_have_no_difference(tmp_path):
    a = write(tmp_path / "a.h5", tones(10.0, 40.0, 200.0))
    b = write(tmp_path / "b.h5", tones(10.0, 40.0, 200.0)[::2], dt=2 * DT)
    with house_style(), open_recording(a) as first, open_recording(b) as second:
        figure = draw_comparison([first, second], parts=["lfp"])
    (over,) = figure.axes
    assert "sampled at other times" in notes_of(over)


def test_what_cannot_be_compared(lfp, tmp_path):
    a = write(tmp_path / "a.h5", tones(10.0, 40.0, 200.0))
    net = synthetic.network(tmp_path / "net.h5", sizes=(4, 2))
    err = lfp("plot", a, net, "-o", tmp_path / "x.png", code=3).err
    assert "in common" in err and err.count("\n") == 1
    err = lfp("plot", a, a, "-o", tmp_path / "x.png", "--what", "lpf", code=2).err
    assert "no 'lpf' in common; did you mean 'lfp'?" in err
    err = lfp("plot", *[a] * 7, "-o", tmp_path / "x.png", code=2).err
    assert "7 recordings, 6 can be told apart" in err
    err = lfp("plot", net, "-o", tmp_path / "x.png", "--what", "spectrum", code=2).err
    assert "did you mean 'spectra'?" in err
