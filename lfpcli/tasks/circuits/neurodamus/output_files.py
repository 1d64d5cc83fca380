"""Files of spikes and reports that a simulation of neurodamus names, from the recording of it."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry
from lfpcli.guarded.hdf5 import numbers, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, Report, open_hdf5, open_recording
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.io.writer import SORTING
from lfpcli.morphology.reading import read_morphology
from lfpcli.morphology.splitting import split
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.inputs import refused_input
from lfpcli.tasks.circuits.neurodamus.reports import (
    CURRENT,
    POTENTIALS,
    SECTIONS,
    SOMA,
    SUMMATION,
    CircuitReport,
    output_folder,
    read_reports,
    spike_file,
)
from lfpcli.tasks.circuits.neurodamus.settings import check_simulation

_MAGIC = np.uint32(0x0A7A)
_VERSION = np.array([0, 1], np.uint32)
# of an interval; times of reports are multiples of the time step
_SLACK = 1e-6


def check_reports(config: CircuitConfig, *, force: bool) -> None:
    """Raise an error where something is not run, or a file may not be replaced, before any work.

    The folder is made. neurodamus replaces what is there; here that takes `force`.
    """
    check_simulation(config)
    for name, entry in config.inputs.items():
        error = refused_input(entry, f"{config.file}: inputs.{name}")
        if error is not None:
            raise error
    reports = read_reports(config)
    output_folder(config).mkdir(parents=True, exist_ok=True)
    for path in (spike_file(config), *(report.file for report in reports)):
        check_output(path, force=force)
    for report in reports:
        _stride(report, float(config.run["dt"]), f"{config.file}: reports.{report.name}")


def write_reports(
    circuit: Circuit, recording: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write spikes and reports where a configuration names them, as neurodamus does.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    recording : path-like
        What its run recorded.
    force : bool
        Whether files that are there are replaced.
    """
    with open_recording(recording) as source:
        with atomic_output(spike_file(circuit.config), force=force) as path:
            _write_spikes(source, circuit, path)
        for report in read_reports(circuit.config):
            with atomic_output(report.file, force=force) as path:
                _write_report(source, circuit, report, path)


def _mark(file: h5py.File) -> None:
    file.attrs["magic"] = _MAGIC
    file.attrs["version"] = _VERSION


def _first_gids(circuit: Circuit) -> dict[str, int]:
    """First gid of each population in the recording."""
    first: dict[str, int] = {}
    count = 0
    for name, nodes in circuit.nodes_in_order().items():
        first[name] = count
        count += len(nodes)
    return first


def _write_spikes(source: Recording, circuit: Circuit, path: Path) -> None:
    first = _first_gids(circuit)
    with new_hdf5(path) as file:
        _mark(file)
        for name, population in circuit.cells.items():
            times, gids = np.empty(0), np.empty(0, np.int64)
            if name in source.spike_populations:
                times, gids = source.spikes(name)
            group = file.create_group(f"spikes/{name}")
            group.attrs.create("sorting", 2, dtype=SORTING)
            group["timestamps"] = times
            group["timestamps"].attrs["units"] = "ms"
            group["node_ids"] = population.nodes.node_ids[gids - first[name]].astype(np.uint64)


@dataclass(frozen=True, kw_only=True)
class _CellColumns:
    """What a report has of one cell.

    Attributes
    ----------
    node_id, gid : int
        The cell, in its population and in the recording.
    elements : ndarray of int, shape (n,)
        Numbers of the sections, or of the contacts.
    matrix : ndarray, shape (n, segments)
        What the values of its segments are multiplied with and added up to.
    """

    node_id: int
    gid: int
    elements: np.ndarray
    matrix: np.ndarray


def _write_report(source: Recording, circuit: Circuit, report: CircuitReport, path: Path) -> None:
    location = f"{circuit.config.file}: reports.{report.name}"
    nodes = circuit.node_set("all" if report.cells is None else report.cells, location)
    first = _first_gids(circuit)
    with new_hdf5(path) as file:
        _mark(file)
        for name in circuit.cells:
            index = nodes.get(name)
            if index is not None:
                columns = _columns(source, circuit, report, name, gids=index + first[name])
                _write_population(file, source, report, name, columns=columns)
        if not file.keys():
            raise InputError(
                "no cell is reported", source=location, remedy="correct its node set, cells"
            )


def _columns(
    source: Recording, circuit: Circuit, report: CircuitReport, name: str, *, gids: np.ndarray
) -> list[_CellColumns]:
    """What a report has of some cells of a population, by node id."""
    population = circuit.cells[name]
    first = _first_gids(circuit)[name]
    geometry = source.geometry(name)
    weights = None if report.weights is None else _Weights.read(report.weights, name)
    columns = []
    for gid in gids.tolist():
        rows = np.flatnonzero(geometry.gid == gid)
        node_id = int(population.nodes.node_ids[gid - first])
        if weights is not None:
            matrix = weights.of(node_id, len(rows))
            elements = np.arange(len(matrix))
        else:
            spec = circuit.specs[population.cell_names[gid - first]]
            axons = original_axons(Path(str(spec.args[0])) / str(spec.args[1]))
            elements, matrix = _of_segments(report, geometry, rows, axons)
        columns.append(_CellColumns(node_id=node_id, gid=gid, elements=elements, matrix=matrix))
    return columns


@dataclass(frozen=True, kw_only=True)
class _Weights:
    """Weights of contacts for the cells of a population."""

    file: Path
    node_ids: np.ndarray
    offsets: np.ndarray
    factors: np.ndarray

    @classmethod
    def read(cls, path: Path, population: str) -> _Weights:
        """Read those of a population."""
        with open_hdf5(path) as (file, label):
            remedy = "take a file of weights of this circuit, see lfp-format(5)"
            for part in (population, f"electrodes/{population}"):
                if not isinstance(file.get(part), h5py.Group):
                    raise InputError(f"has no group /{part}", source=label, remedy=remedy)
            cells, factors = file[population], file[f"electrodes/{population}"]
            return cls(
                file=path,
                node_ids=whole(numbers(cells, "node_ids", label, ndim=1), np.int64),
                offsets=whole(numbers(cells, "offsets", label, ndim=1), np.int64),
                factors=whole(numbers(factors, "scaling_factors", label, ndim=2)),
            )

    def of(self, node_id: int, segments: int) -> np.ndarray:
        """Weights of the segments of a cell, shape (contacts, segments)."""
        index = np.flatnonzero(self.node_ids == node_id)
        if not len(index):
            raise InputError(
                f"has no weights of node {node_id}",
                source=self.file,
                remedy="leave the cell out of the report, or make the weights anew",
            )
        begin, end = self.offsets[index[0]], self.offsets[index[0] + 1]
        if end - begin != segments or end > len(self.factors):
            raise InputError(
                f"has {end - begin} weights of node {node_id}, which has {segments} segments",
                source=self.file,
                remedy="make the weights anew: lfp convert",
            )
        return np.asarray(self.factors[begin:end].T)


def _of_segments(
    report: CircuitReport, geometry: Geometry, rows: np.ndarray, axons: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of sections of the columns of a cell, and what its segments count in each."""
    names = [geometry.section_names[k].rpartition(".")[2] for k in geometry.section[rows]]
    inside = [k for k, text in enumerate(names) if text.startswith(SECTIONS[report.sections])]
    if report.type == SUMMATION and report.sections == SOMA:
        # neurodamus adds up the whole cell under the name of the soma
        inside = list(range(len(rows)))
    elif report.is_centered:
        inside = _middles(geometry.section[rows], inside)
    matrix = np.eye(len(rows))[inside]
    if report.type == SUMMATION:
        if report.is_scaled:
            matrix = matrix * (geometry.area[rows] / 100.0)
        if report.sections == SOMA:
            return np.zeros(1, np.int64), matrix.sum(axis=0, keepdims=True)
    sections = _section_numbers(names, axons)
    return np.array([sections[names[k]] for k in inside], np.int64), matrix


def _middles(sections: np.ndarray, inside: list[int]) -> list[int]:
    """Of some segments those in the middle of their sections."""
    chosen = []
    for section in dict.fromkeys(sections[inside].tolist()):
        part = [k for k in inside if sections[k] == section]
        chosen.append(part[len(part) // 2])
    return chosen


def _section_numbers(names: list[str], axons: int) -> dict[str, int]:
    """Number of each section by its name: as in the morphology, with the axon it had."""
    numbers_by_name: dict[str, int] = {}
    unique, first = list(dict.fromkeys(names)), 0
    for section_type in ("soma", "axon", "dend", "apic", "ais", "node", "myelin"):
        of_type = [text for text in unique if text.partition("[")[0] == section_type]
        for text in of_type:
            number = text.partition("[")[2].rstrip("]")
            numbers_by_name[text] = first + int(number or 0)
        first += axons if section_type == "axon" else len(of_type)
    return numbers_by_name


@functools.cache
def original_axons(morphology: Path) -> int:
    """How many sections the axon of a morphology has, before a template cuts it."""
    cell = read_morphology(morphology)
    sections = split(cell) if cell.drawn is None else cell.drawn
    return sum(section.name.startswith("axon") for section in sections)


def _write_population(
    file: h5py.File,
    source: Recording,
    report: CircuitReport,
    name: str,
    *,
    columns: list[_CellColumns],
) -> None:
    widths = [len(each.elements) for each in columns]
    parts = [_Values(source, report, variable, name) for variable in _recorded(report)]
    steps = parts[0].samples(report)
    data = np.zeros((len(steps), sum(widths)), np.float32)
    first = np.cumsum([0, *widths])
    for k, each in enumerate(columns):
        total = np.zeros((len(steps), widths[k]))
        for part in parts:
            total += part.of_cell(each, steps)
        data[:, first[k] : first[k + 1]] = total
    base = f"report/{name}"
    file[f"{base}/data"] = data
    file[f"{base}/data"].attrs["units"] = report.unit
    mapping = file.create_group(f"{base}/mapping")
    mapping["node_ids"] = np.array([each.node_id for each in columns], np.uint64)
    mapping["node_ids"].attrs["sorted"] = np.uint8(1)
    mapping["index_pointers"] = first.astype(np.uint64)
    elements = np.concatenate([np.empty(0, np.int64), *(each.elements for each in columns)])
    mapping["element_ids"] = elements.astype(np.uint32)
    mapping["time"] = np.array([report.begin, report.begin + len(steps) * report.dt, report.dt])
    mapping["time"].attrs["units"] = "ms"


def _recorded(report: CircuitReport) -> tuple[str, ...]:
    """Names of what a report is made of, in the recording."""
    if report.type == POTENTIALS:
        return ("imem",)
    return tuple("imem" if variable == CURRENT else "vmem" for variable in report.variables)


class _Values:
    """Samples of a variable of the cells of a population."""

    def __init__(self, source: Recording, report: CircuitReport, variable: str, name: str) -> None:
        self._recorded: Report = source.report(variable, name)
        self._variable = variable
        self._row = {int(gid): k for k, gid in enumerate(self._recorded.node_ids)}
        self._stride = _stride(report, self._recorded.dt, source.name)

    def samples(self, report: CircuitReport) -> np.ndarray:
        """Numbers of the samples of a report, shape (n,); as neurodamus without the end."""
        dt = self._recorded.dt
        first = round(report.begin / dt)
        last = min(self._recorded.data.shape[0] - 1, round(report.end / dt))
        return np.arange(first, last, self._stride)

    def of_cell(self, cell: _CellColumns, steps: np.ndarray) -> np.ndarray:
        """Samples of the columns of a cell, shape (n, columns)."""
        k = self._row[cell.gid]
        begin, end = self._recorded.pointers[k : k + 2]
        values: np.ndarray = self._recorded.data[:, int(begin) : int(end)][steps]
        if self._variable == "imem":
            # before the first step there are no currents
            values = np.where((steps == 0)[:, None], 0.0, values)
        if values.shape[1] != cell.matrix.shape[1]:
            # of somata the middle alone is recorded
            return np.asarray(values)
        return np.asarray(values @ cell.matrix.T)


def _stride(report: CircuitReport, dt: float, source: str) -> int:
    """Samples from one of a report to the next."""
    stride = round(report.dt / dt)
    if stride < 1 or abs(stride * dt - report.dt) > _SLACK * dt:
        raise InputError(
            f"report '{report.name}' has dt = {report.dt:g} ms, the run {dt:g} ms",
            source=source,
            remedy="give a multiple of the time step",
        )
    return stride
