"""Axial connections and resistances of live NEURON sections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.axial import AxialNetwork


def axial_network(sections: Iterable[Any]) -> AxialNetwork:
    """Read the axial network of cells from NEURON.

    Parameters
    ----------
    sections : iterable of nrn.Section
        All sections of one or many cells. The segments of the result are in this order of the
        sections and by ascending x within each, as in a `Geometry` of the same sections.

    Returns
    -------
    AxialNetwork
        Of the sections as they are now: ``define_shape`` after the run rounds lengths to float32
        and with them the resistances. ``Segment.ri()`` is the resistance to the next node towards
        the root. For the first segment of a section that is half a segment; between two segments
        it is split evenly, which no current depends on.

    Raises
    ------
    InputError
        Where a section's parent is not among the sections.
    """
    listed = list(sections)
    first = np.concatenate([[0], np.cumsum([section.nseg for section in listed])])
    # sections compare and hash by identity of the section, not of the Python object or its name
    offset = {section: int(start) for section, start in zip(listed, first[:-1], strict=True)}
    n = int(first[-1])
    parent = np.full(n, -1, dtype=np.int64)
    attach = np.ones(n)
    r_proximal, r_distal = np.empty(n), np.empty(n)
    flipped = np.zeros(n, dtype=bool)
    for section in listed:
        order = _from_the_root(section, offset[section])
        steps = [segment.ri() for segment in _segments_from_the_root(section)]
        parent[order[1:]] = order[:-1]
        r_proximal[order] = [steps[0], *(0.5 * step for step in steps[1:])]
        r_distal[order[:-1]] = r_proximal[order[1:]]
        # the end of a section is a node of its own, half a segment from the last middle
        r_distal[order[-1]] = section(1.0 - section.orientation()).ri()
        flipped[order] = section.orientation() == 1.0
        if section.parentseg() is not None:
            parent[order[0]], attach[order[0]] = _hanging_on(section, offset)
    return AxialNetwork(
        parent=parent, attach=attach, r_proximal=r_proximal, r_distal=r_distal, flipped=flipped
    )


def _from_the_root(section: Any, offset: int) -> np.ndarray:
    """Indices of a section's segments, the one nearest to the root first."""
    order = offset + np.arange(section.nseg)
    if section.orientation() == 1.0:
        return order[::-1]
    return order


def _segments_from_the_root(section: Any) -> list[Any]:
    segments = list(section)
    if section.orientation() == 1.0:
        return segments[::-1]
    return segments


def _hanging_on(section: Any, offset: dict[Any, int]) -> tuple[int, float]:
    """The segment on which a section hangs, and whether by its start (0), end (1) or middle."""
    parent = section.parentseg()
    if parent.sec not in offset:
        raise InputError(
            f"section {section.name()} hangs on {parent.sec.name()}, which is left out",
            remedy="keep the section that it hangs on",
        )
    order = _from_the_root(parent.sec, offset[parent.sec])
    start = parent.sec.orientation()
    # at both ends is a node without membrane, where the children meet
    if parent.x == start:
        return int(order[0]), 0.0
    if parent.x == 1.0 - start:
        return int(order[-1]), 1.0
    index = min(int(parent.x * parent.sec.nseg), parent.sec.nseg - 1)
    return offset[parent.sec] + index, 0.5
