"""Recording in C: NEURON's vectors collect samples, which are taken chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.runtime.neuron import nrn

if TYPE_CHECKING:
    from lfpcli.runtime.cell import Cell

# mA/cm2 times um2 is 1e-2 nA
DENSITY_TO_NA = 1e-2


class Recorder:
    """One variable of some segments of some cells.

    Parameters
    ----------
    references : sequence of sequence
        NEURON references, per cell and column.
    scales : sequence of ndarray, optional
        Factor of each column, per cell.
    """

    def __init__(
        self, references: Sequence[Sequence[Any]], scales: Sequence[np.ndarray] | None = None
    ) -> None:
        self.references = references
        self.scales = scales
        self._vectors: list[list[Any]] = []

    def start(self, interval: float | None = None) -> None:
        """Begin to record at each step, or, with an interval in ms, on a grid."""
        vector = nrn().Vector
        grid = () if interval is None else (interval,)
        self._vectors = [
            [vector().record(reference, *grid) for reference in cell] for cell in self.references
        ]

    def stop(self) -> None:
        """End the recording and free its memory."""
        self._vectors = []

    def take(self, skip: int = 0) -> list[np.ndarray]:
        """Return what came since the last call, per cell (columns, samples), and forget it.

        Parameters
        ----------
        skip : int
            Samples to leave out at the beginning.
        """
        taken = []
        for k, vectors in enumerate(self._vectors):
            samples = int(vectors[0].size()) - skip if vectors else 0
            block = np.empty((len(vectors), max(samples, 0)))
            for row, vector in zip(block, vectors, strict=True):
                row[:] = vector.as_numpy()[skip:]
                vector.resize(0)
            if self.scales is not None:
                block *= self.scales[k][:, None]
            taken.append(block)
        return taken


class SpikeRecorder:
    """Upward crossings of a threshold at the middle of each soma section.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    threshold : float
        mV.
    """

    def __init__(self, cells: Sequence[Cell], threshold: float = -10.0) -> None:
        h = nrn()
        self._times, self._gids = h.Vector(), h.Vector()
        self._netcons = []
        for cell in cells:
            source = cell.detector
            netcon = h.NetCon(source._ref_v, None, sec=source.sec)
            netcon.threshold = threshold
            netcon.record(self._times, self._gids, cell.gid)
            self._netcons.append(netcon)

    def take(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all spikes from t = 0 on: times in ms and gids, sorted."""
        times, gids = np.array(self._times), np.array(self._gids, dtype=np.int64)
        kept = times >= 0
        times, gids = times[kept], gids[kept]
        order = np.lexsort((gids, times))
        return times[order], gids[order]


def membrane_currents(cells: Sequence[Cell]) -> Recorder:
    """Recorder of `i_membrane_` of every segment, nA.

    It holds capacitive, ionic and synaptic currents and leaves out those of electrodes.
    """
    nrn().CVode().use_fast_imem(True)
    return Recorder([[s._ref_i_membrane_ for s in cell.segments] for cell in cells])


def potentials(cells: Sequence[Cell], where: str = "all") -> tuple[Recorder, list[np.ndarray]]:
    """Recorder of the membrane potential, mV, and the segments that it covers.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    where : {'all', 'soma'}
        Every segment, or the segment at the middle of each cell's soma.
    """
    chosen = [
        np.arange(len(cell.segments)) if where == "all" else np.array([cell.detector_index])
        for cell in cells
    ]
    columns = zip(cells, chosen, strict=True)
    return Recorder([[c.segments[i]._ref_v for i in index] for c, index in columns]), chosen


def variable(cells: Sequence[Cell], name: str) -> tuple[Recorder, list[np.ndarray]]:
    """Recorder of a range variable where it exists, and the segments that have it.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    name : str
        Name as in NEURON: ``ica``, ``cai``, ``m_hh``.

    Raises
    ------
    InputError
        Where no segment of any cell has it.
    """
    references, chosen = [], []
    for cell in cells:
        found = [
            (i, getattr(segment, f"_ref_{name}"))
            for i, segment in enumerate(cell.segments)
            if hasattr(segment, name)
        ]
        references.append([reference for _, reference in found])
        chosen.append(np.array([i for i, _ in found], dtype=np.int64))
    if not any(references):
        raise InputError(
            f"no segment has the variable '{name}'",
            place="[record] variables",
            remedy="name a range variable of an inserted mechanism, such as m_hh or ica",
        )
    return Recorder(references), chosen
