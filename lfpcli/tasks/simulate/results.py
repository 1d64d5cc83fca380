"""What a run writes beside its samples: the geometry of all cells, and all spikes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import numpy as np

from lfpcli.errors import LfpWarning
from lfpcli.geometry import Geometry
from lfpcli.io.writer import RecordingWriter
from lfpcli.model import Model, Population
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.events import Trains, spikes_between
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.sources import GROUP, population_trains

# spikes of populations without cells that are drawn at a time
BLOCK_SPIKES = 1 << 17
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


def write_trains(
    writer: RecordingWriter | None, model: Model, built: Built, seed: int, *, team: Team
) -> None:
    """Write the spikes of populations without cells, from t = 0 on as those of cells.

    They are drawn once more, some at a time, and by each process some of the trains; called on all
    ranks.

    Parameters
    ----------
    writer : RecordingWriter or None
        Where to; there is one on rank 0 only.
    model : Model
        The model.
    built : Built
        The model in NEURON.
    seed : int
        Seed of the run.
    team : Team
        The processes.
    """
    populations = model.resolved_populations()
    for name, numbers in built.layout.trains.items():
        if name in built.trains:
            if writer is not None:
                writer.spikes(name, *built.trains[name].between(-TINY, model.run.tstop))
            continue
        trains = _trains_here(populations[name], numbers, model, seed, team=team)
        rate = team.share(0.0 if trains is None else trains.rate)
        step = max(BLOCK_SPIKES / max(rate * len(numbers), 1e-9), model.run.interval)
        edges = [-TINY, *np.arange(step, model.run.tstop, step), model.run.tstop]
        stretches = list(itertools.pairwise(edges))
        here = [] if trains is None else [trains]
        count = sum(len(spikes_between(here, *stretch)[0]) for stretch in stretches)
        counts = team.collect(count)
        track = None if writer is None else writer.begin_spikes(name, sum(counts))
        for stretch in stretches:
            parts = team.collect(spikes_between(here, *stretch))
            if track is not None:
                times = np.concatenate([part[0] for part in parts])
                source = np.concatenate([part[1] for part in parts])
                order = np.lexsort((source, times))
                track.append(times[order], source[order])


def _trains_here(
    population: Population, numbers: range, model: Model, seed: int, *, team: Team
) -> Trains | None:
    """The trains that this process draws; None where rank 0 reads all of them from files."""
    if population.rate is None and not team.leads:
        return None
    wanted = np.arange(numbers.start, numbers.stop)
    if population.rate is not None:
        wanted = wanted[(wanted - numbers.start) // GROUP % team.size == team.rank]
    with warnings.catch_warnings():
        # told when the model was built
        warnings.simplefilter("ignore", LfpWarning)
        return population_trains(population, numbers, model, seed, wanted=wanted)
