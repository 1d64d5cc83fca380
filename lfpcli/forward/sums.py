"""Sums over cells whose bits do not depend on the order of the cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# a milliampere, in nA, is far beyond the currents of any cell; an ampere micrometre, in nA um,
# beyond the moment of any brain
LARGEST_CURRENT = 2.0**20
LARGEST_MOMENT = 2.0**30


class OrderFreeSum:
    """Sum of the contributions of many cells, the same bits in any order and grouping.

    Each contribution is cut at two fixed binary places into a high part, a low part and a rest
    that is dropped. The parts are whole multiples of their place and small enough that float64 adds
    them without rounding, so that their sums do not depend on the order (the idea of
    Demmel and Nguyen 2015, IEEE Trans Comput 64:2060). What is dropped is below 1e-16 of the
    largest coefficient times 1 nA for 1,000 cells.

    Parameters
    ----------
    cells : int
        Largest number of contributions, the same on all ranks.
    bound : array_like, shape (C,)
        Largest absolute coefficient of each channel among all cells, the same on all ranks.
    largest : float
        Largest sample that is not beyond all reason, nA or nA um; a power of 2.

    Attributes
    ----------
    bounds : ndarray, shape (3, C)
        What cuts off the high part, what cuts off the low one, and the limit of a contribution.
    """

    def __init__(self, cells: int, bound: ArrayLike, largest: float = LARGEST_CURRENT) -> None:
        coefficients = np.asarray(bound, dtype=float)
        reach = np.where(coefficients > 0, coefficients, 1.0) * largest
        exponent = np.frexp(reach)[1]
        # room for the carries of as many sums as there are cells
        spare = int(np.ceil(np.log2(max(cells, 1)))) + 2
        # adding and taking away 1.5 * 2**e rounds to multiples of 2**(e - 52)
        high = np.ldexp(1.5, exponent + spare)
        low = np.ldexp(1.5, exponent + spare - 52 + spare)
        self.bounds = np.array([high, low, np.ldexp(1.0, exponent)])

    @staticmethod
    def join(parts: np.ndarray) -> np.ndarray:
        """Return the sum, shape (n, C), of added parts, shape (2, n, C), in the same unit."""
        return np.asarray(parts[0] + parts[1])
