"""The files that a configuration names, written from the recording of its run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError, LfpWarning, OutputError
from lfpcli.geometry import Geometry
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, Report, Signal, open_recording
from lfpcli.io.sonata.config import read_config
from lfpcli.io.writer import SORTING
from lfpcli.tasks.circuits.circuit import Circuit, circuit_of, first_node_numbers, read_circuit
from lfpcli.tasks.circuits.neurodamus.output_files import check_reports, write_reports
from lfpcli.tasks.circuits.places import SECTION_TYPES
from lfpcli.tasks.circuits.potentials import (
    PotentialReport,
    cell_groups,
    contributing_cells,
)
from lfpcli.tasks.circuits.report_times import ReportTimes
from lfpcli.tasks.circuits.simulation_model import (
    DENSITY,
    CircuitOutputs,
    ClampReport,
    MembraneReport,
    SynapseReport,
    circuit_outputs,
    recorded_name,
)
from lfpcli.vocabulary import ALL

MAGIC = np.uint32(0x0A7A)
VERSION = np.array([0, 1], np.uint32)
# doubles that pass from file to file at a time
_BLOCK = 1 << 21


def check_outputs(file: Path, *, force: bool) -> None:
    """Raise `OutputError` where a file that a configuration names is there and may not be replaced.

    The folder is made.
    """
    config = read_config(file)
    if config.is_neurodamus:
        check_reports(config, force=force)
        return
    outputs = circuit_outputs(config)
    circuit = circuit_of(config)
    reports: list[MembraneReport | SynapseReport] = [*outputs.membrane, *outputs.synapses]
    for each in reports:
        # what is wrong with its cells would else be told behind the run
        circuit.node_set(each.cells, f"{config.file}: reports.{each.name}")
    _make_folder(outputs.folder)
    for path in outputs.files:
        _make_folder(path.parent)
        check_output(path, force=force or outputs.overwrite)
    for report in outputs.potentials:
        if report.contributions is not None:
            _make_folder(report.contributions)
            for path in sorted(report.contributions.glob("*.h5")):
                check_output(path, force=force or outputs.overwrite)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"no folder can be made: {error.strerror}", source=path, remedy="change output_dir"
        ) from error


def write_outputs(file: Path, recording: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write spikes and reports where a configuration names them, as bmtk does.

    Rows of reports are at dt, 2 dt, ... tstop: bmtk keeps no sample of the initial state.

    Parameters
    ----------
    file : Path
        The configuration.
    recording : path-like
        What its run recorded.
    force : bool
        Whether files that are there are replaced.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    circuit = read_circuit(file)
    if circuit.config.is_neurodamus:
        write_reports(circuit, recording, force=force)
        return
    outputs = circuit_outputs(circuit.config)
    replace = force or outputs.overwrite
    with open_recording(recording) as source:
        _write_spikes(source, circuit, outputs, replace)
        for report in outputs.membrane:
            with atomic_output(report.file, force=replace) as path:
                _write_membrane(source, circuit, report, path)
        point_reports: list[SynapseReport | ClampReport] = [*outputs.synapses, *outputs.clamps]
        for points in point_reports:
            with atomic_output(points.file, force=replace) as path:
                _write_points(source, circuit, points, path)
        for potential in outputs.potentials:
            _write_potentials(source, circuit, potential, replace)


def _mark(file: h5py.File) -> None:
    file.attrs["magic"] = MAGIC
    file.attrs["version"] = VERSION


def _spikes(source: Recording, circuit: Circuit) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield the spikes of the populations of cells: name, times (ms), node ids."""
    first = 0
    for name, nodes in circuit.nodes_in_order().items():
        if name in circuit.cells and name in source.spike_populations:
            times, gids = source.spikes(name)
            yield name, times, nodes.node_ids[gids - first]
        first += len(nodes)


def _write_spikes(
    source: Recording, circuit: Circuit, outputs: CircuitOutputs, replace: bool
) -> None:
    if outputs.spikes is not None:
        with atomic_output(outputs.spikes, force=replace) as path, new_hdf5(path) as file:
            _mark(file)
            for name, times, node_ids in _spikes(source, circuit):
                group = file.create_group(f"spikes/{name}")
                group.attrs.create("sorting", 2, dtype=SORTING)
                group["timestamps"] = times
                group["timestamps"].attrs["units"] = "ms"
                group["node_ids"] = node_ids.astype(np.uint64)
    if outputs.spikes_csv is not None:
        with (
            atomic_output(outputs.spikes_csv, force=replace, binary=False) as path,
            path.open("w", encoding="utf-8") as table,
        ):
            table.write("timestamps population node_ids\n")
            for name, times, node_ids in _spikes(source, circuit):
                for time, node_id in zip(times.tolist(), node_ids.tolist(), strict=True):
                    table.write(f"{time!r} {name} {node_id}\n")


def _write_membrane(
    source: Recording, circuit: Circuit, report: MembraneReport, path: Path
) -> None:
    variable = recorded_name(report.variable)
    wanted = circuit.node_set(report.cells, f"reports.{report.name}")
    if not wanted:
        warnings.warn(f"the report '{report.name}' has no cells", LfpWarning, stacklevel=2)
    first = 0
    with new_hdf5(path) as file:
        _mark(file)
        for name, nodes in circuit.nodes_in_order().items():
            index = wanted.get(name)
            if name in circuit.cells and index is not None and name in source.populations:
                recorded = source.report(variable, name)
                geometry = source.geometry(name)
                chosen = _columns(recorded, index + first, report.sections, geometry)
                if len(chosen):
                    _write_report(
                        file,
                        name,
                        _Told(report.variable, *_unit(report, recorded, geometry, chosen)),
                        recorded,
                        geometry=geometry,
                        columns=chosen,
                        times=report.times,
                        node_ids=nodes.node_ids,
                        first=first,
                    )
            first += len(nodes)


@dataclass(frozen=True)
class _Told:
    """What a report says of its values: variable, unit, and a factor of each column."""

    variable: str
    units: str
    factors: np.ndarray | None = None


def _unit(
    report: MembraneReport, recorded: Report, geometry: Geometry, columns: np.ndarray
) -> tuple[str, np.ndarray | None]:
    """Unit of a report, and what its columns are multiplied by."""
    if report.variable != DENSITY:
        return recorded.units, None
    # the recording has currents in nA: 1 nA/um2 are 100 mA/cm2
    row_of = {}
    for row, key in enumerate(_keys(geometry.gid, geometry.section, geometry.x)):
        row_of[key] = row
    cells = np.repeat(recorded.node_ids, np.diff(recorded.pointers))[columns]
    keys = _keys(cells, recorded.element_ids[columns], recorded.element_pos[columns])
    areas = geometry.area[[row_of[key] for key in keys]]
    return "mA/cm2", 100.0 / areas


def _keys(cells: np.ndarray, sections: np.ndarray, x: np.ndarray) -> list[tuple[int, int, float]]:
    """Which segment of which cell each is."""
    columns = cells.tolist(), sections.tolist(), x.tolist()
    return list(zip(*columns, strict=True))


def _columns(
    recorded: Report, gids: np.ndarray, sections: tuple[str, ...], geometry: Geometry
) -> np.ndarray:
    """Columns of a report of some cells, in sections of some types; of somata their middle."""
    cells = np.repeat(recorded.node_ids, np.diff(recorded.pointers))
    inside = np.isin(cells, gids)
    if sections == (ALL,):
        return np.flatnonzero(inside)
    names = [text.rpartition(".")[2] for text in geometry.section_names]
    if sections == ("soma",):
        somata = [k for k, text in enumerate(names) if text == "soma[0]"]
        columns = np.flatnonzero(inside & np.isin(recorded.element_ids, somata))
        return _middles(columns, cells[columns])
    begins = tuple(SECTION_TYPES[section] for section in sections)
    chosen = [k for k, text in enumerate(names) if text.startswith(begins)]
    return np.flatnonzero(inside & np.isin(recorded.element_ids, chosen))


def _middles(columns: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Of the columns of each cell, which are along a section, the one of the middle."""
    _, first, counts = np.unique(cells, return_index=True, return_counts=True)
    middles: np.ndarray = columns[np.sort(first + counts // 2)]
    return middles


def _write_points(
    source: Recording, circuit: Circuit, report: SynapseReport | ClampReport, path: Path
) -> None:
    """Write a variable of point processes: a column each, with the section that it is in."""
    first = 0
    with new_hdf5(path) as file:
        _mark(file)
        for name, nodes in circuit.nodes_in_order().items():
            if name in source.reports.get(report.recorded, []):
                recorded = source.report(report.recorded, name)
                columns = np.arange(recorded.data.shape[1])
                variable = report.variable if isinstance(report, SynapseReport) else "i"
                told = _Told(variable, recorded.units)
                _write_report(
                    file,
                    name,
                    told,
                    recorded,
                    geometry=source.geometry(name),
                    columns=columns,
                    times=report.times if isinstance(report, SynapseReport) else ReportTimes(),
                    node_ids=nodes.node_ids,
                    first=first,
                )
                if recorded.source_ids is not None:
                    cells = np.repeat(recorded.node_ids, np.diff(recorded.pointers))
                    mapping = file[f"report/{name}/mapping"]
                    mapping["src_ids"] = recorded.source_ids
                    mapping["trg_ids"] = cells.astype(np.int64)
            first += len(nodes)
        if isinstance(report, ClampReport):
            # as bmtk has it: all electrodes side by side
            parts = [group["data"][()] for group in file.get("report", {}).values()]
            samples = parts[0].shape[0] if parts else 0
            file["data"] = np.concatenate([np.empty((samples, 0)), *parts], axis=1)
            file["data"].attrs["units"] = "nA"


def _write_report(
    file: h5py.File,
    name: str,
    told: _Told,
    recorded: Report,
    *,
    geometry: Geometry,
    columns: np.ndarray,
    times: ReportTimes,
    node_ids: np.ndarray,
    first: int,
) -> None:
    cells = np.repeat(recorded.node_ids, np.diff(recorded.pointers))[columns]
    gids, starts = np.unique(cells, return_index=True)
    dt, steps = recorded.dt, recorded.data.shape[0] - 1
    rows = times.rows(steps, dt)
    samples = len(range(steps)[rows])
    base = f"report/{name}"
    data = file.create_dataset(f"{base}/data", shape=(samples, len(columns)), dtype="f8")
    _copy(recorded.data, data, columns, factors=told.factors, rows=rows)
    data.attrs["units"] = told.units
    data.attrs["variable"] = told.variable
    # bmtk leaves open that its first row is one step after the start; here it is told
    data.attrs["t_start"] = recorded.t_start + (rows.start + 1) * dt
    mapping = file.create_group(f"{base}/mapping")
    mapping["node_ids"] = node_ids[gids.astype(np.int64) - first].astype(np.uint64)
    mapping["index_pointers"] = np.append(starts, len(columns)).astype(np.uint64)
    mapping["index_pointer"] = mapping["index_pointers"]
    sections = geometry.sections_in_cells(cells, recorded.element_ids[columns])
    mapping["element_ids"] = sections.astype(np.uint64)
    mapping["element_pos"] = recorded.element_pos[columns]
    interval = rows.step * dt
    mapping["time"] = np.array([rows.start * dt, rows.start * dt + samples * interval, interval])
    mapping["time"].attrs["units"] = "ms"


def _copy(
    source: h5py.Dataset | _Sum,
    target: h5py.Dataset,
    columns: np.ndarray,
    *,
    factors: np.ndarray | None = None,
    rows: slice = slice(0, None, 1),
) -> None:
    """Copy rows, of those behind the first one, each column times its factor."""
    block_rows = max(1, _BLOCK // max(source.shape[1], 1))
    for start in range(0, target.shape[0], block_rows):
        stop = min(start + block_rows, target.shape[0])
        first, last = (1 + rows.start + rows.step * row for row in (start, stop - 1))
        block = source[first : last + 1][:: rows.step, columns]
        target[start:stop] = block if factors is None else block * factors


class _Sum:
    """Datasets of one shape, each slice of which is the sum of theirs."""

    def __init__(self, parts: Sequence[h5py.Dataset]) -> None:
        self._parts = parts
        self.shape = parts[0].shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        total: np.ndarray = np.sum([part[rows] for part in self._parts], axis=0)
        return total


def _write_potentials(
    source: Recording, circuit: Circuit, report: PotentialReport, replace: bool
) -> None:
    """Write the potentials of contacts, and where a report asks for them those of single cells."""
    if report.signal not in source.signals:
        raise InputError(
            f"has no signal '{report.signal}'", source=source.name, remedy="run the circuit again"
        )
    signal = source.signal(report.signal)
    samples: h5py.Dataset | _Sum = signal.data
    groups = [signal.groups[name] for name in cell_groups(circuit.config, report)]
    if report.contributions is not None:
        shares = _shares(circuit, report)
        groups = [signal.groups[str(gid)] for gid, _ in shares]
        for (_, number), share in zip(shares, groups, strict=True):
            file = report.contributions / f"{number}.h5"
            with atomic_output(file, force=replace) as path:
                _write_contacts(path, signal, share)
        groups = [] if len(groups) == len(signal.groups) else groups
    if groups:
        samples = _Sum(groups)
    with atomic_output(report.file, force=replace) as path:
        _write_contacts(path, signal, samples)


def _shares(circuit: Circuit, report: PotentialReport) -> list[tuple[int, int]]:
    """Gids of the cells of a report in the recording, and their numbers in bmtk."""
    chosen = contributing_cells(circuit, report)
    numbers = first_node_numbers(circuit)
    shares = []
    first = 0
    for name, nodes in circuit.nodes_in_order().items():
        for index in chosen.get(name, []):
            shares.append((first + index, numbers[name] + int(nodes.node_ids[index])))
        first += len(nodes)
    return shares


def _write_contacts(path: Path, signal: Signal, samples: h5py.Dataset | _Sum) -> None:
    rows, channels = samples.shape[0] - 1, samples.shape[1]
    with new_hdf5(path) as file:
        _mark(file)
        data = file.create_dataset("ecp/data", shape=(rows, channels), dtype="f8")
        _copy(samples, data, np.arange(channels))
        data.attrs["units"] = signal.units
        data.attrs["t_start"] = signal.t_start + signal.dt
        file["ecp/time"] = np.array([0.0, signal.dt * rows, signal.dt])
        file["ecp/time"].attrs["units"] = "ms"
        file["ecp/channel_id"] = np.arange(channels)
