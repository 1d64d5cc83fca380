"""Numbers by chance for networks: from one seed of NumPy's global generator, for each cell its own.

So ``np.random.seed`` decides on a network as in LFPy, and the number of processes does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.runtime.mpi.team import Team

# numbers of synapses of a connection that a density stands for
_COUNTS = np.arange(1, 100)
_MOST_TRIES = 1000


def shared_seed() -> int:
    """A seed from NumPy's global generator, that of the first process on all."""
    return int(Team().share(int(np.random.randint(2**31 - 1))))


def draw(function: Any, arguments: Mapping[str, Any], size: int, rng: Any) -> np.ndarray:
    """Draw numbers from what LFPy's users name.

    Parameters
    ----------
    function : callable
        A distribution of scipy.stats, a function of ``numpy.random``, or any function of `size`
        and `arguments`, which then draws from where it likes.
    arguments : mapping
        Its arguments.
    size : int
        How many.
    rng : numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    ndarray, shape (size,)
    """
    if hasattr(function, "rvs"):
        return np.asarray(function(**arguments).rvs(size=size, random_state=rng))
    name = getattr(function, "__name__", "")
    # numpy.random.normal and its like have the global generator inside, which differs by process
    if getattr(np.random, name, None) is function and hasattr(rng, name):
        function = getattr(rng, name)
    return np.asarray(function(size=size, **arguments))


def weights(
    function: Any, arguments: Mapping[str, Any], size: int, rng: Any, *, least: float | None
) -> np.ndarray:
    """Draw numbers of which none is below `least`: those that are, are drawn again, (size,)."""
    values = draw(function, arguments, size, rng)
    for _ in range(_MOST_TRIES):
        if least is None:
            return values
        # drawn again and not clipped: clipping would pile them up at the bound
        low = values < least
        if not low.any():
            return values
        values[low] = draw(function, arguments, int(low.sum()), rng)
    raise InputError(
        f"{getattr(function, '__name__', function)} gives values below {least:g} alone"
    )


def synapse_counts(function: Any, arguments: Mapping[str, Any], size: int, rng: Any) -> np.ndarray:
    """Numbers of synapses of connections, shape (size,), of int.

    A density is taken at 1, 2, 3 ... and normalised; a discrete distribution as it is; of a
    function values are rounded and drawn again where they are below 1; None is one synapse each.
    """
    if function is None:
        return np.ones(size, dtype=int)
    if not hasattr(function, "rvs"):
        values = np.rint(draw(function, arguments, size, rng))
        for _ in range(_MOST_TRIES):
            low = values < 1
            if not low.any():
                return np.asarray(values, dtype=int)
            values[low] = np.rint(draw(function, arguments, int(low.sum()), rng))
        raise InputError("multapsefun gives no number of synapses above 0")
    law = function(**arguments)
    if hasattr(law, "pdf"):
        # LFPy takes a continuous law at whole numbers
        density = np.asarray(law.pdf(_COUNTS))
        if not density.sum() > 0:
            raise InputError("the density of multapsefun is 0 at 1, 2, 3 ... 99 synapses")
        return np.asarray(rng.choice(_COUNTS, size=size, p=density / density.sum()))
    counts = np.asarray(law.rvs(size=size, random_state=rng))
    if np.any(counts < 1):
        raise UsageError("multapsefun gives less than one synapse for a connection")
    return counts.astype(int)
