"""CoreNEURON: whether a model runs in it, and what must be set before it does."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, LfpError, SimulatorError
from lfpcli.runtime.cell.points import is_artificial
from lfpcli.runtime.engine.hidden import sends_to_itself, source_of
from lfpcli.runtime.mechanisms.build import build_core_builtins
from lfpcli.runtime.mechanisms.library import Library
from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.own import GAP
from lfpcli.runtime.mechanisms.sources import read_mod
from lfpcli.runtime.mechanisms.toolchain import neuron_folder
from lfpcli.runtime.neuron import nrn

# what wants a pointer to be empty, as bbcore_read of some synapses does: assert(!_p_rng)
_EMPTY = re.compile(r"\bassert\s*\(\s*(?:!\s*_p_\w+|_p_\w+\s*==\s*(?:NULL|nullptr|0)\b)")


@cache
def builtin_names() -> frozenset[str]:
    """Mechanisms that CoreNEURON has without compiling any."""
    names = {"capacitance", "morphology"}
    for path in (neuron_folder() / ".data/share/modfile").glob("*.mod"):
        try:
            names.add(read_mod(path).name)
        except InputError:
            continue  # a file of NEURON's without a mechanism
    return frozenset(names)


def obstacle(*, adaptive: bool = False) -> str | None:
    """Say why the model that is built now cannot run in CoreNEURON.

    CoreNEURON ends the whole process where a mechanism is not in its library, so this must be
    asked before.

    Parameters
    ----------
    adaptive : bool
        Whether the variable time step is asked for.

    Returns
    -------
    str or None
        The reason; None where nothing stands against it.
    """
    if not _enabled():
        return "this NEURON was built without CoreNEURON"
    if adaptive:
        return "it has no variable time step"
    libraries = loaded_libraries()
    if len(libraries) > 1:
        return "mechanisms were loaded from more than one compiled library"
    if _core_of(libraries) is None and _internal() is None:
        return "no mechanism of this model was compiled for it"
    refused = libraries[0].refused if libraries else {}
    known = set(builtin_names())
    for library in libraries:
        known.update(m.name for m in library.mechanisms if m.refused is None)
    for name in sorted(used_mechanisms()):
        if name == "extracellular":
            return "it has no extracellular mechanism"
        if name == GAP:
            return "gap junctions join its cells"
        if name not in builtin_names() and is_artificial(name) and sends_to_itself(name):
            # NEURON crashes as it takes back those that are under way; NetStim is no such case
            return f"artificial cells '{name}' send themselves events"
        if name not in builtin_names() and _EMPTY.search(source_of(name)):
            # where CoreNEURON takes the model over, pointers still are NEURON's
            return f"the C code of '{name}' ends the process where its pointer is set"
        # NEURON and CoreNEURON make the mechanisms of ions themselves
        if name not in known and not name.endswith("_ion"):
            reason = f" ({refused[name]})" if name in refused else ""
            return f"it has no mechanism '{name}'{reason}"
    return None


def prepare() -> Any:
    """Point CoreNEURON to its mechanisms and return NEURON's switch for it, silenced.

    Returns
    -------
    neuron.coreneuron
        Set its `enable` to choose the engine of the next `psolve`.

    Raises
    ------
    SimulatorError
        Where there is no library for it.
    """
    library = core_library()
    if library is None or not _enabled():
        raise SimulatorError(
            f"CoreNEURON cannot run this: {obstacle() or 'it has no library'}",
            remedy="use the engine 'neuron'",
        )
    # left to itself it would take one from the current folder
    os.environ["CORENEURONLIB"] = str(library)
    from neuron import coreneuron

    coreneuron.verbose = 0
    coreneuron.nrncore_arg = _exact_end(coreneuron)
    return coreneuron


def _exact_end(switch: Any) -> Callable[[float], str]:
    """What names CoreNEURON's arguments, without rounding the end of a run to six digits.

    NEURON 9 writes the end that way, by which a run misses steps or has too many.
    """
    usual = type(switch).nrncore_arg

    def exact(tstop: float) -> str:
        rounded, whole = f"--tstop {tstop:g} ", f"--tstop {float(tstop)!r} "
        return str(usual(switch, tstop)).replace(rounded, whole)

    return exact


@contextlib.contextmanager
def longest_interval(time: float) -> Iterator[None]:
    """Let CoreNEURON's threads meet after that many ms at the latest, in runs within."""
    switch = prepare()
    arguments = switch.nrncore_arg
    switch.nrncore_arg = lambda tstop: f"{arguments(tstop)} --mindelay {time!r}"
    try:
        yield
    finally:
        switch.nrncore_arg = arguments


def used_mechanisms() -> set[str]:
    """Names of the mechanisms that have an instance in the model that is built now."""
    names = set(_used_point_processes())
    for section in nrn().allsec():
        # all segments of a section have the same density mechanisms
        names.update(mechanism.name() for mechanism in section(0.5))
    return names


def _used_point_processes() -> Iterator[str]:
    h = nrn()
    types = h.MechanismType(1)
    name = h.ref("")
    for k in range(int(types.count())):
        types.select(k)
        types.selected(name)
        # a List of a class's name holds all its objects, whoever made them
        if int(h.List(str(name[0])).count()) > 0:
            yield str(name[0])


def _enabled() -> bool:
    nrn()
    from neuron import config

    return bool(config.arguments.get("NRN_ENABLE_CORENEURON"))


def core_library() -> Path | None:
    """The shared library that CoreNEURON runs from; None where there is none.

    A model without mechanisms of its own runs from one of NEURON's in vectors, which is compiled
    once, or from that of NEURON's wheel where it cannot be.
    """
    return _core_of(loaded_libraries()) or _own_builtins() or _internal()


def _core_of(libraries: Sequence[Library]) -> Path | None:
    return libraries[0].core_path if libraries else None


@cache
def _own_builtins() -> Path | None:
    try:
        return build_core_builtins()
    except LfpError:
        # without a compiler NEURON's own library does the same work, in more time
        return None


def _internal() -> Path | None:
    return next(iter((neuron_folder() / ".data/lib").glob("libcorenrnmech_internal.*")), None)
