"""The recording: one HDF5 file of geometry, spikes, reports, dipoles and signals; lfp-format(5)."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.provenance import read_provenance
from lfpcli.io.shares import SHARE, share_of
from lfpcli.io.text import as_text
from lfpcli.vocabulary import TOTAL

FORMAT = "lfp-recording"
VERSION = 1


@dataclass
class Sampled:
    """Samples at ``t_start + k dt``.

    Attributes
    ----------
    data : array-like, shape (T, C)
        An ndarray, or an HDF5 dataset that is read where it is sliced.
    units : str
        Unit of the samples.
    dt, t_start : float
        Sampling interval and time of the first sample, ms.
    share : {'total', 'population', 'cell', 'current'}
        Whose they are; the empty string leaves it to the name of the group.
    """

    data: Any
    units: str
    dt: float
    t_start: float = 0.0
    share: str = field(default="", kw_only=True)

    @property
    def times(self) -> np.ndarray:
        """Times of the samples, shape (T,), ms."""
        return self.t_start + self.dt * np.arange(self.data.shape[0])


@dataclass
class Report(Sampled):
    """A variable of segments, in the layout of a SONATA compartment report.

    Attributes
    ----------
    node_ids : ndarray of int, shape (cells,)
        Gids, ascending.
    pointers : ndarray of int, shape (cells + 1,)
        Columns of cell k are ``pointers[k]:pointers[k + 1]``.
    element_ids : ndarray of int, shape (N,)
        Section numbers of the columns.
    element_pos : ndarray, shape (N,)
        Places along the section, 0 to 1.
    """

    node_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pointers: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    element_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    element_pos: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass
class Signal(Sampled):
    """What contacts, sensors or volumes measure.

    Attributes
    ----------
    positions : ndarray, shape (C, 3), or None
        Places of the contacts, um.
    names : list of str
        Names of the channels, empty where they have none.
    model : str
        Name of the forward model.
    parameters : dict
        Its parameters.
    groups : dict of str to array-like (T, C)
        Shares of populations, cells or kinds of current.
    shares : dict of str to str
        Whose share each group is, see `Sampled`.
    """

    positions: np.ndarray | None = None
    names: list[str] = field(default_factory=list)
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, str] = field(default_factory=dict)


class Recording:
    """A recording opened for reading; use `open_recording`.

    Parameters
    ----------
    file : h5py.File
        The open file.
    name : str
        What to call it in messages.
    """

    def __init__(self, file: h5py.File, name: str) -> None:
        self.file = file
        self.name = name
        kind = as_text(file.attrs.get("format", ""))
        if kind != FORMAT:
            raise InputError(
                "HDF5 file, but no recording of lfp", source=name, remedy="make one with 'lfp sim'"
            )
        version = _number(file.attrs.get("format_version"))
        if not 1 <= version <= VERSION:
            raise InputError(
                f"recording of format version {version:g}, known is {VERSION}",
                source=name,
                remedy="update lfp" if version > VERSION else "make it again with 'lfp sim'",
            )

    def source_of(self, path: str) -> str:
        """Name of a part of the file, for messages."""
        return f"{self.name}:{path}"

    @property
    def provenance(self) -> dict[str, Any]:
        """How the file came to be."""
        return read_provenance(self.file.attrs, self.name)

    @property
    def populations(self) -> list[str]:
        """Names of the populations with geometry."""
        return self._keys("geometry")

    def _keys(self, path: str) -> list[str]:
        node = self.file.get(path)
        return sorted(node) if isinstance(node, h5py.Group) else []

    def _get(self, path: str, ndim: int | None = None) -> h5py.Dataset:
        node = self.file.get(path)
        if not isinstance(node, h5py.Dataset):
            raise InputError("dataset is missing", source=self.source_of(path))
        if ndim is not None and node.ndim != ndim:
            raise InputError(f"has {node.ndim} axes, expected {ndim}", source=self.source_of(path))
        if node.dtype.kind not in "fiuOSb":
            raise InputError(
                f"has type {node.dtype}, expected numbers", source=self.source_of(path)
            )
        return node

    def array(self, path: str, ndim: int, dtype: Any = float) -> np.ndarray:
        """Read a whole dataset of finite numbers."""
        node = self._get(path, ndim)
        try:
            values = np.asarray(node[()], dtype=dtype)
        except (ValueError, TypeError, OSError) as error:
            raise InputError(f"cannot be read: {error}", source=self.source_of(path)) from error
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise InputError("holds NaN or infinity", source=self.source_of(path))
        return values

    def geometry(self, population: str) -> Geometry:
        """Segments of all cells of a population."""
        base = f"/geometry/{population}"
        if population not in self.populations:
            raise InputError(
                f"no geometry of population '{population}'",
                source=self.name,
                remedy=nearest(population, self.populations, "population"),
            )
        parts = {n: self.array(f"{base}/{n}", 2) for n in ("start", "end")}
        parts |= {n: self.array(f"{base}/{n}", 1) for n in ("diam", "area", "x")}
        parts |= {n: self.array(f"{base}/{n}", 1, np.int64) for n in ("gid", "section", "parent")}
        names = [as_text(n) for n in self._get(f"{base}/section_names", 1)[()]]
        for key in ("start", "end"):
            if parts[key].shape[1] != 3:
                raise InputError("expected three columns", source=self.source_of(f"{base}/{key}"))
        if len(parts["section"]) and not 0 <= parts["section"].min() <= parts[
            "section"
        ].max() < len(names):
            raise InputError(
                "names a section that is not there", source=self.source_of(f"{base}/section")
            )
        return Geometry(**parts, section_names=names)

    def spikes(self, population: str) -> tuple[np.ndarray, np.ndarray]:
        """Spike times, ms, and gids of a population, sorted by time."""
        base = f"/spikes/{population}"
        times = self.array(f"{base}/timestamps", 1)
        ids = self.array(f"{base}/node_ids", 1, np.int64)
        if len(times) != len(ids):
            raise InputError(
                "timestamps and node_ids differ in length", source=self.source_of(base)
            )
        order = np.lexsort((ids, times))
        return times[order], ids[order]

    @property
    def spike_populations(self) -> list[str]:
        """Names of the populations with spikes."""
        return self._keys("spikes")

    @property
    def reports(self) -> dict[str, list[str]]:
        """Recorded variables, each with its populations."""
        return {name: self._keys(f"reports/{name}") for name in self._keys("reports")}

    def report(self, variable: str, population: str) -> Report:
        """A variable of the segments of a population."""
        base = f"/reports/{variable}/{population}"
        if population not in self.reports.get(variable, []):
            raise InputError(
                f"no report of '{variable}' for population '{population}'",
                source=self.name,
                remedy=f"record it: lfp sim --set record.{variable}=... "
                if variable in ("imem", "vmem")
                else nearest(variable, self.reports, "variable"),
            )
        mapping = f"{base}/mapping"
        plural = "index_pointers" if f"{mapping}/index_pointers" in self.file else "index_pointer"
        return Report(
            **self._sampled(base),
            node_ids=self.array(f"{mapping}/node_ids", 1, np.int64),
            pointers=self.array(f"{mapping}/{plural}", 1, np.int64),
            element_ids=self.array(f"{mapping}/element_ids", 1, np.int64),
            element_pos=self.array(f"{mapping}/element_pos", 1),
        )

    def _sampled(self, base: str) -> dict[str, Any]:
        data = self._get(f"{base}/data", 2)
        found: dict[str, Any] = {"data": data}
        for key in ("dt", "t_start"):
            value = _number(data.attrs.get(key, self.file[base].attrs.get(key)))
            if not np.isfinite(value) or (key == "dt" and value <= 0):
                raise InputError(
                    f"attribute '{key}' is missing or wrong", source=self.source_of(base)
                )
            found[key] = value
        found["units"] = as_text(data.attrs.get("units", ""))
        return found

    @property
    def dipole_groups(self) -> list[str]:
        """Names of the groups with a current dipole moment: "total", populations, cells."""
        return self._keys("dipole")

    def dipole(self, group: str) -> Sampled:
        """Current dipole moment of a group, (T, 3), nA um."""
        if group not in self.dipole_groups:
            raise InputError(
                f"no current dipole moment of '{group}'",
                source=self.name,
                remedy=nearest(group, self.dipole_groups, "group")
                if self.dipole_groups
                else 'record it with [record] dipole = "total"',
            )
        share = self._share(f"/dipole/{group}/data", group)
        return Sampled(**self._sampled(f"/dipole/{group}"), share=share)

    def _share(self, dataset: str, group: str) -> str:
        """Whose share a group of a dipole or signal is."""
        populations = {*self.populations, *self.spike_populations}
        value = self._get(dataset).attrs.get(SHARE)
        return share_of(value, group, populations, source=self.source_of(dataset))

    @property
    def signals(self) -> list[str]:
        """Names of the signals."""
        return self._keys("signals")

    def signal(self, name: str) -> Signal:
        """A signal; its samples are read where they are sliced."""
        base = f"/signals/{name}"
        if name not in self.signals:
            raise InputError(
                f"no signal '{name}'",
                source=self.name,
                remedy=nearest(name, self.signals, "signal"),
            )
        attrs = dict(self.file[f"{base}/data"].attrs) if f"{base}/data" in self.file else {}
        groups = self._keys(f"signals/{name}/groups")
        return Signal(
            **self._sampled(base),
            share=TOTAL,
            positions=self.array(f"{base}/positions", 2)
            if f"{base}/positions" in self.file
            else None,
            names=[as_text(n) for n in self.file[f"{base}/names"][()]]
            if f"{base}/names" in self.file
            else [],
            model=as_text(attrs.get("model", "")),
            parameters={
                k: _plain(v)
                for k, v in attrs.items()
                if k not in ("units", "dt", "t_start", "model", SHARE)
            },
            groups={group: self._get(f"{base}/groups/{group}", 2) for group in groups},
            shares={group: self._share(f"{base}/groups/{group}", group) for group in groups},
        )


@contextlib.contextmanager
def open_recording(source: str | os.PathLike[str], label: str | None = None) -> Iterator[Recording]:
    """Open a recording, from a file, a pipe, or ``-``; `label` is its name in messages.

    Raises
    ------
    InputError
        Where there is no such file, or it is no HDF5 file, truncated, or no recording.
    """
    with open_hdf5(source, label) as (file, name):
        yield Recording(file, name)


@contextlib.contextmanager
def open_hdf5(
    source: str | os.PathLike[str], label: str | None = None
) -> Iterator[tuple[h5py.File, str]]:
    """Open any HDF5 file, from a file, a pipe, or ``-``; yields it and its name in messages."""
    with stream.local_file(source) as (path, found):
        name = label or found
        if not stream.is_hdf5(stream.head(Path(path))):
            raise InputError("is no HDF5 file", source=name, remedy="make one with 'lfp sim'")
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise InputError(
                f"HDF5 file is truncated or damaged ({_reason(error)})",
                source=name,
                remedy="make it again",
            ) from error
        with file:
            yield file, name


def _reason(error: Exception) -> str:
    text = str(error)
    return text[text.find("(") + 1 :].rstrip(")") if "(" in text else text


def _number(value: Any) -> float:
    """An attribute as a number, NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        value = as_text(value)
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def encode(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as HDF5 attributes: numbers and flat lists as they are, trees as JSON."""
    encoded: dict[str, Any] = {}
    for key, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, (dict, list, tuple)) and not _flat(value):
            value = json.dumps(value, default=lambda v: np.asarray(v).tolist())
        encoded[key] = value
    return encoded


def _flat(value: Any) -> bool:
    return (
        not isinstance(value, dict)
        and np.asarray(value, dtype=object).dtype == object
        and all(isinstance(v, (int, float)) for v in value)
    )
