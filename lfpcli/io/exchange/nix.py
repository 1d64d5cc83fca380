"""NIX files through Neo: analog signals with the places of their channels, and spike trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import neo
import numpy as np
import quantities

from lfpcli.io.exchange.contents import Contents, Target, Traces, ending_in
from lfpcli.io.exchange.samples import check_size

# quantities has no name for units such as nA um: a compound of the ones that it has
_COMPOUND = {"nA um": "nA*um", "nA/um3": "nA/um**3", "A m": "A*m", "nA m": "nA*m", "": "1"}


def to_neo(contents: Contents) -> Any:
    """Return a Neo block: an ``AnalogSignal`` a signal, a ``SpikeTrain`` a cell that fires.

    Places of the channels (um) are the array annotations ``x``, ``y`` and ``z``, their names
    ``channel_names``.

    Parameters
    ----------
    contents : Contents
        What to hold; samples are read into memory.

    Returns
    -------
    neo.Block
    """
    block = neo.Block(name=Path(contents.source).name or "recording")
    segment = neo.Segment(name="recording")
    block.segments.append(segment)
    for traces in contents.traces:
        segment.analogsignals.append(_analog(traces))
    stop = contents.stop()
    for trains in contents.trains:
        for gid, times in trains.by_cell().items():
            segment.spiketrains.append(
                neo.SpikeTrain(
                    times * quantities.ms,
                    t_start=min(0.0, float(times[0])) * quantities.ms,
                    t_stop=max(stop, float(times[-1])) * quantities.ms,
                    name=f"{trains.population}.{gid}",
                    population=trains.population,
                    gid=int(gid),
                )
            )
    return block


def _analog(traces: Traces) -> Any:
    annotations = {"channel_names": np.array(traces.channels, dtype="U")}
    if traces.positions is not None:
        for k, axis in enumerate("xyz"):
            annotations[axis] = traces.positions[:, k]
    return neo.AnalogSignal(
        traces.samples.array(),
        units=_COMPOUND.get(traces.units, traces.units),
        sampling_period=traces.dt * quantities.ms,
        t_start=traces.t_start * quantities.ms,
        name=traces.name,
        array_annotations=annotations,
    )


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write a NIX file, in double precision.

    Parameters
    ----------
    contents : Contents
        What to write; samples are read into memory.
    path : Path
        The file.
    target : Target
        Not used.

    Raises
    ------
    UsageError
        Where samples take more memory than a file may that is made in memory.
    """
    del target
    check_size([traces.samples for traces in contents.traces], ".nix")
    with ending_in(path, ".nix") as named, neo.NixIO(str(named), mode="ow") as io:
        io.write_block(to_neo(contents))
