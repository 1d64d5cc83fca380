"""The state about which a network's response is linear: rates, potentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.io.recording import Recording
from lfpcli.model import Model
from lfpcli.model.sources import SpikeSource
from lfpcli.tasks.simulate.layout import Layout


@dataclass(frozen=True, kw_only=True)
class WorkingPoint:
    """Where the response is taken.

    Attributes
    ----------
    rates : mapping of str to float
        Spikes per s of a cell or train of each population.
    potentials : mapping of str to float
        Mean potential of the cells of each population, mV.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    potentials: Mapping[str, float] = field(default_factory=dict)


def working_point(
    model: Model, layout: Layout, stated: WorkingPoint, recording: Recording | None
) -> WorkingPoint:
    """The working point that is stated, else that of a recording of the network, else the model's.

    Parameters
    ----------
    model : Model
        The model.
    layout : Layout
        Its populations.
    stated : WorkingPoint
        What the user states; populations may be missing.
    recording : Recording, optional
        A run of the model.

    Raises
    ------
    UsageError
        Where a population is stated that there is not, or a rate is not known.
    """
    for name in (*stated.rates, *stated.potentials):
        if name not in layout.cells and name not in layout.trains:
            known = ", ".join((*layout.cells, *layout.trains))
            raise UsageError(f"there is no population '{name}'", remedy=f"populations: {known}")
    rates, potentials = dict(stated.rates), dict(stated.potentials)
    # what connects onto nothing has no rate that matters
    sources = {table.pre for table in model.connections}
    for name, population in model.resolved_populations().items():
        if name not in rates and name in sources:
            size = len(layout.gids(name))
            rates[name] = _rate(name, size, population.rate, recording)
        if name in layout.cells and name not in potentials:
            potentials[name] = _potential(name, recording, model.run.v_init)
    return WorkingPoint(rates=rates, potentials=potentials)


def source_rate(source: SpikeSource) -> float:
    """Mean rate of a source, spikes per s.

    Raises
    ------
    UsageError
        Where it has none, as given times.
    """
    if source.poisson is not None:
        return source.poisson
    if source.gamma is not None:
        return source.gamma
    if source.rates is not None:
        raise InputError(
            "a rate that follows time is no stationary input",
            source=source.source_line or None,
            remedy="give poisson or gamma",
        )
    if source.regular is not None:
        return source.regular
    if source.dist is not None:
        return 1000.0 / source.intervals.mean
    # a volley now and then is no working point
    return 0.0


def _rate(name: str, size: int, source: SpikeSource | None, recording: Recording | None) -> float:
    if source is not None:
        return source_rate(source)
    if recording is None or name not in recording.spike_populations:
        raise UsageError(
            f"the rate of '{name}' is not known",
            remedy=f"give --rates {name}=HZ, or --from a run of the model",
        )
    times, _ = recording.spikes(name)
    duration = _duration(recording)
    inside = np.count_nonzero((times >= 0) & (times < duration))
    return float(1000.0 * inside / duration / max(size, 1))


def _duration(recording: Recording) -> float:
    """Length of a run, ms, by what was sampled in it."""
    end = recording.end
    if end is None or end <= 0:
        raise InputError(
            "holds neither dipoles nor signals, which say how long the run was",
            source=recording.name,
            remedy="give the rates: --rates",
        )
    return end


def _potential(name: str, recording: Recording | None, v_init: float) -> float:
    """Mean of the somata's recorded potentials, mV."""
    if recording is None or name not in recording.reports.get("vmem", []):
        return v_init
    report = recording.report("vmem", name)
    columns = report.pointers[:-1]
    total = 0.0
    for column in columns.tolist():
        total += float(np.mean(report.data[:, column]))
    return total / len(columns)
