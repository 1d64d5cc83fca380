"""What a run will do, before it does it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.model import Model
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.trial import peak_memory, tried_steps
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.simulate import estimate, predict
from lfpcli.tasks.simulate.build import Built, agreed_settings
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.engine import EngineChoice, choose_engine
from lfpcli.tasks.simulate.estimate import PopulationSize, Sizes
from lfpcli.tasks.simulate.layout import Layout, prototypes
from lfpcli.tasks.simulate.network_file import statistics
from lfpcli.tasks.simulate.predict import Share, Trial, grown_memory
from lfpcli.tasks.simulate.ranks import ranks_notes

# cells of a population, and seconds, by which a model is told that is not built
_SAMPLE_CELLS, _SAMPLE_SECONDS = 30, 0.5


@dataclass(kw_only=True)
class Plan:
    """Sizes and estimates of a run.

    Attributes
    ----------
    populations : dict of str to int
        Cells or spike trains per population.
    segments, synapses, points, electrodes, steps : int
        Sizes, over all processes; points are the point processes of the synapses.
    engine : str
        What advances the equations.
    seed : int
        Seed of all draws.
    drawn : bool
        Whether it was drawn, since none was given.
    ranks : int
        Number of processes.
    file_bytes, memory_bytes, rank_0_bytes : int
        Estimates of the output's size, and of the memory of the process that takes most and of
        the one that writes.
    seconds : float
        Estimate of the time from start to end.
    batch : str
        Options of a batch job.
    connections : dict of str to dict
        Connections and inputs in numbers.
    notes : list of str
        What the user should know.
    """

    populations: dict[str, int]
    segments: int
    synapses: int
    points: int
    electrodes: int
    steps: int
    engine: str
    seed: int
    drawn: bool = False
    ranks: int = 1
    file_bytes: int = 0
    memory_bytes: int = 0
    rank_0_bytes: int = 0
    seconds: float = 0.0
    batch: str = ""
    connections: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The plan as a tree of JSON's types, for the user to read."""
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}


def drawn_seed(model: Model, team: Team) -> int:
    """The seed of a model, or one drawn on rank 0 where it has none."""
    seed = model.run.seed
    if seed is None:
        seed = seeds.draw_seed()
    return int(team.share(seed))


def settings_of(model: Model, engine: str = "neuron") -> RunSettings:
    """What the run loop needs of ``[run]``."""
    table = model.run
    return RunSettings(
        tstop=table.tstop,
        dt=table.interval,
        tstart=table.tstart,
        v_init=table.v_init,
        celsius=table.celsius,
        adaptive=table.is_adaptive,
        atol=table.atol,
        rtol=table.rtol,
        engine=engine,
    )


def agreed_engine(model: Model, team: Team) -> EngineChoice:
    """The engine of all processes: NEURON where one of them cannot use another."""
    choices: list[EngineChoice] = team.exchange(choose_engine(model))
    for choice in choices:
        if choice.name == "neuron":
            return choice
    # all agree, so that any of them tells the reason
    return choices[0]


def built_plan(
    model: Model,
    built: Built,
    engine: EngineChoice,
    team: Team,
    *,
    injected: int = 0,
    float32: bool = False,
    ranks: int | None = None,
    trial: Trial | None = None,
) -> Plan:
    """The plan of a model that is built.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        The model in NEURON.
    engine : EngineChoice
        What advances the equations.
    team : Team
        The processes.
    injected : int
        How many currents are injected into the cells of all processes.
    float32 : bool
        Whether samples are stored in single precision.
    ranks : int, optional
        Number of processes that the run will have; that of the team by default.
    trial : Trial, optional
        What was measured of it.
    """
    electrodes = sum(len(cell.electrodes) for cell in built.cells)
    electrodes = sum(team.exchange(electrodes))
    count = ranks or team.size
    sizes = _sizes(built, team)
    plan = _plan(model, built.layout, sizes, engine, ranks=count, float32=float32, trial=trial)
    plan.electrodes = electrodes
    plan.connections = statistics(model, built, team)
    plan.notes += built.settings.notes
    if injected and not model.record.balance:
        plan.notes.append(
            "electrodes inject current: dipole and far field have a monopole and depend on "
            "the origin; [record] balance = true subtracts it"
        )
    return plan


def _sizes(built: Built, team: Team) -> Sizes:
    """Sizes of a model that is built, over all processes."""
    synapses, members = built.synapses, built.members
    names = list(built.layout.cells)
    number_of = {name: k for k, name in enumerate(names)}
    population = np.array([number_of[member.population] for member in members], np.int64)
    segments = np.array([len(member.geometry) for member in members], np.int64)
    counts = [
        np.bincount(population, segments, minlength=len(names)),
        np.bincount(population[synapses.cell], minlength=len(names)),
        np.bincount(population[synapses.rows.cell], minlength=len(names)),
    ]
    totals = np.sum(team.exchange(np.array(counts, np.int64)), axis=0)
    sizes = {}
    for k, name in enumerate(names):
        own_segments, points, rows = totals[:, k].tolist()
        cells = len(built.layout.cells[name])
        sizes[name] = PopulationSize(
            cells=cells, segments=own_segments, points=points, synapses=rows
        )
    return Sizes(populations=sizes)


def estimated_plan(
    model: Model,
    layout: Layout,
    team: Team,
    stand_ins: Sequence[str] = (),
    *,
    float32: bool = False,
    ranks: int | None = None,
) -> Plan:
    """The plan of a model of which some cells of each kind are built, see `built_plan`."""
    sample = _Sample(model, layout, stand_ins)
    segments = sample.segments
    settings = agreed_settings(model, sample.factories, team)
    model = settings.model
    sizes = estimate.expected_sizes(model, layout, segments)
    engine = agreed_engine(model, team)
    count = ranks or team.size
    media = solve_media(model.probes, team)
    trial = sample.trial(settings_of(model, engine.name)) if team.size == 1 else None
    plan = _plan(model, layout, sizes, engine, ranks=count, float32=float32, trial=trial)
    plan.notes += [*settings.notes, *media]
    plan.notes.append("some cells of each kind were built; numbers of synapses are expected ones")
    return plan


class _Sample:
    """Some cells of each kind of a model that is not built, by which all others are told.

    Parameters
    ----------
    model : Model
        The model.
    layout : Layout
        Its populations.
    stand_ins : sequence of str
        Mechanisms that were left out, see `CellFactory`.

    Attributes
    ----------
    factories : dict of str to CellFactory
        What has made them, by kind.
    cells : list of Cell
        All of them.
    segments : dict of str to int
        Segments of a cell of each kind.
    """

    def __init__(self, model: Model, layout: Layout, stand_ins: Sequence[str]) -> None:
        self._start, self._program = time.process_time(), peak_memory()
        self.factories: dict[str, CellFactory] = {}
        self.cells: list[Cell] = []
        self.segments: dict[str, int] = {}
        first = prototypes(layout)
        for name, gid in first.items():
            self.factories[name] = CellFactory(model.cells[name], stand_ins)
            self.cells.append(self.factories[name].make(gid))
            self.segments[name] = len(self.cells[-1].segments)
        # the first one of a kind reads files, which the others do not
        self._count, self._memory = len(self.cells), peak_memory()
        begin = time.process_time()
        for population in layout.kinds:
            others = [gid for gid in layout.cells[population] if gid not in first.values()]
            for gid in others[:_SAMPLE_CELLS]:
                name = layout.kind(population, gid)
                if model.cells[name].hoc is not None:
                    # such a file makes one cell
                    continue
                self.cells.append(self.factories[name].make(gid))
                if time.process_time() - begin > _SAMPLE_SECONDS:
                    break
        self._seconds = time.process_time() - begin

    def trial(self, settings: RunSettings) -> Trial:
        """What the cells took, without synapses."""
        stretch = tried_steps(self.cells, settings)
        # seconds of cells that were made as all others will be, for all that are here
        others = len(self.cells) - self._count
        build = self._seconds * len(self.cells) / others if others else math.nan
        segments = sum(len(cell.segments) for cell in self.cells)
        return Trial(
            start=self._start,
            build=build,
            built=Share(cells=len(self.cells), segments=segments, points=0, synapses=0),
            stretch=stretch,
            engine=settings.engine,
            program=self._program,
            memory=grown_memory(self._memory),
        )


def _plan(
    model: Model,
    layout: Layout,
    sizes: Sizes,
    engine: EngineChoice,
    *,
    ranks: int,
    float32: bool,
    trial: Trial | None = None,
) -> Plan:
    settings = settings_of(model, engine.name)
    steps = settings.samples + settings.warmup - 1
    populations = layout.cells | layout.trains
    lead = estimate.lead_work(model, sizes.segments)
    shares = predict.shares_of(sizes, layout, ranks, lead=lead)
    memory = []
    for rank, share in enumerate(shares):
        memory.append(
            predict.memory_bytes(
                model,
                sizes,
                share,
                ranks=ranks,
                engine=engine.name,
                leads=rank == 0,
                trial=trial,
            )
        )
    # a run ends when its busiest process does
    most = max(shares, key=lambda share: share.segments + estimate.POINT_WORK * share.points)
    seconds = predict.seconds(
        model, sizes, most, steps=steps, ranks=ranks, engine=engine.name, trial=trial
    )
    return Plan(
        populations={name: len(gids) for name, gids in populations.items()},
        segments=sizes.segments,
        synapses=sizes.synapses,
        points=sizes.points,
        electrodes=len(model.stimuli),
        steps=steps,
        engine=engine.name,
        seed=model.run.seed or 0,
        drawn=model.run.seed is None,
        ranks=ranks,
        file_bytes=predict.file_bytes(model, sizes, settings.samples, float32=float32),
        memory_bytes=max(memory),
        rank_0_bytes=memory[0],
        seconds=round(seconds, 1),
        batch=predict.batch_line(ranks, max(memory), seconds),
        notes=[f"engine {engine.name}: {engine.reason}", *ranks_notes(ranks)],
    )
