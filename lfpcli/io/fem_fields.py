"""Potentials that other programs have solved for a current at a contact: COMSOL and Sim4Life."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.io import stream
from lfpcli.io.meshes import foreign_file
from lfpcli.io.sonata.stimulation import read_comsol

# V per A in mV per nA, A in nA, m in um
_TO_MV_PER_NA, _NANO, _METRE = 1e-6, 1e-9, 1e6
_POTENTIAL = "AllFields/EM Potential(x,y,z,f0)/_Object/Snapshots/0/comp0"
_EXPECTED = "export the field of the potential from Sim4Life, with CurrentApplied (A)"


@dataclass(frozen=True, kw_only=True, eq=False)
class FemPotential:
    """A potential at nodes for a current at a contact.

    Attributes
    ----------
    points : ndarray, shape (P, 3)
        Nodes, um.
    values : ndarray, shape (P,)
        mV per nA.
    axes : tuple of three ndarray, or None
        Where the nodes are a grid, their places along x, y and z, um; values in C order then.
    """

    points: np.ndarray
    values: np.ndarray
    axes: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


def read_potential(path: str | os.PathLike[str], current: float | None) -> FemPotential:
    """Read a potential of COMSOL (text) or Sim4Life (HDF5).

    Parameters
    ----------
    path : path-like
        The file.
    current : float or None
        Current at the contact, A; needed of COMSOL's texts, which do not tell it.

    Raises
    ------
    InputError
        Where it is neither, its units are unknown, or a value is not finite.
    UsageError
        Where the current is not known, or told twice.
    """
    stream.check_input(path)
    suffix = Path(path).suffix.lower()
    if suffix in (".h5", ".hdf5", ".cache"):
        return _sim4life(Path(path), current)
    if suffix not in (".txt", ".csv", ".dat"):
        raise foreign_file(path, "no potential of COMSOL or Sim4Life", "export it as text or HDF5")
    table = read_comsol(Path(path))
    if table.potentials.shape[1] != 1:
        raise InputError(
            f"has {table.potentials.shape[1]} times",
            source=path,
            remedy="export one, of a constant",
        )
    if current is None:
        raise UsageError(
            "a potential of COMSOL does not tell its current", remedy="give --current AMPERE"
        )
    return FemPotential(points=table.points, values=table.potentials[:, 0] * _NANO / current)


def _sim4life(path: Path, current: float | None) -> FemPotential:
    """A potential on a rectilinear grid, as BlueRecording takes it from Sim4Life too."""
    with open_hdf5(path, remedy=_EXPECTED) as file:
        groups, meshes = file.get("FieldGroups"), file.get("Meshes")
        if not isinstance(groups, h5py.Group) or not isinstance(meshes, h5py.Group):
            raise InputError("has no FieldGroups and Meshes", source=path, remedy=_EXPECTED)
        fields = [f"FieldGroups/{name}/{_POTENTIAL}" for name in groups]
        fields = [name for name in fields if name in file]
        grids = [f"Meshes/{name}" for name in meshes if f"Meshes/{name}/axis_x" in file]
        if len(fields) != 1 or len(grids) != 1:
            raise InputError(
                f"has {len(fields)} potentials and {len(grids)} grids, expected one each",
                source=path,
                remedy=_EXPECTED,
            )
        x, y, z = (
            whole(numbers(file, f"{grids[0]}/axis_{axis}", str(path), ndim=1)) for axis in "xyz"
        )
        values = whole(numbers(file, fields[0], str(path), ndim=4))[..., 0]
        if "CurrentApplied" in file:
            if current is not None:
                raise UsageError("the file tells its current", remedy="leave --current out")
            current = float(np.ravel(whole(numbers(file, "CurrentApplied", str(path))))[0])
    if current is None or not current:
        raise InputError("tells no CurrentApplied", source=path, remedy="give --current AMPERE")
    axes = (_METRE * x, _METRE * y, _METRE * z)
    _check_grid(values, axes, path)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return FemPotential(points=points, values=values.ravel() * _TO_MV_PER_NA / current, axes=axes)


def _check_grid(
    values: np.ndarray, axes: tuple[np.ndarray, np.ndarray, np.ndarray], path: Path
) -> None:
    if values.shape != tuple(map(len, axes)):
        raise InputError(
            f"has a potential of shape {values.shape} on a grid of {tuple(map(len, axes))}",
            source=path,
            remedy="export the potential on the nodes of the grid",
        )
    if any(len(along) < 2 or np.any(np.diff(along) <= 0) for along in axes):
        raise InputError("has axes that do not ascend", source=path, remedy="export it again")
