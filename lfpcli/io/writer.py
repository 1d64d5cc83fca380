"""Writing recordings, in chunks while a run goes."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.recording import FORMAT, VERSION, Recording, Report, Sampled, Signal, encode
from lfpcli.io.repack import is_loose, repack
from lfpcli.io.shares import SHARE
from lfpcli.vocabulary import TOTAL

CHUNK_BYTES = 1 << 18
# the sorting of spikes as libsonata reads it
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")


class Track:
    """A dataset (T, C) that grows along time.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset, with `maxshape` (None, C).
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset

    def append(self, rows: np.ndarray) -> None:
        """Append samples, shape (n, C)."""
        if len(rows):
            done = self.dataset.shape[0]
            self.dataset.resize(done + len(rows), axis=0)
            self.dataset[done:] = rows


class GeometryTrack:
    """The geometry of a population, whose cells come some at a time.

    Parameters
    ----------
    group : h5py.Group
        Where it goes, empty.
    segments : int
        Number of segments of all cells.
    """

    def __init__(self, group: h5py.Group, segments: int) -> None:
        self._group = group
        self._length = 0
        # sections of several cells that have one name are one, those of one cell are not
        self._sections: dict[tuple[str, int], int] = {}
        shapes = {"start": (segments, 3), "end": (segments, 3)}
        for name in ("start", "end", "diam", "area", "x"):
            group.create_dataset(name, shapes.get(name, (segments,)), np.float64)
            group[name].attrs["units"] = {"area": "um2", "x": "1"}.get(name, "um")
        for name in ("gid", "section", "parent"):
            group.create_dataset(name, (segments,), np.int64)

    def append(self, geometry: Geometry) -> None:
        """Add cells, whose sections and parents count from their own first."""
        first, last = self._length, self._length + len(geometry)
        sections = []
        times: Counter[str] = Counter()
        for name in geometry.section_names:
            key = name, times[name]
            times[name] += 1
            sections.append(self._sections.setdefault(key, len(self._sections)))
        for name in ("start", "end", "diam", "area", "x", "gid"):
            self._group[name][first:last] = getattr(geometry, name)
        self._group["section"][first:last] = np.array(sections, np.int64)[geometry.section]
        parents = np.where(geometry.parent < 0, -1, geometry.parent + first)
        self._group["parent"][first:last] = parents
        self._length = last

    def end(self) -> None:
        """Write the names of the sections, each once."""
        names = np.array([name for name, _ in self._sections], dtype=object)
        self._group.create_dataset("section_names", data=names, dtype=h5py.string_dtype())


class SpikeTrack:
    """The spikes of a population, which come some at a time.

    Parameters
    ----------
    group : h5py.Group
        Where they go, empty.
    count : int
        Number of all spikes.
    """

    def __init__(self, group: h5py.Group, count: int) -> None:
        group.attrs.create("sorting", 2, dtype=SORTING)
        self._times = group.create_dataset("timestamps", (count,), np.float64)
        self._times.attrs["units"] = "ms"
        self._ids = group.create_dataset("node_ids", (count,), np.uint64)
        self._length = 0

    def append(self, times: np.ndarray, node_ids: np.ndarray) -> None:
        """Add spikes, (n,) ms and (n,) int, sorted by time and then by gid, after those so far."""
        last = self._length + len(times)
        self._times[self._length : last] = times
        self._ids[self._length : last] = node_ids
        self._length = last


class RecordingWriter:
    """Writes one recording; a context manager.

    Parameters
    ----------
    path : path-like
        File to write; use `lfpcli.io.atomic.atomic_output` for it.
    provenance : mapping
        See `lfpcli.io.provenance`.
    float32 : bool
        Whether samples are kept in single precision.
    """

    def __init__(
        self, path: str | os.PathLike[str], provenance: Mapping[str, Any], *, float32: bool = False
    ) -> None:
        self.file = h5py.File(path, "w")
        self.dtype = np.dtype("f4" if float32 else "f8")
        self.file.attrs["format"] = FORMAT
        self.file.attrs["format_version"] = VERSION
        # SONATA's marks, by which its readers know the file
        self.file.attrs["magic"] = np.uint32(0x0A7A)
        self.file.attrs["version"] = np.array([0, 1], np.uint32)
        self.set_provenance(provenance)
        self._reports: list[tuple[str, float, float]] = []

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            for base, t_start, dt in self._reports:
                stop = t_start + dt * self.file[f"{base}/data"].shape[0]
                self.file[f"{base}/mapping/time"][:] = (t_start, stop, dt)
            self.file.flush()
            loose = is_loose(self.file)
        except (OSError, RuntimeError):
            self._abandon()
            raise
        path = self.file.filename
        self.file.close()
        if loose:
            repack(path)

    def _abandon(self) -> None:
        """Close without a further write to the disk.

        HDF5 keeps a file open whose last blocks cannot be written, tries again when the process
        ends, and crashes it there.
        """
        with contextlib.suppress(OSError, RuntimeError, ValueError, NotImplementedError):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, self.file.id.get_vfd_handle())
            os.close(nowhere)
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self.file.close()

    def set_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Replace the provenance, once all of it is known."""
        self.file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)

    def geometry(self, population: str, geometry: Geometry) -> None:
        """Write the segments of a population."""
        track = self.begin_geometry(population, len(geometry))
        track.append(geometry)
        track.end()

    def begin_geometry(self, population: str, segments: int) -> GeometryTrack:
        """Begin the segments of a population, of which there will be so many."""
        return GeometryTrack(self.file.create_group(f"geometry/{population}"), segments)

    def spikes(self, population: str, times: np.ndarray, node_ids: np.ndarray) -> None:
        """Write spikes, times in ms, sorted by time and then by gid."""
        order = np.lexsort((node_ids, times))
        self.begin_spikes(population, len(times)).append(times[order], node_ids[order])

    def begin_spikes(self, population: str, count: int) -> SpikeTrack:
        """Begin the spikes of a population, of which there will be so many, sorted."""
        return SpikeTrack(self.file.create_group(f"spikes/{population}"), count)

    def report(self, variable: str, population: str, report: Report) -> Track:
        """Begin a report; `report.data` may hold the first rows (T, N)."""
        base = f"reports/{variable}/{population}"
        track = self._track(base, report)
        track.dataset.attrs["variable"] = variable
        mapping = self.file.create_group(f"{base}/mapping")
        mapping["node_ids"] = np.asarray(report.node_ids, np.uint64)
        mapping["node_ids"].attrs["sorted"] = np.uint8(1)
        mapping["index_pointers"] = np.asarray(report.pointers, np.uint64)
        # the name that bmtk reads
        mapping["index_pointer"] = mapping["index_pointers"]
        mapping["element_ids"] = np.asarray(report.element_ids, np.uint32)
        mapping["element_pos"] = np.asarray(report.element_pos, float)
        mapping["time"] = np.zeros(3)
        mapping["time"].attrs["units"] = "ms"
        self._reports.append((base, report.t_start, report.dt))
        if variable == "imem" and self.dtype == np.float32:
            self.file[f"report/{population}"] = self.file[base]
        return track

    def dipole(self, group: str, sampled: Sampled) -> Track:
        """Begin the current dipole moment of a group, (T, 3) nA um."""
        track = self._track(f"dipole/{group}", sampled)
        if sampled.share:
            track.dataset.attrs[SHARE] = sampled.share
        return track

    def signal(self, name: str, signal: Signal) -> dict[str, Track]:
        """Begin a signal; returns the tracks of its groups and, as "", of the total."""
        base = f"signals/{name}"
        track = self._track(base, signal)
        track.dataset.attrs["model"] = signal.model
        track.dataset.attrs[SHARE] = TOTAL
        for key, value in encode(signal.parameters).items():
            track.dataset.attrs[key] = value
        if signal.positions is not None:
            self.file[f"{base}/positions"] = np.asarray(signal.positions, float)
            self.file[f"{base}/positions"].attrs["units"] = "um"
        if signal.names:
            names = np.array(signal.names, dtype=object)
            self.file.create_dataset(f"{base}/names", data=names, dtype=h5py.string_dtype())
        tracks = {"": track}
        for group, data in signal.groups.items():
            dataset = self._dataset(f"{base}/groups/{group}", data)
            dataset.attrs["units"] = signal.units
            if group in signal.shares:
                dataset.attrs[SHARE] = signal.shares[group]
            tracks[group] = Track(dataset)
        return tracks

    def _track(self, base: str, sampled: Sampled) -> Track:
        dataset = self._dataset(f"{base}/data", sampled.data)
        dataset.attrs["units"] = sampled.units
        for holder in (dataset, self.file[base]):
            holder.attrs["dt"] = float(sampled.dt)
            holder.attrs["t_start"] = float(sampled.t_start)
        return Track(dataset)

    def _dataset(self, path: str, data: Any) -> h5py.Dataset:
        columns = data.shape[1]
        rows = chunk_rows(columns, self.dtype.itemsize)
        dataset = self.file.create_dataset(
            path,
            shape=(0, columns),
            maxshape=(None, columns or None),
            chunks=(rows, max(columns, 1)),
            dtype=self.dtype,
        )
        track = Track(dataset)
        for start in range(0, data.shape[0], rows):
            track.append(data[start : start + rows])
        return dataset


def chunk_rows(columns: int, width: int) -> int:
    """Rows that HDF5 stores together, of so many columns of so many bytes."""
    return max(1, min(CHUNK_BYTES // max(columns * width, 1), 1 << 14))


def copy_parts(source: Recording, target: RecordingWriter, *, without: Sequence[str] = ()) -> None:
    """Copy all parts of a recording but some.

    A command carries along what came to it, so that the next one finds it.

    Parameters
    ----------
    source : Recording
        The recording that was read.
    target : RecordingWriter
        The one that is written, still empty.
    without : sequence of str
        Paths that are left out, such as ``reports/imem``.
    """
    _copy(source.file, target.file, "", [path.strip("/") for path in without])


def _copy(source: h5py.Group, target: h5py.Group, base: str, without: Sequence[str]) -> None:
    for name in source:
        path = f"{base}{name}"
        if path in without:
            continue
        if any(skipped.startswith(f"{path}/") for skipped in without):
            inner = target.create_group(name)
            for key, value in source[name].attrs.items():
                inner.attrs.create(key, value, dtype=source[name].attrs.get_id(key).dtype)
            _copy(source[name], inner, f"{path}/", without)
        else:
            # links to one dataset within what is copied stay links
            source.copy(name, target)
