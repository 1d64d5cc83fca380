"""Movement of cells against an array: slow drift there and back, and jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli.seeds import generator

MINUTE = 60_000.0
"""ms."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far along its path each unit is.

    Attributes
    ----------
    velocity : float
        Of the slow drift, um per minute; it goes from one end of the path to the other and back.
    jump_interval : float
        Mean time between jumps, ms; 0 for none.
    jump : float
        Largest jump, um, either way.
    rigidity : float
        1: all units move alike; less: each by a factor of its own, from this to 1.
    gradient : {'x', 'y', 'z'} or None
        Axis along which the factors rise from `rigidity` at the lowest unit to 1 at the highest;
        None: they are drawn.
    """

    velocity: float = 0.0
    jump_interval: float = 0.0
    jump: float = 0.0
    rigidity: float = 1.0
    gradient: str | None = None

    def __bool__(self) -> bool:
        return bool(self.velocity or self.jump_interval)


def distances(
    drift: Drift, times: np.ndarray, length: float, duration: float, seed: int
) -> np.ndarray:
    """Distance from the begin of the path, before the factors of units.

    Parameters
    ----------
    drift : Drift
        How.
    times : ndarray, shape (n,)
        ms.
    length : float
        Length of the path, um, at whose ends the movement turns back.
    duration : float
        Of the recording, ms: jumps are drawn for it.
    seed : int
        Seed.

    Returns
    -------
    ndarray, shape (n,)
        um, from 0 to `length`.
    """
    moved = drift.velocity / MINUTE * times
    if drift.jump_interval:
        stream = generator(seed, "jumps")
        count = stream.poisson(duration / drift.jump_interval)
        begins = np.sort(stream.uniform(0.0, duration, count))
        steps = np.concatenate([[0.0], np.cumsum(stream.uniform(-drift.jump, drift.jump, count))])
        moved = moved + steps[np.searchsorted(begins, times, side="right")]
    if length <= 0:
        return np.zeros(len(times))
    # a triangle wave: there, and back again
    folded = np.mod(moved, 2.0 * length)
    return np.asarray(np.where(folded > length, 2.0 * length - folded, folded))


def factors(drift: Drift, count: int, seed: int) -> np.ndarray:
    """Factor of the movement of each of `count` units, shape (count,)."""
    drawn = [generator(seed, "rigidity", unit).random() for unit in range(count)]
    return drift.rigidity + (1.0 - drift.rigidity) * np.array(drawn)
