"""Where NEURON keeps the variables of segments in memory, through its C interface.

Reading thousands of values after each step through NEURON's own vectors costs about ten times as
much as reading them from their places.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine.memory import neuron_library
from lfpcli.runtime.neuron import nrn


def addresses(segments: Sequence[Any], variable: str) -> np.ndarray:
    """Return where a variable of each segment is, as long as the model does not change.

    NEURON moves the values when it sorts its nodes, at the first initialisation after a change; so
    this is asked for after the initialisation.

    Parameters
    ----------
    segments : sequence of nrn.Segment
        The segments.
    variable : str
        ``v`` or ``i_membrane_``.

    Returns
    -------
    ndarray of uintp, shape (N,)
        Addresses, in bytes, of doubles in mV or nA.
    """
    library, h = _functions(), nrn()
    symbol = library.nrn_symbol(variable.encode())
    pointers = np.empty(len(segments), dtype=np.uintp)
    section, pointer = None, None
    for k, segment in enumerate(segments):
        if segment.sec != section:
            # NEURON's C functions know a section only as the one that is accessed now
            section = segment.sec
            section.push()
            pointer = library.nrn_cas()
            h.pop_section()
        # this puts the address of the value, not the value, on NEURON's stack
        library.nrn_rangevar_push(symbol, pointer, segment.x)
        pointers[k] = library.nrn_double_ptr_pop()
    return pointers


@cache
def _functions() -> ctypes.CDLL:
    library = neuron_library()
    try:
        library.nrn_symbol.argtypes = [ctypes.c_char_p]
        library.nrn_symbol.restype = ctypes.c_void_p
        library.nrn_cas.restype = ctypes.c_void_p
        library.nrn_rangevar_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double]
        library.nrn_rangevar_push.restype = None
        library.nrn_double_ptr_pop.restype = ctypes.c_void_p
    except AttributeError as error:
        raise SimulatorError(
            f"NEURON's C interface is not there: {error}", remedy="use NEURON 9 from PyPI"
        ) from error
    return library
