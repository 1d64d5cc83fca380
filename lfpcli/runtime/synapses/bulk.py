"""Synapses in bulk: point processes that are shared where they may be, and what reaches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.cell.points import make_netcon, make_point
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.artificial import ArtificialInputs, JoinedFeeds
from lfpcli.runtime.synapses.events import EventFeed, Feed, Trains
from lfpcli.runtime.synapses.step_middles import act_past_middle

# the sum of several such synapses with equal parameters is one such synapse
LINEAR = ("ExpSyn", "Exp2Syn")
# ms; tells apart events that would reach one point process at the same time, see `Synapses`
TIE = 2.0**-32


@dataclass(frozen=True)
class SynapseType:
    """Synapses that may share a point process.

    Attributes
    ----------
    type : str
        Name of the point process in NEURON.
    params : tuple of (str, float)
        Its parameters.
    shared : bool
        Whether those on one segment are one point process.
    varied : tuple of str
        Further parameters, which differ from synapse to synapse; such are not shared. An empty
        name stands for a column of `SynapseRows.values` that the type has not.
    signal_weight : int or None
        Which weight of a connection says what kind of events it brings.
    """

    type: str
    params: tuple[tuple[str, float], ...] = ()
    shared: bool = False
    varied: tuple[str, ...] = ()
    signal_weight: int | None = None


@dataclass
class SynapseRows:
    """Synapses of the cells of one process, one row each, in the order of cells.

    Attributes
    ----------
    cell : ndarray of int, shape (S,)
        Index of the cell among those of the process.
    segment : ndarray of int, shape (S,)
        Index of the segment in the cell.
    synapse_type : ndarray of int, shape (S,)
        Index of its `SynapseType`.
    weight : ndarray, shape (S,)
        Weight of an event, uS for conductances.
    delay : ndarray, shape (S,)
        ms; 0 where `source` is negative.
    source : ndarray of int, shape (S,)
        Number of the presynaptic cell or spike train; a negative one is a train of its own,
        -1 - k for train k.
    origin : ndarray of int, shape (S,)
        Number of the table of the model that the synapse comes from.
    values : ndarray, shape (S, V)
        What the varied parameters of its `SynapseType` are, in their order; V is the most that
        a type has. Left out: there are none.
    point : ndarray of int, shape (S,)
        Rows of a cell, segment and type with the same number act on one point process, whose
        parameters are those of the first; -1, as where left out: on one of its own.
    signal : ndarray of int, shape (S,)
        What the weight `SynapseType.signal_weight` is; 0 where left out.
    """

    cell: np.ndarray
    segment: np.ndarray
    synapse_type: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    source: np.ndarray
    origin: np.ndarray
    values: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    point: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    signal: np.ndarray = field(default_factory=lambda: np.empty(0, np.int8))

    def __post_init__(self) -> None:
        count = len(self.cell)
        if not self.values.size:
            self.values = np.empty((count, 0))
        if not self.point.size:
            self.point = np.full(count, -1, np.int64)
        if not self.signal.size:
            self.signal = np.zeros(count, np.int8)

    def __len__(self) -> int:
        return len(self.cell)

    @classmethod
    def joined(cls, parts: Sequence[SynapseRows]) -> SynapseRows:
        """Put rows of several tables together, sorted by cell."""
        names = [f.name for f in fields(cls) if f.name != "values"]
        whole = {}
        for name in names:
            columns = [getattr(part, name) for part in parts]
            # an empty one, as nothing at all cannot be joined
            whole[name] = np.concatenate([np.zeros(0, _TYPES[name]), *columns])
        # within a cell rows keep the order of the tables, in which simultaneous events act
        order = np.argsort(whole["cell"], kind="stable")
        ordered = {name: whole[name][order].astype(_TYPES[name]) for name in names}
        return cls(**ordered, values=_side_by_side([part.values for part in parts])[order])


def _side_by_side(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of arrays of different widths, filled up to the widest."""
    width = max((part.shape[1] for part in parts), default=0)
    whole = np.full((sum(map(len, parts)), width), np.nan)
    first = 0
    for part in parts:
        whole[first : first + len(part), : part.shape[1]] = part
        first += len(part)
    return whole


_TYPES: dict[str, Any] = {
    **dict.fromkeys(("cell", "segment", "synapse_type", "origin"), np.int32),
    **dict.fromkeys(("weight", "delay"), np.float64),
    **dict.fromkeys(("source", "point"), np.int64),
    "signal": np.int8,
}


class Synapses:
    """The point processes of rows, with their connections.

    Where several connections reach one point process, the order of simultaneous events decides
    the last bit of its state. It must not depend on the number of processes: events that might
    be simultaneous are therefore drawn apart by multiples of 2^-32 ms, far less than a time step,
    so that they act in the order of the rows. Spikes of artificial cells come at any time, also in
    the very middle of a step, where a shift would move them to another; they stay as they are, and
    a point process gets those of one artificial cell at most.

    Parameters
    ----------
    cells : sequence of Cell
        The cells of this process.
    synapse_types : sequence of SynapseType
        Types of synapses, which rows name by their index.
    rows : SynapseRows
        The synapses.
    trains : sequence of Trains
        Spike trains that are no cells, those of single synapses under negative numbers.
    dt : float
        Time step, ms.
    tstart : float
        Start of the run, ms.
    artificial : ndarray of int, shape (n,), optional
        Numbers of the artificial cells of all processes.
    by_table : bool
        Whether a point process is shared by synapses of one table of the model alone.

    Attributes
    ----------
    points : list
        NEURON's point processes, sorted by cell, segment and type.
    point : ndarray of int, shape (S,)
        The point process of each row.
    cell, segment, synapse_type : ndarray of int, shape (P,)
        What each point process belongs to.
    feed : Feed
        Hands the spikes of trains to NEURON while the run goes.
    pointed_at : list
        Objects of NEURON that point processes look at without keeping them.
    """

    def __init__(
        self,
        cells: Sequence[SimulatedCell],
        synapse_types: Sequence[SynapseType],
        rows: SynapseRows,
        trains: Sequence[Trains],
        *,
        dt: float,
        tstart: float = 0.0,
        artificial: np.ndarray | None = None,
        by_table: bool = False,
    ) -> None:
        self.synapse_types, self.rows = list(synapse_types), rows
        self._dt, self._by_table = dt, by_table
        self._is_artificial = np.isin(rows.source, [] if artificial is None else artificial)
        first = self._number_points()
        self.cell, self.segment = rows.cell[first], rows.segment[first]
        self.synapse_type = rows.synapse_type[first]
        self.origin = rows.origin[first]
        self.points: list[Any] = []
        self.pointed_at: list[Any] = []
        for c, s, k, row in zip(self.cell, self.segment, self.synapse_type, first, strict=True):
            point = self._make_point(synapse_types[k], cells[c].segments[s])
            for name, value in zip(synapse_types[k].varied, rows.values[row], strict=False):
                if name:
                    setattr(point, name, value)
            self.points.append(point)
        self._is_event = np.zeros(len(rows), bool)
        for part in trains:
            self._is_event |= part.holds(rows.source)
        self.netcons = self._connect(np.flatnonzero(~self._is_event))
        events = self._listen(np.flatnonzero(self._is_event), trains, tstart)
        self._event_netcons = events.netcons
        self.feed: Feed = events

    @staticmethod
    def _make_point(synapse_type: SynapseType, segment: Any) -> Any:
        """Make a point process whose parameters were checked, see `check_synapse`."""
        point = make_point(synapse_type.type, segment)
        for name, value in synapse_type.params:
            setattr(point, name, value)
        return point

    def _number_points(self) -> np.ndarray:
        """Number the point processes in `point`; return a row of each."""
        rows = self.rows
        shared = np.array([t.shared for t in self.synapse_types], bool)[rows.synapse_type]
        numbered = rows.point >= 0
        alone = np.where(numbered, len(rows) + 1 + rows.point, np.arange(1, len(rows) + 1))
        alone[shared] = 0
        chosen = np.flatnonzero(shared & self._is_artificial)
        if len(chosen):
            alone[chosen] = -self._artificial_places(chosen)
        table = rows.origin if self._by_table else np.zeros(len(rows), np.int32)
        keys = rows.cell, rows.segment, rows.synapse_type, alone, table
        first, self.point = _groups(*keys)
        return first

    def _artificial_places(self, chosen: np.ndarray) -> np.ndarray:
        """Number of each row's artificial cell among those onto the same segment, shape (n,)."""
        rows = self.rows
        keys = rows.cell[chosen], rows.segment[chosen], rows.synapse_type[chosen]
        first, source = _groups(*keys, rows.source[chosen])
        _, segment = _groups(*(key[first] for key in keys))
        places: np.ndarray = _rank_in_group(segment)[source]
        return places

    def _connect(self, chosen: np.ndarray) -> list[Any]:
        """Connect the chosen rows to the cells whose spikes they get."""
        rows = self.rows
        delay = self._told_apart(chosen)
        self._arrival = rows.source[chosen], delay
        connect, points = context().gid_connect, self.points
        netcons = []
        for source, point, weight, wait in zip(
            rows.source[chosen].tolist(),
            self.point[chosen].tolist(),
            rows.weight[chosen].tolist(),
            delay.tolist(),
            strict=True,
        ):
            netcon = connect(source, points[point])
            netcon.weight[0] = weight
            netcon.delay = wait
            netcons.append(netcon)
        self._tell_signals(netcons, chosen)
        return netcons

    def _tell_signals(self, netcons: Sequence[Any], chosen: np.ndarray) -> None:
        """Let connections of the chosen rows say what kind of events they bring."""
        signals = self.rows.signal[chosen]
        for k in np.flatnonzero(signals).tolist():
            which = self.synapse_types[self.rows.synapse_type[chosen[k]]].signal_weight
            if which is not None:
                netcons[k].weight[which] = float(signals[k])

    def netcons_of_points(self) -> list[list[Any]]:
        """Connections onto each point process, those of cells before those of trains, (P,)."""
        netcons: list[list[Any]] = [[] for _ in self.points]
        events = np.flatnonzero(self._is_event)
        first, _ = self._event_groups(events)
        of_cells = self.point[~self._is_event].tolist()
        # connections onto artificial cells, which were joined, come behind
        for point, netcon in zip(of_cells, self.netcons, strict=False):
            netcons[point].append(netcon)
        of_trains = self.point[events][first].tolist()
        for point, netcon in zip(of_trains, self._event_netcons, strict=True):
            netcons[point].append(netcon)
        return netcons

    def join(self, inputs: ArtificialInputs) -> None:
        """Take connections onto artificial cells among those that spikes are sent to."""
        self.netcons += inputs.netcons
        sources, delays = zip(self._arrival, inputs.arrival, strict=True)
        self._arrival = np.concatenate(sources), np.concatenate(delays)
        self.feed = JoinedFeeds([self.feed, inputs.feed])

    def redeliver(self, times: np.ndarray, gids: np.ndarray, now: float) -> None:
        """Send spikes of the past whose events are still on their way.

        Parameters
        ----------
        times, gids : ndarray, shape (n,)
            Spikes of all cells, ms.
        now : float
            Time that the run has come to, ms.
        """
        source, delay = self._arrival
        # most spikes have arrived by every connection
        late = times + delay.max(initial=0.0) >= now
        for time, gid in zip(times[late].tolist(), gids[late].tolist(), strict=True):
            for k in np.flatnonzero((source == gid) & (time + delay > now)).tolist():
                self.netcons[k].event(time + delay[k])

    def _told_apart(self, chosen: np.ndarray) -> np.ndarray:
        """Delays of connections, unequal where spikes could arrive at the same time."""
        delay, point = self.rows.delay[chosen], self.point[chosen]
        # spikes come on the grid of time steps
        phase = np.round(delay / self._dt % 1.0 * 2**24) % 2**24
        _, group = _groups(point, phase)
        artificial = self._is_artificial[chosen]
        # spikes of artificial cells may come at the same time as any others
        tied = np.unique(point[(np.bincount(group)[group] > 1) | artificial])
        rank = _rank_in_group(point) + np.isin(point, point[artificial])
        shift = np.where(np.isin(point, tied) & ~artificial, rank * TIE, 0.0)
        is_late = (delay - shift < self._dt) | act_past_middle(delay, self._dt)
        apart: np.ndarray = np.where(is_late, delay + shift, delay - shift)
        return apart

    def _listen(self, chosen: np.ndarray, trains: Sequence[Trains], tstart: float) -> EventFeed:
        """Connect the chosen rows to trains; equal weights on one point process are one NetCon."""
        rows = self.rows
        first, target = self._event_groups(chosen)
        points, weights = self.point[chosen][first], rows.weight[chosen][first]
        netcons = []
        for point, weight in zip(points.tolist(), weights.tolist(), strict=True):
            netcon = make_netcon(self.points[point])
            netcon.weight[0] = weight
            # its events come at given times, but CoreNEURON wants two steps of all connections
            netcon.delay = max(1.0, 3 * self._dt)
            netcons.append(netcon)
        self._tell_signals(netcons, chosen[first])
        spikes = np.bincount(np.delete(self.point, chosen), minlength=len(self.points))[points]
        events = np.bincount(points, minlength=len(self.points))[points]
        rank = np.where(spikes + events == 1, 0, spikes + _rank_in_group(points))
        return EventFeed(
            netcons=netcons,
            shift=rank * TIE,
            trains=trains,
            source=rows.source[chosen],
            target=target,
            delay=rows.delay[chosen],
            dt=self._dt,
            tstart=tstart,
        )

    def _event_groups(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One of the chosen rows per connection from trains, and the connection of each row."""
        rows = self.rows
        return _groups(self.point[chosen], rows.weight[chosen], rows.signal[chosen])


def _groups(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows of keys: index of one row of each distinct kind, and the kind of each row."""
    order = np.lexsort(keys[::-1])
    begins = np.zeros(len(order), bool)
    begins[:1] = True
    for key in keys:
        ordered = key[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(begins) - 1
    return order[begins], group


def _rank_in_group(group: np.ndarray) -> np.ndarray:
    """Place of each element among the equal ones before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    begins = np.ones(len(group), bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.r_[starts, len(group)])
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(starts, lengths)
    return rank


def detect_spikes(cell: SimulatedCell, threshold: float) -> None:
    """Let NEURON know a cell by its gid; upward crossings of `threshold` (mV) are its spikes."""
    h, pc = nrn(), context()
    if not pc.gid_exists(cell.gid):
        source = cell.spike_detector
        pc.set_gid2node(cell.gid, int(pc.id()))
        # a connection without a target is what detects the spikes
        pc.cell(cell.gid, h.NetCon(source._ref_v, None, sec=source.sec))
    pc.threshold(cell.gid, threshold)


def restart_exchange() -> None:
    """Let processes and threads exchange spikes from the current time on.

    NEURON begins at t = 0 with it; spikes before would get lost between them.
    """
    pc = context()
    if int(pc.nhost()) == 1 and int(pc.nthread()) == 1:
        return
    import neuron

    try:
        # the name is that of C++: no word of hoc or Python leads to it
        restart = neuron.nrn_dll_sym("_Z23nrn_spike_exchange_initv")
    except AttributeError as error:
        raise SimulatorError(
            "this NEURON cannot begin a run of several processes before t = 0",
            remedy="use NEURON 9 from PyPI, or tstart = 0",
        ) from error
    restart.argtypes, restart.restype = [], None
    restart()
