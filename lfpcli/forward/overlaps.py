"""Regions that overlap: which of them the order alone tells apart.

Of two regions of different conductivity that share some space the later one counts there. That is
meant where it lies within the earlier one, and where a body that insulates or is of metal, as that
of a probe, is put into what conducts. Elsewhere the order would decide in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.regions import Medium, Region, Shape

# points along each axis by which two regions are told to share some space
_STEPS = 24
# what stands for infinity where points are spread, um
_FAR = 1e7


def overlaps(conductor: Medium) -> Sequence[tuple[int, int]]:
    """Pairs of regions of different conductivity that share some space, the earlier one first.

    Parameters
    ----------
    conductor : Medium
        Its regions count from 0.
    """
    pairs = []
    for later, region in enumerate(conductor.regions):
        for earlier, other in enumerate(conductor.regions[:later]):
            if region.sigma != other.sigma and _meet(region.shape, other.shape):
                pairs.append((earlier, later))
    return pairs


def check_order(conductor: Medium, over: Sequence[bool]) -> None:
    """Refuse regions of which the order alone says which one counts.

    Parameters
    ----------
    conductor : Medium
        Its regions count from 0.
    over : sequence of bool
        Of each region, whether it is said to lie over the earlier ones.

    Raises
    ------
    InputError
        Names the two regions.
    """
    for earlier, later in overlaps(conductor):
        below, above = conductor.regions[earlier], conductor.regions[later]
        if over[later] or _within(above.shape, below.shape):
            continue
        if _within(below.shape, above.shape):
            raise InputError(
                f"regions[{earlier}] lies within regions[{later}], which comes later and hides it",
                remedy=f"put it after regions[{later}], or leave it out",
            )
        # the body of a probe may stand in several layers
        if _is_body(above) and not _is_body(below):
            continue
        raise InputError(
            f"regions[{earlier}] and regions[{later}] overlap, and neither lies within the other",
            remedy=f"give them ends that meet, or regions[{later}] the key over = true",
        )


def _is_body(region: Region) -> bool:
    return region.is_metal or max(region.sigma) == 0


def _meet(one: Shape, other: Shape) -> bool:
    """Whether two parts of space share some space, more than a face."""
    axes = []
    for ends, others in zip(one.extent, other.extent, strict=True):
        low = max(ends[0], others[0], -_FAR)
        high = min(ends[1], others[1], _FAR)
        if low >= high:
            return False
        axes.append(low + (high - low) * (np.arange(_STEPS) + 0.5) / _STEPS)
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return bool(np.any(one.holds(points) & other.holds(points)))


def _within(inner: Shape, outer: Shape) -> bool:
    """Whether one part of space lies within another, all of them convex."""
    return bool(outer.holds(inner.outline).all())
