"""How many threads a kernel starts, and which vector instructions it uses."""

from __future__ import annotations

import os

from lfpcli.errors import UsageError
from lfpcli.kernels import _contract, _potentials

LEVELS = ("baseline", "avx2", "avx512")
PAIRS_PER_THREAD = 16384

_most = _potentials.max_threads()


def limit_threads(count: int) -> int:
    """Start no more threads than this from now on, as where many ranks share a machine.

    Parameters
    ----------
    count : int
        >= 1.

    Returns
    -------
    int
        The limit so far.
    """
    global _most
    if count < 1:
        raise UsageError(f"{count} threads, expected at least 1")
    before, _most = _most, int(count)
    return before


def _after_fork() -> None:
    limit_threads(1)


# the threads of an OpenMP pool do not survive a fork, and GNU's runtime then waits for them forever
os.register_at_fork(after_in_child=_after_fork)


def threads_for(pairs: int) -> int:
    """Threads worth starting for that many pairs of contact and segment.

    OMP_NUM_THREADS bounds them, and `limit_threads`. A forked child works with one thread.
    """
    return max(1, min(_most, pairs // PAIRS_PER_THREAD))


def use_instructions(level: str | None = None) -> str:
    """Select the vector instructions of the kernels.

    Results have the same bits with AVX2 and AVX-512; potentials differ by rounding with the
    baseline, which has no fused multiply-adds.

    Parameters
    ----------
    level : {'baseline', 'avx2', 'avx512'}, optional
        The most to use; left out, the best the processor has.

    Returns
    -------
    str
        The level in use.
    """
    if level is not None and level not in LEVELS:
        raise UsageError(f"unknown vector instructions '{level}'", remedy=f"one of {LEVELS}")
    wanted = LEVELS.index(level) if level is not None else len(LEVELS) - 1
    _contract.use_level(wanted)
    return LEVELS[_potentials.use_level(wanted)]


use_instructions()
