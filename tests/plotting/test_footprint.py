"""Templates at the contacts of an array."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

from lfpcli.plotting.footprint import draw_footprint
from lfpcli.plotting.style import COLOURS

DT = 0.05


def write(path, *, placements=4):
    """Templates of a spike beside one contact, another one at each placement."""
    contacts = np.array([[16.0 * (k % 2), 0.0, 20.0 * (k // 2)] for k in range(60)])
    course = np.interp(np.arange(60) * DT, [0, 1, 1.3, 1.8, 3], [0, 0, -1, 0.3, 0])
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["format_version"] = "lfp-templates", 1
        file["contacts"] = contacts
        data = []
        for k in range(placements):
            distance = np.linalg.norm(contacts - contacts[10 + k], axis=1) + 15.0
            data.append((0.1 + 0.1 * (k == 2)) * 15.0**2 / distance[:, None] ** 2 * course)
        file["templates"] = np.array(data)
        file["templates"].attrs.update({"units": "mV", "dt": DT})
    return path


def test_waveforms_stand_at_their_contacts():
    contacts = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 40.0], [20.0, 40.0]])
    waveforms = np.outer([1.0, 0.5, 0.25, 0.01], np.sin(np.linspace(0, 2 * np.pi, 41)))
    ax = Figure().add_subplot()
    assert draw_footprint(ax, contacts, waveforms, dt=DT, units="mV", title="a") == 4
    lines = ax.collections[0].get_segments()
    for line, spot in zip(lines, contacts, strict=True):
        assert line[:, 0].mean() == pytest.approx(spot[0])
        assert line[0, 1] == pytest.approx(spot[1])
    heights = [np.ptp(line[:, 1]) for line in lines]
    np.testing.assert_allclose(np.array(heights) / heights[0], [1.0, 0.5, 0.25, 0.01])
    colours = ax.collections[0].get_colors()
    from matplotlib.colors import to_rgba

    assert tuple(colours[0]) == to_rgba(COLOURS[1])
    bar = ax.lines[0]
    label = next(t.get_text() for t in ax.texts if "V" in t.get_text())
    number, unit = label.split()
    size = {"mV": 1.0, "µV": 1e-3}[unit] * float(number)
    assert np.ptp(bar.get_ydata()) / heights[0] == pytest.approx(size / 2.0)


def test_command(lfp, tmp_path):
    path = write(tmp_path / "t.h5")
    for k in (1, 2):
        lfp("plot", path, "-o", tmp_path / f"{k}.svg", "--title", "A spike")
    text = (tmp_path / "1.svg").read_text()
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
    assert text.startswith("<?xml")
    lfp("plot", path, "-o", tmp_path / "3.png", "--placement", "3", "--size", "3,4")


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--placement", "4"], 2, "no placement 4; there are 0 to 3"),
        (["--what", "spikes"], 2, "templates are drawn whole"),
        (["--time", "0,2"], 2, "a file of templates is drawn without --time; leave --time out"),
        (["--channels", "3"], 2, "a file of templates is drawn without --channels"),
    ],
)
def test_mistakes(lfp, tmp_path, options, code, text):
    path = write(tmp_path / "t.h5")
    assert text in lfp("plot", path, "-o", tmp_path / "a.png", *options, code=code).err


def test_damaged_templates(lfp, tmp_path):
    path = write(tmp_path / "t.h5")
    with h5py.File(path, "a") as file:
        del file["contacts"]
        file["contacts"] = np.zeros((3, 3))
    err = lfp("plot", path, "-o", tmp_path / "a.png", code=3).err
    assert "templates of shape" in err and err.count("\n") == 1
