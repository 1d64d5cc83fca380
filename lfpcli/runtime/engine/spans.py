"""How a run is cut: stretches that the simulator computes at once, and chunks of samples."""

from __future__ import annotations

from dataclasses import dataclass

from lfpcli.errors import UsageError
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.state import ProcessMemory, RunState

# doubles that the recorders may hold between two chunks, and the longest chunk
CHUNK_VALUES = 1 << 19
CHUNK_SAMPLES = 4096
# samples of the shortest one, which matrices multiply well, save where they would be more doubles
# than this: those of a short run would wait until its end, and their memory would be large
SHORTEST_CHUNK = 64
SHORT_CHUNK_VALUES = 1 << 23
SHORT_CHUNK = 16
CORE_CHUNK_VALUES = 1 << 22
CORE_CHUNK_SAMPLES = 256
# events of spike trains that lie in NEURON's queue at once, about 100 bytes each
QUEUED_EVENTS = 1 << 20


@dataclass(frozen=True)
class Frame:
    """Where chunks end, and where a run begins.

    Attributes
    ----------
    columns : int, optional
        Columns of all recorders of all processes, which must be given where there are several:
        their chunks must end together, wherever the cells are.
    period : int, optional
        Samples after each of which a chunk ends, with NEURON in the state of its last sample.
    start : RunState, optional
        Where to go on.
    memory : ProcessMemory, optional
        What the cells remember, which is set where the run goes on.
    """

    columns: int | None = None
    period: int | None = None
    start: RunState | None = None
    memory: ProcessMemory | None = None

    @property
    def first(self) -> int:
        """Index of the first sample."""
        return 0 if self.start is None else self.start.sample + 1


@dataclass(frozen=True)
class Span:
    """Samples that the simulator computes at once.

    Attributes
    ----------
    first : int
        Index of the first one.
    samples : int
        How many there are.
    """

    first: int
    samples: int


def spans_of(
    settings: RunSettings, frame: Frame, longest: int, *, last_is_short: bool = False
) -> list[Span]:
    """Cut a run.

    Parameters
    ----------
    settings : RunSettings
        Times and step.
    frame : Frame
        Where it begins, and what its ends must not cross.
    longest : int
        Most samples of a span.
    last_is_short : bool
        Whether the last span of a run of few ones should be short: others work on a span only
        while the simulator computes the next one.

    Returns
    -------
    list of Span
        One at least.

    Raises
    ------
    UsageError
        Where the run ends before it begins.
    """
    spans = []
    first = frame.first
    while first < settings.samples:
        count = min(longest, settings.samples - first)
        if last_is_short and settings.samples <= 2 * longest:
            count = min(count, _first_part(settings.samples - first))
        if frame.period is not None:
            # sample 0 is the state before the first step
            count = min(count, frame.period - (first - 1) % frame.period)
        spans.append(Span(first, count))
        first += count
    if not spans:
        raise UsageError(f"the run ends at {settings.tstop:g} ms, which the checkpoint is past")
    return spans


def _first_part(rest: int) -> int:
    """Samples of the next span of a run of few spans, where so many are left."""
    count = -(-2 * rest // 3)
    return count if rest - count >= CORE_CHUNK_SAMPLES // 4 else rest


def chunk_samples(columns: int, engine: str) -> int:
    """Samples of a chunk, by the columns of all processes.

    Parameters
    ----------
    columns : int
        Columns of all recorders.
    engine : {'neuron', 'coreneuron'}
        The second one where vectors of NEURON are recorded: the more samples at once, the seldomer
        the whole model goes there and back.
    """
    if engine == "coreneuron":
        return max(CORE_CHUNK_SAMPLES, CORE_CHUNK_VALUES // max(columns, 1))
    columns = max(columns, 1)
    shortest = max(SHORT_CHUNK, min(SHORTEST_CHUNK, SHORT_CHUNK_VALUES // columns))
    return max(shortest, min(CHUNK_SAMPLES, CHUNK_VALUES // columns))


def fed_samples(rate: float, dt: float) -> int:
    """Samples that may be computed at once, by the events per ms that spike trains bring."""
    return max(SHORTEST_CHUNK, int(QUEUED_EVENTS / (rate * dt))) if rate > 0 else 1 << 62
