"""Potentials of COMSOL and Sim4Life as lead fields of contacts."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording

CONTACT = np.array([60.0, 0.0, 300.0])
POTENTIAL = "FieldGroups/g/AllFields/EM Potential(x,y,z,f0)/_Object/Snapshots/0/comp0"
MEDIUM = "half_space=-1500, side='above'"


def potential(places: np.ndarray) -> np.ndarray:
    """Of 1 A at the contact, V, above an insulating plane z = -1500 um, at places in um."""
    image = CONTACT * [1, 1, -1] - [0, 0, 3000.0]
    total = 0.0
    for place in (CONTACT, image):
        total = total + 1e6 / np.maximum(np.linalg.norm(places - place, axis=-1), 1e-3)
    return np.asarray(total / (4 * np.pi * 0.3))


def sim4life(path: Path, current: float | None = 2e-9, shift: float = 0.0) -> Path:
    along = np.sinh(np.linspace(-4, 4, 40)) / np.sinh(4)
    x, y, z = (1500.0 * along + c for c in CONTACT)
    values = potential(np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1))
    with h5py.File(path, "w") as file:
        file[POTENTIAL] = np.stack([values * (current or 1.0), 0 * values], axis=-1)
        for axis, faces in zip("xyz", (x, y, z), strict=True):
            file[f"Meshes/m/axis_{axis}"] = 1e-6 * (faces + shift)
        if current is not None:
            file["CurrentApplied"] = current
    return path


def comsol(path: Path, unit: str = "um", size: float = 1.0) -> Path:
    rng = np.random.default_rng(1)
    away = rng.normal(size=(4000, 3))
    away *= (1400 * rng.uniform(0.01, 1, 4000) ** 2 / np.linalg.norm(away, axis=1))[:, None]
    ends = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]) * 1500.0
    points = CONTACT + np.concatenate([away, ends])
    rows = np.column_stack([size * points, 1e-9 * potential(points)])
    lines = [
        f"% Length unit: {unit}",
        "% x y z V (V)",
        *(" ".join(map(repr, r)) for r in rows.tolist()),
    ]
    path.write_text("\n".join(lines))
    return path


def signal(lfp, run: Path, out: Path, *options: object) -> np.ndarray:
    lfp("probe", run, "-o", out, "-f", *options)
    with open_recording(out) as recording:
        return recording.signal("LFP").data[()]


@pytest.mark.parametrize("program", ["sim4life", "comsol"])
def test_potentials_are_lead_fields(lfp, run: Path, tmp_path: Path, program: str) -> None:
    lead, out = tmp_path / "lead.h5", tmp_path / "out.h5"
    if program == "sim4life":
        options = ["--fields", sim4life(tmp_path / "field.h5")]
    else:
        options = ["--fields", comsol(tmp_path / "field.txt"), "--current", "1e-9"]
    got = lfp("leadfield", "60,0,300", *options, "-o", lead)
    assert "1 contacts, error at most" in got.err
    found = signal(lfp, run, out, "--lead-field", lead)
    expected = signal(lfp, run, out, "--contacts", "60,0,300", "--medium", MEDIUM)
    assert np.abs(found - expected).max() < 2e-2 * np.abs(expected).max()
    assert "lead fields" in lfp("check", lead).out and "field." in lfp("info", lead).out


@pytest.mark.parametrize(
    ("make", "options", "code", "fault"),
    [
        (lambda p: sim4life(p / "f.h5", None), [], 3, "tells no CurrentApplied"),
        (lambda p: sim4life(p / "f.h5"), ["--current", "1"], 2, "the file tells its current"),
        (lambda p: sim4life(p / "f.h5", -2e-9), [], 0, "1 contacts"),
        (lambda p: sim4life(p / "f.h5", shift=900.0), [], 3, "check the unit and axes"),
        (lambda p: comsol(p / "f.txt"), [], 2, "give --current AMPERE"),
        (lambda p: comsol(p / "f.txt"), ["--current", "1"], 3, "conductivity of 3e+08 S/m"),
        (lambda p: comsol(p / "f.txt"), ["--current", "-1e-9"], 3, "the current and its sign"),
        (lambda p: comsol(p / "f.txt", "mm", 1e-3), ["--current", "1e-9"], 3, "not in um"),
        (lambda p: comsol(p / "f.txt", "um", 1e-3), ["--current", "1e-9"], 3, "check the unit"),
        (lambda p: comsol(p / "f.mph"), ["--current", "1"], 3, "is a model of COMSOL, which is"),
        (lambda p: comsol(p / "f.smash"), ["--current", "1"], 3, "is a project of Sim4Life"),
        (lambda p: comsol(p / "f.vtu"), ["--current", "1"], 3, "is a file of VTK"),
        (lambda p: p / "none.txt", ["--current", "1"], 3, "none.txt"),
    ],
)
def test_what_does_not_fit_is_told(lfp, tmp_path: Path, make, options, code, fault) -> None:
    out = tmp_path / "lead.h5"
    got = lfp("leadfield", "60,0,300", "--fields", make(tmp_path), *options, "-o", out, code=code)
    assert fault in got.err and got.err.count("\n") == 1 and out.exists() == (code == 0)


def test_each_contact_has_a_file(lfp, tmp_path: Path) -> None:
    field, out = sim4life(tmp_path / "f.h5"), tmp_path / "lead.h5"
    got = lfp("leadfield", "60,0,300", "--fields", field, field, "-o", out, code=2)
    assert "there are 2 fields for 1 contacts" in got.err
    got = lfp("leadfield", "60,0,300", "--current", "1", "-o", out, code=2)
    assert "--current goes with --fields" in got.err
    options = ("--fields", field, "--medium", "regions=[]", "-o", out)
    assert "--fields has its medium" in lfp("leadfield", "60,0,300", *options, code=2).err
