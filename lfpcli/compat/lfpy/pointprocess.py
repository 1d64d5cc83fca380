"""Point processes with LFPy's arguments: synapses, and electrodes inside of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.runtime.cell import points
from lfpcli.runtime.neuron import nrn


class PointProcess:
    """A place on a cell, with what a run recorded there.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    record_current, record_potential : bool
        Whether a run leaves the current, nA, in `i`, and the potential of the segment, mV, in `v`,
        each of shape (T,).
    **kwargs
        Parameters of the point process.
    """

    def __init__(
        self,
        cell: Any,
        idx: int,
        record_current: bool = False,
        record_potential: bool = False,
        **kwargs: Any,
    ) -> None:
        self.cell = cell
        self.idx = points.check_index(idx, cell.totnsegs)
        self.record_current = record_current
        self.record_potential = record_potential
        self.kwargs = kwargs

    @property
    def x(self) -> float:
        """Middle of the segment along x, um."""
        return float(self.cell.x[self.idx].mean())

    @property
    def y(self) -> float:
        """Middle of the segment along y, um."""
        return float(self.cell.y[self.idx].mean())

    @property
    def z(self) -> float:
        """Middle of the segment along z, um."""
        return float(self.cell.z[self.idx].mean())

    def update_pos(self, cell: Any) -> None:
        """Refer to another cell; places always are those of the cell as it is."""
        self.cell = cell

    def __getstate__(self) -> dict[str, Any]:
        """What a copy keeps: NEURON's objects have none."""
        state = vars(self).copy()
        for name in ("point", "netcon", "netstim", "_generated"):
            state.pop(name, None)
        return state

    def __repr__(self) -> str:
        return f"{type(self).__name__}(idx={self.idx}, {self.kwargs})"


class Synapse(PointProcess, points.Synapse):
    """A synapse that spike times activate.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    syntype : str
        Name of a point process that takes events.
    record_current, record_potential : bool
        See `PointProcess`.
    **kwargs
        `weight` of the events (uS for conductances), and parameters of the point process.
    """

    def __init__(
        self,
        cell: Any,
        idx: int,
        syntype: str,
        record_current: bool = False,
        record_potential: bool = False,
        **kwargs: Any,
    ) -> None:
        if "weight" not in kwargs:
            raise UsageError("a synapse needs a weight", remedy="add weight=..., in uS")
        PointProcess.__init__(
            self,
            cell,
            idx,
            record_current=record_current,
            record_potential=record_potential,
            **kwargs,
        )
        points.Synapse.__init__(self, cell, idx, syntype, **kwargs)
        self.syntype = syntype
        # the source of set_spike_times_w_netstim
        self.netstim: Any = None
        self._generated: Any = None

    def disconnect(self) -> None:
        """Take its connections away."""
        super().disconnect()
        self.netstim = self._generated = None

    def set_spike_times(self, sptimes: ArrayLike = ()) -> None:
        """Set when events reach the synapse, shape (n,), ms."""
        super().set_spike_times(np.asarray(sptimes, dtype=float))

    def set_spike_times_w_netstim(
        self,
        noise: float = 1.0,
        start: float = 0.0,
        number: float = 1e3,
        interval: float = 10.0,
        seed: float = 1234.0,
    ) -> None:
        """Let a NetStim of NEURON activate the synapse, 1 ms after each of its events, as in LFPy.

        Parameters
        ----------
        noise : float
            0 for regular, 1 for exponential intervals.
        start : float
            Time of the first event, ms.
        number : float
            Number of events.
        interval : float
            Mean interval, ms.
        seed : float
            Of its random numbers, which depend on it and on the number of the synapse in the cell
            alone.
        """
        h = nrn()
        self.netstim = h.NetStim()
        self.netstim.noise, self.netstim.start = noise, start
        self.netstim.number, self.netstim.interval = number, interval
        # by itself a stream depends on how many NetStims the process has seen
        self.netstim.noiseFromRandom123(int(seed), self.cell.synapses.index(self), 0)
        self._generated = h.NetCon(self.netstim, self.point)
        self._generated.weight[0] = float(self.kwargs["weight"])
        self._generated.delay = 1.0


class StimIntElectrode(PointProcess, points.StimIntElectrode):
    """An electrode in a cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    pptype : str
        ``IClamp``, ``VClamp``, ``SEClamp``, or any other point process.
    record_current, record_potential : bool
        See `PointProcess`.
    **kwargs
        Its parameters; lists set arrays element by element.
    """

    def __init__(
        self,
        cell: Any,
        idx: int,
        pptype: str = "SEClamp",
        record_current: bool = False,
        record_potential: bool = False,
        **kwargs: Any,
    ) -> None:
        PointProcess.__init__(
            self,
            cell,
            idx,
            record_current=record_current,
            record_potential=record_potential,
            **kwargs,
        )
        points.StimIntElectrode.__init__(self, cell, idx, pptype, **kwargs)
        self.pptype = pptype
