"""What LFPy writes with ``simulate(to_file=True)``: a dataset a probe, without time and units."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.io.exchange.contents import Contents, Traces
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.recording import open_hdf5

# units of what LFPykit's classes return, by the begin of their names
_UNITS = {
    "CurrentDipoleMoment": "nA um",
    "LaminarCurrentSourceDensity": "nA/um3",
    "VolumetricCurrentSourceDensity": "nA",
}


@contextlib.contextmanager
def opened(source: str | os.PathLike[str], dt: float | None = None) -> Iterator[Contents]:
    """Yield the signals of a file of LFPy's Cell (channels, samples) or Network (structured).

    Parameters
    ----------
    source : path-like
        The file.
    dt : float, optional
        Sampling interval, ms, which such a file does not tell.

    Raises
    ------
    UsageError
        Where no sampling interval is given.
    InputError
        Where it holds no arrays of channels by samples.
    """
    with open_hdf5(source) as (file, name):
        if dt is None:
            raise UsageError(
                "files of LFPy do not tell their sampling interval", remedy="give --dt MS"
            )
        traces = []
        for probe, node in file.items():
            if isinstance(node, h5py.Dataset):
                traces.append(_traces(probe, node, dt))
        if not traces:
            raise InputError("holds no signals of LFPy", source=name, remedy="see lfp info")
        yield Contents(traces=traces, source=name)


def _traces(probe: str, data: Any, dt: float) -> Traces:
    shares: dict[str, Samples] = {}
    if data.dtype.names:
        # a Network keeps the sum under "imem" and populations under their names
        whole = np.asarray(data["imem"]).T
        for field in data.dtype.names:
            if field != "imem":
                shares[field] = Samples(np.ascontiguousarray(np.asarray(data[field]).T))
    else:
        whole = np.asarray(data[()]).T
    if whole.ndim != 2:
        raise InputError(
            f"has {whole.ndim} axes, expected channels by samples",
            source=data.name,
            remedy="see lfp info",
        )
    units = "mV"
    for begin, unit in _UNITS.items():
        if probe.startswith(begin):
            units = unit
    return Traces(
        name=probe,
        samples=Samples(np.ascontiguousarray(whole)),
        units=units,
        dt=dt,
        t_start=0.0,
        channels=[str(k) for k in range(whole.shape[1])],
        model="from LFPy",
        shares=shares,
    )
