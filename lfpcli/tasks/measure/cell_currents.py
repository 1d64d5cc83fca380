"""Membrane currents of one cell of a recording: all of them, a window, or spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.filters import filtered
from lfpcli.forward.treatment import Treatment
from lfpcli.forward.waveforms import nearest_samples
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording
from lfpcli.tasks.measure.probe import currents_of
from lfpcli.vocabulary import SPIKES


@dataclass(frozen=True)
class Cut:
    """What part of the run templates show; all of it where nothing is given.

    Attributes
    ----------
    window : tuple of two floats, optional
        Begin and end, ms.
    spike_window : tuple of two floats, optional
        How long before and after a spike, ms.
    spike : {'mean', 'rest', 'first', 'last'} or str
        Which of the spikes that lie in the run with their windows: the mean of all, of all but the
        first, the first, the last, or the one of a number, from 1 on.
    """

    window: tuple[float, float] | None = None
    spike_window: tuple[float, float] | None = None
    spike: str = "mean"


WHOLE = Cut()


@dataclass
class Current:
    """Membrane currents of one cell, cut out.

    Attributes
    ----------
    samples : ndarray, shape (T, N)
        nA.
    dt, t_start : float
        Sampling interval and time of the first sample, from the spike where there is one, ms.
    facts : dict
        What else the templates' attributes tell.
    """

    samples: np.ndarray
    dt: float
    t_start: float
    facts: dict[str, Any]


def cell_currents(
    recording: Recording, cut: Cut, treatment: Treatment, gid: int | None = None
) -> tuple[Geometry, Current]:
    """Segments and membrane currents of one cell of a recording.

    Raises
    ------
    InputError
        Where the recording has no currents or several cells and none is chosen.
    """
    members, reports = currents_of(recording)
    gids = [member.gid for member in members]
    if gid is None and len(members) > 1:
        raise InputError(
            f"holds {len(members)} cells",
            source=recording.name,
            remedy="choose one with --cell GID",
        )
    if gid is not None and gid not in gids:
        raise InputError(
            f"holds no cell {gid}",
            source=recording.name,
            remedy=f"its cells are {min(gids)} to {max(gids)}",
        )
    member = members[0 if gid is None else gids.index(gid)]
    report = reports[member.population]
    k = list(report.node_ids).index(member.gid)
    columns = slice(int(report.pointers[k]), int(report.pointers[k + 1]))
    # the signals are linear in the currents, which are fewer than placements times contacts
    whole = filtered(np.asarray(report.data[:, columns], dtype=float), report.dt, treatment)
    dt = treatment.resample or report.dt
    facts = {"gid": member.gid, "cell_type": member.population, **treatment.parameters}
    current = Current(whole, dt, report.t_start, facts)
    if cut.window is not None:
        return member.geometry, _window(current, *cut.window)
    if cut.spike_window is not None:
        times = _spikes(recording, member.population, member.gid)
        before, after = cut.spike_window
        return member.geometry, _spike(current, times, before, after, spike=cut.spike)
    return member.geometry, current


def _window(current: Current, begin: float, end: float) -> Current:
    if end <= begin:
        raise UsageError(f"window from {begin:g} to {end:g} ms does not end after its begin")
    # a step such as 0.1 ms is no binary number: a window that ends on a sample holds it
    first = math.ceil((begin - current.t_start) / current.dt - 1e-9)
    last = math.floor((end - current.t_start) / current.dt + 1e-9)
    count = len(current.samples)
    if first < 0 or last >= count or last < first:
        stop = current.t_start + (count - 1) * current.dt
        raise InputError(
            f"window from {begin:g} to {end:g} ms is not in the run, {current.t_start:g} to "
            f"{stop:g} ms",
            remedy="choose a window within the run",
        )
    return replace(
        current,
        samples=current.samples[first : last + 1],
        t_start=current.t_start + first * current.dt,
    )


def _spikes(recording: Recording, population: str, gid: int) -> np.ndarray:
    if population not in recording.spike_populations:
        raise InputError(
            f"holds no spikes of '{population}'",
            source=recording.name,
            remedy="record them, record.spikes = true, or give a window",
        )
    times, gids = recording.spikes(population)
    return np.asarray(times[gids == gid])


def _spike(
    current: Current, times: np.ndarray, before: float, after: float, *, spike: str
) -> Current:
    """One spike or the mean of some, whose samples are the nearest to their times."""
    if not len(times):
        raise InputError(f"cell {current.facts['gid']} has no spikes", remedy="give a window")
    if before < 0 or after < 0:
        raise UsageError("a spike window has two lengths of 0 ms or more, before and after")
    centre = nearest_samples(times, t_start=current.t_start, dt=current.dt)
    # whole samples on both sides, so that all windows are of one length
    early, late = round(before / current.dt), round(after / current.dt)
    centre = centre[(centre >= early) & (centre + late < len(current.samples))]
    if not len(centre):
        raise InputError(
            f"none of {len(times)} spikes of cell {current.facts['gid']} lies in the run with "
            f"{before:g} ms before it and {after:g} ms after it",
            remedy="shorten the window, or run for longer",
        )
    centre = chosen_spikes(centre, spike)
    mean = np.zeros((early + late + 1, current.samples.shape[1]))
    # added one by one: windows of all spikes at once may not fit into memory
    for k in centre:
        mean += current.samples[k - early : k + late + 1]
    facts = {**current.facts, "spikes": len(centre), "spike": spike}
    return replace(current, samples=mean / len(centre), t_start=-early * current.dt, facts=facts)


def chosen_spikes(spikes: np.ndarray, spike: str) -> np.ndarray:
    """Those of some spikes that are meant.

    Parameters
    ----------
    spikes : ndarray, shape (n,)
        The spikes, in the order of their times.
    spike : {'mean', 'rest', 'first', 'last'} or str
        Which, see `Cut`.

    Returns
    -------
    ndarray, shape (m,)

    Raises
    ------
    UsageError
        Where `spike` is no such word or number.
    InputError
        Where there are too few.
    """
    parts = {
        "mean": slice(None),
        "rest": slice(1, None),
        "first": slice(0, 1),
        "last": slice(-1, None),
    }
    if spike.isascii() and spike.isdigit() and int(spike) > 0:
        number = int(spike)
        chosen = spikes[number - 1 : number]
    elif spike in parts:
        chosen = spikes[parts[spike]]
    else:
        raise UsageError(
            f"unknown spike '{spike}'", remedy=f"use {', '.join(SPIKES)}, or a number from 1 on"
        )
    if not len(chosen):
        raise InputError(
            f"--spike {spike} of {len(spikes)} spikes with their windows in the run",
            remedy="simulate longer, or choose another",
        )
    return chosen
