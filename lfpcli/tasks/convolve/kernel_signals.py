"""Signals of a network of spikes alone: kernels convolved with the spikes of populations."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.forward.convolution import binned, convolved
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.kernels import Kernels, open_kernels
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, Sampled, Signal
from lfpcli.io.trains import open_trains
from lfpcli.io.writer import RecordingWriter
from lfpcli.tasks.convolve.firing import duration_of
from lfpcli.vocabulary import GROUPS, TOTAL

BLOCK = 1 << 14
"""Samples that are made at a time."""
_DIPOLE = "dipole"
_POPULATION = GROUPS[1]


def convolve_kernels(
    kernels: str | os.PathLike[str],
    spikes: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    duration: float | None = None,
    force: bool = False,
    float32: bool = False,
    command: Sequence[str] = ("lfp", "convolve"),
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, int]:
    """Write the signals that the spikes of populations cause.

    Parameters
    ----------
    kernels : path-like
        File of kernels.
    spikes : path-like
        Recording with the spikes of the presynaptic populations.
    output : path-like
        Recording to write, or ``-``.
    duration : float, optional
        ms; that of the spikes' file by default.
    force, float32 : bool
        Whether an existing file is replaced, and samples are stored in single precision.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Returns
    -------
    dict of str to int
        Spikes of each presynaptic population.

    Raises
    ------
    InputError
        Where files do not go together.
    """
    check_recording_output(output, force=force)
    with (
        stream.local_file(kernels) as (kernels_path, kernels_name),
        stream.local_file(spikes) as (spikes_path, spikes_name),
        open_kernels(kernels_path) as signals,
        open_trains(spikes_path, spikes_name) as recording,
    ):
        length = duration_of(recording) if duration is None else duration
        trains = _trains(signals, recording, length)
        inputs = {kernels_name: digest(kernels_path), spikes_name: digest(spikes_path)}
        record = provenance(command, inputs=inputs, history=recording.provenance)
        with (
            atomic_output(output, force=force) as target,
            RecordingWriter(target, record, float32=float32) as writer,
        ):
            for name in recording.spike_populations:
                writer.spikes(name, *recording.spikes(name))
            for number, signal in enumerate(signals):
                _write(writer, signal, trains, length)
                progress((number + 1) / len(signals))
    return {name: len(times) for name, times in trains.items()}


def _trains(
    signals: Sequence[Kernels], recording: Recording, length: float
) -> dict[str, np.ndarray]:
    """Times of all spikes of each presynaptic population, (n,), ms."""
    trains: dict[str, np.ndarray] = {}
    for signal in signals:
        _leave_out_own(signal, recording)
        for pre, _ in signal.values:
            if pre in trains:
                continue
            if pre not in recording.spike_populations:
                raise InputError(
                    f"holds no spikes of '{pre}', which the kernels are of",
                    source=recording.name,
                    remedy=f"its populations: {', '.join(recording.spike_populations) or 'none'}",
                )
            times, _ = recording.spikes(pre)
            trains[pre] = times[(times >= 0) & (times < length)]
    return trains


def _leave_out_own(signal: Kernels, recording: Recording) -> None:
    """Leave own spikes out of cells that have none here, as those that a network of points drives.

    Where nothing else is left the kernels stay, and the spikes are missed.
    """
    for name in sorted(signal.unconnected - set(recording.spike_populations)):
        if len(signal.values) > 1:
            del signal.values[name, name]
            warnings.warn(
                f"{recording.name} holds no spikes of '{name}': {signal.name} is without the own"
                " spikes of its cells",
                LfpWarning,
                stacklevel=2,
            )


def _write(
    writer: RecordingWriter, kernels: Kernels, trains: dict[str, np.ndarray], length: float
) -> None:
    """Convolve and write one signal, with the share of each population whose cells cause it."""
    samples = round(length / kernels.dt) + 1
    channels = next(iter(kernels.values.values())).shape[1]
    posts = list(dict.fromkeys(post for _, post in kernels.values))
    empty = np.zeros((0, channels))
    if kernels.name == _DIPOLE:
        groups = [TOTAL, *posts]
        tracks = {
            name: writer.dipole(name, Sampled(empty, kernels.units, kernels.dt, share=_share(name)))
            for name in groups
        }
        total = tracks.pop(TOTAL)
    else:
        tracks = writer.signal(
            kernels.name,
            Signal(
                empty,
                kernels.units,
                kernels.dt,
                positions=kernels.positions,
                names=kernels.names,
                model=kernels.model,
                parameters=dict(kernels.parameters),
                groups=dict.fromkeys(posts, empty),
                shares=dict.fromkeys(posts, _POPULATION),
            ),
        )
        total = tracks.pop("")
    counts = {pre: binned(times, kernels.dt, samples) for pre, times in trains.items()}
    for first in range(0, samples, BLOCK):
        last = min(first + BLOCK, samples)
        sums = {post: np.zeros((last - first, channels)) for post in posts}
        for (pre, post), kernel in kernels.values.items():
            sums[post] += convolved(counts[pre], kernel, first, last)
        total.append(np.sum([sums[post] for post in posts], axis=0))
        for post in posts:
            tracks[post].append(sums[post])


def _share(name: str) -> str:
    return TOTAL if name == TOTAL else _POPULATION
