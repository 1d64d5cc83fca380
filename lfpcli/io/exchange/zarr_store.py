"""Zarr: a group a signal, with axes that xarray knows by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from lfpcli.io.exchange.contents import Contents, Target, Traces
from lfpcli.io.exchange.samples import Samples

# bytes of the pieces that an array is stored in
CHUNK_BYTES = 1 << 22


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write a store: ``xarray.open_zarr(STORE, group=NAME)`` opens each signal.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The folder, not there yet.
    target : Target
        Its name and the type of the samples.
    """
    # version 2 is what both generations of the package write
    root = (
        zarr.open_group(str(path), mode="w", zarr_format=2)
        if _new()
        else zarr.open_group(str(path), mode="w")
    )
    root.attrs["provenance"] = json.dumps(contents.provenance, sort_keys=True)
    for traces in contents.traces:
        _write_traces(root.create_group(traces.name), traces, target.dtype)
    for trains in contents.trains:
        group = root.create_group(f"spikes/{trains.population}")
        _put(group, "times", trains.times, ["spike"], units="ms")
        _put(group, "ids", trains.node_ids.astype(np.int64), ["spike"])
    if not _new():
        zarr.consolidate_metadata(str(path))


def _new() -> bool:
    """Whether the package is of the third generation, whose calls differ."""
    return int(zarr.__version__.partition(".")[0]) >= 3


def _write_traces(group: Any, traces: Traces, dtype: str) -> None:
    group.attrs.update(
        {
            "model": traces.model,
            "parameters": json.dumps(dict(traces.parameters), sort_keys=True, default=str),
        }
    )
    _put_samples(group, "data", traces.samples, dtype=dtype, units=traces.units)
    for label, samples in traces.shares.items():
        _put_samples(group, f"share_{label}", samples, dtype=dtype, units=traces.units)
    _put(group, "time", traces.times, ["time"], units="ms")
    _put(group, "channel", np.array(traces.channels, dtype="U"), ["channel"])
    if traces.positions is not None:
        _put(group, "position", traces.positions, ["channel", "xyz"], units="um")


def _put(group: Any, name: str, values: np.ndarray, axes: list[str], **attributes: Any) -> None:
    array = _create(group, name, values.shape, dtype=values.dtype, chunks=values.shape)
    if values.size:
        array[...] = values
    array.attrs.update({"_ARRAY_DIMENSIONS": axes, **attributes})


def _put_samples(group: Any, name: str, samples: Samples, *, dtype: str, units: str) -> None:
    width = max(samples.shape[1] * np.dtype(dtype).itemsize, 1)
    rows = max(1, min(CHUNK_BYTES // width, samples.shape[0]))
    shape = samples.shape
    array = _create(group, name, shape, dtype=np.dtype(dtype), chunks=(rows, max(shape[1], 1)))
    for start, block in samples.blocks():
        array[start : start + len(block)] = block
    array.attrs.update({"_ARRAY_DIMENSIONS": ["time", "channel"], "units": units})


def _create(group: Any, name: str, shape: tuple[int, ...], *, dtype: Any, chunks: Any) -> Any:
    create = group.create_array if _new() else group.create_dataset
    pieces = tuple(max(1, size) for size in chunks)
    return create(name, shape=shape, dtype=dtype, chunks=pieces)
