"""Signals of a file, treated once all of them are there."""

from __future__ import annotations

from collections.abc import Iterable

import h5py
import numpy as np

from lfpcli.forward.filters import filtered
from lfpcli.forward.noise import noise
from lfpcli.forward.treatment import Noise, Treatment
from lfpcli.model.probe import Probe

# doubles of a signal that are treated at a time
_BLOCK_VALUES = 1 << 24


def treat_signal(group: h5py.Group, treatment: Treatment) -> None:
    """Treat a signal in its file; shares are filtered and resampled, noise is in the total alone.

    Parameters
    ----------
    group : h5py.Group
        ``/signals/NAME`` of a recording that is being written.
    treatment : Treatment
        What to do.

    Raises
    ------
    UsageError
        Where the noise or the band makes no sense for the signal.
    """
    total = group["data"]
    dt = float(total.attrs["dt"])
    if treatment.noise is not None:
        _add_noise(group, treatment.noise)
    shares = list(group["groups"].values()) if "groups" in group else []
    for dataset in (total, *shares):
        _filter(dataset, dt, treatment)
    for key, value in treatment.parameters.items():
        total.attrs[key] = value
    if treatment.resample:
        for holder in (total, group):
            holder.attrs["dt"] = treatment.resample


def treat_probes(file: h5py.File, probes: Iterable[Probe]) -> None:
    """Treat the signals of a model's probes that ask for it, once a run is over."""
    for probe in probes:
        if probe.treatment:
            treat_signal(file[f"signals/{probe.name}"], probe.treatment)


def _filter(dataset: h5py.Dataset, dt: float, treatment: Treatment) -> None:
    """Filter and resample a dataset (T, C), some columns at a time."""
    samples, channels = dataset.shape
    width = max(1, _BLOCK_VALUES // max(samples, 1))
    length = samples
    for first in range(0, channels, width):
        columns = slice(first, first + width)
        block = filtered(dataset[:samples, columns].astype(float), dt, treatment)
        length = len(block)
        if length > dataset.shape[0]:
            dataset.resize(length, axis=0)
        dataset[:length, columns] = block
    dataset.resize(length, axis=0)


def _add_noise(group: h5py.Group, added: Noise) -> None:
    total = group["data"]
    samples, channels = total.shape
    positions = group["positions"][()] if "positions" in group else np.zeros((channels, 3))
    total[:] = total[:] + noise(
        added.colour,
        samples,
        positions,
        rms=added.rms,
        seed=added.seed,
        length=added.length,
    )
