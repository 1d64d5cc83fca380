"""Checkpoints of a run: when they are due, and what is in them."""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, SimulatorError, UsageError
from lfpcli.io.checkpoint import (
    CellStates,
    Checkpoint,
    checkpoint_path,
    open_checkpoint_file,
    write_checkpoint,
)
from lfpcli.io.stream import STDIN
from lfpcli.io.writer import RecordingWriter
from lfpcli.kernels import deadline
from lfpcli.model import Model
from lfpcli.runtime.engine.obstacles import obstacle
from lfpcli.runtime.engine.queue import self_events
from lfpcli.runtime.engine.record import Recorder, SpikeRecorder, potentials
from lfpcli.runtime.engine.run import Chunk
from lfpcli.runtime.engine.state import ProcessMemory, RunState
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.neuron import nrn
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.kept import Errands
from lfpcli.tasks.simulate.outputs import CheckpointSettings, Outputs
from lfpcli.tasks.simulate.plan import settings_of

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
DETECTORS = "detectors"


class Checkpoints:
    """Writes checkpoints of one run; the same is called on all ranks.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        The model in NEURON.
    team : Team
        The processes.
    path : Path
        Where the checkpoints go.
    period : int
        Samples between them.
    key : mapping
        What a run must have in common with this one to go on.
    errands : Errands
        By which rank 0 gets the states of cells, some at a time.

    Raises
    ------
    SimulatorError
        Where the model has a state that cannot be kept.
    """

    def __init__(
        self,
        model: Model,
        built: Built,
        team: Team,
        *,
        path: Path,
        period: int,
        key: Mapping[str, Any],
        errands: Errands,
    ) -> None:
        self.memory = ProcessMemory(built.cells, built.artificial)
        refuse_unkept(model, self.memory, team)
        self.path, self.period = path, period
        self._built, self._team, self._key = built, team, key
        self._errands = errands
        self._question = errands.register(self._states_between)
        self._samples = settings_of(model).samples
        self._signalled = 0
        self._usual: dict[int, tuple[Any, bool]] = {}
        self._thresholds = np.array(built.thresholds)
        self._before = self._last = np.full(len(built.members), -np.inf)
        self.recorders: dict[str, Recorder] = {DETECTORS: potentials(built.cells, "detector")}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGUSR1 as a wish for a checkpoint and the end."""

        def wish(number: int, frame: FrameType | None) -> None:
            self._signalled = number

        with contextlib.suppress(ValueError):  # not in the main thread
            for number in _SIGNALS:
                is_watched = deadline.is_watched(number)
                # a chunk may take longer than a command has to end
                usual = deadline.set_handler(number, wish, watched=False)
                self._usual[number] = usual, is_watched
        try:
            yield
        finally:
            self._restore()

    def _restore(self) -> None:
        for number, (handler, is_watched) in self._usual.items():
            deadline.set_handler(number, handler, watched=is_watched)
        self._usual = {}

    def is_due(self, chunk: Chunk) -> bool:
        """Whether a checkpoint is due after a chunk, and take note of its end."""
        rows = chunk.blocks[DETECTORS]
        self._before = rows[-2] if len(rows) > 1 else self._last
        self._last = rows[-1]
        # a signal reaches one rank before the others: all stop after the same chunk
        wished = self._team.largest(np.array([self._signalled], np.int64))
        self._signalled = int(wished[0])
        sample = chunk.first + chunk.samples - 1
        if not 0 < sample < self._samples - 1:
            return False
        return self._signalled != 0 or sample % self.period == 0

    def write(self, writer: RecordingWriter | None, chunk: Chunk, spikes: SpikeRecorder) -> None:
        """Write a checkpoint; the recording holds all samples up to it.

        Parameters
        ----------
        writer : RecordingWriter or None
            What writes the recording; there is one on rank 0 only.
        chunk : Chunk
            The last samples.
        spikes : SpikeRecorder
            Where spikes are.
        """
        times, gids = spikes.take(since=-np.inf)
        crossed = np.flatnonzero(self._before > self._thresholds)
        above = {self._built.members[k].gid for k in crossed}
        sizes = {gid: memory.size for gid, memory in self.memory.cells.items()}
        parts = self._team.collect((sizes, self_events(self.memory), above, times, gids))

        def keep() -> None:
            assert writer is not None
            state = RunState(
                sample=chunk.first + chunk.samples - 1,
                time=float(nrn().t),
                events=np.concatenate([part[1] for part in parts]),
                above=set().union(*(part[2] for part in parts)),
                times=np.concatenate([part[3] for part in parts]),
                gids=np.concatenate([part[4] for part in parts]),
            )
            cells = self._all_cells([part[0] for part in parts])
            write_checkpoint(self.path, writer, state, self._key, cells=cells)

        self._errands.attend(keep)

    def _all_cells(self, parts: Sequence[Mapping[int, int]]) -> CellStates:
        """States of the cells of all processes, whose sizes are here; on rank 0, see `Errands`."""
        sizes: dict[int, int] = {}
        for part in parts:
            sizes.update(part)
        gids = np.array(sorted(sizes), np.int64)

        def between(first: int, last: int) -> np.ndarray:
            chosen = gids[first:last].tolist()
            states: dict[int, np.ndarray] = {}
            for states_of_rank in self._errands.ask(self._question, chosen[0], chosen[-1]):
                states.update(states_of_rank)
            return np.concatenate([states[gid] for gid in chosen])

        counts = np.array([sizes[gid] for gid in gids.tolist()], np.int64)
        return CellStates(gids=gids, sizes=counts, between=between)

    def _states_between(self, first: int, last: int) -> dict[int, np.ndarray]:
        """States of the cells of this process from one gid to another."""
        cells = self.memory.cells.items()
        return {gid: memory.values() for gid, memory in cells if first <= gid <= last}

    def end_if_asked(self) -> None:
        """End the run as the signal does that asked for it."""
        if not self._signalled:
            return
        warnings.warn(
            f"ended by signal {self._signalled} after a checkpoint at t = {nrn().t:g} ms; "
            "--resume goes on",
            LfpWarning,
            stacklevel=2,
        )
        self._restore()
        signal.raise_signal(self._signalled)


def refuse_unkept(model: Model, memory: ProcessMemory, team: Team) -> None:
    """Raise `SimulatorError` where a state of the model cannot be kept; called on all ranks."""
    reason = obstacle(memory)
    if model.fields:
        reason = "extracellular stimulation is played from the start"
    if model.run.ephaptic:
        reason = "ephaptic coupling remembers the last step"
    if model.run.is_adaptive:
        reason = "the variable time step keeps a history"
    reasons = [r for r in team.exchange(reason) if r]
    if reasons:
        raise SimulatorError(
            f"this model cannot be resumed: {reasons[0]}", remedy="run it without --checkpoint"
        )


def open_checkpoint(
    output: str | os.PathLike[str], settings: CheckpointSettings, stack: contextlib.ExitStack
) -> Checkpoint | None:
    """Open the checkpoint of an output that is to be resumed; None where there is none."""
    if settings.touches_files and str(output) == STDIN:
        raise UsageError(
            "checkpoints lie beside the output, which is standard output",
            remedy="name a file with -o FILE",
        )
    if not settings.resume or not checkpoint_path(output).exists():
        return None
    return stack.enter_context(open_checkpoint_file(checkpoint_path(output)))


def check_same(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> None:
    """Raise `InputError` where another model, or the same with other options, was checkpointed."""
    theirs = checkpoint.key
    for name in sorted(set(theirs) | set(facts)):
        if _comparable(theirs.get(name)) != _comparable(facts.get(name)):
            raise InputError(
                f"was written by a run with another {name}",
                source=checkpoint.path,
                remedy="resume with the same model and options, or remove the checkpoint",
            )


def saver_of(
    outputs: Outputs,
    model: Model,
    built: Built,
    team: Team,
    *,
    facts: Mapping[str, Any],
    errands: Errands,
) -> Checkpoints | None:
    """Return what writes the checkpoints of a run, None where none are wanted.

    Parameters
    ----------
    outputs : Outputs
        What the run writes.
    model : Model
        The model.
    built : Built
        The model in NEURON.
    team : Team
        The processes.
    facts : mapping
        What a run must have in common with this one to go on.
    errands : Errands
        By which rank 0 gets what other processes hold.

    Raises
    ------
    UsageError
        Where they would come more often than samples.
    SimulatorError
        Where the model has a state that cannot be kept.
    """
    every = outputs.checkpoints.every
    if every is None:
        return None
    period = round(every / settings_of(model).dt)
    if period < 1:
        raise UsageError(f"checkpoints every {every:g} ms are nearer than the samples")
    path = checkpoint_path(outputs.path)
    return Checkpoints(model, built, team, path=path, period=period, key=facts, errands=errands)


def _comparable(value: Any) -> Any:
    """A value without the end of the run, which may be another."""
    if isinstance(value, dict) and "run" in value:
        run = {k: v for k, v in value["run"].items() if k != "tstop"}
        return {**value, "run": run}
    return value
