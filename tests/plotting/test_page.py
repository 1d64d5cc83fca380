"""Pages for a browser: what they hold, and what a browser does with them."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
import synthetic
from browser import BROWSER, browser

from lfpcli.io.recording import Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.web import Blocks, pyramid
from lfpcli.tasks.figures import page_tracks
from lfpcli.tasks.figures.page import write_page
from lfpcli.tasks.figures.panels import View

in_browser = pytest.mark.skipif(not BROWSER, reason="no browser is installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages")
    synthetic.network(path / "net.h5", sizes=(30, 8))
    synthetic.head(path / "eeg.h5")
    write_page(path / "net.h5", path / "net.html")
    return path


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.resize(1200, 900)
        yield opened


def facts_of(page):
    return json.loads(re.search(r'id="facts">(.*?)</script>', page, re.S)[1])


def block_of(page, name, dtype):
    text = re.search(rf'id="{name}">(.*?)</script>', page, re.S)[1]
    return np.frombuffer(base64.b64decode(text), dtype)


def values_of(page, track, level):
    """Lowest and highest values (C, M, 1 or 2) of a level."""
    level = track["levels"][level]
    packed = block_of(page, level["block"], "<i2").reshape(-1, level["count"], level["width"])
    scales, centres = np.array(track["scales"]), np.array(track["centres"])
    return centres[:, None, None] + scales[:, None, None] * packed


def test_samples_come_back(folder):
    page = (folder / "net.html").read_text()
    track = next(t for t in facts_of(page)["tracks"] if t["title"].startswith("neuropixels"))
    with open_recording(folder / "net.h5") as recording:
        signal = recording.signal("neuropixels")
        order = np.argsort(signal.positions[:, 2], kind="stable")
        expected = np.asarray(signal.data[:])
    values = values_of(page, track, 0)[:, :, 0].T
    assert track["levels"][0]["step"] == 1 and track["samples"] == len(expected)
    steps = np.abs(expected).max(axis=0) / 32767
    sorted_depths = signal.positions[order, 2]
    for depth in np.unique(sorted_depths):
        # contacts of one depth may stand in any order
        rows = np.flatnonzero(sorted_depths == depth)
        ours = values[:, rows].sum(axis=1)
        theirs = expected[:, order[rows]].sum(axis=1)
        assert np.abs(ours - theirs).max() <= steps[order[rows]].sum()


def test_levels_are_envelopes():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(9001, 3)) - 65.0
    blocks = Blocks()
    packed = pyramid(values, values, blocks, about=np.full(3, -65.0))
    assert [level["step"] for level in packed["levels"]] == [1, 4, 16]
    scales = np.array(packed["scales"])
    for level in packed["levels"][1:]:
        stored = blocks.arrays[level["block"]].astype(float)
        starts = np.arange(0, len(values), level["step"])
        low = np.minimum.reduceat(values, starts) + 65.0
        high = np.maximum.reduceat(values, starts) + 65.0
        assert stored.shape == (3, len(starts), 2)
        assert np.abs(stored[:, :, 0].T * scales - low).max() <= scales.max()
        assert np.abs(stored[:, :, 1].T * scales - high).max() <= scales.max()


def test_long_recordings_fit_the_budget(folder, monkeypatch):
    monkeypatch.setattr(page_tracks, "PAGE_BYTES", 60_000)
    monkeypatch.setattr(page_tracks, "_LEAST_BYTES", 10_000)
    data = np.zeros((20_000, 2))
    data[12_345] = [3.0, -2.0]
    with RecordingWriter(folder / "long.h5", synthetic.PROVENANCE) as writer:
        writer.signal("x", Signal(data, "mV", 0.1))
    write_page(folder / "long.h5", folder / "long.html")
    page = (folder / "long.html").read_text()
    (track,) = facts_of(page)["tracks"]
    assert "lowest and highest of each" in track["note"]
    finest, coarsest = values_of(page, track, 0), values_of(page, track, -1)
    for level in (finest, coarsest):
        # channels stand from below, the first on top
        assert level[1].max() == pytest.approx(3.0) and level[0].min() == pytest.approx(-2.0)
    size = sum(len(block_of(page, level["block"], "u1")) for level in track["levels"])
    assert size < 80_000


def test_traces_stay_at_their_labels(folder):
    """Constant parts would take them to those of others; values and images are what they are."""
    data = 0.01 * np.sin(np.arange(400)[:, None] / 9) + np.array([0.0, 1.0, -1.0])
    with RecordingWriter(folder / "raised.h5", synthetic.PROVENANCE) as writer:
        writer.signal("x", Signal(data, "mV", 0.1))
    write_page(folder / "raised.h5", folder / "raised.html")
    page = (folder / "raised.html").read_text()
    (track,) = facts_of(page)["tracks"]
    assert "traces about their medians" in track["note"]
    np.testing.assert_allclose(track["centres"], np.median(data, axis=0)[::-1])
    assert max(np.abs(track["lows"] + track["highs"])) < 0.03
    assert track["limit"] == pytest.approx(1.01, rel=1e-3)
    values = values_of(page, track, 0)[:, :, 0]
    np.testing.assert_allclose(values, data.T[::-1], atol=1e-5)


def test_same_bytes_and_nothing_from_elsewhere(folder, lfp):
    lfp("plot", folder / "net.h5", "--html", folder / "again.html")
    assert (folder / "again.html").read_bytes() == (folder / "net.html").read_bytes()
    page = (folder / "net.html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|\bsrc=|<link", page)


def test_names_are_text(folder):
    title = "</script><b>&{{facts}}"
    write_page(folder / "eeg.h5", folder / "title.html", title=title)
    page = (folder / "title.html").read_text()
    assert "<b>" not in page and "&lt;/script&gt;&lt;b&gt;&amp;{{facts}}" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["net.h5", "eeg.h5", "-o", "x.html"], "one recording"),
        (["net.h5", "-o", "x.html", "--size", "3,3"], "as wide as the window"),
        (["net.h5", "--html", "x.html", "-o", "y.html"], "--html names the output"),
        (["net.h5", "--html", "x.html", "--what", "nothing"], "holds no 'nothing'"),
    ],
)
def test_refusals(folder, lfp, monkeypatch, options, message):
    monkeypatch.chdir(folder)
    result = lfp("plot", *options, code=2)
    assert message in result.err and not (folder / "x.html").exists()


@in_browser
def test_opens_in_silence(folder, window):
    window.open(folder / "net.html")
    assert window.complaints() == []
    assert window.value("document.title") == "net.h5"
    assert window.value("document.querySelectorAll('.track canvas').length") == 5
    assert "lfp sim model.toml" in window.value("document.querySelector('footer').textContent")
    text = window.value("document.body.textContent")
    assert re.search(r"checksums: \d+ datasets were read", text)


@in_browser
def test_keys(folder, window):
    window.open(folder / "net.html")
    panel = "panels[4].panel"
    window.value("panels[4].canvas.focus()")
    window.key("+")
    assert window.value("[view.start, view.stop]") == [25, 75]
    window.key("ArrowRight")
    assert window.value("[view.start, view.stop]") == [35, 85]
    window.key("PageDown")
    assert window.value(f"{panel}.count") == 64 and window.value(f"{panel}.asImage")
    window.key("i")
    assert not window.value(f"{panel}.asImage")
    window.key("ArrowUp")
    assert window.value(f"{panel}.first") == 40
    window.key("Home")
    assert window.value(f"[view.start, view.stop, {panel}.count]") == [0, 100, 128]
    before = window.picture()
    window.key("d")
    assert window.value("isDark()") and window.picture() != before
    window.key("d")
    window.key("?")
    assert window.value("!document.getElementById('keys').hidden")
    assert window.complaints() == []


@in_browser
def test_pointer_and_cells(folder, window):
    window.open(folder / "net.html")
    box = "panels[4].canvas.getBoundingClientRect()"
    window.value("panels[4].canvas.scrollIntoView(); panels[4].canvas.focus({preventScroll: true})")
    window.settle()
    x, y = window.value(f"[{box}.left + LEFT + 0.25 * plotWidth({box}.width), {box}.top + 120]")
    window.mouse("mouseMoved", x, y)
    window.settle()
    text = window.value("hover.textContent")
    with open_recording(folder / "net.h5") as recording:
        signal = recording.signal("neuropixels")
        channel = int(re.search(r"channel (\d+) at", text)[1])
        value = float(re.search(r"\n(\S+) µV", text)[1])
        assert text.startswith("25.0 ms")
        assert value == pytest.approx(1e3 * signal.data[250, channel], abs=2e-3)
    assert window.value("facts.cells.sites[space.marked].place") == pytest.approx(
        signal.positions[channel].tolist()
    )
    window.mouse("mouseWheel", x, y, deltaX=0, deltaY=-400)
    window.settle()
    start, stop = window.value("[view.start, view.stop]")
    assert stop - start < 50 and start < 25 < stop
    window.value("document.querySelector('#cells canvas').focus()")
    before = window.value("turned(1, 2, 3)")
    window.key("ArrowLeft")
    assert window.value("turned(1, 2, 3)") != before
    window.key("Home")
    assert window.value("turned(1, 2, 3)") == before
    assert window.complaints() == []


def test_pictures_are_of_both_grounds(folder):
    parts = ["topography", "eeg", "spectra"]
    write_page(folder / "eeg.h5", folder / "eeg.html", parts=parts)
    page = (folder / "eeg.html").read_text()
    sources = re.findall(r'<img class="on-(light|dark)" alt="([^"]+)" src="([^"]{30})', page)
    assert [ground for ground, _, _ in sources] == ["light", "dark"] * 2
    assert sources[0][1].startswith("eeg: four-sphere") and "spectra" in sources[2][1]
    assert all(source.startswith("data:image/svg+xml;base64,") for _, _, source in sources)
    light, dark = (
        base64.b64decode(text).decode() for text in re.findall(r"base64,([^\"]+)", page)[:2]
    )
    assert "<svg" in light and "#e4e7ea" in dark and "#e4e7ea" not in light


@in_browser
def test_pictures_in_a_browser(folder, window):
    parts = ["topography", "eeg", "spectrogram"]
    title = '"><img src=x onerror=alert(1)>'
    write_page(folder / "eeg.h5", folder / "shown.html", parts=parts, title=title)
    window.open(folder / "shown.html")
    window.settle()
    seen = "[...document.images].filter(i => i.offsetWidth > 0)"
    assert window.value(f"{seen}.every(i => i.complete && i.naturalWidth > 100)")
    assert window.value(f"{seen}.map(i => i.className)") == ["on-light"] * 2
    window.key("d")
    assert window.value(f"{seen}.map(i => i.className)") == ["on-dark"] * 2
    assert window.printed().startswith(b"%PDF")
    assert window.complaints() == []


@in_browser
def test_resize_and_printing(folder, window):
    window.open(folder / "net.html")
    wide = window.value("panels[1].canvas.width")
    window.resize(500, 800)
    try:
        assert 100 < window.value("panels[1].canvas.width") < wide / 1.5
        assert window.value("document.documentElement.scrollWidth") <= 500
        window.key("d")
        assert window.printed().startswith(b"%PDF")
        assert window.value("isDark()"), "dark again after printing on light paper"
    finally:
        window.resize(1200, 900)
    assert window.complaints() == []


def test_spans_and_parts(folder):
    view = View(time=(20.0, 40.0), channels=["0-9"])
    write_page(folder / "net.h5", folder / "part.html", parts=["neuropixels"], view=view)
    page = (folder / "part.html").read_text()
    facts = facts_of(page)
    (track,) = facts["tracks"]
    assert (facts["start"], facts["stop"], facts["cells"]) == (20.0, 40.0, None)
    assert len(track["labels"]) == 10 and track["samples"] == 201 and track["start"] == 20.0
