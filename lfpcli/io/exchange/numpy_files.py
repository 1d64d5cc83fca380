"""NumPy's files: one signal as .npy, all of a recording as .npz."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from lfpcli.io.exchange.contents import Contents, Target, only_traces
from lfpcli.io.exchange.samples import Samples

# the first moment that a zip archive can tell: the same contents give the same bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write one signal (.npy), or all that was sampled and the spikes (.npz).

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.
    """
    if target.suffix == ".npy":
        with path.open("wb") as file:
            _write_samples(file, only_traces(contents, ".npy").samples, target.dtype)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in _arrays(contents):
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            with archive.open(entry, "w", force_zip64=True) as file:
                if isinstance(values, Samples):
                    _write_samples(file, values, target.dtype)
                else:
                    npy.write_array(file, np.asanyarray(values), allow_pickle=False)


def _arrays(contents: Contents) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of an .npz and their names."""
    for traces in contents.traces:
        name = traces.name.replace("/", ".")
        yield name, traces.samples
        yield f"{name}.t", traces.times
        yield f"{name}.units", np.array(traces.units)
        yield f"{name}.channels", np.array(traces.channels, dtype=str)
        if traces.positions is not None:
            yield f"{name}.positions", traces.positions
        for label, samples in traces.shares.items():
            yield f"{name}.share.{label}", samples
    for trains in contents.trains:
        yield f"spikes.{trains.population}.times", trains.times
        yield f"spikes.{trains.population}.ids", trains.node_ids


def _write_samples(file: IO[bytes], samples: Samples, dtype: str) -> None:
    """Write samples as an .npy array (T, C), block by block."""
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": samples.shape}
    npy.write_array_header_1_0(file, header)
    for block in _typed(samples, dtype):
        file.write(block.tobytes())


def _typed(samples: Samples, dtype: str) -> Iterable[np.ndarray]:
    for _, block in samples.blocks():
        yield np.ascontiguousarray(block, dtype=dtype)
