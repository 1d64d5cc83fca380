"""Files of kernels: the signals that a spike of a population causes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import attribute_number, numbers, texts, whole
from lfpcli.io.attributes import as_plain, encode
from lfpcli.io.recording import open_hdf5
from lfpcli.io.storage import store
from lfpcli.io.text import as_text
from lfpcli.io.writer import RecordingWriter

FORMAT = "lfp-kernels"
VERSION = 1
_OWN = "own_spikes_alone"
_AGAIN = "make it again with 'lfp kernel'"


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Kernels of one signal.

    Attributes
    ----------
    name, units, model : str
        Of the signal.
    parameters : dict
        Of its forward model.
    positions : ndarray, shape (C, 3), or None
        Of its channels, um.
    names : list of str
        Of its channels.
    dt : float
        Sampling interval, ms.
    values : dict of (str, str) to ndarray, shape (L, C)
        By presynaptic population and population whose cells cause the signal: what one spike adds
        to the signal k dt after it, in `units`.
    unconnected : frozenset of str
        Populations whose kernel onto themselves is that of their cells' own spikes alone: no
        synapse leads from them to themselves.
    """

    name: str
    units: str
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    positions: np.ndarray | None = None
    names: list[str] = field(default_factory=list)
    dt: float
    values: dict[tuple[str, str], np.ndarray]
    unconnected: frozenset[str] = frozenset()


class KernelWriter(RecordingWriter):
    """Writes a file of kernels, see lfp-format(5); a context manager.

    Parameters
    ----------
    path : path-like
        File to write; use `lfpcli.io.atomic.atomic_output` for it.
    provenance : mapping
        See `lfpcli.io.provenance`.
    """

    format_name, format_version = FORMAT, VERSION

    def __enter__(self) -> KernelWriter:
        return self

    def kernels(self, kernels: Kernels) -> None:
        """Write the kernels of a signal."""
        group = self.file.create_group(f"kernels/{kernels.name}")
        group.attrs["units"] = kernels.units
        group.attrs["dt"] = kernels.dt
        group.attrs["model"] = kernels.model
        for key, value in encode(kernels.parameters).items():
            group.attrs[key] = value
        if kernels.positions is not None:
            store(group, "positions", kernels.positions, dtype=float, units="um")
        if kernels.names:
            store(group, "names", np.array(kernels.names, object))
        for number, ((pre, post), values) in enumerate(kernels.values.items()):
            dataset = store(group, f"values/{number}", values, dtype=float, units=kernels.units)
            dataset.attrs["pre"] = pre
            dataset.attrs["post"] = post
            if pre == post and pre in kernels.unconnected:
                dataset.attrs[_OWN] = True


@contextlib.contextmanager
def open_kernels(source: str | os.PathLike[str]) -> Iterator[list[Kernels]]:
    """Read a file of kernels.

    Raises
    ------
    InputError
        Where it is none, or what it holds does not go together.
    """
    with open_hdf5(source) as (file, name):
        if as_text(file.attrs.get("format", "")) != FORMAT:
            raise InputError("holds no kernels", source=name, remedy="make them with 'lfp kernel'")
        yield read_kernels(file, name)


def read_kernels(file: h5py.File, name: str) -> list[Kernels]:
    """The kernels of an open file of them; raises as `open_kernels`."""
    group = file.get("kernels")
    if not isinstance(group, h5py.Group) or not len(group):
        raise InputError("holds no kernels", source=name, remedy=_AGAIN)
    return [_kernels(file, signal, name) for signal in sorted(group)]


def _kernels(file: h5py.File, signal: str, name: str) -> Kernels:
    base = f"kernels/{signal}"
    source = f"{name}:/{base}"
    group = file[base]
    if not isinstance(group, h5py.Group) or not isinstance(group.get("values"), h5py.Group):
        raise InputError("holds no values", source=source, remedy=_AGAIN)
    facts = {key: as_plain(value) for key, value in group.attrs.items()}
    dt = attribute_number(group, "dt", source, remedy=_AGAIN)
    if dt <= 0:
        raise InputError(f"has a sampling interval of {dt:g} ms", source=source, remedy=_AGAIN)
    del facts["dt"]
    values: dict[tuple[str, str], np.ndarray] = {}
    unconnected = set()
    # names are numbers; as text 10 would come before 2
    for key in sorted(group["values"], key=lambda key: (len(key), key)):
        dataset = numbers(file, f"{base}/values/{key}", name, ndim=2)
        ends = as_text(dataset.attrs.get("pre", "")), as_text(dataset.attrs.get("post", ""))
        values[ends] = whole(dataset)
        if dataset.attrs.get(_OWN, False):
            unconnected.add(ends[0])
    shapes = {kernel.shape for kernel in values.values()}
    if len(shapes) != 1:
        raise InputError("kernels differ in shape", source=source, remedy=_AGAIN)
    channels = shapes.pop()[1]
    positions = None
    if "positions" in group:
        positions = whole(numbers(file, f"{base}/positions", name, ndim=2))
        if positions.shape != (channels, 3):
            raise InputError("positions do not fit the channels", source=source, remedy=_AGAIN)
    names = texts(file, f"{base}/names", name) if "names" in group else []
    if names and len(names) != channels:
        raise InputError("names do not fit the channels", source=source, remedy=_AGAIN)
    return Kernels(
        name=signal,
        units=str(facts.pop("units", "")),
        model=str(facts.pop("model", "")),
        parameters=facts,
        positions=positions,
        names=names,
        dt=dt,
        values=values,
        unconnected=frozenset(unconnected),
    )
