"""The run loop: the simulator advances, and its samples are handed on in chunks."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lfpcli.errors import LfpWarning, SimulatorError
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.engine.begin import beyond, go_on, initialise, settle
from lfpcli.runtime.engine.collectors import Collectors, vector_columns
from lfpcli.runtime.engine.field import ExtracellularField
from lfpcli.runtime.engine.pages import FEW
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.spans import Frame, Span, chunk_samples, fed_samples, spans_of
from lfpcli.runtime.engine.state import ProcessMemory, release, restored_thresholds
from lfpcli.runtime.engine.tap import load_tap
from lfpcli.runtime.engine.threads import threaded
from lfpcli.runtime.engine.within_steps import behind_voltages
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.bulk import Synapses
from lfpcli.runtime.synapses.events import Feed


class Coupling(Protocol):
    """What acts on the cells after each step, by what it sees of them."""

    def begin(self) -> None:
        """Set what holds before the first step; before NEURON is initialised."""

    def step(self) -> None:
        """Set what holds during the next step; called on all processes."""


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
    settled : bool
        Whether NEURON is in the state of the last sample. In the middle of a run of CoreNEURON it
        is not, and nothing of the model may be asked or changed.
    """

    first: int
    samples: int
    blocks: dict[str, np.ndarray]
    settled: bool = True


def run(
    cells: Sequence[SimulatedCell],
    settings: RunSettings,
    recorders: Mapping[str, Recorder],
    take: Callable[[Chunk], None],
    *,
    fields: Sequence[ExtracellularField] = (),
    coupling: Coupling | None = None,
    synapses: Synapses | None = None,
    frame: Frame | None = None,
) -> None:
    """Run the cells and hand on the recorded samples in chunks.

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
    take : callable
        Gets each chunk, in their order, also while CoreNEURON computes. What it raises ends the
        run.
    fields : sequence of ExtracellularField
        What stimulates from outside; the parts of one field add, fields are of different cells.
    coupling : Coupling, optional
        What couples cells from one step to the next; with fixed steps of NEURON.
    synapses : Synapses, optional
        The synapses of the cells, which get spikes that are known before the run.
    frame : Frame, optional
        Where chunks end, and where the run begins.

    Raises
    ------
    SimulatorError
        Where NEURON fails or a potential or current is no longer finite.
    """
    frame = frame or Frame()
    feed = None if synapses is None else synapses.feed
    columns = sum(map(len, recorders.values())) if frame.columns is None else frame.columns
    with _engine(settings.engine, columns) as (engage, tapped):
        spans, rows = _layout(
            settings, recorders, frame, feed=feed, columns=columns, is_tapped=tapped is not None
        )
        outlet = _Outlet(take, spans[0].first, settings.dt)
        is_whole = tapped is not None and _is_whole(recorders, frame)
        with contextlib.ExitStack() as stack:
            interval = 1
            if is_whole:
                interval = stack.enter_context(threaded(cells, settings, rows))
            collectors = Collectors(
                recorders,
                settings,
                rows=rows,
                tapped=tapped,
                hand_over=outlet.pass_on,
                interval=interval,
            )
            advance = functools.partial(_advance, _solver(settings), feed, collectors.move)
            stack.enter_context(collectors.sampling())
            stack.enter_context(_coupled(coupling))
            if coupling is not None:
                coupling.begin()
            initialise(cells, settings, fields)
            if frame.start is None:
                settle(advance, settings, collectors)
            else:
                go_on(frame.memory or ProcessMemory(cells), synapses, frame.start)
            collectors.begin(with_sample=frame.start is None)
            # what NEURON has initialised goes over to the other engine with the next psolve
            engage()
            start = frame.start
            held = None if start is None else restored_thresholds(cells, start.above)
            _run_spans(spans, settings, held, collectors=collectors, outlet=outlet, advance=advance)


def _solver(settings: RunSettings) -> Callable[[float], None]:
    """What advances the model to a time, ms."""
    if "advance" in settings.own_procedures:
        return _solve_as_the_model_does
    solve: Callable[[float], None] = context().psolve
    return solve


class _Outlet:
    """Numbers the chunks, and looks whether they are finite, on their way out.

    Parameters
    ----------
    take : callable
        Where they go.
    first : int
        Index of the first sample.
    dt : float
        ms.
    """

    def __init__(self, take: Callable[[Chunk], None], first: int, dt: float) -> None:
        self._take, self._dt = take, dt
        self.first = first

    def pass_on(self, blocks: dict[str, np.ndarray], *, settled: bool = False) -> None:
        """Hand on the next samples."""
        samples = len(next(iter(blocks.values()), ()))
        self._check_finite(blocks, (self.first + samples - 1) * self._dt)
        chunk = Chunk(self.first, samples, blocks, settled)
        self.first += samples
        self._take(chunk)

    @staticmethod
    def _check_finite(blocks: Mapping[str, np.ndarray], time: float) -> None:
        for name, block in blocks.items():
            # a sum is not finite if any term is not, and costs less than a test of each
            if block.size and not np.isfinite(block[-1].sum()):
                raise SimulatorError(
                    f"{name} is no longer finite before t = {time:g} ms",
                    remedy="use a smaller dt, and check the conductances and weights",
                )


def _run_spans(
    spans: Sequence[Span],
    settings: RunSettings,
    held: dict[int, Any] | None,
    *,
    collectors: Collectors,
    outlet: _Outlet,
    advance: Callable[[float], None],
) -> None:
    """Advance span by span, and hand on what was collected.

    Cells in `held` were above their thresholds where the run goes on; None where it begins.
    """
    past = settings.dt * beyond(settings)
    for span in spans:
        end = span.first + span.samples
        with collectors.running():
            # all processes take the same steps, also those whose own cells are below
            if held is not None:
                steps = settings.dt * np.arange(span.first, end) + past
                held = held if _come_down(advance, steps, held) else None
            advance((end - 1) * settings.dt + past)
        outlet.pass_on(collectors.take(end - outlet.first), settled=True)


def _layout(
    settings: RunSettings,
    recorders: Mapping[str, Recorder],
    frame: Frame,
    feed: Feed | None,
    columns: int,
    is_tapped: bool,
) -> tuple[list[Span], int]:
    """Spans of a run, and the most samples of a chunk."""
    is_core = settings.engine == "coreneuron"
    longest = chunk_samples(columns, settings.engine)
    by_vectors = not is_tapped or _most(vector_columns(recorders)) > 0
    if is_core and not by_vectors and frame.period is None:
        # the tap hands on chunks in the middle of a span
        rate = 0.0 if feed is None else feed.rate
        longest_fed = _least(fed_samples(rate, settings.dt))
        return spans_of(settings, frame, longest_fed), chunk_samples(columns, "neuron")
    spans = spans_of(settings, frame, longest, last_is_short=is_core and by_vectors)
    return spans, max(span.samples for span in spans)


def _is_whole(recorders: Mapping[str, Recorder], frame: Frame) -> bool:
    """Whether all samples are tapped, and NEURON's memory is not looked at in between."""
    return frame.period is None and frame.start is None and _most(vector_columns(recorders)) == 0


def _most(value: float) -> float:
    """The largest of a value over all processes, which must agree on how a run is cut."""
    return float(context().allreduce(value, 2))


def _least(value: float) -> int:
    return int(context().allreduce(value, 3))


def _come_down(advance: Callable[[float], None], steps: np.ndarray, held: dict[int, Any]) -> bool:
    """Go step by step until the cells that were above their thresholds have come down.

    Returns whether some have not. All processes take the same steps.
    """
    pc = context()
    for time in steps.tolist():
        if not pc.allreduce(len(held), 2):
            return False
        advance(time)
        release(held)
    return True


@contextlib.contextmanager
def _coupled(coupling: Coupling | None) -> Iterator[None]:
    """Let a coupling act after each step, within, and leave NEURON with its fixed step."""
    try:
        with contextlib.nullcontext() if coupling is None else behind_voltages(coupling.step):
            yield
    finally:
        nrn().CVode().active(False)


@contextlib.contextmanager
def _engine(name: str, columns: int) -> Iterator[tuple[Callable[[], None], Path | None]]:
    """Yield what switches to the engine of a run, and CoreNEURON's library where it is tapped.

    A run begins in NEURON in any case, which initialises the model.
    """
    if name == "neuron":
        yield (lambda: None), None
        return
    # what must be compiled is so on rank 0, which tells the user
    pc = context()
    if int(pc.id()) == 0:
        _loaded()
    pc.barrier()
    switch, library, untapped = _loaded()
    # all processes do the same, or their runs would not end together
    tapped = None if _most(untapped is not None) else library
    if untapped is not None and columns > FEW:
        warnings.warn(
            f"recording from CoreNEURON takes long to set up, as there is no tap: {untapped}",
            LfpWarning,
            stacklevel=4,
        )

    def engage() -> None:
        switch.enable = True

    try:
        yield engage, tapped
    finally:
        switch.enable = False


def _loaded() -> tuple[Any, Path, str | None]:
    """The switch to CoreNEURON, its library, and why that is not tapped; a second time at once."""
    switch, library = coreneuron.prepare(), coreneuron.core_library()
    assert library is not None  # or there was nothing to prepare
    return switch, library, load_tap(library)


def _advance(
    solve: Callable[[float], None],
    feed: Feed | None,
    move: Callable[[], None],
    until: float,
) -> None:
    h = nrn()
    move()
    try:
        if feed is not None:
            feed(until)
        if until > h.t:
            solve(until)
    except RuntimeError as error:
        raise SimulatorError(
            f"NEURON failed at t = {h.t:g} ms: {error}",
            remedy="shorten run.dt, or correct the mechanism",
        ) from error


def _solve_as_the_model_does(until: float) -> None:
    """Call the model's own ``advance()``, step by step."""
    h = nrn()
    while h.t < until - 0.5 * h.dt:
        expected = h.t + h.dt
        h.advance()
        if abs(h.t - expected) > 1e-6 * h.dt:
            raise SimulatorError(
                f"the model's own advance() goes from {expected - h.dt:g} to {h.t:g} ms, "
                f"which is no step of {h.dt:g} ms",
                remedy='leave it out with init = "standard" in [run]',
            )
