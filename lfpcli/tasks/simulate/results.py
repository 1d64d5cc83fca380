"""What a run writes beside its samples: the geometry of all cells, and all spikes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import numpy as np

from lfpcli.errors import LfpWarning
from lfpcli.geometry import Geometry
from lfpcli.io.writer import RecordingWriter
from lfpcli.model import Model
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.events import spikes_between
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.sources import population_trains

# spikes of populations without cells that are drawn at a time
BLOCK_SPIKES = 1 << 20
# ms; spikes at 0 belong to the run, those before do not
TINY = 5e-324
# segments whose geometry rank 0 holds at a time
BLOCK_SEGMENTS = 1 << 18


def write_geometry(writer: RecordingWriter | None, built: Built, team: Team) -> None:
    """Write the segments of all cells, some cells at a time; called on all ranks.

    Parameters
    ----------
    writer : RecordingWriter or None
        Where to; there is one on rank 0 only.
    built : Built
        The model, of which this process has its cells.
    team : Team
        The processes.
    """
    for name, gids in built.everyone.items():
        members = [member for member in built.members if member.population == name]
        segments = sum(len(member.geometry) for member in members)
        total = sum(team.exchange(segments))
        if gids and not total:
            # point neurons alone have no segments
            continue
        track = writer.begin_geometry(name, total) if writer else None
        for block in _blocks(gids, total):
            part = [member for member in members if member.gid in block]
            ranks = team.collect([(member.gid, member.geometry) for member in part])
            # gids of a script's cells may have gaps
            if track is not None and any(ranks):
                track.append(Geometry.joined(_by_gid(ranks)))
        if track is not None:
            track.end()


def _blocks(gids: range, segments: int) -> Iterator[range]:
    """Split a population so that a block has about as many segments as rank 0 holds at a time."""
    if not len(gids):
        return
    cells = max(1, BLOCK_SEGMENTS * len(gids) // max(segments, 1))
    for first in range(gids.start, gids.stop, cells):
        yield range(first, min(first + cells, gids.stop))


def _by_gid(ranks: list[list[tuple[int, Geometry]]]) -> list[Geometry]:
    cells: dict[int, Geometry] = {}
    for rank in ranks:
        cells.update(rank)
    return [cells[gid] for gid in sorted(cells)]


def write_spikes(
    writer: RecordingWriter | None,
    built: Built,
    team: Team,
    spikes: tuple[np.ndarray, np.ndarray],
) -> None:
    """Write the spikes of all populations; called on all ranks.

    Parameters
    ----------
    writer : RecordingWriter or None
        Where to; there is one on rank 0 only.
    built : Built
        The model.
    team : Team
        The processes.
    spikes : (ndarray, ndarray)
        Times (ms) and gids of the spikes of the cells of this process.
    """
    ranks = team.collect(spikes)
    if writer is None:
        return
    times = np.concatenate([rank[0] for rank in ranks])
    gids = np.concatenate([rank[1] for rank in ranks])
    for name, population in built.everyone.items():
        chosen = (gids >= population.start) & (gids < population.stop)
        writer.spikes(name, times[chosen], gids[chosen])


def write_trains(writer: RecordingWriter, model: Model, built: Built, seed: int) -> None:
    """Write the spikes of populations without cells, from t = 0 on as those of cells; on rank 0.

    They are drawn or read once more, some at a time.

    Parameters
    ----------
    writer : RecordingWriter
        Where to.
    model : Model
        The model.
    built : Built
        The model in NEURON.
    seed : int
        Seed of the run.
    """
    populations = model.resolved_populations()
    for name, numbers in built.layout.trains.items():
        if name in built.trains:
            writer.spikes(name, *built.trains[name].between(-TINY, model.run.tstop))
            continue
        with warnings.catch_warnings():
            # told when the model was built
            warnings.simplefilter("ignore", LfpWarning)
            trains = population_trains(populations[name], numbers, model, seed)
        spikes_per_ms = trains.rate * max(len(numbers), 1)
        step = max(BLOCK_SPIKES / max(spikes_per_ms, 1e-9), model.run.interval)
        edges = [-TINY, *np.arange(step, model.run.tstop, step), model.run.tstop]
        stretches = list(itertools.pairwise(edges))
        count = sum(len(spikes_between([trains], *stretch)[0]) for stretch in stretches)
        track = writer.begin_spikes(name, count)
        for stretch in stretches:
            times, source = spikes_between([trains], *stretch)
            track.append(times, source)
