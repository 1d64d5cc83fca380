"""What is done to a signal once all of it is there: noise, filter, sampling interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import UsageError
from lfpcli.forward.filters import butterworth, parse_band, resample
from lfpcli.forward.noise import noise
from lfpcli.model import Probe

# doubles of a signal that are treated at a time
_BLOCK_VALUES = 1 << 24


@dataclass(frozen=True)
class Treatment:
    """What is done, in this order.

    Attributes
    ----------
    noise : str or None
        ``KIND:RMS[:LENGTH]``: white, pink or brown, in the signal's unit, correlated over
        LENGTH um.
    filter : str or None
        Pass band, ``300:6000``, Hz.
    order : int
        Order of one pass of the filter.
    resample : float or None
        Sampling interval, ms.
    seed : int
        Seed of the noise.
    """

    noise: str | None = None
    filter: str | None = None
    order: int = 3
    resample: float | None = None
    seed: int = 0

    @property
    def stated(self) -> dict[str, Any]:
        """What the recording says of it."""
        facts: dict[str, Any] = {}
        if self.noise:
            facts |= {"noise": self.noise, "noise_seed": self.seed}
        return facts | ({"filter": self.filter, "filter_order": self.order} if self.filter else {})


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
    if treatment.noise:
        _add_noise(group, treatment)
    shares = list(group["groups"].values()) if "groups" in group else []
    for dataset in (total, *shares):
        _treat(dataset, dt, treatment)
    for key, value in treatment.stated.items():
        total.attrs[key] = value
    if treatment.resample:
        for holder in (total, group):
            holder.attrs["dt"] = treatment.resample


def filter_probes(file: h5py.File, probes: Iterable[Probe]) -> None:
    """Filter the signals of a model's probes that ask for it, once a run is over."""
    for probe in probes:
        if probe.filter is not None:
            low, high = (
                "" if f is None else f"{f:g}" for f in (probe.filter.low, probe.filter.high)
            )
            treatment = Treatment(filter=f"{low}:{high}", order=probe.filter.order)
            treat_signal(file[f"signals/{probe.name}"], treatment)


def _treat(dataset: h5py.Dataset, dt: float, treatment: Treatment) -> None:
    """Filter and resample a dataset (T, C), some columns at a time."""
    samples, channels = dataset.shape
    width = max(1, _BLOCK_VALUES // max(samples, 1))
    length = samples
    for first in range(0, channels, width):
        block = dataset[:samples, first : first + width].astype(float)
        if treatment.filter:
            block = butterworth(block, dt, *parse_band(treatment.filter), treatment.order)
        if treatment.resample:
            block = resample(block, dt, treatment.resample)
        length = len(block)
        if length > dataset.shape[0]:
            dataset.resize(length, axis=0)
        dataset[:length, first : first + width] = block
    dataset.resize(length, axis=0)


def _add_noise(group: h5py.Group, treatment: Treatment) -> None:
    kind, rms, length = parse_noise(str(treatment.noise))
    total = group["data"]
    samples, channels = total.shape
    positions = group["positions"][()] if "positions" in group else np.zeros((channels, 3))
    total[:] = total[:] + noise(kind, samples, positions, rms, treatment.seed, length)


def parse_noise(text: str) -> tuple[str, float, float | None]:
    """Read ``KIND:RMS[:LENGTH]``.

    Returns
    -------
    kind : str
    rms : float
        In the signal's unit.
    length : float or None
        Correlation length, um.

    Raises
    ------
    UsageError
        Where the text is not of that form.
    """
    kind, *numbers = text.split(":")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = []
    if len(values) not in (1, 2):
        raise UsageError(
            f"noise '{text}' is not of the form KIND:RMS[:LENGTH]", remedy="write white:0.01"
        )
    return kind, values[0], values[1] if len(values) > 1 else None
