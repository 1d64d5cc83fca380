"""The recorders of a run: what the reports, dipoles and signals of a model need."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.model import Connection, Input, Model, resolve
from lfpcli.model.candidates import middles
from lfpcli.model.group import ReportTable
from lfpcli.runtime.engine.electrodes import SETTLED_CLAMPS, electrode_currents
from lfpcli.runtime.engine.record import (
    Recorder,
    chosen_variable,
    membrane_currents,
    missing_variable,
    point_variable,
    potentials,
    unit_of,
    variable,
)
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.wiring import chosen


@dataclass
class Recorders:
    """Recorders by name.

    Attributes
    ----------
    everything : dict of str to Recorder
        All of them.
    stored : list of str
        What becomes a report.
    units : dict of str to str
        Units of the reports.
    electrodes : int
        How many currents are injected into cells of this process.
    settled : set of str
        Reports of currents of electrodes that are those of the step, not of its beginning.
    """

    everything: dict[str, Recorder] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    electrodes: int = 0
    settled: set[str] = field(default_factory=set)

    def store(self, name: str, recorder: Recorder, units: str) -> None:
        """Add a recorder whose samples become a report."""
        self.everything[name] = recorder
        self.stored.append(name)
        self.units[name] = units


def recorders_of(model: Model, built: Built, team: Team) -> Recorders:
    """Return the recorders of a model.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        The model in NEURON.
    team : Team
        The processes.

    Raises
    ------
    InputError
        Where no cell of any process has a variable that is to be recorded.
    """
    table, cells = model.record, built.cells
    recorders = Recorders()
    if table.imem:
        recorders.store("imem", membrane_currents(cells), "nA")
    elif model.needs_currents:
        recorders.everything["imem"] = membrane_currents(cells)
    if table.vmem != "none":
        recorders.store("vmem", potentials(cells, table.vmem), "mV")
    for name in table.variables:
        recorder = variable(cells, name, required=False)
        # a process may have no cell with it, or no cell at all
        if not sum(team.exchange(len(recorder))):
            raise missing_variable(name)
        recorders.store(name, recorder, unit_of(name) or "")
    _add_reports_of_chosen(recorders, model, built, team)
    _add_synapses(recorders, model, built)
    _add_electrodes(recorders, model, built)
    _add_reports(recorders, built, team)
    electrodes = electrode_currents(cells)
    recorders.electrodes = len(electrodes)
    # without membrane currents there is nothing to balance
    if table.balance and "imem" in recorders.everything and recorders.electrodes:
        recorders.everything["electrodes"] = electrodes
    return recorders


def _add_reports_of_chosen(recorders: Recorders, model: Model, built: Built, team: Team) -> None:
    """Variables of the cells and segments that a ``[[record.report]]`` names."""
    names = model.record.report_names
    for name, table in zip(names, model.record.reports, strict=True):
        with located(table.source_line):
            segments = _chosen_segments(table, built)
            recorder = chosen_variable(built.cells, table.variable, segments)
        if not sum(team.exchange(len(recorder))):
            raise InputError(
                f"no chosen segment has the variable '{table.variable}'",
                source=table.source_line,
                remedy="name v, imem or a range variable of an inserted mechanism there",
            )
        units = {"v": "mV", "imem": "nA"}.get(table.variable) or unit_of(table.variable) or ""
        recorders.store(name, recorder, units)


def _chosen_segments(table: ReportTable, built: Built) -> list[np.ndarray]:
    """Segments of each cell of this process that a report names, none of other cells."""
    nothing = np.zeros(0, np.int64)
    segments = [nothing] * len(built.cells)
    for k, member in chosen(table, built.layout, built.members):
        if table.location.each is not None:
            segments[k] = middles(table.location.each, member.geometry, table.source_line)
        else:
            segments[k] = np.sort(resolve(table.location, member.geometry).indices)
    return segments


def _add_synapses(recorders: Recorders, model: Model, built: Built) -> None:
    """Variables of the synapses of tables that name some, each under ``VARIABLE_TABLE``."""
    synapses, count = built.synapses, len(built.cells)
    tables: list[tuple[str, Connection | Input]] = [
        *((f"connection{k}", table) for k, table in enumerate(model.connections)),
        *((f"input{k}", entry) for k, entry in enumerate(model.inputs)),
    ]
    for origin, (label, table) in enumerate(tables):
        if not table.record:
            continue
        rows = np.flatnonzero(synapses.rows.origin == origin)
        if table.record_cells is not None:
            wanted = np.zeros(count, bool)
            for k, member in enumerate(built.members):
                index = member.gid - built.layout.cells[member.population].start
                wanted[k] = index in table.record_cells
            rows = rows[wanted[synapses.rows.cell[rows]]]
        if table.record_synapses is not None:
            # numbered cell by cell, in the order in which they were drawn
            cells_of = synapses.rows.cell[rows]
            number = np.arange(len(rows)) - np.searchsorted(cells_of, cells_of)
            rows = rows[np.isin(number, table.record_synapses)]
        points = [synapses.points[k] for k in synapses.point[rows].tolist()]
        at = synapses.rows.cell[rows], synapses.rows.segment[rows]
        for name in table.record:
            unit = _unit_of_point(table.synapse.type, name, table.source_line)
            recorders.store(f"{name}_{label}", point_variable(count, *at, points, name), unit)


def _add_electrodes(recorders: Recorders, model: Model, built: Built) -> None:
    for number, table in enumerate(model.stimuli):
        electrodes = built.electrodes.get(number, [])
        cell = np.array([k for k, _ in electrodes], np.int64)
        segment = np.array([electrode.idx for _, electrode in electrodes], np.int64)
        points = [electrode.point for _, electrode in electrodes]
        for name in table.record:
            unit = _unit_of_point(table.type, name, table.source_line)
            recorder = point_variable(len(built.cells), cell, segment, points=points, name=name)
            label = f"{name}_stimulus{number}"
            recorders.store(label, recorder, unit)
            if table.type in SETTLED_CLAMPS:
                recorders.settled.add(label)


def _add_reports(recorders: Recorders, built: Built, team: Team) -> None:
    """Variables of point processes that a circuit reports."""
    for report in built.reports:
        unit = None
        if report.points:
            mechanism = report.points[0].hname().partition("[")[0]
            unit = _unit_of_point(mechanism, report.variable, f"report '{report.name}'")
        units = [each for each in team.exchange(unit) if each is not None]
        recorder = point_variable(
            len(built.cells),
            report.cell,
            report.segment,
            points=report.points,
            name=report.variable,
            source=report.source,
        )
        recorders.store(report.name, recorder, units[0] if units else "")


def is_ionic(name: str, units: str) -> bool:
    """Whether a variable is a current through channels, which NEURON computes before it solves.

    The capacitive current, and that of the whole membrane, follow from the solution.
    """
    return units in ("mA/cm2", "nA") and name not in ("imem", "i_cap", "i_membrane", "i_membrane_")


def _unit_of_point(mechanism: str, name: str, source_line: str) -> str:
    unit = unit_of(name, mechanism)
    if unit is None:
        raise InputError(
            f"{mechanism} has no variable '{name}'",
            source=source_line,
            remedy="record i, or another of it",
        )
    return unit
