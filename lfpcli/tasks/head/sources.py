"""From a recording to current dipoles: stored moments, or membrane currents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.transforms import soma_places
from lfpcli.forward.tree_dipoles import tree_dipoles
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording, Sampled
from lfpcli.io.shares import gid_of
from lfpcli.tasks.head.places import Places

# places of dipoles (D, 3) to signals of unit dipoles (C, D, 3)
Lead = Callable[[np.ndarray], np.ndarray]
# dipoles whose lead field is held at a time
BLOCK = 20000


@dataclass
class Drive:
    """Samples that make signals by one matrix product.

    Attributes
    ----------
    samples : Sampled
        Data (T, K): a dipole moment, K = 3, or the membrane currents of K segments.
    matrix : ndarray, shape (K, C)
        Signals of C channels per unit of each column.
    groups : dict of str to slice
        Columns of each group that is kept apart.
    """

    samples: Sampled
    matrix: np.ndarray
    groups: dict[str, slice] = field(default_factory=dict)


def drives(recording: Recording, lead: Lead, places: Places, per: str, multi: bool) -> list[Drive]:
    """What drives the signals of a recording.

    Parameters
    ----------
    recording : Recording
        With dipole moments at the level that is needed, or with membrane currents.
    lead : callable
        Signals of unit dipoles at places.
    places : Places
        Where the dipoles are; where each cell has its own place, the moments of cells are used.
    per : {'total', 'population', 'cell'}
        The groups that are kept apart.
    multi : bool
        Whether axial currents are used, each at its place, instead of one dipole per cell.

    Raises
    ------
    InputError
        Where the recording holds neither.
    """
    level = "cell" if places.by_cell else per
    if not multi:
        stored = _stored(recording, level)
        if stored:
            return _moment_drives(recording, stored, lead, places, per)
    names = recording.reports.get("imem", [])
    if not names:
        raise InputError(
            "recording holds no membrane currents"
            if multi
            else f"recording holds neither the dipole moment per {level} nor membrane currents",
            source=recording.name,
            remedy="simulate with --set record.imem=true"
            + ("" if multi else f" or --set record.dipole={level}"),
        )
    return [_current_drive(recording, lead, places, name, per, multi) for name in names]


def _stored(recording: Recording, level: str) -> list[tuple[str, int | None]]:
    """Groups of stored moments that together make the whole, each with its gid if it is a cell."""
    names = recording.dipole_groups
    gids = {name: gid_of(name) for name in names if recording.dipole(name).share == "cell"}
    cells = [(name, gids[name]) for name in sorted(gids, key=gids.__getitem__)]
    if level == "cell":
        return list(cells)
    whole = [(name, None) for name in names if name != "total" and name not in gids]
    if level == "population":
        return list(whole or cells)
    return [("total", None)] if "total" in names else list(whole or cells)


def _moment_drives(
    recording: Recording,
    stored: list[tuple[str, int | None]],
    lead: Lead,
    places: Places,
    per: str,
) -> list[Drive]:
    """Stored moments of groups or of cells, whose signals one lead field gives for all places."""
    rows = np.zeros(len(stored), dtype=np.int64)
    if places.by_cell:
        rows = places.of(np.array([gid for _, gid in stored]))
    used, rows = np.unique(rows, return_inverse=True)
    matrices = _turned(lead(places.positions[used]), places.rotations[used])
    owner = _population_of(recording) if per == "population" else {}
    made = []
    for (name, gid), row in zip(stored, rows, strict=True):
        group = name if gid is None else owner.get(gid, name)
        groups = {} if per == "total" else {group: slice(0, 3)}
        made.append(Drive(_moment(recording, name), matrices[:, row].T, groups))
    return made


def _turned(matrix: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Signals (C, P, 3) of unit dipoles along the axes of the cells at P places."""
    return np.asarray(np.matmul(matrix[:, :, None], rotations)[:, :, 0])


def _population_of(recording: Recording) -> dict[int, str]:
    return {
        int(gid): name
        for name in recording.populations
        for gid in np.unique(recording.array(f"/geometry/{name}/gid", 1, np.int64))
    }


def _moment(recording: Recording, name: str) -> Sampled:
    samples = recording.dipole(name)
    if samples.data.shape[1] != 3 or samples.units not in ("nA um", ""):
        raise InputError(
            f"dipole moment has {samples.data.shape[1]} columns in '{samples.units}',"
            " expected 3 in nA um",
            source=recording.source_of(f"/dipole/{name}/data"),
        )
    return samples


def _current_drive(
    recording: Recording, lead: Lead, places: Places, population: str, per: str, multi: bool
) -> Drive:
    report = recording.report("imem", population)
    geometry = recording.geometry(population)
    gids = np.repeat(report.node_ids, np.diff(report.pointers))
    if not np.array_equal(gids, geometry.gid) or report.data.shape[1] != len(geometry):
        raise InputError(
            "membrane currents and geometry are of different segments",
            source=recording.source_of(f"/reports/imem/{population}"),
        )
    rows = places.of(geometry.gid)
    build = _axial_matrix if multi else _segment_matrix
    return Drive(report, build(geometry, rows, lead, places), _groups(geometry, population, per))


def _groups(geometry: Geometry, population: str, per: str) -> dict[str, slice]:
    if per == "population":
        return {population: slice(0, len(geometry))}
    if per == "total":
        return {}
    first = np.unique(geometry.gid, return_index=True)[1]
    bounds = [*np.sort(first), len(geometry)]
    return {str(geometry.gid[a]): slice(int(a), int(b)) for a, b in pairwise(bounds)}


def _segment_matrix(geometry: Geometry, rows: np.ndarray, lead: Lead, places: Places) -> np.ndarray:
    """Membrane currents to signals by way of one dipole moment per place."""
    turned = _turned(lead(places.positions), places.rotations)
    middle = geometry.middle
    matrix = np.empty((len(middle), len(turned)))
    for start in range(0, len(middle), BLOCK):
        part = slice(start, start + BLOCK)
        matrix[part] = np.einsum("nk,cnk->nc", middle[part], turned[:, rows[part]])
    return matrix


def _axial_matrix(geometry: Geometry, rows: np.ndarray, lead: Lead, places: Places) -> np.ndarray:
    """Membrane currents to signals by way of the axial currents, each at its place."""
    currents, vectors, middles = tree_dipoles(geometry)
    # each path belongs to the cell of the segment it leads to
    row = rows[np.repeat(np.flatnonzero(geometry.parent >= 0), 2)]
    if places.by_cell:
        somata = soma_places(geometry)
        middles = middles - somata[np.repeat(np.flatnonzero(geometry.parent >= 0), 2)]
    matrix: Any = 0.0
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        turn = places.rotations[row[part]]
        spots = places.positions[row[part]] + np.einsum("dij,dj->di", turn, middles[part])
        arms = np.einsum("dij,dj->di", turn, vectors[part])
        matrix = matrix + currents[part].T @ np.einsum("cdk,dk->dc", lead(spots), arms)
    if not len(vectors):
        raise InputError("no segment has a parent: there are no axial currents")
    return np.asarray(matrix)
