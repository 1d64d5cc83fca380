"""From a model to what runs: cells on this process, their synapses, electrodes and places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.errors import located
from lfpcli.geometry import Geometry
from lfpcli.io.steps import read_series
from lfpcli.model import Model
from lfpcli.model.candidates import resolve
from lfpcli.model.limits import check_drawn
from lfpcli.model.orientation import Rotation
from lfpcli.model.population import Population
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import StimIntElectrode
from lfpcli.runtime.engine.field import Steps
from lfpcli.runtime.hoc.attached import own_sources
from lfpcli.runtime.hoc.settings import clamps_there, set_settings
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.artificial import ArtificialCell, ArtificialInputs
from lfpcli.runtime.synapses.bulk import Synapses, detect_spikes
from lfpcli.runtime.synapses.events import Trains
from lfpcli.runtime.synapses.gaps import join_cells
from lfpcli.runtime.synapses.streams import BoundStream, StreamBinder, has_streams
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.cells import CellFactory, placed
from lfpcli.tasks.simulate.final_code import run_final_code
from lfpcli.tasks.simulate.layout import Layout, lay_out
from lfpcli.tasks.simulate.make import FreshCells, make_cells
from lfpcli.tasks.simulate.own_settings import (
    OwnSettings,
    stated_settings,
    with_own_settings,
)
from lfpcli.tasks.simulate.sources import population_trains
from lfpcli.tasks.simulate.standing import standing_notes
from lfpcli.tasks.simulate.trees import trees_as_cells
from lfpcli.tasks.simulate.varied import Scope, places_in_cell, values_of
from lfpcli.tasks.simulate.wiring import Wiring, chosen, wire


@dataclass(frozen=True, kw_only=True)
class PointReport:
    """A variable of some point processes of this process, for a report.

    Attributes
    ----------
    name, variable : str
        What the report is called, and the variable.
    cell, segment : ndarray of int, shape (P,)
        Where each point process is, sorted by cell.
    points : list
        The point processes.
    source : ndarray of int, shape (P,), or None
        Presynaptic cells, -1 for spike trains.
    """

    name: str
    variable: str
    cell: np.ndarray
    segment: np.ndarray
    points: list[Any]
    source: np.ndarray | None = None


@dataclass
class Built:
    """A model in NEURON.

    Attributes
    ----------
    layout : Layout
        The populations, on all processes.
    synapses : Synapses
        The synapses of the cells of this process.
    cells : list of Cell
        The cells of this process, by gid.
    members : list of Member
        The same cells as signals see them.
    settings : OwnSettings
        The model, with what the own files of its cells set where it is silent.
    thresholds : list of float
        Potential of each cell whose crossing is a spike, mV.
    electrodes : dict of int to list of (int, StimIntElectrode)
        Per ``[[stimulus]]`` table, what it puts into which of the cells.
    artificial : list of ArtificialCell
        The point neurons of a circuit on this process.
    trains : dict of str to Trains
        Spikes of the populations without cells of a circuit; those of a model are drawn anew.
    sources : list of int
        Further gids of this process whose spikes are kept, of a model that a script has built.
    streams : list of BoundStream
        The random streams of mechanisms on this process.
    gaps : list
        Sides of gap junctions on this process, NEURON's point processes.
    fields : list of Steps
        Extracellular potentials of the inputs of a circuit.
    reports : list of PointReport
        Variables of point processes that a circuit reports.
    edge_names : list of str
        Populations of edges of a circuit, whose synapses have the numbers of tables behind those
        of the model file.
    has_streams : bool
        Whether the synapses have their random streams already.
    segments_of_kind : dict of str to int
        Segments of a cell of each kind.
    reading : float
        Seconds of the processor that the first cell of each kind took, which reads files.
    """

    settings: OwnSettings
    layout: Layout
    synapses: Synapses
    cells: list[Cell] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    electrodes: dict[int, list[tuple[int, StimIntElectrode]]] = field(default_factory=dict)
    artificial: list[ArtificialCell] = field(default_factory=list)
    trains: dict[str, Trains] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    streams: list[BoundStream] = field(default_factory=list)
    gaps: list[Any] = field(default_factory=list)
    fields: list[Steps] = field(default_factory=list)
    reports: list[PointReport] = field(default_factory=list)
    edge_names: list[str] = field(default_factory=list)
    has_streams: bool = False
    segments_of_kind: Mapping[str, int] = field(default_factory=dict)
    reading: float = 0.0

    @property
    def everyone(self) -> dict[str, range]:
        """All populations of cells with their gids, on all processes."""
        return self.layout.cells

    @property
    def segments(self) -> int:
        """Number of segments on this process."""
        return sum(len(member.geometry) for member in self.members)


def build(
    model: Model,
    seed: int,
    team: Team,
    stand_ins: Sequence[str] = (),
    *,
    only: Sequence[int] | None = None,
    patience: float = math.inf,
) -> Built:
    """Build the cells of this process with all that is attached to them.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        Seed of all draws; each is keyed by its purpose and the gid.
    team : Team
        The processes; cells are dealt out by their estimated work.
    stand_ins : sequence of str
        Mechanisms that were left out, see `CellFactory`.
    only : sequence of int, optional
        Gids of the cells that are built, on one process; all by default.
    patience : float
        Seconds of the processor after which no more cells are made: those until then are spread
        evenly over all, with the synapses onto them, without gap junctions and artificial cells.

    Returns
    -------
    Built
    """
    set_settings(stated_settings(model))
    split = trees_as_cells(model)
    model = split.model
    layout = lay_out(model, seed)
    factories = {
        name: CellFactory(spec, stand_ins, extracellular=bool(model.fields), seed=seed)
        for name, spec in model.cells.items()
    }
    if only is None:
        fresh = make_cells(model, layout, factories, team=team, patience=patience)
    else:
        fresh = FreshCells([factories[layout.cell_name_of(gid)].make(gid) for gid in only])
    cells = fresh.cells
    # now that own files have been read, and before anything depends on v_init or celsius
    # factories run cells' own files when they make the first of a kind
    settings = agreed_settings(model, factories, team)
    model = settings.model
    settings.notes += [*split.notes, *standing_notes(model)]
    populations = model.resolved_populations()
    members = []
    for cell in cells:
        name = next(n for n, gids in layout.cells.items() if cell.gid in gids)
        cell.geometry = standing(
            cell.geometry, model, layout, population=name, gid=cell.gid, seed=seed
        )
        detector = populations[name].detector
        if detector is not None:
            cell.spike_index = int(resolve(detector, cell.geometry).indices[0])
        members.append(Member(cell.gid, name, cell.geometry))
    thresholds = _detect_spikes(cells, [populations[member.population] for member in members])
    artificial = _artificial_cells(model, layout, team) if patience == math.inf else []
    wiring = wire(
        model, seed, layout, cells=cells, members=members, team=team, artificial=artificial
    )
    synapses = _connect(model, seed, layout, cells=cells, wiring=wiring, artificial=artificial)
    built = Built(
        settings=settings,
        layout=layout,
        synapses=synapses,
        cells=cells,
        members=members,
        thresholds=thresholds,
        # the other side of a gap junction may be in a cell that is not made
        gaps=join_cells(cells, wiring.gaps) if patience == math.inf else [],
        artificial=artificial,
        segments_of_kind=fresh.segments_of_kind,
        reading=fresh.reading,
    )
    add_stimuli(built, model, seed)
    instances: dict[int, list[Any]] = {}
    for factory in factories.values():
        instances |= factory.instances
    finished = run_final_code(model, layout, cells=cells, synapses=synapses)
    for gid, points in finished.items():
        instances[gid] = [*instances.get(gid, ()), *points]
    for name, points in split.instances.items():
        gid = layout.cells[name].start
        instances[gid] = [*points, *instances.get(gid, ())]
    bind_streams(built, instances, seed)
    return built


def _detect_spikes(cells: Sequence[Cell], populations: Sequence[Population]) -> list[float]:
    """Let NEURON detect the spikes of cells; returns the thresholds, mV.

    A cell whose own code connects it to others has them where that does, and by its threshold:
    NEURON has one for all that begins at a place, and another would change the code's own network.
    """
    own = own_sources([cell.sections for cell in cells])
    thresholds = []
    for k, (cell, population) in enumerate(zip(cells, populations, strict=True)):
        threshold = population.threshold
        if k in own and population.stated.isdisjoint(("threshold", "detector")):
            cell.spike_end, threshold = own[k]
        detect_spikes(cell, threshold)
        thresholds.append(threshold)
    return thresholds


def bind_streams(built: Built, instances: Mapping[int, Sequence[Any]], seed: int) -> None:
    """Bind the random streams of all mechanisms on this process.

    Parameters
    ----------
    built : Built
        The model; gets its `streams`.
    instances : mapping of int to sequence
        By gid, what the own code of the cells has made.
    seed : int
        Seed of the run.
    """
    binder = StreamBinder(seed)
    for source in built.artificial:
        binder.bind_points("artificial", 0, source.gid, [source.point])
    for cell in built.cells:
        binder.bind_points("cell", 0, cell.gid, instances.get(cell.gid, ()))
        binder.bind_density(cell.gid, cell.sections)
    synapses = built.synapses
    drawing = np.array([has_streams(each.type) for each in synapses.synapse_types], np.bool_)
    if built.has_streams:
        # not all mechanisms let it be seen that they have one
        drawing[:] = False
    groups: dict[tuple[int, int], list[Any]] = {}
    # point processes are sorted by cell, and within each in an order of its own
    for k in np.flatnonzero(drawing[synapses.synapse_type]).tolist():
        key = int(synapses.cell[k]), int(synapses.origin[k])
        groups.setdefault(key, []).append(synapses.points[k])
    for (index, table), points in groups.items():
        binder.bind_points("synapse", table, built.cells[index].gid, points)
    for table, placed_electrodes in built.electrodes.items():
        for index, electrode in placed_electrodes:
            binder.bind_points("stimulus", table, built.cells[index].gid, [electrode.point])
    built.streams = binder.bound


def agreed_settings(model: Model, factories: Mapping[str, CellFactory], team: Team) -> OwnSettings:
    """What holds, on all processes, of the settings that the own files of the cells made so far.

    Each kind of cell was made by some process, which alone has read its files.
    """
    by_cell: dict[str, dict[str, float]] = {name: {} for name in factories}
    here = {name: factory.settings for name, factory in factories.items()}
    for settings in team.exchange(here):
        for name, values in settings.items():
            by_cell[name] |= values
    clamps: set[str] = set().union(*team.exchange(clamps_there()))
    return with_own_settings(model, by_cell, clamps)


def _artificial_cells(model: Model, layout: Layout, team: Team) -> list[ArtificialCell]:
    """The artificial cells of this process, by gid; they cost little, and are dealt out in turn."""
    cells = []
    for name, population in model.resolved_populations().items():
        if population.artificial is None:
            continue
        spec = population.artificial
        params = tuple(spec.params.items())
        with located(spec.source_line):
            for gid in layout.cells[name][team.rank :: team.size]:
                cells.append(ArtificialCell(spec.type, params, gid))
    return cells


def standing(
    geometry: Geometry, model: Model, layout: Layout, *, population: str, gid: int, seed: int
) -> Geometry:
    """Turn and shift a cell to its place.

    Parameters
    ----------
    geometry : Geometry
        The cell, its soma at the origin.
    model : Model
        The model.
    layout : Layout
        The populations.
    population : str
        Population of the cell.
    gid : int
        Its number.
    seed : int
        Seed of the run.
    """
    table = model.resolved_populations()[population]
    spec = model.cells[layout.kind(population, gid)]
    rng = seeds.generator(seed, "rotation", gid)
    # first the turns of the kind of cell, then those of the population, by one stream
    turned = placed(
        geometry,
        mirror=spec.mirror,
        distort=spec.distort,
        rotation=_turn(spec.rotate, rng),
    )
    index = gid - layout.cells[population].start
    rotation = _turn(table.rotate, rng)
    if population in layout.rotations:
        rotation = layout.rotations[population][index]
    return placed(
        turned,
        mirror=table.mirror,
        distort=table.distort,
        rotation=rotation,
        position=layout.positions[population][index],
    )


def _turn(rotate: Rotation | None, rng: np.random.Generator) -> np.ndarray | None:
    if rotate is None:
        return None
    return rotate.rotation.matrix(rng)


def _connect(
    model: Model,
    seed: int,
    layout: Layout,
    *,
    cells: list[Cell],
    wiring: Wiring,
    artificial: list[ArtificialCell],
) -> Synapses:
    populations = model.resolved_populations()
    rows = wiring.rows()
    events = wiring.events()
    trains = list(wiring.trains)
    for name, numbers in layout.trains.items():
        # this process holds no more of the trains than its synapses listen to
        inside = (rows.source >= numbers.start) & (rows.source < numbers.stop)
        heard = events.source[(events.source >= numbers.start) & (events.source < numbers.stop)]
        wanted = np.unique(np.concatenate([rows.source[inside], heard]))
        trains.append(population_trains(populations[name], numbers, model, seed, wanted=wanted))
    numbers_of_artificial = [np.empty(0, np.int64)]
    for name, population in populations.items():
        if population.artificial is not None:
            numbers_of_artificial.append(np.array(layout.cells[name], np.int64))
    synapses = Synapses(
        cells,
        wiring.synapse_types,
        rows,
        trains,
        dt=model.run.interval,
        tstart=model.run.tstart,
        artificial=np.concatenate(numbers_of_artificial),
        by_table=model.has_projections,
    )
    if artificial:
        synapses.join(
            ArtificialInputs(
                artificial,
                cell=events.cell,
                source=events.source,
                weight=events.weight,
                delay=events.delay,
                trains=trains,
                dt=model.run.interval,
                tstart=model.run.tstart,
            )
        )
    return synapses


def add_stimuli(built: Built, model: Model, seed: int) -> None:
    """Put the electrodes of the ``[[stimulus]]`` tables into the cells of this process."""
    for number in range(len(model.stimuli)):
        _add_stimulus(built, model, number, seed)


def _add_stimulus(built: Built, model: Model, number: int, seed: int) -> None:
    table = model.stimuli[number]
    with located(table.source_line):
        for k, member in chosen(table, built.layout, built.members):
            rng = seeds.generator(seed, "stimulus", number, member.gid)
            (index,) = resolve(table.location, member.geometry).draw(rng, 1)
            cell = built.cells[k]
            params: dict[str, Any] = {}
            places = {name: v[[index]] for name, v in places_in_cell(cell).items()}
            row = member.gid - built.layout.cells[member.population].start
            for name, value in table.params.items():
                params[name] = value
                if not isinstance(value, int | float | tuple):
                    scope = Scope(
                        count=1,
                        rng=rng,
                        variables=places,
                        rows=np.array([row]),
                        source_line=table.source_line,
                    )
                    drawn = values_of(value, scope)
                    check_drawn(table.type, name, drawn, table.source_line)
                    params[name] = float(drawn[0])
            electrode = StimIntElectrode(cell, int(index), table.type, **params)
            if table.series is not None:
                electrode.play(table.played, *read_series(table.series))
            built.electrodes.setdefault(number, []).append((k, electrode))
