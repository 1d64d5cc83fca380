"""A run of a network: what cells keep, and what probes measure while it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.compat.lfpy.cell import NANOAMPERE
from lfpcli.compat.lfpy.population import NetworkPopulation, gathered
from lfpcli.compat.lfpy.results import leave_at_points, point_recorders
from lfpcli.errors import UsageError
from lfpcli.geometry import Geometry
from lfpcli.runtime.engine.record import (
    Recorder,
    SpikeRecorder,
    membrane_currents,
    potentials,
    variable,
)
from lfpcli.runtime.engine.run import Chunk, run
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.hoc.settings import restored_settings

THRESHOLD = -10.0
# mV; synapses with a reversal potential above count as excitatory
EXCITATORY = -50.0
_DENSITIES = {"ipas": "i_pas", "icap": "i_cap"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run leaves.

    Attributes
    ----------
    imem, vmem, ipas, icap : bool
        Whether cells keep these.
    variables : tuple of str
        Range variables that cells keep.
    per_population : bool
        Whether measurements have a field for each population.
    parts : tuple of str
        Further fields of measurements: ``ipas``, ``icap``, ``isyn``.
    """

    imem: bool = False
    vmem: bool = False
    ipas: bool = False
    icap: bool = False
    variables: tuple[str, ...] = ()
    per_population: bool = False
    parts: tuple[str, ...] = ()


class AllCells:
    """The segments of all cells of this process, for probes.

    Attributes
    ----------
    x, y, z : ndarray, shape (N, 2)
        Start and end of the segments, um.
    d : ndarray, shape (N,)
        Diameters, um.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        ends = np.stack([geometry.start.T, geometry.end.T], axis=-1)
        self.x, self.y, self.z = ends
        self.d, self.area, self.length = geometry.diam, geometry.area, geometry.length
        self.totnsegs = len(geometry)

    @property
    def somainds(self) -> np.ndarray:
        """Indices of the segments of somata, shape (n,)."""
        return np.flatnonzero(self.geometry.is_soma)

    def get_idx(self, section: str = "soma") -> np.ndarray:
        """Indices of the segments of somata, or of all, shape (n,)."""
        return self.somainds if section == "soma" else np.arange(self.totnsegs)


class NetworkRun:
    """One run of the cells of populations.

    Parameters
    ----------
    populations : mapping of str to NetworkPopulation
    probes : sequence
        Their `cell` is set while matrices are asked for.
    wanted : Wanted
    settings : RunSettings
    """

    def __init__(
        self,
        populations: Mapping[str, NetworkPopulation],
        probes: Sequence[Any],
        wanted: Wanted,
        settings: RunSettings,
    ) -> None:
        self.populations, self.probes = populations, probes
        self.wanted, self.settings = wanted, settings
        self.cells: list[Any] = []
        for population in populations.values():
            self.cells += population.cells
        self._processes: list[Any] = []
        for cell in self.cells:
            self._processes += [*cell.synapses, *cell.electrodes]
        self._recorders = self._all_recorders()
        self._kept = {
            name: np.empty((settings.samples, len(recorder)))
            for name, recorder in self._recorders.items()
            if self._keeps(name)
        }
        self._matrices = [self._matrix(probe) for probe in probes]
        self._signals = [
            {name: np.zeros((len(m), settings.samples)) for name in self._fields()}
            for m in self._matrices
        ]

    def __call__(self) -> dict[str, list[Any]] | None:
        """Run; return times and gids of spikes on the first process."""
        thresholds = [THRESHOLD] * len(self.cells)
        spikes = SpikeRecorder(self.cells, thresholds)
        fields = []
        for cell in self.cells:
            fields += cell._played_fields()
        with restored_settings():
            run(self.cells, self.settings, self._recorders, self._take, fields=fields)
        self._leave_at_cells()
        self._leave_at_probes()
        return self._spikes(*spikes.take(-np.inf))

    def write(self, path: Path) -> None:
        """Write the measurements to HDF5, each as a dataset ``<class><number>``."""
        from lfpcli.guarded.writing import new_hdf5

        with new_hdf5(path) as file:
            for k, probe in enumerate(self.probes):
                dataset = file.create_dataset(f"{type(probe).__name__}{k}", data=probe.data)
                dataset.attrs["dt"] = self.settings.dt

    def _all_recorders(self) -> dict[str, Recorder]:
        wanted, cells = self.wanted, self.cells
        recorders = {"soma": potentials(cells, "soma")}
        if wanted.imem or self.probes:
            recorders["imem"] = membrane_currents(cells)
        if wanted.vmem:
            recorders["vmem"] = potentials(cells)
        for name, density in _DENSITIES.items():
            if getattr(wanted, name) or name in wanted.parts:
                recorders[name] = variable(cells, density, required=False)
        for name in wanted.variables:
            recorders[f"variable {name}"] = variable(cells, name)
        if "isyn" in wanted.parts:
            recorders["isyn"], self._is_excitatory = _synaptic(cells)
        return recorders | point_recorders(self._processes)

    def _keeps(self, name: str) -> bool:
        if name in ("imem", "ipas", "icap"):
            return bool(getattr(self.wanted, name))
        return name != "isyn"

    def _fields(self) -> list[str]:
        """Names of the fields of a measurement."""
        names = ["imem"]
        for part in self.wanted.parts:
            names += ["isyn_e", "isyn_i"] if part == "isyn" else [part]
        if self.wanted.per_population:
            names += list(self.populations)
        return names

    def _matrix(self, probe: Any) -> np.ndarray:
        """Matrix of a probe for the cells of this process, shape (C, N)."""
        if probe.cell is not None:
            raise UsageError(
                f"{type(probe).__name__} has a cell of its own", remedy="make it with cell=None"
            )
        if not self.cells:
            return np.zeros((0, 0))
        # the cells of this process as if they were one, for a moment
        probe.cell = AllCells(Geometry.joined([cell.geometry for cell in self.cells]))
        try:
            matrix = np.asarray(probe.get_transformation_matrix(), dtype=float)
        finally:
            probe.cell = None
        return matrix.reshape(-1, matrix.shape[-1])

    def _take(self, chunk: Chunk) -> None:
        span = slice(chunk.first, chunk.first + chunk.samples)
        for name, samples in self._kept.items():
            samples[span] = chunk.blocks[name]
        for matrix, signals in zip(self._matrices, self._signals, strict=True):
            if matrix.size:
                self._measure(matrix, signals, chunk.blocks, span)

    def _measure(
        self,
        matrix: np.ndarray,
        signals: dict[str, np.ndarray],
        blocks: Mapping[str, np.ndarray],
        span: slice,
    ) -> None:
        signals["imem"][:, span] = matrix @ blocks["imem"].T
        if self.wanted.per_population:
            first = 0
            for name, population in self.populations.items():
                end = first + sum(cell.totnsegs for cell in population.cells)
                signals[name][:, span] = matrix[:, first:end] @ blocks["imem"][:, first:end].T
                first = end
        for part in self.wanted.parts:
            columns = self._columns(part)
            if part == "isyn":
                for name, chosen in (
                    ("isyn_e", self._is_excitatory),
                    ("isyn_i", ~self._is_excitatory),
                ):
                    current = blocks[part][:, chosen]
                    signals[name][:, span] = matrix[:, columns[chosen]] @ current.T
            else:
                current = blocks[part] * self._areas[columns] * NANOAMPERE
                signals[part][:, span] = matrix[:, columns] @ current.T

    @property
    def _areas(self) -> np.ndarray:
        return np.concatenate([cell.area for cell in self.cells])

    def _columns(self, name: str) -> np.ndarray:
        """Segments, among those of all cells, of the columns of a recorder."""
        firsts = np.cumsum([0, *(cell.totnsegs for cell in self.cells)])
        index = self._recorders[name].index
        return np.concatenate([first + inner for first, inner in zip(firsts, index, strict=False)])

    def _leave_at_cells(self) -> None:
        kept = leave_at_points(self._kept, self._processes)
        for k, cell in enumerate(self.cells):
            cell.tvec = self.settings.times
            cell.rec_variables = {}
            for name, samples in kept.items():
                recorder = self._recorders[name]
                columns = samples[:, recorder.offsets[k] : recorder.offsets[k + 1]].T
                if name == "soma":
                    cell.somav = columns[0]
                elif name in ("imem", "vmem"):
                    setattr(cell, name, columns)
                else:
                    self._leave(cell, name, columns, recorder.index[k])

    def _leave(self, cell: Any, name: str, columns: np.ndarray, index: np.ndarray) -> None:
        """Leave a variable that not all segments have; it is 0 where one lacks it."""
        values = np.zeros((cell.totnsegs, columns.shape[1]))
        values[index] = columns
        if name in _DENSITIES:
            setattr(cell, name, values * cell.area[:, None] * NANOAMPERE)
        else:
            cell.rec_variables[name.removeprefix("variable ")] = values

    def _leave_at_probes(self) -> None:
        """Add up the parts of all processes."""
        for probe, signals in zip(self.probes, self._signals, strict=True):
            parts = gathered([signals]) or [signals]
            # a process without cells has signals of no channels
            filled = [part for part in parts if part["imem"].size]
            names = self._fields()
            shape = filled[0]["imem"].shape
            data = np.zeros(shape, dtype=[(name, "f8") for name in names])
            for part in filled:
                for name in names:
                    data[name] += part[name]
            probe.data = data

    def _spikes(self, times: np.ndarray, gids: np.ndarray) -> dict[str, list[Any]] | None:
        spikes = gathered([(times, gids)])
        if spikes is None:
            return None
        every_time = np.concatenate([part[0] for part in spikes])
        every_gid = np.concatenate([part[1] for part in spikes])
        answer: dict[str, list[Any]] = {"times": [], "gids": []}
        for population in self.populations.values():
            members = range(population.first_gid, population.first_gid + population.POP_SIZE)
            answer["gids"].append(list(members))
            answer["times"].append([np.sort(every_time[every_gid == gid]) for gid in members])
        return answer


def _synaptic(cells: Sequence[Any]) -> tuple[Recorder, np.ndarray]:
    """Recorder of the currents of all synapses, nA, and which are excitatory."""
    references, index, excitatory = [], [], []
    for cell in cells:
        points = [(synapse.point, synapse.idx) for synapse in cell.synapses]
        points += [(connection.point, connection.segment) for connection in cell.connections]
        references.append([point._ref_i for point, _ in points])
        index.append(np.array([segment for _, segment in points], dtype=np.int64))
        # current synapses have no reversal potential
        excitatory += [getattr(point, "e", -np.inf) > EXCITATORY for point, _ in points]
    return Recorder(references, index), np.array(excitatory, dtype=bool)
