"""The trains that units fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import attribute_number
from lfpcli.io.recording import Recording
from lfpcli.tasks.convolve.trains import DURATION, FIRST, SIZE


@dataclass(frozen=True, kw_only=True)
class Firing:
    """Spikes of units, population by population.

    Attributes
    ----------
    counts : dict of str to int
        Number of units of each population.
    ids : ndarray of int, shape (U,)
        Their numbers in the spikes' file.
    populations : list of str
        Population of each unit.
    times : ndarray, shape (n,)
        ms, ascending.
    units : ndarray of int, shape (n,)
        Unit of each spike, 0 to U - 1.
    duration : float
        ms.
    """

    counts: dict[str, int]
    ids: np.ndarray
    populations: list[str]
    times: np.ndarray
    units: np.ndarray
    duration: float


def firing_of(recording: Recording, duration: float | None) -> Firing:
    """The trains of a recording, up to a duration.

    Parameters
    ----------
    recording : Recording
        With spikes.
    duration : float, optional
        ms; that of the trains, or of the samples beside them, where left out.

    Raises
    ------
    InputError
        Where there are no spikes, or no duration is to be told.
    """
    names = recording.spike_populations
    if not names:
        raise InputError(
            "holds no spikes", source=recording.name, remedy="draw some: lfp spikes --poisson 5"
        )
    length = duration_of(recording) if duration is None else duration
    counts: dict[str, int] = {}
    populations: list[str] = []
    ids, times, units = [], [], []
    for name in names:
        moments, gids = recording.spikes(name)
        members = _members(recording, name, gids)
        inside = (moments >= 0) & (moments < length)
        times.append(moments[inside])
        units.append(len(populations) + np.searchsorted(members, gids[inside]))
        counts[name] = len(members)
        ids.append(members)
        populations += [name] * len(members)
    merged, numbers = np.concatenate(times), np.concatenate(units)
    order = np.lexsort((numbers, merged))
    return Firing(
        counts=counts,
        ids=np.concatenate(ids),
        populations=populations,
        times=merged[order],
        units=numbers[order],
        duration=length,
    )


def _members(recording: Recording, name: str, gids: np.ndarray) -> np.ndarray:
    """Ids of all trains of a population, silent ones too where the file tells of them."""
    group, source = _group(recording, name)
    if SIZE in group.attrs:
        first = int(attribute_number(group, FIRST, source, 0.0))
        size = int(attribute_number(group, SIZE, source))
        if size < 0 or (len(gids) and not first <= gids.min() <= gids.max() < first + size):
            raise InputError(
                f"has ids beyond the {size} from {first} on that its attributes tell of",
                source=source,
                remedy="draw it again: lfp spikes",
            )
        return np.arange(first, first + size)
    if name in recording.populations:
        return np.unique(recording.geometry(name).gid)
    return np.unique(gids)


def _group(recording: Recording, name: str) -> tuple[Any, str]:
    """The spikes of a population in the file, and what to call them in messages."""
    path = f"/spikes/{name}"
    return recording.file[path], recording.source_of(path)


def duration_of(recording: Recording) -> float:
    """Length of the trains of a recording, ms, or of the samples beside them.

    Raises
    ------
    InputError
        Where it is not to be told.
    """
    lengths = []
    for name in recording.spike_populations:
        group, source = _group(recording, name)
        if DURATION in group.attrs:
            lengths.append(attribute_number(group, DURATION, source))
    if recording.end is not None:
        lengths.append(recording.end)
    if not lengths:
        raise InputError(
            "does not say how long its trains are",
            source=recording.name,
            remedy="give --duration",
        )
    return max(lengths)
