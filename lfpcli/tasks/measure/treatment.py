"""Signals of a file, treated once all of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h5py
import numpy as np

from lfpcli.forward.filters import filtered
from lfpcli.forward.noise import noise, scaled
from lfpcli.forward.treatment import Treatment
from lfpcli.model.probe import Probe
from lfpcli.seeds import generator

# doubles of a signal that are treated at a time
_BLOCK_VALUES = 1 << 24
# seeds of noise are below this
_SEEDS = 1 << 31


def treat_signal(group: h5py.Group, treatment: Treatment) -> None:
    """Treat a signal in its file; shares are filtered and resampled, noise is in the total alone.

    Parameters
    ----------
    group : h5py.Group
        ``/signals/NAME`` or ``/dipole/GROUP`` of a recording that is being written.
    treatment : Treatment
        What to do.

    Raises
    ------
    UsageError
        Where the noise or the band makes no sense for the signal.
    """
    total = group["data"]
    samples, dt = len(total), float(total.attrs["dt"])
    shares = list(group["groups"].values()) if "groups" in group else []
    for dataset in (total, *shares):
        _filter(dataset, dt, treatment)
    # a mixture of several parts has a dataset of its own
    total = group["data"]
    if treatment.noise is not None:
        _add_noise(group, samples, dt, treatment)
    for key, value in treatment.parameters.items():
        total.attrs[key] = value
    if treatment.resample:
        for holder in (total, group):
            holder.attrs["dt"] = treatment.resample


def probe_treatments(probes: Sequence[Probe], seed: int, dt: float, every: int) -> list[Treatment]:
    """What is done to the signals of a model's probes, each with noise of its own.

    Parameters
    ----------
    probes : sequence of Probe
        The probes.
    seed : int
        The run's seed.
    dt : float
        The run's sampling interval, ms.
    every : int
        How many of them a sample of a probe without an interval of its own stands for.
    """
    treatments = []
    for number, probe in enumerate(probes):
        treatment = probe.treatment
        if treatment.resample is None and every > 1:
            treatment = replace(treatment, resample=every * dt)
        if treatment.noise is not None:
            # two probes of one run have noise of their own
            drawn = int(generator(seed, "noise of a probe", number).integers(_SEEDS))
            treatment = replace(treatment, noise=replace(treatment.noise, seed=drawn))
        treatments.append(treatment)
    return treatments


def _filter(dataset: h5py.Dataset, dt: float, treatment: Treatment) -> None:
    """Filter and resample a dataset (T, C), some columns at a time.

    Of a mixture of several parts, what is mixed takes the place of the first.
    """
    samples, columns = dataset.shape
    parts = 1 if treatment.mixture is None else treatment.mixture.parts
    channels = columns // parts
    # a mixture has the spectrum of a longer signal of each part
    values = samples if treatment.mixture is None else 8 * samples * parts
    width = max(1, _BLOCK_VALUES // max(values, 1))
    length = samples
    for first in range(0, channels, width):
        last = min(first + width, channels)
        blocks = [
            dataset[:samples, part * channels + first : part * channels + last]
            for part in range(parts)
        ]
        block = filtered(np.concatenate(blocks, axis=1).astype(float), dt, treatment)
        length = len(block)
        if length > dataset.shape[0]:
            dataset.resize(length, axis=0)
        dataset[:length, first:last] = block
    dataset.resize(length, axis=0)
    if parts > 1:
        _narrow(dataset, channels)


def _narrow(dataset: h5py.Dataset, channels: int) -> None:
    """Put a dataset of the first channels in the place of one (T, C) with more."""
    group, name = dataset.parent, str(dataset.name)
    samples, rows = len(dataset), dataset.chunks[0]
    narrow = group.create_dataset(
        f"{name}.narrow",
        shape=(samples, channels),
        maxshape=(None, channels),
        chunks=(rows, channels),
        dtype=dataset.dtype,
        fletcher32=True,
    )
    for first in range(0, samples, rows):
        narrow[first : first + rows] = dataset[first : first + rows, :channels]
    for key in dataset.attrs:
        attribute = dataset.attrs.get_id(key)
        narrow.attrs.create(key, dataset.attrs[key], dtype=attribute.dtype)
    del group[name]
    group.move(f"{name}.narrow", name)


def _add_noise(group: h5py.Group, samples: int, dt: float, treatment: Treatment) -> None:
    """Add noise that has been through the filters of the signal, and has its size after them."""
    added, total = treatment.noise, group["data"]
    assert added is not None
    channels = total.shape[1]
    positions = group["positions"][()] if "positions" in group else np.zeros((channels, 3))
    traces = noise(
        added.colour,
        samples,
        positions,
        rms=added.rms,
        seed=added.seed,
        length=added.length,
    )
    # noise of an amplifier does not go through the tissue
    behind = replace(treatment, mixture=None)
    total[:] = total[:] + scaled(filtered(traces, dt, behind), added.rms)
