"""Point processes: synapses with given spike times, and electrodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError, UsageError, nearest
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import SimulatedCell


class PointProcess:
    """A point process in the middle of a segment.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    kind : str
        Name of the point process in NEURON.
    **parameters
        Its parameters; lists set arrays element by element.

    Raises
    ------
    UsageError
        Where the segment does not exist, or the mechanism has no such parameter.
    SimulatorError
        Where NEURON knows no such point process.
    """

    def __init__(self, cell: SimulatedCell, idx: int, kind: str, **parameters: Any) -> None:
        self.cell = cell
        self.idx = check_index(idx, len(cell.segments))
        self.kind = kind
        self.point = make_point(kind, cell.segments[self.idx], parameters.items())

    @property
    def position(self) -> np.ndarray:
        """Midpoint of its segment, shape (3,), um."""
        return self.cell.geometry.middle[self.idx]


class Synapse(PointProcess):
    """A synapse that is activated at given times.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    syntype : str
        ``ExpSyn``, ``Exp2Syn`` or any other point process that takes events.
    weight : float
        Weight of each event: uS for conductances.
    **parameters
        Parameters of the mechanism.
    """

    def __init__(
        self,
        cell: SimulatedCell,
        idx: int,
        syntype: str = "ExpSyn",
        weight: float = 1.0,
        **parameters: Any,
    ) -> None:
        super().__init__(cell, idx, syntype, **parameters)
        self.times = np.empty(0)
        self.netcon = make_netcon(self.point)
        self.netcon.weight[0] = float(weight)
        cell.synapses.append(self)

    def set_spike_times(self, times: Sequence[float] | np.ndarray) -> None:
        """Set when events reach the synapse, ms; those before the start act at the start."""
        values = np.sort(np.asarray(times, dtype=float).ravel())
        if not np.all(np.isfinite(values)):
            raise InputError("spike times are not finite")
        self.times = values

    def queue_events(self) -> None:
        """Hand the events to NEURON, which forgets them at each initialisation."""
        event = self.netcon.event
        for time in self.times.tolist():
            event(time)


class StimIntElectrode(PointProcess):
    """An electrode: ``IClamp``, ``SEClamp``, ``VClamp`` or any other point process.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    pptype : str
        Name of the point process.
    **parameters
        Its parameters, such as ``amp`` (nA), ``delay`` and ``dur`` (ms).
    """

    def __init__(
        self, cell: SimulatedCell, idx: int, pptype: str = "IClamp", **parameters: Any
    ) -> None:
        super().__init__(cell, idx, pptype, **parameters)
        cell.electrodes.append(self)


def check_index(idx: int, count: int) -> int:
    """Return `idx` as an int; `UsageError` where the cell has no such segment."""
    if int(idx) != idx or not 0 <= idx < count:
        raise UsageError(
            f"there is no segment {idx}", remedy=f"the cell has segments 0 to {count - 1}"
        )
    return int(idx)


def make_point(kind: str, segment: Any, parameters: Iterable[tuple[str, Any]] = ()) -> Any:
    """Make a point process of NEURON on a segment.

    Parameters
    ----------
    kind : str
        Its name.
    segment : nrn.Segment
        Where it goes.
    parameters : iterable of (str, value)
        Its parameters; lists set arrays element by element.

    Raises
    ------
    SimulatorError
        Where NEURON knows no such point process.
    UsageError
        Where it has no such parameter.
    """
    point = _maker(kind)(segment)
    for name, value in parameters:
        _set_parameter(point, kind, name, value)
    return point


def make_netcon(point: Any) -> Any:
    """Make a connection without a source, which events are given to."""
    kind = point.hname().partition("[")[0]
    # NEURON must not be asked to: it would crash at the end of the process
    if not takes_events(kind):
        raise SimulatorError(
            f"'{kind}' takes no events", remedy="use a synapse; gap junctions are not supported"
        )
    return nrn().NetCon(None, point)


@cache
def takes_events(kind: str) -> bool:
    """Whether a point process is a target of spikes."""
    types = nrn().MechanismType(1)
    types.select(kind)
    return bool(types.is_netcon_target(int(types.selected())))


@cache
def _maker(kind: str) -> Any:
    """The class of a point process; mechanisms stay once they are loaded."""
    if kind not in point_process_names():
        raise SimulatorError(
            f"unknown point process '{kind}'",
            remedy=nearest(kind, point_process_names(), "point process"),
        )
    return getattr(nrn(), kind)


def point_process_names() -> tuple[str, ...]:
    """Names of the point processes that NEURON has now."""
    return _mechanism_names(1, int(nrn().MechanismType(1).count()))


def density_mechanism_names() -> tuple[str, ...]:
    """Names of the density mechanisms that NEURON has now."""
    return _mechanism_names(0, int(nrn().MechanismType(0).count()))


@cache
def _mechanism_names(kind: int, count: int) -> tuple[str, ...]:
    """Names of all of them, which stay once they are loaded."""
    h = nrn()
    types = h.MechanismType(kind)
    name = h.ref("")
    names = []
    for k in range(count):
        types.select(k)
        types.selected(name)
        names.append(str(name[0]))
    return tuple(names)


@cache
def parameter_names(kind: str) -> list[str]:
    """Names of the parameters of a mechanism or point process, with its suffix as NEURON has it."""
    h = nrn()
    standard = h.MechanismStandard(kind, 1)
    name = h.ref("")
    names = []
    for k in range(int(standard.count())):
        standard.name(name, k)
        names.append(str(name[0]))
    return names


def check_parameter(kind: str, name: str) -> None:
    """Raise `UsageError` where a point process has no such parameter."""
    known = parameter_names(kind)
    # hoc says 'del', Python keeps that word for itself
    if ("del" if name == "delay" else name) not in known and name not in known:
        raise UsageError(
            f"{kind} has no parameter '{name}'", remedy=nearest(name, known, "parameter")
        )


def check_synapse(kind: str, names: Iterable[str]) -> None:
    """Raise an error where a point process is unknown, takes no events or lacks a parameter."""
    _maker(kind)
    h = nrn()
    types = h.MechanismType(1)
    types.select(kind)
    if not types.is_netcon_target(types.selected()):
        raise _no_events(kind)
    for name in names:
        check_parameter(kind, name)


def _no_events(kind: str) -> SimulatorError:
    return SimulatorError(
        f"'{kind}' takes no events", remedy="use a synapse; gap junctions are not supported"
    )


def _set_parameter(point: Any, kind: str, name: str, value: Any) -> None:
    check_parameter(kind, name)
    try:
        if np.ndim(value) == 0:
            setattr(point, name, float(value))
        else:
            target = getattr(point, name)
            for k, element in enumerate(value):
                target[k] = float(element)
    except (TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{kind}: {value!r} is no value for '{name}'") from error
