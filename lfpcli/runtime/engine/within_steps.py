"""Calls of ours in the fixed steps of NEURON, behind its potentials or behind all of its states.

In a step NEURON solves for the potentials, calls back, lets mechanisms advance their states, calls
what rxd adds to them, runs the blocks AFTER SOLVE and BEFORE STEP, and lets its vectors take their
samples. Between the last state and the vectors nothing changes where no mechanism has such a block.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Callable, Iterator

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.engine.hidden import source_of
from lfpcli.runtime.engine.memory import neuron_library
from lfpcli.runtime.neuron import context, nrn

# NEURON calls one function for all that a method may add: which, size, two arrays, thread
_ARGUMENTS = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_BLOCK = ctypes.CFUNCTYPE(ctypes.c_int, *_ARGUMENTS)
# the last one of a fixed step
_SOLVE_STATES = 4
_LATE_BLOCK = re.compile(r"\b(AFTER\s+SOLVE|BEFORE\s+STEP)\b")


@contextlib.contextmanager
def behind_voltages(callback: Callable[[], None]) -> Iterator[None]:
    """Call a function in each step once potentials and membrane currents are those of its end."""
    cvode = nrn().CVode()
    cvode.extra_scatter_gather(0, callback)
    try:
        yield
    finally:
        # NEURON knows a callback by identity
        cvode.extra_scatter_gather_remove(callback)


@contextlib.contextmanager
def behind_states(callback: Callable[[], None]) -> Iterator[None]:
    """Call a function in each fixed step once all states are those of its end as well."""
    errors: list[BaseException] = []

    def block(method: int, *_: int | None) -> int:
        if method != _SOLVE_STATES:
            return 0
        try:
            callback()
        except BaseException as error:
            errors.append(error)
            # NEURON ends the step with an error of its own
            return -1
        return 0

    library = neuron_library()
    called = _BLOCK(block)
    library.set_nonvint_block(called)
    try:
        yield
    except SimulatorError as error:
        if not errors:
            raise
        raise errors[0] from error
    finally:
        library.unset_nonvint_block(called)


def are_states_final() -> bool:
    """Whether `behind_states` sees what NEURON's own vectors get, in the model that is built."""
    if int(context().nthread()) != 1:
        return False
    return not any(_LATE_BLOCK.search(source_of(name)) for name in used_mechanisms())
