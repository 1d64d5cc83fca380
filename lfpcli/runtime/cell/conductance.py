"""What the membrane of a cell conducts at a potential, its gates held or moving."""

from __future__ import annotations

import numpy as np

from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.engine.electrodes import declared_currents
from lfpcli.runtime.neuron import nrn

# mV that potentials are moved by for a slope; gates that move may be read from tables, by steps of
# about 1 mV, whose slopes are those of such a step
_STEP, _TABLE = 0.01, 0.5
# uF/cm2 of a membrane whose potential no current moves
_CLAMPED = 1e12
# samples of an answer to a step
_SAMPLES = 64
# mA/cm2/mV, which is S/cm2, times um2 in uS
_MICROSIEMENS = 1e-2
# uF/cm2 times um2 in nF
_NANOFARAD = 1e-5


def held_conductance(cell: Cell, potential: float) -> np.ndarray:
    """Conductance of each segment's channels, their gates at rest at a potential.

    The slope of the ionic currents is taken with all states held: what a channel lets through
    before its gates move.

    Parameters
    ----------
    cell : Cell
        The cell; its states are set anew.
    potential : float
        mV.

    Returns
    -------
    ndarray, shape (N,)
        uS.
    """
    h = nrn()
    h.finitialize(potential)
    currents = _currents(cell)
    before = _densities(currents, cell)
    for segment in cell.segments:
        segment.v = potential + _STEP
    h.fcurrent()
    slope = (_densities(currents, cell) - before) / _STEP
    h.finitialize(potential)
    return np.asarray(slope * cell.geometry.area * _MICROSIEMENS)


def answer_to_a_step(
    cell: Cell, potentials: np.ndarray, *, celsius: float, dt: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Conductance of each segment after a step of potential, as its gates move.

    All segments are held at their potentials, where gates rest, and moved a little up, and down.

    Parameters
    ----------
    cell : Cell
        The cell, of N segments; its states are set anew.
    potentials : ndarray, shape (N,)
        mV.
    celsius : float
        Temperature, degrees Celsius.
    dt : float
        Step, ms.
    steps : int
        How many the answer is followed for.

    Returns
    -------
    times : ndarray, shape (K,)
        After the step, ms, from 0 on, denser at the begin.
    conductances : ndarray, shape (K, N)
        Current over the step of potential, uS.
    """
    h = nrn()
    h.cvode_active(0)
    h.celsius, h.dt, h.steps_per_ms = celsius, dt, 1.0 / dt
    samples = np.unique(np.geomspace(1, steps, _SAMPLES).round().astype(int)).tolist()
    specific = [segment.cm for segment in cell.segments]
    for segment in cell.segments:
        segment.cm = _CLAMPED
    above, below = (
        _densities_after(cell, potentials, shift, samples) for shift in (_TABLE, -_TABLE)
    )
    for segment, value in zip(cell.segments, specific, strict=True):
        segment.cm = value
    h.finitialize(float(np.mean(potentials)))
    slopes = (above - below) / (2.0 * _TABLE) * cell.geometry.area * _MICROSIEMENS
    return dt * np.array([0, *samples]), slopes


def _densities_after(
    cell: Cell, potentials: np.ndarray, shift: float, samples: list[int]
) -> np.ndarray:
    """Currents (1 + K, N), mA/cm2, at once and so many steps after potentials were shifted, mV."""
    h = nrn()
    currents = _currents(cell)
    _hold(cell, potentials)
    # gates rest where the potentials are
    h.finitialize()
    _hold(cell, potentials + shift)
    h.fcurrent()
    rows, done = [_densities(currents, cell)], 0
    for sample in samples:
        for _ in range(sample - done):
            h.fadvance()
        h.fcurrent()
        rows.append(_densities(currents, cell))
        done = sample
    return np.array(rows)


def _hold(cell: Cell, potentials: np.ndarray) -> None:
    for segment, potential in zip(cell.segments, potentials.tolist(), strict=True):
        segment.v = potential


def capacitance(cell: Cell) -> np.ndarray:
    """Capacitance of each segment, shape (N,), nF."""
    specific = np.array([segment.cm for segment in cell.segments])
    return np.asarray(specific * cell.geometry.area * _NANOFARAD)


def _currents(cell: Cell) -> dict[str, list[str]]:
    """Names of the range variables of the currents of each section, by the name of the section."""
    names: dict[str, list[str]] = {}
    for section in cell.sections:
        facts = section.psection()
        variables = [f"i{ion}" for ion in facts["ions"]]
        for mechanism in facts["density_mechs"]:
            currents = declared_currents(mechanism, "NONSPECIFIC_CURRENT", is_density=True)
            variables += [f"{name}_{mechanism}" for name in currents]
        names[section.name()] = variables
    return names


def _densities(currents: dict[str, list[str]], cell: Cell) -> np.ndarray:
    """Ionic current of each segment, (N,), mA/cm2."""
    sums = np.zeros(len(cell.segments))
    for k, segment in enumerate(cell.segments):
        sums[k] = sum(float(getattr(segment, name)) for name in currents[segment.sec.name()])
    return sums
