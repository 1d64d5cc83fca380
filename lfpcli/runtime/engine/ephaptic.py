"""Ephaptic coupling: cells feel the extracellular potential of membrane currents while they run.

A potential outside the membrane acts on a cell by its differences along it: with v the potential
inside minus outside, the axial currents gain those that the outer potential alone would drive
(Rattay 1986, IEEE Trans Biomed Eng 33:974). Clamps inject them, one per segment. This is what
NEURON's extracellular mechanism does with ``e_extracellular``, save that each cell stays a matrix
of its own, so that a run has the same bits on any number of processes.

The coupling is explicit: the potential of a step's membrane currents acts during the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from lfpcli.errors import UsageError
from lfpcli.kernels.gather import gather
from lfpcli.runtime.engine.addresses import addresses
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import nrn

# clamps that never end, ms
_ALWAYS = 1e12


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
    axial : scipy.sparse.csr_array, shape (N, N)
        Currents (nA) that arrive at segments per potential (mV), `AxialNetwork.vmem_to_imem`.
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
        axial: sparse.csr_array,
        team: Team,
    ) -> None:
        count = len(segments)
        if matrix.shape != (count, len(order)) or axial.shape != (count, count):
            raise UsageError(f"matrices of a coupling do not have {count} rows")
        h = nrn()
        self._segments, self._matrix, self._order = segments, matrix, order
        self._axial, self._team = axial, team
        self._clamps = [_clamp(segment) for segment in segments]
        self._pointers = h.PtrVector(max(count, 1))
        for k, clamp in enumerate(self._clamps):
            self._pointers.pset(k, clamp._ref_amp)
        self._currents, self._values = np.zeros((1, count)), h.Vector(count)
        self._addresses: np.ndarray | None = None
        if count:
            h.CVode().use_fast_imem(True)

    def begin(self) -> None:
        """Inject nothing, as before the first step."""
        self._inject(np.zeros(len(self._segments)))
        # what NEURON initialises may move in memory
        self._addresses = None

    def step(self) -> None:
        """Set what is injected in the next step; called on all processes after each step."""
        if self._addresses is None:
            self._addresses = addresses(self._segments, "i_membrane_")
        gather(self._addresses, self._currents, 0)
        parts = self._team.exchange(self._currents[0])
        currents = np.concatenate(parts)[self._order]
        # row by row, so that the bits do not depend on how many rows a process has
        potential = np.einsum("ij,j->i", self._matrix, currents)
        self._inject(np.asarray(self._axial @ potential))

    def _inject(self, currents: np.ndarray) -> None:
        if len(currents):
            self._values.as_numpy()[:] = currents
            self._pointers.scatter(self._values)


def _clamp(segment: Any) -> Any:
    clamp = nrn().IClamp(segment)
    clamp.delay, clamp.dur, clamp.amp = -_ALWAYS, 2.0 * _ALWAYS, 0.0
    return clamp


def coupling_gain(
    couple: Callable[[np.ndarray], np.ndarray], count: int, rounds: int = 60
) -> float:
    """By how much a round of the coupling enlarges currents, of those that it enlarges most.

    The power method; below 1 the explicit coupling decays.

    Parameters
    ----------
    couple : callable
        Membrane currents (M,) that follow from membrane currents (M,) one step later, nA.
    count : int
        Their number M.
    rounds : int
        Number of steps.
    """
    if not count:
        return 0.0
    # ends of cells and short waves are both in it
    currents = np.random.default_rng(1).standard_normal(count)
    gains = []
    for _ in range(rounds):
        size = float(np.linalg.norm(currents))
        if size == 0.0:
            return 0.0
        currents = couple(currents / size)
        gains.append(float(np.linalg.norm(currents)))
    # pairs of opposite sign let single rounds alternate
    return float(np.sqrt(gains[-1] * gains[-2]))
