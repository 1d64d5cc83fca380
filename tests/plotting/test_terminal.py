"""Pictures made of characters."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic

from lfpcli.io.recording import Signal
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.terminal import LABEL, braille, image_lines, trace_dots, trace_lines
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.terminal import terminal_picture


def dots_of(lines):
    """Dots of lines of braille, shape (4 H, 2 W)."""
    rows = []
    for line in lines:
        codes = np.array([ord(c) - 0x2800 for c in line])
        bits = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
        rows += [np.stack([(codes & b) > 0 for b in pair], axis=1).ravel() for pair in bits]
    return np.array(rows)


def test_braille_holds_its_dots():
    dots = np.random.default_rng(1).random((12, 20)) > 0.5
    assert np.array_equal(dots_of(braille(dots)), dots)


def test_traces_are_unbroken_lines():
    course = np.sin(np.linspace(0, 6 * np.pi, 160))
    low = high = 0.5 + 0.5 * course
    dots = trace_dots(low, high, 16)
    assert dots.any(axis=0).all()
    for left, right in zip(dots.T, dots.T[1:], strict=False):
        both = np.flatnonzero(left | right)
        assert both[-1] - both[0] + 1 == len(both), "neighbours meet"
    assert dots[0].any() and dots[-1].any()


def test_spike_of_one_column_is_seen():
    low, high = np.zeros((80, 1)), np.zeros((80, 1))
    high[40] = 1.0
    dots = dots_of([line.plain[LABEL:] for line in trace_lines(low, high, ["v"])])
    assert dots[:, 40].sum() == len(dots)


def test_images_have_signs_without_colours():
    values = np.array([[-1.0, -0.5, 0.0, 0.5, 1.0]] * 2)
    (line,) = image_lines(values, ["z"], limit=1.0, coloured=False)
    assert line.plain == "       z ≡- ▒█"
    (line,) = image_lines(values, ["z"], limit=1.0, coloured=True)
    assert line.plain.endswith("▀▀▀▀▀") and len(line.spans) == 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings")
    synthetic.one_cell(path / "one.h5")
    synthetic.network(path / "net.h5", sizes=(30, 8))
    synthetic.head(path / "eeg.h5")
    return path


@pytest.mark.parametrize("name", ["one.h5", "net.h5", "eeg.h5"])
@pytest.mark.parametrize("width", [40, 80, 131])
def test_as_wide_as_the_terminal(folder, name, width):
    lines = [line.plain for line in terminal_picture(folder / name, width=width)]
    pictures = [line for line in lines if len(line) > LABEL and ord(line[-1]) > 0x2500]
    assert pictures and max(map(len, pictures)) == width
    assert lines[-1].startswith("not drawn here: ")


def test_command(shell, folder):
    plain = shell("plot", folder / "net.h5", "--terminal", env={"COLUMNS": "90", "PATH": ""})
    assert "\x1b" not in plain.out
    text = plain.out.encode("latin-1").decode()
    assert "spikes (456)" in text and "neuropixels, 128 channels" in text
    assert "100 ms" in text


def test_mistakes(lfp, folder, tmp_path):
    err = lfp("plot", folder / "one.h5", "--terminal", "-o", tmp_path / "a.png", code=2).err
    assert "leave -o and --format out" in err
    err = lfp("plot", folder / "one.h5", "--terminal", "--what", "geometry", code=2).err
    assert "'geometry' needs a figure" in err
    with pytest.raises(ValueError, match="the terminal has 20 columns"):
        terminal_picture(folder / "one.h5", width=20)


def test_start_up_never_sets_the_scale(tmp_path):
    """As in figures: it is cut off and told, and the activity after it is seen."""
    rng = np.random.default_rng(4)
    course = np.convolve(rng.standard_normal(4039), np.ones(40) / 40, "valid")
    data = np.outer(course, [1.0, 0.8, 0.6])
    data[:60] += 30.0
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(data, "mV", 0.1))
        writer.spikes("E", np.array([20.0]), np.array([0]))
    for view, words in ((View(), True), (View(time=(0.0, 300.0)), False)):
        lines = [line.plain for line in terminal_picture(tmp_path / "a.h5", width=60, view=view)]
        assert ("start-up beyond the scale" in " ".join(lines)) is words
        assert max(map(len, lines)) <= 60
        drawn = dots_of([line[LABEL:] for line in lines if line[LABEL - 1 : LABEL] == " "][4:6])
        later = drawn[:, drawn.shape[1] // 4 :]
        # rows of dots that the activity reaches: many of eight, or the one at rest
        assert bool(np.count_nonzero(later.any(axis=1)) > 4) is words
    whole = [line.plain for line in terminal_picture(tmp_path / "a.h5", width=60)]
    # spikes have the time of the signals, not that of the last spike
    assert sum("399.9 ms" in line for line in whole) == 2


def test_little_data(tmp_path):
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("one", Signal(np.ones((1, 3)), "mV", 0.1))
        writer.signal("zero", Signal(np.zeros((7, 30)), "mV", 0.1))
    assert len(terminal_picture(tmp_path / "a.h5", width=60)) > 10
