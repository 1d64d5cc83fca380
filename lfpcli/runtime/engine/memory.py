"""Where NEURON keeps what mechanisms remember, through the functions that compiled mechanisms use.

Python reaches RANGE variables alone. A mechanism keeps more: ASSIGNED variables that are not RANGE,
and the time of its last event. NEURON's own SaveState writes all of it for mechanisms that receive
events, and the STATE variables alone of others; here all of it is read of all mechanisms.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.mechanisms.toolchain import neuron_folder

# bytes from the begin of an object to what is read of it, in NEURON 9 for 64 bits: NEURON's object
# in Python's one, the mechanism of a segment in Python's, the C++ object of a NetCon in NEURON's
_OBJECT, _MECHANISM, _THIS = 16, 24, 8
# the memory of a point process in it, the weights of a NetCon, the target of a reference
_MEMORY, _WEIGHTS, _TARGET = 16, 32, 24
# NEURON's entries of a mechanism that are no numbers: their size, and where each holds its pointer
_ENTRY, _ENTRY_POINTER = 40, 16
_DOUBLE = 8


def object_address(thing: Any) -> int:
    """Where NEURON's object behind one of Python's is; the same for all of Python's."""
    return _pointer(id(thing) + _OBJECT)


def point_address(point: Any) -> int:
    """Where a point process is."""
    return int(_library().point_of(object_address(point)) or 0)


def point_memory(point: Any) -> int:
    """Where the memory of a point process is."""
    return _pointer(point_address(point) + _MEMORY)


def mechanism_memory(mechanism: Any) -> int:
    """Where the memory of a density mechanism in a segment is, ``segment.hh``."""
    return _pointer(id(mechanism) + _MECHANISM)


def weights_address(netcon: Any) -> int:
    """Where the weights of a connection are: all arguments of its NET_RECEIVE."""
    address = _pointer(_pointer(object_address(netcon) + _THIS) + _WEIGHTS)
    if _double(address).value != netcon.weight[0]:
        raise _unknown("the weights of a connection are elsewhere")
    return address


def is_range_variable(reference: Any) -> bool:
    """Whether a reference is to a variable of a segment or mechanism, not to a number of hoc."""
    return _pointer(id(reference) + _TARGET) != 0


def variable_addresses(memories: Sequence[int]) -> np.ndarray:
    """Where all variables of mechanisms are, until the model changes.

    Parameters
    ----------
    memories : sequence of int
        See `point_memory` and `mechanism_memory`.

    Returns
    -------
    ndarray of uintp, shape (variables,)
        Addresses, in bytes, of doubles in NEURON's units, mechanism after mechanism.
    """
    library = _library()
    parts = [np.zeros(0, np.uintp)]
    # NEURON keeps one variable of all instances side by side: where those of one instance are
    # tells where those of the others are
    known: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}
    for memory in memories:
        number = library.type_of(memory)
        if number not in known:
            known[number] = _layout(memory, number)
        first, addresses, sizes = known[number]
        if not len(addresses):
            continue
        address = int(library.variable(memory, 0, 0))
        # of instances, times the elements of each variable
        distance = (address - first) // (_DOUBLE * int(sizes[0]))
        parts.append((addresses + distance * _DOUBLE * sizes).astype(np.uintp))
    return np.concatenate(parts)


def _layout(memory: int, number: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Address of the first variable, of all elements, and elements of the variable of each."""
    library = _library()
    count = library.variables(memory)
    elements = library.elements(number)
    addresses: list[int] = []
    sizes: list[int] = []
    for variable in range(count):
        size = elements[variable]
        begin = int(library.variable(memory, variable, 0))
        addresses += range(begin, begin + size * _DOUBLE, _DOUBLE)
        sizes += [size] * size
    first = addresses[0] if addresses else 0
    return first, np.array(addresses, np.int64), np.array(sizes, np.int64)


def variable_address(memory: int, index: int, element: int) -> int:
    """Where one variable of a mechanism is, or an element of it, until the model changes."""
    return int(_library().variable(memory, index, element))


def variable_sizes(memory: int) -> list[int]:
    """Elements of each variable of a mechanism, in NEURON's order."""
    library = _library()
    elements = library.elements(library.type_of(memory))
    return [elements[k] for k in range(library.variables(memory))]


def put(addresses: np.ndarray, values: np.ndarray) -> None:
    """Write doubles to their addresses, shapes (n,)."""
    for address, value in zip(addresses.tolist(), values.tolist(), strict=True):
        _double(address).value = value


def send_to_itself(point: Any, *, time: float, flag: float, slot: int, weights: int | None) -> None:
    """Put an event into NEURON's queue, as ``net_send`` in a mechanism does.

    Parameters
    ----------
    point : HocObject
        The point process.
    time : float
        When it arrives, ms.
    flag : float
        Its flag.
    slot : int
        Number of the mechanism's entry that keeps the event for ``net_move``.
    weights : int or None
        Address of the weights of the connection whose event it followed.
    """
    library = _library()
    address = point_address(point)
    entries = _pointer(int(library.entries(_pointer(address + _MEMORY))))
    # the second entry of a point process is always the process itself
    if _pointer(entries + _ENTRY + _ENTRY_POINTER) != address:
        raise _unknown("the entries of a point process are elsewhere")
    library.send(entries + slot * _ENTRY, weights, address, time, flag)


def clear_queue() -> None:
    """Take all events from NEURON's queue, and put those of played vectors into it anew."""
    library = _library()
    library.clear()
    library.play()


def _pointer(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def _double(address: int) -> ctypes.c_double:
    return ctypes.c_double.from_address(address)


class _Functions:
    """NEURON's C++ functions, under the names that compilers for Linux and macOS give them."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, number = ctypes.c_void_p, ctypes.c_int

        def function(name: str, result: Any, *arguments: Any) -> Any:
            entry = getattr(library, name)
            entry.restype, entry.argtypes = result, arguments
            return entry

        self.point_of = function("_Z12ob2pntproc_0P6Object", pointer, pointer)
        self.type_of = function("_Z23_nrn_mechanism_get_typeP4Prop", number, pointer)
        self.variables = function("_Z27_nrn_mechanism_get_num_varsP4Prop", number, pointer)
        self.elements = function(
            "_ZN6neuron9mechanism14get_array_dimsIdEEPKii", ctypes.POINTER(number), number
        )
        access = "_Z27_nrn_mechanism_access_paramP4Propii"
        self.variable = function(access, pointer, pointer, number, number)
        self.entries = function("_Z28_nrn_mechanism_access_dparamP4Prop", pointer, pointer)
        send = "_Z12nrn_net_sendPN6neuron9container19generic_data_handleEPdP13Point_processdd"
        self.send = function(
            send, None, pointer, pointer, pointer, ctypes.c_double, ctypes.c_double
        )
        self.clear = function("_Z17clear_event_queuev", None)
        self.play = function("_Z13nrn_play_initv", None)


@cache
def neuron_library() -> ctypes.CDLL:
    """NEURON's library, which is loaded already.

    Raises
    ------
    SimulatorError
        Where it is not there.
    """
    paths = sorted((neuron_folder() / ".data/lib").glob("libnrniv.*"))
    try:
        return ctypes.CDLL(str(paths[0]))
    except (IndexError, OSError) as error:
        raise SimulatorError(
            f"NEURON's C interface is not there: {error}", remedy="use NEURON 9 from PyPI"
        ) from error


@cache
def _library() -> _Functions:
    try:
        return _Functions(neuron_library())
    except AttributeError as error:
        raise _unknown(str(error)) from error


def _unknown(text: str) -> SimulatorError:
    return SimulatorError(
        f"the memory of NEURON's mechanisms is not that of NEURON 9: {text}",
        remedy="use NEURON 9 from PyPI, or run without checkpoints",
    )
