"""Simulate a model and write its recording while it runs."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lfpcli.errors import UsageError
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.checkpoint import Checkpoint, checkpoint_path
from lfpcli.io.doomed import removed_if_killed
from lfpcli.io.provenance import provenance
from lfpcli.io.writer import RecordingWriter
from lfpcli.kernels.threads import limit_threads
from lfpcli.model import Model
from lfpcli.model.circuit import CircuitSpec
from lfpcli.runtime.engine.background import Background
from lfpcli.runtime.engine.record import SpikeRecorder
from lfpcli.runtime.engine.run import Chunk, run
from lfpcli.runtime.engine.spans import Frame
from lfpcli.runtime.engine.state import ProcessMemory, RunState
from lfpcli.runtime.engine.trial import peak_memory, tried_steps
from lfpcli.runtime.mpi.spare import has_spare_core
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.mpi.watch import stopped_ranks_ended
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.simulate.anchoring import with_anchors
from lfpcli.tasks.simulate.build import Built, build
from lfpcli.tasks.simulate.checkpoint import (
    Checkpoints,
    check_same,
    open_checkpoint,
    refuse_unkept,
    saver_of,
)
from lfpcli.tasks.simulate.collect import Collection
from lfpcli.tasks.simulate.engine import load_mechanisms
from lfpcli.tasks.simulate.fields import fields_of
from lfpcli.tasks.simulate.layout import lay_out
from lfpcli.tasks.simulate.network_file import save_network
from lfpcli.tasks.simulate.outputs import Origins, Outputs
from lfpcli.tasks.simulate.own_settings import called_procedures
from lfpcli.tasks.simulate.pipeline import Pipeline
from lfpcli.tasks.simulate.plan import (
    Plan,
    agreed_engine,
    built_plan,
    built_share,
    drawn_seed,
    estimated_plan,
    settings_of,
)
from lfpcli.tasks.simulate.predict import Trial, grown_memory, matrix_bytes
from lfpcli.tasks.simulate.results import write_geometry, write_spikes, write_trains
from lfpcli.tasks.simulate.used import used_points
from lfpcli.tasks.simulate.verify import verify_resume

# cells up to which a plan is that of the model as it is built
BUILT_CELLS = 2000


def simulate(
    model: Model,
    outputs: Outputs,
    origins: Origins | None = None,
    *,
    progress: Callable[[float], None] = lambda time: None,
    report: Callable[[Plan], None] = lambda plan: None,
) -> Plan:
    """Run a model and write the recording.

    Parameters
    ----------
    model : Model
        The model.
    outputs : Outputs
        What to write.
    origins : Origins, optional
        What the provenance tells of the command.
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
    team, origins = Team(), origins or Origins()
    if team.leads:
        # what cannot be written is told before hours of work, not after
        check_recording_output(outputs.path, force=outputs.force)
        for target in outputs.targets[1:]:
            check_recording_output(target, force=outputs.force, noun="a network")
        if model.circuit is not None:
            _check_circuit(model.circuit, outputs)
        _check_attached(model, outputs)
    with contextlib.ExitStack() as stack:
        stack.enter_context(stopped_ranks_ended(team))
        checkpoint = open_checkpoint(outputs.path, outputs.checkpoints, stack)
        # what was drawn for the first part of a run holds for all of it
        # own seeds are drawn once; going on with another would be another run
        seed = None if checkpoint is None else int(checkpoint.key["seed"])
        with team.pooled_warnings():
            simulation = Simulation(model, team, float32=outputs.float32, seed=seed)
        # a hoc file may turn out to be a network
        _check_attached(simulation.model, outputs)
        facts = simulation.facts(origins.renamed)
        record = _record(origins, facts, checkpoint)
        built = simulation.built
        errands = simulation.collection.errands
        saver = saver_of(outputs, model, team=team, built=built, facts=facts, errands=errands)
        report(simulation.plan)
        if outputs.checkpoints.verify:
            simulation.verify_resume()
        if outputs.network is not None:
            target = outputs.network
            save_network(
                target, simulation.model, built, team, provenance=record, force=outputs.force
            )
        writer = stack.enter_context(_opened(outputs, record, team))
        simulation.run(writer, progress, saver, checkpoint)
    if team.leads:
        _finish(model, outputs)
    return simulation.plan


def _check_attached(model: Model, outputs: Outputs) -> None:
    """Raise `UsageError` where a model of a script cannot be kept as is wanted."""
    if model.run.attach is not None:
        from lfpcli.tasks.simulate.attach import check_attached_outputs

        check_attached_outputs(outputs)


def _finish(model: Model, outputs: Outputs) -> None:
    """Do what comes once the recording has its name; on rank 0."""
    # it is whole, there is nothing left to go on with
    if outputs.checkpoints.touches_files:
        checkpoint_path(outputs.path).unlink(missing_ok=True)
    if model.circuit is not None and model.circuit.outputs:
        from lfpcli.tasks.circuits.output_files import write_outputs

        write_outputs(model.circuit.config, outputs.path, force=outputs.force)


def _check_circuit(circuit: CircuitSpec, outputs: Outputs) -> None:
    """Raise an error where what a configuration names cannot be written, before any work."""
    from lfpcli.tasks.circuits.output_files import check_outputs

    if outputs.network is not None:
        raise UsageError("the network of a circuit is in its own files", remedy="leave it out")
    if not circuit.outputs:
        return
    if str(outputs.path) == stream.STDIN:
        raise UsageError(
            "the files that the configuration names are written from the recording",
            remedy="name the recording with -o FILE, or --set circuit.outputs=false",
        )
    check_outputs(circuit.config, force=outputs.force)


def _record(
    origins: Origins, facts: Mapping[str, Any], checkpoint: Checkpoint | None
) -> Mapping[str, Any]:
    """Provenance of the recording: that of the first command, where the run goes on."""
    if checkpoint is None:
        return provenance(origins.command, inputs=origins.inputs, **facts)
    check_same(checkpoint, facts)
    # the end of the run may be another
    return {**checkpoint.provenance, "model": facts["model"]}


@contextlib.contextmanager
def _opened(
    outputs: Outputs, record: Mapping[str, Any], team: Team
) -> Iterator[RecordingWriter | None]:
    """Yield the writer of the recording on rank 0, and None elsewhere."""
    if not team.leads:
        yield None
        return
    with atomic_output(outputs.path, force=outputs.force) as path:
        watch = removed_if_killed(path) if team.size > 1 else contextlib.nullcontext()
        with watch, RecordingWriter(path, record, float32=outputs.float32) as writer:
            yield writer


def plan_of(model: Model, *, float32: bool = False, ranks: int | None = None) -> Plan:
    """Say what a run of a model would do; a model that is not large is built for it.

    Parameters
    ----------
    model : Model
        The model.
    float32 : bool
        Whether samples are stored in single precision.
    ranks : int, optional
        Number of processes that the run will have; that of this one by default.
    """
    team = Team()
    if model.circuit is not None or model.run.attach is not None:
        return Simulation(model, team, float32=float32, planned_ranks=ranks).plan
    layout = lay_out(model, 0)
    # building tells exactly what tables only promise in the mean
    if layout.count <= BUILT_CELLS:
        return Simulation(model, team, float32=float32, planned_ranks=ranks, is_plan=True).plan
    stand_ins = _mechanisms(model, team)
    return estimated_plan(model, team, stand_ins, float32=float32, ranks=ranks)


def _mechanisms(model: Model, team: Team) -> Sequence[str]:
    """Load the mechanisms; rank 0 first, which compiles them where that was not done before."""
    left_out: Sequence[str] = ()
    used = used_points(model)
    if team.leads:
        left_out = load_mechanisms(model, used=used)
    team.share(None)
    return left_out if team.leads else load_mechanisms(model, used=used)


class Simulation:
    """A model that was built, ready to run once.

    Parameters
    ----------
    model : Model
        The model.
    team : Team
        The processes.
    float32 : bool
        Whether samples are stored in single precision, which the plan tells of.
    seed : int, optional
        Seed of a run that this one goes on from.
    planned_ranks : int, optional
        Number of processes that the plan is for; that of this run by default.
    is_plan : bool
        Whether the plan is all that is wanted, for which some steps are tried.
    """

    def __init__(
        self,
        model: Model,
        team: Team,
        *,
        float32: bool = False,
        seed: int | None = None,
        planned_ranks: int | None = None,
        is_plan: bool = False,
    ) -> None:
        self.team = team
        if team.size > 1:
            # the cores are taken by the other processes
            limit_threads(1)
        self.seed = drawn_seed(model, team) if seed is None else seed
        stand_ins = _mechanisms(model, team)
        start, memory = time.process_time(), peak_memory()
        self.built = self._build(model, stand_ins)
        self.model = model = with_anchors(self.built.settings.model, self.built, team)
        called = called_procedures(model, self.built.layout.count, team)
        media = solve_media(model.probes, team)
        self.collection = Collection(model, self.built, team)
        self.fields = fields_of(model.fields, self.built, team, model.run)
        self.coupling = None
        if model.run.ephaptic:
            # what makes its matrices takes long to import
            from lfpcli.tasks.simulate.ephaptic import coupled

            ephaptic = coupled(model, self.built, team)
            self.coupling = ephaptic.coupling
            media.append(ephaptic.note)
        engine = agreed_engine(model, team)
        self.settings = replace(
            settings_of(model, engine.name),
            secondorder=self.built.settings.secondorder,
            own_procedures=called.names,
            seed=self.seed,
        )
        self.collection.prepare(self.settings, self.seed)
        trial = self._trial(start, memory) if is_plan and team.size == 1 else None
        self.plan = built_plan(
            model,
            self.built,
            engine,
            team,
            injected=self.collection.electrodes,
            float32=float32,
            ranks=planned_ranks,
            trial=trial,
        )
        self.plan.notes += [*called.notes, *media]
        self.plan.seed = self.seed

    def _build(self, model: Model, stand_ins: Sequence[str]) -> Built:
        # what reads circuits, and what takes models of scripts, is imported where there is one
        if model.circuit is not None:
            from lfpcli.tasks.simulate.circuit import build_circuit

            return build_circuit(model, self.seed, self.team, stand_ins)
        if any(cell.hoc is not None for cell in model.cells.values()):
            from lfpcli.tasks.simulate.attach import with_network_attached

            model = with_network_attached(model, self.team)
        if model.run.attach is not None:
            from lfpcli.tasks.simulate.attach import build_attached

            return build_attached(model, self.team)
        return build(model, self.seed, self.team, stand_ins)

    def _trial(self, start: float, memory: float) -> Trial:
        """What the model has taken so far, beyond seconds and bytes without it, and its steps."""
        built = self.built
        build = time.process_time() - start - built.reading
        return Trial(
            start=start,
            reading=built.reading,
            build=build,
            built=built_share(built),
            stretch=tried_steps(built.cells, self.settings),
            engine=self.settings.engine,
            program=memory,
            memory=grown_memory(memory) - matrix_bytes(self.model, built.segments),
        )

    def facts(self, renamed: Mapping[str, str]) -> dict[str, Any]:
        """What the provenance tells of the run, see `simulate`."""
        text = json.dumps(self.model.to_dict())
        for path, name in renamed.items():
            # with the quotes, so that a path is replaced as a whole value and never within another
            text = text.replace(json.dumps(path), json.dumps(name))
        return {"seed": self.seed, "engine": self.settings.engine, "model": json.loads(text)}

    def verify_resume(self) -> None:
        """See whether the run would go on from a checkpoint with the same bits.

        Raises
        ------
        SimulatorError
            Where it would not.
        """
        refuse_unkept(self.model, ProcessMemory(self.built.cells, self.built.artificial), self.team)
        verify_resume(self.built, self.settings, self.team)

    def run(
        self,
        writer: RecordingWriter | None,
        progress: Callable[[float], None],
        saver: Checkpoints | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Run and write.

        Parameters
        ----------
        writer : RecordingWriter or None
            Where to; there is one on rank 0 only.
        progress : callable
            Told the time that the run has come to, ms.
        saver : Checkpoints, optional
            What writes checkpoints.
        checkpoint : Checkpoint, optional
            Where the run goes on.
        """
        write_geometry(writer, self.built, self.team)
        start = None
        if checkpoint is not None:
            gids = [cell.gid for cell in self.built.cells]
            gids += [cell.gid for cell in self.built.artificial]
            start = checkpoint.state(gids)
        if writer:
            writer.keep_in_step(self.collection.begin(writer))
        if checkpoint is not None:
            self.collection.resume(checkpoint)
        spikes = self._spike_recorder(start, saver)
        with Background(threaded=has_spare_core(self.team)) as background, _listening(saver):
            pipeline = Pipeline(self.collection, background)

            def take(chunk: Chunk) -> None:
                pipeline.take(chunk)
                progress((chunk.first + chunk.samples - 1) * self.settings.dt)
                if saver is not None and spikes is not None and saver.is_due(chunk):
                    # a checkpoint holds all samples before it
                    pipeline.drain()
                    saver.write(writer, chunk, spikes)
                    saver.end_if_asked()

            self._run(take, saver, start)
            pipeline.drain()
        self.collection.complete()
        if spikes and self.model.record.spikes:
            write_spikes(writer, self.built, self.team, spikes.take())
            write_trains(writer, self.model, self.built, self.seed, team=self.team)
        if writer:
            self.collection.finish(writer, self.seed)

    def _run(
        self, take: Callable[[Chunk], None], saver: Checkpoints | None, start: RunState | None
    ) -> None:
        recorders = dict(self.collection.recorders)
        frame = Frame(columns=self.collection.columns, start=start)
        if start is not None:
            memory = ProcessMemory(self.built.cells, self.built.artificial)
            frame = replace(frame, memory=memory)
        if saver is not None:
            recorders |= saver.recorders
            frame = replace(frame, period=saver.period)
        run(
            self.built.cells,
            self.settings,
            recorders,
            take,
            fields=self.fields,
            coupling=self.coupling,
            synapses=self.built.synapses,
            frame=frame,
        )

    def _spike_recorder(
        self, start: RunState | None, saver: Checkpoints | None
    ) -> SpikeRecorder | None:
        if not self.model.record.spikes and saver is None:
            return None
        built = self.built
        artificial = [cell.gid for cell in built.artificial] + built.sources
        recorder = SpikeRecorder(built.cells, built.thresholds, artificial)
        if start is not None and self.team.leads:
            recorder.earlier = start.times, start.gids
        return recorder


def _listening(saver: Checkpoints | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if saver is None else saver.listening()
