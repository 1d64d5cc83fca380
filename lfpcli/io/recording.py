"""The recording: one HDF5 file of geometry, spikes, reports, dipoles and signals; lfp-format(5)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.geometry import Geometry, has_ring
from lfpcli.guarded import hdf5
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, texts, whole
from lfpcli.io import stream
from lfpcli.io.attributes import as_number, as_plain
from lfpcli.io.axes import REFERENCES
from lfpcli.io.frames import frame, segment_names
from lfpcli.io.provenance import read_provenance
from lfpcli.io.shares import SHARE, share_of
from lfpcli.io.text import as_text
from lfpcli.vocabulary import TOTAL

FORMAT = "lfp-recording"
VERSION = 1
# units that nothing else may stand in for, since numbers are used as they are
REPORT_UNITS = {"imem": "nA", "vmem": "mV"}
DIPOLE_UNITS = "nA um"
GEOMETRY_UNITS = {"start": "um", "end": "um", "diam": "um", "area": "um2", "x": "1"}
GAIN = "gain"
"""Attribute of samples that are stored as integers: what one of them stands for."""
_PARTS = ("geometry", "spikes", "reports", "dipole", "signals")
_AGAIN = "make it again with 'lfp sim'"
_BY_TIME = 2  # sorting of spikes, as SONATA numbers it


@dataclass
class Sampled:
    """Samples at ``t_start + k dt``.

    Attributes
    ----------
    data : array-like, shape (T, C)
        An ndarray, or a dataset that is read where it is sliced.
    units : str
        Unit of the samples.
    dt, t_start : float
        Sampling interval and time of the first sample, ms.
    share : {'total', 'population', 'cell', 'current', 'group', 'projection'}
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
    source_ids : ndarray of int, shape (N,), or None
        Of variables of synapses that say it: the presynaptic cell, -1 for a spike train.
    """

    node_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pointers: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    element_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    element_pos: np.ndarray = field(default_factory=lambda: np.zeros(0))
    source_ids: np.ndarray | None = None


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


class ScaledDataset(CheckedDataset):
    """A dataset of integers that is read as the numbers they stand for.

    Parameters
    ----------
    dataset : CheckedDataset
        Integers.
    gain : float
        What one of them stands for, in the unit of the dataset.
    """

    def __init__(self, dataset: CheckedDataset, gain: float) -> None:
        super().__init__(dataset.dataset, dataset.source)
        self._gain = gain
        self.dtype = np.dtype(float)

    def __getitem__(self, index: Any) -> Any:
        return self._gain * super().__getitem__(index)


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
        format_name = as_text(file.attrs.get("format", ""))
        if format_name != FORMAT:
            remedy = "bring files of other tools in: lfp convert FILE out.h5"
            remedy = f"it holds {format_name[4:]}" if format_name[:4] == "lfp-" else remedy
            raise InputError("HDF5 file, but no recording of lfp", source=name, remedy=remedy)
        version = as_number(file.attrs.get("format_version"))
        if not 1 <= version <= VERSION:
            remedy = "update lfp" if version > VERSION else _AGAIN
            text = f"recording of format version {version:g}, known is {VERSION}"
            raise InputError(text, source=name, remedy=remedy)
        for part in _PARTS:
            if part in file and not isinstance(file[part], h5py.Group):
                raise self._error("is no group", f"/{part}")

    def __repr__(self) -> str:
        parts = [", ".join(self.populations) or "no cells", *self.signals]
        return f"Recording({self.name!r}: {', '.join(parts)})"

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

    def _get(self, path: str, ndim: int) -> CheckedDataset:
        return numbers(self.file, path, self.name, ndim=ndim, remedy=_AGAIN)

    def array(self, path: str, ndim: int, dtype: Any = float) -> np.ndarray:
        """Read a whole dataset of finite numbers, whose shape has `ndim` axes."""
        return whole(self._get(path, ndim), dtype)

    def _error(self, message: str, path: str) -> InputError:
        return InputError(message, source=self.source_of(path), remedy=_AGAIN)

    def _check_units(self, path: str, units: str) -> None:
        """Refuse other units than those that the numbers are used in."""
        stored = as_text(self.file[path].attrs.get("units", ""))
        if stored != units:
            said = f"is in '{stored}'" if stored else "has no units"
            raise self._error(f"{said}, expected {units}", path)

    def geometry(self, population: str) -> Geometry:
        """Segments of all cells of a population."""
        base = f"/geometry/{population}"
        if population not in self.populations:
            raise InputError(
                f"no geometry of population '{population}'",
                source=self.name,
                remedy=nearest(population, self.populations, "population"),
            )
        columns: dict[str, np.ndarray] = {}
        for name in GEOMETRY_UNITS:
            columns[name] = self.array(f"{base}/{name}", 2 if name in ("start", "end") else 1)
        for name in ("gid", "section", "parent"):
            columns[name] = self.array(f"{base}/{name}", 1, np.int64)
        names = texts(self.file, f"{base}/section_names", self.name, remedy=_AGAIN)
        self._check_geometry(base, columns, len(names))
        for name, units in GEOMETRY_UNITS.items():
            self._check_units(f"{base}/{name}", units)
        return Geometry(**columns, section_names=names)

    def _check_geometry(self, base: str, columns: Mapping[str, np.ndarray], sections: int) -> None:
        """Refuse segments that no cell can have."""
        count = len(columns["start"])
        for name, values in columns.items():
            if len(values) != count:
                message = f"'{name}' has {len(values)} rows, 'start' has {count}"
                raise self._error(message, f"{base}/{name}")
            if values.ndim == 2 and values.shape[1] != 3:
                raise self._error("expected three columns", f"{base}/{name}")
        if not count:
            return
        for name in ("diam", "area"):
            if columns[name].min() < 0:
                raise self._error("holds negative values", f"{base}/{name}")
        if not 0 <= columns["section"].min() <= columns["section"].max() < sections:
            raise self._error("names a section that is not there", f"{base}/section")
        if columns["parent"].min() < -1 or columns["parent"].max() >= count:
            raise self._error("names a segment that is not there", f"{base}/parent")
        if has_ring(columns["parent"]):
            raise self._error("segments hang on each other in a ring", f"{base}/parent")
        if columns["gid"].min() < 0:
            raise self._error("holds negative numbers", f"{base}/gid")

    def spikes(self, population: str) -> tuple[np.ndarray, np.ndarray]:
        """Spike times, ms, and gids of a population, shape (S,) each, sorted by time."""
        base = f"/spikes/{population}"
        times = self.array(f"{base}/timestamps", 1)
        ids = self.array(f"{base}/node_ids", 1, np.int64)
        self._check_units(f"{base}/timestamps", "ms")
        if len(times) != len(ids):
            raise self._error("timestamps and node_ids differ in length", base)
        if len(ids) and ids.min() < 0:
            raise self._error("holds negative numbers", f"{base}/node_ids")
        says = self.file[base].attrs.get("sorting", 0)
        if np.ndim(says) == 0 and says == _BY_TIME and np.any(np.diff(times) < 0):
            raise self._error("says that spikes are sorted by time, and they are not", base)
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
            remedy = nearest(variable, self.reports, "variable")
            if variable in REPORT_UNITS:
                remedy = f"record it: lfp sim --set record.{variable}=..."
            raise InputError(
                f"no report of '{variable}' for population '{population}'",
                source=self.name,
                remedy=remedy,
            )
        mapping = f"{base}/mapping"
        # the specification says index_pointers, bmtk writes index_pointer
        plural = "index_pointers" if f"{mapping}/index_pointers" in self.file else "index_pointer"
        report = Report(
            **self._sampled(base, REPORT_UNITS.get(variable)),
            node_ids=self.array(f"{mapping}/node_ids", 1, np.int64),
            pointers=self.array(f"{mapping}/{plural}", 1, np.int64),
            element_ids=self.array(f"{mapping}/element_ids", 1, np.int64),
            element_pos=self.array(f"{mapping}/element_pos", 1),
        )
        if f"{mapping}/source_ids" in self.file:
            report.source_ids = self.array(f"{mapping}/source_ids", 1, np.int64)
        self._check_mapping(mapping, report, plural)
        return report

    def _check_mapping(self, mapping: str, report: Report, pointers: str) -> None:
        """Refuse columns that are not told apart by cell and segment."""
        columns = report.data.shape[1]
        if np.any(np.diff(report.node_ids) <= 0) or np.any(report.node_ids < 0):
            raise self._error("does not ascend from cell to cell", f"{mapping}/node_ids")
        bounds = report.pointers
        fits = len(bounds) == len(report.node_ids) + 1 and bounds[0] == 0 and bounds[-1] == columns
        if not fits or np.any(np.diff(bounds) < 0):
            raise self._error(
                f"does not share out {columns} columns among {len(report.node_ids)} cells",
                f"{mapping}/{pointers}",
            )
        for name in ("element_ids", "element_pos"):
            values = getattr(report, name)
            if len(values) != columns:
                raise self._error(
                    f"has {len(values)} values for {columns} columns", f"{mapping}/{name}"
                )
            if columns and values.min() < 0:
                raise self._error("holds negative values", f"{mapping}/{name}")
        population = mapping.split("/")[-2]
        names = self.file.get(f"geometry/{population}/section_names")
        ids = report.element_ids
        if columns and isinstance(names, h5py.Dataset) and ids.max() >= (names.size or 0):
            raise self._error("names a section that is not there", f"{mapping}/element_ids")

    def _sampled(self, base: str, units: str | None = None) -> dict[str, Any]:
        """Samples with their attributes; where `units` are given, in no others."""
        data = self._get(f"{base}/data", 2)
        group = self.file[base].attrs
        sampling: dict[str, Any] = {"data": data}
        for key in ("dt", "t_start"):
            value = as_number(data.attrs.get(key, group.get(key)))
            if not np.isfinite(value) or (key == "dt" and value <= 0):
                raise self._error(f"attribute '{key}' is missing or wrong", base)
            if as_number(group.get(key, value)) != value:
                raise self._error(f"attribute '{key}' is not that of its group", f"{base}/data")
            sampling[key] = value
        sampling["units"] = as_text(data.attrs.get("units", ""))
        if data.dtype.kind in "iu" and GAIN in data.attrs:
            gain = as_number(data.attrs[GAIN])
            if not np.isfinite(gain) or gain <= 0:
                raise self._error(f"attribute '{GAIN}' is no number above zero", f"{base}/data")
            sampling["data"] = ScaledDataset(data, gain)
        if units is not None:
            self._check_units(f"{base}/data", units)
        return sampling

    @property
    def dipole_groups(self) -> list[str]:
        """Names of the groups with a current dipole moment: "total", populations, cells."""
        return self._keys("dipole")

    def dipole(self, group: str) -> Sampled:
        """Current dipole moment of a group, (T, 3), nA um."""
        if group not in self.dipole_groups:
            remedy = 'record it with [record] dipole = "total"'
            if self.dipole_groups:
                remedy = nearest(group, self.dipole_groups, "group")
            raise InputError(
                f"no current dipole moment of '{group}'", source=self.name, remedy=remedy
            )
        sampled = Sampled(**self._sampled(f"/dipole/{group}", DIPOLE_UNITS))
        columns = sampled.data.shape[1]
        if columns != 3:
            raise self._error(f"has {columns} columns, expected three", f"/dipole/{group}/data")
        sampled.share = self._share(f"/dipole/{group}/data", group)
        return sampled

    def _share(self, dataset: str, group: str) -> str:
        """Whose share a group of a dipole or signal is."""
        populations = {*self.populations, *self.spike_populations}
        value = self._get(dataset, 2).attrs.get(SHARE)
        return share_of(value, group, populations, source=self.source_of(dataset))

    @property
    def end(self) -> float | None:
        """When the longest of dipoles and signals ends, ms; None where there are none."""
        sampled: list[Sampled] = [self.dipole(group) for group in self.dipole_groups]
        sampled += [self.signal(name) for name in self.signals]
        ends = [each.t_start + each.dt * each.data.shape[0] for each in sampled]
        return max(ends, default=None)

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
        sampling = self._sampled(base)
        attributes = sampling["data"].attrs
        signal = Signal(**sampling, share=TOTAL, model=as_text(attributes.get("model", "")))
        for key in attributes:
            if key not in ("units", "dt", "t_start", "model", SHARE, *REFERENCES):
                signal.parameters[key] = as_plain(attributes[key])
        if f"{base}/positions" in self.file:
            signal.positions = self.array(f"{base}/positions", 2)
            self._check_units(f"{base}/positions", "um")
        if f"{base}/names" in self.file:
            signal.names = texts(self.file, f"{base}/names", self.name, remedy=_AGAIN)
        for group in self._keys(f"signals/{name}/groups"):
            signal.groups[group] = self._get(f"{base}/groups/{group}", 2)
            signal.shares[group] = self._share(f"{base}/groups/{group}", group)
        self._check_channels(base, signal)
        return signal

    def to_pandas(self, name: str) -> Any:
        """A signal, dipole moment or report as a ``pandas.DataFrame``.

        Parameters
        ----------
        name : str
            Name of the signal, ``dipole/GROUP`` or ``VARIABLE/POPULATION``.

        Returns
        -------
        pandas.DataFrame
            A row a time (ms), a column a channel; ``attrs`` holds the units.

        Raises
        ------
        InputError
            Where there is no such part.
        MissingDependencyError
            Where pandas is not installed.
        """
        head, _, tail = name.partition("/")
        sampled: Sampled
        if head == "dipole" and tail:
            sampled, columns = self.dipole(tail), ["x", "y", "z"]
        elif tail:
            sampled = report = self.report(head, tail)
            cells = np.repeat(report.node_ids, np.diff(report.pointers))
            names = self.geometry(tail).section_names if tail in self.populations else None
            columns = segment_names(cells, report.element_ids, report.element_pos, names)
        else:
            sampled = signal = self.signal(name)
            columns = signal.names or [str(k) for k in range(signal.data.shape[1])]
        return frame(np.asarray(sampled.data[:], float), sampled.times, columns, sampled.units)

    def _check_channels(self, base: str, signal: Signal) -> None:
        """Refuse contacts, names and shares that are not as many as the channels."""
        rows, channels = signal.data.shape
        if signal.positions is not None and signal.positions.shape[1] != 3:
            raise self._error("expected three columns", f"{base}/positions")
        for group, share in signal.groups.items():
            if share.shape != (rows, channels):
                raise self._error("has another shape than the total", f"{base}/groups/{group}")


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


def stored_format(source: str | os.PathLike[str]) -> str:
    """What an HDF5 file says that it is, such as `FORMAT`; empty where it is none or says nothing.

    Raises
    ------
    InputError
        Where the file is damaged.
    """
    with stream.local_file(source) as (path, name):
        if not h5py.is_hdf5(path):
            return ""
        with open_hdf5(path, name) as (file, _):
            return as_text(file.attrs.get("format", ""))


@contextlib.contextmanager
def open_hdf5(
    source: str | os.PathLike[str], label: str | None = None
) -> Iterator[tuple[h5py.File, str]]:
    """Open any HDF5 file, from a file, a pipe, or ``-``; yields it and its name in messages."""
    with stream.local_file(source) as (path, usual):
        name = label or usual
        with hdf5.open_hdf5(path, name, remedy="make one with 'lfp sim'") as file:
            yield file, name
