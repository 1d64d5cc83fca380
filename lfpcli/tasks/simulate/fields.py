"""Extracellular stimulation of a model: electrodes with currents, or potentials from a file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.dispersion import Mixture
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Medium
from lfpcli.forward.pulses import PulseTrain
from lfpcli.forward.stimulation import stimulation_matrix
from lfpcli.io.steps import read_currents, read_potentials
from lfpcli.model.probe import Field, Pulses, Wave
from lfpcli.model.run import Run
from lfpcli.runtime.engine.field import ExtracellularField, Steps
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.instruments import NearContacts
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.measure.solved_media import solve_together
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.build import Built


def fields_of(
    fields: Sequence[Field], built: Built, team: Team, run: Run
) -> list[ExtracellularField]:
    """Return what the fields of a model, or of its circuit, do to the cells of this process.

    Parameters
    ----------
    fields : sequence of Field
        The ``[[field]]`` tables; their potentials add.
    built : Built
        The model in NEURON; all sections have the extracellular mechanism.
    team : Team
        The processes.
    run : Run
        Step and end of the run, for courses that are sampled.

    Returns
    -------
    list of ExtracellularField
        What `lfpcli.runtime.engine.run.run` takes; empty without tables.

    Raises
    ------
    InputError
        Where a file or an array of contacts is not what it should be.
    """
    if not fields and not built.fields:
        return []
    parts = list(built.fields)
    for number, field in enumerate(fields):
        with located(field.source_line):
            parts.append(_steps(field, f"field {number}", built.members, team=team, run=run))
    # one handle sets all segments: tables add up before NEURON sees them
    segments = list(itertools.chain.from_iterable(cell.segments for cell in built.cells))
    return [ExtracellularField(segments, parts)]


def _steps(field: Field, name: str, members: Sequence[Member], *, team: Team, run: Run) -> Steps:
    if field.v_ext is not None:
        return _given(field.v_ext, members, team)
    if field.uniform is not None:
        return _uniform(field, members, run)
    electrodes, conductors = _conductors(field, team)
    times, currents = currents_of(field, len(electrodes), run)
    mixture = field.spectral.mixture
    if mixture is not None:
        times, currents = _dispersed(times, currents, mixture, run)
    matrices = [np.zeros((0, currents.shape[1]))]
    warn = NearContacts(electrodes, name)
    for member in members:
        warn(member.geometry)
        parts = [
            stimulation_matrix(
                member.geometry,
                electrodes,
                sigma=field.sigma,
                medium=conductor,
                quadrature=field.quadrature,
                tolerance=field.tolerance,
            )
            for conductor in conductors
        ]
        matrices.append(np.concatenate(parts, axis=1))
    matrix = np.concatenate(matrices)
    return Steps(times, lambda k: matrix @ currents[k])


def _conductors(
    field: Field, team: Team
) -> tuple[Contacts, Sequence[str | Medium | GridMedium | None]]:
    """Electrodes of a field in place, and the medium about them; several where parts of it depend
    on frequency in ways of their own."""
    if field.lead_field is not None:
        # its grids take scipy, which is long to import
        from lfpcli.tasks.measure.lead_fields import read_medium

        electrodes, medium = read_medium(field.lead_field)
        return electrodes, [medium]
    electrodes = contacts_of(field)
    if isinstance(field.medium, str):
        return electrodes, [field.medium]
    conductors = [model.medium for model in field.spectral.models]
    for conductor in conductors:
        if isinstance(conductor, GridMedium):
            solve_together(conductor, electrodes, team)
    return electrodes, conductors


def _dispersed(
    times: np.ndarray, currents: np.ndarray, mixture: Mixture, run: Run
) -> tuple[np.ndarray, np.ndarray]:
    """Currents (K, E) for each medium of a mixture, at each step of a run."""
    count = math.ceil((run.tstop - run.tstart) / run.interval - 1e-9) + 1
    steps = run.tstart + run.interval * np.arange(count)
    # a change acts from the step on that begins within half a step of it
    held = np.searchsorted(times, steps + 0.5 * run.interval, side="right") - 1
    values = np.where(held[:, None] >= 0, currents[held], 0.0)
    return steps, mixture.spread(values, run.interval)


def _uniform(field: Field, members: Sequence[Member], run: Run) -> Steps:
    """Potentials of an electric field that is the same everywhere; 0 at the origin."""
    assert field.uniform is not None
    if field.current is None:
        times, factors = np.array([run.tstart]), np.ones((1, 1))
    else:
        times, factors = currents_of(field, 1, run)
    middles = np.concatenate([np.empty((0, 3)), *(m.geometry.middle for m in members)])
    # V/m are 1e-3 mV/um; the potential falls along the field
    potentials = -1e-3 * middles @ np.array(field.uniform)
    return Steps(times, lambda k: factors[k, 0] * potentials)


def _sampled(wave: Wave, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and values of a sine at the middles of the steps of a run."""
    stop = run.tstop if wave.dur is None else wave.delay + wave.dur
    first = math.ceil(wave.delay / run.interval - 1e-9)
    last = math.ceil(min(stop, run.tstop) / run.interval - 1e-9)
    steps = np.arange(first, max(last, first))
    since = (steps + 0.5) * run.interval - wave.delay
    chirp = 0.0
    if wave.freq_end is not None and wave.dur is not None:
        # the phase is the integral of a frequency that changes linearly
        chirp = 0.5 * (wave.freq_end - wave.freq) / wave.dur
    angle = 2 * np.pi * 1e-3 * (wave.freq + chirp * since) * since + np.radians(wave.phase)
    values = wave.offset + wave.amp * np.sin(angle)
    # behind its end there is none
    return np.r_[steps, last] * run.interval, np.r_[values, 0.0]


def currents_of(field: Field, electrodes: int, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Currents of the electrodes of a field, each held from its time on.

    Parameters
    ----------
    field : Field
        A ``[[field]]`` with electrodes.
    electrodes : int
        Their number E.
    run : Run
        Step and end of the run, for courses that are sampled.

    Returns
    -------
    times : ndarray, shape (K,)
        ms.
    currents : ndarray, shape (K, E)
        nA.
    """
    if isinstance(field.current, Path):
        return read_currents(field.current, electrodes)
    assert field.current is not None
    if isinstance(field.current, Wave):
        times, values = _sampled(field.current, run)
        return times, np.repeat(values[:, None], electrodes, axis=1)
    trains = [train.steps() for train in _trains(field.current, electrodes)]
    return trains[0][0], np.column_stack([currents for _, currents in trains])


def _trains(pulses: Pulses, electrodes: int) -> Iterator[PulseTrain]:
    first = _each(pulses.amp, "amp", electrodes)
    second = None if pulses.amp2 is None else _each(pulses.amp2, "amp2", electrodes)
    for k in range(electrodes):
        yield PulseTrain(
            amp=first[k],
            delay=pulses.delay,
            dur=pulses.dur,
            number=pulses.pulses,
            period=pulses.period,
            biphasic=second is not None,
            amp2=None if second is None else second[k],
            dur2=pulses.dur2,
            interphase=pulses.gap,
        )


def _each(amplitude: float | Sequence[float], name: str, electrodes: int) -> Sequence[float]:
    if not isinstance(amplitude, Sequence):
        return [amplitude] * electrodes
    if len(amplitude) != electrodes:
        raise InputError(
            f"[field] current.{name} has {len(amplitude)} amplitudes for {electrodes} electrodes",
            remedy="write one amplitude for each electrode",
        )
    return amplitude


def _given(path: Path, members: Sequence[Member], team: Team) -> Steps:
    """Potentials of a file, of which the cells of this process get their columns."""
    # the columns of the file are those of all cells in the order of gids, of which this process has
    # some
    sizes: dict[int, int] = {}
    for rank in team.exchange({member.gid: len(member.geometry) for member in members}):
        sizes.update(rank)
    gids = sorted(sizes)
    ends = np.cumsum([0, *(sizes[gid] for gid in gids)])
    times, potentials = read_potentials(path, int(ends[-1]))
    first = dict(zip(gids, ends[:-1], strict=True))
    columns = [np.arange(first[m.gid], first[m.gid] + len(m.geometry)) for m in members]
    values = potentials[:, np.concatenate([np.empty(0, np.int64), *columns])]
    return Steps(times, lambda k: values[k])
