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
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.contraction import Contraction, CurrentShare

# numbers of the transfer matrices that are computed at once
MATRIX_VALUES = 1 << 20


@dataclass
class Measurement:
    """What an instrument makes of the currents of cells.

    Attributes
    ----------
    name : str
        Name of the signal.
    units : str
        Unit of the signal.
    channels : int
        Number of its channels.
    matrix : callable
        Returns the transfer matrix (C, N) of a `Geometry`, of one or many cells, in `units` per nA.
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
        matrices = list(_matrices(measurement, members))
        sizes = [len(member.geometry) for member in members]
        whole = CurrentShare(
            "",
            np.cumsum([0, *sizes]),
            [np.arange(size) for size in sizes],
            [np.ones(size) for size in sizes],
        )
        bound = np.zeros(measurement.channels)
        for matrix in matrices:
            np.maximum(bound, np.abs(matrix).max(axis=0, initial=0.0), out=bound)
        self._sum = OrderFreeSum(cells, team.largest(bound))
        groups_of = [self._group(member) for member in members]
        self._whole = Contraction(whole, matrices, groups_of, self._sum)
        alone = [0] * len(members)
        self._shares = {s.name: Contraction(s, matrices, alone, self._sum) for s in shares}

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
        self._whole.add(parts, currents)
        parts = self._team.add(parts)
        found = {name: self._of_kind(name, block) for name, block in (shares or {}).items()}
        if not self._team.leads:
            return {}
        if not shares:
            found = {group: self._sum.join(parts[g]) for g, group in enumerate(self.groups)}
        return {"": self._sum.join(parts.sum(axis=0)), **found}

    def _of_kind(self, name: str, block: np.ndarray) -> np.ndarray:
        parts = np.zeros((1, 2, len(block), self.measurement.channels))
        self._shares[name].add(parts, block)
        return self._sum.join(self._team.add(parts)[0])


def _matrices(measurement: Measurement, members: Sequence[Member]) -> Iterator[np.ndarray]:
    """Yield what the segments of each cell contribute, shape (N, C), computed for many at once."""
    most = max(1, MATRIX_VALUES // max(measurement.channels, 1))
    first = 0
    while first < len(members):
        last, size = first + 1, len(members[first].geometry)
        while last < len(members) and size + len(members[last].geometry) <= most:
            size += len(members[last].geometry)
            last += 1
        cells = [member.geometry for member in members[first:last]]
        whole = np.ascontiguousarray(measurement.matrix(Geometry.joined(cells)).T)
        yield from np.split(whole, np.cumsum([len(cell) for cell in cells[:-1]]))
        first = last


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
