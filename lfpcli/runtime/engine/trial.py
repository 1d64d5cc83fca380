"""How long a step of the model takes that is built now, for the plan of a run."""

from __future__ import annotations

import contextlib
import math
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from lfpcli.errors import LfpError
from lfpcli.runtime.capture import captured
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.engine.begin import initialise
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.spans import SHORTEST_CHUNK
from lfpcli.runtime.engine.threads import threaded
from lfpcli.runtime.neuron import context
from lfpcli.runtime.protocols import SimulatedCell

# steps of the first stretch, seconds that the second one may take, and its bounds in steps
_FEW_STEPS = 2
_PATIENCE = 0.3
_STEPS = (20, 400)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What the first steps of a model took.

    Attributes
    ----------
    begin, step : float
        Seconds of the processor until the first step, and for each one; NaN where none was tried.
    """

    begin: float = math.nan
    step: float = math.nan


def peak_memory() -> float:
    """Most bytes that this process has had at any time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kilobytes
    return float(peak if sys.platform == "darwin" else 1024 * peak)


def tried_steps(cells: Sequence[SimulatedCell], settings: RunSettings) -> Stretch:
    """Try some steps, without recording and without input, and say how long they take.

    Parameters
    ----------
    cells : sequence of Cell
        The cells of this process, which is alone.
    settings : RunSettings
        Step, method, temperature, engine.

    Returns
    -------
    Stretch
        NaN where the model cannot be tried: with the variable step, with an ``advance()`` of its
        own, or where it fails.
    """
    if settings.adaptive or settings.own_procedures or not cells:
        return Stretch()
    switch = None
    before = time.process_time()
    try:
        with captured(), contextlib.ExitStack() as stack:
            if settings.engine == "coreneuron":
                switch = coreneuron.prepare()
                stack.enter_context(threaded(cells, settings, SHORTEST_CHUNK))
            initialise(cells, settings, [])
            if switch is not None:
                switch.enable = True
            first, step = _tried(settings)
            return Stretch(begin=first - before - _FEW_STEPS * step, step=step)
    except (LfpError, RuntimeError):
        # the run itself will tell what is wrong
        return Stretch()
    finally:
        if switch is not None:
            switch.enable = False


def _tried(settings: RunSettings) -> tuple[float, float]:
    """When the first steps are done, and seconds of a step.

    The latter is what a long stretch takes beyond a short one, as CoreNEURON copies the model.
    """
    done = 0

    def stretch(steps: int) -> float:
        nonlocal done
        done += steps
        before = time.process_time()
        # CoreNEURON rounds the number of steps down
        context().psolve((done - settings.warmup + 0.25) * settings.dt)
        return time.process_time() - before

    stretch(_FEW_STEPS)
    first = time.process_time()
    short = stretch(_FEW_STEPS)
    least, most = _STEPS
    steps = min(max(int(_PATIENCE * _FEW_STEPS / max(short, 1e-6)), least), most)
    beyond = stretch(_FEW_STEPS + steps) - short
    if beyond < 0.5 * short and steps < most:
        # what it takes to copy the model would hide them
        steps = min(max(int(steps * _PATIENCE / max(beyond, 1e-3)), least), most)
        beyond = stretch(_FEW_STEPS + steps) - short
    return first, max(beyond, 0.0) / steps
