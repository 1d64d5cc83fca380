"""Synapses onto a cell and connections onto a point neuron, a row each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

_OF_ROWS = ("source", "weight", "delay")


@dataclass(kw_only=True)
class CircuitRows:
    """Synapses onto one cell, a row each.

    Attributes
    ----------
    segment, model, source : ndarray of int, shape (S,)
        Segment of the cell; index among the kinds of synapses; index of the presynaptic node in
        its population.
    weight, delay : ndarray, shape (S,)
        uS (or what the synapse counts in), ms.
    population : str
        Population of the presynaptic nodes.
    edges : str
        Population of the edges.
    drive : int or None
        Number of the spikes that are replayed, where the source is none of the run's.
    """

    segment: np.ndarray
    model: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    population: str
    edges: str
    drive: int | None = None

    def subset(self, chosen: np.ndarray) -> CircuitRows:
        """Some of the rows, by their indices (m,)."""
        columns = {name: getattr(self, name)[chosen] for name in (*_OF_ROWS, "segment", "model")}
        return replace(self, **columns)


@dataclass(kw_only=True)
class PointRows:
    """Connections onto one point neuron; as `CircuitRows` without segments and kinds."""

    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    population: str
    drive: int | None = None

    def subset(self, chosen: np.ndarray) -> PointRows:
        """Some of the rows, by their indices (m,)."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _OF_ROWS})
