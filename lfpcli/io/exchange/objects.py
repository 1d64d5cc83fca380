"""Recordings as objects of other libraries: Neo, MNE, SpikeInterface, xarray, pandas."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from lfpcli.errors import UsageError, nearest
from lfpcli.io.exchange.contents import Contents, Traces
from lfpcli.io.exchange.recordings import contents_of, opened
from lfpcli.io.exchange.registry import TARGETS, Format
from lfpcli.io.recording import Recording, open_recording

Source = str | os.PathLike[str] | Recording

_ARRAYS = Format(name="xarray", module="objects", packages=("xarray",), extra="frames")


def to_neo(recording: Source) -> Any:
    """All that a recording sampled, and its spikes, as a ``neo.Block``.

    Parameters
    ----------
    recording : path-like or Recording
        A recording, or one that is open.

    Returns
    -------
    neo.Block
        An ``AnalogSignal`` a signal, a ``SpikeTrain`` a cell that fires.

    Raises
    ------
    MissingDependencyError
        Where Neo is not installed.
    """
    module = _format("nix").load()
    with _contents(recording) as contents:
        return module.to_neo(contents)


def to_mne(recording: Source, signal: str) -> Any:
    """One signal of a recording as ``mne.io.RawArray``, in V, T or T/m; a moment as ``mne.Dipole``.

    Parameters
    ----------
    recording : path-like or Recording
        A recording, or one that is open.
    signal : str
        Name of the signal, or ``dipole/GROUP``.

    Returns
    -------
    mne.io.RawArray or mne.Dipole
        Channels with their places, in metres; or the place, amplitude (A m) and direction of a
        moment at each sample.
    """
    with _contents(recording) as contents:
        traces = _named(contents, signal)
        if signal.startswith("dipole/"):
            return _format("dip").load().to_dipole(traces)
        return _format("fif").load().to_raw(traces)


def to_spikeinterface(recording: Source, signal: str) -> Any:
    """One signal of a recording in memory as SpikeInterface's recording, in uV, with its probe.

    Parameters
    ----------
    recording : path-like or Recording
        A recording, or one that is open.
    signal : str
        Name of a signal of potentials.

    Returns
    -------
    spikeinterface.core.NumpyRecording
    """
    module = _format("spikeinterface").load()
    with _contents(recording) as contents:
        return module.to_recording(_named(contents, signal))


def to_pandas(recording: Source, signal: str) -> Any:
    """One signal of a recording as a ``pandas.DataFrame``: a row a time (ms), a column a channel.

    Parameters
    ----------
    recording : path-like or Recording
        A recording, or one that is open.
    signal : str
        Name of the signal, ``dipole/GROUP`` or ``VARIABLE/POPULATION``.

    Returns
    -------
    pandas.DataFrame
        ``attrs`` holds the units.
    """
    if isinstance(recording, Recording):
        return recording.to_pandas(signal)
    with open_recording(recording) as file:
        return file.to_pandas(signal)


def to_xarray(recording: Source, signal: str) -> Any:
    """One signal of a recording as ``xarray.DataArray`` with the axes time (ms) and channel.

    Parameters
    ----------
    recording : path-like or Recording
        A recording, or one that is open.
    signal : str
        Name of the signal, ``dipole/GROUP`` or ``VARIABLE/POPULATION``.

    Returns
    -------
    xarray.DataArray
        With the coordinates ``time``, ``channel`` and, of contacts, ``x``, ``y`` and ``z`` (um).
    """
    _ARRAYS.load()
    import xarray

    with _contents(recording) as contents:
        traces = _named(contents, signal)
        values = traces.samples.array()
    return xarray.DataArray(
        values,
        coords=traces.coordinates,
        dims=("time", "channel"),
        name=traces.name,
        attrs={"units": traces.units, "model": traces.model},
    )


@contextlib.contextmanager
def _contents(recording: Source) -> Iterator[Contents]:
    if isinstance(recording, Recording):
        yield contents_of(recording)
        return
    with opened(recording) as contents:
        yield contents


def _format(name: str) -> Format:
    return next(target for target in TARGETS if target.name == name)


def _named(contents: Contents, signal: str) -> Traces:
    names = [traces.name for traces in contents.traces]
    if signal not in names:
        raise UsageError(
            f"{contents.source} has no signal '{signal}'",
            remedy=nearest(signal, names, "signal"),
        )
    return contents.named(signal)
