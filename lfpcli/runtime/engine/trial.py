"""How long a step of the model takes that is built now, for the plan of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from lfpcli.errors import LfpError
from lfpcli.runtime.capture import captured
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.engine.begin import initialise
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.neuron import context
from lfpcli.runtime.protocols import SimulatedCell

# steps of the first stretch, seconds that the second one may take, and its bounds in steps
_FEW_STEPS = 2
_PATIENCE = 0.2
_STEPS = (5, 400)


def step_seconds(cells: Sequence[SimulatedCell], settings: RunSettings) -> float:
    """Try some steps, without recording and without input, and say how long one takes.

    Parameters
    ----------
    cells : sequence of Cell
        The cells of this process, which is alone.
    settings : RunSettings
        Step, method, temperature, engine.

    Returns
    -------
    float
        Seconds of the processor; NaN where the model cannot be tried: with the variable step, with
        an ``advance()`` of its own, or where it fails.
    """
    if settings.adaptive or settings.own_procedures or not cells:
        return math.nan
    switch = None
    try:
        with captured():
            initialise(cells, settings, [])
            if settings.engine == "coreneuron":
                switch = coreneuron.prepare()
                switch.enable = True
            return _tried(settings)
    except (LfpError, RuntimeError):
        # the run itself will tell what is wrong
        return math.nan
    finally:
        if switch is not None:
            switch.enable = False


def _tried(settings: RunSettings) -> float:
    """Seconds of a step: what a long stretch takes beyond a short one, as CoreNEURON copies."""
    done = 0

    def stretch(steps: int) -> float:
        nonlocal done
        done += steps
        before = time.process_time()
        # CoreNEURON rounds the number of steps down
        context().psolve((done - settings.warmup + 0.25) * settings.dt)
        return time.process_time() - before

    stretch(_FEW_STEPS)
    short = stretch(_FEW_STEPS)
    least, most = _STEPS
    steps = min(max(int(_PATIENCE * _FEW_STEPS / max(short, 1e-6)), least), most)
    return max(stretch(_FEW_STEPS + steps) - short, 0.0) / steps
