"""Where CoreNEURON keeps the variables that recorders want, told by numbers that both engines know.

NEURON hands its model over mechanism by mechanism. An instance keeps its place among those of its
node, and a variable its place among those of its mechanism, so that neither memory nor names of
NEURON are needed where the values are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np

from lfpcli.runtime.cell.points import density_mechanism_names
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.neuron import nrn

# numbers that stand for variables of nodes among those of mechanisms, as in tap.cpp
_OF_NODES = {"i_membrane_": -1, "v": -2}
_DENSITY_TYPE, _POINT_TYPE = 0, 1


@dataclass(frozen=True)
class Locations:
    """Where the values of columns are.

    Attributes
    ----------
    mechanisms, variables, elements, sizes, nodes, ordinals : ndarray of int32, shape (columns,)
        Number of the mechanism, or of a variable of nodes; elements of the mechanism's variables
        before the variable; which element of it, and how many it has; number of the node; which of
        the mechanism's instances on the node.
    """

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


def locations_of(recorders: Iterable[Recorder]) -> Locations:
    """Say where the columns of recorders are, one recorder after the other.

    It is asked for after the initialisation, as NEURON numbers its nodes anew before.
    """
    rows: list[tuple[int, ...]] = []
    for recorder in recorders:
        rows += _rows(recorder)
    table = np.array(rows, dtype=np.int32).reshape(-1, len(fields(Locations)))
    columns = [np.ascontiguousarray(column) for column in table.T]
    return Locations(*columns)


def _rows(recorder: Recorder) -> list[tuple[int, ...]]:
    """What `Locations` holds, of each column."""
    if recorder.is_of_nodes:
        number = _OF_NODES[recorder.variable]
        return [(number, 0, 0, 1, segment.node_index(), 0) for segment in recorder.owners]
    ordinals: dict[str, int] = {}
    rows: list[tuple[int, ...]] = []
    for owner in recorder.owners:
        numbers = _variable_of(_mechanism_of(owner), recorder.variable)
        assert numbers is not None  # `has_locations` was asked
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


def _variable_of(point_process: str, variable: str) -> tuple[int, int, int, int] | None:
    """Where a variable is in a mechanism, see `_variables`; None where it has no such one."""
    if point_process:
        return _variables(_POINT_TYPE, point_process).get(variable)
    return _density_variables(density_mechanism_names()).get(variable)


@cache
def _density_variables(mechanisms: Sequence[str]) -> dict[str, tuple[int, int, int, int]]:
    """Variables of density mechanisms and ions, see `_variables`."""
    variables: dict[str, tuple[int, int, int, int]] = {}
    for name in mechanisms:
        variables |= _variables(_DENSITY_TYPE, name)
    return variables


@cache
def _variables(category: int, mechanism: str) -> dict[str, tuple[int, int, int, int]]:
    """Variables of a mechanism: its number, position of the variable, element of it, and size."""
    h = nrn()
    types = h.MechanismType(category)
    types.select(mechanism)
    number = int(types.internal_type())
    standard = h.MechanismStandard(mechanism, 0)
    name = h.ref("")
    variables = {}
    position = 0
    for k in range(int(standard.count())):
        size = int(standard.name(name, k))
        if size == 1:
            variables[str(name[0])] = number, position, 0, 1
        else:
            for element in range(size):
                variables[f"{name[0]}[{element}]"] = number, position, element, size
        # an array takes as many places as it has elements
        position += size
    return variables
