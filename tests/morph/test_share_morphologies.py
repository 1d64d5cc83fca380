"""The morphologies that ship: made by their script, within their targets, clean for others."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from lfpcli.morphology.checks import check
from lfpcli.morphology.swc import read_swc

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "share" / "morphologies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.swc"))


def test_the_script_writes_the_same_bytes(tmp_path):
    script = ROOT / "tools" / "grow_morphologies.py"
    # the script itself stops where a cell leaves its target ranges
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=120)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in FOLDER.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_those_that_are_promised_are_there():
    promised = {"stick", "ball_and_stick", "ball_and_sticks"}
    promised |= {"l5_pyramidal", "l23_pyramidal", "basket"}
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_stands_out(name):
    assert check(read_swc(FOLDER / f"{name}.swc")) == []
    head = (FOLDER / f"{name}.swc").read_text().splitlines()[1]
    assert "GPL-3.0-or-later" in head


@pytest.mark.parametrize("name", NAMES)
def test_morphio_and_neurom_read_them_without_a_warning(name, capfd):
    morphio = pytest.importorskip("morphio")
    with warnings.catch_warnings():
        # what NeuroM's own imports warn of is not about the file
        warnings.simplefilter("ignore")
        neurom = pytest.importorskip("neurom")
    path = str(FOLDER / f"{name}.swc")
    collected = morphio.WarningHandlerCollector()
    morphio.Morphology(path, warning_handler=collected)
    assert collected.get_all() == []
    capfd.readouterr()
    cell = neurom.load_morphology(path)
    assert capfd.readouterr() == ("", "")
    if name == "l5_pyramidal":
        total = neurom.get("total_length", cell, neurite_type=neurom.APICAL_DENDRITE)
        assert 6000 < total < 10000


@pytest.mark.parametrize("name", ["l5_pyramidal", "l23_pyramidal"])
def test_pyramids_stand_upright(name):
    cell = read_swc(FOLDER / f"{name}.swc")
    basal, apical = (cell.points[cell.types == kind, :3] for kind in (3, 4))
    axon = cell.points[cell.types == 2, :3]
    assert apical[:, 2].mean() > 0 > basal[:, 2].mean()
    assert axon[-1, 2] < -50
    # the basal skirt goes round: each quadrant holds a fair part of it
    quadrant = np.floor(np.arctan2(basal[:, 1], basal[:, 0]) / (np.pi / 2)).astype(int)
    assert np.bincount(quadrant + 2, minlength=4).min() > 0.1 * len(basal)
    # the tuft lies over the soma
    assert np.linalg.norm(apical[:, :2].mean(axis=0)) < 0.1 * np.ptp(apical[:, 2])


@pytest.mark.parametrize("name", ["l5_pyramidal", "l23_pyramidal", "basket"])
def test_dendrites_taper(name):
    cell = read_swc(FOLDER / f"{name}.swc")
    dendrites = [s for s in cell.sections if s.type in (3, 4)]
    stems = [s.points[1, 3] for s in dendrites if cell.sections[s.parent].type == 1]
    parents = {s.parent for s in cell.sections}
    tips = [s.points[-1, 3] for k, s in enumerate(cell.sections) if k not in parents and s.type > 2]
    assert np.mean(stems) > 2 * np.mean(tips)
    assert 0.3 < np.mean(tips) < 0.8
