"""The state of cells between two steps: what a run needs to go on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.engine.hidden import hidden_state
from lfpcli.runtime.mechanisms.library import Mechanism
from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.sources import read_mod, without_comments
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell

# those of NEURON whose variables are all there is to them
_PLAIN = {"capacitance", "morphology", "hh", "pas", "ExpSyn", "Exp2Syn", "IClamp", "SEClamp"}
# codes of NEURON's MechanismStandard
_ASSIGNED, _STATE = 2, 3


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

    Returns
    -------
    ndarray, shape (variables,)
        In NEURON's units; their order is that of the segments and mechanisms.
    """
    return np.array([variable.value for variable in _changing(cell)])


def set_cell_state(cell: SimulatedCell, values: np.ndarray) -> None:
    """Set what `cell_state` read.

    Parameters
    ----------
    cell : Cell
        The cell.
    values : ndarray, shape (variables,)
        In NEURON's units.

    Raises
    ------
    SimulatorError
        Where the cell has another number of variables.
    """
    variables = list(_changing(cell))
    if len(variables) != len(values):
        raise SimulatorError(
            f"cell {cell.gid} has {len(variables)} variables, the checkpoint has {len(values)}",
            remedy="resume with the model, and the versions, that wrote it",
        )
    for variable, value in zip(variables, values.tolist(), strict=True):
        variable.set(value)


@dataclass(frozen=True)
class _Variable:
    """One number of a segment or point process: a variable, or an element of an array."""

    owner: Any
    name: str
    element: int | None = None

    @property
    def value(self) -> float:
        """Its value now."""
        value = getattr(self.owner, self.name)
        return float(value if self.element is None else value[self.element])

    def set(self, value: float) -> None:
        """Give it a value."""
        if self.element is None:
            setattr(self.owner, self.name, value)
        else:
            getattr(self.owner, self.name)[self.element] = value


def _changing(cell: SimulatedCell) -> Iterator[_Variable]:
    """All that may change of a cell, in an order that depends on the cell alone."""
    for section in cell.sections:
        # the nodes without area at the ends have potentials too, whose rounding matters
        if section.parentseg() is None:
            yield _Variable(section(0), "v")
        yield _Variable(section(1), "v")
    for segment in cell.segments:
        yield _Variable(segment, "v")
        for mechanism in segment:
            yield from _elements(segment, mechanism.name())
        for point in segment.point_processes():
            # hname is the class and a number: ExpSyn[3]
            yield from _elements(point, point.hname().partition("[")[0])


def _elements(owner: Any, mechanism: str) -> Iterator[_Variable]:
    for name, size in _variables(mechanism):
        if size == 1:
            yield _Variable(owner, name)
        else:
            yield from (_Variable(owner, name, element) for element in range(size))


@cache
def _variables(mechanism: str) -> tuple[tuple[str, int], ...]:
    """What may change of a mechanism, its states and what it assigns to, with sizes of arrays."""
    h = nrn()
    reference = h.ref("")
    sizes: dict[str, int] = {}
    for variables in (_ASSIGNED, _STATE):
        standard = h.MechanismStandard(mechanism, variables)
        for k in range(int(standard.count())):
            size = int(standard.name(reference, k))
            sizes[str(reference[0])] = size
    if mechanism.endswith("_ion"):
        # concentrations are states only where some mechanism writes them
        ion = mechanism.removesuffix("_ion")
        sizes |= {f"{ion}i": 1, f"{ion}o": 1, f"e{ion}": 1}
    # derivatives of currents are NEURON's own scratch space
    return tuple((name, size) for name, size in sizes.items() if not name.endswith("_dv_"))


def obstacle() -> str | None:
    """Say why the state of the model that is built now cannot be kept; None where it can."""
    sources: dict[str, Mechanism] = {}
    for library in loaded_libraries():
        sources.update({mechanism.name: mechanism for mechanism in library.mechanisms})
    for name in sorted(used_mechanisms()):
        if name in _PLAIN or name.endswith("_ion"):
            continue
        if name not in sources:
            return f"mechanism '{name}' of NEURON may have a state that cannot be read"
        text = without_comments(read_mod(Path(sources[name].file)).text)
        reason = hidden_state(text)
        if reason:
            return f"mechanism '{name}' {reason}"
    return None


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
