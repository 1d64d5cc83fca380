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
    return np.random.Generator(np.random.Philox(_sequence(seed, purpose, *key)))


class StreamTable:
    """Random streams of one purpose, of which any is at hand without those before it.

    Philox (Salmon et al. 2011, SC '11, 16) makes numbers of a key and a counter. The key is that
    of the purpose; row and column are the upper half of the counter, whose lower half counts the
    numbers of one stream, so that streams never overlap.

    Parameters
    ----------
    seed : int
        The run's seed, >= 0.
    purpose : str
        What is drawn.
    *key : int
        Further numbers >= 0 that name the table.
    """

    def __init__(self, seed: int, purpose: str, *key: int) -> None:
        words = _sequence(seed, purpose, *key).generate_state(2, np.uint64)
        self._bits = np.random.Philox(key=words)
        self._generator = np.random.Generator(self._bits)
        self._start = self._bits.state

    def at(self, row: int, column: int) -> np.random.Generator:
        """Return the generator of one stream, at its begin.

        It is good until the next call: all streams share it, which takes a tenth of the time that
        one of its own would.

        Parameters
        ----------
        row, column : int
            Numbers >= 0, such as a gid and an interval of time.
        """
        # the lower two words count on from zero, so that streams do not meet
        self._start["state"]["counter"][2:] = column, row
        self._bits.state = self._start
        return self._generator


def _sequence(seed: int, purpose: str, *key: int) -> np.random.SeedSequence:
    # hash() of a text differs from process to process
    words = [int(seed), zlib.crc32(purpose.encode()), *(int(k) for k in key)]
    return np.random.SeedSequence(words)


def draw_seed() -> int:
    """Return a fresh seed, for a run that was given none."""
    return secrets.randbelow(2**31)
