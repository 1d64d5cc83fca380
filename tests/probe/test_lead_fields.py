"""Lead fields in files: the same numbers, and files that are none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording

MEDIUM = "regions=[{slab={low=-1500, high=1500}, sigma=0.3}, {slab={high=-1500}, sigma=0}]"
MEDIUM += ", background=1.5, tolerance=0.02"

MPIRUN = shutil.which(
    "mpirun", path=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


@pytest.fixture(scope="module")
def lead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lfpcli.cli.main import main

    path = tmp_path_factory.mktemp("lead") / "lead.h5"
    assert main(["leadfield", "60,0,300", "--medium", MEDIUM, "-o", str(path), "-q"]) == 0
    return path


def signal(lfp, run: Path, out: Path, *options: object) -> np.ndarray:
    lfp("probe", run, "-o", out, "-f", *options)
    with open_recording(out) as recording:
        return recording.signal("LFP").data[()]


def test_numbers_are_those_of_the_medium(lfp, run: Path, tmp_path: Path, lead: Path) -> None:
    out = tmp_path / "out.h5"
    by_file = signal(lfp, run, out, "--lead-field", lead)
    with open_recording(out) as recording:
        parameters = recording.signal("LFP").parameters
    assert parameters["lead_field"] == "lead.h5" and 0 < parameters["medium_error"] < 0.02
    stated = signal(lfp, run, out, "--contacts", "60,0,300", "--medium", MEDIUM)
    assert np.array_equal(by_file, stated)


def test_probe_of_a_model(lfp, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "share/examples/medium.toml", tmp_path)
    model = tmp_path / "medium.toml"
    got = lfp("leadfield", model, "-o", tmp_path / "lead.h5", code=3)
    assert "has 2 such probes" in got.err and "'slice', 'shank'" in got.err
    options = ("--name", "slice", "-o", tmp_path / "lead.h5", "--json")
    rows = json.loads(lfp("leadfield", model, *options).out)
    assert [row["contact"] for row in rows] == ["0", "1"]
    assert all(0 < row["error"] < 1e-3 for row in rows)
    assert lfp("leadfield", model, *options, code=4).err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (["30,0,0"], 2, "contacts need a medium"),
        (["30,0,0", "--medium", "slice=300"], 3, "unknown key"),
        (["30,0,0", "--medium", "regions=[]", "--name", "x"], 2, "leave it out"),
        (["30,0,0", "--medium", "regions=[{slab={high=9}, sigma=0}]"], 3, "does not conduct"),
        (["none.csv", "--medium", "regions=[]"], 3, "no such file"),
        (["1,2,3", "--medium", "regions=[{slab={high=9}, sigma=-1}]"], 3, "a number >= 0"),
        (["1,2,3", "--medium", "regions=[{slab={high=9}, sigma=nan}]"], 3, "got nan"),
        (
            ["1,2,3", "--medium", "regions=[{slab={}, sigma=[[1,2,0],[0,1,0],[0,0,1]]}]"],
            3,
            "is not symmetric",
        ),
        (["1,2,3", "--medium", "regions=[{slab={high=9}, metal=true}]"], 3, "metal has no end"),
        (
            ["1,2,3", "--medium", "regions=[{shank={low=[0,0,0],high=[9,9,9]}, metal=true}]"],
            3,
            "'metal' and 'shank'",
        ),
    ],
)
def test_wrong_sources(lfp, tmp_path: Path, arguments: list, code: int, fault: str) -> None:
    got = lfp("leadfield", *arguments, "-o", tmp_path / "lead.h5", code=code)
    assert fault in got.err and not (tmp_path / "lead.h5").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty [{file}]"),
        ("regions = [[[\n", "malformed TOML"),
        ("tolerance = 0.1\n", "is no medium: it has none of slice, sphere, half_space, regions"),
        ("[[probe]]\nmedium = {{regions = []}}\n", "is no medium"),
        ("background = 0.3\nregions = [{{slab = {{high = 9}}}}]\n", "'sigma' [{file}:2]"),
        ("[medium]\nregions = []\ntoleranc = 1\n", "key 'toleranc': unknown key [{file}:3]"),
    ],
)
def test_files_of_media_name_their_lines(lfp, tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "medium.toml"
    path.write_text(text.format())
    got = lfp("leadfield", "1,2,3", "--medium", path, "-o", tmp_path / "lead.h5", code=3)
    assert fault.format(file=path) in got.err and got.err.count("\n") == 1


def test_media_as_files_and_inline(lfp, run: Path, tmp_path: Path) -> None:
    """With or without [medium]; a table may end in a brace; paths count from the file."""
    path, lead = tmp_path / "medium.toml", tmp_path / "lead.h5"
    for text in ("regions = []\nbackground = 0.5\n", "[medium]\nregions = []\nbackground = 0.5\n"):
        path.write_text(text)
        lfp("leadfield", "60,0,300", "--medium", path, "-o", lead, "-f")
        with h5py.File(lead) as file:
            assert json.loads(file.attrs["medium"])["background"] == [0.5, 0.5, 0.5]
    got = lfp("leadfield", "1,2,3", "--medium", "regions={slab={}}", "-o", lead, "-f", code=3)
    assert "key 'regions': expected a list" in got.err
    got = lfp("leadfield", "1,2,3", "--medium", lead, "-o", tmp_path / "n.h5", code=2)
    assert "is no table of regions; write 'regions=[...]', or name a .toml file" in got.err
    (tmp_path / "gm.csv").write_text("frequency,sigma,epsilon_r\n1,0.3,9\n1e4,0.3,9\n")
    path.write_text('regions = [{slab = {high = -1500}, dispersion = {file = "gm.csv"}}]\n')
    options = ("--contacts", "60,0,300", "--medium", path, "-o", tmp_path / "out.h5")
    lfp("probe", run, *options)


def test_heads_are_other_files(lfp, run: Path, tmp_path: Path, lead: Path) -> None:
    for command in ("eeg", "meg"):
        options = ("--model", "lead-field", "--head-model", lead, "--position", "0,0,70000")
        got = lfp(command, run, *options, "-o", tmp_path / "out.h5", code=3)
        assert "holds lead fields of contacts, no head" in got.err


def spoilt(lead: Path, tmp_path: Path, change) -> Path:
    path = tmp_path / "spoilt.h5"
    shutil.copy(lead, path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(name: str, values: np.ndarray):
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda file: file.attrs.__setitem__("format", "other"), "holds no lead fields"),
        (lambda file: file.attrs.__setitem__("medium", "{"), "tells no medium"),
        (lambda file: file.attrs.__setitem__("medium", '{"regions": 3}'), "expected"),
        (lambda file: file.__delitem__("fields/0"), "is missing"),
        (lambda file: file["fields/0"].attrs.__setitem__("ratio", 1.0), "not above 1"),
        (replaced("fields/0/sigma", np.array([0.3, 0, 0.3])), "three numbers > 0"),
        (replaced("fields/0/fine/x", np.array([1.0, 0.0, 2.0])), "do not ascend"),
        (replaced("fields/0/fine/x", np.arange(9.0)), "the grid's shape"),
        (replaced("fields/0/fine/conductivities", np.zeros((0, 3))), "cells of no medium"),
        (replaced("fields/0/coarse/remainder", np.full((3, 3, 3), np.nan)), "grid's shape"),
    ],
)
def test_wrong_files(lfp, run: Path, tmp_path: Path, lead: Path, change, fault: str) -> None:
    path = spoilt(lead, tmp_path, change)
    got = lfp("probe", run, "--lead-field", path, "-o", tmp_path / "out.h5", code=3)
    assert fault in got.err and "Traceback" not in got.err
    assert not (tmp_path / "out.h5").exists()


def test_what_the_file_says_is_not_said_again(lfp, run: Path, tmp_path: Path, lead: Path) -> None:
    for options in (["--shift", "1,2,3"], ["--sigma", "0.2"], ["--medium", "slice=300"]):
        got = lfp("probe", run, "--lead-field", lead, *options, "-o", tmp_path / "o.h5", code=3)
        assert "which 'lead_field' has" in got.err


def test_files_tell_how_they_were_made(lfp, tmp_path: Path, lead: Path) -> None:
    got = lfp("info", lead)
    assert "lead fields" in got.out and "1 contact, error at most" in got.out
    assert "$ lfp leadfield 60,0,300 --medium" in got.out and '"background"' in got.out
    rows = [line.split() for line in lfp("info", lead, "-v").out.splitlines()]
    assert ["0", "60", "0", "300"] in [row[:4] for row in rows]
    facts = json.loads(lfp("info", lead, "--json").out)
    assert facts["kind"] == "lead fields" and 0 < facts["contacts"][0]["error"] < 0.02
    assert facts["provenance"]["command"][:3] == ["lfp", "leadfield", "60,0,300"]
    checked = lfp("check", lead)
    assert "lead fields" in checked.out and "1 contacts, error" in checked.out
    again = tmp_path / "again.h5"
    lfp("leadfield", "60,0,300", "--medium", MEDIUM, "-o", again)
    lfp("diff", lead, again, "--exact")
    broken = spoilt(lead, tmp_path, lambda file: file.__delitem__("fields/0/fine/media"))
    lfp("check", broken, code=1)
    lfp("diff", lead, broken, code=1)


@pytest.mark.skipif(MPIRUN is None, reason="no mpirun; pip install 'lfpcli[mpi]'")
def test_ranks_share_the_contacts(lfp, tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("x,y,z\n60,0,300\n60,0,500\n60,0,700\n")
    arguments = ["leadfield", str(contacts), "--medium", MEDIUM, "-o"]
    lfp(*arguments, tmp_path / "one.h5")
    command = [str(MPIRUN), "--oversubscribe", "-n", "2", sys.executable, "-m", "lfpcli"]
    command += [*arguments, str(tmp_path / "two.h5")]
    subprocess.run(command, check=True, timeout=1200, env={**os.environ, **AS_ROOT})
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_error_of_each_contact_is_told(lfp, run: Path, tmp_path: Path) -> None:
    options = ("--contacts", "60,0,300", "--medium", MEDIUM, "-o", tmp_path / "out.h5")
    err = lfp("probe", run, *options, "-v").err
    assert "probe LFP: error of the medium at most" in err and "(0: " in err
    assert "error of the medium" not in lfp("probe", run, *options, "-f").err


ROWS = [[0.3, 0.1, 0.05], [0.1, 0.4, 0.0], [0.05, 0.0, 0.2]]


@pytest.mark.parametrize(
    "medium",
    [
        "regions=[{slab={high=-1500}, sigma=0}, {box={low=[50,-30,290], high=[70,30,310]}, "
        "metal=true}], tolerance=0.5",
        f"regions=[{{slab={{high=-1500}}, sigma=0}}], background={ROWS}, tolerance=0.5",
    ],
    ids=["metal", "tensor"],
)
def test_other_media_go_through_a_file(lfp, run: Path, tmp_path: Path, medium: str) -> None:
    path, out = tmp_path / "lead.h5", tmp_path / "out.h5"
    lfp("leadfield", "60,0,300", "--medium", medium, "-o", path)
    by_file = signal(lfp, run, out, "--lead-field", path)
    stated = signal(lfp, run, out, "--contacts", "60,0,300", "--medium", medium)
    assert np.array_equal(by_file, stated) and np.abs(stated).max() > 0
    assert "lead fields" in lfp("check", path).out


def test_templates_by_a_file_are_those_of_the_medium(
    lfp, run: Path, tmp_path: Path, lead: Path
) -> None:
    """One cell at a place by a file of lead fields, as by the medium."""
    places = tmp_path / "places.csv"
    places.write_text("x,y,z\n-20,10,250\n")
    options = ("--cell", 1, "--placements", places, "-f")
    by_file, stated = tmp_path / "file.h5", tmp_path / "stated.h5"
    lfp("probe", run, *options, "--lead-field", lead, "-o", by_file)
    lfp("probe", run, *options, "--contacts", "60,0,300", "--medium", MEDIUM, "-o", stated)
    with h5py.File(by_file) as one, h5py.File(stated) as other:
        assert np.array_equal(one["templates"][()], other["templates"][()])
        assert np.abs(one["templates"][()]).max() > 0


def test_regions_that_overlap_are_refused_unless_one_is_over(lfp, tmp_path: Path) -> None:
    box = "box={low=[0,0,-9],high=[9,9,9]}, sigma=1.0"
    for entry, code in ((box, 3), (f"{box}, over=true", 0)):
        medium = f"regions=[{{slab={{high=0}}, sigma=0.2}}, {{{entry}}}], tolerance=0.9"
        options = ("--medium", medium, "-o", tmp_path / "x.h5")
        got = lfp("leadfield", "30,0,40", *options, code=code)
        assert (tmp_path / "x.h5").exists() == (code == 0)
        fault = "regions[0] and regions[1] overlap, and neither lies within the other"
        assert (fault in got.err and "over = true" in got.err) == (code == 3)
