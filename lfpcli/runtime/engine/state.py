"""The state of cells between two steps: what a run needs to go on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.kernels.gather import gather
from lfpcli.runtime.engine.hidden import assigned_names, keeps_arguments, stream_names
from lfpcli.runtime.engine.memory import (
    mechanism_memory,
    object_address,
    point_memory,
    put,
    variable_addresses,
    variable_sizes,
    weights_address,
)
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell

# codes of NEURON's MechanismStandard: PARAMETER, ASSIGNED, STATE
_DECLARED = (1, 2, 3)
# of the events that mechanisms send to themselves
EVENT_COLUMNS = 6
# ids of a random stream, and its position
_STREAM_NUMBERS = 4


class PointNeuron(Protocol):
    """An artificial cell; see `ArtificialCell`."""

    gid: int
    point: Any


@dataclass
class RunState:
    """Where a run stands after a step.

    Attributes
    ----------
    sample : int
        Index of the last sample.
    time : float
        NEURON's time, ms, with what rounding has made of it.
    cells : mapping of int to ndarray
        By gid, what each cell remembers, see `CellMemory.values`.
    events : ndarray, shape (n, 6)
        Events that mechanisms have sent to themselves, see `self_events`.
    above : set of int
        Gids of the cells whose last crossing of the threshold has been told.
    times, gids : ndarray
        Spikes of all cells so far.
    """

    sample: int
    time: float
    cells: Mapping[int, np.ndarray] = field(default_factory=dict)
    events: np.ndarray = field(default_factory=lambda: np.zeros((0, EVENT_COLUMNS)))
    above: set[int] = field(default_factory=set)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    gids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


class CellMemory:
    """What one cell remembers, in an order that depends on the cell alone.

    NEURON's own `SaveState` keeps the same for a whole process and the model as it is spread over
    the processes; this is by cell, so that a run may go on with another number of them.

    Parameters
    ----------
    gid : int
        Number of the cell.
    nodes : sequence of nrn.Segment
        Segments and ends of sections with potentials of their own.
    points : sequence of HocObject
        Its point processes, or the artificial cell itself.

    Attributes
    ----------
    connections : list of list
        Per point process, NEURON's connections onto it, in the order in which they were made.
    """

    def __init__(self, gid: int, nodes: Sequence[Any], points: Sequence[Any]) -> None:
        self.gid, self.points = gid, list(points)
        self._nodes = list(nodes)
        self._mechanisms = [mechanism for node in nodes for mechanism in _mechanisms_of(node)]
        self.connections: list[list[Any]] = [[] for _ in self.points]

    @property
    def potentials(self) -> int:
        """How many potentials there are, which are the first of the values."""
        return len(self._nodes)

    @cached_property
    def size(self) -> int:
        """How many values there are."""
        memories = [
            (mechanism.name(), mechanism_memory(mechanism)) for mechanism in self._mechanisms
        ]
        memories += [(_class_of(point), point_memory(point)) for point in self.points]
        # all instances of a mechanism have the same variables
        variables: dict[str, int] = {}
        count = len(self._nodes)
        for name, memory in memories:
            if name not in variables:
                variables[name] = sum(variable_sizes(memory))
            count += variables[name]
        count += sum(int(netcon.wcnt()) for netcon in self._netcons())
        return count + _STREAM_NUMBERS * len(list(self._streams()))

    def values(self) -> np.ndarray:
        """Read all of it.

        Returns
        -------
        ndarray, shape (variables,)
            In NEURON's units: potentials, all variables of mechanisms and point processes, the
            weights and other arguments of connections, ids and positions of random streams.
        """
        addresses = self._addresses()
        rows = np.empty((1, len(addresses)))
        gather(addresses, rows, 0)
        potentials = [node.v for node in self._nodes]
        positions: list[float] = []
        for _, stream in self._streams():
            positions += [*stream.get_ids(), stream.get_seq()]
        return np.concatenate([potentials, rows[0], positions])

    def restore(self, values: np.ndarray) -> None:
        """Set what `values` read.

        Parameters
        ----------
        values : ndarray, shape (variables,)
            In NEURON's units.

        Raises
        ------
        SimulatorError
            Where the cell has another number of variables.
        """
        addresses = self._addresses()
        streams = [stream for _, stream in self._streams()]
        count = len(self._nodes) + len(addresses) + _STREAM_NUMBERS * len(streams)
        if count != len(values):
            raise SimulatorError(
                f"cell {self.gid} has {count} variables, the checkpoint has {len(values)}",
                remedy="resume with the model, and the versions, that wrote it",
            )
        potentials, variables, positions = np.split(
            values, [len(self._nodes), len(self._nodes) + len(addresses)]
        )
        for node, potential in zip(self._nodes, potentials.tolist(), strict=True):
            node.v = potential
        put(addresses, variables)
        for stream, numbers in zip(streams, positions.reshape(-1, _STREAM_NUMBERS), strict=True):
            *ids, position = numbers.tolist()
            stream.set_ids(*map(int, ids))
            stream.set_seq(position)

    def labels(self) -> list[str]:
        """Say what each of the values is: ``variable 'm' of mechanism 'hh' at soma(0.5)``."""
        names = [f"the potential at {node}" for node in self._nodes]
        for node in self._nodes:
            for mechanism in _mechanisms_of(node):
                parts = _variable_names(mechanism.name(), mechanism_memory(mechanism))
                names += _labelled(parts, mechanism.name(), node)
        for point in self.points:
            parts = _variable_names(_class_of(point), point_memory(point))
            names += _labelled(parts, _class_of(point), point.get_segment() or "no place")
        for netcon in self._netcons():
            for k in range(int(netcon.wcnt())):
                names.append(
                    f"argument {k} of NET_RECEIVE of mechanism '{_class_of(netcon.syn())}'"
                )
        for label, _ in self._streams():
            names += [f"the stream {label}"] * _STREAM_NUMBERS
        return names

    def _addresses(self) -> np.ndarray:
        memories = [mechanism_memory(mechanism) for mechanism in self._mechanisms]
        memories += [point_memory(point) for point in self.points]
        weights: list[int] = []
        for netcon in self._netcons():
            first = weights_address(netcon)
            weights += range(first, first + 8 * int(netcon.wcnt()), 8)
        return np.concatenate([variable_addresses(memories), np.array(weights, np.uintp)])

    def _netcons(self) -> Iterator[Any]:
        for netcons in self.connections:
            yield from netcons

    def _streams(self) -> Iterator[tuple[str, Any]]:
        """RANDOM variables of NMODL, with what each is."""
        for mechanism in self._mechanisms:
            for name in stream_names(mechanism.name()):
                label = f"'{name}' of mechanism '{mechanism.name()}'"
                yield label, getattr(mechanism, name)
        for point in self.points:
            for name in stream_names(_class_of(point)):
                yield f"'{name}' of mechanism '{_class_of(point)}'", getattr(point, name)


class ProcessMemory:
    """What all cells of this process remember.

    Parameters
    ----------
    cells : sequence of SimulatedCell
        The cells.
    artificial : sequence of ArtificialCell
        Artificial cells.

    Attributes
    ----------
    cells : dict of int to CellMemory
        By gid.
    """

    def __init__(
        self, cells: Sequence[SimulatedCell], artificial: Sequence[PointNeuron] = ()
    ) -> None:
        self.cells: dict[int, CellMemory] = {}
        for cell in cells:
            self.cells[cell.gid] = CellMemory(cell.gid, list(_nodes_of(cell)), _points_of(cell))
        for neuron in artificial:
            self.cells[neuron.gid] = CellMemory(neuron.gid, [], [neuron.point])
        self._owners: dict[int, tuple[CellMemory, int]] = {}
        for memory in self.cells.values():
            for number, point in enumerate(memory.points):
                self._owners[object_address(point)] = memory, number
        netcons = nrn().List("NetCon")
        for k in range(int(netcons.count())):
            self._connect(netcons.o(k))

    def _connect(self, netcon: Any) -> None:
        target = netcon.syn()
        owner = None if target is None else self.owner(target)
        # those onto the point processes of NEURON that only add their weight keep nothing
        if owner is not None and keeps_arguments(_class_of(target)):
            memory, number = owner
            memory.connections[number].append(netcon)

    def owner(self, point: Any) -> tuple[CellMemory, int] | None:
        """The cell of a point process and its number there; None where no cell has it."""
        return self._owners.get(object_address(point))

    def values(self) -> dict[int, np.ndarray]:
        """Read it all, by gid; see `CellMemory.values`."""
        return {gid: memory.values() for gid, memory in self.cells.items()}

    def restore(self, cells: Mapping[int, np.ndarray]) -> None:
        """Set what `values` read, of the cells that are here.

        Parameters
        ----------
        cells : mapping of int to ndarray, shape (variables,)
            By gid, in NEURON's units.
        """
        for gid, memory in self.cells.items():
            memory.restore(cells[gid])


def _nodes_of(cell: SimulatedCell) -> Iterator[Any]:
    for section in cell.sections:
        # the nodes without area at the ends have potentials too, whose rounding matters
        if section.parentseg() is None:
            yield section(0)
        yield section(1)
    yield from cell.segments


def _points_of(cell: SimulatedCell) -> list[Any]:
    points: list[Any] = []
    for node in _nodes_of(cell):
        points += node.point_processes()
    return points


def _mechanisms_of(node: Any) -> list[Any]:
    # the ends of a section have no mechanisms: NEURON gives those of the nearest segment
    return [] if node.x in (0.0, 1.0) else list(node)


def _class_of(point: Any) -> str:
    # hname is the class and a number: ExpSyn[3]
    return str(point.hname()).partition("[")[0]


def _variable_names(mechanism: str, memory: int) -> list[str]:
    """Name of each element of the variables of a mechanism, as far as they have any.

    RANGE variables come first, by PARAMETER, ASSIGNED and STATE; then ASSIGNED ones that are not
    RANGE in the order of the source, and what NEURON keeps for itself.
    """
    names = [*_range_variables(mechanism), *_other_variables(mechanism)]
    elements = []
    for k, size in enumerate(variable_sizes(memory)):
        name = names[k] if k < len(names) else f"number {k}"
        elements += [name] if size == 1 else [f"{name}[{element}]" for element in range(size)]
    return elements


@cache
def _range_variables(mechanism: str) -> tuple[str, ...]:
    h = nrn()
    reference = h.ref("")
    names = []
    for variables in _DECLARED:
        standard = h.MechanismStandard(mechanism, variables)
        for k in range(int(standard.count())):
            standard.name(reference, k)
            names.append(str(reference[0]))
    return tuple(names)


@cache
def _other_variables(mechanism: str) -> tuple[str, ...]:
    ranges = {name.removesuffix(f"_{mechanism}") for name in _range_variables(mechanism)}
    return tuple(name for name in assigned_names(mechanism) if name not in ranges | {"v"})


def _labelled(names: Sequence[str], mechanism: str, node: Any) -> list[str]:
    return [f"variable '{name}' of mechanism '{mechanism}' at {node}" for name in names]


def restored_thresholds(
    cells: Sequence[SimulatedCell], above: set[int]
) -> dict[int, tuple[Any, float]]:
    """Silence the detectors of cells that are above their threshold already.

    NEURON takes all cells to be below at the start, and would tell of their spikes anew.

    Returns
    -------
    dict of int to (segment, float)
        By gid, the detector's segment and its threshold, mV, for `release`.
    """
    pc = context()
    held = {}
    for cell in cells:
        threshold = pc.threshold(cell.gid)
        if cell.gid in above and cell.spike_detector.v > threshold:
            held[cell.gid] = (cell.spike_detector, threshold)
            pc.threshold(cell.gid, 1e9)
    return held


def release(held: dict[int, tuple[Any, float]]) -> None:
    """Give the cells that have come down their thresholds back."""
    for gid, (segment, threshold) in list(held.items()):
        if segment.v <= threshold:
            context().threshold(gid, threshold)
            del held[gid]
