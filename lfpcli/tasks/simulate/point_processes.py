"""Trains of sources that are processes in equilibrium, as ``lfp spikes`` draws them."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.spike_trains import Process, Rate, spike_trains
from lfpcli.io.pair_table import read_named_columns
from lfpcli.model import SpikeSource

# shape of gamma-distributed intervals, and ms between the spikes of a burst, where nothing is said
_GAMMA_SHAPE, _BURST_INTERVAL = 2.0, 4.0


def process_of(source: SpikeSource, begin: float) -> Process:
    """The process of a source.

    Parameters
    ----------
    source : SpikeSource
        The source; its times count from `begin`.
    begin : float
        When its trains begin, ms.

    Raises
    ------
    InputError
        Where a rate leaves no time between dead times, or its file is not what it should be.
    """
    shape = source.shape or (_GAMMA_SHAPE if source.gamma is not None else 1.0)
    rate: float | Rate = source.poisson if source.poisson is not None else source.gamma or 0.0
    try:
        if source.rates is not None:
            table = read_named_columns(source.rates)
            rate = Rate(times=table.numbers("time") - begin, values=table.numbers("rate"))
        return Process(
            rate=rate,
            shape=shape,
            refractory=source.refractory or 0.0,
            burst_size=source.burst or 1.0,
            burst_interval=source.burst_interval or _BURST_INTERVAL,
            correlation=source.correlation or 0.0,
            jitter=source.jitter or 0.0,
        )
    except UsageError as error:
        raise InputError(
            error.message, source=source.source_line or None, remedy=error.remedy
        ) from error


def drawn_trains(
    process: Process,
    size: int,
    span: tuple[float, float],
    *,
    seed: int,
    key: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Draw trains in equilibrium.

    Parameters
    ----------
    process : Process
        What makes them.
    size : int
        Number of trains.
    span : (float, float)
        Begin and end, ms.
    seed : int
        Seed of the run.
    key : tuple of int
        Numbers >= 0 that name the group of trains, such as those of a table and a cell.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, ascending.
    trains : ndarray of int, shape (n,)
        From 0 to below `size`.
    """
    begin, end = span
    if end <= begin or not size:
        return np.zeros(0), np.zeros(0, np.int64)
    # one number of them all: those of populations of lfp spikes are small
    number = 1
    for part in key:
        number = (number << 40) + part
    times, trains = spike_trains(process, size, end - begin, seed=seed, number=number)
    return times + begin, trains
