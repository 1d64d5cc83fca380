"""Styles: what a figure is made for, and that text, letters and colours hold in each."""

from __future__ import annotations

import re

import numpy as np
import pytest
import synthetic
from matplotlib.colors import to_rgb

from lfpcli.io.recording import open_recording
from lfpcli.plotting.style import COLOURS, STYLES, house_style, palette, style
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return synthetic.network(tmp_path_factory.mktemp("styles") / "net.h5", sizes=(12, 4))


def lightness(colour):
    """L* of CIE 1976 of a colour on a grey printer."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


@pytest.mark.parametrize("name", list(STYLES))
def test_what_is_written_stands_out_of_the_ground(name):
    with house_style(name):
        colours = palette()
    ground = lightness(colours.ground)
    assert abs(lightness(colours.ink) - ground) > 60
    for colour in (colours.faint, *colours.colours):
        assert abs(lightness(colour) - ground) > 25, colour
    # zero is the ground, and both ends are far from it
    middle = lightness(colours.diverging(0.5)[:3])
    assert abs(middle - ground) < 8
    for end in (0.0, 1.0):
        assert abs(lightness(colours.diverging(end)[:3]) - middle) > 50


def test_two_colours_are_told_apart_in_grey():
    assert abs(lightness(COLOURS[0]) - lightness(COLOURS[1])) > 14
    dark = STYLES["dark"].palette.colours
    assert abs(lightness(dark[0]) - lightness(dark[1])) > 10


@pytest.mark.parametrize("name", list(STYLES))
def test_style_has_its_size_and_lines(recording, name):
    with house_style(name), open_recording(recording) as opened:
        figure = draw_recording(opened, parts=["neuropixels"], view=View(form="traces"))
        wanted = style()
    width, height = figure.get_size_inches()
    assert width == wanted.width and height >= wanted.least_height
    trace = figure.axes[0].lines[0]
    assert trace.get_linewidth() == pytest.approx(0.7 * wanted.strokes)
    assert figure.get_facecolor()[:3] == pytest.approx(to_rgb(wanted.palette.ground))
    assert style() is STYLES["paper"], "the style ends with the figure"


@pytest.mark.parametrize("name", list(STYLES))
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_same_bytes_in_each_style(lfp, recording, tmp_path, suffix, name):
    paths = [tmp_path / f"{k}.{suffix}" for k in (1, 2)]
    for path in paths:
        lfp("plot", recording, "-o", path, "--dpi", "50", "--style", name, "--what", "spikes,csd")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_styles_differ(lfp, recording, tmp_path):
    pictures = set()
    for name in STYLES:
        lfp("plot", recording, "-o", tmp_path / f"{name}.png", "--style", name, "--dpi", "50")
        pictures.add((tmp_path / f"{name}.png").read_bytes())
    assert len(pictures) == len(STYLES)


def test_letters_are_embedded(lfp, recording, tmp_path):
    """PDF holds TrueType outlines of all its letters; text of SVG is text in a family."""
    lfp("plot", recording, "-o", tmp_path / "a.pdf", "--what", "spikes,csd")
    raw = (tmp_path / "a.pdf").read_bytes()
    assert b"/Subtype /Type0" in raw and b"/FontFile2" in raw
    assert b"/Type3" not in raw and b"/Subtype /Type1" not in raw
    descriptors = len(re.findall(rb"/Type /FontDescriptor", raw))
    assert len(re.findall(rb"/FontFile2", raw)) == descriptors > 0
    lfp("plot", recording, "-o", tmp_path / "a.svg", "--what", "spikes,csd")
    text = (tmp_path / "a.svg").read_text()
    assert re.search(r"<text[^>]*>time \(ms\)</text>", text)
    # older writers of matplotlib give size and family in one
    fonts = re.findall(r"font(?:-family)?: ([^;\"]*)", text)
    assert fonts and all(font.endswith("'DejaVu Sans', sans-serif") for font in fonts), fonts


def test_unknown_style(lfp, recording, tmp_path):
    err = lfp("plot", recording, "-o", tmp_path / "a.png", "--style", "traces", code=2).err
    assert "invalid choice: 'traces'" in err
