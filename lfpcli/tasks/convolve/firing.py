"""The trains that units fire."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.recording import Recording
from lfpcli.io.trains import train_ids, trains_duration


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
    left_out = 0
    for name in names:
        moments, gids = recording.spikes(name)
        members = train_ids(recording, name, gids)
        inside = (moments >= 0) & (moments < length)
        left_out += np.count_nonzero((moments < 0) | ((moments >= length) & (duration is None)))
        times.append(moments[inside])
        units.append(len(populations) + np.searchsorted(members, gids[inside]))
        counts[name] = len(members)
        ids.append(members)
        populations += [name] * len(members)
    merged, numbers = np.concatenate(times), np.concatenate(units)
    order = np.lexsort((numbers, merged))
    if left_out:
        warnings.warn(
            f"{recording.name}: left out are spikes before 0 or from {length:g} ms on: {left_out}",
            LfpWarning,
            stacklevel=2,
        )
    _warn_of_coinciding(merged, numbers, recording.name)
    return Firing(
        counts=counts,
        ids=np.concatenate(ids),
        populations=populations,
        times=merged[order],
        units=numbers[order],
        duration=length,
    )


def _warn_of_coinciding(times: np.ndarray, units: np.ndarray, source: str) -> None:
    order = np.lexsort((times, units))
    same = (np.diff(times[order]) == 0) & (np.diff(units[order]) == 0)
    if same.any():
        warnings.warn(
            f"{source}: waveforms add of spikes at the time of another of their unit:"
            f" {np.count_nonzero(same)}",
            LfpWarning,
            stacklevel=3,
        )


def duration_of(recording: Recording) -> float:
    """Length of the trains of a recording, ms, or of the samples beside them.

    Raises
    ------
    InputError
        Where it is not to be told.
    """
    lengths = [trains_duration(recording), recording.end]
    known = [length for length in lengths if length is not None]
    if not known:
        raise InputError(
            "does not say how long its trains are",
            source=recording.name,
            remedy="give --duration",
        )
    return max(known)
