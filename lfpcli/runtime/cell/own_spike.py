"""A cell that mean conductances hold: its potentials, and the currents of a spike of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import make_netcon, make_point
from lfpcli.runtime.neuron import nrn

_PASSIVE = "pas"
# ms: until the cell is at rest, and how soon a cell fires that is moved far enough
_SETTLE, _LATENCY = 200.0, 10.0
# mV by which the soma is moved more with each trial
_STEP = 2.0
# time constants of a conductance that opens at once and stays, ms
_OPENS, _CLOSES = 1e-3, 1e12


@dataclass(frozen=True, kw_only=True)
class HeldState:
    """What holds a cell where it is.

    Attributes
    ----------
    potential : float
        From which it settles, mV.
    conductance : ndarray, shape (N,)
        Of synapses on each segment in the mean, uS.
    reversal : ndarray, shape (N,)
        Their reversal potential, mV.
    threshold : float
        Potential whose upward crossing is a spike, mV.
    celsius, dt : float
        Temperature, degrees Celsius, and step, ms.
    secondorder : int
        NEURON's variable of this name.
    """

    potential: float
    conductance: np.ndarray
    reversal: np.ndarray
    threshold: float
    celsius: float
    dt: float
    secondorder: int = 0


@dataclass(frozen=True, kw_only=True)
class HeldCell:
    """A cell at rest about which a network's response is linear.

    Attributes
    ----------
    potentials : ndarray, shape (N,)
        Of its segments, mV.
    spike : ndarray, shape (T, N), or None
        Membrane currents of a spike less those at rest, nA, outward positive, from the crossing of
        the threshold on and up to that of a next spike; None where the cell has no spikes, or has
        them at rest.
    """

    potentials: np.ndarray
    spike: np.ndarray | None


def held_cell(cell: Cell, state: HeldState, samples: int) -> HeldCell:
    """Let a cell settle, and fire once.

    The soma is moved up, by as little as makes the cell fire, as nothing but a spike shall flow:
    an electrode's current would be no membrane current, and a synapse's has a kernel of its own.

    Parameters
    ----------
    cell : Cell
        The cell, of N segments; alone in NEURON but for sections that nothing happens in.
    state : HeldState
        What holds it.
    samples : int
        T.
    """
    h = nrn()
    points, connections = _open(cell, state)
    h.CVode().use_fast_imem(True)
    h.cvode_active(0)
    h.celsius, h.dt, h.steps_per_ms = state.celsius, state.dt, 1.0 / state.dt
    h.secondorder = state.secondorder
    fires = _settle(cell, state, connections)
    potentials = np.array([segment.v for segment in cell.segments])
    spike = None
    if fires:
        potentials[:] = state.potential
    elif not _is_passive(cell):
        spike = _moved_until_it_fires(cell, state, samples)
    # NEURON takes the synapses away with the last of their names
    connections.clear()
    points.clear()
    return HeldCell(potentials=potentials, spike=spike)


def _settle(cell: Cell, state: HeldState, connections: list[Any]) -> bool:
    """Open the synapses and let the cell settle; whether it fires as it should be at rest."""
    h = nrn()
    h.finitialize(state.potential)
    for connection in connections:
        connection.event(0.0)
    detector, fires = cell.spike_detector, False
    for _ in range(round(_SETTLE / state.dt)):
        h.fadvance()
        # conductances that open all at once may make a first spike, which says nothing
        fires = h.t > _SETTLE / 2.0 and (fires or detector.v >= state.threshold)
    return fires


def _is_passive(cell: Cell) -> bool:
    mechanisms: set[str] = set()
    for section in cell.sections:
        mechanisms.update(section.psection()["density_mechs"])
    return mechanisms <= {_PASSIVE}


def _open(cell: Cell, state: HeldState) -> tuple[list[Any], list[Any]]:
    """Give each segment a synapse whose conductance stays, and what opens it."""
    points, connections = [], []
    for index in np.flatnonzero(state.conductance > 0).tolist():
        reversal = float(state.reversal[index])
        parameters = {"tau1": _OPENS, "tau2": _CLOSES, "e": reversal}
        point = make_point("Exp2Syn", cell.segments[index], parameters.items())
        connection = make_netcon(point)
        connection.weight[0] = float(state.conductance[index])
        connection.delay = 0.0
        points.append(point)
        connections.append(connection)
    return points, connections


def _moved_until_it_fires(cell: Cell, state: HeldState, samples: int) -> np.ndarray | None:
    h, detector = nrn(), cell.spike_detector
    rest = np.array([segment.i_membrane_ for segment in cell.segments])
    somata = [cell.segments[index] for index in np.flatnonzero(cell.geometry.is_soma).tolist()]
    before = h.SaveState()
    before.save()
    rise = _STEP
    while detector.v + rise < state.threshold:
        for soma in somata:
            soma.v += rise
        crossed = _advance_to_crossing(cell, state)
        if crossed is not None:
            currents = np.zeros((samples, len(rest)))
            spike = _after(cell, state, samples, crossed) - rest
            currents[: len(spike)] = spike
            return currents
        before.restore(1)
        rise += _STEP
    return None


@dataclass(frozen=True, kw_only=True)
class _Crossing:
    """The step in which a potential crossed the threshold.

    Attributes
    ----------
    late : float
        Part of the step that lies behind the crossing.
    before, after : ndarray, shape (N,)
        Membrane currents at the ends of the step, nA.
    """

    late: float
    before: np.ndarray
    after: np.ndarray


def _advance_to_crossing(cell: Cell, state: HeldState) -> _Crossing | None:
    """Go on until a spike; None where none comes in time."""
    h, detector = nrn(), cell.spike_detector
    currents = np.array([segment.i_membrane_ for segment in cell.segments])
    for _ in range(round(_LATENCY / state.dt)):
        potential = detector.v
        h.fadvance()
        last, currents = currents, np.array([segment.i_membrane_ for segment in cell.segments])
        if potential < state.threshold <= detector.v:
            late = (detector.v - state.threshold) / (detector.v - potential)
            return _Crossing(late=late, before=last, after=currents)
    return None


def _after(
    cell: Cell,
    state: HeldState,
    samples: int,
    crossed: _Crossing,
) -> np.ndarray:
    """Currents, nA, from the crossing on, at most T rows, between the samples of the steps."""
    h, detector = nrn(), cell.spike_detector
    rows = [crossed.before, crossed.after]
    potential = detector.v
    while len(rows) < samples + 1:
        h.fadvance()
        if potential < state.threshold <= detector.v:
            break
        potential = detector.v
        rows.append(np.array([segment.i_membrane_ for segment in cell.segments]))
    steps = np.array(rows)
    between = crossed.late * steps[:-1] + (1.0 - crossed.late) * steps[1:]
    return between
