"""A circuit in NEURON: the cells of this process with their synapses and electrodes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.model import Model
from lfpcli.model.circuit import NEURODAMUS_THRESHOLD, THRESHOLD
from lfpcli.model.run import Run
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.distances import cable_lengths, distances_from_soma
from lfpcli.runtime.cell.points import StimIntElectrode, check_synapse
from lfpcli.runtime.engine.field import Steps
from lfpcli.runtime.hoc.section_numbers import section_numbers
from lfpcli.runtime.hoc.settings import set_settings
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.artificial import ArtificialCell, ArtificialInputs
from lfpcli.runtime.synapses.bulk import (
    LINEAR,
    SynapseRows,
    Synapses,
    SynapseType,
    detect_spikes,
)
from lfpcli.runtime.synapses.events import Trains
from lfpcli.runtime.synapses.gaps import GapJunctions, join_cells
from lfpcli.tasks.circuits.circuit import (
    Circuit,
    CircuitPopulation,
    first_node_numbers,
    read_circuit,
)
from lfpcli.tasks.circuits.drives import Streams
from lfpcli.tasks.circuits.extracellular import FieldInput
from lfpcli.tasks.circuits.gaps import joined_sides
from lfpcli.tasks.circuits.inputs import CircuitInputs, ClampInput, has_module, inputs_of
from lfpcli.tasks.circuits.places import TargetCell
from lfpcli.tasks.circuits.rows import CircuitRows, PointRows
from lfpcli.tasks.circuits.simulation_model import circuit_outputs
from lfpcli.tasks.circuits.synapses import Wiring
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.build import Built, add_stimuli, agreed_settings, bind_streams
from lfpcli.tasks.simulate.cells import CellFactory, placed
from lfpcli.tasks.simulate.circuit_fields import field_steps, segment_centres
from lfpcli.tasks.simulate.circuit_reports import point_reports
from lfpcli.tasks.simulate.circuit_trains import (
    driving_numbers,
    driving_trains,
    virtual_trains,
)
from lfpcli.tasks.simulate.layout import Kinds, Layout
from lfpcli.tasks.simulate.neurodamus_build import build_neurodamus
from lfpcli.tasks.simulate.neurodamus_inputs import spike_place
from lfpcli.tasks.simulate.own_settings import stated_settings
from lfpcli.tasks.simulate.wiring import wire
from lfpcli.vocabulary import INTEGRATORS


@dataclass(kw_only=True)
class BuiltCircuit:
    """What a circuit becomes on this process, before its synapses are joined to cells.

    Attributes
    ----------
    circuit : Circuit
        The circuit.
    layout : Layout
        Its populations, numbered in the order of the files.
    cells : list of Cell
        The cells of this process, by gid.
    members : list of Member
        The same cells as signals see them.
    artificial : list of ArtificialCell
        The point neurons of this process, by gid.
    factories : dict of str to CellFactory
        What makes the cells of each kind.
    sections : list of dict
        Of each cell of a circuit of neurodamus, the index of every section by its number.
    """

    circuit: Circuit
    layout: Layout
    cells: list[Cell] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    artificial: list[ArtificialCell] = field(default_factory=list)
    factories: dict[str, CellFactory] = field(default_factory=dict)
    sections: list[dict[int, int]] = field(default_factory=list)


def circuit_layout(circuit: Circuit) -> Layout:
    """Number the nodes of a circuit: population after population, by node id."""
    layout = Layout()
    first = 0
    for name, nodes in circuit.nodes_in_order().items():
        numbers = range(first, first + len(nodes))
        if name in circuit.cells:
            population = circuit.cells[name]
            layout.cells[name] = numbers
            layout.positions[name] = population.positions
            names = tuple(filter(None, dict.fromkeys(population.cell_names)))
            if names:
                number_of = {cell_name: k for k, cell_name in enumerate(names)}
                index = [number_of.get(each, -1) for each in population.cell_names]
                layout.kinds[name] = Kinds(names=names, index=np.array(index, np.int64))
        else:
            layout.trains[name] = numbers
        first = numbers.stop
    return layout


def build_cells(model: Model, team: Team, stand_ins: Sequence[str] = ()) -> BuiltCircuit:
    """Build the cells and point neurons of this process; nodes are dealt out in turn.

    Parameters
    ----------
    model : Model
        A model with a ``[circuit]``.
    seed : int
        Seed of the random streams of mechanisms.
    team : Team
        The processes.
    stand_ins : sequence of str
        Mechanisms that were left out, see `CellFactory`.
    """
    assert model.circuit is not None
    circuit = read_circuit(model.circuit.config)
    built = BuiltCircuit(circuit=circuit, layout=circuit_layout(circuit))
    # fields need the mechanism that takes them in all sections
    stimulated = bool(model.fields)
    stimulated |= model.circuit.inputs and has_module(circuit.config, "xstim", "comsol")
    built.factories = {
        name: CellFactory(spec, stand_ins, extracellular=stimulated)
        for name, spec in circuit.specs.items()
    }
    for name, population in circuit.cells.items():
        numbers = built.layout.cells[name]
        # dealt out in turn, since neighbours in a file are often alike in size
        for index in range(team.rank, len(population), team.size):
            gid = numbers[index]
            if index in population.point_neurons:
                neuron = population.point_neurons[index]
                built.artificial.append(ArtificialCell(neuron.mechanism, neuron.params, gid))
                continue
            leading = _leading_arguments(population, index)
            cell = built.factories[population.cell_names[index]].make(gid, leading)
            if leading:
                # before anything changes the potentials, which tell the numbers of sections
                built.sections.append(section_numbers(cell.sections, cell.names, cell.owner))
                cell.spike_end = spike_place(circuit.config, cell.sections, cell.names)
            cell.geometry = placed(
                cell.geometry,
                rotation=population.rotations[index],
                position=population.positions[index],
            )
            detect_spikes(cell, _threshold(model, circuit))
            built.cells.append(cell)
            built.members.append(Member(gid, name, cell.geometry))
    return built


def _leading_arguments(population: CircuitPopulation, index: int) -> tuple[float, ...]:
    """What templates of neurodamus are called with first: the number of the cell."""
    if population.first_number is None:
        return ()
    return (float(population.first_number + population.nodes.node_ids[index]),)


def _threshold(model: Model, circuit: Circuit) -> float:
    """Potential whose crossing is a spike, mV."""
    assert model.circuit is not None
    if model.circuit.threshold is not None:
        return model.circuit.threshold
    return NEURODAMUS_THRESHOLD if circuit.config.is_neurodamus else THRESHOLD


def build_circuit(model: Model, seed: int, team: Team, stand_ins: Sequence[str] = ()) -> Built:
    """Build the part of a circuit that is on this process.

    Parameters
    ----------
    model : Model
        A model with a ``[circuit]``.
    seed : int
        Seed of the random streams of mechanisms.
    team : Team
        The processes.
    stand_ins : sequence of str
        Mechanisms that were left out, see `CellFactory`.

    Returns
    -------
    Built
    """
    assert model.circuit is not None
    set_settings(stated_settings(model))
    parts = build_cells(model, team, stand_ins)
    settings = agreed_settings(model, parts.factories, team)
    instances: dict[int, list[Any]] = {}
    for factory in parts.factories.values():
        instances |= factory.instances
    if parts.circuit.config.is_neurodamus:
        built = build_neurodamus(
            settings,
            parts.circuit,
            parts.layout,
            cells=parts.cells,
            members=parts.members,
            sections=parts.sections,
            threshold=_threshold(model, parts.circuit),
            seed=seed,
        )
        bind_streams(built, instances, seed)
        return built
    wiring = CircuitWiring(settings.model, parts, seed, team)
    synapses = wiring.synapses()
    if any(population.point_neurons for population in parts.circuit.cells.values()):
        synapses.join(wiring.artificial_inputs())
    gaps = join_cells(parts.cells, wiring.gaps(team))
    electrodes = wiring.add_clamps()
    run = settings.model.run
    if wiring.inputs.fields and run.method != INTEGRATORS[0]:
        raise InputError(
            f"method {run.method} makes potentials swing from step to step with the extracellular "
            f"field of input '{wiring.inputs.fields[0].name}'",
            source=run.source_line or None,
            remedy=f'give run.method = "{INTEGRATORS[0]}"',
        )
    built = Built(
        settings=settings,
        layout=parts.layout,
        synapses=synapses,
        cells=parts.cells,
        members=parts.members,
        thresholds=[_threshold(model, parts.circuit)] * len(parts.cells),
        artificial=parts.artificial,
        edge_names=wiring.edge_names,
        trains=dict(zip(parts.layout.trains, wiring.trains, strict=True)),
        gaps=gaps,
        electrodes=electrodes,
        fields=_field_steps(parts, wiring.inputs.fields, run),
    )
    add_stimuli(built, settings.model, seed)
    bind_streams(built, instances, seed)
    if model.circuit.outputs:
        built.reports = point_reports(parts.circuit, built, first=len(model.stimuli))
    return built


def _field_steps(parts: BuiltCircuit, fields: Sequence[FieldInput], run: Run) -> list[Steps]:
    """What extracellular inputs do to the cells of this process."""
    if not fields:
        return []
    centres = []
    for cell, member in zip(parts.cells, parts.members, strict=True):
        index = member.gid - parts.layout.cells[member.population].start
        rotation = parts.circuit.cells[member.population].rotations[index]
        centres.append(segment_centres(cell.sections, member.geometry, rotation))
    return field_steps(fields, parts.members, centres=centres, layout=parts.layout, run=run)


class CircuitWiring:
    """Synapses and electrodes of a circuit on this process.

    Parameters
    ----------
    model : Model
        The model.
    built : BuiltCircuit
        Its cells.
    seed : int
        Seed of what inputs draw.
    team : Team
        The processes.

    Attributes
    ----------
    inputs : CircuitInputs
        What drives the circuit.
    trains : list of ReadTrains
        Spikes of the populations of spike trains, in their order.
    """

    def __init__(self, model: Model, built: BuiltCircuit, seed: int, team: Team) -> None:
        self._model, self._built = model, built
        assert model.circuit is not None
        self.inputs = CircuitInputs()
        if model.circuit.inputs:
            streams: Streams = functools.partial(seeds.generator, seed)
            self.inputs = inputs_of(built.circuit, streams, model.run.interval)
        spikes = self.inputs.spikes
        self.trains = virtual_trains(built.layout, spikes, model)
        self._driving = driving_numbers(built.circuit, self.inputs)
        self._all_trains: list[Trains] = [
            *self.trains,
            *driving_trains(self._driving, self.inputs, model),
        ]
        self._wiring = Wiring(built.circuit, spikes, self.inputs.activity)
        # synapses of the model file come beside those of the circuit
        self._inputs = wire(
            model,
            seed,
            built.layout,
            cells=built.cells,
            members=built.members,
            team=team,
            numbered=sum(map(len, self._driving.values())),
        )
        self._all_trains += self._inputs.trains
        self._streams = first_node_numbers(built.circuit)
        names = self._wiring.edge_names
        self._origins = {name: len(model.inputs) + k for k, name in enumerate(names)}
        outputs = model.circuit.outputs and circuit_outputs(built.circuit.config)
        # the conductance of a synapse is told only of one by itself
        self._has_reports = bool(outputs and outputs.synapses)

    @property
    def edge_names(self) -> list[str]:
        """Names of the populations of edges, in their order."""
        return self._wiring.edge_names

    def synapses(self) -> Synapses:
        """Synapses onto the cells of this process."""
        built, run = self._built, self._model.run
        parts: list[SynapseRows] = []
        for name in built.layout.cells:
            targets = self._targets(name)
            rows = self._wiring.onto_cells(name, [target for _, target in targets])
            for k, target in targets:
                parts += [self._joined(k, part) for part in rows[target.index]]
        synapse_types = []
        for model in self._wiring.models:
            check_synapse(model.mechanism, dict(model.params))
            # one point process serves all synapses of a segment where their conductances add
            shared = run.merge and model.mechanism in LINEAR and not self._has_reports
            synapse_types.append(SynapseType(model.mechanism, tuple(sorted(model.params)), shared))
        of_inputs = self._inputs.rows()
        of_inputs.synapse_type = of_inputs.synapse_type + len(synapse_types)
        parts.append(of_inputs)
        synapse_types += self._inputs.synapse_types
        return Synapses(
            built.cells,
            synapse_types,
            SynapseRows.joined(parts),
            self._all_trains,
            dt=run.interval,
            tstart=run.tstart,
            artificial=self._artificial_numbers(),
            by_table=self._model.has_projections,
        )

    def _artificial_numbers(self) -> np.ndarray:
        """Numbers of the point neurons of all processes, shape (n,)."""
        numbers = [np.empty(0, np.int64)]
        for name, population in self._built.circuit.cells.items():
            first = self._built.layout.cells[name].start
            numbers.append(first + np.array(list(population.point_neurons), np.int64))
        return np.concatenate(numbers)

    def _sources(self, rows: CircuitRows | PointRows) -> range:
        """Numbers of the presynaptic nodes of rows."""
        if rows.drive is not None:
            return self._driving[rows.drive]
        return self._built.layout.gids(rows.population)

    def _targets(self, name: str) -> list[tuple[int, TargetCell]]:
        """Cells of this process of a population, with their indices among all cells here."""
        built = self._built
        numbers = built.layout.cells[name]
        node_ids = built.circuit.cells[name].nodes.node_ids
        targets = []
        for k, (cell, member) in enumerate(zip(built.cells, built.members, strict=True)):
            if member.population != name:
                continue
            index = member.gid - numbers.start
            target = TargetCell(
                index=index,
                node_id=int(node_ids[index]),
                geometry=member.geometry,
                distance=distances_from_soma(cell),
                length=cable_lengths(cell),
                # the generator that bmtk draws places with, seeded as it does
                stream=np.random.RandomState(self._streams[name] + int(node_ids[index])),
            )
            targets.append((k, target))
        return targets

    def _joined(self, cell: int, rows: CircuitRows) -> SynapseRows:
        count = len(rows.segment)
        numbers = self._sources(rows)
        return SynapseRows(
            cell=np.full(count, cell, np.int32),
            segment=rows.segment.astype(np.int32),
            synapse_type=rows.model.astype(np.int32),
            weight=rows.weight,
            delay=rows.delay,
            source=rows.source + numbers.start,
            # tables of the model file have the numbers before
            origin=np.full(count, self._origins[rows.edges], np.int32),
        )

    def artificial_inputs(self) -> ArtificialInputs:
        """Connections onto the point neurons of this process."""
        built = self._built
        order = {cell.gid: k for k, cell in enumerate(built.artificial)}
        parts: list[tuple[int, PointRows]] = []
        for name, population in built.circuit.cells.items():
            numbers = built.layout.cells[name]
            here = _point_neurons(population, numbers, order)
            rows = self._wiring.onto_point_neurons(name, here)
            for index, entries in rows.items():
                parts += [(order[numbers[index]], entry) for entry in entries]
        cell = [np.full(len(rows.source), k, np.int64) for k, rows in parts]
        source = [rows.source + self._sources(rows).start for _, rows in parts]
        nothing = np.empty(0)
        return ArtificialInputs(
            built.artificial,
            cell=np.concatenate([np.empty(0, np.int64), *cell]),
            source=np.concatenate([np.empty(0, np.int64), *source]),
            weight=np.concatenate([nothing, *(rows.weight for _, rows in parts)]),
            delay=np.concatenate([nothing, *(rows.delay for _, rows in parts)]),
            trains=self._all_trains,
            dt=self._model.run.interval,
            tstart=self._model.run.tstart,
        )

    def gaps(self, team: Team) -> GapJunctions:
        """The gap junctions of all processes; once the synapses are there, and on all."""
        sides = team.exchange(self._wiring.gaps)
        gid, segment, conductance = joined_sides(sides, self._built.layout.cells)
        return GapJunctions(gid=gid, segment=segment, conductance=conductance)

    def add_clamps(self) -> dict[int, list[tuple[int, StimIntElectrode]]]:
        """Put the electrodes of the inputs into the cells of this process.

        Returns
        -------
        dict of int to list
            By number of the electrode, behind those of the model file, the index of each cell with
            its electrode.
        """
        built = self._built
        electrodes: dict[int, list[tuple[int, StimIntElectrode]]] = {}
        # electrodes of the model file have the numbers before
        for number, clamp in enumerate(self.inputs.clamps, start=len(self._model.stimuli)):
            for k, (cell, member) in enumerate(zip(built.cells, built.members, strict=True)):
                chosen = clamp.nodes.get(member.population)
                index = member.gid - built.layout.cells[member.population].start
                if chosen is not None and index in chosen:
                    electrodes.setdefault(number, []).append((k, _add_clamp(cell, clamp)))
        return electrodes


def _point_neurons(
    population: CircuitPopulation, numbers: range, order: dict[int, int]
) -> dict[int, int]:
    """Index and node id of the point neurons of this process."""
    here = [index for index in population.point_neurons if numbers[index] in order]
    return {index: int(population.nodes.node_ids[index]) for index in sorted(here)}


def _add_clamp(cell: Cell, clamp: ClampInput) -> StimIntElectrode:
    names = [name.rpartition(".")[2] for name in cell.names]
    if clamp.section not in names:
        raise InputError(
            f"cell {cell.gid} has no section '{clamp.section}'",
            source=f"inputs.{clamp.name}",
            remedy="correct section_name and section_index",
        )
    inside = np.flatnonzero(cell.geometry.section == names.index(clamp.section))
    # an electrode at the very end of a section is in its last segment
    segment = inside[min(int(clamp.x * len(inside)), len(inside) - 1)]
    return StimIntElectrode(cell, int(segment), clamp.mechanism, **clamp.params)
