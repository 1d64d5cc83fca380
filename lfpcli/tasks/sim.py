"""Simulate a model and write its recording while it runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.doomed import removed_if_killed
from lfpcli.io.provenance import provenance
from lfpcli.io.writer import RecordingWriter
from lfpcli.model import Model
from lfpcli.runtime.background import Background
from lfpcli.runtime.record import SpikeRecorder
from lfpcli.runtime.run import RunSettings, run
from lfpcli.runtime.team import Team
from lfpcli.tasks.build import build
from lfpcli.tasks.collect import Collection
from lfpcli.tasks.fields import fields_of
from lfpcli.tasks.merge import merged_geometry
from lfpcli.tasks.prepare import choose_engine, load_mechanisms, setting_notes
from lfpcli.tasks.treatment import filter_probes


@dataclass
class Plan:
    """What a run will do, before it does it.

    Attributes
    ----------
    populations : dict of str to int
        Cells per population.
    segments, synapses, electrodes, steps : int
        Sizes, over all processes.
    engine : str
        What advances the equations.
    seed : int
        Seed of all draws.
    drawn : bool
        Whether it was drawn, since none was given.
    file_bytes, memory_bytes : int
        Estimates of the output's size and of the memory of one process.
    notes : list of str
        What the user should know.
    """

    populations: dict[str, int]
    segments: int
    synapses: int
    electrodes: int
    steps: int
    engine: str
    seed: int
    drawn: bool = False
    file_bytes: int = 0
    memory_bytes: int = 0
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The plan as a tree of JSON's types, for the user to read."""
        return {f.name.replace("_", " "): getattr(self, f.name) for f in fields(self)}


def simulate(
    model: Model,
    output: str | os.PathLike[str],
    *,
    force: bool = False,
    float32: bool = False,
    command: Sequence[str] = ("lfp", "sim"),
    inputs: Mapping[str, str] | None = None,
    renamed: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda time: None,
    report: Callable[[Plan], None] = lambda plan: None,
) -> Plan:
    """Run a model and write the recording.

    Parameters
    ----------
    model : Model
        The model.
    output : path-like
        File to write, ``-`` for standard output.
    force : bool
        Whether an existing file is replaced.
    float32 : bool
        Whether samples are stored in single precision.
    command : sequence of str
        The command line, for the provenance.
    inputs : mapping of str to str
        Names and digests of the files that were read.
    renamed : mapping of str to str, optional
        Paths of temporary files, which the recording must not name, and what they stand for.
    progress : callable
        Told the time that the run has come to, ms.
    report : callable
        Told the plan, once it is made.

    Returns
    -------
    Plan
        What was run.

    Raises
    ------
    LfpError
        Where the model, the simulator or the output fails.
    """
    team = Team()
    if team.leads:
        check_output(output, force=force)
    with team.pooled_warnings():
        simulation = Simulation(model, team)
    report(simulation.plan)
    with contextlib.ExitStack() as stack:
        writer = None
        if team.leads:
            path = stack.enter_context(atomic_output(output, force=force))
            if team.size > 1:
                stack.enter_context(removed_if_killed(path))
            record = provenance(command, inputs=inputs, **simulation.facts(renamed or {}))
            writer = stack.enter_context(RecordingWriter(path, record, float32=float32))
        simulation.run(writer, progress)
    return simulation.plan


def plan_of(model: Model) -> Plan:
    """Build a model and say what a run of it would do."""
    return Simulation(model, Team()).plan


class Simulation:
    """A model that was built, ready to run once.

    Parameters
    ----------
    model : Model
        The model.
    team : Team
        The processes.
    """

    def __init__(self, model: Model, team: Team) -> None:
        self.model, self._team = model, team
        seed = model.run.seed
        self.seed = team.share(seeds.draw_seed() if seed is None else seed)
        self.built = build(model, self.seed, team, load_mechanisms(model))
        self.collection = Collection(model, self.built, team)
        self.fields = fields_of(model.fields, self.built, team)
        engine, reason = _agreed(team, *choose_engine(model))
        self.settings = replace(settings_of(model), engine=engine)
        self.plan = self._plan(engine, reason)

    def _plan(self, engine: str, reason: str) -> Plan:
        sizes = np.array(
            [
                self.built.segments,
                len(self.built.synapses.rows),
                sum(len(cell.electrodes) for cell in self.built.cells),
            ],
            dtype=float,
        )
        segments, synapses, electrodes = self._team.share(self._team.add(sizes)).astype(int)
        plan = Plan(
            {name: len(gids) for name, gids in self.built.everyone.items()},
            int(segments),
            int(synapses),
            int(electrodes),
            self.settings.samples + self.settings.warmup - 1,
            engine,
            self.seed,
            self.model.run.seed is None,
        )
        plan.notes += [
            f"engine {engine}: {reason}",
            *setting_notes(self.model, self.built.settings),
        ]
        if electrodes and not self.model.record.balance:
            plan.notes.append(
                "electrodes inject current: dipole and far field have a monopole and depend on "
                "the origin; [record] balance = true subtracts it"
            )
        return plan

    def facts(self, renamed: Mapping[str, str]) -> dict[str, Any]:
        """What the provenance tells of the run, see `simulate`."""
        text = json.dumps(self.model.to_dict())
        for path, name in renamed.items():
            text = text.replace(json.dumps(path), json.dumps(name))
        return {"seed": self.seed, "engine": self.settings.engine, "model": json.loads(text)}

    def run(self, writer: RecordingWriter | None, progress: Callable[[float], None]) -> None:
        """Run and write; `writer` is there on rank 0 only."""
        self._write_geometry(writer)
        if writer:
            self.collection.begin(writer, self.settings.dt)
        spikes = self._spike_recorder()
        with Background(threaded=self._team.size == 1) as background:
            chunks = run(
                self.built.cells,
                self.settings,
                self.collection.recorders,
                self.fields,
                feed=self.built.synapses.feed,
                columns=self.collection.columns,
            )
            for chunk in chunks:
                background.submit(self.collection.take, chunk)
                progress((chunk.first + chunk.samples - 1) * self.settings.dt)
        if spikes:
            self._write_spikes(writer, *spikes.take())
        if writer:
            filter_probes(writer.file, self.model.probes)

    def _spike_recorder(self) -> SpikeRecorder | None:
        if not self.model.record.spikes:
            return None
        populations = self.model.resolved_populations()
        thresholds = [populations[m.population].threshold for m in self.built.members]
        return SpikeRecorder(self.built.cells, thresholds)

    def _write_geometry(self, writer: RecordingWriter | None) -> None:
        ranks = self._team.collect(self.built.members)
        if writer is None:
            return
        members = sorted((m for rank in ranks for m in rank), key=lambda m: m.gid)
        for name in self.built.everyone:
            own = [m.geometry for m in members if m.population == name]
            writer.geometry(name, merged_geometry(own))

    def _write_spikes(
        self, writer: RecordingWriter | None, times: np.ndarray, gids: np.ndarray
    ) -> None:
        ranks = self._team.collect((times, gids))
        if writer is None:
            return
        times = np.concatenate([rank[0] for rank in ranks])
        gids = np.concatenate([rank[1] for rank in ranks])
        for name, own in self.built.everyone.items():
            chosen = (gids >= own.start) & (gids < own.stop)
            writer.spikes(name, times[chosen], gids[chosen])


def _agreed(team: Team, engine: str, reason: str) -> tuple[str, str]:
    """The engine of all processes: NEURON where one of them cannot use another."""
    found = team.exchange((engine, reason))
    return next((one for one in found if one[0] == "neuron"), found[0])


def settings_of(model: Model) -> RunSettings:
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
    )
