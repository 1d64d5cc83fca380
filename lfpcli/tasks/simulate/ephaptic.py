"""``[run] ephaptic``: what couples the cells of a model through the space between them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lfpcli.errors import InputError, SimulatorError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.geometry import Geometry
from lfpcli.model import Model
from lfpcli.model.ephaptic import Ephaptic
from lfpcli.runtime.cell.axial import axial_network
from lfpcli.runtime.engine.ephaptic import Cables, EphapticCoupling, coupling_gains
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.solved_media import solve_together
from lfpcli.tasks.simulate.build import Built

MEMORY = 4_000_000_000
"""Bytes that the matrices of potentials at segments may take, over all processes."""
STABLE = 0.9
"""Gain of currents that enlarge themselves within a step beyond which a run is refused."""


@dataclass(frozen=True, kw_only=True)
class Coupled:
    """A coupling that is ready.

    Attributes
    ----------
    coupling : EphapticCoupling
        What the run loop takes.
    note : str
        What a plan tells of it.
    """

    coupling: EphapticCoupling
    note: str


def coupled(model: Model, built: Built, team: Team) -> Coupled:
    """Couple the cells of a model that is built.

    Parameters
    ----------
    model : Model
        The model, which asks for it.
    built : Built
        The model in NEURON.
    team : Team
        The processes.

    Raises
    ------
    InputError, SimulatorError
        Where segments lie outside the medium, matrices take too much memory, or currents would
        enlarge themselves through the coupling.
    """
    table = model.run.ephaptic_table
    assert table is not None
    with located(model.run.source_line):
        return _coupled(table, built, team, step=model.run.interval)


def _coupled(table: Ephaptic, built: Built, team: Team, *, step: float) -> Coupled:
    everyone: list[Geometry] = []
    gids: list[int] = []
    for part in team.exchange([(m.gid, m.geometry) for m in built.members]):
        gids += [gid for gid, _ in part]
        everyone += [geometry for _, geometry in part]
    total = sum(map(len, everyone))
    if 8 * total**2 > MEMORY:
        raise InputError(
            f"potentials at {total:,} segments take {8e-6 * total**2:,.0f} MB, at "
            f"most {MEMORY / 1e6:,.0f}",
            source="[run] ephaptic",
            remedy="use fewer cells, or longer segments with nseg",
        )
    order = _order(gids, everyone)
    matrix = _matrix(table, built, [everyone[k] for k in np.argsort(gids)], gids, team)
    sections = list(itertools.chain.from_iterable(cell.sections for cell in built.cells))
    segments = list(itertools.chain.from_iterable(cell.segments for cell in built.cells))
    axial = sparse.csr_array((0, 0))
    if sections:
        axial = axial_network(sections).vmem_to_imem()
    cables = _cables(built, axial, step)

    def couple(currents: np.ndarray) -> np.ndarray:
        injected = axial @ np.einsum("ij,j->i", matrix, currents)
        return np.asarray(np.concatenate(team.exchange(cables.charged(injected)))[order])

    gains = coupling_gains(couple, len(order))
    if gains.high > STABLE:
        raise SimulatorError(
            "[run] ephaptic: membrane currents enlarge themselves through the coupling by "
            f"{gains.high:.2g} per step, which is not stable (at most {STABLE})",
            remedy="use own = true, longer segments with nseg, or a larger sigma",
        )
    coupling = EphapticCoupling(
        segments,
        matrix,
        order=order,
        cables=cables,
        gains=gains,
        team=team,
    )
    largest = max(team.exchange(float(np.abs(matrix).max(initial=0.0))))
    note = (
        f"ephaptic coupling of {len(gids)} cells: at most {largest:.3g} mV per nA, gain "
        f"{max(abs(gains.low), gains.high):.2g} per step"
    )
    return Coupled(coupling=coupling, note=note)


def _order(gids: list[int], geometries: list[Geometry]) -> np.ndarray:
    """Places of all segments, by gid, among those of the processes."""
    ends = np.cumsum([0, *map(len, geometries)])
    pieces = [np.arange(ends[k], ends[k + 1]) for k in np.argsort(gids)]
    return np.concatenate([np.empty(0, np.int64), *pieces])


def _matrix(
    table: Ephaptic, built: Built, cells: list[Geometry], gids: list[int], team: Team
) -> np.ndarray:
    """Potentials at the segments of this process per current of all segments, by gid."""
    space, model = table.space, table.model
    ordered = sorted(gids)
    here = [member.geometry for member in built.members]
    middles = np.concatenate([np.empty((0, 3)), *(geometry.middle for geometry in here)])
    if isinstance(model.medium, GridMedium):
        everywhere = np.concatenate([np.empty((0, 3)), *(cell.middle for cell in cells)])
        solve_together(model.medium, Contacts(everywhere), team)
    blocks = [np.empty((len(middles), 0))]
    for cell in cells:
        if not len(middles):
            blocks.append(np.empty((0, len(cell))))
        elif space is not None:
            blocks.append(space.matrix(cell, middles))
        else:
            blocks.append(model.matrix(cell, Contacts(middles)))
    matrix = np.concatenate(blocks, axis=1)
    if not table.own:
        columns = np.cumsum([0, *map(len, cells)])
        rows = np.cumsum([0, *map(len, here)])
        for k, member in enumerate(built.members):
            number = ordered.index(member.gid)
            matrix[rows[k] : rows[k + 1], columns[number] : columns[number + 1]] = 0.0
    return np.ascontiguousarray(matrix)


def _cables(built: Built, axial: sparse.csr_array, step: float) -> Cables:
    """The cells of this process within a step (ms)."""
    capacities = [[segment.cm * segment.area() for segment in c.segments] for c in built.cells]
    # uF/cm2 um2 / ms is 1e-5 uS
    held = 1e-5 * np.array(list(itertools.chain.from_iterable(capacities))) / step
    return Cables(held, axial, [len(cell) for cell in capacities])
