"""Signals of a run, contracted chunk by chunk from the membrane currents of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.forward.sums import OrderFreeSum
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Sampled, Signal
from lfpcli.io.writer import RecordingWriter, Track
from lfpcli.runtime.team import Team

# samples that are contracted at once
ROWS = 64


@dataclass
class Measurement:
    """What an instrument makes of the currents of one cell.

    Attributes
    ----------
    name : str
        Name of the signal.
    units : str
        Unit of the signal.
    channels : int
        Number of its channels.
    matrix : callable
        Returns the transfer matrix (C, N) of a `Geometry`, in `units` per nA.
    per : {'total', 'population', 'cell', 'current'}
        Whose shares are kept beside the total.
    positions : ndarray, shape (C, 3), or None
        Places of the contacts, um.
    names : list of str
        Names of the channels.
    model : str
        Name of the forward model.
    parameters : mapping
        Its parameters.
    """

    name: str
    units: str
    channels: int
    matrix: Callable[[Geometry], np.ndarray]
    per: str = "total"
    positions: np.ndarray | None = None
    names: list[str] = field(default_factory=list)
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def dipole_measurement(per: str = "total") -> Measurement:
    """The current dipole moment: membrane currents times midpoints, nA um."""
    return Measurement("dipole", "nA um", 3, lambda geometry: geometry.middle.T, per)


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


@dataclass
class CurrentShare:
    """Currents of one kind of the cells of this process.

    Attributes
    ----------
    name : str
        Name of the share.
    offsets : ndarray of int, shape (cells + 1,)
        Columns of cell k are ``offsets[k]:offsets[k + 1]``.
    index : sequence of ndarray of int
        Per cell, the segments of its columns.
    factor : sequence of ndarray
        Per cell, what turns its columns into nA.
    """

    name: str
    offsets: np.ndarray
    index: Sequence[np.ndarray]
    factor: Sequence[np.ndarray]


class Stream:
    """One signal while samples come.

    Parameters
    ----------
    measurement : Measurement
        What is measured.
    members : sequence of Member
        The cells of this process, in the order of the currents' columns.
    groups : sequence of str
        Names of the shares that are kept, see `group_names`.
    cells : int
        Number of cells of all processes.
    team : Team
        The processes.
    shares : sequence of CurrentShare
        The kinds of currents whose shares are kept, instead of `groups`.

    Attributes
    ----------
    by_current : bool
        Whether shares are those of kinds of currents.
    """

    def __init__(
        self,
        measurement: Measurement,
        members: Sequence[Member],
        groups: Sequence[str],
        cells: int,
        team: Team,
        shares: Sequence[CurrentShare] = (),
    ) -> None:
        self.measurement = measurement
        self.by_current = bool(shares)
        self.groups = [share.name for share in shares] or list(groups)
        self._team = team
        matrices = [
            np.ascontiguousarray(measurement.matrix(member.geometry).T) for member in members
        ]
        sizes = [len(member.geometry) for member in members]
        whole = CurrentShare(
            "",
            np.cumsum([0, *sizes]),
            [np.arange(size) for size in sizes],
            [np.ones(size) for size in sizes],
        )
        self._sources = {share.name: _Source(share, matrices) for share in (whole, *shares)}
        self._group_of = [self._group(member) for member in members]
        bound = np.zeros(measurement.channels)
        for matrix in matrices:
            np.maximum(bound, np.abs(matrix).max(axis=0, initial=0.0), out=bound)
        self._sum = OrderFreeSum(cells, team.largest(bound))

    def _group(self, member: Member) -> int:
        if self.measurement.per not in ("population", "cell"):
            return 0
        by_cell = self.measurement.per == "cell"
        return self.groups.index(str(member.gid) if by_cell else member.population)

    def contract(
        self, currents: np.ndarray, shares: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """Turn membrane currents into the signal and its shares.

        Parameters
        ----------
        currents : ndarray, shape (n, N)
            nA, of all cells of this process.
        shares : mapping of str to ndarray, shape (n, columns)
            Currents of each kind, where shares of kinds are kept.

        Returns
        -------
        dict of str to ndarray, shape (n, C)
            On rank 0 the total under "", and the shares under their names; empty elsewhere.
        """
        split = 1 if shares else max(len(self.groups), 1)
        parts = np.zeros((split, 2, len(currents), self.measurement.channels))
        for k, values in self._sources[""].contributions(currents):
            parts[self._group_of[k]] += self._sum.split(values)
        parts = self._team.add(parts)
        found = {name: self._of_kind(name, block) for name, block in (shares or {}).items()}
        if not self._team.leads:
            return {}
        if not shares:
            found = {group: self._sum.join(parts[g]) for g, group in enumerate(self.groups)}
        return {"": self._sum.join(parts.sum(axis=0)), **found}

    def _of_kind(self, name: str, block: np.ndarray) -> np.ndarray:
        parts = np.zeros((2, len(block), self.measurement.channels))
        for _, values in self._sources[name].contributions(block):
            parts += self._sum.split(values)
        return self._sum.join(self._team.add(parts))


class _Source:
    """What currents of one kind contribute to a signal, cell by cell."""

    def __init__(self, share: CurrentShare, matrices: Sequence[np.ndarray]) -> None:
        self._offsets = share.offsets
        self._matrices = [
            np.ascontiguousarray(matrix[index] * factor[:, None])
            for matrix, index, factor in zip(matrices, share.index, share.factor, strict=True)
        ]

    def contributions(self, currents: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each cell that has such currents, and its part (n, C) of the signal."""
        for k, matrix in enumerate(self._matrices):
            block = currents[:, self._offsets[k] : self._offsets[k + 1]]
            if block.shape[1]:
                yield k, contracted(block, matrix)


def contracted(currents: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply samples with a matrix such that each row has the same bits in any chunk.

    BLAS adds in an order that depends on the shape of its arguments, so it always gets the same
    number of rows. It must work with one thread (``OPENBLAS_NUM_THREADS=1``) for the same reason.

    Parameters
    ----------
    currents : ndarray, shape (n, N)
        Samples.
    matrix : ndarray, shape (N, C)
        What they are multiplied with.

    Returns
    -------
    ndarray, shape (n, C)
    """
    result = np.empty((len(currents), matrix.shape[1]))
    rows = np.zeros((ROWS, currents.shape[1]))
    product = np.empty((ROWS, matrix.shape[1]))
    for first in range(0, len(currents), ROWS):
        count = min(ROWS, len(currents) - first)
        rows[:count] = currents[first : first + count]
        np.matmul(rows, matrix, out=product)
        result[first : first + count] = product[:count]
    return result


def group_names(per: str, populations: Sequence[str], gids: Sequence[int]) -> list[str]:
    """Names of the shares that a signal keeps: none, populations, or gids."""
    if per == "population":
        return list(populations)
    return [str(gid) for gid in gids] if per == "cell" else []


def begin_signal(
    writer: RecordingWriter, stream: Stream, dt: float, t_start: float = 0.0
) -> dict[str, Track]:
    """Begin the datasets of a stream; returns the track of the total, "", and of each share."""
    measurement = stream.measurement
    nothing = np.empty((0, measurement.channels))
    if measurement.name == "dipole" and measurement.units == "nA um":
        sampled = Sampled(nothing, measurement.units, dt, t_start)
        names = {"": "total", **{group: group for group in stream.groups}}
        return {key: writer.dipole(name, sampled) for key, name in names.items()}
    signal = Signal(
        nothing,
        measurement.units,
        dt,
        t_start,
        measurement.positions,
        measurement.names,
        measurement.model,
        dict(measurement.parameters),
        dict.fromkeys(stream.groups, nothing),
    )
    return writer.signal(measurement.name, signal)
