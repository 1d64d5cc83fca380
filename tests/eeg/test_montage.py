"""Montages: the construction on the sphere, files, and the projection on the scalp."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError, MissingDependencyError, UsageError
from lfpcli.forward.montages import montage
from lfpcli.io.montage import load_montage, on_scalp

ELC = """\
# ASA electrode file
ReferenceLabel avg
UnitPosition mm
NumberPositions= 4
Positions
-86 -20 -48
0 0 100
0 85 0
0 -110 10
Labels
LPA
Cz
Fpz
Oz
"""


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def places(system: str) -> dict[str, np.ndarray]:
    names, directions = montage(system)
    assert len(set(names)) == len(names) == len(directions)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    return dict(zip(names, directions, strict=True))


def test_sizes_and_order() -> None:
    assert len(places("10-20")) == 21
    ten_ten = list(places("10-10"))
    assert len(ten_ten) == 81
    assert ten_ten[:5] == ["N1", "Nz", "N2", "Fp1", "Fpz"]


def test_landmarks() -> None:
    at = places("10-10")
    low, deep = np.sin(np.radians(115.0)), np.cos(np.radians(115.0))
    for name, wanted in {
        "Nz": [0, low, deep],
        "Iz": [0, -low, deep],
        "Cz": [0, 0, 1],
        "T9": [-low, 0, deep],
        "T10": [low, 0, deep],
    }.items():
        np.testing.assert_allclose(at[name], wanted, atol=1e-15)


def test_ring_of_the_caps_is_92_degrees_from_the_vertex() -> None:
    at = places("10-20")
    for name in ("Fpz", "Fp1", "F7", "T7", "P8", "Oz"):
        assert angle(at[name], at["Cz"]) == pytest.approx(92.0)
    assert angle(at["C3"], at["Cz"]) == pytest.approx(46.0)


def test_tenths_along_the_arcs() -> None:
    at = places("10-10")
    midline = ["Nz", "Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz", "Iz"]
    coronal = ["T9", "T7", "C5", "C3", "C1", "Cz", "C2", "C4", "C6", "T8", "T10"]
    for arc in (midline, coronal):
        for a, b in pairwise(arc):
            assert angle(at[a], at[b]) == pytest.approx(23.0)
    ring = ["Fpz", "Fp1", "AF7", "F7", "FT7", "T7", "TP7", "P7", "PO7", "O1", "Oz"]
    steps = [angle(at[a], at[b]) for a, b in pairwise(ring)]
    np.testing.assert_allclose(steps, steps[0])


def test_rows_are_divided_evenly_on_one_plane() -> None:
    at = places("10-10")
    for row in (["F7", "F5", "F3", "F1", "Fz", "F2", "F4", "F6", "F8"], ["PO7", "PO3", "POz"]):
        points = np.array([at[name] for name in row])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        np.testing.assert_allclose(steps, steps[0])
        assert np.linalg.matrix_rank(points[1:] - points[0], tol=1e-10) == 2


def test_left_and_right_mirror_each_other() -> None:
    at = places("10-10")
    for odd, even in (("F3", "F4"), ("PO9", "PO10"), ("TP7", "TP8"), ("N1", "N2")):
        np.testing.assert_allclose(at[odd] * [-1, 1, 1], at[even])
        assert at[odd][0] < 0


def test_ten_twenty_is_part_of_ten_ten() -> None:
    all_of_them = places("10-10")
    for name, place in places("10-20").items():
        np.testing.assert_array_equal(place, all_of_them[name])


def test_unknown_system() -> None:
    with pytest.raises(UsageError, match="did you mean '10-20'"):
        montage("10-30")
    with pytest.raises(UsageError, match="no montage and no file '10_20'"):
        load_montage("10_20", 90000.0)


def test_named_montage_lies_on_the_scalp() -> None:
    got = load_montage("10-20", 85000.0)
    np.testing.assert_allclose(np.linalg.norm(got.positions, axis=1), 85000.0)
    assert got.picked(["Oz", "Cz"]).names == ["Oz", "Cz"]
    with pytest.raises(UsageError, match="no electrode 'Fpx'; did you mean"):
        got.picked(["Fpx"])


def test_csv_as_it_is_and_projected(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name,x,y,z\nup,0,0,80000\nleft,-3000,0,4000\n")
    as_is = load_montage(str(file), 90000.0)
    assert as_is.names == ["up", "left"]
    np.testing.assert_array_equal(as_is.positions, [[0, 0, 80000], [-3000, 0, 4000]])
    moved = load_montage(str(file), 90000.0, project=True)
    np.testing.assert_allclose(moved.positions, [[0, 0, 90000], [-54000, 0, 72000]])


def test_elc(tmp_path: Path) -> None:
    file = tmp_path / "a.elc"
    file.write_text(ELC)
    got = load_montage(str(file), None)
    assert got.names == ["Cz", "Fpz", "Oz"]
    np.testing.assert_allclose(got.positions[0], [0, 0, 100000])
    labelled = "UnitPosition m\nPositions\nCz : 0 0 0.1\nOz : 0 -0.1 0\n"
    file.write_text(labelled)
    got = load_montage(str(file), 90000.0, project=True)
    np.testing.assert_allclose(got.positions, [[0, 0, 90000], [0, -90000, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ELC.replace("mm", "inch"), "unknown UnitPosition 'inch'"),
        (ELC.replace("0 0 100", "0 0"), "a.elc:7"),
        (ELC.replace("Oz\n", ""), "4 positions and 3 labels"),
        ("nothing of the kind", "0 positions"),
        (ELC.replace("= 4", "= 5"), "NumberPositions is 5, but there are 4"),
        (ELC.replace("Oz\n", "Cz\n"), "'Cz' is there twice"),
        (ELC.replace("0 0 100", "0 nan 100"), "not finite"),
    ],
)
def test_bad_elc(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "a.elc"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load_montage(str(file), 90000.0)


def test_centre_of_a_shifted_head_is_found() -> None:
    directions = montage("10-10")[1]
    shifted = 95.0 * directions + [1.0, -20.0, 40.0]
    np.testing.assert_allclose(on_scalp(shifted, 9e4, fit=True), 9e4 * directions, atol=1e-6)


def test_without_mne_the_line_of_pip_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mne", None)
    for name in ("10-05", "mne:biosemi64"):
        with pytest.raises(MissingDependencyError, match=r"pip install 'lfpcli\[mne\]'"):
            load_montage(name, 90000.0)
