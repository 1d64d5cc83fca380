"""netCDF-4 by HDF5 itself: a group a signal, with dimension scales that xarray knows as axes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.exchange.contents import Contents, Target, Traces
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.storage import chunk_rows

AXES = ("x", "y", "z")


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write a file: ``xarray.open_dataset(FILE, group=NAME)`` opens each signal.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.
    """
    with new_hdf5(path) as file:
        file.attrs["provenance"] = json.dumps(contents.provenance, sort_keys=True)
        for traces in contents.traces:
            _write_traces(file.create_group(traces.name), traces, target.dtype)
        for trains in contents.trains:
            group = file.create_group(f"spikes/{trains.population}")
            times = _scale(group, "spike", trains.times, units="ms")
            ids = group.create_dataset("gid", data=trains.node_ids.astype(np.int64))
            ids.dims[0].attach_scale(times)


def _write_traces(group: h5py.Group, traces: Traces, dtype: str) -> None:
    group.attrs["model"] = traces.model
    parameters = json.dumps(dict(traces.parameters), sort_keys=True, default=str)
    group.attrs["parameters"] = parameters
    names = np.array(traces.channels, dtype=h5py.string_dtype())
    axes = [_scale(group, "time", traces.times, units="ms"), _scale(group, "channel", names)]
    _write_samples(group, "data", traces.samples, axes, dtype=dtype, units=traces.units)
    for label, samples in traces.shares.items():
        name = f"share_{label}"
        _write_samples(group, name, samples, axes, dtype=dtype, units=traces.units)
    if traces.positions is not None:
        xyz = _scale(group, "xyz", np.array(AXES, dtype=h5py.string_dtype()))
        position = group.create_dataset("position", data=traces.positions)
        position.attrs["units"] = "um"
        for axis, scale in enumerate((axes[1], xyz)):
            position.dims[axis].attach_scale(scale)


def _scale(group: h5py.Group, name: str, values: Any, *, units: str = "") -> h5py.Dataset:
    """A coordinate, which is the scale of the axis of its name."""
    dataset = group.create_dataset(name, data=values)
    dataset.make_scale(name)
    if units:
        dataset.attrs["units"] = units
    return dataset


def _write_samples(
    group: h5py.Group,
    name: str,
    samples: Samples,
    axes: Sequence[h5py.Dataset],
    *,
    dtype: str,
    units: str,
) -> None:
    rows = min(chunk_rows(samples.shape[1], np.dtype(dtype).itemsize), max(samples.shape[0], 1))
    chunks = (rows, samples.shape[1]) if all(samples.shape) else None
    dataset = group.create_dataset(name, samples.shape, dtype, chunks=chunks)
    for start, block in samples.blocks():
        dataset[start : start + len(block)] = block
    dataset.attrs["units"] = units
    for axis, scale in enumerate(axes):
        dataset.dims[axis].attach_scale(scale)
