"""NIX files through Neo: analog signals with the places of their channels, and spike trains."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import neo
import numpy as np
import quantities

from lfpcli.errors import UsageError
from lfpcli.io.exchange.contents import Contents, Target, Traces, ending_in, unit_factor
from lfpcli.io.exchange.samples import BLOCK_VALUES

# quantities has no such units, and drops the factor of "1e-15*T"
_SCALED = {"nV": "uV", "pT": "T", "fT": "T", "fT/cm": "T/m"}
# "nA/um3", once a product is written as one; what is more than that quantities would compute
_FACTOR = r"[A-Za-z%]+(?:\*\*)?\d?"
_UNIT = re.compile(rf"{_FACTOR}(?:[*/]{_FACTOR})*")
_POWER = re.compile(r"(?<=[A-Za-z])(?=\d)")


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
    return _block(contents, [traces.samples.array() for traces in contents.traces])


def _block(contents: Contents, samples: list[np.ndarray]) -> Any:
    """A Neo block with these samples (T, C) of each of the traces."""
    block = neo.Block(name=Path(contents.source).name or "recording")
    segment = neo.Segment(name="recording")
    block.segments.append(segment)
    for traces, values in zip(contents.traces, samples, strict=True):
        segment.analogsignals.append(_analog(traces, values))
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


def _analog(traces: Traces, values: np.ndarray) -> Any:
    stored = _SCALED.get(traces.units, traces.units)
    factor = unit_factor(traces.units, stored)
    annotations = {"channel_names": np.array(traces.channels, dtype="U")}
    if traces.positions is not None:
        for k, axis in enumerate("xyz"):
            annotations[axis] = traces.positions[:, k]
    return neo.AnalogSignal(
        values if factor == 1.0 else factor * values,
        units=_neo_unit(stored, traces.name),
        sampling_period=traces.dt * quantities.ms,
        t_start=traces.t_start * quantities.ms,
        name=traces.name,
        array_annotations=annotations,
    )


def _neo_unit(units: str, name: str) -> str:
    """A unit as quantities writes it: ``nA*um``, ``nA/um**3``.

    Raises
    ------
    UsageError
        Where quantities knows no such unit.
    """
    text = _POWER.sub("**", units.replace(" ", "*")) or "dimensionless"
    try:
        if _UNIT.fullmatch(text):
            quantities.Quantity(1.0, text)
            return text
    except (LookupError, ValueError, AttributeError):
        pass
    raise UsageError(
        f"{name}: Neo has no unit '{units}'",
        remedy="change it with --units, or choose other signals with --signal",
    )


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write a NIX file, in double precision.

    Neo lays the file out with the first samples of each signal; the others are appended to its
    arrays, block by block.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The file.
    target : Target
        Not used.
    """
    del target
    traces = contents.traces
    # the first blocks of all signals are in memory at once
    values = BLOCK_VALUES // max(len(traces), 1)
    rows = [max(1, values // max(each.samples.shape[1], 1)) for each in traces]
    block = _block(
        contents, [each.samples.read(0, n) for each, n in zip(traces, rows, strict=True)]
    )
    with ending_in(path, ".nix") as named, neo.NixIO(str(named), mode="ow") as io:
        io.write_block(block)
        nix_block = io.nix_file.blocks[block.annotations["nix_name"]]
        for each, signal, n in zip(traces, block.segments[0].analogsignals, rows, strict=True):
            _append(each, nix_block, signal.annotations["nix_name"], first=n)


def _append(traces: Traces, nix_block: Any, nix_name: str, *, first: int) -> None:
    """Append the samples from row `first` on to the arrays of a signal, one a channel."""
    samples, channels = traces.samples.shape
    if samples <= first:
        return
    arrays = [nix_block.data_arrays[f"{nix_name}.{k}"] for k in range(channels)]
    stored = traces.in_units(_SCALED.get(traces.units, traces.units))
    rest = stored.samples.narrowed(range(first, samples), None)
    for _, block in rest.blocks():
        for array, column in zip(arrays, np.ascontiguousarray(block.T), strict=True):
            array.append(column)
