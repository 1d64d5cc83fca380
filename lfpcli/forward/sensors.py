"""Sensors of magnetic fields: magnetometers and gradiometers as weighted points of coils."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.forward.arrays import directions, points

# angle between successive sites of a spiral that covers a sphere evenly
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
HELMET_SITES = 102
HELMET_RADIUS = 110_000.0  # um
HELMET_OPENING = np.radians(100.0)
HELMET_BASELINE = 16_800.0  # um


class Sensors:
    """Channels, each the weighted sum of the field's components at its integration points.

    A magnetometer at a point has one point of weight 1; a coil of some area has several whose
    weights sum to 1; a gradiometer's weights sum to 0 (in 1, or in 1/m where they are divided by
    the baseline).

    Parameters
    ----------
    positions : array_like, shape (P, 3)
        Integration points, um.
    orientations : array_like, shape (P, 3)
        Directions whose field component counts; scaled to unit length.
    weights : array_like, shape (P,), optional
        1 by default.
    channels : sequence of str, optional
        The channel of each point; by default each point is a channel of its own, ``"0"`` ...
    units : str or sequence of str
        Unit of all channels, or of each: ``T``, or ``T/m`` with weights over a baseline.

    Raises
    ------
    InputError
        Where an array has the wrong shape, or holds what is not finite or has no direction.
    """

    def __init__(
        self,
        positions: ArrayLike,
        orientations: ArrayLike,
        weights: ArrayLike | None = None,
        channels: Sequence[str] | None = None,
        units: str | Sequence[str] = "T",
    ) -> None:
        self.points = points(positions, "sensors")
        self.orientations = directions(orientations, "sensor orientations")
        count = len(self.points)
        self.weights = np.ones(count) if weights is None else np.asarray(weights, dtype=float)
        each = [str(i) for i in range(count)] if channels is None else [str(c) for c in channels]
        if self.orientations.shape[0] != count or self.weights.shape != (count,):
            raise InputError(
                f"sensors: {count} points, {len(self.orientations)} orientations and"
                f" {self.weights.size} weights do not match"
            )
        if len(each) != count:
            raise InputError(f"sensors: {len(each)} channel names for {count} points")
        if not np.all(np.isfinite(self.weights)):
            raise InputError("sensors: a weight is not finite")
        # a channel stands where its first point does
        self.names = list(dict.fromkeys(each))
        number = {name: k for k, name in enumerate(self.names)}
        self.channel = np.array([number[name] for name in each])
        self.units = [units] * len(self.names) if isinstance(units, str) else list(units)
        if len(self.units) != len(self.names):
            raise InputError(f"sensors: {len(self.units)} units for {len(self.names)} channels")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def positions(self) -> np.ndarray:
        """Middle of the integration points of each channel, shape (C, 3), um."""
        counts = np.bincount(self.channel, minlength=len(self))
        sums = [np.bincount(self.channel, self.points[:, k], len(self)) for k in range(3)]
        return np.stack(sums, axis=1) / counts[:, None]

    def moved(self, shift: ArrayLike) -> Sensors:
        """A copy whose points are shifted by a vector, um."""
        names = [self.names[k] for k in self.channel]
        shifted = self.points + np.asarray(shift, dtype=float)
        return Sensors(shifted, self.orientations, self.weights, channels=names, units=self.units)

    def by_unit(self) -> dict[str, Sensors]:
        """The channels of each unit, in order of appearance."""
        parts = {}
        for unit in dict.fromkeys(self.units):
            rows = np.array([self.units[k] == unit for k in self.channel])
            names = [self.names[k] for k in self.channel[rows]]
            parts[unit] = Sensors(
                self.points[rows],
                self.orientations[rows],
                self.weights[rows],
                channels=names,
                units=unit,
            )
        return parts

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """Channels, shape (C, n), from what the P points measure, (P, n), in the same unit."""
        # magnetometers of one point each need no matrix
        if len(self) == len(self.points):
            return np.asarray(self.weights[:, None] * values)
        from scipy import sparse

        # a sparse product adds the points of a channel one by one, whatever n is
        entries = (self.weights, (self.channel, np.arange(len(self.points))))
        matrix = sparse.csr_array(entries, shape=(len(self), len(self.points)))
        return np.asarray(matrix @ values)


def helmet(*, planar: bool = False) -> Sensors:
    """A helmet of magnetometers, and where wanted of planar gradiometers.

    The 102 sites cover the part of a sphere of 110 mm radius about the origin that is within
    100 degrees of the vertex, evenly: the heights of their equal zones fall in equal steps, and
    the azimuth turns by the golden angle (Gonzalez 2010, Math Geosci 42:49). A magnetometer is the
    radial component at a site. A planar gradiometer is the difference of the radial components at
    two points 16.8 mm apart, over that distance: ``a`` from the vertex downwards, ``b`` along the
    circle of latitude towards the left.

    Parameters
    ----------
    planar : bool
        Whether two gradiometers, in T/m, stand at each site beside the magnetometer, in T.
    """
    site = np.arange(HELMET_SITES)
    # equal steps in height are equal areas of the sphere
    height = 1.0 - (1.0 - np.cos(HELMET_OPENING)) * (site + 0.5) / HELMET_SITES
    azimuth = _GOLDEN_ANGLE * site
    flat = np.sqrt(1.0 - height**2)
    radial = np.column_stack([-flat * np.sin(azimuth), flat * np.cos(azimuth), height])
    names = [f"MAG{k + 1:03d}" for k in site]
    if not planar:
        return Sensors(HELMET_RADIUS * radial, radial, channels=names)
    leftwards = np.column_stack([-np.cos(azimuth), -np.sin(azimuth), np.zeros(HELMET_SITES)])
    downwards = np.cross(leftwards, radial)
    centres = HELMET_RADIUS * radial
    points, weights, units = [centres], [np.ones(HELMET_SITES)], ["T"] * HELMET_SITES
    for letter, along in (("a", downwards), ("b", leftwards)):
        arm = 0.5 * HELMET_BASELINE * along
        # both ends of each, one after the other; a baseline in m gives T/m
        points.append(np.stack([centres + arm, centres - arm], axis=1).reshape(-1, 3))
        weights.append(np.tile([1e6 / HELMET_BASELINE, -1e6 / HELMET_BASELINE], HELMET_SITES))
        names += np.repeat([f"GRAD{k + 1:03d}{letter}" for k in site], 2).tolist()
        units += ["T/m"] * HELMET_SITES
    return Sensors(
        np.concatenate(points),
        np.concatenate([radial, np.repeat(radial, 2, axis=0), np.repeat(radial, 2, axis=0)]),
        np.concatenate(weights),
        channels=names,
        units=units,
    )
