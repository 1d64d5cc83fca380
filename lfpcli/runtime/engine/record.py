"""Recording in C: NEURON's vectors collect samples, which are taken chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError
from lfpcli.kernels._gather import gather, gather_rows
from lfpcli.runtime.capture import captured
from lfpcli.runtime.engine.addresses import addresses
from lfpcli.runtime.engine.pages import FEW, gather_pages
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.bulk import detect_spikes


class Recorder:
    """One variable of some segments of some cells.

    Attributes
    ----------
    references : sequence
        NEURON references, one per column, cell after cell.
    offsets : ndarray of int, shape (cells + 1,)
        Columns of cell k are ``offsets[k]:offsets[k + 1]``.
    index : sequence of ndarray of int
        Per cell, the segments of its columns.
    node_variable : str or None
        Name of the variable where it is one of nodes, settled once a step has been solved: such
        variables are read from memory after each step, which is faster than a vector each.
    """

    def __init__(
        self,
        per_cell: Sequence[Sequence[Any]],
        index: Sequence[np.ndarray],
        node_variable: str | None = None,
        segments: Sequence[Any] = (),
    ) -> None:
        self.references = [reference for cell in per_cell for reference in cell]
        self.offsets = np.cumsum([0, *(len(cell) for cell in per_cell)])
        self.index = index
        self.node_variable = node_variable
        self._segments = segments

    def __len__(self) -> int:
        return len(self.references)

    def addresses(self) -> np.ndarray:
        """Where the values of a node variable are in memory, shape (columns,)."""
        return addresses(self._segments, str(self.node_variable))


class Gatherer:
    """Collects node variables after each fixed step, through one callback.

    Parameters
    ----------
    recorders : mapping of str to Recorder
        What to collect.
    rows : int
        Most samples between two calls of `take`.
    """

    def __init__(self, recorders: Mapping[str, Recorder], rows: int) -> None:
        ends = np.cumsum([0, *(len(r) for r in recorders.values())])
        self._columns = dict(zip(recorders, map(slice, ends[:-1], ends[1:]), strict=True))
        self._recorders = recorders
        self._places: np.ndarray | None = None
        self._rows, self._filled = rows, 0
        self._buffer = np.empty((rows, int(ends[-1])))

    def sample(self) -> None:
        """Take one sample; before t = 0 the buffer is written over and over."""
        if self._places is None:
            found = [recorder.addresses() for recorder in self._recorders.values()]
            self._places = np.concatenate([np.empty(0, np.uintp), *found])
        gather(self._places, self._buffer, self._filled % self._rows)
        self._filled += 1

    def discard(self) -> None:
        """Forget all samples so far."""
        self._filled = 0

    def take(self) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = self._buffer[: self._filled]
        # the samples belong to the caller from now on, who may use them in another thread
        self._buffer = np.empty_like(self._buffer)
        self._filled = 0
        return {name: taken[:, columns] for name, columns in self._columns.items()}


# bytes
DOUBLE = 8
# beyond the samples of a chunk CoreNEURON wants two more places in a vector
SPARE_PLACES = 8


class VectorSet:
    """Collects variables in one vector of NEURON per column.

    The vectors have room for all samples between two calls of `take` from the beginning, so that
    they stay where they are in memory, from where they are read.

    Parameters
    ----------
    recorders : mapping of str to Recorder
        What to collect.
    rows : int
        Most samples between two calls of `take`.
    interval : float, optional
        Grid of the samples, ms; at every step where left out.
    """

    def __init__(
        self, recorders: Mapping[str, Recorder], rows: int, interval: float | None = None
    ) -> None:
        self._room = rows + SPARE_PLACES
        self._vectors = {
            name: _recording(recorder.references, self._room, interval)
            for name, recorder in recorders.items()
        }
        everything = [v for vectors in self._vectors.values() for v in vectors]
        # looked up once, as it takes as long as the call
        self._resize = [v.resize for v in everything]
        if len(everything) > FEW:
            gather_pages(_places(everything), self._room * DOUBLE)
        self._places: dict[str, np.ndarray] = {}

    def discard(self) -> None:
        """Forget all samples so far."""
        for resize in self._resize:
            resize(0)

    def take(self) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = {name: self._read(name).T for name in self._vectors}
        self.discard()
        return taken

    def _read(self, name: str) -> np.ndarray:
        """Contents of the vectors of a recorder, shape (vectors, samples)."""
        vectors = self._vectors[name]
        counts = set(map(len, vectors))
        if len(counts) > 1:
            raise SimulatorError(f"vectors of {name} differ in length: {sorted(counts)}")
        block = np.empty((len(vectors), max(counts, default=0)))
        if block.shape[1] > self._room:
            # a vector that has grown beyond its room has moved, and so have all others
            self._room = block.shape[1]
            self._places.clear()
        if name not in self._places:
            self._places[name] = _places(vectors)
        gather_rows(self._places[name], block)
        return block


def _recording(references: Sequence[Any], room: int, interval: float | None) -> list[Any]:
    """A recording vector per reference."""
    vector = nrn().Vector
    grid = () if interval is None else (interval,)
    vectors = [vector().record(reference, *grid) for reference in references]
    for each in vectors:
        each.buffer_size(room)
    return vectors


def _places(vectors: Sequence[Any]) -> np.ndarray:
    """Addresses of the elements of vectors, shape (vectors,)."""
    return np.array([v.__array_interface__["data"][0] for v in vectors], dtype=np.uintp)


class SpikeRecorder:
    """Upward crossings of a threshold at the middle of each soma section.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    thresholds : sequence of float
        mV, per cell.

    Attributes
    ----------
    earlier : (ndarray, ndarray)
        Times (ms) and gids of spikes from before this run, which `take` returns too.
    """

    def __init__(self, cells: Sequence[SimulatedCell], thresholds: Sequence[float]) -> None:
        self.earlier = np.zeros(0), np.zeros(0, np.int64)
        self._times, self._gids = nrn().Vector(), nrn().Vector()
        for cell, threshold in zip(cells, thresholds, strict=True):
            detect_spikes(cell, threshold)
            context().spike_record(cell.gid, self._times, self._gids)

    def take(self, since: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return all spikes from a time (ms) on: times in ms and gids, sorted."""
        # as lists, as NumPy 2.2 takes no vector that is empty and so has no address
        times = np.concatenate([self.earlier[0], np.array(self._times.to_python(), float)])
        gids = np.concatenate([self.earlier[1], np.array(self._gids.to_python(), np.int64)])
        kept = times >= since
        times, gids = times[kept], gids[kept]
        order = np.lexsort((gids, times))
        return times[order], gids[order]


def membrane_currents(cells: Sequence[SimulatedCell]) -> Recorder:
    """Recorder of `i_membrane_` of every segment, nA.

    It holds capacitive, ionic and synaptic currents and leaves out those of electrodes.
    """
    if cells:
        # without any section NEURON would end the process
        nrn().CVode().use_fast_imem(True)
    return Recorder(
        [[s._ref_i_membrane_ for s in cell.segments] for cell in cells],
        [np.arange(len(cell.segments)) for cell in cells],
        "i_membrane_",
        [segment for cell in cells for segment in cell.segments],
    )


def potentials(cells: Sequence[SimulatedCell], where: str = "all") -> Recorder:
    """Recorder of the membrane potential, mV.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    where : {'all', 'soma'}
        Every segment, or the segment at the middle of each cell's soma.
    """
    index = [
        np.arange(len(cell.segments)) if where == "all" else np.array([cell.detector_index])
        for cell in cells
    ]
    columns = [[cell.segments[i] for i in ix] for cell, ix in zip(cells, index, strict=True)]
    return Recorder(
        [[segment._ref_v for segment in cell] for cell in columns],
        index,
        "v",
        [segment for cell in columns for segment in cell],
    )


def variable(cells: Sequence[SimulatedCell], name: str, *, required: bool = True) -> Recorder:
    """Recorder of a range variable on the segments that have it.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    name : str
        Name as in NEURON: ``ica``, ``cai``, ``m_hh``.
    required : bool
        Whether some segment must have it.

    Raises
    ------
    InputError
        Where no segment of any cell has it.
    """
    index = [
        np.array([i for i, s in enumerate(cell.segments) if hasattr(s, name)], dtype=np.int64)
        for cell in cells
    ]
    columns = zip(cells, index, strict=True)
    reference = f"_ref_{name}"
    per_cell = [[getattr(c.segments[i], reference) for i in ix] for c, ix in columns]
    if required and not any(per_cell):
        raise missing_variable(name)
    return Recorder(per_cell, index)


def missing_variable(name: str) -> InputError:
    """The error that no segment has a variable."""
    return InputError(
        f"no segment has the variable '{name}'",
        source="[record] variables",
        remedy="name a range variable of an inserted mechanism, such as m_hh or ica",
    )


def unit_of(name: str, kind: str | None = None) -> str | None:
    """Unit of a variable as NEURON states it, or the empty string.

    Parameters
    ----------
    name : str
        A range variable.
    kind : str, optional
        The point process that has it; None is returned where it has no such variable.
    """
    if kind is None:
        return str(nrn().units(name))
    try:
        with captured():
            return str(nrn().units(f"{kind}.{name}"))
    except RuntimeError:
        return None


def point_variable(
    cells: int, cell: np.ndarray, segment: np.ndarray, points: Sequence[Any], name: str
) -> Recorder:
    """Recorder of a variable of point processes.

    Parameters
    ----------
    cells : int
        Number of cells of the process.
    cell, segment : ndarray of int, shape (P,)
        Cell and segment of each point process, sorted by cell.
    points : sequence
        The point processes.
    name : str
        The variable.
    """
    ends = np.searchsorted(cell, np.arange(cells + 1))
    spans = [slice(ends[k], ends[k + 1]) for k in range(cells)]
    reference = f"_ref_{name}"
    return Recorder(
        [[getattr(point, reference) for point in points[span]] for span in spans],
        [segment[span].astype(np.int64) for span in spans],
    )


def electrode_currents(cells: Sequence[SimulatedCell]) -> Recorder:
    """Recorder of the currents that electrodes inject, nA, with the segments they enter."""
    return Recorder(
        [[electrode.point._ref_i for electrode in cell.electrodes] for cell in cells],
        [np.array([e.idx for e in cell.electrodes], dtype=np.int64) for cell in cells],
    )
