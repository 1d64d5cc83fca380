"""Statistics of a recording: its spikes, its signals, and how the two go together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError, located, nearest
from lfpcli.forward.waveforms import nearest_samples
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording, Signal, open_recording
from lfpcli.io.span import Span, recorded_spans, span_within
from lfpcli.io.trains import train_ids
from lfpcli.tasks.statistics.fields import (
    line_spacing,
    spike_features,
    triggered_mean,
)
from lfpcli.tasks.statistics.sources import estimated_csd
from lfpcli.tasks.statistics.spectra import BANDS, band_power, coherence, power_spectrum
from lfpcli.tasks.statistics.trains import (
    Trains,
    fano_factor,
    mean_correlation,
    population_rate,
    variation,
)
from lfpcli.vocabulary import CSD_METHODS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is counted, and how.

    Attributes
    ----------
    time : tuple of two floats, or None
        Span, ms; by default that of the recording.
    bin : float
        Width of bins of spikes, ms.
    window : tuple of two floats
        How long before and after a spike signals are averaged, ms.
    sigma : float
        Conductivity for the CSD, S/m.
    signals : sequence of str or None
        Names of the signals; None stands for all.
    csd : {'standard', 'icsd', 'kcsd'}
        How the CSD is estimated.
    diameter : float
        Of the cylinders that its sources fill, um; not for the standard method.
    layers : dict of str to tuple of two floats
        Lower and upper end of layers along z, um; the lower end belongs to the layer.
    """

    time: tuple[float, float] | None = None
    bin: float = 5.0
    window: tuple[float, float] = (5.0, 20.0)
    sigma: float = 0.3
    signals: Sequence[str] | None = None
    csd: str = "standard"
    diameter: float = 500.0
    layers: dict[str, tuple[float, float]] = field(default_factory=dict)


def statistics(source: str | os.PathLike[str], settings: Settings) -> dict[str, Any]:
    """Statistics of what a recording holds; lfp-stats(1) defines each of them.

    Parameters
    ----------
    source : path-like
        Recording, or ``-``.
    settings : Settings
        What is counted.

    Returns
    -------
    dict
        ``populations`` and ``signals`` by name; units are in the names of the keys.

    Raises
    ------
    InputError
        Where the recording holds neither spikes nor signals.
    UsageError
        Where it has no signal of a name, nothing in the span or in a layer, or no contacts for a
        CSD method that is asked for.
    """
    with open_recording(source) as recording:
        names = _signals(recording, settings.signals)
        if not names and not recording.spike_populations:
            raise InputError(
                "recording holds neither spikes nor signals",
                source=recording.name,
                remedy="record something, see [record] in lfp-model(5)",
            )
        spans = recorded_spans(recording)
        settings = replace(settings, time=span_within(settings.time, spans))
        begin, end = settings.time or _whole_span(recording, spans)
        _check_span(begin, end, recording.name)
        trains = {
            name: _trains(recording, name, begin, end) for name in recording.spike_populations
        }
        populations = {name: _of_trains(t, settings) for name, t in trains.items()}
        signals = {name: _of_signal(recording, name, trains, settings) for name in names}
        _check_method(settings.csd, signals)
        layers = {
            name: _of_layer(recording, reach, trains=trains, signals=signals, settings=settings)
            for name, reach in settings.layers.items()
        }
        _check_layers(layers)
    facts = {
        "file": recording.name,
        "begin_ms": begin,
        "end_ms": end,
        "populations": populations,
        "signals": signals,
    }
    return {**facts, "layers": layers} if layers else facts


def _check_span(begin: float, end: float, name: str) -> None:
    """Refuse a span without length, ms."""
    if not end > begin:
        raise InputError(
            "recording has no span of time", source=name, remedy="record a signal, or give --time"
        )


def _check_method(method: str, signals: dict[str, dict[str, Any]]) -> None:
    """Refuse a way to estimate the CSD that was asked for and no signal can follow."""
    if method == CSD_METHODS[0] or any("csd" in facts for facts in signals.values()):
        return
    raise UsageError(
        f"no signal has a CSD to estimate with {method}",
        remedy="it needs potentials, mV, of contacts evenly on a line along z",
    )


def _check_layers(layers: dict[str, dict[str, Any]]) -> None:
    """Refuse layers that hold neither a cell nor a channel."""
    for name, layer in layers.items():
        held = [population["cells"] for population in layer["populations"].values()]
        held += [means["channels"] for means in layer["signals"].values()]
        if not any(held):
            raise UsageError(
                f"neither a cell nor a channel is in layer '{name}', z from {layer['low_um']:g} to"
                f" {layer['high_um']:g} um",
                remedy="give it other ends, or leave it out",
            )


def _of_layer(
    recording: Recording,
    reach: tuple[float, float],
    *,
    trains: dict[str, Trains],
    signals: dict[str, dict[str, Any]],
    settings: Settings,
) -> dict[str, Any]:
    """Statistics of the cells whose somata, and of the channels that, are in a layer."""
    populations = {}
    for name, each in trains.items():
        if name not in recording.populations:
            continue
        gids, heights = soma_heights(recording.geometry(name))
        inside = gids[(heights >= reach[0]) & (heights < reach[1])]
        populations[name] = _of_trains(each.of(inside), settings)
    means = {}
    for name, facts in signals.items():
        if "positions_um" not in facts:
            continue
        heights = facts["positions_um"][:, 2]
        inside = np.flatnonzero((heights >= reach[0]) & (heights < reach[1]))
        means[name] = _over_channels(facts, inside)
    return {
        "low_um": reach[0],
        "high_um": reach[1],
        "populations": populations,
        "signals": means,
    }


def _over_channels(facts: dict[str, Any], channels: np.ndarray) -> dict[str, Any]:
    """Means over some channels, whose numbers have shape (K,); NaN where there are none."""

    def mean(values: np.ndarray) -> float:
        return float(values[channels].mean()) if len(channels) else float("nan")

    return {
        "channels": len(channels),
        **{key: mean(facts[key]) for key in ("mean", "sd", "peak_to_peak")},
        "band_power": {band: mean(power) for band, power in facts["band_power"].items()},
    }


def soma_heights(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Gids, shape (N,), and heights of the middles of the somata, shape (N,), um.

    Of a cell without a soma it is the mean height of its segments.
    """
    gids, owner = np.unique(geometry.gid, return_inverse=True)
    has_soma = np.bincount(owner, geometry.is_soma, minlength=len(gids)) > 0
    weight = np.where(has_soma[owner], geometry.is_soma, True).astype(float)
    sums = np.bincount(owner, weight * geometry.middle[:, 2], minlength=len(gids))
    return gids, sums / np.bincount(owner, weight, minlength=len(gids))


def _signals(recording: Recording, wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in recording.signals:
            raise UsageError(
                f"recording has no signal '{name}'",
                remedy=nearest(name, recording.signals, "signal"),
            )
    return list(recording.signals if wanted is None else wanted)


def _whole_span(recording: Recording, spans: Sequence[Span]) -> tuple[float, float]:
    """First and last time of what is sampled, else of trains or spikes from 0 on, ms."""
    if spans:
        return min(span.first for span in spans), max(span.last for span in spans)
    last = [recording.spikes(name)[0].max(initial=0.0) for name in recording.spike_populations]
    return 0.0, float(max(last, default=0.0))


def _trains(recording: Recording, name: str, begin: float, end: float) -> Trains:
    times, gids = recording.spikes(name)
    # cells that never fire have a rate of 0, and count in the mean
    known = np.union1d(train_ids(recording, name, gids), gids)
    inside = (times >= begin) & (times <= end)
    return Trains(
        times=times[inside],
        cells=np.searchsorted(known, gids[inside]),
        gids=known,
        begin=begin,
        end=end,
    )


def _of_trains(trains: Trains, settings: Settings) -> dict[str, Any]:
    rates = trains.rates()
    cv, lv, of_cells = variation(trains.intervals())
    counts = trains.counts(settings.bin)
    return {
        "cells": len(trains.gids),
        "cells_firing": int(np.count_nonzero(rates)),
        "spikes": len(trains.times),
        "rate_hz": float(rates.mean()) if len(rates) else float("nan"),
        "rate_sd_hz": float(rates.std(ddof=1)) if len(rates) > 1 else float("nan"),
        "cv": cv,
        "lv": lv,
        "cells_with_intervals": of_cells,
        "fano": fano_factor(counts),
        "correlation": mean_correlation(counts),
        "psth": {
            "bin_ms": settings.bin,
            "begin_ms": trains.begin,
            "rate_hz": population_rate(counts, settings.bin),
        },
    }


def _of_signal(
    recording: Recording, name: str, trains: dict[str, Trains], settings: Settings
) -> dict[str, Any]:
    signal = recording.signal(name)
    first, samples = _samples(recording, signal, name, settings)
    with located(recording.source_of(f"/signals/{name}/data")):
        frequencies, density = power_spectrum(samples, signal.dt)
    facts: dict[str, Any] = {
        "units": signal.units,
        "channels": signal.names or [str(k) for k in range(samples.shape[1])],
        "mean": samples.mean(axis=0),
        "sd": samples.std(axis=0),
        "peak_to_peak": np.ptp(samples, axis=0),
        "band_power": {
            band: band_power(frequencies, density, *edges) for band, edges in BANDS.items()
        },
        "spectrum": {"frequency_hz": frequencies, "density": density},
    }
    if signal.positions is not None:
        facts["positions_um"] = signal.positions
    if samples.shape[1] > 1:
        hertz, values = coherence(samples[:, :-1], samples[:, 1:], signal.dt)
        facts["coherence_with_next"] = _by_band(hertz, values)
    facts |= _csd(signal, samples, settings)
    if trains:
        facts["spikes"] = {
            population: _with_spikes(signal, samples, each, first=first, settings=settings)
            for population, each in trains.items()
        }
    return facts


def _samples(
    recording: Recording, signal: Signal, name: str, settings: Settings
) -> tuple[float, np.ndarray]:
    """Time of the first sample in the span, and the samples there."""
    times = signal.times
    inside = np.ones(len(times), bool)
    if settings.time is not None:
        slack = 1e-6 * signal.dt
        inside = (times >= settings.time[0] - slack) & (times <= settings.time[1] + slack)
    rows = np.flatnonzero(inside)
    source = recording.source_of(f"/signals/{name}/data")
    if not len(rows):
        begin, end = settings.time or (0.0, 0.0)
        span = f"from {times[0]:g} to {times[-1]:g} ms" if len(times) else "of no time at all"
        raise UsageError(
            f"no sample lies between {begin:g} and {end:g} ms",
            source=source,
            remedy=f"there are samples {span}",
        )
    samples = np.asarray(signal.data[rows[0] : rows[-1] + 1], dtype=float)
    if not np.all(np.isfinite(samples)):
        raise InputError(
            "holds NaN or infinity", source=source, remedy="see what lfp check says of the file"
        )
    return float(times[rows[0]]), samples


def _by_band(frequencies: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean of values (F, C) over the frequencies of each band; NaN where it has none."""
    means = {}
    for band, (low, high) in BANDS.items():
        inside = (frequencies >= low) & (frequencies < high)
        nothing = np.full(values.shape[1], np.nan)
        means[band] = values[inside].mean(axis=0) if inside.any() else nothing
    return means


def _csd(signal: Signal, samples: np.ndarray, settings: Settings) -> dict[str, Any]:
    """The estimated CSD, where the contacts let it be estimated."""
    if signal.positions is None or signal.units != "mV" or "reference" in signal.parameters:
        return {}
    try:
        order, _ = line_spacing(signal.positions)
    except InputError:
        return {}  # other arrays have none
    density, heights = estimated_csd(
        samples[:, order],
        signal.positions[order, 2],
        method=settings.csd,
        sigma=settings.sigma,
        diameter=settings.diameter,
        dt=signal.dt,
    )
    return {
        "csd": {
            "method": settings.csd,
            "sigma_s_per_m": settings.sigma,
            "z_um": heights,
            "sd_na_per_um3": density.std(axis=0),
            "mean_na_per_um3": density.mean(axis=0),
        }
    }


def _with_spikes(
    signal: Signal, samples: np.ndarray, trains: Trains, *, first: float, settings: Settings
) -> dict[str, Any]:
    """How the spikes of a population go together with a signal."""
    rows = nearest_samples(trains.times, t_start=first, dt=signal.dt)
    before, after = (round(length / signal.dt) for length in settings.window)
    mean, events = triggered_mean(samples, rows, before, after)
    inside = rows[(rows >= 0) & (rows < len(samples))]
    counts = np.bincount(inside, minlength=len(samples)).astype(float)
    # the train as a signal of its own, sampled as the other
    hertz, values = coherence(np.tile(counts[:, None], samples.shape[1]), samples, signal.dt)
    facts: dict[str, Any] = {
        "spikes": events,
        "coherence": _by_band(hertz, values),
        "triggered": {"begin_ms": -before * signal.dt, "dt_ms": signal.dt, "mean": mean},
    }
    if events:
        # about its own begin, since the mean may ride on a slow wave
        level = mean - mean[0]
        channel = int(np.argmin(level.min(axis=0)))
        facts["features"] = {"channel": channel, **spike_features(level[:, channel], signal.dt)}
    return facts
