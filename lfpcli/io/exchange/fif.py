"""MNE-Python's files: raw data and evoked responses, with sensors in the head frame."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.io.exchange.contents import (
    Contents,
    Target,
    Traces,
    ascii_names,
    check_distinct,
    ending_in,
    only_traces,
)
from lfpcli.io.exchange.fif_evoked import write_evoked
from lfpcli.io.exchange.mne_sources import FIXED, write_fixed
from lfpcli.io.exchange.samples import BLOCK_VALUES

# channel type and unit that MNE stores
_TYPES = {"V": "V", "mV": "V", "uV": "V", "nV": "V", "T": "T", "pT": "T", "fT": "T", "T/m": "T/m"}
METRES = 1e-6
OFF_THE_GRID = 1e-6
"""Share of a step that the first sample may be off the multiples of steps."""
LARGEST_FIF = 2_000_000_000
"""Bytes of samples in a file, above which MNE would make several."""


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write one signal as raw data, or as an evoked response where the name ends in ``-ave.fif``.

    A name that ends in ``-dip.fif`` makes a fixed dipole of a dipole moment.

    Potentials of models of the head are EEG channels, others those of a depth electrode (SEEG);
    fields are magnetometers, their gradients gradiometers. Numbers are in V, T and T/m, places in
    metres.

    Parameters
    ----------
    contents : Contents
        What to write, of one signal.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.
    """
    if target.name.endswith(FIXED):
        write_fixed(contents, path)
        return
    traces = only_traces(contents, ".fif")
    if target.name.endswith("-ave.fif"):
        check_fif_size(traces, 4)
        stored = traces.in_units(_stored_units(traces))
        write_evoked(_evoked(traces, stored.samples.read(0, 1)), stored.samples, path)
        return
    width = np.dtype(target.dtype).itemsize
    check_fif_size(traces, width)
    raw = _StoredRaw(traces)
    # MNE copies what it writes several times
    seconds = BLOCK_VALUES / 8 / max(traces.samples.shape[1], 1) * traces.dt / 1000.0
    with ending_in(path, "_raw.fif") as named:
        raw.save(
            named,
            fmt="double" if width == 8 else "single",
            buffer_size_sec=seconds,
            overwrite=True,
            verbose="error",
        )


def check_fif_size(traces: Traces, width: int) -> None:
    """Refuse samples that a file cannot hold, whose places are signed 32-bit numbers.

    Parameters
    ----------
    traces : Traces
        What is to be written.
    width : int
        Bytes of a number.
    """
    size = width * traces.samples.shape[0] * traces.samples.shape[1]
    if size <= LARGEST_FIF:
        return
    less = "choose less with --time or --channels"
    raise UsageError(
        f"a .fif file holds {LARGEST_FIF / 1e9:.0f} GB, these samples are "
        f"{size / 1e9:.1f} GB in {'single' if width == 4 else 'double'} precision",
        remedy=less if width == 4 else f"{less}, or --dtype float32",
    )


def _evoked(traces: Traces, samples: np.ndarray) -> Any:
    """An evoked response of some samples, (n, C), in the unit that MNE stores."""
    return mne.EvokedArray(
        samples.T,
        _info(traces),
        tmin=_first_sample(traces) * traces.dt / 1000.0,
        comment=traces.name,
        verbose="error",
    )


class _StoredRaw(mne.io.BaseRaw):  # type: ignore[misc]
    """Raw data of MNE whose samples stay in their file until they are asked for.

    Parameters
    ----------
    traces : Traces
        One signal.
    """

    def __init__(self, traces: Traces) -> None:
        samples = traces.in_units(_stored_units(traces)).samples
        first = _first_sample(traces)
        super().__init__(
            _info(traces),
            preload=False,
            filenames=(None,),
            first_samps=[first],
            last_samps=[first + traces.samples.shape[0] - 1],
            raw_extras=[{"samples": samples, "first": first}],
            orig_format="double",
            verbose="error",
        )

    def _read_segment_file(
        self, data: Any, idx: Any, fi: int, start: int, stop: int, cals: Any, mult: Any
    ) -> None:
        """Fill channels `idx` of `data` (C, n) with the samples from `start` up to `stop`."""
        # MNE passes another object as self, which has the extras and little else
        extras = self._raw_extras[fi]
        # the numbers of rows begin at the first sample, not at 0
        block = extras["samples"].read(start - extras["first"], stop - extras["first"]).T
        data[:] = block[idx] if mult is None else mult @ block


def to_raw(traces: Traces) -> Any:
    """Return one signal as ``mne.io.RawArray``, in V, T or T/m.

    Raises
    ------
    UsageError
        Where MNE has no channels of its unit.
    """
    info = _info(traces)
    first = _first_sample(traces)
    return mne.io.RawArray(_data(traces), info, first_samp=first, verbose="error")


def _first_sample(traces: Traces) -> int:
    """Number of the first sample, where time 0 has the number 0."""
    first = round(traces.t_start / traces.dt)
    if abs(first * traces.dt - traces.t_start) > OFF_THE_GRID * traces.dt:
        warnings.warn(
            f"MNE counts time in steps from 0: the first sample of {traces.name}, "
            f"{traces.t_start:g} ms, is put at {first * traces.dt:g} ms",
            LfpWarning,
            stacklevel=2,
        )
    return first


def _data(traces: Traces) -> np.ndarray:
    """Samples as MNE takes them, (C, T) in V, T or T/m."""
    return np.asarray(traces.in_units(_stored_units(traces)).samples.array().T)


def _stored_units(traces: Traces) -> str:
    if traces.units not in _TYPES:
        raise UsageError(
            f"MNE has no channels in {traces.units or 'no unit'}",
            remedy="choose an EEG, MEG or extracellular signal with --signal",
        )
    return _TYPES[traces.units]


def _info(traces: Traces) -> Any:
    stored = _stored_units(traces)
    head = "montage" in traces.parameters or "head_model" in traces.parameters
    channel_type = {"V": "eeg" if head else "seeg", "T": "mag", "T/m": "grad"}[stored]
    names = ascii_names(traces, "MNE")
    check_distinct(replace(traces, channels=names), "MNE")
    info = mne.create_info(names, 1000.0 / traces.dt, channel_type, verbose="error")
    if traces.positions is None:
        return info
    metres = traces.positions * METRES
    if stored == "V":
        by_name = dict(zip(names, metres, strict=True))
        info.set_montage(mne.channels.make_dig_montage(by_name, coord_frame="head"))
        return info
    for channel, position in zip(info["chs"], metres, strict=True):
        channel["loc"][:3] = position
    return info
