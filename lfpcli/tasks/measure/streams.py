"""Signals of instruments, contracted block by block from the currents of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.sums import LARGEST_CURRENT, OrderFreeSum
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Sampled, Signal
from lfpcli.io.tracks import Pull, Track
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.contraction import Contraction
from lfpcli.vocabulary import TOTAL

# numbers of the transfer matrices that are computed at once
MATRIX_VALUES = 1 << 20
# doubles of stored samples that are read at a time
BLOCK_VALUES = 1 << 22
# a block has no fewer samples, however many columns there are
LEAST_ROWS = 16


@dataclass
class Member:
    """A cell as signals see it.

    Attributes
    ----------
    gid : int
        Number of the cell.
    population : str
        Its population.
    geometry : Geometry
        Its segments.
    """

    gid: int
    population: str
    geometry: Geometry


@dataclass(frozen=True, kw_only=True)
class Contributor:
    """Columns of samples that add to a signal together: those of a cell, or a dipole moment.

    Attributes
    ----------
    share : str
        Name of the share that they belong to; any where the total alone is kept.
    matrix : ndarray, shape (K, C)
        What C channels see of each of the K columns.
    """

    share: str
    matrix: np.ndarray


def cells_of(instrument: Instrument, members: Sequence[Member]) -> list[Contributor]:
    """Membrane currents of cells as contributors to a signal, in the order of the cells.

    Parameters
    ----------
    instrument : Instrument
        What measures.
    members : sequence of Member
        The cells.
    """
    names = [str(m.gid) if instrument.per == "cell" else m.population for m in members]
    matrices = _matrices(instrument, members)
    return [Contributor(share=name, matrix=m) for name, m in zip(names, matrices, strict=True)]


def moments_of(
    instrument: Instrument, gids: Sequence[int], shares: Sequence[str]
) -> list[Contributor]:
    """Stored current dipole moments, three columns each, as contributors to a signal.

    Parameters
    ----------
    instrument : Instrument
        What measures; it has a `moment_matrix`.
    gids : sequence of int
        The cell of each moment, `NO_CELL` where it is that of many.
    shares : sequence of str
        Name of the share that each belongs to.
    """
    assert instrument.moment_matrix is not None
    matrices = instrument.moment_matrix(np.asarray(gids, np.int64))
    return [
        Contributor(share=share, matrix=np.ascontiguousarray(matrix.T))
        for share, matrix in zip(shares, matrices, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What the cells of one process contribute to some samples of a signal.

    Attributes
    ----------
    groups : ndarray, shape (groups, 2, n, C)
        Sums in the parts of an `OrderFreeSum`; the total is their sum.
    parts : mapping of str to ndarray (2, n, C)
        Shares of parts of the currents.
    cells : ndarray, shape (n, cells, C)
        Shares of the cells of the process, whole; no cells where they are not kept.
    """

    groups: np.ndarray
    parts: Mapping[str, np.ndarray]
    cells: np.ndarray


class Stream:
    """One signal while samples come.

    Parameters
    ----------
    instrument : Instrument
        What measures.
    contributors : sequence of Contributor
        What this process has, in the order of the samples' columns.
    groups : sequence of str
        Names of the shares that are kept, see `group_names`.
    count : int
        Number of contributors of all processes.
    team : Team
        The processes.
    parts : sequence of str
        Names of the parts of the currents whose shares are kept, instead of `groups`.
    largest : float
        Bound of the samples, see `OrderFreeSum`; `sums.LARGEST_MOMENT` for dipole moments.

    Attributes
    ----------
    by_current : bool
        Whether shares are those of parts of the currents.
    by_cell : bool
        Whether shares are those of cells. Each has its currents in one process, which alone knows
        its share.
    cells : list of str
        Names of the shares that this process knows, where they are those of cells.
    """

    def __init__(
        self,
        instrument: Instrument,
        contributors: Sequence[Contributor],
        *,
        groups: Sequence[str],
        count: int,
        team: Team,
        parts: Sequence[str] = (),
        largest: float = LARGEST_CURRENT,
    ) -> None:
        self.instrument = instrument
        self.by_current = bool(parts)
        self.groups = list(parts or groups)
        self._team = team
        matrices = [contributor.matrix for contributor in contributors]
        # the bits of a sum depend on its bounds, which are those of all processes therefore
        coefficients = team.largest(self._largest(matrices))
        self._sum = OrderFreeSum(count, coefficients, largest)
        rows = np.zeros(len(contributors), np.intp)
        self.by_cell = instrument.per == "cell" and bool(self.groups) and not parts
        self.cells: list[str] = []
        if self.by_cell:
            self.cells = list(dict.fromkeys(c.share for c in contributors))
        if self.groups and not parts:
            names = self.cells if self.by_cell else self.groups
            row_of = {group: row for row, group in enumerate(names)}
            rows[:] = [row_of[contributor.share] for contributor in contributors]
        self._contraction = Contraction(matrices, rows, self._sum)

    @property
    def is_dipole(self) -> bool:
        """Whether it is the dipole moment, which has a part of the file of its own."""
        return self.instrument.name == "dipole" and self.instrument.units == "nA um"

    def path_of(self, share: str) -> str:
        """Where the samples of a share are in the file."""
        if self.is_dipole:
            return f"/dipole/{share}/data"
        return f"/signals/{self.instrument.name}/groups/{share}"

    def _largest(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Largest coefficient of each channel, shape (C,)."""
        largest = np.zeros(self.instrument.channels)
        for matrix in matrices:
            np.maximum(largest, np.abs(matrix).max(axis=0, initial=0.0), out=largest)
        return largest

    def contract(
        self, samples: np.ndarray, parts: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """Turn samples into the signal and its shares.

        Parameters
        ----------
        samples : ndarray, shape (n, N)
            Membrane currents, nA, or dipole moments, nA um, of all contributors of this process.
        parts : mapping of str to ndarray, shape (n, N)
            Parts of the currents, where their shares are kept.

        Returns
        -------
        dict of str to ndarray, shape (n, C)
            On rank 0 the total under "", and the shares under their names; empty elsewhere.
        """
        sums = self.sums(samples, parts)
        signals = self.joined(self.added(sums))
        if not self.by_cell:
            return signals
        ranks = self._team.collect(dict(zip(self.cells, sums.cells.swapaxes(0, 1), strict=True)))
        if not self._team.leads:
            return {}
        shares = dict.fromkeys(self.groups, np.zeros(signals[""].shape))
        for rank in ranks:
            shares.update(rank)
        return {**signals, **shares}

    def sums(self, samples: np.ndarray, parts: Mapping[str, np.ndarray] | None = None) -> Sums:
        """Sum what this process has; no process waits for another.

        Parameters
        ----------
        samples : ndarray, shape (n, N)
            Membrane currents, nA, or dipole moments, nA um, see `contract`.
        parts : mapping of str to ndarray, shape (n, N)
            nA, see `contract`.
        """
        names = self.cells if self.by_cell else self.groups
        groups = self._sums(samples, 1 if self.by_current else max(len(names), 1))
        shares = {name: self._sums(block, 1)[0] for name, block in (parts or {}).items()}
        cells = np.zeros((len(samples), len(self.cells), self.instrument.channels))
        if self.by_cell:
            for row in range(len(self.cells)):
                cells[:, row] = self._sum.join(groups[row])
            # the parts are exact, so that their sums are those of the cells in any order
            groups = groups.sum(axis=0, keepdims=True)
        return Sums(groups=groups, parts=shares, cells=cells)

    def added(self, sums: Sums) -> Sums:
        """Add the sums of all processes, on rank 0; called on all at once."""
        parts = {name: self._team.add(share) for name, share in sums.parts.items()}
        return Sums(groups=self._team.add(sums.groups), parts=parts, cells=sums.cells)

    def joined(self, sums: Sums) -> dict[str, np.ndarray]:
        """The signal under "", and its shares but those of cells; on rank 0, elsewhere nothing.

        Parameters
        ----------
        sums : Sums
            Those of all processes.

        Returns
        -------
        dict of str to ndarray, shape (n, C)
            In the unit of the instrument.
        """
        if not self._team.leads:
            return {}
        shares = dict(sums.parts)
        if not self.by_current and not self.by_cell:
            shares = {group: sums.groups[k] for k, group in enumerate(self.groups)}
        signals = {name: self._sum.join(share) for name, share in shares.items()}
        return {"": self._sum.join(sums.groups.sum(axis=0)), **signals}

    def _sums(self, samples: np.ndarray, split: int) -> np.ndarray:
        """Sums of this process in their two parts each, shape (split, 2, n, C)."""
        sums = np.zeros((split, 2, len(samples), self.instrument.channels))
        self._contraction.add(sums, samples)
        return sums


def _matrices(instrument: Instrument, members: Sequence[Member]) -> Iterator[np.ndarray]:
    """Yield what the segments of each cell contribute, shape (N, C), computed for many at once."""
    most = max(1, MATRIX_VALUES // max(instrument.channels, 1))
    first = 0
    while first < len(members):
        last, size = first + 1, len(members[first].geometry)
        # several cells at once: a call costs more than the matrix of a small cell
        while last < len(members) and size + len(members[last].geometry) <= most:
            size += len(members[last].geometry)
            last += 1
        cells = [member.geometry for member in members[first:last]]
        whole = np.ascontiguousarray(instrument.matrix(Geometry.joined(cells)).T)
        yield from np.split(whole, np.cumsum([len(cell) for cell in cells[:-1]]))
        first = last


def group_names(per: str, populations: Sequence[str], gids: Sequence[int]) -> list[str]:
    """Names of the shares that a signal keeps: none, populations, or gids."""
    if per == "population":
        return list(populations)
    return [str(gid) for gid in gids] if per == "cell" else []


def begin_signal(
    writer: RecordingWriter,
    stream: Stream,
    dt: float,
    t_start: float = 0.0,
    *,
    pulls: Mapping[str, Pull] | None = None,
) -> dict[str, Track]:
    """Begin the datasets of a stream; returns the track of the total, "", and of each share.

    Shares in `pulls` are got as they are written, see `lfpcli.io.tracks.PulledTrack`.
    """
    instrument = stream.instrument
    nothing = np.empty((0, instrument.channels))
    if stream.is_dipole:
        sampled = Sampled(nothing, instrument.units, dt, t_start)
        return _begin_dipole(writer, stream, sampled, pulls or {})
    signal = Signal(
        data=nothing,
        units=instrument.units,
        dt=dt,
        t_start=t_start,
        positions=instrument.positions,
        names=list(instrument.names),
        model=instrument.model,
        parameters=dict(instrument.parameters),
        groups=dict.fromkeys(stream.groups, nothing),
        shares=dict.fromkeys(stream.groups, instrument.per),
    )
    return writer.signal(instrument.name, signal, pulls=pulls)


def _begin_dipole(
    writer: RecordingWriter, stream: Stream, sampled: Sampled, pulls: Mapping[str, Pull]
) -> dict[str, Track]:
    """Begin the datasets of the dipole moment."""
    tracks = {"": writer.dipole(TOTAL, replace(sampled, share=TOTAL))}
    share = replace(sampled, share=stream.instrument.per)
    for group in stream.groups:
        tracks[group] = writer.dipole(group, share, pull=pulls.get(group))
    return tracks


def contract_stored(
    stream: Stream,
    stored: Sequence[Sampled],
    tracks: Mapping[str, Track],
    *,
    source: str,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Turn samples of a recording into a signal, block by block.

    Parameters
    ----------
    stream : Stream
        The signal.
    stored : sequence of Sampled
        What was recorded; their columns side by side are those of the contributors.
    tracks : mapping of str to Track
        Where the signal and its shares go.
    source : str
        Name of the recording, for messages.
    progress : callable
        Told which share of the work is done.

    Raises
    ------
    InputError
        Where the stored samples differ in their times, or are not finite.
    """
    times = {(len(s.data), s.dt, s.t_start) for s in stored}
    if len(times) > 1:
        raise InputError(
            "what is recorded of its groups differs in samples",
            source=source,
            remedy="record all with one interval",
        )
    samples = len(stored[0].data)
    columns = sum(s.data.shape[1] for s in stored)
    rows = max(LEAST_ROWS, BLOCK_VALUES // max(columns, 1))
    for first in range(0, samples, rows):
        blocks = [np.asarray(s.data[first : first + rows], dtype=float) for s in stored]
        block = np.concatenate(blocks, axis=1)
        if not np.isfinite(block).all():
            raise InputError(
                "dipole moments or currents hold NaN or infinity",
                source=source,
                remedy="see what lfp check says of the file",
            )
        for name, signal in stream.contract(block).items():
            tracks[name].append(signal)
        progress(min(first + rows, samples) / max(samples, 1))
