"""What is recorded of a run: variables of segments and point processes, and spikes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.kernels.gather import gather
from lfpcli.runtime.capture import captured
from lfpcli.runtime.engine.addresses import addresses, node_addresses
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.bulk import detect_spikes

# a variable, and which element of it where it is an array: ca_cadifus[2]
_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?")


class Recorder:
    """One variable of some segments of some cells.

    Parameters
    ----------
    per_cell : sequence of sequence
        Per cell, NEURON's references to the variable, or the segments where it is one of nodes.

    Attributes
    ----------
    offsets : ndarray of int, shape (cells + 1,)
        Columns of cell k are ``offsets[k]:offsets[k + 1]``.
    index : sequence of ndarray of int
        Per cell, the segments of its columns.
    variable : str
        Name of the variable; empty where the columns have several.
    owners : sequence
        What has it, per column: a segment or a point process.
    sources : sequence of ndarray of int, or None
        Per cell, the presynaptic cell of each column of synapses, -1 for a spike train.
    is_of_nodes : bool
        Whether the variable is one of nodes, which is settled once potentials are solved for,
        before mechanisms advance.
    """

    def __init__(
        self,
        per_cell: Sequence[Sequence[Any]],
        index: Sequence[np.ndarray],
        *,
        variable: str = "",
        owners: Sequence[Any] = (),
        sources: Sequence[np.ndarray] | None = None,
        is_of_nodes: bool = False,
    ) -> None:
        self._columns = list(chain.from_iterable(per_cell))
        self.offsets = np.cumsum([0, *map(len, per_cell)])
        self.index = index
        self.variable = variable
        self.owners = self._columns if is_of_nodes else owners
        self.sources = sources
        self.is_of_nodes = is_of_nodes

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def references(self) -> list[Any]:
        """NEURON's references, one per column, cell after cell."""
        if not self.is_of_nodes:
            return self._columns
        # an object for each segment is made only where it is needed
        attribute = f"_ref_{self.variable}"
        return [getattr(segment, attribute) for segment in self._columns]

    def addresses(self) -> np.ndarray:
        """Where the values of a variable of segments are in memory, shape (columns,)."""
        find = node_addresses if self.is_of_nodes else addresses
        return find(self.owners, self.variable)

    def values(self) -> np.ndarray:
        """What the variables are now, shape (columns,)."""
        if not self.is_of_nodes:
            return np.array([reference[0] for reference in self.references], dtype=float)
        rows = np.empty((1, len(self)))
        gather(self.addresses(), rows, 0)
        return rows.ravel()


class SpikeRecorder:
    """Upward crossings of a threshold at the middle of each soma section.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    thresholds : sequence of float
        mV, per cell.
    artificial : sequence of int
        Gids of artificial cells, whose spikes are their events.

    Attributes
    ----------
    earlier : (ndarray, ndarray)
        Times (ms) and gids of spikes from before this run, which `take` returns too.
    """

    def __init__(
        self,
        cells: Sequence[SimulatedCell],
        thresholds: Sequence[float],
        artificial: Sequence[int] = (),
    ) -> None:
        self.earlier = np.zeros(0), np.zeros(0, np.int64)
        self._times, self._gids = nrn().Vector(), nrn().Vector()
        for cell, threshold in zip(cells, thresholds, strict=True):
            detect_spikes(cell, threshold)
            context().spike_record(cell.gid, self._times, self._gids)
        for gid in artificial:
            context().spike_record(gid, self._times, self._gids)

    def take(self, since: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return all spikes from a time (ms) on: times in ms and gids, each (n,), sorted."""
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
    index = [np.arange(len(cell.segments)) for cell in cells]
    segments = [cell.segments for cell in cells]
    return Recorder(segments, index, variable="i_membrane_", is_of_nodes=True)


def potentials(cells: Sequence[SimulatedCell], extent: str = "all") -> Recorder:
    """Recorder of the membrane potential, mV.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    extent : {'all', 'soma', 'detector'}
        Every segment, the segment at the middle of each cell's soma, or that where its spikes are
        detected.
    """
    if extent == "all":
        segments = [cell.segments for cell in cells]
        index = [np.arange(len(cell.segments)) for cell in cells]
    elif extent == "detector":
        segments = [[cell.spike_detector] for cell in cells]
        index = [np.array([_detector_index(cell)]) for cell in cells]
    else:
        segments = [[cell.detector] for cell in cells]
        index = [np.array([cell.detector_index]) for cell in cells]
    return Recorder(segments, index, variable="v", is_of_nodes=True)


def _detector_index(cell: SimulatedCell) -> int:
    """Index of the segment where spikes are detected; of an end of a section, of its soma."""
    detector = cell.spike_detector
    return cell.segments.index(detector) if detector in cell.segments else cell.detector_index


def variable(
    cells: Sequence[SimulatedCell],
    name: str,
    segments: Sequence[np.ndarray] | None = None,
    *,
    required: bool = True,
) -> Recorder:
    """Recorder of a range variable on the segments that have it.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    name : str
        Name as in NEURON: ``ica``, ``cai``, ``m_hh``, of an array with the element: ``ca_cad[2]``.
    segments : sequence of ndarray of int, shape (n,), optional
        Per cell, the indices (no unit) of the segments to look at; all of them by default.
    required : bool
        Whether some segment must have it.

    Raises
    ------
    InputError
        Where no segment of any cell has it, or it is an array whose element is not named.
    """
    index, references = [], []
    owners: list[Any] = []
    for number, cell in enumerate(cells):
        references_of_cell: list[Any] = []
        having: list[int] = []
        looked_at: Sequence[int] = range(len(cell.segments))
        if segments is not None:
            looked_at = np.unique(segments[number]).tolist()
        for k in looked_at:
            segment = cell.segments[k]
            # a segment has attributes that are no variables, such as sec and x; of those that it
            # has, the diameter is none in time
            reference = _reference(segment, name)
            if reference is not None and name != "diam":
                having.append(k)
                references_of_cell.append(reference)
                owners.append(segment)
        index.append(np.array(having, dtype=np.int64))
        references.append(references_of_cell)
    if required and not any(references):
        raise missing_variable(name)
    return Recorder(references, index, variable=name, owners=owners)


def chosen_variable(
    cells: Sequence[SimulatedCell], name: str, segments: Sequence[np.ndarray]
) -> Recorder:
    """Recorder of a variable of chosen segments.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    name : str
        ``v``, ``imem``, or a range variable as `variable` takes it.
    segments : sequence of ndarray of int, shape (n,)
        Per cell, the indices (no unit) of the segments; those without the variable are left out.
    """
    node_names = {"v": "v", "imem": "i_membrane_", "i_membrane_": "i_membrane_"}
    if name not in node_names:
        return variable(cells, name, segments, required=False)
    if cells and node_names[name] != "v":
        nrn().CVode().use_fast_imem(True)
    owners_of_cells = []
    for cell, wanted in zip(cells, segments, strict=True):
        owners_of_cells.append([cell.segments[k] for k in wanted.tolist()])
    return Recorder(owners_of_cells, segments, variable=node_names[name], is_of_nodes=True)


def _reference(owner: Any, name: str) -> Any:
    """NEURON's reference to a variable of a segment or point process; None where it has none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    reference = getattr(owner, f"_ref_{match[1]}", None)
    if reference is None:
        return None
    try:
        size = len(reference)
    except (TypeError, RuntimeError):
        # that of a single number has no length
        return reference if match[2] is None else None
    if match[2] is None or int(match[2]) >= size:
        raise InputError(
            f"'{name}' is no number: {match[1]} is an array of {size}",
            remedy=f"name an element, {match[1]}[0] to {match[1]}[{size - 1}]",
        )
    try:
        return reference[int(match[2])]
    except AttributeError:
        # NEURON knows arrays by name also where their mechanism is not
        return None


def missing_variable(name: str) -> InputError:
    """The error that no segment has a variable."""
    return InputError(
        f"no segment has the variable '{name}'",
        source="[record] variables",
        remedy="name a range variable of an inserted mechanism, such as m_hh or ica",
    )


def unit_of(name: str, mechanism: str | None = None) -> str | None:
    """Unit of a variable as NEURON states it, or the empty string.

    Parameters
    ----------
    name : str
        A range variable.
    mechanism : str, optional
        The point process that has it; None is returned where it has no such variable.
    """
    name = name.partition("[")[0]
    if mechanism is None:
        return str(nrn().units(name))
    try:
        with captured():
            return str(nrn().units(f"{mechanism}.{name}"))
    except RuntimeError:
        return None


def point_variable(
    cells: int,
    cell: np.ndarray,
    segment: np.ndarray,
    points: Sequence[Any],
    name: str,
    *,
    source: np.ndarray | None = None,
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
    source : ndarray of int, shape (P,), optional
        The presynaptic cell of each, -1 for a spike train.
    """
    ends = np.searchsorted(cell, np.arange(cells + 1)).tolist()
    references, index = [], []
    for first, end in pairwise(ends):
        references.append([_reference(point, name) for point in points[first:end]])
        index.append(segment[first:end].astype(np.int64))
    sources = None if source is None else [source[a:b] for a, b in pairwise(ends)]
    return Recorder(references, index, variable=name, owners=points, sources=sources)
