"""Events that mechanisms have sent to themselves and that are under way (net_send).

NEURON tells times, flags and targets of them; which connection each belongs to, whose arguments it
may change, and where `net_move` finds it, is told by the file of its `SaveState` alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine.memory import clear_queue, send_to_itself, weights_address
from lfpcli.runtime.engine.state import EVENT_COLUMNS, ProcessMemory
from lfpcli.runtime.neuron import nrn

# type of event 3, then class and number of the target, mechanism, connection, entry, flag
_EVENT = re.compile(rb"3\n(\w+) (\d+) (\d+) (-?\d+) (-?\d+) [^\n]+\n")


def self_events(memory: ProcessMemory) -> np.ndarray:
    """Read the events under way, in the order of their arrival.

    Returns
    -------
    ndarray, shape (n, 6)
        Gid, number of the point process in its cell, number of the connection onto it or -1,
        entry of the mechanism that keeps it, time in ms, flag.

    Raises
    ------
    SimulatorError
        Where one is of no cell.
    """
    h = nrn()
    times, flags, targets = h.Vector(), h.Vector(), h.List()
    h.CVode().event_queue_info(3, times, flags, targets)
    if not int(targets.count()):
        return np.zeros((0, EVENT_COLUMNS))
    rows = []
    for k, (connection, entry) in enumerate(_connections(int(targets.count()))):
        target = targets.o(k)
        owner = memory.owner(target)
        if owner is None:
            raise SimulatorError(
                f"{target} has sent itself an event, and is in no cell",
                remedy="run without --checkpoint, or place it in a cell",
            )
        cell, number = owner
        netcons = [int(_number(netcon)) for netcon in cell.connections[number]]
        row = netcons.index(connection) if connection >= 0 else -1
        rows.append((cell.gid, number, row, entry, times[k], flags[k]))
    events = np.array(rows, float)
    return np.asarray(events[np.argsort(events[:, 4], kind="stable")])


def _number(netcon: object) -> str:
    # NetCon[12]
    return str(netcon).partition("[")[2].rstrip("]")


def _connections(count: int) -> list[tuple[int, int]]:
    """Number of NEURON's connection and of the entry of each event, as NEURON lists them."""
    h = nrn()
    state = h.SaveState()
    state.save()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        state.fwrite(h.File(str(path)))
        # the events are at the end; the same bytes among numbers before would be by chance
        matches = _EVENT.findall(path.read_bytes())[-count:]
    if len(matches) != count:
        raise SimulatorError(
            "NEURON's SaveState does not tell all events under way",
            remedy="run without --checkpoint",
        )
    return [(int(match[3]), int(match[4])) for match in matches]


def forget_initial_events() -> None:
    """Take the events away that mechanisms have sent themselves in the initial state."""
    h = nrn()
    times, flags, targets = h.Vector(), h.Vector(), h.List()
    h.CVode().event_queue_info(3, times, flags, targets)
    if int(targets.count()):
        clear_queue()


def send_again(memory: ProcessMemory, events: np.ndarray) -> None:
    """Put events into the queue.

    Parameters
    ----------
    memory : ProcessMemory
        The cells of this process.
    events : ndarray, shape (n, 6)
        As `self_events` gives them, times in ms; those of other cells are left out.
    """
    for gid, number, row, entry, time, flag in _rows(events):
        cell = memory.cells.get(int(gid))
        if cell is None:
            continue
        netcons = cell.connections[int(number)]
        send_to_itself(
            cell.points[int(number)],
            time=time,
            flag=flag,
            slot=int(entry),
            weights=weights_address(netcons[int(row)]) if row >= 0 else None,
        )


def _rows(events: np.ndarray) -> Iterable[tuple[float, ...]]:
    return (tuple(row) for row in events.tolist())
