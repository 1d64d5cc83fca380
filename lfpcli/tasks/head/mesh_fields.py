"""Lead fields of a head that is a mesh, as a file for EEG."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.mesh_head import MeshHead, lead_fields
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.array_tables import read_table
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.meshes import TaggedMesh, Tissue, read_mesh, read_tissues, tissue_sigmas
from lfpcli.io.montage import Montage, load_montage
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.storage import store

SIZES = 1_000.0, 1_000_000.0
"""Least and largest extent of a head, um, beyond which the unit of its mesh is a mistake."""
FARTHEST = 20_000.0
"""Distance of an electrode from the surface of the mesh, um, beyond which it is a mistake."""
SOURCES = ("brain", "grey matter", "gray matter", "grey", "gray", "gm", "cortex")
"""Names of tissues in which dipoles are, where nobody says in which."""


@dataclass(frozen=True, kw_only=True)
class MeshJob:
    """What lead fields are made of.

    Attributes
    ----------
    mesh, tissues : str
        A .msh file, and a table of its tissues.
    electrodes : str
        Name of a montage, or a file of electrodes.
    sources : str or None
        A table of places in um, or the name or tag of a tissue whose elements' middles they are.
        None is the tissue whose name is one of `SOURCES`.
    unit : str
        Unit of the mesh.
    project : bool
        Whether the electrodes of a file are moved onto the scalp from any distance.
    """

    mesh: str
    tissues: str
    electrodes: str
    sources: str | None
    unit: str = "mm"
    project: bool = False


def make_mesh_fields(
    job: MeshJob,
    output: str | os.PathLike[str],
    *,
    force: bool = False,
    command: Sequence[str] = ("lfp", "leadfield"),
) -> dict[str, float]:
    """Solve a mesh for electrodes and write the lead fields, in the layout of lfp-eeg(1).

    Parameters
    ----------
    job : MeshJob
        What they are made of.
    output : path-like
        File to write.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.

    Returns
    -------
    dict of str to float
        Distance of each electrode from the surface, um.

    Raises
    ------
    InputError, UsageError
        Where a file is not what it should be, or does not go with the others.
    """
    check_recording_output(output, force=force, noun="a file of lead fields")
    tissues = read_tissues(job.tissues)
    mesh = read_mesh(job.mesh, job.unit)
    head = _head(mesh, tissues, job)
    montage = _montage(head, job)
    places, distances = head.on_surface(montage.positions)
    _check_distances(montage, distances, job)
    sources = _sources(mesh, tissues, job)
    fields = lead_fields(head, places, montage.names, sources)
    names = [job.mesh, job.tissues, job.electrodes, job.sources]
    files = [Path(name) for name in names if name is not None]
    inputs = {str(path): digest(path) for path in files if path.is_file()}
    record = provenance(command, inputs=inputs)
    with atomic_output(output, force=force) as target, new_hdf5(target, checked=True) as file:
        file.attrs["provenance"] = json.dumps(record)
        store(file, "leadfield", fields, units="mV/(nA um)")
        store(file, "positions", sources, units="um")
        store(file, "electrodes/positions", places, units="um")
        store(file, "electrodes/names", np.array(montage.names, object))
    return dict(zip(montage.names, distances.tolist(), strict=True))


def _head(mesh: TaggedMesh, tissues: list[Tissue], job: MeshJob) -> MeshHead:
    sigma = tissue_sigmas(mesh, tissues, job.tissues)
    size = float(np.ptp(mesh.points, axis=0).max())
    if not SIZES[0] <= size <= SIZES[1]:
        raise InputError(
            f"is {size / 1e3:.4g} mm large in the unit {job.unit}",
            source=job.mesh,
            remedy="give the unit that its lengths have: --unit um, mm, cm or m",
        )
    try:
        return MeshHead(points=mesh.points, elements=mesh.elements, sigma=sigma)
    except InputError as error:
        error.source = error.source or job.mesh
        raise


def _montage(head: MeshHead, job: MeshJob) -> Montage:
    """Electrodes; those of a named system on a sphere that is as large as the head."""
    centre = (head.points.max(axis=0) + head.points.min(axis=0)) / 2.0
    surface = head.points[np.unique(head.boundary)]
    radius = float(np.linalg.norm(surface - centre, axis=1).mean())
    montage = load_montage(job.electrodes, radius, project=False)
    if not Path(job.electrodes).exists():
        montage.positions = montage.positions + centre
    return montage


def _check_distances(montage: Montage, distances: np.ndarray, job: MeshJob) -> None:
    """Refuse electrodes that are far from the scalp, where nobody asked to move them."""
    # a named system lies on a sphere, which no head is
    if job.project or not Path(job.electrodes).exists():
        return
    far = np.flatnonzero(distances > FARTHEST)
    if len(far):
        raise InputError(
            f"electrode {montage.names[far[0]]} is {distances[far[0]] / 1e3:.3g} mm off the "
            "surface of the mesh",
            source=job.electrodes,
            remedy="check the units, or give --project",
        )


def _sources(mesh: TaggedMesh, tissues: list[Tissue], job: MeshJob) -> np.ndarray:
    """Places of the dipoles, shape (S, 3), um."""
    if job.sources is not None and Path(job.sources).is_file():
        return read_table(job.sources).positions
    labels = {tissue.name: tissue.tag for tissue in tissues if tissue.name}
    labels |= {name: tag for tag, name in mesh.names.items()}
    labels |= {str(tag): tag for tag in np.unique(mesh.tags).tolist()}
    tag = _usual_tag(labels) if job.sources is None else labels.get(job.sources, -1)
    chosen = np.flatnonzero(mesh.tags == tag)
    if not len(chosen):
        raise UsageError(
            f"'{job.sources}' is no file of places and no tissue of the mesh",
            remedy=f"give a .csv file, or one of {', '.join(labels)}",
        )
    return np.asarray(mesh.points[mesh.elements[chosen]].mean(axis=1))


def _usual_tag(labels: dict[str, int]) -> int:
    """The tag of the tissue that dipoles are in by its name."""
    tags = {tag for name, tag in labels.items() if name.strip().lower() in SOURCES}
    if len(tags) != 1:
        raise UsageError(
            f"{len(tags)} tissues are named as the brain is ({', '.join(SOURCES)})",
            remedy=f"give --sources, a .csv file or one of {', '.join(labels)}",
        )
    return tags.pop()
