"""Head models of LFPykit in place of ours, from the command line."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from eeg_recordings import recording

from lfpcli.io.recording import open_recording

pytest.importorskip("lfpykit")

# the series of the four spheres ends earlier in LFPykit
CLASSES = [
    ("eeg", "FourSphereVolumeConductor", "four-sphere", 1e-5),
    ("eeg", "InfiniteVolumeConductor", "infinite", 1e-12),
    ("meg", "SphericallySymmetricVolCondMEG", "spherical", 1e-9),
    ("meg", "InfiniteHomogeneousVolCondMEG", "infinite", 1e-12),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("lfpykit") / "run.h5"
    recording(path)
    return path


def shares_of_peak(said: str) -> list[float]:
    lines = [line for line in said.splitlines() if "largest difference" in line]
    return [float(line.split()[-4]) for line in lines]


@pytest.mark.parametrize(("command", "cls", "model", "tolerance"), CLASSES)
def test_models_agree(lfp, run, tmp_path, command, cls, model, tolerance):
    theirs, ours = tmp_path / "theirs.h5", tmp_path / "ours.h5"
    options = ["--position", "1000,20000,60000", "--direction", "1,1,2", "--per", "population"]
    options += ["--sensors", "helmet"] if command == "meg" else ["--reference", "average"]
    said = lfp(command, run, *options, "--model", f"lfpykit:{cls}", "-o", theirs)
    (share,) = shares_of_peak(said.err)
    assert share < tolerance
    lfp(command, run, *options, "--model", model, "-o", ours)
    with open_recording(theirs) as a, open_recording(ours) as b:
        signal, expected = a.signal(command), b.signal(command)
        assert signal.model == f"lfpykit:{cls}"
        peak = np.abs(expected.data[:]).max()
        np.testing.assert_allclose(signal.data[:], expected.data[:], atol=tolerance * peak)
        for group in ("E", "I"):
            off = signal.groups[group][:] - expected.groups[group][:]
            assert np.abs(off).max() <= tolerance * peak


def test_channels_of_each_unit_are_compared(lfp, run, tmp_path):
    target = tmp_path / "o.h5"
    options = ("--sensors", "helmet-306", "--position", "0,20000,60000", "--multi-dipole")
    name = "lfpykit:SphericallySymmetricVolCondMEG"
    said = lfp("meg", run, *options, "--model", name, "-o", target)
    shares = shares_of_peak(said.err)
    assert len(shares) == 2
    assert max(shares) < 1e-8


def test_what_is_compared_differs_where_the_models_do(lfp, run, tmp_path):
    target = tmp_path / "o.h5"
    # a series of few terms is no longer that of LFPykit
    options = ("--position", "0,0,78000", "--tolerance", "0.5")
    said = lfp("eeg", run, *options, "--model", "lfpykit:FourSphereVolumeConductor", "-o", target)
    (share,) = shares_of_peak(said.err)
    assert share > 1e-4


@pytest.mark.parametrize(
    ("command", "options", "text"),
    [
        ("eeg", ("--model", "lfpykit:FourSphere"), "lfpykit:FourSphereVolumeConductor"),
        ("eeg", ("--model", "lfpykit:InfiniteVolumeConductor", "--radii", "1,2"), "no meaning"),
        (
            "eeg",
            ("--model", "lfpykit:FourSphereVolumeConductor", "--head-model", "x.h5"),
            "no head model file",
        ),
        ("meg", ("--model", "lfpykit:SphericallySymmetricVolCondMEG"), "give --sensors"),
        ("meg", ("--model", "lfpykit:FourSphereVolumeConductor"), "invalid choice"),
    ],
)
def test_what_lfpykit_has_not_is_told(lfp, run, tmp_path, command, options, text):
    target = tmp_path / "o.h5"
    said = lfp(command, run, "--position", "0,0,70000", *options, "-o", target, code=2)
    assert text in said.err
    assert not target.exists()


def test_dipoles_outside_of_the_brain_are_refused(lfp, run, tmp_path):
    name = "lfpykit:FourSphereVolumeConductor"
    target = tmp_path / "o.h5"
    said = lfp("eeg", run, "--position", "0,0,80000", "--model", name, "-o", target, code=3)
    assert "brain" in said.err
    assert not target.exists()


def test_the_package_may_be_missing(lfp, run, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "lfpykit" else find(name, *a)
    )
    name, target = "lfpykit:InfiniteVolumeConductor", tmp_path / "o.h5"
    said = lfp("eeg", run, "--position", "0,0,1000", "--model", name, "-o", target, code=6)
    assert "pip install 'lfpcli[lfpykit]'" in said.err
