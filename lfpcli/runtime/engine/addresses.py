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
from lfpcli.runtime.neuron import context, nrn

_DOUBLE = 8
# segments by which the order of nodes in memory is checked
_SAMPLES = 64


def addresses(segments: Sequence[Any], variable: str) -> np.ndarray:
    """Return where a variable of each segment is, as long as the model does not change.

    NEURON moves the values when it sorts its nodes, at the first initialisation after a change; so
    this is asked for after the initialisation.

    Parameters
    ----------
    segments : sequence of nrn.Segment
        The segments.
    variable : str
        ``v``, ``i_membrane_``, ``ica``, ``m_hh``; no array.

    Returns
    -------
    ndarray of uintp, shape (N,)
        Addresses, in bytes, of doubles in NEURON's units.
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


def node_addresses(segments: Sequence[Any], variable: str) -> np.ndarray:
    """Return where a variable of nodes is, see `addresses`, with few calls into NEURON.

    Once NEURON has sorted its nodes, one variable of all those of a thread lies side by side, in
    the order of their indices.

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
    if len(segments) <= _SAMPLES:
        return addresses(segments, variable)
    indices = np.array([segment.node_index() for segment in segments], np.uintp)
    threads = thread_numbers(segments)
    nodes = np.empty(len(segments), np.uintp)
    order = np.argsort(threads, kind="stable")
    ends = np.flatnonzero(np.diff(threads[order])) + 1
    for of_thread in np.split(order, ends):
        steps = np.linspace(0, len(of_thread) - 1, _SAMPLES).astype(int)
        chosen = np.unique(of_thread[steps])
        some = addresses([segments[k] for k in chosen.tolist()], variable)
        first = some - indices[chosen] * np.uintp(_DOUBLE)
        if np.any(first != first[0]):
            return addresses(segments, variable)
        nodes[of_thread] = first[0] + indices[of_thread] * np.uintp(_DOUBLE)
    return nodes


def thread_numbers(segments: Sequence[Any]) -> np.ndarray:
    """Say in which of NEURON's threads segments are.

    Parameters
    ----------
    segments : sequence of nrn.Segment
        The segments.

    Returns
    -------
    ndarray of int32, shape (N,)
        Numbers of the threads.
    """
    count = int(context().nthread())
    if count == 1:
        return np.zeros(len(segments), np.int32)
    thread_of = {}
    for number in range(count):
        for root in context().get_partition(number):
            thread_of.update(dict.fromkeys(root.wholetree(), number))
    return np.array([thread_of[segment.sec] for segment in segments], np.int32)


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
