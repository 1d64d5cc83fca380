"""Cells that do not drive each other, simulated one batch after another.

What `lfp sim` holds at once, cells, synapses and currents, is here that of one batch: memory does
not grow with their number. Random streams, places and trains are keyed by the cells, so that the
signals are those of a simulation of all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.instrument import Instrument
from lfpcli.model import Model
from lfpcli.runtime.engine.record import SpikeRecorder, membrane_currents
from lfpcli.runtime.engine.run import Chunk, run
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import context
from lfpcli.tasks.simulate.build import Built, build
from lfpcli.tasks.simulate.plan import settings_of


@dataclass(frozen=True, kw_only=True)
class BatchOutcome:
    """What a batch of cells did.

    Attributes
    ----------
    synapses : int
        Their synapses.
    times, gids : ndarray, shape (n,)
        Their spikes, ms, and the cells.
    """

    synapses: int
    times: np.ndarray
    gids: np.ndarray


def check_batches(model: Model) -> None:
    """Refuse what cannot be simulated batch by batch.

    Raises
    ------
    InputError, UsageError
        Where cells act on each other beyond synapses.
    """
    if model.run.ephaptic or any(table.is_gap for table in model.connections):
        raise UsageError("cells that act on each other run together", remedy="simulate: lfp sim")
    for name, population in model.resolved_populations().items():
        if population.artificial is not None:
            raise InputError(
                f"'{name}' is of artificial cells, which have no currents",
                source=population.source_line or None,
                remedy="give it spike trains, or simulate: lfp sim",
            )


def simulate_batch(
    model: Model,
    seed: int,
    gids: Sequence[int],
    *,
    instruments: Sequence[Instrument],
    add: Callable[[int, np.ndarray], None],
) -> BatchOutcome:
    """Simulate some cells of a model, and add what the instruments see of them.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        Seed of the run.
    gids : sequence of int
        The cells.
    instruments : sequence of Instrument
        What measures, of C channels in all.
    add : callable
        Gets the first sample and samples (n, C) of each cell, in their order.
    """
    # processes have other numbers of batches, so that none may wait for another here
    built = build(model, seed, Team(alone=True), only=gids)
    settings = replace(
        settings_of(built.settings.model), secondorder=built.settings.secondorder, seed=seed
    )
    matrices = []
    for member in built.members:
        of_cell = [instrument.matrix(member.geometry) for instrument in instruments]
        matrices.append(np.concatenate(of_cell).T)
    recorders = {"imem": membrane_currents(built.cells)}
    spikes = SpikeRecorder(built.cells, built.thresholds)
    edges = recorders["imem"].offsets

    def take(chunk: Chunk) -> None:
        currents = chunk.blocks["imem"]
        for number, matrix in enumerate(matrices):
            add(chunk.first, currents[:, edges[number] : edges[number + 1]] @ matrix)

    try:
        run(built.cells, settings, recorders, take, synapses=built.synapses)
        times, sources = spikes.take()
    finally:
        _forget(built)
    return BatchOutcome(synapses=len(built.synapses.rows.cell), times=times, gids=sources)


def _forget(built: Built) -> None:
    """Let go of the cells, so that the next batch is alone in NEURON."""
    context().gid_clear()
    built.cells.clear()
