"""Samples that stay with the process that has the cells until rank 0 writes them.

What all cells have side by side, such as the share of each in a signal, is never in one process:
each keeps the rows of its own cells, and rank 0 asks for no more than it writes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lfpcli.io.checkpoint import Checkpoint
from lfpcli.io.tracks import Pull, PulledTrack
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Stream

# bytes of the shares of several cells that rank 0 gets at once
BLOCK_BYTES = 1 << 22


class Errands:
    """Questions of rank 0 to all processes, itself among them.

    Rank 0 asks in `attend`, within which the others answer, so that all take part in the same
    exchanges.

    Parameters
    ----------
    team : Team
        The processes.
    """

    def __init__(self, team: Team) -> None:
        self._team = team
        self._answers: list[Callable[..., Any]] = []

    def register(self, answer: Callable[..., Any]) -> int:
        """Add what answers one kind of question; in the same order on all ranks."""
        self._answers.append(answer)
        return len(self._answers) - 1

    def ask(self, number: int, *arguments: Any) -> list[Any]:
        """Return what each process answers, in the order of ranks; on rank 0."""
        if self._team.size > 1:
            self._team.share((number, arguments))
        return self._team.collect(self._answers[number](*arguments))

    def attend(self, work: Callable[[], None]) -> None:
        """Do some work on rank 0, which may ask, and answer elsewhere; called on all ranks."""
        if self._team.leads:
            work()
            self._team.share(None)
            return
        while (question := self._team.share(None)) is not None:
            number, arguments = question
            self._team.collect(self._answers[number](*arguments))


class RowBuffer:
    """Rows of samples, of which the first are forgotten in time.

    Attributes
    ----------
    first, stop : int
        Number of the first row that is kept, and of the one behind the last.
    """

    def __init__(self) -> None:
        self.first = self.stop = 0
        self._blocks: list[np.ndarray] = []

    def append(self, rows: np.ndarray) -> None:
        """Add rows, shape (n, ...), which belong to the buffer from now on."""
        if len(rows):
            self._blocks.append(rows)
            self.stop += len(rows)

    def between(self, first: int, last: int) -> np.ndarray:
        """Rows from one number to another, shape (last - first, ...)."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0][first - self.first : last - self.first]

    def forget(self, stop: int) -> None:
        """Forget the rows before a number."""
        while self._blocks and self.first + len(self._blocks[0]) <= stop:
            self.first += len(self._blocks.pop(0))
        if self._blocks and self.first < stop:
            # a copy, as a view would hold all that is forgotten
            self._blocks[0] = self._blocks[0][stop - self.first :].copy()
            self.first = stop

    def restart(self, first: int) -> None:
        """Begin anew, with the row of a number."""
        self.first = self.stop = first
        self._blocks = []


class KeptShares:
    """The shares of the cells of a process in a signal.

    Parameters
    ----------
    stream : Stream
        The signal, whose shares are those of cells.
    errands : Errands
        By which rank 0 asks for them.
    """

    def __init__(self, stream: Stream, errands: Errands) -> None:
        self._stream, self._errands = stream, errands
        self._names = list(stream.groups)
        index_of = {name: k for k, name in enumerate(self._names)}
        # cells come in the order of gids, as their names in the file do
        self._own = np.array([index_of[name] for name in stream.cells], np.int64)
        self._rows = RowBuffer()
        self._question = errands.register(self._answer)
        self._tracks: list[PulledTrack] = []
        self._begin, self._span = 0, (0, 0)
        self._block = np.zeros((0, 0, stream.instrument.channels))

    def pulls(self) -> dict[str, Pull]:
        """What gets the share of each cell, by its name; on rank 0."""
        return {name: self._pull_of(k) for k, name in enumerate(self._names)}

    def begin(self, tracks: Sequence[PulledTrack]) -> None:
        """Take note of the datasets; on rank 0."""
        self._tracks = list(tracks)

    def append(self, cells: np.ndarray) -> None:
        """Keep samples of the cells of this process, (n, cells, C) in the unit of the signal."""
        self._rows.append(cells)

    def advance(self, count: int) -> None:
        """Say that there are so many samples more; on rank 0."""
        for track in self._tracks:
            track.advance(count)

    def written(self) -> int:
        """How many samples are in the file; on rank 0."""
        return self._tracks[0].written if self._tracks else 0

    def forget(self, stop: int) -> None:
        """Forget the samples before a number, which were written."""
        self._rows.forget(stop)

    def resume(self, checkpoint: Checkpoint, written: int) -> None:
        """Keep the samples of a checkpoint that are not written yet."""
        self._rows.restart(written)
        shape = 0, self._stream.instrument.channels
        columns = []
        for name in self._stream.cells:
            columns.append(checkpoint.samples(self._stream.path_of(name), shape)[written:])
        if columns:
            self._rows.append(np.stack(columns, axis=1).astype(np.float64))
        for k, track in enumerate(self._tracks):
            track.pull = self._pull_of(k)

    def _pull_of(self, index: int) -> Pull:
        return lambda first, last: self._pull(index, first, last)

    def _pull(self, index: int, first: int, last: int) -> np.ndarray:
        """Samples of a cell, (last - first, C); those of the cells behind it come along."""
        inside = self._begin <= index < self._begin + self._block.shape[1]
        if not inside or self._span != (first, last):
            row = 8 * (last - first) * self._stream.instrument.channels
            end = min(index + max(1, BLOCK_BYTES // row), len(self._names))
            shape = last - first, end - index, self._stream.instrument.channels
            self._begin, self._span, self._block = index, (first, last), np.zeros(shape)
            for cells, rows in self._errands.ask(self._question, (index, end), (first, last)):
                self._block[:, cells - index] = rows
        return self._block[:, index - self._begin]

    def _answer(
        self, cells: tuple[int, int], span: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Which of some cells are here, and their samples, (n, cells, C)."""
        first, last = np.searchsorted(self._own, cells)
        present = self._own[first:last]
        if not len(present):
            return present, np.zeros((span[1] - span[0], 0, self._stream.instrument.channels))
        return present, np.ascontiguousarray(self._rows.between(*span)[:, first:last])
