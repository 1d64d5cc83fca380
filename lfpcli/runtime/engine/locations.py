"""Where the engines keep the variables that recorders want.

NEURON hands its model over to CoreNEURON mechanism by mechanism. An instance keeps its place among
those of its node, and a variable its place among those of its mechanism, so that these numbers,
which both engines know, tell where values are. In NEURON itself they lie at addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np

from lfpcli.runtime.cell.points import density_mechanism_names
from lfpcli.runtime.engine.addresses import thread_numbers
from lfpcli.runtime.engine.memory import mechanism_memory, point_memory, variable_address
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.neuron import nrn

# numbers that stand for variables of nodes among those of mechanisms, as in tap.cpp
_OF_NODES = {"i_membrane_": -1, "v": -2}
_DENSITY_TYPE, _POINT_TYPE = 0, 1
# its potentials are kept by nodes, and not with its other variables
_OUTSIDE = "extracellular"


@dataclass(frozen=True, kw_only=True)
class _Variable:
    """A variable of a mechanism, or an element of one that is an array.

    Attributes
    ----------
    mechanism : str
        Name of the mechanism.
    number : int
        NEURON's number of it.
    index, position : int
        Variables of the mechanism before this one, and elements of them all.
    element, size : int
        Which element it is, of how many.
    """

    mechanism: str
    number: int
    index: int
    position: int
    element: int
    size: int


@dataclass(frozen=True)
class Locations:
    """Where the values of columns are.

    Attributes
    ----------
    threads, mechanisms, variables, elements, sizes, nodes, ordinals : ndarray of int32, (columns,)
        Number of the thread; of the mechanism, or of a variable of nodes; elements of the
        mechanism's variables before the variable; which element of it, and how many it has; number
        of the node in the thread; which of the mechanism's instances on the node.
    """

    threads: np.ndarray
    mechanisms: np.ndarray
    variables: np.ndarray
    elements: np.ndarray
    sizes: np.ndarray
    nodes: np.ndarray
    ordinals: np.ndarray


def has_locations(recorder: Recorder) -> bool:
    """Whether each column of a recorder has its place in a mechanism."""
    if recorder.is_of_nodes:
        return True
    if len(recorder.owners) != len(recorder):
        return False
    for name in set(map(_mechanism_of, recorder.owners)):
        if _variable_of(name, recorder.variable) is None:
            return False
    return True


def addresses_of(recorder: Recorder) -> np.ndarray:
    """Say where NEURON keeps the values of a recorder, until the model changes.

    Parameters
    ----------
    recorder : Recorder
        One that `has_locations`; asked for after the initialisation, which moves the values.

    Returns
    -------
    ndarray of uintp, shape (columns,)
        Addresses, in bytes, of doubles in NEURON's units.
    """
    if recorder.is_of_nodes:
        return recorder.addresses()
    is_of_segments = not any(map(_is_point, recorder.owners))
    if is_of_segments and not recorder.variable.endswith("]"):
        return recorder.addresses()
    addresses = np.empty(len(recorder), np.uintp)
    for k, owner in enumerate(recorder.owners):
        variable = _variable_of(_mechanism_of(owner), recorder.variable)
        assert variable is not None  # `has_locations` was asked
        if _is_point(owner):
            memory = point_memory(owner)
        else:
            memory = mechanism_memory(getattr(owner, variable.mechanism))
        addresses[k] = variable_address(memory, variable.index, variable.element)
    return addresses


def locations_of(recorders: Iterable[Recorder]) -> Locations:
    """Say where the columns of recorders are, one recorder after the other.

    It is asked for after the initialisation, as NEURON numbers its nodes anew before.
    """
    rows: list[tuple[int, ...]] = []
    threads = [np.empty(0, np.int32)]
    for recorder in recorders:
        rows += _rows(recorder)
        threads.append(thread_numbers(_segments_of(recorder)))
    table = np.array(rows, dtype=np.int32).reshape(-1, len(fields(Locations)) - 1)
    columns = [np.ascontiguousarray(column) for column in table.T]
    return Locations(np.concatenate(threads), *columns)


def _segments_of(recorder: Recorder) -> Sequence[Any]:
    """The segment of each column."""
    if recorder.is_of_nodes:
        return recorder.owners
    return [owner.get_segment() if _is_point(owner) else owner for owner in recorder.owners]


def _rows(recorder: Recorder) -> list[tuple[int, ...]]:
    """What `Locations` holds, of each column."""
    if recorder.is_of_nodes:
        number = _OF_NODES[recorder.variable]
        return [(number, 0, 0, 1, segment.node_index(), 0) for segment in recorder.owners]
    ordinals: dict[str, int] = {}
    rows: list[tuple[int, ...]] = []
    for owner in recorder.owners:
        variable = _variable_of(_mechanism_of(owner), recorder.variable)
        assert variable is not None  # `has_locations` was asked
        numbers = variable.number, variable.position, variable.element, variable.size
        if not _is_point(owner):
            rows.append((*numbers, owner.node_index(), 0))
            continue
        segment = owner.get_segment()
        if owner.hname() not in ordinals:
            ordinals |= _ordinals(segment.point_processes())
        rows.append((*numbers, segment.node_index(), ordinals[owner.hname()]))
    return rows


def _ordinals(points: Iterable[Any]) -> dict[str, int]:
    """Names of the point processes of a node, and which of their kind each one is."""
    counts: Counter[str] = Counter()
    ordinals = {}
    for point in points:
        mechanism = _mechanism_of(point)
        ordinals[point.hname()] = counts[mechanism]
        counts[mechanism] += 1
    return ordinals


def _is_point(owner: Any) -> bool:
    return hasattr(owner, "get_segment")


def _mechanism_of(owner: Any) -> str:
    """Name of a point process; empty for a segment, whose mechanism the variable tells."""
    return str(owner.hname()).partition("[")[0] if _is_point(owner) else ""


def _variable_of(point_process: str, variable: str) -> _Variable | None:
    """A variable of a point process or a density mechanism; None where there is no such one."""
    if point_process:
        return _variables(_POINT_TYPE, point_process).get(variable)
    return _density_variables(density_mechanism_names()).get(variable)


@cache
def _density_variables(mechanisms: Sequence[str]) -> dict[str, _Variable]:
    """Variables of density mechanisms and ions, by name."""
    variables: dict[str, _Variable] = {}
    for name in mechanisms:
        if name != _OUTSIDE:
            variables |= _variables(_DENSITY_TYPE, name)
    return variables


@cache
def _variables(category: int, mechanism: str) -> dict[str, _Variable]:
    """Variables of a mechanism, by name, and by elements where they are arrays."""
    h = nrn()
    types = h.MechanismType(category)
    types.select(mechanism)
    standard = h.MechanismStandard(mechanism, 0)
    name = h.ref("")
    variables = {}
    position = 0
    for index in range(int(standard.count())):
        size = int(standard.name(name, index))
        for element in range(size):
            label = str(name[0]) if size == 1 else f"{name[0]}[{element}]"
            variables[label] = _Variable(
                mechanism=mechanism,
                number=int(types.internal_type()),
                index=index,
                position=position,
                element=element,
                size=size,
            )
        # an array takes as many places as it has elements
        position += size
    return variables
