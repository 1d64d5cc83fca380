"""Point processes: synapses with given spike times, and electrodes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError, UsageError, nearest
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import SimulatedCell

# all that are there, of whichever cell
_CONNECTED: weakref.WeakSet[Connected] = weakref.WeakSet()


class Connected:
    """A point process that events reach.

    Attributes
    ----------
    point : HocObject
        The point process.
    netcon : HocObject or None
        What leads to it.
    """

    point: Any
    netcon: Any

    def watch(self) -> None:
        """Let the connection be taken away once its section is deleted."""
        _CONNECTED.add(self)

    def disconnect(self) -> None:
        """Take the connection away."""
        self.netcon = None


class PointProcess:
    """A point process in the middle of a segment.

    Parameters
    ----------
    cell : Cell
        The cell.
    idx : int
        Index of the segment.
    mechanism : str
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

    def __init__(self, cell: SimulatedCell, idx: int, mechanism: str, **parameters: Any) -> None:
        self.cell = cell
        self.idx = check_index(idx, len(cell.segments))
        self.mechanism = mechanism
        self.point = make_point(mechanism, cell.segments[self.idx], parameters.items())

    def __repr__(self) -> str:
        place = self.cell.geometry.segment_label(self.idx)
        return f"{type(self).__name__}({self.mechanism} at {place})"

    @property
    def position(self) -> np.ndarray:
        """Midpoint of its segment, shape (3,), um."""
        middle: np.ndarray = self.cell.geometry.middle[self.idx]
        return middle


class Synapse(PointProcess, Connected):
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
        self.watch()

    def set_spike_times(self, times: Sequence[float] | np.ndarray) -> None:
        """Set when events reach the synapse, shape (n,), ms; earlier ones act at the start."""
        values = np.sort(np.asarray(times, dtype=float).ravel())
        if not np.all(np.isfinite(values)):
            raise InputError("spike times are not finite", remedy="give finite times, ms")
        self.times = values

    def queue_events(self) -> None:
        """Hand the events to NEURON, which forgets them at each initialisation."""
        if self.netcon is None:
            return
        event = self.netcon.event
        for time in self.times.tolist():
            event(time)


@dataclass(frozen=True, kw_only=True)
class TableSynapse:
    """A synapse that a table of a model has put on a cell, as code of the model sees it.

    Attributes
    ----------
    table : {'connection', 'input'}
        The kind of table.
    number : int
        Which of these tables, from 0.
    mechanism : str
        Name of the point process in NEURON.
    idx : int
        Index of the segment.
    point : HocObject
        The point process.
    netcons : tuple of HocObject
        What leads to it.
    """

    table: str
    number: int
    mechanism: str
    idx: int
    point: Any
    netcons: tuple[Any, ...]


def disconnect_deleted() -> None:
    """Take away the connections of point processes whose sections were deleted.

    NEURON keeps their point processes, without any place, and crashes when it initialises what is
    connected to them.
    """
    for connected in list(_CONNECTED):
        if connected.netcon is not None and connected.point.get_segment() is None:
            connected.disconnect()


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
        self._played: list[Any] = []
        cell.electrodes.append(self)

    def play(self, name: str, times: np.ndarray, values: np.ndarray) -> None:
        """Let a parameter follow values in time, linear between them.

        Parameters
        ----------
        name : str
            The parameter.
        times, values : ndarray, shape (K,)
            ms, ascending; in the unit of the parameter. The first and the last value hold before
            and behind.

        Raises
        ------
        UsageError
            Where the mechanism has no such parameter.
        """
        check_parameter(self.mechanism, name)
        # a clamp without a duration injects nothing
        for edge, value in (("delay", 0.0), ("dur", 1e9)):
            known = parameter_names(self.mechanism)
            if edge in known or (edge == "delay" and "del" in known):
                setattr(self.point, edge, value)
        h = nrn()
        before, behind = min(times[0], 0.0) - 1.0, max(times[-1], 0.0) + 1e9
        knots = h.Vector(np.r_[before, times, behind])
        played = h.Vector(np.r_[values[0], values, values[-1]])
        played.play(getattr(self.point, f"_ref_{name}"), knots, True)
        self._played += [knots, played]


def check_index(idx: int, count: int) -> int:
    """Return `idx` as an int; `UsageError` where the cell has no such segment."""
    if int(idx) != idx or not 0 <= idx < count:
        raise UsageError(
            f"there is no segment {idx}", remedy=f"the cell has segments 0 to {count - 1}"
        )
    return int(idx)


def make_point(mechanism: str, segment: Any, parameters: Iterable[tuple[str, Any]] = ()) -> Any:
    """Make a point process of NEURON on a segment.

    Parameters
    ----------
    mechanism : str
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
    point = _maker(mechanism)(segment)
    for name, value in parameters:
        _set_parameter(point, mechanism, name, value)
    return point


def make_netcon(point: Any) -> Any:
    """Make a connection without a source, which events are given to."""
    mechanism = point.hname().partition("[")[0]
    # NEURON must not be asked to: it would crash at the end of the process
    if not takes_events(mechanism):
        raise _no_events(mechanism)
    return nrn().NetCon(None, point)


def is_artificial(mechanism: str) -> bool:
    """Whether NEURON knows an artificial cell of this name, which takes events."""
    if mechanism not in point_process_names():
        return False
    types = nrn().MechanismType(1)
    types.select(mechanism)
    return bool(types.is_artificial(int(types.selected()))) and takes_events(mechanism)


@cache
def takes_events(mechanism: str) -> bool:
    """Whether a point process is a target of spikes."""
    types = nrn().MechanismType(1)
    types.select(mechanism)
    return bool(types.is_netcon_target(int(types.selected())))


@cache
def _maker(mechanism: str) -> Any:
    """The class of a point process; cached, as mechanisms stay once they are loaded."""
    if mechanism not in point_process_names():
        raise SimulatorError(
            f"unknown point process '{mechanism}'",
            remedy=nearest(mechanism, point_process_names(), "point process"),
        )
    types = nrn().MechanismType(1)
    types.select(mechanism)
    if types.is_artificial(int(types.selected())):
        # it would lie on the segment and do nothing there
        raise SimulatorError(
            f"'{mechanism}' is an artificial cell, no synapse or electrode",
            remedy="give spike times as the source of an input, or make a population with rate",
        )
    return getattr(nrn(), mechanism)


def point_process_names() -> tuple[str, ...]:
    """Names of the point processes that NEURON has now."""
    return _mechanism_names(1, int(nrn().MechanismType(1).count()))


def density_mechanism_names() -> tuple[str, ...]:
    """Names of the density mechanisms that NEURON has now."""
    return _mechanism_names(0, int(nrn().MechanismType(0).count()))


@cache
def _mechanism_names(category: int, count: int) -> tuple[str, ...]:
    """Names of all of them, which stay once they are loaded."""
    h = nrn()
    types = h.MechanismType(category)
    name = h.ref("")
    names = []
    for k in range(count):
        types.select(k)
        types.selected(name)
        names.append(str(name[0]))
    return tuple(names)


@cache
def parameter_names(mechanism: str) -> list[str]:
    """Names of the parameters of a mechanism or point process, with its suffix as NEURON has it."""
    h = nrn()
    standard = h.MechanismStandard(mechanism, 1)
    name = h.ref("")
    names = []
    for k in range(int(standard.count())):
        standard.name(name, k)
        names.append(str(name[0]))
    return names


def parameter_default(mechanism: str, name: str) -> float:
    """What NEURON gives a parameter of a new instance, in its unit."""
    return float(nrn().MechanismStandard(mechanism, 1).get(name))


def check_parameter(mechanism: str, name: str) -> None:
    """Raise `UsageError` where a point process has no such parameter."""
    known = parameter_names(mechanism)
    # hoc says 'del', a word that Python keeps for itself
    if name not in known and not (name == "delay" and "del" in known):
        raise UsageError(
            f"{mechanism} has no parameter '{name}'", remedy=nearest(name, known, "parameter")
        )


def check_synapse(mechanism: str, names: Iterable[str]) -> None:
    """Raise an error where a point process is unknown, takes no events or lacks a parameter."""
    _maker(mechanism)
    if not takes_events(mechanism):
        raise _no_events(mechanism)
    for name in names:
        check_parameter(mechanism, name)


def _no_events(mechanism: str) -> SimulatorError:
    return SimulatorError(
        f"'{mechanism}' takes no events", remedy="use a synapse; gap junctions are not supported"
    )


def _set_parameter(point: Any, mechanism: str, name: str, value: Any) -> None:
    check_parameter(mechanism, name)
    try:
        if np.ndim(value) == 0:
            setattr(point, name, float(value))
        else:
            target = getattr(point, name)
            for k, element in enumerate(value):
                target[k] = float(element)
    except (TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{mechanism}: {value!r} is no value for '{name}'") from error
