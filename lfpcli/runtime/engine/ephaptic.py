"""Ephaptic coupling: cells feel the extracellular potential of membrane currents while they run.

A potential outside the membrane acts on a cell by its differences along it: with v the potential
inside minus outside, the axial currents gain those that the outer potential alone would drive
(Rattay 1986, IEEE Trans Biomed Eng 33:974). Clamps inject them, one per segment. This is what
NEURON's extracellular mechanism does with ``e_extracellular``, save that each cell stays a matrix
of its own, so that a run has the same bits on any number of processes.

After each step the membrane currents of the next are told ahead: what is at the membranes flows
along the axis and through the capacitances, as NEURON will solve it, and the currents that ions and
electrodes had in the last step are taken to go on. The potential is that of these currents, and
acts on them within the same step. Hence ions alone are a step late.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from lfpcli.errors import UsageError
from lfpcli.kernels.gather import gather
from lfpcli.runtime.engine.addresses import addresses
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import nrn

# clamps that never end, ms
_ALWAYS = 1e12
# what is left of the change of a step, which the next step goes on with
_LEFT = 1e-3
# what eigenvalues are missed by after the rounds of the power method
_MISSED = 0.1


class Gains(NamedTuple):
    """By how much currents come back through the coupling within a step.

    Attributes
    ----------
    low, high : float
        The least and the largest eigenvalue: currents that oppose themselves have one below 0,
        currents that enlarge themselves one above.
    """

    low: float
    high: float


class Cables:
    """Cells of the axial resistances and the capacitances of their membranes, within a time step.

    Parameters
    ----------
    capacities : ndarray, shape (N,)
        Capacitance of each segment over the time step, uS.
    axial : scipy.sparse.csr_array, shape (N, N)
        Currents (nA) that arrive at segments per potential (mV), `AxialNetwork.vmem_to_imem`.
    counts : sequence of int
        Number of segments of each cell.
    """

    def __init__(
        self, capacities: np.ndarray, axial: sparse.csr_array, counts: Sequence[int]
    ) -> None:
        # cells without capacitance let everything through
        self.capacities = np.maximum(capacities, 1e-9)
        self.axial = axial
        ends = np.cumsum([0, *counts])
        self._spans = [slice(ends[k], ends[k + 1]) for k in range(len(counts))]
        # each cell by itself, so that the bits do not depend on which are with it
        self._solvers = [
            splu(sparse.csc_array(sparse.diags_array(self.capacities[span]) - axial[span, span]))
            for span in self._spans
        ]

    def charged(self, injected: np.ndarray) -> np.ndarray:
        """Currents (N,) through capacitances of currents (N,) injected at rest, nA."""
        currents = np.empty(len(self.capacities))
        for span, solver in zip(self._spans, self._solvers, strict=True):
            currents[span] = self.capacities[span] * solver.solve(injected[span])
        return currents

    def ahead(
        self,
        potential: np.ndarray,
        before: np.ndarray,
        currents: np.ndarray,
        injected: np.ndarray,
    ) -> np.ndarray:
        """Membrane currents (N,) of the next step, where nothing is injected, nA.

        Parameters
        ----------
        potential, before : ndarray, shape (N,)
            Membrane potentials after a step and before it, mV.
        currents : ndarray, shape (N,)
            Membrane currents of that step, nA.
        injected : ndarray, shape (N,)
            What was injected in it, nA.
        """
        ions = currents - self.capacities * (potential - before)
        along = self.axial @ potential
        # what electrodes inject is no membrane current
        electrodes = currents - along - injected
        return np.asarray(ions + self.charged(along - ions + electrodes))


class EphapticCoupling:
    """Injects what the extracellular potential of all membrane currents drives.

    Parameters
    ----------
    segments : sequence of nrn.Segment
        N segments of the cells of this process.
    matrix : ndarray, shape (N, M)
        Extracellular potential at each of them per membrane current of each segment of all
        processes, in an order that does not depend on how cells are dealt out; mV/nA.
    order : ndarray of int, shape (M,)
        Where the segments of that order are among those of all processes, one after another.
    cables : Cables
        The cells of this process.
    gains : Gains
        By how much currents come back, see `coupling_gains`.
    team : Team
        The processes.

    Raises
    ------
    UsageError
        Where shapes do not go together.
    """

    def __init__(
        self,
        segments: Sequence[Any],
        matrix: np.ndarray,
        *,
        order: np.ndarray,
        cables: Cables,
        gains: Gains,
        team: Team,
    ) -> None:
        count = len(segments)
        if matrix.shape != (count, len(order)) or cables.axial.shape != (count, count):
            raise UsageError(f"matrices of a coupling do not have {count} rows")
        h = nrn()
        self._segments, self._matrix, self._order = segments, matrix, order
        self._cables, self._team = cables, team
        self._rounds = _chebyshev(1.0 - gains.high, 1.0 - gains.low)
        self._clamps = [_clamp(segment) for segment in segments]
        self._pointers = h.PtrVector(max(count, 1))
        for k, clamp in enumerate(self._clamps):
            self._pointers.pset(k, clamp._ref_amp)
        self._values = h.Vector(count)
        self._addresses: list[np.ndarray] | None = None
        if count:
            h.CVode().use_fast_imem(True)
        self._rest()

    def _rest(self) -> None:
        count = len(self._segments)
        # the currents whose potential acts, that potential, and what it injects
        self._felt, self._potential = np.zeros(count), np.zeros(count)
        self._injected = np.zeros(count)
        self._before: np.ndarray | None = None

    def begin(self) -> None:
        """Inject nothing, as before the first step."""
        self._rest()
        self._inject()
        # what NEURON initialises may move in memory
        self._addresses = None

    def step(self) -> None:
        """Set what is injected in the next step; called on all processes after each step."""
        if self._addresses is None:
            self._addresses = [addresses(self._segments, name) for name in ("i_membrane_", "v")]
        currents, potential = (_gathered(places) for places in self._addresses)
        before = potential if self._before is None else self._before
        alone = self._cables.ahead(potential, before, currents, self._injected)
        self._before = potential
        self._agree(alone)
        self._injected = np.asarray(self._cables.axial @ self._potential)
        self._inject()

    def _agree(self, alone: np.ndarray) -> None:
        """Let currents and potential agree, with what the currents (N,) would be alone, nA."""
        residual = alone + self._cables.charged(self._injected) - self._felt
        change = np.zeros_like(residual)
        for number, (length, memory) in enumerate(self._rounds):
            change = residual + memory * change
            potential = self._potential_of(change)
            self._felt = self._felt + length * change
            self._potential = self._potential + length * potential
            if number + 1 < len(self._rounds):
                back = self._cables.charged(np.asarray(self._cables.axial @ potential))
                residual = residual - length * (change - back)

    def _potential_of(self, currents: np.ndarray) -> np.ndarray:
        """Potential (N,) at the segments here of currents (N,) on each process, mV."""
        everywhere = np.concatenate(self._team.exchange(currents))[self._order]
        # row by row, so that the bits do not depend on how many rows a process has
        return np.asarray(np.einsum("ij,j->i", self._matrix, everywhere))

    def _inject(self) -> None:
        if len(self._injected):
            self._values.as_numpy()[:] = self._injected
            self._pointers.scatter(self._values)


def _gathered(places: np.ndarray) -> np.ndarray:
    """Values (N,) at addresses (N,)."""
    values = np.zeros((1, len(places)))
    gather(places, values, 0)
    return np.asarray(values[0])


def _clamp(segment: Any) -> Any:
    clamp = nrn().IClamp(segment)
    clamp.delay, clamp.dur, clamp.amp = -_ALWAYS, 2.0 * _ALWAYS, 0.0
    return clamp


def _chebyshev(low: float, high: float) -> list[tuple[float, float]]:
    """Step lengths, and shares of the last direction, that solve for eigenvalues in a range.

    Without inner products, whose bits would depend on how segments are dealt out (Golub and Varga
    1961, Numer Math 3:147).
    """
    middle, half = (high + low) / 2.0, (high - low) / 2.0
    rounds = [(1.0 / middle, 0.0)]
    root = math.sqrt(high / low)
    decay = (root - 1.0) / (root + 1.0)
    count = 1 if decay <= 0.5 * _LEFT else math.ceil(math.log(0.5 * _LEFT) / math.log(decay))
    for number in range(1, count):
        length, _ = rounds[-1]
        memory = (half * length) ** 2 / (2.0 if number == 1 else 4.0)
        rounds.append((1.0 / (middle - memory / length), memory))
    return rounds


def coupling_gains(
    couple: Callable[[np.ndarray], np.ndarray], count: int, rounds: int = 60
) -> Gains:
    """By how much currents come back through the coupling within a step.

    The power method, of the coupling and of the coupling moved so that its largest eigenvalue is
    the one farthest from zero.

    Parameters
    ----------
    couple : callable
        Membrane currents (M,) that follow from membrane currents (M,), nA.
    count : int
        Their number M.
    rounds : int
        Number of steps.
    """
    size = _growth(couple, count, rounds) * (1.0 + _MISSED)
    if size == 0.0:
        return Gains(0.0, 0.0)
    high = _growth(lambda currents: couple(currents) + size * currents, count, rounds) - size
    return Gains(-size, max(high + _MISSED * size, 0.0))


def _growth(couple: Callable[[np.ndarray], np.ndarray], count: int, rounds: int) -> float:
    """The largest size of an eigenvalue."""
    if not count:
        return 0.0
    # ends of cells and short waves are both in it
    currents = np.random.default_rng(1).standard_normal(count)
    sizes = []
    for _ in range(rounds):
        size = float(np.linalg.norm(currents))
        if size == 0.0:
            return 0.0
        currents = couple(currents / size)
        sizes.append(float(np.linalg.norm(currents)))
    # pairs of opposite sign let single rounds alternate
    return math.sqrt(sizes[-1] * sizes[-2])
