"""What a run will do, before it does it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.errors import LfpWarning
from lfpcli.model import Model
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.trial import peak_memory, tried_steps
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate import estimate, predict
from lfpcli.tasks.simulate.build import Built, build
from lfpcli.tasks.simulate.engine import EngineChoice, choose_engine
from lfpcli.tasks.simulate.estimate import PopulationSize, Sizes
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.network_file import statistics
from lfpcli.tasks.simulate.predict import Share, Trial, grown_memory
from lfpcli.tasks.simulate.ranks import ranks_notes

# seconds for the cells by which a model is told that is not built, and how many are measured
_PATIENCE, _MEASURED_CELLS = 0.5, 30


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
    team: Team,
    stand_ins: Sequence[str] = (),
    *,
    float32: bool = False,
    ranks: int | None = None,
) -> Plan:
    """The plan of a model of which some cells are built, with their synapses, see `built_plan`."""
    start, program = time.process_time(), peak_memory()
    built = build(model, 0, team, stand_ins, patience=_PATIENCE)
    seconds = time.process_time() - start - built.reading
    settings = built.settings
    model = settings.model
    sizes = _told_by(built, estimate.expected_sizes(model, built.layout, built.segments_of_kind))
    engine = agreed_engine(model, team)
    media = solve_media(model.probes, team)
    trial = None
    if team.size == 1:
        stretch = tried_steps(built.cells, settings_of(model, engine.name))
        memory = grown_memory(program)
        trial = Trial(
            start=start,
            reading=built.reading,
            build=seconds + _measuring(model, built.members),
            built=built_share(built),
            stretch=stretch,
            engine=engine.name,
            program=program,
            memory=memory,
        )
    count = ranks or team.size
    plan = _plan(model, built.layout, sizes, engine, ranks=count, float32=float32, trial=trial)
    plan.notes += [*settings.notes, *media]
    plan.notes.append("some cells of each kind were built; numbers of synapses are expected ones")
    return plan


def built_share(built: Built) -> Share:
    """What this process has of a model."""
    return Share(
        cells=len(built.cells),
        segments=built.segments,
        points=len(built.synapses.points),
        synapses=len(built.synapses.rows.cell),
    )


def _told_by(built: Built, sizes: Sizes) -> Sizes:
    """Sizes where as many synapses are merged as in the cells of this process."""
    per_cell = {name: size.points / max(size.cells, 1) for name, size in sizes.populations.items()}
    expected = sum(per_cell[member.population] for member in built.members)
    if not expected:
        return sizes
    merged = len(built.synapses.points) / expected
    populations = {}
    for name, size in sizes.populations.items():
        populations[name] = replace(size, points=round(merged * size.points))
    return Sizes(populations=populations)


def _measuring(model: Model, members: Sequence[Member]) -> float:
    """Seconds of the processor for matrices of all instruments, told by those of some cells."""
    some = members[:_MEASURED_CELLS]
    begin = time.process_time()
    # an array may have to be put beside a cell that is not built
    probes = tuple(replace(probe, anchor=None) for probe in model.probes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LfpWarning)
        for instrument in instruments_of(replace(model, probes=probes)):
            for member in some:
                instrument.matrix(member.geometry)
    return (time.process_time() - begin) * len(members) / max(len(some), 1)


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
