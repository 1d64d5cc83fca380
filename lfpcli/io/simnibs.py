"""Lead fields of SimNIBS: electric fields of currents between electrodes and a reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.lead_field import LeadField
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, open_hdf5, whole
from lfpcli.io.montage import UM
from lfpcli.io.text import as_text

MESH = "mesh_leadfield"
FIELD = f"{MESH}/leadfields/tdcs_leadfield"
# what the attributes say of a file whose units are known
_KNOWN = {"field": "E", "units": "V/m", "current": "1A"}
_AGAIN = "compute it with SimNIBS' TDCSLEADFIELD, field = 'E'"
# V/m per A is V per A m; a dipole along the field has a potential against it
_SCALE = -1e-12


class _ByElectrode:
    """A field (E - 1, S, 3) as potentials (S, 3, E), those of the reference being zero."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, sources: np.ndarray) -> np.ndarray:
        with open_hdf5(self._path, remedy=_AGAIN) as file:
            stored = CheckedDataset(file[FIELD], f"{self._path}:/{FIELD}")
            values = np.asarray(stored[:, sources, :], dtype=float).transpose(1, 2, 0)
        if not np.all(np.isfinite(values)):
            raise InputError("holds NaN or infinity", source=stored.source, remedy=_AGAIN)
        return np.concatenate([np.zeros((*values.shape[:2], 1)), values], axis=2)


def simnibs_lead_field(file: h5py.File, path: Path) -> LeadField:
    """Read a lead field that SimNIBS 3 or 4 has written.

    Parameters
    ----------
    file : h5py.File
        It has `MESH`.
    path : Path
        Its name.

    Raises
    ------
    InputError
        Where it has no electric field per 1 A at nodes or elements.
    """
    source = f"{path}:/{FIELD}"
    if not isinstance(file.get(FIELD), h5py.Dataset):
        raise InputError("head model has no such dataset", source=source, remedy=_AGAIN)
    stored = numbers(file, FIELD, str(path), ndim=3, remedy=_AGAIN)
    for name, wanted in _KNOWN.items():
        stated = as_text(stored.attrs.get(name, ""))
        if stated != wanted:
            raise InputError(
                f"attribute '{name}' is '{stated}', expected '{wanted}'",
                source=source,
                remedy=_AGAIN,
            )
    electrodes, sources, components = stored.shape
    names = [as_text(name) for name in np.ravel(stored.attrs.get("electrode_names", []))]
    places = np.asarray(stored.attrs.get("electrode_pos", []), dtype=float)
    if len(names) != electrodes + 1 or places.shape != (len(names), 3) or components != 3:
        raise InputError(
            f"has {electrodes} fields for {len(names)} electrodes, expected one less",
            source=source,
            remedy=_AGAIN,
        )
    if as_text(stored.attrs.get("reference_electrode", "")) != names[0]:
        raise InputError(
            "has another reference than its first electrode", source=source, remedy=_AGAIN
        )
    return LeadField(
        matrix=_ByElectrode(path),
        scale=_SCALE,
        positions=_places(file, path, sources) * UM["mm"],
        electrodes=places * UM["mm"],
        names=names,
    )


def _places(file: h5py.File, path: Path, count: int) -> np.ndarray:
    """Places of the sources, (S, 3), mm: nodes, or the middles of elements."""

    def read(name: str, dtype: type = float) -> np.ndarray:
        return whole(numbers(file, f"{MESH}/{name}", str(path), remedy=_AGAIN), dtype)

    nodes = read("nodes/node_coord")
    if nodes.ndim == 2 and nodes.shape == (count, 3):
        return nodes
    middles = _middles(nodes, read)
    if len(middles) != count:
        raise InputError(
            f"has {count} places, and the mesh {len(nodes)} nodes and {len(middles)} elements",
            source=f"{path}:/{FIELD}",
            remedy=_AGAIN,
        )
    return middles


def _middles(nodes: np.ndarray, read: Callable[..., np.ndarray]) -> np.ndarray:
    """Middles of triangles and tetrahedra, (M, 3), mm; nodes count from 1."""
    numbers_of, types = read("elm/node_number_list", np.int64), read("elm/elm_type", np.int64)
    # Gmsh's number of triangles is 2, and their fourth corner is none
    corners = np.where(types == 2, 3, 4)
    inside = np.arange(4) < corners[:, None]
    index = np.where(inside, numbers_of[:, :4] - 1, 0)
    if index.min() < 0 or index.max() >= len(nodes):
        raise InputError("has elements of nodes that are not there", source=MESH, remedy=_AGAIN)
    total = np.sum(nodes[index] * inside[..., None], axis=1)
    return np.asarray(total / corners[:, None])
