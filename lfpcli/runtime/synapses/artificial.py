"""Artificial cells: integrate-and-fire units without sections, which have gids as cells do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.cell.points import check_parameter, is_artificial, make_netcon
from lfpcli.runtime.mechanisms.own import INTEGRATOR
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.synapses.events import EventFeed, Feed, Trains

ARTIFICIAL = ("IntFire1", "IntFire2", "IntFire4")
"""The artificial cells that NEURON has built in, which integrate events."""


class ArtificialCell:
    """One artificial cell of this process.

    Parameters
    ----------
    mechanism : str
        What it is in NEURON.
    params : sequence of (str, float)
        Its parameters.
    gid : int
        Its number.

    Raises
    ------
    SimulatorError
        Where NEURON has no such artificial cell.
    """

    def __init__(self, mechanism: str, params: Sequence[tuple[str, float]], gid: int) -> None:
        if mechanism not in ARTIFICIAL and not is_artificial(mechanism):
            raise SimulatorError(
                f"{mechanism} is no artificial cell",
                remedy=f"use one of {', '.join(ARTIFICIAL)}, or name its file in run.mechanisms",
            )
        h, pc = nrn(), context()
        self.gid = gid
        if mechanism == ARTIFICIAL[0] and hasattr(h, INTEGRATOR):
            mechanism = INTEGRATOR
        self.point: Any = getattr(h, mechanism)()
        for name, value in params:
            check_parameter(mechanism, name)
            setattr(self.point, name, value)
        pc.set_gid2node(gid, int(pc.id()))
        # an artificial cell is its own source of spikes
        pc.cell(gid, h.NetCon(self.point, None))


class ArtificialInputs:
    """Connections onto artificial cells, from cells and from spike trains.

    Parameters
    ----------
    cells : sequence of ArtificialCell
        The cells.
    cell : ndarray of int, shape (S,)
        Index of the cell that each connection goes to.
    source : ndarray of int, shape (S,)
        Number of the presynaptic cell or train.
    weight, delay : ndarray, shape (S,)
        In what the cell counts in; ms.
    trains : sequence of Trains
        The trains.
    dt, tstart : float
        Time step and start of the run, ms.

    Attributes
    ----------
    netcons : list
        NEURON's connections from cells.
    arrival : (ndarray, ndarray)
        Gid of the source of each of them, and its delay, ms.
    feed : EventFeed
        Hands the spikes of trains to the cells while the run goes.
    """

    def __init__(
        self,
        cells: Sequence[ArtificialCell],
        *,
        cell: np.ndarray,
        source: np.ndarray,
        weight: np.ndarray,
        delay: np.ndarray,
        trains: Sequence[Trains],
        dt: float,
        tstart: float,
    ) -> None:
        is_event = np.zeros(len(source), bool)
        for part in trains:
            is_event |= part.holds(source)
        connect = context().gid_connect
        self.netcons = []
        between = np.flatnonzero(~is_event)
        self.arrival = source[between], delay[between]
        for k in between.tolist():
            netcon = connect(int(source[k]), cells[cell[k]].point)
            netcon.weight[0], netcon.delay = weight[k], delay[k]
            self.netcons.append(netcon)
        chosen = np.flatnonzero(is_event)
        heard = []
        for k in chosen.tolist():
            netcon = make_netcon(cells[cell[k]].point)
            netcon.weight[0] = weight[k]
            heard.append(netcon)
        self.feed = EventFeed(
            netcons=heard,
            shift=np.zeros(len(heard)),
            trains=trains,
            source=source[chosen],
            target=np.arange(len(heard)),
            delay=delay[chosen],
            dt=dt,
            tstart=tstart,
        )


class JoinedFeeds:
    """Several feeds that a run calls as one.

    Parameters
    ----------
    feeds : sequence of Feed
        The feeds.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = list(feeds)

    @property
    def rate(self) -> float:
        """Expected events of this process per ms."""
        return sum(feed.rate for feed in self._feeds)

    def rewind(self, time: float) -> None:
        """Begin anew at a time, ms; see `EventFeed.rewind`."""
        for feed in self._feeds:
            feed.rewind(time)

    def __call__(self, until: float) -> None:
        """Hand over all spikes up to a time, ms."""
        for feed in self._feeds:
            feed(until)
