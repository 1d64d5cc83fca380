"""Cells of large models in threads that CoreNEURON runs one behind the other.

In each step all arrays of a model pass through the processor, which takes twice as long once they
are larger than its caches. A thread of CoreNEURON makes all steps until its cells could get a spike
of another one, and only then the next thread begins: what a few cells need stays in the caches
meanwhile. This is no parallel work, and each number has the same bits.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
from collections.abc import Iterator, Sequence

from lfpcli.runtime.capture import captured
from lfpcli.runtime.cell.points import is_artificial
from lfpcli.runtime.engine import coreneuron
from lfpcli.runtime.engine.begin import MAX_STEP
from lfpcli.runtime.engine.hidden import hidden_state, source_of
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.mechanisms.sources import neuron_block, pointers_in
from lfpcli.runtime.neuron import context
from lfpcli.runtime.protocols import SimulatedCell

# segments of a thread, of about 200 bytes each: caches of 2 MiB next to a core hold them
SEGMENTS = 12_500
# with fewer threads the last cache, of some 20 MB, holds all of the model, and nothing is gained
FEWEST = 8
# the shortest delay in steps, by all but one of which a thread may run ahead of the others: three,
# but for rounding, and for the shifts that tell events apart
_FEWEST_STEPS = 2.5
# those of NEURON that have no source
_PLAIN = {"capacitance", "morphology"}
_OMP = "OMP_NUM_THREADS"


@contextlib.contextmanager
def threaded(cells: Sequence[SimulatedCell], settings: RunSettings, rows: int) -> Iterator[int]:
    """Put the cells into threads within, where their number and what they are made of allow it.

    All processes ask for it together, before NEURON is initialised.

    Parameters
    ----------
    cells : sequence of SimulatedCell
        The cells of this process.
    settings : RunSettings
        Those of a run with CoreNEURON.
    rows : int
        Samples that have room before they are handed on.

    Yields
    ------
    int
        Most steps that a thread makes before the next one does; 1 where each process has a single
        thread.
    """
    pc = context()
    before = int(pc.nthread())
    # as many again are kept for what is whole
    steps = rows // 2
    count = 1 if before != 1 or steps < _FEWEST_STEPS else _count(cells, settings)
    if count > 1 and not _divided(count):
        count = 1
    # chunks of all processes end together
    several = pc.allreduce(count, 2) > 1
    if several:
        # with threads this finds the shortest delay between those, of all processes
        shortest = pc.set_maxstep(MAX_STEP) / settings.dt
        steps, several = min(steps, math.ceil(shortest)), shortest >= _FEWEST_STEPS
    if not several:
        if count > 1:
            pc.nthread(1)
        yield 1
        return
    try:
        with _one_at_a_time(), coreneuron.longest_interval(steps * settings.dt):
            yield steps
    finally:
        if count > 1:
            pc.nthread(1)


def _count(cells: Sequence[SimulatedCell], settings: RunSettings) -> int:
    """Threads for the cells of this process; one where their results might depend on it."""
    count = sum(len(cell.segments) for cell in cells) // SEGMENTS
    if count < FEWEST or settings.own_procedures:
        return 1
    for name in coreneuron.used_mechanisms():
        if name in _PLAIN or name.endswith("_ion"):
            continue
        text = source_of(name)
        # artificial cells are of no thread, pointers may lead to another one, and what all
        # instances share they change in the order of threads
        if not text or is_artificial(name) or hidden_state(text) is not None:
            return 1
        if pointers_in(neuron_block(text)):
            return 1
    return min(count, len(cells))


def _divided(count: int) -> bool:
    """Deal the cells out to threads; False where NEURON has a mechanism that is not for threads."""
    pc = context()
    with captured():
        pc.nthread(count, 0)
        try:
            # NEURON makes its lists of mechanisms only once they are asked for
            pc.get_partition(0)
        except RuntimeError:
            pc.nthread(1)
            return False
    return True


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep OpenMP, by which CoreNEURON would run its threads at once, to one thread within."""
    openmp = ctypes.CDLL(str(coreneuron.core_library()))
    if not hasattr(openmp, "omp_set_num_threads"):
        # this CoreNEURON was built without it
        yield
        return
    before = os.environ.get(_OMP)
    # read by CoreNEURON where a run begins
    os.environ[_OMP] = "1"
    most = int(openmp.omp_get_max_threads())
    openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(most)
        if before is None:
            del os.environ[_OMP]
        else:
            os.environ[_OMP] = before
