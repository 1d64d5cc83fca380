"""How a run begins: in the initial state of the model, or where another run was left."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from lfpcli.errors import SimulatorError
from lfpcli.runtime.capture import captured
from lfpcli.runtime.cell.points import disconnect_deleted
from lfpcli.runtime.engine.checks import check_delays, check_mechanisms
from lfpcli.runtime.engine.collectors import Collectors
from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.engine.field import ExtracellularField, has_extracellular
from lfpcli.runtime.engine.hidden import is_point_process, source_of
from lfpcli.runtime.engine.junctions import settle_junctions
from lfpcli.runtime.engine.queue import forget_initial_events, send_again
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.state import ProcessMemory, RunState
from lfpcli.runtime.hoc.hoc import hoc_errors
from lfpcli.runtime.neuron import context, nrn
from lfpcli.runtime.protocols import SimulatedCell
from lfpcli.runtime.synapses.bulk import Synapses, restart_exchange

# NEURON wants an upper bound of its own step, ms
MAX_STEP = 10.0
# both engines divide the time left by the step and round down; their time has rounding errors,
# which they forgive by a share of the time they go to, that is not at all at 0
PAST = 0.25
# what NEURON says of a FUNCTION_TABLE without values
_NO_TABLE = "hoc_func_table"


def initialise(
    cells: Sequence[SimulatedCell],
    settings: RunSettings,
    fields: Sequence[ExtracellularField],
) -> None:
    """Set what the run needs of NEURON, and put the model into its initial state.

    Raises
    ------
    SimulatorError
        Where the model would end NEURON, or draw numbers by chance.
    """
    check_mechanisms(settings.seed)
    h = nrn()
    cvode = h.CVode()
    cvode.active(False)
    cvode.atol(settings.atol)
    cvode.rtol(settings.rtol)
    h.dt = settings.dt
    h.steps_per_ms = 1.0 / settings.dt
    h.celsius = settings.celsius
    h.secondorder = settings.secondorder
    # this finds the shortest delay of all processes
    check_delays(float(context().set_maxstep(MAX_STEP)), settings)
    for cell in cells:
        for synapse in cell.synapses:
            # its events come at given times, but CoreNEURON counts all connections
            synapse.netcon.delay = max(1.0, 3 * settings.dt)
    # the variable step leaves the extracellular mechanism out, save with this solver
    cvode.use_daspk(settings.adaptive and has_extracellular())
    for field in fields:
        field.begin(settings)
    disconnect_deleted()
    if "init" in settings.own_procedures:
        _initialise_as_the_model_does(settings)
    else:
        # behind what the model's own handlers set; these come in the order in which they were made
        handler = h.FInitializeHandler(1, lambda: settle_junctions(settings.v_init))
        # this computes the currents of the initial state, and takes the first sample of vectors
        try:
            h.finitialize(settings.v_init)
        except RuntimeError as error:
            if _NO_TABLE in str(error):
                raise _without_table() from error
            raise
        del handler
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


def _without_table() -> SimulatorError:
    """The error for a FUNCTION_TABLE whose values nobody gave."""
    for name in sorted(used_mechanisms()):
        table = re.search(r"\bFUNCTION_TABLE\s+(\w+)", source_of(name))
        if table is not None:
            setter = f"h.table_{table[1]}_{name}"
            if is_point_process(name):
                setter = f"table_{table[1]} of each"
            return SimulatorError(
                f"mechanism '{name}' has a FUNCTION_TABLE '{table[1]}' without values",
                remedy=f"let the model's code give them, by {setter}, or leave it out",
            )
    return SimulatorError("a FUNCTION_TABLE has no values", remedy="let the model's code give them")


def _initialise_as_the_model_does(settings: RunSettings) -> None:
    """Call the model's own ``init()``, which may make steps of any size and set what it likes."""
    h = nrn()
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


def settle(advance: Callable[[float], None], settings: RunSettings, collectors: Collectors) -> None:
    """Run up to t = 0, where the collectors hold the first sample and no other."""
    if settings.warmup:
        # fixed steps lead here, also to where the variable one begins
        past = PAST * settings.dt
        advance(past - settings.dt)
        collectors.discard()
        advance(past)
    else:
        collectors.sample_first()
    if settings.adaptive:
        h = nrn()
        # the variable step cannot begin before 0: fixed steps lead there
        h.t = 0.0
        h.fcurrent()
        _begin_variable_step()
        h.frecord_init()


def _begin_variable_step() -> None:
    """Turn the variable time step on, which some mechanisms do not go with.

    Raises
    ------
    SimulatorError
        Names the mechanism.
    """
    cvode = nrn().CVode()
    try:
        with captured() as said:
            cvode.active(True)
            cvode.re_init()
    except RuntimeError as error:
        refused = re.search(r"(\w+) cannot be used with CVODE", said.text)
        reason = f"mechanism '{refused[1]}' does not go" if refused else "the model does not go"
        raise SimulatorError(
            f"{reason} with the variable time step", remedy="give run.dt a number"
        ) from error


def beyond(settings: RunSettings) -> float:
    """By which part of a step the end of a chunk lies behind its last sample."""
    # the last sample of a grid is an event that must lie before the end of the chunk
    return 1e-6 if settings.adaptive else PAST


def go_on(memory: ProcessMemory, synapses: Synapses | None, start: RunState) -> None:
    """Put the model into the state that a run was left in."""
    h = nrn()
    forget_initial_events()
    h.t = start.time
    restart_exchange()
    memory.restore(start.cells)
    # these hand the time to what advances the equations, compute currents, and run the blocks
    # BEFORE STEP, by which mechanisms may change what they remember
    h.fcurrent()
    h.frecord_init()
    memory.restore(start.cells)
    if synapses is not None:
        synapses.feed.rewind(start.time)
        synapses.redeliver(start.times, start.gids, start.time)
    send_again(memory, start.events)
