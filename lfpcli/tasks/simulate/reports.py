"""Reports of a run: variables of segments, gathered from all processes in the order of gids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from lfpcli.geometry import SectionNumbers
from lfpcli.io.checkpoint import Checkpoint
from lfpcli.io.recording import Report
from lfpcli.io.tracks import PulledTrack, Track
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.kept import Errands, RowBuffer


class ReportStream:
    """One variable of the cells of one population, while samples come.

    Each process keeps its columns until rank 0 writes a chunk of all.

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
    errands : Errands
        By which rank 0 asks for samples.
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
        errands: Errands,
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
                None if recorder.sources is None else recorder.sources[k],
            )
            for k in columns_of
        ]
        ranked = list(chain.from_iterable(team.collect(elements)))
        # cells of a kind have the names of their sections in common, which are sent once
        kinds: dict[tuple[str, ...], list[int]] = {}
        for k in columns_of:
            names = tuple(members[k].geometry.section_names)
            kinds.setdefault(names, []).append(members[k].gid)
        self._names: dict[int, tuple[str, ...]] = {}
        for part in team.collect(kinds):
            for names, gids in part.items():
                self._names.update(dict.fromkeys(gids, names))
        self._order = self._sorted_columns([element[0] for element in ranked], ranked)
        self._elements = sorted(ranked, key=lambda element: element[0])
        self._errands = errands
        self._rows = RowBuffer()
        self._question = errands.register(self._rows.between)
        self._track: PulledTrack | None = None

    @staticmethod
    def _sorted_columns(gids: Sequence[int], ranked: Sequence[tuple[Any, ...]]) -> np.ndarray:
        """Columns as they arrive, rank after rank, put into the order of gids."""
        sizes = [len(element[1]) for element in ranked]
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
        # a section has in the file the number that the geometry of the population gives it
        numbers = SectionNumbers()
        sections = []
        for element in self._elements:
            sections.append(numbers.of_cell(self._names[element[0]])[element[1]])
        sources = [element[3] for element in self._elements if element[3] is not None]
        # a rank or a population may have no cells
        nothing = np.zeros(0)
        report = Report(
            data=np.empty((0, len(self._order))),
            units=self.units,
            dt=dt,
            t_start=t_start,
            node_ids=np.array([element[0] for element in self._elements], np.int64),
            pointers=np.cumsum([0, *map(len, sections)]),
            element_ids=np.concatenate([nothing, *sections]).astype(np.int64),
            element_pos=np.concatenate([nothing, *(element[2] for element in self._elements)]),
            source_ids=np.concatenate(sources).astype(np.int64) if sources else None,
        )
        track = writer.report(self.variable, self.population, report, pull=self._pull)
        assert isinstance(track, PulledTrack)
        self._track = track
        # the file has it now
        self._elements, self._names = [], {}
        if lag is not None:
            track.dataset.attrs["lag"] = lag
        return track

    def columns_of(self, block: np.ndarray) -> np.ndarray:
        """Columns of the cells of this process, of samples (n, columns) of the recorder."""
        # a copy, as the block may be filled again
        return np.ascontiguousarray(block[:, self._columns])

    def append(self, rows: np.ndarray) -> None:
        """Keep samples of `columns_of`, shape (n, own columns)."""
        self._rows.append(rows)

    def advance(self, count: int) -> None:
        """Say that there are so many samples more; on rank 0."""
        assert self._track is not None
        self._track.advance(count)

    def written(self) -> int:
        """How many samples are in the file; on rank 0."""
        assert self._track is not None
        return self._track.written

    def forget(self, stop: int) -> None:
        """Forget the samples before a number, which were written."""
        self._rows.forget(stop)

    def resume(self, checkpoint: Checkpoint, written: int) -> None:
        """Keep the samples of a checkpoint that are not written yet; called on all ranks."""
        if self._track is not None:
            self._track.pull = self._pull
        widths = self._team.collect(len(self._columns))
        columns: list[np.ndarray] = [np.zeros(0, np.int64)] * self._team.size
        if widths:
            # in the file columns have the order of gids, in a rank that of its cells
            places = np.empty_like(self._order)
            places[self._order] = np.arange(len(self._order))
            columns = np.split(places, np.cumsum(widths)[:-1])
        columns_here, width = self._team.deal([(part, len(self._order)) for part in columns])[0]
        samples = checkpoint.samples(f"/reports/{self.variable}/{self.population}/data", (0, width))
        self._rows.restart(written)
        self._rows.append(np.asarray(samples[written:], np.float64)[:, columns_here])

    def _pull(self, first: int, last: int) -> np.ndarray:
        """Samples (last - first, columns) of all cells in the order of gids; on rank 0."""
        parts = self._errands.ask(self._question, first, last)
        return np.concatenate(parts, axis=1)[:, self._order]
