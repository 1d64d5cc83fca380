"""Finished runs of circuits as recordings: reports of bmtk and neurodamus where their cells are."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.geometry import Geometry
from lfpcli.io.exchange.bluerecording import electrode_positions
from lfpcli.io.exchange.contents import Contents, Elements, Traces, Trains, unit_factor
from lfpcli.io.exchange.samples import Samples, SumOfCells
from lfpcli.io.exchange.sonata_files import read_potentials, read_trains
from lfpcli.io.exchange.sonata_reports import DENSITY, ElementReport, read_reports
from lfpcli.io.recording import REPORT_UNITS, open_hdf5
from lfpcli.tasks.circuits.circuit import Circuit, read_circuit
from lfpcli.tasks.circuits.potentials import report_contacts
from lfpcli.tasks.circuits.simulation_model import circuit_files
from lfpcli.tasks.convert.elements import ElementError, segments_of
from lfpcli.tasks.simulate.circuit_geometry import CircuitShapes, indices_of

# what SONATA calls variables that recordings know under another name
_NAMES = {"v": "vmem", "i_membrane_": "imem", "i_membrane": "imem", "im": "imem"}
_UNITS = {"cai": "mM"}
_AREA = 1e-2
"""1 mA/cm2 of 1 um2 in nA."""
LFP = "lfp"
"""Type of the reports of potentials that neurodamus writes by weights of contacts."""


@contextlib.contextmanager
def opened_run(config_file: Path) -> Iterator[Contents]:
    """Yield the spikes and reports that the configuration of a simulation names, of its last run.

    Parameters
    ----------
    config_file : Path
        The configuration. Files that it names and that are not there are told of.

    Raises
    ------
    InputError
        Where none of them is there, or one does not fit the circuit.
    """
    run = _Run(config_file)
    with contextlib.ExitStack() as stack:
        missing = []
        for path, name in run.outputs():
            if path.is_file():
                run.add(stack.enter_context(open_hdf5(path)), path, name)
            else:
                missing.append(str(path))
        if missing and run.contents.files:
            warnings.warn(f"not there, left out: {', '.join(missing)}", LfpWarning, stacklevel=2)
        if not run.contents.files:
            raise InputError(
                f"none of the outputs that it names is there, such as {', '.join(missing[:3])}",
                source=config_file,
                remedy="run the simulation first, or convert a report with --circuit",
            )
        yield run.finished()


@contextlib.contextmanager
def opened_report(path: Path, label: str, config_file: Path) -> Iterator[Contents]:
    """Yield what a file of spikes or a report of a circuit holds, with the geometry of its cells.

    Parameters
    ----------
    path : Path
        The file.
    label : str
        What to call it in messages.
    config_file : Path
        The configuration of the circuit, best that of the simulation.

    Raises
    ------
    InputError
        Where the file does not fit the circuit.
    """
    run = _Run(config_file)
    with open_hdf5(path, label) as (file, name):
        run.add((file, name), path, run.report_name(path))
        contents = run.finished()
        contents.source = label
        contents.files.remove(path)
        yield contents


class _Run:
    """What the files of a run hold, put together.

    Parameters
    ----------
    config_file : Path
        The configuration.
    """

    def __init__(self, config_file: Path) -> None:
        self.circuit: Circuit = read_circuit(config_file)
        self.contents = Contents(source=str(config_file))
        self._config_file = config_file
        self._shapes = CircuitShapes(self.circuit)
        self._reports: list[tuple[str, ElementReport]] = []

    def outputs(self) -> list[tuple[Path, str]]:
        """Files that the configuration names, each with the name of its report, "" for spikes."""
        config = self.circuit.config
        folder = config.path(str(config.output.get("output_dir", "output")))
        files = [(folder / str(config.output.get("spikes_file", "spikes.h5")), "")]
        for name, entry in config.reports.items():
            if isinstance(entry, dict):
                file = str(entry.get("file_name", name))
                files.append((folder / (file if file.endswith(".h5") else f"{file}.h5"), name))
        return files

    def report_name(self, path: Path) -> str:
        """Name of the report that a file is, "" where the configuration names none such."""
        names = [name for file, name in self.outputs() if name and file.name == path.name]
        return names[0] if names else ""

    def add(self, opened: tuple[h5py.File, str], path: Path, name: str) -> None:
        """Add what a file holds."""
        file, label = opened
        self.contents.files.append(path)
        for population in file.get("spikes", ()):
            self.contents.trains.append(self._trains(read_trains(file, label, population), label))
        if "ecp/data" in file:
            self.contents.traces.append(self._potentials(read_potentials(file, label), name))
        for report in read_reports(file, label):
            if self._entry(name).get("type") == LFP:
                self.contents.traces.append(self._lfp(report, name))
            else:
                self._reports.append((name, report))
        if not {"spikes", "ecp", "report", "reports"} & set(file):
            raise InputError(
                "holds no SONATA spikes, report or ecp", source=label, remedy="see lfp info"
            )

    def finished(self) -> Contents:
        """All of it, once the cells of all reports are known."""
        contents = self.contents
        for population in {report.population: None for _, report in self._reports}:
            reports = [each for each in self._reports if each[1].population == population]
            indices = np.unique(np.concatenate([self._indices(each) for _, each in reports]))
            geometry = self._shapes.geometry(population, indices)
            contents.geometries[population] = geometry
            for name, report in reports:
                contents.traces.append(self._traces(report, name, geometry))
        contents.files += circuit_files(self._config_file)
        return contents

    def _entry(self, name: str) -> Mapping[str, Any]:
        entry = self.circuit.config.reports.get(name, {})
        return entry if isinstance(entry, dict) else {}

    def _step(self) -> float | None:
        """Time step of the run, where the configuration tells it."""
        step = self.circuit.config.run.get("dt")
        return float(step) if isinstance(step, int | float) else None

    def _trains(self, trains: Trains, label: str) -> Trains:
        """Spikes with the numbers that the cells have in a recording of the circuit."""
        if trains.population not in self.circuit.nodes:
            raise self._unknown(trains.population, f"{label}:/spikes")
        indices = indices_of(self._shapes, trains.population, trains.node_ids)
        if np.any(indices < 0):
            node = trains.node_ids[np.argmax(indices < 0)]
            raise InputError(
                f"node {node} is not in the circuit",
                source=f"{label}:/spikes/{trains.population}",
                remedy="give the configuration of the run that wrote it",
            )
        layout = self._shapes.layout
        gids = layout.gids(trains.population).start + indices
        order = np.lexsort((gids, trains.times))
        return replace(trains, times=trains.times[order], node_ids=gids[order])

    def _unknown(self, population: str, source: str) -> InputError:
        known = ", ".join(self.circuit.nodes)
        return InputError(
            f"population '{population}' is not in the circuit, which has {known}",
            source=source,
            remedy="give the configuration of the run that wrote it",
        )

    def _potentials(self, traces: Traces, name: str) -> Traces:
        """Potentials of bmtk, with the places of the contacts and the time of the first row."""
        entry, config = self._entry(name), self.circuit.config
        label = name or traces.name
        if "electrode_positions" not in entry:
            return replace(traces, name=label)
        source = f"{config.file}: reports.{name}"
        positions = np.array(report_contacts(config, entry, source), float).reshape(-1, 3)
        if len(positions) != traces.samples.shape[1]:
            raise InputError(
                f"names {len(positions)} contacts, the report has {traces.samples.shape[1]}",
                source=source,
                remedy="give the configuration of the run that wrote it",
            )
        return replace(traces, name=label, positions=positions)

    def _lfp(self, report: ElementReport, name: str) -> Traces:
        """Potentials of contacts by cell, as neurodamus writes them, and their sum."""
        contacts = int(report.element_ids.max(initial=-1)) + 1
        blocks = np.tile(np.arange(contacts), len(report.node_ids))
        if not contacts or not np.array_equal(report.element_ids, blocks):
            raise InputError(
                "has not all contacts of each cell one after the other",
                source=report.source,
                remedy="write the report again",
            )
        shares = {}
        positions = None
        if isinstance(file := self._entry(name).get("electrodes_file"), str):
            positions = electrode_positions(self.circuit.config.path(file))
            if len(positions) != contacts:
                raise InputError(
                    f"has {contacts} contacts a cell, {file} has {len(positions)}",
                    source=report.source,
                    remedy="name the weights that the run had",
                )
        gids = self._shapes.layout.cells[report.population].start + self._indices(report)
        for k, gid in enumerate(gids.tolist()):
            columns = np.arange(k * contacts, (k + 1) * contacts)
            shares[str(gid)] = Samples(report.data, columns=columns)
        return Traces(
            name=name,
            samples=Samples(SumOfCells(report.data, contacts)),
            units=report.units or "mV",
            dt=report.dt,
            t_start=report.t_start(self._step()),
            channels=[str(k) for k in range(contacts)],
            positions=positions,
            model="weights of contacts",
            shares=shares,
        )

    def _indices(self, report: ElementReport) -> np.ndarray:
        """Indices of the cells of a report in their population, in its order."""
        if report.population not in self.circuit.cells:
            raise self._unknown(report.population, report.source)
        indices = indices_of(self._shapes, report.population, report.node_ids)
        cells = self.circuit.cells[report.population]
        for node_id, index in zip(report.node_ids.tolist(), indices.tolist(), strict=True):
            if index < 0 or not cells.cell_names[index]:
                raise InputError(
                    f"node {node_id} is no cell of the circuit",
                    source=report.source,
                    remedy="give the configuration of the run that wrote it",
                )
        return indices

    def _traces(self, report: ElementReport, name: str, geometry: Geometry) -> Traces:
        """A report whose columns are segments, in the order of the geometry."""
        rows = self._rows(report, geometry)
        order = np.argsort(rows, kind="stable")
        samples, units = Samples(report.data), report.units
        variable = report.variable or str(self._entry(name).get("variable_name", ""))
        variable = variable or {"nA": "i_membrane", "mV": "v"}.get(units, "report")
        recorded = _NAMES.get(variable, variable)
        if recorded == "imem" and (
            units == DENSITY or (variable != "i_membrane_" and report.of_bmtk)
        ):
            # NEURON's i_membrane is a density; bmtk says mV of every variable
            samples = samples.scaled(_AREA * geometry.area[rows])
            units = "nA"
        elif recorded in REPORT_UNITS and (report.of_bmtk or not units):
            units = REPORT_UNITS[recorded]
        elif recorded in REPORT_UNITS:
            samples = samples.scaled(unit_factor(units, REPORT_UNITS[recorded]))
            units = REPORT_UNITS[recorded]
        elif report.of_bmtk:
            units = _UNITS.get(recorded, "")
        label = f"{recorded}/{report.population}"
        if label in {traces.name for traces in self.contents.traces}:
            # a second report of the variable, of other sections or cells
            label = f"{name or 'report'}/{report.population}"
        return Traces(
            name=label,
            samples=samples.narrowed(None, order),
            units=units,
            dt=report.dt,
            t_start=report.t_start(self._step()),
            channels=[f"{geometry.gid[k]}.{geometry.segment_label(k)}" for k in rows[order]],
            positions=geometry.middle[rows[order]],
            model="SONATA report",
            segments=rows[order],
            elements=Elements(
                cells=geometry.gid[rows[order]],
                sections=geometry.sections_in_cells(
                    geometry.gid[rows[order]], geometry.section[rows[order]]
                ),
                places=geometry.x[rows[order]],
            ),
        )

    def _rows(self, report: ElementReport, geometry: Geometry) -> np.ndarray:
        """The row in the geometry of each column of a report."""
        start = self._shapes.layout.cells[report.population].start
        gids, first = np.unique(geometry.gid, return_index=True)
        indices = self._indices(report)
        at = first[np.searchsorted(gids, start + indices)]
        known: dict[tuple[str, bytes, bytes], np.ndarray] = {}
        rows = []
        for k, index in enumerate(indices.tolist()):
            columns = slice(report.pointers[k], report.pointers[k + 1])
            ids = report.element_ids[columns]
            places = None if report.element_pos is None else report.element_pos[columns]
            key = (
                self._shapes.kind(report.population, index),
                ids.tobytes(),
                b"" if places is None else places.tobytes(),
            )
            if key not in known:
                shape = self._shapes.shape(report.population, index)
                assert shape is not None
                try:
                    known[key] = segments_of(shape, ids, places)
                except ElementError as error:
                    raise InputError(
                        f"cell {report.node_ids[k]}: {error}",
                        source=report.source,
                        remedy="give the configuration of the run that wrote it, with its run.dL",
                    ) from error
            rows.append(known[key] + at[k])
        return np.concatenate([np.empty(0, np.int64), *rows])
