"""What a run writes beside its samples: the geometry of all cells, and all spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.events import SpikeTrains
from lfpcli.tasks.simulate.build import Built

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
        track = writer.begin_geometry(name, total) if writer else None
        for block in _blocks(gids, total):
            part = [member for member in members if member.gid in block]
            ranks = team.collect([(member.gid, member.geometry) for member in part])
            if track is not None:
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
    _write_trains(writer, built.trains, built.layout.trains)


def _write_trains(
    writer: RecordingWriter, trains: SpikeTrains, populations: Mapping[str, range]
) -> None:
    """Write the spikes of populations without cells, from t = 0 on as those of cells."""
    for name, numbers in populations.items():
        chosen = (trains.source >= numbers.start) & (trains.source < numbers.stop)
        chosen &= trains.times >= 0
        writer.spikes(name, trains.times[chosen], trains.source[chosen])
