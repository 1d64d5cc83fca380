"""What a run will do, before it does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.model import Model
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate import estimate
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.engine import choose_engine, setting_notes
from lfpcli.tasks.simulate.estimate import Sizes
from lfpcli.tasks.simulate.layout import Layout, prototypes
from lfpcli.tasks.simulate.network_file import statistics


@dataclass
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
    file_bytes, memory_bytes : int
        Estimates of the output's size and of the memory of one process.
    seconds : float
        Estimate of the time from start to end.
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
    seconds: float = 0.0
    connections: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The plan as a tree of JSON's types, for the user to read."""
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}


def drawn_seed(model: Model, team: Team) -> int:
    """The seed of a model, or one drawn on rank 0 where it has none."""
    given = model.run.seed
    return int(team.share(seeds.draw_seed() if given is None else given))


def settings_of(model: Model, engine: str = "neuron") -> RunSettings:
    """What the run loop needs of ``[run]``."""
    table = model.run
    return RunSettings(
        table.tstop,
        table.interval,
        table.tstart,
        table.v_init,
        table.celsius,
        table.is_adaptive,
        table.atol,
        table.rtol,
        engine,
    )


def agreed_engine(model: Model, team: Team) -> tuple[str, str]:
    """The engine of all processes, and why: NEURON where one of them cannot use another."""
    found = team.exchange(choose_engine(model))
    return next((one for one in found if one[0] == "neuron"), found[0])


def built_plan(
    model: Model, built: Built, engine: tuple[str, str], team: Team, *, float32: bool = False
) -> Plan:
    """The plan of a model that is built.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        The model in NEURON.
    engine : (str, str)
        What advances the equations, and why.
    team : Team
        The processes.
    float32 : bool
        Whether samples are stored in single precision.
    """
    own = [
        len(built.synapses.rows),
        len(built.synapses.points),
        sum(len(cell.electrodes) for cell in built.cells),
        *(
            sum(len(m.geometry) for m in built.members if m.population == name)
            for name in built.layout.cells
        ),
    ]
    synapses, points, electrodes, *segments = (int(n) for n in np.sum(team.exchange(own), axis=0))
    cells = [len(gids) for gids in built.layout.cells.values()]
    sizes = Sizes(synapses, points, tuple(zip(cells, segments, strict=True)))
    plan = _plan(model, built.layout, sizes, engine, team, float32)
    plan.electrodes = electrodes
    plan.connections = statistics(model, built, team)
    plan.notes += setting_notes(model, built.settings)
    if electrodes and not model.record.balance:
        plan.notes.append(
            "electrodes inject current: dipole and far field have a monopole and depend on "
            "the origin; [record] balance = true subtracts it"
        )
    return plan


def estimated_plan(
    model: Model,
    layout: Layout,
    team: Team,
    stand_ins: Sequence[str] = (),
    *,
    float32: bool = False,
) -> Plan:
    """The plan of a model of which one cell of each kind is built, see `built_plan`."""
    cells = {
        kind: CellFactory(model.cells[kind], stand_ins).make(gid)
        for kind, gid in prototypes(layout).items()
    }
    segments = {kind: len(cell.segments) for kind, cell in cells.items()}
    sizes = estimate.expected_sizes(model, layout, segments)
    plan = _plan(model, layout, sizes, agreed_engine(model, team), team, float32)
    plan.notes.append("one cell of each kind was built; numbers of synapses are expected ones")
    return plan


def _plan(
    model: Model, layout: Layout, sizes: Sizes, engine: tuple[str, str], team: Team, float32: bool
) -> Plan:
    settings = settings_of(model, engine[0])
    steps = settings.samples + settings.warmup - 1
    populations = layout.cells | layout.trains
    return Plan(
        {name: len(gids) for name, gids in populations.items()},
        sizes.segments,
        sizes.synapses,
        sizes.points,
        len(model.stimuli),
        steps,
        engine[0],
        model.run.seed or 0,
        model.run.seed is None,
        team.size,
        estimate.file_bytes(model, sizes, settings.samples, float32=float32),
        estimate.memory_bytes(model, sizes, team.size, engine[0]),
        round(estimate.seconds(sizes, steps, team.size, engine[0]), 1),
        notes=[f"engine {engine[0]}: {engine[1]}"],
    )
