"""Spike trains of populations without cells, and of the synapses of inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.io.spike_files import read_spikes
from lfpcli.model import Model, Population, SpikeSource


def train_count(population: Population) -> int:
    """Number of trains of a population without cells."""
    if population.size is not None:
        return population.size
    assert population.spikes is not None
    ids = read_spikes(population.spikes, population.spikes_population or population.name)[1]
    return int(ids.max(initial=-1)) + 1


def population_trains(
    population: Population, numbers: range, model: Model, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of a population without cells, up to the end of the run.

    Parameters
    ----------
    population : Population
        The population.
    numbers : range
        Numbers of its trains in the model.
    model : Model
        The model.
    seed : int
        Seed of the run.

    Returns
    -------
    times : ndarray
        ms, sorted.
    source : ndarray of int
        Numbers of the trains.
    """
    tstop, tstart = model.run.tstop, model.run.tstart
    if population.spikes is not None:
        times, ids = _from_file(population, len(numbers))
        kept = times <= tstop
        return times[kept], ids[kept] + numbers.start
    assert population.rate is not None
    rng = seeds.generator(seed, f"trains {population.name}")
    labels = seeds.generator(seed, f"labels {population.name}")
    times, index = draw_trains(
        population.rate, len(numbers), rng=rng, labels=labels, tstop=tstop, tstart=tstart
    )
    return times, index + numbers.start


def _from_file(population: Population, size: int) -> tuple[np.ndarray, np.ndarray]:
    assert population.spikes is not None
    times, ids = read_spikes(population.spikes, population.spikes_population or population.name)
    low, high = int(ids.min(initial=size)), int(ids.max(initial=-1))
    if high < size:
        return times, ids
    # other simulators number cells through the whole network
    if high - low < size:
        return times, ids - low
    raise InputError(
        f"holds trains {low} to {high}, but population '{population.name}' has {size}",
        source=population.spikes,
        remedy="correct 'size', or leave it out",
    )


def draw_trains(
    source: SpikeSource,
    count: int,
    *,
    rng: np.random.Generator,
    labels: np.random.Generator,
    tstop: float,
    tstart: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw several independent trains at once.

    Poisson trains are one train of their summed rate whose spikes are dealt out. A run with a later
    end has the same spikes before.

    Parameters
    ----------
    source : SpikeSource
        What each train is.
    count : int
        How many.
    rng, labels : numpy.random.Generator
        Sources of randomness of times, and of whose they are.
    tstop, tstart : float
        End and start of the run, ms.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, sorted.
    index : ndarray of int, shape (n,)
        The train of each spike, 0 to count - 1.
    """
    if count == 0:
        return np.zeros(0), np.zeros(0, np.int64)
    if source.poisson is not None and source.number is None:
        times = replace(source, poisson=source.poisson * count).draw(rng, tstop, tstart)
        return times, labels.integers(count, size=len(times))
    if source.times is not None or source.regular is not None:
        times = source.draw(rng, tstop, tstart)
        return np.repeat(times, count), np.tile(np.arange(count), len(times))
    trains = [source.draw(one, tstop, tstart) for one in rng.spawn(count)]
    times = np.concatenate(trains)
    index = np.repeat(np.arange(count), [len(train) for train in trains])
    order = np.argsort(times, kind="stable")
    return times[order], index[order]
