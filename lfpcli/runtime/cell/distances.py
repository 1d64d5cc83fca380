"""Distances along the cable and lengths of segments, as NEURON has them."""

from __future__ import annotations

import numpy as np

from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import SimulatedCell


def distances_from_soma(cell: SimulatedCell) -> np.ndarray:
    """Path distance of the middle of each segment from the begin of the soma.

    Parameters
    ----------
    cell : SimulatedCell
        The cell; its soma is the section in which spikes are detected.

    Returns
    -------
    ndarray, shape (N,)
        um.
    """
    h = nrn()
    h.distance(0, cell.detector.sec(0.0))
    return np.array([h.distance(segment) for segment in cell.segments])


def cable_lengths(cell: SimulatedCell) -> np.ndarray:
    """Lengths of the segments along the cable, which may exceed those in space, (N,), um."""
    lengths = []
    for section in cell.sections:
        lengths += [section.L / section.nseg] * section.nseg
    return np.array(lengths)
