"""A narrow space about a bundle of fibres, in which the potential depends on one coordinate alone.

It is the extracellular space of the theory of fibres that share a resistance along them (Katz and
Schmitt 1940, J Physiol 97:471; Barr and Plonsey 1992, Biophys J 61:1164): the currents of all
fibres flow along it to its two ends, which are grounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.geometry import Geometry

# points of equal weight that a segment's current leaves from
_PARTS = 8


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A space of constant cross section along an axis.

    Attributes
    ----------
    axis : int
        0, 1 or 2.
    ends : sequence of float, shape (2,)
        Where it is grounded, um along the axis.
    area : float
        Its cross section, um2.
    sigma : float
        Its conductivity, S/m.

    Raises
    ------
    UsageError
        Where a number makes no sense.
    """

    axis: int
    ends: Sequence[float]
    area: float
    sigma: float

    def __post_init__(self) -> None:
        if not (self.ends[0] < self.ends[1] and self.area > 0 and self.sigma > 0):
            raise UsageError("the space of a bundle needs ends that ascend, an area and a sigma")

    @property
    def resistance(self) -> float:
        """Resistance of a length of 1 um, MOhm."""
        return 1.0 / (self.sigma * self.area)

    def matrix(self, sources: Geometry, points: np.ndarray) -> np.ndarray:
        """Potentials at points per current of segments, which leaves them evenly.

        Parameters
        ----------
        sources : Geometry
            N segments, um.
        points : ndarray, shape (C, 3)
            um.

        Returns
        -------
        ndarray, shape (C, N)
            mV/nA.

        Raises
        ------
        InputError
            Where a segment or a point is beyond the ends.
        """
        low, high = self.ends
        place = points[:, self.axis]
        start, end = sources.start[:, self.axis], sources.end[:, self.axis]
        for places in (place, start, end):
            if len(places) and (places.min() < low or places.max() > high):
                raise InputError(
                    f"segments reach beyond the bundle from {low:g} to {high:g} um",
                    remedy="move its ends outwards",
                )
        total = np.zeros((len(place), len(start)))
        for part in range(_PARTS):
            source = start + (part + 0.5) / _PARTS * (end - start)
            before = np.minimum(place[:, None], source) - low
            behind = high - np.maximum(place[:, None], source)
            total += before * behind
        return np.asarray(total * self.resistance / (_PARTS * (high - low)))
