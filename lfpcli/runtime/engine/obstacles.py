"""Why the state of a model cannot be kept, found before a run and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lfpcli.runtime.engine.coreneuron import used_mechanisms
from lfpcli.runtime.engine.hidden import hidden_state, is_point_process, sends_to_itself, source_of
from lfpcli.runtime.engine.memory import is_range_variable, point_memory, variable_sizes
from lfpcli.runtime.engine.state import ProcessMemory
from lfpcli.runtime.mechanisms.sources import neuron_block, pointers_in
from lfpcli.runtime.neuron import nrn

# those of NEURON that have no source
_PLAIN = {"capacitance", "morphology"}


def obstacle(memory: ProcessMemory) -> str | None:
    """Say why the state of the model that is built now cannot be kept; None where it can.

    Parameters
    ----------
    memory : ProcessMemory
        The cells of this process.
    """
    used = sorted(used_mechanisms())
    for name in used:
        if name in _PLAIN or name.endswith("_ion"):
            continue
        text = source_of(name)
        if not text:
            return f"mechanism '{name}' of NEURON may have a state that cannot be read"
        reason = hidden_state(text) or _pointer(name) or _stray(name, memory)
        if reason:
            return f"mechanism '{name}' {reason}"
    if any(sends_to_itself(name) for name in used):
        unreadable = _unreadable(memory)
        if unreadable is not None:
            return (
                f"mechanism '{unreadable}' is an artificial cell with an array, beside which "
                "NEURON does not tell the events under way"
            )
    return _own_connection()


def _unreadable(memory: ProcessMemory) -> str | None:
    """An artificial cell at which NEURON's SaveState, which tells events under way, fails."""
    for cell in memory.cells.values():
        if cell.potentials:
            continue
        for point in cell.points:
            if max(variable_sizes(point_memory(point)), default=1) > 1:
                return str(point.hname()).partition("[")[0]
    return None


def _pointer(mechanism: str) -> str | None:
    """Say which POINTER leads to what is in no cell."""
    for pointer in pointers_in(neuron_block(source_of(mechanism))):
        for owner, suffix in _instances(mechanism):
            reference = getattr(owner, f"_ref_{pointer}{suffix}")
            if not is_range_variable(reference):
                return f"has a POINTER '{pointer}' to what is no variable of a segment"
    return None


def _instances(mechanism: str) -> Iterator[tuple[Any, str]]:
    """Segments or point processes that have a mechanism, with what follows names there."""
    h = nrn()
    if is_point_process(mechanism):
        points = h.List(mechanism)
        for k in range(int(points.count())):
            yield points.o(k), ""
        return
    for section in h.allsec():
        if section.has_membrane(mechanism):
            for segment in section:
                yield segment, f"_{mechanism}"


def _stray(mechanism: str, memory: ProcessMemory) -> str | None:
    """Say that a point process belongs to no cell."""
    for owner, suffix in _instances(mechanism):
        if not suffix and memory.owner(owner) is None:
            return "is in the model's own code, and in no cell"
        if suffix:
            break
    return None


def _own_connection() -> str | None:
    """Say that the model's own code connects cells, so that events under way are not known."""
    netcons = nrn().List("NetCon")
    for k in range(int(netcons.count())):
        netcon = netcons.o(k)
        source = netcon.pre() is not None or netcon.preseg() is not None
        if source and netcon.syn() is not None and netcon.srcgid() < 0:
            return f"{netcon} is a connection of the model's own code, whose spikes are not known"
    return None
