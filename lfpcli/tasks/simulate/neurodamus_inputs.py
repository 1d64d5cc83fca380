"""Electrodes of the inputs of a circuit of neurodamus, and what holds for all of its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import StimIntElectrode
from lfpcli.runtime.hoc.settings import set_mechanism_globals
from lfpcli.runtime.synapses.draws import StreamDraws
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.courses import Course
from lfpcli.tasks.circuits.neurodamus.inputs import (
    CLAMP,
    MEMBRANE,
    RESISTOR,
    CellFacts,
    CurrentInput,
    SimulationInputs,
)
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.layout import Layout

# least conductance of clamps, uS
_OPEN = 1e-9


def add_inputs(
    inputs: SimulationInputs,
    circuit: Circuit,
    layout: Layout,
    *,
    cells: Sequence[Cell],
    members: Sequence[Member],
    step: float,
) -> dict[int, list[tuple[int, StimIntElectrode]]]:
    """Put the electrodes of the inputs into the cells of this process.

    Parameters
    ----------
    inputs : SimulationInputs
        The inputs.
    circuit : Circuit
        The circuit.
    layout : Layout
        Its populations.
    cells : sequence of Cell
        The cells.
    members : sequence of Member
        The same cells as signals see them.
    step : float
        Time step of the run, ms.

    Returns
    -------
    dict of int to list
        By number of the input, the index of each cell with its electrode.
    """
    electrodes: dict[int, list[tuple[int, StimIntElectrode]]] = {}
    for number, current in enumerate(inputs.currents):
        for k, facts in _chosen(circuit, layout, members, current.nodes):
            somata = _somata(cells[k])
            courses = current.courses(facts, StreamDraws, step=step, count=len(somata))
            for segment, course in zip(somata, courses, strict=False):
                electrode = _injected(cells[k], segment, current, course)
                electrodes.setdefault(number, []).append((k, electrode))
    for number, clamp in enumerate(inputs.clamps, start=len(inputs.currents)):
        for k, _ in _chosen(circuit, layout, members, clamp.nodes):
            for segment in _somata(cells[k]):
                electrode = StimIntElectrode(cells[k], segment, "SEClamp", **clamp.params)
                electrodes.setdefault(number, []).append((k, electrode))
    return electrodes


def _chosen(
    circuit: Circuit,
    layout: Layout,
    members: Sequence[Member],
    nodes: Mapping[str, np.ndarray],
) -> Iterator[tuple[int, CellFacts]]:
    """Cells of this process among some nodes, with what inputs ask of them."""
    names = ("threshold_current", "holding_current", "input_resistance")
    columns: dict[str, list[list[Any]]] = {}
    for k, member in enumerate(members):
        index = member.gid - layout.cells[member.population].start
        if index not in nodes.get(member.population, ()):
            continue
        population = circuit.cells[member.population]
        if member.population not in columns:
            columns[member.population] = [
                population.nodes.of(f"dynamics_params/{name}", np.nan) for name in names
            ]
        threshold, holding, resistance = (
            float(column[index]) for column in columns[member.population]
        )
        assert population.first_number is not None
        facts = CellFacts(
            number=population.first_number + int(population.nodes.node_ids[index]),
            threshold=threshold,
            holding=holding,
            resistance=resistance,
        )
        yield k, facts


def _injected(cell: Cell, segment: int, current: CurrentInput, course: Course) -> StimIntElectrode:
    """Put a current or conductance into a segment."""
    if not current.is_conductance:
        electrode = StimIntElectrode(cell, segment, current.mechanism)
        electrode.play("amp", course.times, course.values)
    else:
        # resistances are played, so that it is these that are linear between the knots
        inside = (course.values > _OPEN) & (course.values < 1 / _OPEN)
        resistance = np.where(inside, 1 / np.where(inside, course.values, 1.0), 1 / _OPEN)
        reversal, end = current.entry.get("reversal", 0.0), float(course.times[-1])
        params = {"e": reversal, "until": end}
        if current.mechanism == CLAMP:
            params = {"amp1": reversal, "dur1": end}
        electrode = StimIntElectrode(cell, segment, current.mechanism, **params)
        times, values = np.r_[0.0, course.times], np.r_[1 / _OPEN, resistance]
        electrode.play("rs", times, values)
    if current.mechanism in (MEMBRANE, RESISTOR):
        # what it injects is among the membrane currents already
        cell.electrodes.remove(electrode)
    return electrode


def _somata(cell: Cell) -> list[int]:
    """Middle segments of the sections of the soma."""
    geometry = cell.geometry
    middles = []
    for section in dict.fromkeys(geometry.section[geometry.is_soma].tolist()):
        inside = np.flatnonzero(geometry.section == section)
        middles.append(int(inside[len(inside) // 2]))
    return middles


def set_conditions(config: CircuitConfig) -> None:
    """Set what the conditions of a simulation say of mechanisms.

    Raises
    ------
    InputError
        Where a condition is not run.
    """
    values: dict[str, float] = {}
    for suffix, entries in dict(config.conditions.get("mechanisms", {})).items():
        for name, value in dict(entries).items():
            values[f"{name}_{suffix}"] = float(value)
    set_mechanism_globals(values, f"{config.file}: conditions.mechanisms")


def spike_place(config: CircuitConfig, sections: Sequence[Any], names: Sequence[str]) -> Any:
    """Where neurodamus detects spikes: the end of the soma, or the middle of its second axon.

    Raises
    ------
    InputError
        Where the configuration names another place, or the cell has no such section.
    """
    location = str(config.conditions.get("spike_location", "soma"))
    places = {"soma": ("soma[0]", 1.0), "AIS": ("axon[1]", 0.5)}
    source = f"{config.file}: conditions.spike_location"
    if location not in places:
        raise InputError(f"spike_location is '{location}'", source=source, remedy="use soma or AIS")
    name, x = places[location]
    if name not in names:
        raise InputError(
            f"a cell has no section {name}", source=source, remedy='use spike_location = "soma"'
        )
    return sections[names.index(name)](x)
