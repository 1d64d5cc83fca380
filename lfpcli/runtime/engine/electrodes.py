"""Point processes that inject current, whoever put them on the cells, and what they inject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.mechanisms.own import GAP
from lfpcli.runtime.mechanisms.sources import neuron_block
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import SimulatedCell

# electrodes whose current is a function of time, or is computed once a step has been solved
SETTLED_CLAMPS = ("IClamp", "SEClamp", "VClamp", "SineClamp", "OUClamp", "DelayedSEClamp")
_DENSITY_TYPE, _POINT_TYPE = 0, 1


@dataclass(frozen=True, kw_only=True)
class Injection:
    """A current that enters a segment and is no current of its membrane.

    Attributes
    ----------
    segment : int
        Index of the segment in its cell.
    point : hoc object
        The point process.
    current : str
        Name of its variable, nA.
    """

    segment: int
    point: Any
    current: str


@cache
def declared_currents(mechanism: str, keyword: str, *, is_density: bool) -> tuple[str, ...]:
    """Names of currents that a mechanism's source declares.

    Parameters
    ----------
    mechanism : str
        Its name.
    keyword : str
        NONSPECIFIC_CURRENT or ELECTRODE_CURRENT.
    is_density : bool
        Whether it is a density mechanism, else a point process.
    """
    types = nrn().MechanismType(_DENSITY_TYPE if is_density else _POINT_TYPE)
    types.select(mechanism)
    names: list[str] = []
    block = neuron_block(types.code() or "")
    for listed in re.findall(rf"\b{keyword}\s+(\w+(?:\s*,\s*\w+)*)", block):
        names += re.findall(r"\w+", listed)
    return tuple(names)


def injections(cells: Sequence[SimulatedCell]) -> list[list[Injection]]:
    """What point processes inject into each cell; the currents of gap junctions are left out.

    Parameters
    ----------
    cells : sequence of Cell
        The cells, with electrodes of their own or of their files.
    """
    currents = _injected_currents()
    tabled = [_of_electrodes(cell, currents) for cell in cells]
    points: set[int] = set()
    for injected in tabled:
        points |= {id(one.point) for one in injected}
    # a List of a class's name holds all its objects; looking at all segments takes long
    everywhere = sum(int(nrn().List(mechanism).count()) for mechanism in currents)
    if everywhere == len(points):
        return tabled
    return [_of_segments(cell, currents) for cell in cells]


def electrode_currents(cells: Sequence[SimulatedCell]) -> Recorder:
    """Recorder of the currents that electrodes inject, nA, with the segments they enter."""
    per_cell = injections(cells)
    references, index, points, names = [], [], [], set()
    for injected in per_cell:
        references.append([getattr(one.point, f"_ref_{one.current}") for one in injected])
        index.append(np.array([one.segment for one in injected], dtype=np.int64))
        points += [one.point for one in injected]
        names |= {one.current for one in injected}
    variable = names.pop() if len(names) == 1 else ""
    return Recorder(references, index, variable=variable, owners=points)


def _injected_currents() -> dict[str, tuple[str, ...]]:
    """Names of the currents by point process, of those that are somewhere and inject."""
    h = nrn()
    types = h.MechanismType(_POINT_TYPE)
    name = h.ref("")
    currents = {}
    for k in range(int(types.count())):
        types.select(k)
        types.selected(name)
        mechanism = str(name[0])
        if mechanism != GAP and int(h.List(mechanism).count()):
            declared = declared_currents(mechanism, "ELECTRODE_CURRENT", is_density=False)
            if declared:
                currents[mechanism] = declared
    return currents


def _of_electrodes(cell: SimulatedCell, currents: dict[str, tuple[str, ...]]) -> list[Injection]:
    """What the electrodes inject that a cell knows of."""
    injected = []
    for electrode in cell.electrodes:
        for current in currents.get(electrode.mechanism, ()):
            injected.append(
                Injection(segment=electrode.idx, point=electrode.point, current=current)
            )
    return injected


def _of_segments(cell: SimulatedCell, currents: dict[str, tuple[str, ...]]) -> list[Injection]:
    """What all point processes on the segments of one cell inject."""
    injected = []
    for index, segment in enumerate(cell.segments):
        for point in segment.point_processes():
            for current in currents.get(point.hname().partition("[")[0], ()):
                injected.append(Injection(segment=index, point=point, current=current))
    return injected
