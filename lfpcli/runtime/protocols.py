"""What the rooms of the runtime need of a cell, so that none of them has to know how it is made."""

from __future__ import annotations

from typing import Any, Protocol

from lfpcli.geometry import Geometry


class NamedSections(Protocol):
    """What model code of others, such as hoc files and fits, works on.

    Attributes
    ----------
    sections : list of nrn.Section
        The sections.
    names : list of str
        Their names, without that of a template.
    """

    sections: list[Any]
    names: list[str]


class SimulatedCell(Protocol):
    """What point processes, recorders and the run loop use of a cell.

    Attributes
    ----------
    gid : int
        Number of the cell.
    sections, segments : list
        NEURON's objects, in the order of the geometry.
    geometry : Geometry
        The segments, um.
    synapses, electrodes : list
        The point processes that were attached one by one.
    detector_index : int
        Index of the segment whose potential stands for the soma's.
    """

    gid: int
    sections: list[Any]
    segments: list[Any]
    geometry: Geometry
    synapses: list[Any]
    electrodes: list[Any]
    detector_index: int

    @property
    def detector(self) -> Any:
        """That segment."""

    @property
    def spike_detector(self) -> Any:
        """The segment where spikes are detected."""

    def queue_events(self) -> None:
        """Hand the spike times of its own synapses to NEURON."""
