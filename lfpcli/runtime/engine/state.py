"""The state of cells between two steps: what a run needs to go on from there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.mechanisms.library import Mechanism
from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.sources import read_mod, without_comments
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell

# those of NEURON whose variables are all there is to them
_PLAIN = {"capacitance", "morphology", "hh", "pas", "ExpSyn", "Exp2Syn", "IClamp", "SEClamp"}
# codes of NEURON's MechanismStandard
_ASSIGNED, _STATE = 2, 3
# what keeps a state that cannot be read from outside
_HIDDEN = re.compile(
    r"\b(net_send|net_move|WATCH|RANDOM|POINTER|BBCOREPOINTER|VERBATIM|BEFORE|AFTER)\b"
)


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
        By gid, the variables of each cell, see `cell_state`.
    above : set of int
        Gids of the cells whose last crossing of the threshold has been told.
    times, gids : ndarray
        Spikes of all cells so far.
    """

    sample: int
    time: float
    cells: Mapping[int, np.ndarray] = field(default_factory=dict)
    above: set[int] = field(default_factory=set)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    gids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def cell_state(cell: SimulatedCell) -> np.ndarray:
    """Read the potentials, and the variables of all mechanisms and point processes of a cell.

    NEURON's own `SaveState` keeps the same for a whole process and the model as it is spread over
    the processes; this is by cell, so that a run may go on with another number of them.
    """
    return np.array([getattr(owner, name) for owner, name in _places(cell)])


def set_cell_state(cell: SimulatedCell, values: np.ndarray) -> None:
    """Set what `cell_state` read."""
    places = list(_places(cell))
    if len(places) != len(values):
        raise SimulatorError(
            f"cell {cell.gid} has {len(places)} variables, the checkpoint has {len(values)}",
            remedy="resume with the model, and the versions, that wrote it",
        )
    for (owner, name), value in zip(places, values.tolist(), strict=True):
        setattr(owner, name, value)


def _places(cell: SimulatedCell) -> Iterator[tuple[Any, str]]:
    for section in cell.sections:
        # the nodes without area at the ends have potentials too, whose rounding matters
        if section.parentseg() is None:
            yield section(0), "v"
        yield section(1), "v"
    for segment in cell.segments:
        yield segment, "v"
        for mechanism in segment:
            for name in _variables(mechanism.name()):
                yield segment, name
        for point in segment.point_processes():
            # hname is the class and a number: ExpSyn[3]
            for name in _variables(point.hname().partition("[")[0]):
                yield point, name


@cache
def _variables(mechanism: str) -> tuple[str, ...]:
    """What may change of a mechanism: its states, and what it assigns to."""
    h = nrn()
    reference = h.ref("")
    names = []
    for variables in (_ASSIGNED, _STATE):
        standard = h.MechanismStandard(mechanism, variables)
        for k in range(int(standard.count())):
            # arrays have another size than 1
            if int(standard.name(reference, k)) == 1:
                names.append(str(reference[0]))
    if mechanism.endswith("_ion"):
        # concentrations are states only where some mechanism writes them
        ion = mechanism.removesuffix("_ion")
        names += [f"{ion}i", f"{ion}o", f"e{ion}"]
    # derivatives of currents are NEURON's own scratch space
    return tuple(dict.fromkeys(name for name in names if not name.endswith("_dv_")))


def obstacle(cells: Sequence[SimulatedCell], netcons: Sequence[Any]) -> str | None:
    """Say why the state of the model that is built now cannot be kept; None where it can."""
    sources: dict[str, Mechanism] = {}
    for library in loaded_libraries():
        sources.update({mechanism.name: mechanism for mechanism in library.mechanisms})
    for name in sorted(used_mechanisms()):
        if name in _PLAIN or name.endswith("_ion"):
            continue
        reason = _hidden(name, sources.get(name))
        if reason:
            return f"mechanism '{name}' {reason}"
    if any(netcon.wcnt() > 1 for netcon in netcons[:1]):
        return "the connections keep a state of their own"
    return None


def _hidden(name: str, mechanism: Mechanism | None) -> str | None:
    """Why a mechanism has a state that cannot be kept."""
    if mechanism is None:
        return "of NEURON may have a state that cannot be read"
    text = without_comments(read_mod(Path(mechanism.file)).text)
    hidden = _HIDDEN.search(text)
    if hidden:
        return f"uses {hidden.group(1)}, whose state cannot be read"
    if mechanism.kind == "point" and not _declares_all(text):
        return "assigns variables in NET_RECEIVE that are not declared as RANGE"
    return None


def _declares_all(text: str) -> bool:
    """Whether all that events may change is a state or a RANGE variable."""
    block = re.search(r"\bNET_RECEIVE\b(.*)", text, re.DOTALL)
    if block is None:
        return True
    readable = set(re.findall(r"\w+", " ".join(re.findall(r"\bRANGE\b([^\n]*)", text))))
    assigned = re.search(r"\bASSIGNED\b\s*\{(.*?)\}", text, re.DOTALL)
    names = re.findall(r"^\s*(\w+)", assigned.group(1), re.MULTILINE) if assigned else []
    changed = set(re.findall(r"(\w+)\s*=(?!=)", block.group(1)))
    return not (changed & set(names)) - readable


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
        if cell.gid in above and cell.detector.v > threshold:
            held[cell.gid] = (cell.detector, threshold)
            pc.threshold(cell.gid, 1e9)
    return held


def release(held: dict[int, tuple[Any, float]]) -> None:
    """Give the cells that have come down their thresholds back."""
    for gid, (segment, threshold) in list(held.items()):
        if segment.v <= threshold:
            context().threshold(gid, threshold)
            del held[gid]
