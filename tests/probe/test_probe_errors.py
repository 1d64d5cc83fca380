"""What `lfp probe` says of wrong input, and with which exit code."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from lfpcli.errors import LfpWarning

INPUT, USAGE = 3, 2


def refused(lfp, run: Path, tmp_path: Path, code: int, *options: object) -> str:
    out = tmp_path / "refused.h5"
    err = lfp("probe", run, "-o", out, *options, code=code).err
    assert not out.exists()
    assert list(tmp_path.glob(".lfp-*")) == []
    lines = err.strip().splitlines()
    assert lines[-1].startswith("lfp probe: error: "), err
    assert "Traceback" not in err
    return lines[-1]


@pytest.mark.parametrize(
    ("code", "options", "text"),
    [
        (INPUT, ["--array", "Neuropixels-129"], "did you mean 'Neuropixels-128'?"),
        (INPUT, ["--array", "nowhere/array.yaml"], "no such file"),
        (INPUT, ["--contacts", "nothing.csv"], "no such file"),
        (USAGE, ["--array", "Neuropixels-128", "--contacts", "0,0,0"], "not allowed with"),
        (INPUT, [], "needs one of 'array', 'contacts', 'csd'"),
        (USAGE, ["--contacts", "30,0,0", "--sigma", "0"], "'0' is not above zero"),
        (USAGE, ["--contacts", "30,0,0", "--sigma", "0.3,0.2"], "not one or three"),
        (USAGE, ["--contacts", "30,0,0", "--sigma", "nan"], "not a finite number"),
        (INPUT, ["--contacts", "30,0,0", "--radius", "5"], "normal"),
        (USAGE, ["--contacts", "30,0,0", "--radius", "-5"], "below zero"),
        (INPUT, ["--contacts", "30,0,0", "--radius", "array"], "states no size"),
        (USAGE, ["--contacts", "30,0,0", "--rotate", "w=3"], "unknown key 'w'"),
        (USAGE, ["--contacts", "30,0,0", "--shift", "1,2"], "not three numbers"),
        (USAGE, ["--contacts", "30,0,0", "--quadrature", "0"], "not above zero"),
        (USAGE, ["--contacts", "30,0,b"], "'b' is not a number"),
        (USAGE, ["--contacts", "30,0,0", "--method", "lines"], "invalid choice"),
        (USAGE, ["--csd", "z=[0"], "z=[0"),
        (INPUT, ["--csd", "z=[-200, 800], dz=30, radius=400"], "30 um does not divide"),
        (INPUT, ["--csd", "z=[-200, 800], radius=400"], "needs the key 'dz'"),
        (INPUT, ["--csd", "z=[800, -200], dz=50, radius=400"], "the lower end first"),
        (INPUT, ["--csd", "z=[0, 100], dz=50, radious=4"], "did you mean 'radius'?"),
        (INPUT, ["--csd", "z=[0, 100], dz=50, radius=4", "--shift", "1,2,3"], "'csd' has none"),
        (INPUT, ["--csd", "z=[0, 9], dz=9, radius=4", "--medium", "sphere=99"], "'csd'"),
        (INPUT, ["--contacts", "30,0,0", "--medium", "infinit"], "did you mean 'infinite'?"),
        (INPUT, ["--contacts", "30,0,0", "--medium", "slice"], "write a table: {slice = ...}"),
        (INPUT, ["--contacts", "30,0,0", "--medium", "slice=300, sigma_salin=1"], "sigma_saline"),
        (INPUT, ["--contacts", "30,0,0", "--medium", "slice=300"], "outside the slice"),
        (INPUT, ["--contacts", "30,0,0", "--medium", "sphere=100"], "outside the sphere"),
        *(
            (INPUT, ["--contacts", "30,0,0", "--medium", medium], fault)
            for medium, fault in (
                ("regions=[{ball={centre=[0,0,0], radius=9}}]", "needs the key 'sigma'"),
                ("regions=[{sigma=1}]", "needs one of 'box', 'slab', 'cylinder', 'ball', 'shank'"),
                ("regions=[{shank={low=[9,0,0], high=[0,9,9]}}]", "has no inside"),
                ("regions=[{slab={low=900}, sigma=-1}]", "expected a number >= 0 (S/m), got -1"),
                ("regions=[{slab={low=9}, sigma=[1,0,1]}]", "zero along an axis"),
                (
                    "regions=[{slab={}, sigma=[[1,1,0],[1,1,0],[0,0,1]]}]",
                    "make it positive definite",
                ),
                ("regions=[{slab={}, sigma={f=[1,2]}}]", "expected a number >= 0 (S/m), three"),
                ("regions=[], background=0", "does not conduct"),
                ("regions=[], mesh='head.msh'", "unknown key"),
                ("regions=[{shank={low=[20,-9,-9], high=[50,9,9]}}]", "contact 0 at"),
                ("regions=[{slab={low=100}, sigma=0}]", "segments reach outside what conducts"),
            )
        ),
        (
            INPUT,
            ["--contacts", "30,0,0", "--medium", "regions=[]", "--sigma", "0.2"],
            "does not go with a medium of regions",
        ),
        (INPUT, ["--contacts", "30,0,0", "--medium", "half_space=0"], "outside the half space"),
        (
            INPUT,
            ["--contacts", "30,0,-1900", "--medium", "slice=3000, z_shift=-1500"],
            "a contact at z = -1900 um lies in an insulator",
        ),
        (
            INPUT,
            ["--contacts", "30,0,0", "--medium", "slice=9, sigma_saline=0, sigma_glass=0"],
            "insulated on both sides",
        ),
        (
            INPUT,
            ["--contacts", "30,0,0", "--medium", "sphere=9999", "--sigma", "1,1,2"],
            "give sigma as one number",
        ),
        (USAGE, ["--contacts", "30,0,0", "--filter", "300:9000"], "Hz"),
        (USAGE, ["--contacts", "30,0,0", "--filter", "300"], "300"),
        (USAGE, ["--contacts", "30,0,0", "--filter", "400:300"], "not below its high one"),
        (USAGE, ["--contacts", "30,0,0", "--noise", "blue:0.1", "--seed", "1"], "blue"),
        (USAGE, ["--contacts", "30,0,0", "--noise", "white"], "KIND:RMS"),
        (USAGE, ["--contacts", "30,0,0", "--resample", "0"], "not above zero"),
        (INPUT, ["--contacts", "30,0,0", "--name", "line total"], "has a signal 'line total'"),
        (INPUT, ["--contacts", "30,0,0", "--name", "a/b"], "cannot be a name"),
        (USAGE, ["--contacts", "30,0,0", "--window", "0,1"], "goes with --placements"),
    ],
)
def test_wrong_options(
    lfp, run: Path, tmp_path: Path, code: int, options: list[str], text: str
) -> None:
    assert text in refused(lfp, run, tmp_path, code, *options)


@pytest.mark.parametrize(
    ("table", "text", "line"),
    [
        ("", "", None),
        ("x,y,z\n", "", None),
        ("x,y,z\n1,2\n", "", 2),
        ("x,y,z\n1,2,3\n1,b,3\n", "'b'", 3),
        ("x,y,z\n1,2,nan\n", "", 2),
        ("x,y\n1,2\n", "z", 1),
        ("1,2\n", "3 or 6", 1),
        ("x,y,z,radius\n1,2,3,-4\n", "", None),
    ],
)
def test_wrong_tables_of_contacts(
    lfp, run: Path, tmp_path: Path, table: str, text: str, line: int | None
) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(table)
    error = refused(lfp, run, tmp_path, INPUT, "--contacts", path)
    assert text in error
    assert f"[{path}" in error or str(path) in error
    assert line is None or f"{path}:{line}]" in error


@pytest.fixture
def without_currents(lfp, run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "without.h5"
    lfp("probe", run, "--contacts", "30,0,0", "--name", "x", "-o", path)
    return path


def test_recording_without_currents(lfp, without_currents: Path, tmp_path: Path) -> None:
    error = refused(lfp, without_currents, tmp_path, INPUT, "--contacts", "30,0,0")
    assert "imem" in error
    assert "record.imem" in error


def test_no_recording(lfp, tmp_path: Path) -> None:
    path = tmp_path / "text.h5"
    path.write_text("no HDF5")
    assert "is no HDF5" in lfp("probe", path, "--contacts", "0,0,0", "-o", "x", code=INPUT).err
    assert "no such file" in lfp("probe", "none.h5", "--contacts", "0,0,0", "-o", "x", code=3).err
    assert "no recording is given" in lfp("probe", code=USAGE).err


def test_output_that_exists_stays(lfp, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "there.h5"
    path.write_text("mine")
    error = lfp("probe", run, "--contacts", "30,0,0", "--name", "x", "-o", path, code=4).err
    assert "--force" in error
    assert path.read_text() == "mine"


def test_contacts_inside_segments_are_told(lfp, run: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        err = lfp("probe", run, "--contacts", "0,0,1", "--name", "x", "-o", tmp_path / "o.h5").err
    texts = err + "".join(str(w.message) for w in caught if issubclass(w.category, LfpWarning))
    assert "contacts inside segments are taken at the radius" in texts
    assert "soma[0](0.5) of cell 0" in texts


def test_arrays_are_listed(lfp) -> None:
    names = lfp("probe", "--list").out.split()
    assert "Neuropixels-384" in names
    files = json.loads(lfp("probe", "--list", "--json").out)
    assert sorted(files) == sorted(names)
    assert all(Path(path).is_file() for path in files.values())
