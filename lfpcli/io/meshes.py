"""Meshes of tetrahedra from Gmsh's files, and tables of the conductivities of their tissues."""

from __future__ import annotations

import csv
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, MissingDependencyError, UsageError, nearest
from lfpcli.io import stream
from lfpcli.io.montage import UM

# files of other programs that are known by name, and what to do with them
_OTHERS = {
    ".mph": (
        "a model of COMSOL",
        "export the potential of each contact as text for --fields, or mesh it with Gmsh",
    ),
    ".mphtxt": ("a mesh of COMSOL", "convert it with Gmsh to .msh"),
    ".smash": ("a project of Sim4Life", "export the potential of each contact for --fields"),
    ".vtk": ("a file of VTK", "convert it with Gmsh to .msh"),
    ".vtu": ("a file of VTK", "convert it with Gmsh to .msh"),
    ".stl": ("a surface", "mesh the volume, and write .msh"),
}
# quantities of Gmsh's elements that say which tissue they are of, the first that is there
_TAGS = ("gmsh:physical", "gmsh:geometrical")
_COLUMNS = ("tag", "name", "sigma", "sxx", "syy", "szz", "sxy", "sxz", "syz")


@dataclass(frozen=True, kw_only=True)
class TaggedMesh:
    """Tetrahedra with the number of the tissue that each is of.

    Attributes
    ----------
    points : ndarray, shape (P, 3)
        um.
    elements : ndarray of int, shape (M, 4)
        Corners.
    tags : ndarray of int, shape (M,)
        Physical groups of Gmsh.
    names : dict of int to str
        Names of the groups, where the file has them.
    """

    points: np.ndarray
    elements: np.ndarray
    tags: np.ndarray
    names: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """A row of a table of tissues.

    Attributes
    ----------
    tag : int
        Number of the tissue in the mesh.
    name : str
        Its name.
    sigma : ndarray, shape (3, 3)
        Conductivity, S/m.
    """

    tag: int
    name: str
    sigma: np.ndarray


def read_mesh(path: str | os.PathLike[str], unit: str) -> TaggedMesh:
    """Read a mesh of Gmsh, format 2 or 4, text or binary, as SimNIBS writes them too.

    Parameters
    ----------
    path : path-like
        A .msh file.
    unit : {'um', 'mm', 'cm', 'm'}
        Unit of its lengths.

    Raises
    ------
    InputError
        Where it is no such mesh, or has no tetrahedra or no numbers of tissues.
    MissingDependencyError
        Where meshio is not installed.
    """
    if unit not in UM:
        raise UsageError(f"unknown unit '{unit}' of a mesh", remedy=nearest(unit, UM, "unit"))
    stream.check_input(path)
    suffix = Path(path).suffix.lower()
    if suffix != ".msh":
        raise foreign_file(path, "no mesh of Gmsh", "give a .msh file")
    mesh = _read(Path(path))
    blocks = [k for k, block in enumerate(mesh.cells) if block.type == "tetra"]
    if not blocks:
        kinds = ", ".join(sorted({block.type for block in mesh.cells})) or "nothing"
        raise InputError(
            f"has no tetrahedra with four corners, but {kinds}",
            source=path,
            remedy="mesh the volume, of first order",
        )
    name = next((name for name in _TAGS if name in mesh.cell_data), None)
    if name is None:
        raise InputError(
            "does not say which tissue its elements are of",
            source=path,
            remedy="give each volume a physical group in Gmsh",
        )
    points = np.asarray(mesh.points, dtype=float)[:, :3] * UM[unit]
    if not np.all(np.isfinite(points)):
        raise InputError(
            "holds points that are not finite", source=path, remedy="make the mesh again"
        )
    elements = np.concatenate([np.asarray(mesh.cells[k].data, np.int64) for k in blocks])
    if elements.min() < 0 or elements.max() >= len(points):
        raise InputError(
            "has elements with corners that are not there",
            source=path,
            remedy="make the mesh again",
        )
    tags = np.concatenate([np.asarray(mesh.cell_data[name][k], np.int64) for k in blocks])
    groups = {int(value[0]): label for label, value in mesh.field_data.items() if value[1] == 3}
    # surfaces and points of electrodes are no part of the volume
    used, elements = np.unique(elements, return_inverse=True)
    return TaggedMesh(
        points=points[used], elements=elements.reshape(-1, 4), tags=tags, names=groups
    )


def foreign_file(path: str | os.PathLike[str], otherwise: str, remedy: str) -> InputError:
    """The error that a file is of a format that is known by name and not read, or of none."""
    suffix = Path(path).suffix.lower()
    format_name, advice = _OTHERS.get(suffix, (otherwise, remedy))
    return InputError(f"is {format_name}, which is not read", source=path, remedy=advice)


def _read(path: Path) -> Any:
    try:
        import meshio
    except ImportError as error:
        raise MissingDependencyError(
            "meshes need meshio, which is not installed", remedy="pip install 'lfpcli[fem]'"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return meshio.gmsh.read(path)
    # a file of strangers makes the reader fail in any way, and it ends the process by SystemExit
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:120]
        raise InputError(
            f"is no mesh that can be read{f' ({text})' if text else ''}",
            source=path,
            remedy="write it from Gmsh as format 2.2 or 4.1",
        ) from error


def read_tissues(path: str | os.PathLike[str]) -> list[Tissue]:
    """Read a table of tissues: tag, sigma or the tensor's six numbers, and a name where wanted.

    Parameters
    ----------
    path : path-like
        A .csv file whose first line names the columns: tag, name, sigma, or sxx, syy, szz, sxy,
        sxz and syz instead of sigma; S/m.

    Raises
    ------
    InputError
        Where a row is not what it should be; names its line.
    """
    stream.check_input(path)
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    rows = list(csv.reader(io.StringIO(text)))
    head = [cell.strip() for cell in rows[0]] if rows else []
    unknown = [name for name in head if name not in _COLUMNS]
    if unknown or "tag" not in head or ("sigma" in head) == ("sxx" in head):
        raise InputError(
            f"has the columns {', '.join(head) or 'none'}",
            source=f"{path}:1",
            remedy="give tag,sigma or tag,sxx,syy,szz,sxy,sxz,syz, and name where wanted",
        )
    tissues: list[Tissue] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        tissue = _tissue(head, row, f"{path}:{number}")
        if tissue.tag in {known.tag for known in tissues}:
            raise InputError(
                f"tag {tissue.tag} is there twice",
                source=f"{path}:{number}",
                remedy="leave one of the rows out",
            )
        tissues.append(tissue)
    if not tissues:
        raise InputError("has no tissues", source=path, remedy="give each a row")
    return tissues


def _tissue(head: list[str], row: list[str], source: str) -> Tissue:
    if len(row) != len(head):
        raise InputError(
            f"has {len(row)} cells for {len(head)} columns",
            source=source,
            remedy="write a cell for each column",
        )
    values = dict(zip(head, (cell.strip() for cell in row), strict=True))
    label = values.pop("name", "")
    try:
        numbers = {key: float(value) for key, value in values.items()}
    except ValueError as error:
        raise InputError(
            f"holds no numbers: {error}", source=source, remedy="write numbers, S/m"
        ) from error
    if numbers["tag"] != int(numbers["tag"]):
        raise InputError(
            f"tag {numbers['tag']:g} is no whole number",
            source=source,
            remedy="write the number of the physical group",
        )
    tag = int(numbers.pop("tag"))
    if "sigma" in numbers:
        sigma = numbers["sigma"] * np.eye(3)
    else:
        off = {key: numbers.get(key, 0.0) for key in ("sxy", "sxz", "syz")}
        sigma = np.diag([numbers["sxx"], numbers.get("syy", np.nan), numbers.get("szz", np.nan)])
        sigma += np.array(
            [[0, off["sxy"], off["sxz"]], [off["sxy"], 0, off["syz"]], [off["sxz"], off["syz"], 0]]
        )
    if not np.all(np.isfinite(sigma)) or np.linalg.eigvalsh(sigma).min() <= 0:
        raise InputError(
            f"the conductivity of tissue {tag} is not positive",
            source=source,
            remedy="give S/m above 0; air is a small number, such as 1e-6",
        )
    return Tissue(tag=tag, name=label, sigma=sigma)


def tissue_sigmas(mesh: TaggedMesh, tissues: list[Tissue], source: str) -> np.ndarray:
    """Conductivity tensors of the elements of a mesh, shape (M, 3, 3), S/m.

    Parameters
    ----------
    mesh : TaggedMesh
        The mesh.
    tissues : list of Tissue
        The table.
    source : str
        Name of the table, for messages.

    Raises
    ------
    InputError
        Where the table lacks a tissue of the mesh, or has one that the mesh lacks.
    """
    table = {tissue.tag: tissue.sigma for tissue in tissues}
    _check_tissues(mesh, list(table), source)
    tags, index = np.unique(mesh.tags, return_inverse=True)
    return np.stack([table[tag] for tag in tags.tolist()])[index]


def _check_tissues(mesh: TaggedMesh, known: list[int], source: str) -> None:
    lacking = [tag for tag in np.unique(mesh.tags).tolist() if tag not in known]
    if lacking:
        labels = [
            f"{tag} ({mesh.names[tag]})" if tag in mesh.names else str(tag) for tag in lacking
        ]
        raise InputError(
            f"lacks the tissues {', '.join(labels[:8])} of the mesh",
            source=source,
            remedy="give each a row with its sigma",
        )
    unknown = [str(tag) for tag in known if tag not in mesh.tags]
    if unknown:
        raise InputError(
            f"has the tissues {', '.join(unknown[:8])}, which the mesh has not",
            source=source,
            remedy="leave their rows out, or look whether tags are those of physical groups",
        )
