"""Recordings and head model files for the tests of EEG and MEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, Sampled
from lfpcli.io.writer import RecordingWriter

SEGMENTS, SAMPLES, DT = 6, 40, 0.25


@dataclass
class Made:
    """A recording and what is in it."""

    path: Path
    geometry: dict[str, Geometry]
    imem: dict[str, np.ndarray]

    def moment(self, population: str, gid: int | None = None) -> np.ndarray:
        """Dipole moment (T, 3) of a population or of one of its cells."""
        geometry, imem = self.geometry[population], self.imem[population]
        rows = slice(None) if gid is None else geometry.gid == gid
        return imem[:, rows] @ geometry.middle[rows]


def cells(gids: Sequence[int], seed: int) -> tuple[Geometry, np.ndarray]:
    """Sticks with balanced currents (T, N)."""
    rng = np.random.default_rng(seed)
    count = len(gids)
    step = np.arange(SEGMENTS)[None, :, None] * np.array([0.0, 5.0, 40.0])
    start = (rng.uniform(-80, 80, (count, 1, 3)) + step).reshape(-1, 3)
    chain = np.arange(-1, SEGMENTS - 1)
    parent = np.array([[-1 if p < 0 else p + k * SEGMENTS for p in chain] for k in range(count)])
    geometry = Geometry(
        start,
        start + np.array([0.0, 5.0, 40.0]),
        np.full(count * SEGMENTS, 2.0),
        gid=np.repeat(np.asarray(gids), SEGMENTS),
        section=np.tile([0, *[1] * (SEGMENTS - 1)], count),
        parent=parent.ravel(),
        section_names=("soma[0]", "dend[0]"),
    )
    imem = rng.standard_normal((SAMPLES, count, SEGMENTS))
    imem -= imem.mean(axis=2, keepdims=True)
    return geometry, imem.reshape(SAMPLES, -1)


def recording(path: Path, *, dipole: str = "population", imem: bool = True, seed: int = 1) -> Made:
    """Two populations, E with cells 0 to 2 and I with 3 and 4."""
    made = Made(path, {}, {})
    with RecordingWriter(path, {"command": ["lfp", "sim"]}) as writer:
        for k, (name, gids) in enumerate((("E", [0, 1, 2]), ("I", [3, 4]))):
            geometry, currents = cells(gids, seed + k)
            made.geometry[name], made.imem[name] = geometry, currents
            writer.geometry(name, geometry)
            if imem:
                writer.report(
                    "imem",
                    name,
                    Report(
                        currents,
                        "nA",
                        DT,
                        node_ids=np.array(gids),
                        pointers=np.arange(len(gids) + 1) * SEGMENTS,
                        element_ids=geometry.section,
                        element_pos=geometry.x,
                    ),
                )
        _dipoles(writer, made, dipole)
    return made


def _dipoles(writer: RecordingWriter, made: Made, level: str) -> None:
    if level == "none":
        return
    groups = {name: made.moment(name) for name in ("E", "I")}
    if level in ("total", "population"):
        writer.dipole("total", Sampled(sum(groups.values()), "nA um", DT))
    if level == "population":
        for name, data in groups.items():
            writer.dipole(name, Sampled(data, "nA um", DT))
    if level == "cell":
        for name in groups:
            for gid in np.unique(made.geometry[name].gid):
                writer.dipole(str(gid), Sampled(made.moment(name, gid), "nA um", DT))


@dataclass
class Head:
    """A head model file and what is in it: mm and uV/(nA m) as the New York head has."""

    path: Path
    field: np.ndarray
    vertices: np.ndarray
    normals: np.ndarray
    electrodes: np.ndarray


def _head(path: Path) -> Head:
    rng = np.random.default_rng(5)
    vertices = np.vstack(
        [rng.uniform(-70, 70, (30, 3)), [[18.0, 8.0, 71.0], [54.5, -48.0, 56.0], [0, 0, -60.0]]]
    )
    normals = rng.standard_normal((33, 3))
    normals[-1] = [0.0, 0.0, -2.0]
    electrodes = rng.standard_normal((11, 3))
    electrodes *= 90.0 / np.linalg.norm(electrodes, axis=1, keepdims=True)
    return Head(path, rng.standard_normal((33, 3, 11)), vertices, normals, electrodes)


def new_york(path: Path) -> Head:
    """A small file of the New York head's layout."""
    head = _head(path)
    with h5py.File(path, "w") as file:
        cortex = file.create_group("sa/cortex75K")
        cortex["V_fem"] = head.field.transpose(1, 0, 2)
        cortex["vc"] = head.vertices.T
        cortex["normals"] = head.normals.T
        cortex["V_fem_normal"] = np.einsum("si,sie->se", head.normals, head.field)
        file["sa/locs_3D"] = np.vstack([head.electrodes.T, np.zeros((3, 11))])
    return head


def lead_field(path: Path, *, units: str = "uV/(nA m)", normals: bool = True) -> Head:
    """The same head in the plain layout."""
    head = _head(path)
    with h5py.File(path, "w") as file:
        file["leadfield"] = head.field
        file["leadfield"].attrs["units"] = units
        file["positions"] = head.vertices
        file["positions"].attrs["units"] = "mm"
        if normals:
            file["normals"] = head.normals
        file["electrodes/positions"] = head.electrodes
        file["electrodes/positions"].attrs["units"] = "mm"
        file["electrodes/names"] = [f"A{k}" for k in range(11)]
    return head
