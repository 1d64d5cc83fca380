"""Lead fields from files: the New York head's layout, the plain one, and what is no such file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import eeg_recordings as made
import h5py
import lfpykit.eegmegcalc
import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.io.head_model import NY_SITES, NYHeadModel, cached_file, load_head_model


def test_new_york_equals_lfpykit(tmp_path: Path) -> None:
    file = made.new_york(tmp_path / "ny.mat").path
    p = np.random.default_rng(1).standard_normal((3, 4))
    wanted = lfpykit.eegmegcalc.NYHeadModel(str(file))
    head = NYHeadModel(file)
    for place in (None, "parietal_lobe", [18.5, 8.5, 70.5]):
        wanted.set_dipole_pos(place)
        head.set_dipole_pos(place if not isinstance(place, list) else np.array(place) * 1e3)
        assert head.vertex == wanted.vertex_idx
        np.testing.assert_allclose(
            head.get_transformation_matrix(), wanted.get_transformation_matrix(), rtol=1e-12
        )
        np.testing.assert_allclose(
            head.rotate_dipole_to_surface_normal(p),
            wanted.rotate_dipole_to_surface_normal(p),
            rtol=1e-9,
        )
        distance, index = wanted.find_closest_electrode()
        assert head.find_closest_electrode() == (pytest.approx(1e3 * distance), index)


def test_normal_opposite_to_the_cell_turns_it_over(tmp_path: Path) -> None:
    """A half turn, not a reflection in the centre: x stays x."""
    head = NYHeadModel(made.new_york(tmp_path / "ny.mat").path)
    head.set_dipole_pos([0.0, 0.0, -60000.0])
    np.testing.assert_allclose(
        head.rotate_dipole_to_surface_normal(np.eye(3)), np.diag([1.0, -1.0, -1.0]), atol=1e-15
    )


def test_both_layouts_give_the_same(tmp_path: Path) -> None:
    ny = made.new_york(tmp_path / "ny.mat").path
    plain = made.lead_field(tmp_path / "plain.h5")
    a, b = load_head_model(ny), load_head_model(plain.path)
    np.testing.assert_array_equal(a.columns([4, 0, 4]), b.columns([4, 0, 4]))
    np.testing.assert_allclose(a.positions, b.positions)
    np.testing.assert_allclose(a.electrodes, b.electrodes)
    assert list(b.names)[:2] == ["A0", "A1"]
    assert set(a.sites) == set(NY_SITES)
    np.testing.assert_allclose(b.get_transformation_matrix(7), 1e-9 * plain.field[7].T, rtol=1e-14)


@pytest.mark.parametrize(
    ("units", "factor"), [("mV/(nA um)", 1.0), ("V/(A m)", 1e-12), ("uV/(nA m)", 1e-9)]
)
def test_units_are_converted(tmp_path: Path, units: str, factor: float) -> None:
    head = made.lead_field(tmp_path / "a.h5", units=units)
    lead_field = load_head_model(head.path)
    np.testing.assert_allclose(
        lead_field.get_transformation_matrix(0), factor * head.field[0].T, rtol=1e-14
    )


def test_magnetic_lead_field(tmp_path: Path) -> None:
    file = made.lead_field(tmp_path / "a.h5", units="T/(A m)").path
    lead_field = load_head_model(file, "meg")
    assert lead_field.units == "T"
    with pytest.raises(InputError, match="lead field is in T per nA um, no EEG"):
        load_head_model(file)


def test_far_from_every_source(tmp_path: Path) -> None:
    head = load_head_model(made.lead_field(tmp_path / "a.h5").path)
    with pytest.raises(InputError, match="outside the cortex; the nearest source is at"):
        head.nearest([0.0, 0.0, 200000.0])
    place = head.positions[3] + [0.0, 1500.0, 0.0]
    assert head.nearest(place) == 3


def test_unknown_site(tmp_path: Path) -> None:
    head = NYHeadModel(made.new_york(tmp_path / "ny.mat").path)
    with pytest.raises(UsageError, match="nor a site of this model; did you mean 'parietal_lobe'"):
        head.set_dipole_pos("parietal_lob")


def damage(file: h5py.File, how: str) -> None:
    if how == "units":
        file["leadfield"].attrs["units"] = "parsec"
    elif how == "no units":
        del file["leadfield"].attrs["units"]
    elif how == "length units":
        file["positions"].attrs["units"] = "inch"
    elif how == "text":
        del file["positions"]
        file["positions"] = np.full((33, 3), b"x")
        file["positions"].attrs["units"] = "mm"
    elif how == "nan":
        file["normals"][2, 1] = np.nan
    elif how == "missing":
        del file["electrodes/positions"]
    elif how == "empty":
        del file["leadfield"]
        file["leadfield"] = np.zeros((0, 3, 11))
    else:
        shape = {"two axes": (33, 3), "other sources": (32, 3, 11), "other electrodes": (33, 3, 9)}
        del file["leadfield"]
        file["leadfield"] = np.zeros(shape[how])
        file["leadfield"].attrs["units"] = "V/(A m)"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("units", r"has units 'parsec' \[.*:/leadfield\]; known units: mV/\(nA um\)"),
        ("no units", "has no attribute 'units'"),
        ("length units", "has units 'inch'"),
        ("text", "has type .S1, expected numbers"),
        ("nan", "NaN"),
        ("missing", "no such dataset"),
        ("empty", "has shape"),
        ("two axes", r"has shape \(33, 3\), expected \(any, 3, any\)"),
        ("other sources", r"has shape \(33, 3\), expected \(32, 3\)"),
        ("other electrodes", "holds 11 names for 9 electrodes"),
    ],
)
def test_bad_files(tmp_path: Path, how: str, text: str) -> None:
    file = made.lead_field(tmp_path / "a.h5").path
    with h5py.File(file, "a") as opened:
        damage(opened, how)
    with pytest.raises(InputError, match=text):
        load_head_model(file)


def test_bad_new_york_file(tmp_path: Path) -> None:
    file = made.new_york(tmp_path / "a.mat").path
    with h5py.File(file, "a") as opened:
        del opened["sa/cortex75K/vc"]
        opened["sa/cortex75K/vc"] = np.zeros((3, 12))
    with pytest.raises(InputError, match=r"shape \(3, 12\), expected \(3, 33\)"):
        load_head_model(file)


def test_what_is_no_file_of_the_kind(tmp_path: Path) -> None:
    text = tmp_path / "a.mat"
    text.write_text("MATLAB 5.0")
    with pytest.raises(InputError, match="is no HDF5 file"):
        load_head_model(text)
    with pytest.raises(InputError, match="no such file"):
        load_head_model(tmp_path / "b.mat")


def test_nan_at_the_source_in_use(tmp_path: Path) -> None:
    file = made.lead_field(tmp_path / "a.h5").path
    with h5py.File(file, "a") as opened:
        opened["leadfield"][5, 1, 2] = np.nan
    head = load_head_model(file)
    assert np.all(np.isfinite(head.columns([4, 6])))
    with pytest.raises(InputError, match="NaN"):
        head.columns([5])


def test_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    path = cached_file()
    assert path == tmp_path / "lfp" / "sa_nyhead.mat"
    with pytest.raises(InputError, match="nothing is downloaded"):
        NYHeadModel()
    path.parent.mkdir()
    made.new_york(path)
    with pytest.raises(InputError, match="sha256sum"):
        NYHeadModel()
    sums = path.with_name("sa_nyhead.mat.sha256")
    sums.write_text(hashlib.sha256(path.read_bytes()).hexdigest() + "  -\n")
    head = NYHeadModel()
    assert head.get_transformation_matrix().shape == (11, 3)
    sums.write_text("0" * 64)
    with pytest.raises(InputError, match="checksum of the cached head model is wrong"):
        NYHeadModel()
