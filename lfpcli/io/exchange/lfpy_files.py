"""What LFPy writes with ``simulate(to_file=True)``: a dataset a probe, without time and units."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.io.exchange.contents import Contents, Traces
from lfpcli.io.exchange.samples import Samples, Turned
from lfpcli.io.recording import open_hdf5

# a class of LFPykit, and behind it the number that LFPy gives the probes of a network
PROBE = re.compile(r"\w*(?:Potential|Electrode|Density|Moment|VolumeConductor)\d*")
DIPOLE = "CurrentDipoleMoment"
# fields of a network that are parts of the currents, not populations
_CURRENTS = ("ipas", "icap", "isyn_e", "isyn_i")


def units_of(name: str) -> str:
    """Unit of what a class of LFPykit returns, told by its name in the name of a dataset or file.

    Potentials are in mV, current source densities in nA/um3, dipole moments in nA um.
    """
    if DIPOLE in name:
        return "nA um"
    return "nA/um3" if "CurrentSourceDensity" in name else "mV"


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
                traces += _traces(probe, node, dt)
        if not traces:
            raise InputError("holds no signals of LFPy", source=name, remedy="see lfp info")
        yield Contents(traces=traces, source=name)


class _Field:
    """A field of a structured dataset (C, T), seen as (T, C)."""

    def __init__(self, source: Any, field: str) -> None:
        self._source, self._field = source, field
        self.shape = (int(source.shape[1]), int(source.shape[0]))
        self.dtype: np.dtype[Any] = source.dtype[field]
        self.name = str(source.name)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.ascontiguousarray(np.asarray(self._source[:, rows][self._field]).T)


def _traces(probe: str, data: Any, dt: float) -> list[Traces]:
    """What a probe saw; a dipole moment becomes one, as do its shares."""
    shares: dict[str, Samples] = {}
    again = "write it again with LFPy"
    if data.shape is None or len(data.shape) != 2:
        axes = 0 if data.shape is None else len(data.shape)
        raise InputError(
            f"has {axes} axes, expected channels by samples", source=data.name, remedy=again
        )
    if data.dtype.names:
        if "imem" not in data.dtype.names:
            raise InputError("has no field 'imem', the sum", source=data.name, remedy=again)
        # a Network keeps the sum under "imem" and populations under their names
        names = [field for field in data.dtype.names if field != "imem"]
        shares = {field: Samples(_Field(data, field)) for field in names}
        whole: Any = _Field(data, "imem")
    else:
        whole = Turned(data)
    traces = Traces(
        name=probe,
        samples=Samples(whole),
        units=units_of(probe),
        dt=dt,
        t_start=0.0,
        channels=[str(k) for k in range(whole.shape[1])],
        model="from LFPy",
        shares=shares,
        share_types={name: "current" if name in _CURRENTS else "population" for name in shares},
    )
    if not probe.startswith(DIPOLE) or whole.shape[1] != 3:
        return [traces]
    populations = [name for name in shares if name not in _CURRENTS]
    parts = {"total": traces.samples, **{name: shares[name] for name in populations}}
    return [
        replace(
            traces,
            name=f"dipole/{name}",
            samples=samples,
            channels=["x", "y", "z"],
            shares={},
            share_types={},
            share="total" if name == "total" else "population",
        )
        for name, samples in parts.items()
    ]
