"""Random streams keyed by (seed, purpose, gid): the same on any number of ranks."""

from __future__ import annotations

import secrets
import zlib

import numpy as np


def generator(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """Return the generator of one purpose for one cell.

    Parameters
    ----------
    seed : int
        The run's seed, >= 0.
    purpose : str
        What is drawn, for instance ``"place"``; streams of different purposes
        are independent.
    *key : int
        Further numbers >= 0 that name the stream: the gid, the number of a
        connection table.

    Returns
    -------
    numpy.random.Generator
        A Philox generator on a `numpy.random.SeedSequence` of the key.
    """
    words = [int(seed), zlib.crc32(purpose.encode()), *(int(k) for k in key)]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))


def draw_seed() -> int:
    """Return a fresh seed, for a run that was given none."""
    return secrets.randbelow(2**31)
