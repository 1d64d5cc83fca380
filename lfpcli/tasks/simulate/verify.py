"""Whether a run would go on from a checkpoint as if it had not been stopped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lfpcli.errors import SimulatorError, UsageError
from lfpcli.runtime.engine.queue import self_events
from lfpcli.runtime.engine.record import SpikeRecorder, potentials
from lfpcli.runtime.engine.run import Chunk, run
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.spans import Frame
from lfpcli.runtime.engine.state import ProcessMemory, RunState
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import context, nrn
from lfpcli.tasks.simulate.build import Built

# ms after which the state is kept, and steps that are compared
BEGIN = 50.0
STEPS = 40
_DETECTORS = "detectors"


@dataclass
class _Trial:
    """A stretch of a run, with the states at the sample where it is stopped and at its end."""

    stop: int
    rows: list[np.ndarray] = field(default_factory=list)
    states: dict[int, RunState] = field(default_factory=dict)


def verify_resume(built: Built, settings: RunSettings, team: Team) -> None:
    """Run the begin, keep the state, go on, and go on anew from the state; called on all ranks.

    NEURON is left as before, ready to run from the start.

    Parameters
    ----------
    built : Built
        The model in NEURON.
    settings : RunSettings
        Those of the run.
    team : Team
        The processes.

    Raises
    ------
    UsageError
        Where the run is too short.
    SimulatorError
        Where any bit of the state differs after `STEPS` steps.
    """
    stop = min(settings.samples // 2, round(BEGIN / settings.dt))
    if stop < STEPS:
        raise UsageError(
            f"a run of {settings.samples} samples is too short for --verify-resume",
            remedy=f"run {2 * STEPS} steps at least, or leave it out",
        )
    memory = ProcessMemory(built.cells, built.artificial)
    told: list[str] = []
    # neither random streams nor weights that events change begin anew with NEURON
    initial = memory.values()
    # where all differs in the end, what differs after one step is the cause
    for steps in (STEPS, 1):
        short = replace(settings, tstop=(stop + steps) * settings.dt)
        unbroken = _stretch(built, short, team, memory, stop=stop, start=None)
        resumed = _stretch(built, short, team, memory, stop=stop, start=unbroken[stop])
        _begin_anew(built)
        memory.restore(initial)
        end = stop + steps
        differences = team.exchange(_difference(memory, unbroken[end], resumed[end]))
        differing = [difference for difference in differences if difference is not None]
        if steps == STEPS and not differing:
            return
        told = differing or told
    raise SimulatorError(
        f"a run that goes on at t = {stop * settings.dt:g} ms differs from an unbroken one: "
        f"{told[0]}",
        remedy="run it without --checkpoint; what the mechanism remembers is not all kept",
    )


def _stretch(
    built: Built,
    settings: RunSettings,
    team: Team,
    memory: ProcessMemory,
    *,
    stop: int,
    start: RunState | None,
) -> dict[int, RunState]:
    """States by sample: where the run is stopped, and at its end."""
    recorder = potentials(built.cells, "detector")
    artificial = [cell.gid for cell in built.artificial]
    spikes = SpikeRecorder(built.cells, built.thresholds, artificial)
    trial = _Trial(stop)

    def take(chunk: Chunk) -> None:
        rows = chunk.blocks[_DETECTORS]
        trial.rows = [*trial.rows, *rows][-2:]
        sample = chunk.first + chunk.samples - 1
        if sample in (stop, settings.samples - 1):
            times, gids = spikes.take(since=-np.inf)
            above = _above(trial.rows, built)
            trial.states[sample] = _state(
                memory, team, sample=sample, above=above, spikes=(times, gids)
            )

    columns = sum(team.exchange(len(recorder)))
    frame = Frame(columns=columns, period=stop, start=start, memory=memory)
    run(
        built.cells,
        settings,
        {_DETECTORS: recorder},
        take,
        synapses=built.synapses,
        frame=frame,
    )
    return trial.states


def _above(rows: list[np.ndarray], built: Built) -> set[int]:
    crossed = np.flatnonzero(rows[0] > np.array(built.thresholds))
    return {built.members[k].gid for k in crossed.tolist()}


def _state(
    memory: ProcessMemory,
    team: Team,
    *,
    sample: int,
    above: set[int],
    spikes: tuple[np.ndarray, np.ndarray],
) -> RunState:
    """The state of the cells of this process, with the spikes of all."""
    parts = team.exchange(spikes)
    return RunState(
        sample=sample,
        time=float(nrn().t),
        cells=memory.values(),
        events=self_events(memory),
        above=above,
        times=np.concatenate([part[0] for part in parts]),
        gids=np.concatenate([part[1] for part in parts]),
    )


def _begin_anew(built: Built) -> None:
    """Let trains begin again, and give detectors that were silenced their thresholds back."""
    built.synapses.feed.rewind(-np.inf)
    for cell, threshold in zip(built.cells, built.thresholds, strict=True):
        context().threshold(cell.gid, threshold)


def _difference(memory: ProcessMemory, unbroken: RunState, resumed: RunState) -> str | None:
    """Say what differs first between two states of the cells of this process."""
    for gid, cell in memory.cells.items():
        pair = unbroken.cells[gid], resumed.cells[gid]
        # bit for bit: -0.0 is not 0.0, and the same NaN is the same
        differing = np.flatnonzero(pair[0].view(np.uint64) != pair[1].view(np.uint64))
        if len(differing):
            # potentials follow from what mechanisms remember
            of_mechanisms = differing[differing >= cell.potentials]
            k = int(of_mechanisms[0] if len(of_mechanisms) else differing[0])
            values = f"{pair[1][k]:.17g} instead of {pair[0][k]:.17g}"
            return f"cell {gid}, {cell.labels()[k]} is {values}"
    if not np.array_equal(unbroken.events, resumed.events):
        return "the events that mechanisms have sent to themselves"
    return None
