"""The run loop: NEURON advances in chunks, and each chunk's samples are handed on."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError, UsageError
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.engine.collectors import Gatherer, VectorSet
from lfpcli.runtime.engine.field import ExtracellularField, has_extracellular
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.state import RunState, release, restored_thresholds, set_cell_state
from lfpcli.runtime.hoc.hoc import hoc_errors
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.bulk import Synapses, restart_exchange
from lfpcli.runtime.synapses.events import EventFeed

# doubles that the recorders may hold between two chunks, and the longest chunk
CHUNK_VALUES = 1 << 19
CHUNK_SAMPLES = 4096
CORE_CHUNK_VALUES = 1 << 22
CORE_CHUNK_SAMPLES = 256
# NEURON wants an upper bound of its own step, ms
MAX_STEP = 10.0


@dataclass
class Chunk:
    """Consecutive samples of all recorders.

    Attributes
    ----------
    first : int
        Index of the first sample in the run.
    samples : int
        How many there are.
    blocks : dict of str to ndarray (samples, columns)
        What each recorder collected, of all cells.
    """

    first: int
    samples: int
    blocks: dict[str, np.ndarray]


@dataclass(frozen=True)
class Frame:
    """Where chunks end, and where a run begins.

    Attributes
    ----------
    columns : int, optional
        Columns of all recorders of all processes, which must be given where there are several:
        their chunks must end together, wherever the cells are.
    period : int, optional
        Samples after each of which a chunk ends.
    start : RunState, optional
        Where to go on.
    """

    columns: int | None = None
    period: int | None = None
    start: RunState | None = None


def run(
    cells: Sequence[SimulatedCell],
    settings: RunSettings,
    recorders: Mapping[str, Recorder],
    fields: Sequence[ExtracellularField] = (),
    synapses: Synapses | None = None,
    frame: Frame | None = None,
) -> Iterator[Chunk]:
    """Run the cells and yield the recorded samples in chunks.

    Chunked runs and whole ones agree bit for bit. Sample k is taken at t = k dt; the first one
    after initialisation, with the currents of that moment.

    Parameters
    ----------
    cells : sequence of Cell
        The cells of this process.
    settings : RunSettings
        Times, temperature, engine.
    recorders : mapping of str to Recorder
        What to record.
    fields : sequence of ExtracellularField
        What stimulates from outside; the parts of one field add, fields are of different cells.
    synapses : Synapses, optional
        The synapses of the cells, which get spikes that are known before the run.
    frame : Frame, optional
        Where chunks end, and where the run begins.

    Yields
    ------
    Chunk

    Raises
    ------
    SimulatorError
        Where NEURON fails or a potential or current is no longer finite.
    """
    h, pc = nrn(), context()
    frame = frame or Frame()
    spans = _spans(settings, recorders, frame)
    collectors = _Collectors(recorders, settings, max(samples for _, samples in spans))
    past = settings.dt * _beyond(settings)
    feed = None if synapses is None else synapses.feed
    solve: Callable[[float], None] = pc.psolve
    if "advance" in settings.own_procedures:
        solve = functools.partial(_solve_as_the_model_does, h)
    advance: Callable[[float], None] = functools.partial(_advance, solve, h, feed)
    with _sampling(h, collectors.sample), _engine(settings.engine) as engage:
        _initialise(h, pc, cells, settings, fields)
        if frame.start is None:
            _settle(h, advance, settings, collectors)
        else:
            _go_on(h, cells, synapses, frame.start)
            collectors.discard()
        # what NEURON's engine has initialised goes over to the other with the next psolve
        engage()
        held = {} if frame.start is None else restored_thresholds(cells, frame.start.above)
        waits = frame.start is not None
        for first, samples in spans:
            if waits:
                steps = settings.dt * np.arange(first, first + samples) + past
                waits = _come_down(pc, advance, steps, held)
            advance((first + samples - 1) * settings.dt + past)
            blocks = collectors.take(samples)
            _check_finite(blocks, h.t)
            yield Chunk(first, samples, blocks)


class _Collectors:
    """What collects samples between two chunks, each recorder in the quickest way."""

    def __init__(self, recorders: Mapping[str, Recorder], settings: RunSettings, rows: int) -> None:
        by_step = settings.engine == "neuron" and not settings.adaptive
        gathered = {name: r for name, r in recorders.items() if r.node_variable and by_step}
        others = {name: r for name, r in recorders.items() if name not in gathered}
        self._gatherer = Gatherer(gathered, rows)
        self._vectors = VectorSet(others, rows, settings.dt if settings.adaptive else None)
        self.sample = self._gatherer.sample

    def sample_first(self) -> None:
        """Take the sample of the initial state, which NEURON's vectors have taken by themselves."""
        # a model's own init() may have made steps
        self._gatherer.discard()
        self._gatherer.sample()

    def discard(self) -> None:
        """Forget all samples so far."""
        self._gatherer.discard()
        self._vectors.discard()

    def take(self, samples: int) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = self._gatherer.take() | self._vectors.take()
        for name, block in taken.items():
            if block.shape[1] and len(block) != samples:
                raise SimulatorError(f"{len(block)} samples of {name} instead of {samples}")
        # a recorder without columns does not know how many samples there were
        return {k: b if b.shape[1] else np.empty((samples, 0)) for k, b in taken.items()}


def _come_down(
    pc: Any, advance: Callable[[float], None], steps: np.ndarray, held: dict[int, Any]
) -> bool:
    """Go step by step until the cells that were above their thresholds have come down.

    Returns whether some have not. All processes take the same steps.
    """
    for time in steps.tolist():
        if not pc.allreduce(len(held), 2):
            return False
        advance(time)
        release(held)
    return True


def _spans(
    settings: RunSettings, recorders: Mapping[str, Recorder], frame: Frame
) -> list[tuple[int, int]]:
    """First sample and length of each chunk; at least one."""
    columns = frame.columns
    if columns is None:
        columns = sum(len(recorder) for recorder in recorders.values())
    size = chunk_samples(columns, settings.engine)
    spans = []
    first = 0 if frame.start is None else frame.start.sample + 1
    while first < settings.samples:
        count = min(size, settings.samples - first)
        if settings.engine == "coreneuron" and settings.samples <= 2 * size:
            count = min(count, _first_part(settings.samples - first))
        if frame.period is not None:
            # sample 0 is the state before the first step
            count = min(count, frame.period - (first - 1) % frame.period)
        spans.append((first, count))
        first += count
    if not spans:
        raise UsageError(f"the run ends at {settings.tstop:g} ms, which the checkpoint is past")
    return spans


def _beyond(settings: RunSettings) -> float:
    """By which part of a step the end of a chunk lies behind its last sample."""
    if settings.adaptive:
        # the last sample of a grid is an event that must lie before the end of the chunk
        return 1e-6
    # CoreNEURON divides the time by the step and rounds down, and its time has rounding errors
    return 0.25 if settings.engine == "coreneuron" else 0.0


def _first_part(left: int) -> int:
    """Samples of the next chunk of a run of few chunks.

    CoreNEURON lets others work on a chunk only while it computes the next one, so that the last
    one should be short.
    """
    count = -(-2 * left // 3)
    return count if left - count >= CORE_CHUNK_SAMPLES // 4 else left


def _go_on(
    h: Any, cells: Sequence[SimulatedCell], synapses: Synapses | None, start: RunState
) -> None:
    """Put the model into the state that a run was left in."""
    h.t = start.time
    restart_exchange()
    for cell in cells:
        set_cell_state(cell, start.cells[cell.gid])
    # this hands the time to what advances the equations
    h.fcurrent()
    h.frecord_init()
    if synapses is not None:
        synapses.feed.rewind(start.time)
        synapses.redeliver(start.times, start.gids, start.time)


@contextlib.contextmanager
def _sampling(h: Any, sample: Callable[[], None]) -> Iterator[None]:
    """Call `sample` after each step, and leave NEURON without callbacks in the end."""
    cvode = h.CVode()
    try:
        cvode.extra_scatter_gather(0, sample)
        yield
    finally:
        # NEURON knows a callback by identity
        cvode.extra_scatter_gather_remove(sample)
        cvode.active(False)


@contextlib.contextmanager
def _engine(name: str) -> Iterator[Callable[[], None]]:
    """Yield what switches to the engine of a run, which begins in NEURON in any case."""
    if name == "neuron":
        yield lambda: None
        return
    switch = coreneuron.prepare()

    def engage() -> None:
        switch.enable = True

    try:
        yield engage
    finally:
        switch.enable = False


def _initialise(
    h: Any,
    pc: Any,
    cells: Sequence[SimulatedCell],
    settings: RunSettings,
    fields: Sequence[ExtracellularField],
) -> None:
    cvode = h.CVode()
    cvode.active(False)
    cvode.atol(settings.atol)
    cvode.rtol(settings.rtol)
    h.dt = settings.dt
    h.steps_per_ms = 1.0 / settings.dt
    h.celsius = settings.celsius
    h.secondorder = settings.secondorder
    pc.set_maxstep(MAX_STEP)
    # the variable step leaves the extracellular mechanism out, save with this solver
    cvode.use_daspk(settings.adaptive and has_extracellular())
    for field in fields:
        field.begin(settings)
    if "init" in settings.own_procedures:
        _initialise_as_the_model_does(h, settings)
    else:
        # this computes the currents of the initial state, and takes the first sample of vectors
        h.finitialize(settings.v_init)
    if settings.warmup:
        h.t = -settings.warmup * settings.dt
        restart_exchange()
        # this hands the time to what advances the equations; it leaves membrane currents that are
        # no sums of anything, which are not looked at before the next step
        h.fcurrent()
        h.frecord_init()
    for cell in cells:
        cell.queue_events()
    for field in fields:
        field.queue()


def _initialise_as_the_model_does(h: Any, settings: RunSettings) -> None:
    """Call the model's own ``init()``, which may make steps of any size and set what it likes."""
    h.v_init, h.tstop = settings.v_init, settings.tstop
    with hoc_errors(Path("init()"), Path.cwd()):
        h.init()
    h.CVode().active(False)
    # a step of no length leaves the state as it is; after it membrane currents are those of the
    # potentials, where `fcurrent` alone, by which such procedures end, leaves no sums of anything
    step = 1e-9 * settings.dt
    h.t = -step
    h.fcurrent()
    h.dt = step
    h.fadvance()
    h.dt = settings.dt
    h.steps_per_ms = 1.0 / settings.dt
    h.frecord_init()


def _settle(
    h: Any, advance: Callable[[float], None], settings: RunSettings, collectors: _Collectors
) -> None:
    """Run up to t = 0, where the collectors hold the first sample and no other."""
    if settings.warmup:
        advance(-settings.dt)
        collectors.discard()
        advance(0.0)
    else:
        collectors.sample_first()
    if settings.adaptive:
        # the variable step cannot begin before 0: fixed steps lead there
        h.t = 0.0
        h.fcurrent()
        h.CVode().active(True)
        h.CVode().re_init()
        h.frecord_init()


def _advance(solve: Callable[[float], None], h: Any, feed: EventFeed | None, until: float) -> None:
    try:
        if feed is not None:
            feed(until)
        if until > h.t:
            solve(until)
    except RuntimeError as error:
        raise SimulatorError(f"NEURON failed at t = {h.t:g} ms: {error}") from error


def _solve_as_the_model_does(h: Any, until: float) -> None:
    """Call the model's own ``advance()``, step by step."""
    while h.t < until - 0.5 * h.dt:
        expected = h.t + h.dt
        h.advance()
        if abs(h.t - expected) > 1e-6 * h.dt:
            raise SimulatorError(
                f"the model's own advance() goes from {expected - h.dt:g} to {h.t:g} ms, "
                f"which is no step of {h.dt:g} ms",
                remedy='leave it out with init = "standard" in [run]',
            )


def chunk_samples(columns: int, engine: str) -> int:
    """Samples of a chunk, by the columns of all processes."""
    if engine == "coreneuron":
        # each of its chunks takes the whole model there and back
        return max(CORE_CHUNK_SAMPLES, CORE_CHUNK_VALUES // max(columns, 1))
    return max(64, min(CHUNK_SAMPLES, CHUNK_VALUES // max(columns, 1)))


def _check_finite(blocks: Mapping[str, np.ndarray], time: float) -> None:
    for name, block in blocks.items():
        # a sum is not finite if any term is not, and costs less than a test of each
        if block.size and not np.isfinite(block[-1].sum()):
            raise SimulatorError(
                f"{name} is no longer finite before t = {time:g} ms",
                remedy="use a smaller dt, and check the conductances and weights",
            )
