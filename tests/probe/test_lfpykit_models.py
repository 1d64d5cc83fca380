"""Models of LFPykit in place of ours."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from lfpcli.io.recording import open_recording


def share_of_peak(said: str) -> float:
    line = next(line for line in said.splitlines() if "largest difference" in line)
    return float(line.split()[-4])


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        ("LineSourcePotential", "line"),
        ("PointSourcePotential", "point"),
        ("RecExtElectrode", "soma-point"),
    ],
)
def test_points_agree(lfp, run, tmp_path, cls, method):
    pytest.importorskip("lfpykit")
    contacts = tmp_path / "c.csv"
    contacts.write_text("x,y,z\n300,310,77\n-250,200,150\n")
    options = ("--contacts", contacts, "--sigma", 0.25)
    chosen = ("--method", method) if cls == "RecExtElectrode" else ()
    theirs, ours = tmp_path / "theirs.h5", tmp_path / "ours.h5"
    said = lfp(*("probe", run, *options, *chosen, "--model", f"lfpykit:{cls}", "-o", theirs))
    assert share_of_peak(said.err) < 1e-10
    lfp("probe", run, *options, "--method", method, "-o", ours)
    with open_recording(theirs) as a, open_recording(ours) as b:
        got, expected = a.signal("LFP"), b.signal("LFP")
        assert got.model == f"lfpykit:{cls}"
        peak = np.abs(expected.data[:]).max()
        np.testing.assert_allclose(got.data[:], expected.data[:], rtol=0, atol=1e-10 * peak)


def test_faces_agree_as_far_as_points_are_drawn(lfp, run, tmp_path):
    pytest.importorskip("lfpykit")
    contacts = tmp_path / "c.csv"
    contacts.write_text("x,y,z\n400,10,0\n")
    said = lfp(
        *("probe", run, "--contacts", contacts, "--radius", 30, "--normal", "1,0,0"),
        *("--quadrature", 4000, "--model", "lfpykit:RecExtElectrode", "-o", tmp_path / "o.h5"),
    )
    assert 0 < share_of_peak(said.err) < 1e-2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--model", "lfpykit:LineSource"), "did you mean 'lfpykit:LineSourcePotential'"),
        (("--model", "PointSourcePotential"), "lfpykit:PointSourcePotential"),
        (("--model", "lfpykit:LineSourcePotential", "--method", "point"), "use line"),
        (("--model", "lfpykit:LineSourcePotential", "--medium", "half-space"), "infinite"),
        (
            ("--model", "lfpykit:PointSourcePotential", "--radius", "5", "--normal", "1,0,0"),
            "takes contacts as points",
        ),
    ],
)
def test_what_lfpykit_has_not_is_told(lfp, run, tmp_path, options, text):
    target = tmp_path / "o.h5"
    said = lfp("probe", run, "--contacts", "400,0,0", *options, "-o", target, code=2)
    assert text in said.err
    assert not target.exists()


def test_the_package_may_be_missing(lfp, run, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "lfpykit" else find(name)
    )
    said = lfp(
        *("probe", run, "--contacts", "400,0,0"),
        *("--model", "lfpykit:LineSourcePotential", "-o", tmp_path / "o.h5"),
        code=6,
    )
    assert "pip install 'lfpcli[lfpykit]'" in said.err
