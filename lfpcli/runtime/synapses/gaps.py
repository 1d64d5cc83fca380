"""Gap junctions: a current from cell to cell on each side, whichever processes they are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.runtime.cell.points import make_point
from lfpcli.runtime.mechanisms.own import GAP
from lfpcli.runtime.neuron import context
from lfpcli.runtime.protocols import SimulatedCell


@dataclass(frozen=True, kw_only=True)
class GapJunctions:
    """All gap junctions of a network, the same on all processes.

    Attributes
    ----------
    gid : ndarray of int, shape (G, 2)
        The two cells of each.
    segment : ndarray of int, shape (G, 2)
        The segments that it connects.
    conductance : ndarray, shape (G,)
        uS.
    """

    gid: np.ndarray
    segment: np.ndarray
    conductance: np.ndarray

    def __len__(self) -> int:
        return len(self.conductance)

    @classmethod
    def joined(cls, parts: Sequence[GapJunctions]) -> GapJunctions:
        """Put the junctions of several tables one after the other."""
        pairs = np.empty((0, 2), np.int64)
        return cls(
            gid=np.concatenate([pairs, *(part.gid for part in parts)]),
            segment=np.concatenate([pairs, *(part.segment for part in parts)]),
            conductance=np.concatenate([np.empty(0), *(part.conductance for part in parts)]),
        )


def join_cells(cells: Sequence[SimulatedCell], gaps: GapJunctions) -> list[Any]:
    """Make the gap junctions of the cells of this process; called on all, once.

    Each side is a current ``g * (v_other - v)`` into the inside of its cell, with the potential
    of the other side at the end of the step before. It crosses no membrane: membrane currents of a
    cell do not hold it.

    Parameters
    ----------
    cells : sequence of SimulatedCell
        The cells of this process.
    gaps : GapJunctions
        All junctions of the network.

    Returns
    -------
    list
        The point processes of this process, which live as long as this list.
    """
    if not len(gaps):
        return []
    cell_of = {cell.gid: cell for cell in cells}
    transfer = context()
    points: list[Any] = []
    for number, (gids, segments) in enumerate(
        zip(gaps.gid.tolist(), gaps.segment.tolist(), strict=True)
    ):
        for side in (0, 1):
            cell = cell_of.get(gids[side])
            if cell is None:
                continue
            segment = cell.segments[segments[side]]
            # a potential has the number of its side, and goes to the other one
            here, there = 2 * number + side, 2 * number + 1 - side
            transfer.source_var(segment._ref_v, here, sec=segment.sec)
            point = make_point(GAP, segment, {"g": gaps.conductance[number]}.items())
            transfer.target_var(point, point._ref_vgap, there)
            points.append(point)
    # what is registered takes effect for all processes at once
    transfer.setup_transfer()
    return points
