"""Random numbers as NEURON's generators draw them, from streams that three numbers name."""

from __future__ import annotations

import numpy as np

from lfpcli.runtime.neuron import nrn


class StreamDraws:
    """A Random123 stream of NEURON.

    Parameters
    ----------
    ids : (int, int, int)
        Its numbers.
    """

    def __init__(self, ids: tuple[int, int, int]) -> None:
        self._generator = nrn().Random()
        self._generator.Random123(*ids)

    def skip(self, count: int) -> None:
        """Leave numbers out, of the law that NEURON's generators have before any is chosen."""
        self._drawn(count)

    def normal(self, mean: float, variance: float, count: int) -> np.ndarray:
        """Normal numbers, in the unit of the mean, shape (count,).

        As with all laws, the number that NEURON draws when a law is chosen is thrown away.
        """
        self._generator.normal(mean, variance)
        return self._drawn(count)

    def exponential(self, mean: float, count: int) -> np.ndarray:
        """Exponential numbers, in the unit of the mean, shape (count,)."""
        self._generator.negexp(mean)
        return self._drawn(count)

    def more(self, count: int) -> np.ndarray:
        """Further numbers of the same law, shape (count,), in the same unit."""
        return self._drawn(count)

    def uniform(self, count: int) -> np.ndarray:
        """Numbers between 0 and 1, without unit, shape (count,)."""
        self._generator.uniform(0, 1)
        return self._drawn(count)

    def one_normal(self) -> float:
        """The number of a normal law of mean 0 and variance 1 that is drawn when it is chosen."""
        return float(self._generator.normal(0, 1))

    def one_uniform(self) -> float:
        """The same of a uniform law between 0 and 1."""
        return float(self._generator.uniform(0, 1))

    def lognormal(self, mean: float, variance: float) -> float:
        """One number of a lognormal law, in the unit of the mean."""
        self._generator.lognormal(mean, variance)
        return float(self._generator.repick())

    def _drawn(self, count: int) -> np.ndarray:
        values = nrn().Vector(count)
        values.setrand(self._generator)
        return np.array(values.to_python(), dtype=float)


def set_common_seed(seed: int) -> None:
    """Set what all Random123 streams of NEURON have in common, besides their numbers."""
    nrn().Random().Random123_globalindex(seed)
