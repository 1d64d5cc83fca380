"""Options that a picture would not heed are refused, whatever kind of picture it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import synthetic

from lfpcli.tasks.figures.heeded import _HEEDED, _OF_MAPS, _OF_PAINT, contents_of
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.parts import ON_REQUEST

# an option, and a part of a figure that does not heed it
UNHEEDED = [
    (["--channels", "0"], "spikes"),
    (["--cells", "0"], "spikes"),
    (["--at", "5"], "neuropixels"),
    (["--form", "image"], "spikes"),
    (["--view", "yz"], "neuropixels"),
    (["--max-cells", "3"], "neuropixels"),
    (["--synapses", "wiring.h5"], "spikes"),
    (["--scale", "linear"], "spikes"),
    (["--placement", "1"], "spikes"),
    (["--time", "5,50"], "geometry"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("unheeded")
    synthetic.network(path / "net.h5", sizes=(6, 2))
    (path / "cell.swc").write_text("1 1 0 0 0 5 -1\n2 3 0 0 40 1 1\n")
    return path


def test_each_attribute_is_heeded_by_something():
    """A new option of `View` is in the table, or nothing could be drawn with it."""
    known = {name for names in _HEEDED.values() for name in names}
    known |= {*_OF_MAPS, *_OF_PAINT, "beside", "signal", "placement"}
    assert known == {field.name for field in dataclasses.fields(View)}
    assert set(ON_REQUEST) < set(_HEEDED)


@pytest.mark.parametrize("target", ["a.png", "a.html"])
@pytest.mark.parametrize(("options", "part"), UNHEEDED, ids=[row[0][0] for row in UNHEEDED])
def test_parts_of_recordings(lfp, folder, target, options, part):
    words = ("plot", folder / "net.h5", "-o", folder / target, "--what", part)
    err = lfp(*words, *options, code=2).err
    assert f"of {part} is drawn without {options[0]}; leave {options[0]} out" in err
    assert err.count("\n") == 1 and not (folder / target).exists()


@pytest.mark.parametrize("target", ["a.png", "a.html"])
@pytest.mark.parametrize("options", [["--time", "1,2"], ["--cells", "0"], ["--what", "spikes"]])
def test_morphologies(lfp, folder, target, options):
    err = lfp("plot", folder / "cell.swc", "-o", folder / target, *options, code=2).err
    assert "a morphology" in err and not (folder / target).exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--html", "a.html", "--style", "dark"], "a page is drawn without --style"),
        (["--html", "a.html", "--dpi", "90"], "a page is drawn without --dpi"),
        (["--html", "a.html", "--fps", "9"], "--frames and --fps are of films"),
        (["--html", "a.html", "--synapses", "a.h5"], "is drawn without --synapses"),
        (["-o", "a.png", "--frames", "9"], "--frames and --fps are of films"),
        (["-o", "a.gif", "--at", "5"], "a film is drawn without --at"),
        (["-o", "a.gif", "--form", "image"], "a film is drawn without --form"),
        (["-o", "a.gif", "--map", "xz", "--view", "xy"], "a film is drawn without --view"),
        (["--terminal", "--title", "T"], "characters are drawn without --title"),
        (["--terminal", "--dpi", "60"], "characters are drawn without --dpi"),
        (["--terminal", "--max-cells", "3"], "is drawn without --max-cells"),
        (["--terminal", "--map", "xz"], "is drawn without --map"),
        (["net.h5", "-o", "a.png", "--cells", "0"], "a comparison is drawn without --cells"),
        (["net.h5", "-o", "a.png", "--form", "image"], "a comparison is drawn without --form"),
    ],
)
def test_kinds_of_pictures(lfp, folder, monkeypatch, options, text):
    monkeypatch.chdir(folder)
    err = lfp("plot", "net.h5", *options, code=2).err
    assert text in err and err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["cell.swc", "net.h5"]


def test_contents(folder):
    assert contents_of(folder / "cell.swc") == "morphology"
    assert contents_of(Path(folder / "net.h5")) == "recording"
