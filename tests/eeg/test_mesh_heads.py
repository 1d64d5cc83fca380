"""Heads as meshes: against the four spheres, and what no mesh may be."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from ball_meshes import balls, write_mesh
from eeg_recordings import recording

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.four_sphere import RADII, SIGMAS, FourSphereVolumeConductor

pytest.importorskip("skfem")
pytest.importorskip("meshio")

from lfpcli.forward.mesh_head import MeshHead, lead_fields
from lfpcli.io.meshes import read_mesh, read_tissues, tissue_sigmas

SHELLS = [79.0, 80.0, 85.0, 90.0]
LAYERS = [12.0, 25.0, 40.0, 55.0, 68.0, 79.0, 80.0, 82.5, 85.0, 87.5, 90.0]
TISSUES = "tag,name,sigma\n1,brain,0.3\n2,csf,1.5\n3,skull,0.015\n4,scalp,0.3\n"
PLACES = np.array([[0.0, 0, 30], [20, 10, 40], [-30, 20, -10], [0, 45, 30]]) * 1e3


def head(rounds: int, **changes: np.ndarray) -> MeshHead:
    points, elements, tags = balls(LAYERS, SHELLS, rounds)
    parts = {"points": points * 1e3, "elements": elements, "sigma": np.array(SIGMAS)[tags - 1]}
    return MeshHead(**(parts | changes))


def spread(rounds: int) -> float:
    """Distance of lead fields from the series, relative to their size."""
    mesh = head(rounds)
    electrodes = np.array([[0.0, 0, 1], [0.6, 0, 0.8], [-0.5, 0.5, 0.707]]) * RADII[-1]
    places, distances = mesh.on_surface(electrodes)
    # triangles lie below the sphere that their corners are on
    assert distances.max() < 12_000
    found = lead_fields(mesh, places, ["a", "b", "c"], PLACES)
    sphere = FourSphereVolumeConductor(electrodes * (1 - 1e-9), RADII, SIGMAS)
    expected = sphere.lead_field(PLACES).transpose(1, 2, 0)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_four_spheres() -> None:
    """Figures of lfp-accuracy(7)."""
    coarse, fine = spread(1), spread(2)
    assert len(head(2).elements) == 9920
    assert fine < 0.034 and fine < 0.5 * coarse


@pytest.mark.parametrize("file_format", ["2.2 text", "2.2 binary", "4.1 text", "4.1 binary"])
def test_files_of_gmsh(tmp_path: Path, file_format: str) -> None:
    points, elements, tags = balls([40.0, 79.0, 90.0], [79.0, 90.0], 0)
    write_mesh(tmp_path / "ball.msh", points, elements, tags, file_format)
    mesh = read_mesh(tmp_path / "ball.msh", "mm")
    # blocks of a format may follow one another by tissue
    order = np.argsort(tags, kind="stable") if file_format[0] == "4" else np.arange(len(tags))
    corners = mesh.points[mesh.elements]
    assert corners == pytest.approx(points[elements[order]] * 1e3)
    assert np.array_equal(mesh.tags, tags[order])


def test_command_and_eeg(lfp, tmp_path: Path) -> None:
    run = recording(tmp_path / "run.h5").path
    points, elements, tags = balls(LAYERS, SHELLS, 1)
    mesh, table, lead = (tmp_path / name for name in ("h.msh", "t.csv", "lead.h5"))
    write_mesh(mesh, points, elements, tags, "2.2 binary")
    table.write_text(TISSUES)
    options = ("--sigma", table, "--electrodes", "10-20", "--sources", "brain", "-o", lead)
    got = lfp("leadfield", "--mesh", mesh, *options)
    assert "21 electrodes, moved onto the mesh by at most" in got.err
    lfp("leadfield", "--mesh", mesh, *options[:4], "-o", tmp_path / "usual.h5")
    with h5py.File(lead) as file, h5py.File(tmp_path / "usual.h5") as other:
        assert np.array_equal(file["leadfield"], other["leadfield"])
    table.write_text(TISSUES.replace("csf", "cortex"))
    got = lfp("leadfield", "--mesh", mesh, *options[:4], "-o", tmp_path / "n.h5", code=2)
    assert "2 tissues are named as the brain is" in got.err and "give --sources" in got.err
    table.write_text(TISSUES)
    with h5py.File(lead) as file:
        count = int(np.count_nonzero(tags == 1))
        assert file["leadfield"].shape == (count, 3, 21)
        assert file["leadfield"].attrs["units"] == "mV/(nA um)"
        assert "lfp" in file.attrs["provenance"]
        place = ",".join(str(value) for value in file["positions"][40])
    model = ("--model", "lead-field", "--head-model", lead, "--position", place)
    assert "$ lfp leadfield --mesh" in lfp("info", lead).out
    lfp("eeg", run, *model, "-o", tmp_path / "eeg.h5")
    assert lfp("leadfield", "--mesh", mesh, *options, code=4).err.count("\n") == 1


def changed(what: str) -> dict[str, np.ndarray]:
    """Parts of a mesh with a fault."""
    points, elements, _ = balls([40.0, 79.0, 90.0], [79.0, 90.0], 0)
    sigma = np.ones(len(elements))
    if what == "hole":
        keep = np.linalg.norm(points[elements].mean(axis=1), axis=1) > 40
        elements, sigma = elements[keep], sigma[keep]
    if what == "inverted":
        elements[5] = elements[5][[0, 1, 3, 2]]
    if what == "hanging":
        # a node on a face of one element, which the element behind that face has not
        a, b, c, d = elements[5]
        points = np.concatenate([points, points[[a, b, c]].mean(axis=0)[None]])
        new = len(points) - 1
        parts = [[new, b, c, d], [a, new, c, d], [a, b, new, d]]
        elements = np.concatenate([np.delete(elements, 5, axis=0), parts])
        sigma = np.ones(len(elements))
    if what == "flat":
        elements[5, 1] = elements[5, 0]
    if what == "parts":
        points = np.concatenate([points, points + 500.0])
        elements = np.concatenate([elements, elements + len(points) // 2])
        sigma = np.ones(len(elements))
    if what == "sigma":
        sigma[3] = 0.0
    if what == "empty":
        elements, sigma = elements[:0], sigma[:0]
    return {"points": points, "elements": elements, "sigma": sigma}


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("hole", "has holes, or nodes that hang on faces: its boundary is 2 surfaces"),
        ("hanging", "has holes, or nodes that hang on faces: its boundary is 2 surfaces"),
        ("inverted", "1 of 140 elements are inverted, the first is number 5"),
        ("flat", "1 elements have no volume"),
        ("parts", "2 parts that share no faces"),
        ("sigma", "conductivity of the mesh is not positive"),
        ("empty", "no tetrahedra"),
    ],
)
def test_faults_of_meshes(what: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        MeshHead(**changed(what))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tag,sigma\n1,0.3\n", "lacks the tissues 2 of the mesh"),
        ("tag,sigma\n1,0.3\n2,0\n", "tissue 2 is not positive"),
        ("tag,sigma\n1,0.3\n2,1\n1001,1\n", "has the tissues 1001, which the mesh has not"),
        ("tag,sigma\n1,0.3\n1,0.3\n", "tag 1 is there twice"),
        ("tag,sigma\n1,x\n", "holds no numbers"),
        ("tag,sigma\n1\n", "1 cells for 2 columns"),
        ("tag,sigmas\n1,1\n", "has the columns tag, sigmas"),
        ("tag,sxx,syy,szz,sxy\n1,1,1,1,2\n2,1,1,1,0\n", "tissue 1 is not positive"),
        ("", "file is empty"),
    ],
)
def test_faults_of_tissues(tmp_path: Path, text: str, fault: str) -> None:
    points, elements, tags = balls([40.0, 79.0, 90.0], [79.0, 90.0], 0)
    write_mesh(tmp_path / "ball.msh", points, elements, tags, "2.2 text")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=fault):
        tissue_sigmas(
            read_mesh(tmp_path / "ball.msh", "mm"), read_tissues(tmp_path / "t.csv"), "t.csv"
        )


def test_other_files_are_refused_by_name(lfp, tmp_path: Path) -> None:
    for name, fault in (
        ("a.mphtxt", "a mesh of COMSOL, which is not read"),
        ("a.smash", "a project of Sim4Life, which is not read"),
        ("a.msh", "no mesh that can be read"),
        ("a.txt", "no mesh of Gmsh"),
    ):
        (tmp_path / name).write_text("nothing")
        with pytest.raises(InputError, match=fault):
            read_mesh(tmp_path / name, "mm")
    with pytest.raises(UsageError, match="unknown unit"):
        read_mesh(tmp_path / "a.msh", "inch")
    out = ("-o", tmp_path / "lead.h5")
    assert "needs --sigma" in lfp("leadfield", "--mesh", "a.msh", *out, code=2).err
    assert "goes with --mesh" in lfp("leadfield", "1,2,3", "--sigma", "a", *out, code=2).err
    assert "no source is given" in lfp("leadfield", *out, code=2).err


def test_electrodes_and_sources_must_be_there(lfp, tmp_path: Path) -> None:
    points, elements, tags = balls([40.0, 79.0, 90.0], [79.0, 90.0], 0)
    mesh, table = tmp_path / "h.msh", tmp_path / "t.csv"
    write_mesh(mesh, points, elements, tags, "2.2 text")
    table.write_text("tag,name,sigma\n1,brain,0.3\n2,scalp,0.3\n")
    (tmp_path / "e.csv").write_text("name,x,y,z\nA,0,0,200000\n")
    (tmp_path / "s.csv").write_text("x,y,z\n0,0,95000\n")
    base = ("leadfield", "--mesh", mesh, "--sigma", table, "-o", tmp_path / "lead.h5")
    for unit, size in (("um", "0.1531"), ("m", "1.531e+05")):
        options = ("--electrodes", "10-20", "--sources", "brain", "--unit", unit)
        wrong = lfp(*base, *options, code=3)
        assert f"is {size} mm large in the unit {unit}" in wrong.err and "--unit" in wrong.err
    far = lfp(*base, "--electrodes", tmp_path / "e.csv", "--sources", "brain", code=3)
    assert "electrode A is" in far.err and "mm off the surface" in far.err
    lost = lfp(*base, "--electrodes", "10-20", "--sources", tmp_path / "s.csv", code=3)
    assert "1 sources lie outside the mesh" in lost.err
    none = lfp(*base, "--electrodes", "10-20", "--sources", "marrow", code=2)
    assert "no file of places and no tissue of the mesh" in none.err
