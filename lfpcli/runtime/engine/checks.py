"""What would end NEURON or make numbers of chance, found before a run and named."""

from __future__ import annotations

import ctypes
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import LfpWarning, SimulatorError
from lfpcli.runtime.engine.c_state import ProcessGenerator, clock_seed, process_generator
from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.engine.hidden import shared_memory
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.shared_values import unset_local
from lfpcli.runtime.engine.unconnected import unconnected_argument
from lfpcli.runtime.mechanisms.blocks import blocks_of
from lfpcli.runtime.mechanisms.bounds import DECLARATIONS, missing_element
from lfpcli.runtime.mechanisms.c_code import VERBATIM
from lfpcli.runtime.mechanisms.library import Mechanism
from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.random_streams import stream_variables
from lfpcli.runtime.mechanisms.sources import (
    core_pointers_in,
    neuron_block,
    pointers_in,
    without_comments,
)
from lfpcli.runtime.mpi.job import launched
from lfpcli.runtime.neuron import context, nrn

# steps that spikes between processes must take; CoreNEURON takes one for its own threads
_FEWEST_STEPS = {"neuron": 1, "coreneuron": 2}


def check_mechanisms(seed: int | None) -> None:
    """Look at the mechanisms that the model uses, before its initial state.

    Parameters
    ----------
    seed : int or None
        Of the run; it sets the stream that all cells of this process share, where one draws from
        it.

    Raises
    ------
    SimulatorError
        Where a POINTER is not set, which NEURON would follow to nowhere; or where an element of an
        array is not there, or a LOCAL variable is read before it is set; or where, on several
        processes, random numbers come from a stream, or numbers from a variable, that all cells of
        a process share; or where an event of no connection needs an argument of one.
    """
    used = used_mechanisms()
    for library in loaded_libraries():
        for mechanism in library.mechanisms:
            if mechanism.name in used:
                _check_mechanism(mechanism, seed)


def _check_mechanism(mechanism: Mechanism, seed: int | None) -> None:
    text = without_comments(_source(mechanism))
    verbatim = " ".join(VERBATIM.findall(text))
    block = neuron_block(text)
    unset = [name for name in pointers_in(block) if _is_unset(mechanism, name)]
    # most of these are for C code alone, which asks whether they are set
    read = [name for name in core_pointers_in(block) if _is_read(name, text)]
    numbers = [name for name in read if _is_unset(mechanism, name)]
    for name in [*unset, *numbers]:
        # C code that has the pointer itself may ask whether it is set
        if f"_p_{name}" not in verbatim:
            raise SimulatorError(
                f"the POINTER '{name}' of mechanism '{mechanism.name}' is not set",
                source=mechanism.file,
                remedy="let the model's code set it (setpointer), or leave the mechanism out",
            )
    _check_memory(mechanism, text)
    clock = clock_seed(text)
    if clock is not None:
        raise SimulatorError(
            f"mechanism '{mechanism.name}' takes a seed from {clock}: no run could be repeated",
            source=mechanism.file,
            remedy="seed with a number, or declare RANDOM and draw from that",
        )
    pointers = [each.name for each in stream_variables(text) if each.takes != "variable"]
    is_unset = bool(unset) or any(_is_unset(mechanism, name) for name in pointers)
    generator = process_generator(text, is_pointer_unset=is_unset)
    if generator is not None:
        _set_chance(mechanism, generator, seed)
    argument = unconnected_argument(text)
    if argument is not None:
        raise SimulatorError(
            f"mechanism '{mechanism.name}' needs '{argument}' of a connection in an event that "
            "INITIAL has sent, which belongs to none",
            source=mechanism.file,
            remedy="use no argument of NET_RECEIVE for that flag, or keep it in an ASSIGNED",
        )
    shared = shared_memory(text) if launched()[0] > 1 else None
    if shared is not None:
        raise SimulatorError(
            f"mechanism '{mechanism.name}' {shared}: results would depend on the number of "
            "processes",
            source=mechanism.file,
            remedy="declare the variable RANGE, or run it on one process",
        )


def _is_read(name: str, text: str) -> bool:
    """Whether statements of NMODL read a variable."""
    bodies = []
    for block in blocks_of(VERBATIM.sub(" ", text)):
        if block.keyword not in DECLARATIONS:
            bodies.append(block.body)
    return re.search(rf"\b{name}\b", " ".join(bodies)) is not None


def _check_memory(mechanism: Mechanism, text: str) -> None:
    """Refuse what reads or writes where nothing of the mechanism is."""
    missing = missing_element(text)
    if missing is not None:
        raise SimulatorError(
            f"array '{missing.array}' of mechanism '{mechanism.name}' has {missing.size} elements, "
            f"and its code names element {missing.index}",
            source=mechanism.file,
            remedy="correct the index, which counts from 0",
        )
    local = unset_local(text)
    if local is not None:
        raise SimulatorError(
            f"mechanism '{mechanism.name}' reads LOCAL '{local}' before it is set: numbers would be"
            " of chance",
            source=mechanism.file,
            remedy="set it before, or declare it ASSIGNED if it is to last",
        )


def _source(mechanism: Mechanism) -> str:
    """Text of a mechanism as NEURON keeps it; its file may be gone since it was compiled."""
    types = nrn().MechanismType(0 if mechanism.nature == "density" else 1)
    types.select(mechanism.name)
    return str(types.code() or "")


def _set_chance(mechanism: Mechanism, generator: ProcessGenerator, seed: int | None) -> None:
    """Refuse, seed, or warn of the stream that all cells of a process draw from."""
    text = (
        f"mechanism '{mechanism.name}' draws from {generator.name}, one stream of a whole process"
    )
    if launched()[0] > 1:
        remedy = f"'lfp mechs --port {Path(mechanism.file).parent} -o NEW' gives each its own"
        if generator.is_of_c:
            remedy = "declare RANDOM rng in its file and draw random_uniform(rng), of each instance"
        raise SimulatorError(
            f"{text}: results would depend on the number of processes",
            source=mechanism.file,
            remedy=remedy,
        )
    if seed is None or not generator.can_be_seeded:
        warnings.warn(f"{text}, which no seed sets", LfpWarning, stacklevel=5)
    else:
        _seed_streams_of_process(seed)


def _seed_streams_of_process(seed: int) -> None:
    """Set where NMODL's ``scop_random``, by which its other functions draw, and C's go on."""
    import neuron

    words = np.random.SeedSequence([seed, zlib.crc32(b"scop_random")])
    word = int(words.generate_state(1, np.uint32)[0])
    # set_seed(double) of NEURON's library, under its name for C++
    set_seed = neuron.nrn_dll_sym("_Z8set_seedd")
    set_seed.argtypes, set_seed.restype = [ctypes.c_double], None
    set_seed(float(word))
    of_c = ctypes.CDLL(None)
    for name, type_of_seed in (
        ("srand", ctypes.c_uint),
        ("srandom", ctypes.c_uint),
        ("srand48", ctypes.c_long),
    ):
        function = getattr(of_c, name)
        function.argtypes, function.restype = [type_of_seed], None
        function(word)


def _is_unset(mechanism: Mechanism, pointer: str) -> bool:
    """Whether a pointer of any instance points nowhere."""
    density = mechanism.nature == "density"
    name = f"{pointer}_{mechanism.name}" if density else pointer
    for owner in _instances(mechanism):
        try:
            getattr(owner, name)
        except (ValueError, RuntimeError, AttributeError):
            return True
    return False


def _instances(mechanism: Mechanism) -> Iterator[Any]:
    """Segments with a density mechanism, or all point processes of a class."""
    h = nrn()
    if mechanism.nature != "density":
        points = h.List(mechanism.name)
        yield from (points.o(k) for k in range(int(points.count())))
        return
    for section in h.allsec():
        if section.has_membrane(mechanism.name):
            yield from section


def check_delays(shortest: float, settings: RunSettings) -> None:
    """Look at the shortest delay of spikes between processes.

    Parameters
    ----------
    shortest : float
        ms; of all processes.
    settings : RunSettings
        Engine and step.

    Raises
    ------
    SimulatorError
        Where it has fewer steps than the engine needs, which it would abort at.
    """
    fewest = _FEWEST_STEPS[settings.engine]
    if int(context().nhost()) == 1 or settings.adaptive:
        return
    # CoreNEURON rounds down, also what is less by nearly nothing
    if shortest / settings.dt < fewest:
        steps = "one step" if fewest == 1 else f"{fewest} steps"
        raise SimulatorError(
            f"the shortest delay between cells is {shortest:g} ms, less than {steps} of dt = "
            f"{settings.dt:g} ms",
            remedy="use a smaller dt, or one process",
        )
