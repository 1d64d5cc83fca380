"""What the membrane of a cell conducts at a potential, its gates held."""

from __future__ import annotations

import numpy as np

from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.engine.electrodes import declared_currents
from lfpcli.runtime.neuron import nrn

# mV that potentials are moved by for a slope
_STEP = 0.01
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
