"""Reports of a run: variables of segments, gathered from all processes in the order of gids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from lfpcli.io.recording import Report
from lfpcli.io.writer import RecordingWriter, Track
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Member


class ReportStream:
    """One variable of the cells of one population, while samples come.

    Parameters
    ----------
    variable, units : str
        What is recorded.
    population : str
        Whose cells.
    recorder : Recorder
        The recorder, of all cells of this process.
    members : sequence of Member
        Those cells.
    team : Team
        The processes.
    """

    def __init__(
        self,
        variable: str,
        units: str,
        population: str,
        *,
        recorder: Recorder,
        members: Sequence[Member],
        team: Team,
    ) -> None:
        self.variable, self.units, self.population = variable, units, population
        self._team = team
        columns_of = [k for k, member in enumerate(members) if member.population == population]
        self._columns = np.concatenate(
            [np.zeros(0, np.int64)]
            + [np.arange(recorder.offsets[k], recorder.offsets[k + 1]) for k in columns_of]
        )
        elements = [
            (
                members[k].gid,
                members[k].geometry.section[recorder.index[k]],
                members[k].geometry.x[recorder.index[k]],
            )
            for k in columns_of
        ]
        ranked = list(chain.from_iterable(team.collect(elements)))
        self._order = self._sorted_columns([gid for gid, _, _ in ranked], ranked)
        self._elements = sorted(ranked, key=lambda element: element[0])

    @staticmethod
    def _sorted_columns(gids: Sequence[int], ranked: Sequence[tuple[Any, ...]]) -> np.ndarray:
        """Columns as they arrive, rank after rank, put into the order of gids."""
        sizes = [len(section) for _, section, _ in ranked]
        first = np.cumsum([0, *sizes])
        by_gid = np.argsort(gids, kind="stable")
        return np.concatenate(
            [np.zeros(0, np.int64)] + [np.arange(first[k], first[k + 1]) for k in by_gid]
        )

    def begin(
        self, writer: RecordingWriter, dt: float, *, t_start: float, lag: float | None
    ) -> Track:
        """Begin the dataset; on rank 0 only.

        Parameters
        ----------
        writer : RecordingWriter
            Where to.
        dt, t_start : float
            Sampling interval and time of the first sample, ms.
        lag : float, optional
            By how much the values are older than their samples, ms.
        """
        sections = [section for _, section, _ in self._elements]
        # a rank or a population may have no cells
        nothing = np.zeros(0)
        report = Report(
            data=np.empty((0, len(self._order))),
            units=self.units,
            dt=dt,
            t_start=t_start,
            node_ids=np.array([gid for gid, _, _ in self._elements], np.int64),
            pointers=np.cumsum([0, *map(len, sections)]),
            element_ids=np.concatenate([nothing, *sections]).astype(np.int64),
            element_pos=np.concatenate([nothing, *(x for _, _, x in self._elements)]),
        )
        track = writer.report(self.variable, self.population, report)
        if lag is not None:
            track.dataset.attrs["lag"] = lag
        return track

    def gather(self, block: np.ndarray) -> np.ndarray:
        """Return on rank 0 the samples (n, columns) of all cells in the order of gids."""
        parts = self._team.collect(np.ascontiguousarray(block[:, self._columns]))
        return np.concatenate(parts, axis=1)[:, self._order] if parts else block[:, :0]
