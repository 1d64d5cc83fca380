"""What files of other tools must hold before it is passed on: numbers that mean something."""

from __future__ import annotations

import math

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.exchange.contents import Contents, Traces, Trains

_REMEDY = "make the file again with the tool that wrote it"


def check_contents(contents: Contents) -> None:
    """Refuse traces and trains whose times, places and numbers of channels make no sense.

    Parameters
    ----------
    contents : Contents
        What was read; samples are not, since they are read as they are used.

    Raises
    ------
    InputError
        Names the file and the trace.
    """
    for traces in contents.traces:
        _check_traces(traces, contents.source)
    for trains in contents.trains:
        _check_trains(trains, contents.source)
    names = [traces.name for traces in contents.traces]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"has '{name}' twice", source=contents.source, remedy=_REMEDY)


def _check_traces(traces: Traces, source: str) -> None:
    name = f"{source}: {traces.name}"
    _, channels = traces.samples.shape
    if not (math.isfinite(traces.dt) and traces.dt > 0):
        raise InputError(
            f"has a sampling interval of {traces.dt:g} ms", source=name, remedy=_REMEDY
        )
    if not math.isfinite(traces.t_start):
        raise InputError(f"begins at {traces.t_start:g} ms", source=name, remedy=_REMEDY)
    if traces.samples.dtype.kind not in "fiub":
        raise InputError(f"has samples of type {traces.samples.dtype}", source=name, remedy=_REMEDY)
    if len(traces.channels) != channels:
        raise InputError(
            f"has {channels} channels and {len(traces.channels)} names",
            source=name,
            remedy=_REMEDY,
        )
    places = traces.positions
    if places is not None and (places.shape != (channels, 3) or not np.all(np.isfinite(places))):
        raise InputError(
            f"has no finite x, y, z for each of {channels} channels", source=name, remedy=_REMEDY
        )
    for label, share in traces.shares.items():
        if share.shape != traces.samples.shape:
            raise InputError(f"share '{label}' has another shape", source=name, remedy=_REMEDY)


def _check_trains(trains: Trains, source: str) -> None:
    name = f"{source}: spikes of {trains.population}"
    if trains.times.shape != trains.node_ids.shape:
        raise InputError(
            f"has {len(trains.times)} times and {len(trains.node_ids)} cells",
            source=name,
            remedy=_REMEDY,
        )
    if not np.all(np.isfinite(trains.times)):
        raise InputError("a time is not finite", source=name, remedy=_REMEDY)
    if trains.node_ids.size and trains.node_ids.min() < 0:
        raise InputError("a cell has a negative number", source=name, remedy=_REMEDY)
