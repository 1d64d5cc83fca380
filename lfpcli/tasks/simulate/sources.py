"""Populations without cells: how many trains they have, and their spikes."""

from __future__ import annotations

import warnings
import zlib

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.spike_files import read_ids, read_spikes
from lfpcli.model import Model, Population
from lfpcli.runtime.synapses.events import Trains
from lfpcli.seeds import StreamTable
from lfpcli.tasks.simulate.trains import (
    ReadTrains,
    Span,
    TrainGroups,
    process_trains,
    trains_of,
)

GROUP = 64
"""Trains of a population that are drawn together."""


def train_count(population: Population) -> int:
    """Number of trains of a population without cells.

    Raises
    ------
    InputError
        Where nothing says how many there are.
    """
    if population.size is not None:
        return population.size
    if population.ids is not None:
        return len(_ids(population))
    _, ids = _spikes(population)
    if not len(ids):
        raise InputError(
            f"population '{population.name}' has no spikes in its files, which would tell how many "
            "trains it has",
            source=population.source_line,
            remedy="give its size, or other files",
        )
    return int(ids.max(initial=population.first_id - 1)) + 1 - population.first_id


def train_ids(population: Population, count: int) -> np.ndarray:
    """By what files know the trains of a population of so many, shape (count,)."""
    if population.ids is not None:
        return _ids(population)
    return population.first_id + np.arange(count)


def population_trains(
    population: Population,
    numbers: range,
    model: Model,
    seed: int,
    wanted: np.ndarray | None = None,
) -> Trains:
    """The spikes of a population without cells, up to the end of the run.

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
    wanted : ndarray of int, shape (n,), optional
        Numbers of the trains that will be asked for, of which alone this process holds anything;
        all by default.

    Raises
    ------
    InputError
        Where the files of its spikes hold none, or those of other trains.
    """
    if wanted is None:
        wanted = np.arange(numbers.start, numbers.stop)
    span = Span(tstart=model.run.tstart, tstop=model.run.tstop)
    if population.rate is None:
        times, source = _read(population, numbers, span)
        kept = np.isin(source, wanted)
        return ReadTrains(numbers, times[kept], source[kept])
    rows = np.unique((wanted - numbers.start) // GROUP)
    first = numbers.start + GROUP * rows
    groups = TrainGroups(
        rows=rows,
        counts=np.minimum(GROUP, numbers.stop - first),
        first=first,
        usual=GROUP,
    )
    if population.rate.is_point_process:
        whole = TrainGroups(
            rows=np.zeros(1, np.int64),
            counts=np.array([len(numbers)]),
            first=np.array([numbers.start]),
        )
        # a number of the name, as populations may come and go in the file
        key = zlib.crc32(population.name.encode())
        drawn = process_trains(population.rate, whole, span, seed=seed, table=key)
        return drawn.of(wanted)
    streams = StreamTable(seed, f"trains of population {population.name}")
    return trains_of(population.rate, groups, streams, span)


def _read(population: Population, numbers: range, span: Span) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and numbers of the spikes of the files of a population, within the run."""
    times, ids = _spikes(population)
    if population.ids is not None:
        index = _listed(population, ids)
        times, index = times[index >= 0], index[index >= 0]
    else:
        index = ids - population.first_id
    if np.any((index < 0) | (index >= len(numbers))):
        first = population.first_id
        raise InputError(
            f"population '{population.name}' has the ids {first} to {first + len(numbers) - 1}, "
            f"but its spikes are of {ids.min()} to {ids.max()}",
            source=population.source_line,
            remedy="give first_id, the id of the first train, and size; or ids, a list of them",
        )
    early = times < span.tstart
    if early.any():
        warnings.warn(
            f"population '{population.name}': {early.sum()} spikes before the start of the run, "
            f"{span.tstart:g} ms, are left out, the first at {times.min():g} ms; run.tstart begins "
            "earlier",
            LfpWarning,
            stacklevel=2,
        )
    kept = ~early & (times <= span.tstop)
    return times[kept], index[kept] + numbers.start


def _spikes(population: Population) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and ids of all spikes of the files of a population, sorted by time."""
    name = population.spikes_population or population.name
    parts = [read_spikes(path, name) for path in population.spike_files]
    times = np.concatenate([part[0] for part in parts])
    ids = np.concatenate([part[1] for part in parts])
    order = np.lexsort((ids, times))
    return times[order], ids[order]


def _ids(population: Population) -> np.ndarray:
    """The ids of the trains in the files, in the order of the trains."""
    if isinstance(population.ids, tuple):
        return np.array(population.ids, np.int64)
    assert population.ids is not None
    return read_ids(population.ids)


def _listed(population: Population, ids: np.ndarray) -> np.ndarray:
    """Index of each id in the list of a population; -1 of those that it leaves out."""
    listed = _ids(population)
    order = np.argsort(listed, kind="stable")
    if np.any(np.diff(listed[order]) == 0):
        twice = listed[order][:-1][np.diff(listed[order]) == 0][0]
        raise InputError(
            f"'ids' has {twice} twice",
            source=population.source_line,
            remedy="leave one of them out",
        )
    # where each id would stand among the listed ones, which is where it stands if it is listed
    rank = np.minimum(np.searchsorted(listed[order], ids), len(listed) - 1)
    is_listed = listed[order][rank] == ids
    if not is_listed.all():
        others = np.unique(ids[~is_listed])
        warnings.warn(
            f"population '{population.name}': spikes of {len(others)} ids that 'ids' does not "
            f"name are left out, the first of {others[0]}",
            LfpWarning,
            stacklevel=2,
        )
    return np.where(is_listed, order[rank], -1)
