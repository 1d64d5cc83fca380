"""Reports of synapses and electrodes of a circuit, as point processes of this process."""

from __future__ import annotations

import numpy as np

from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.simulation_model import ClampReport, SynapseReport, circuit_outputs
from lfpcli.tasks.simulate.build import Built, PointReport


def point_reports(circuit: Circuit, built: Built, *, first: int) -> list[PointReport]:
    """What the reports of a configuration keep of point processes.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    built : Built
        It in NEURON.
    first : int
        Number of its first electrode, behind those of the model file.
    """
    outputs = circuit_outputs(circuit.config)
    reports = [_synapses(report, circuit, built) for report in outputs.synapses]
    return reports + [_clamps(report, built, first) for report in outputs.clamps]


def _synapses(report: SynapseReport, circuit: Circuit, built: Built) -> PointReport:
    wanted = circuit.node_set(report.cells, f"reports.{report.name}")
    synapses, rows = built.synapses, built.synapses.rows
    is_wanted = np.zeros(len(built.cells), bool)
    for k, member in enumerate(built.members):
        index = member.gid - built.layout.cells[member.population].start
        is_wanted[k] = index in wanted.get(member.population, ())
    begins = report.synapse or ""
    is_type = np.array([each.type.startswith(begins) for each in synapses.synapse_types], bool)
    chosen = np.flatnonzero(is_wanted[rows.cell] & is_type[rows.synapse_type])
    is_cell = np.zeros(len(chosen), bool)
    for gids in built.layout.cells.values():
        source = rows.source[chosen]
        is_cell |= (source >= gids.start) & (source < gids.stop)
    return PointReport(
        name=report.recorded,
        variable=report.variable,
        cell=rows.cell[chosen],
        segment=rows.segment[chosen],
        points=[synapses.points[k] for k in synapses.point[chosen].tolist()],
        source=np.where(is_cell, rows.source[chosen], -1),
    )


def _clamps(report: ClampReport, built: Built, first: int) -> PointReport:
    entries = []
    for number in sorted(k for k in built.electrodes if k >= first):
        for cell, electrode in built.electrodes[number]:
            if electrode.mechanism in report.mechanisms:
                entries.append((cell, electrode))
    entries.sort(key=lambda entry: entry[0])
    return PointReport(
        name=report.recorded,
        variable="i",
        cell=np.array([cell for cell, _ in entries], np.int64),
        segment=np.array([electrode.idx for _, electrode in entries], np.int64),
        points=[electrode.point for _, electrode in entries],
    )
