"""Writing recordings, in chunks while a run goes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from lfpcli.geometry import Geometry, SectionNumbers
from lfpcli.guarded.writing import abandon, check_written, create
from lfpcli.io.attributes import encode
from lfpcli.io.axes import attach_axes
from lfpcli.io.recording import (
    FORMAT,
    GEOMETRY_UNITS,
    VERSION,
    Recording,
    Report,
    Sampled,
    Signal,
)
from lfpcli.io.repack import is_loose, repack
from lfpcli.io.shares import SHARE
from lfpcli.io.storage import chunk_rows, create_checked, store
from lfpcli.io.tracks import Pull, PulledTrack, Track, without_cache
from lfpcli.vocabulary import TOTAL

# the sorting of spikes as libsonata reads it
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")


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
        self._sections = SectionNumbers()
        shapes = {"start": (segments, 3), "end": (segments, 3)}
        for name, units in GEOMETRY_UNITS.items():
            dataset = create_checked(group, name, shapes.get(name, (segments,)), np.float64)
            dataset.attrs["units"] = units
        for name in ("gid", "section", "parent"):
            create_checked(group, name, (segments,), np.int64)

    def append(self, geometry: Geometry) -> None:
        """Add cells, whose sections and parents count from their own first."""
        first, last = self._length, self._length + len(geometry)
        sections = self._sections.of_cell(geometry.section_names)
        for name in ("start", "end", "diam", "area", "x", "gid"):
            self._group[name][first:last] = getattr(geometry, name)
        self._group["section"][first:last] = sections[geometry.section]
        # within a cell parents count from its first segment, in the file from that of the
        # population
        parents = np.where(geometry.parent < 0, -1, geometry.parent + first)
        self._group["parent"][first:last] = parents
        self._length = last

    def end(self) -> None:
        """Write the names of the sections, each once."""
        store(self._group, "section_names", np.array(self._sections.names, object))


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
        self._times = create_checked(group, "timestamps", (count,), np.float64)
        self._times.attrs["units"] = "ms"
        self._ids = create_checked(group, "node_ids", (count,), np.uint64)
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

    # what the file says that it is
    format_name, format_version = FORMAT, VERSION

    def __init__(
        self, path: str | os.PathLike[str], provenance: Mapping[str, Any], *, float32: bool = False
    ) -> None:
        self.file = create(path, checked=True)
        self.dtype: np.dtype[Any] = np.dtype("f4" if float32 else "f8")
        self.file.attrs["format"] = self.format_name
        self.file.attrs["format_version"] = self.format_version
        if self.format_name == FORMAT:
            # SONATA's marks, by which its readers know the file
            self.file.attrs["magic"] = np.uint32(0x0A7A)
            self.file.attrs["version"] = np.array([0, 1], np.uint32)
        self.set_provenance(provenance)
        self._reports: list[tuple[str, float, float]] = []
        self._tracks: list[Track] = []
        self._in_step: list[Track] = []

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, error_type: Any, error: Any, trace: Any) -> None:
        if error_type is not None:
            abandon(self.file)
            return
        try:
            check_written(self.file)
            self.finish()
            for base, t_start, dt in self._reports:
                # SONATA's time is begin, end and step; the end is one step behind the last sample
                stop = t_start + dt * self.file[f"{base}/data"].shape[0]
                store(self.file[f"{base}/mapping"], "time", (t_start, stop, dt), units="ms")
            check_written(self.file)
            self.file.flush()
            loose = is_loose(self.file)
            if not loose:
                self._attach(self.file)
                self.file.flush()
        except (OSError, RuntimeError):
            abandon(self.file)
            raise
        path = self.file.filename
        self.file.close()
        if loose:
            # references are addresses, which another layout changes
            repack(path, self._attach)

    def _attach(self, file: h5py.File) -> None:
        if self.format_name == FORMAT:
            attach_axes(file)

    def keep_in_step(self, tracks: Iterable[Track]) -> None:
        """Write chunks of some tracks only where `settle` is called.

        The order of their chunks in the file then depends on the samples alone, and a run that was
        interrupted writes the bytes of an unbroken one.
        """
        self._in_step = list(tracks)
        for track in self._in_step:
            track.keep_in_step()

    @property
    def in_step(self) -> Sequence[Track]:
        """The tracks of `keep_in_step`."""
        return self._in_step

    def settle(self) -> None:
        """Write the whole chunks of the tracks in step, in the order of their last samples."""
        if not self._in_step:
            return
        shortest = min(track.dt for track in self._in_step)
        strides = [round(track.dt / shortest) for track in self._in_step]
        # what comes from here on may end a chunk of another track
        pairs = zip(self._in_step, strides, strict=True)
        limit = min(len(track) * stride for track, stride in pairs)
        ends = []
        for number, track in enumerate(self._in_step):
            for end in track.ends:
                last = (end - 1) * strides[number]
                if last < limit:
                    ends.append((last, number, end))
        for _, number, end in sorted(ends):
            self._in_step[number].write(end)

    def store_integers(self) -> None:
        """Store the samples of what is begun from here on as integers of 16 bits.

        What one of them stands for goes into the attribute `lfpcli.io.recording.GAIN`.
        """
        self.dtype = np.dtype("i2")

    def finish(self) -> None:
        """Write what is left of all tracks; the datasets are complete from here on."""
        self.settle()
        for track in self._tracks:
            track.finish()

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
        """Write spikes, times (S,) in ms and gids (S,), sorted by time and then by gid."""
        # equal times by gid, so that the order says nothing of ranks
        order = np.lexsort((node_ids, times))
        self.begin_spikes(population, len(times)).append(times[order], node_ids[order])

    def begin_spikes(self, population: str, count: int) -> SpikeTrack:
        """Begin the spikes of a population, of which there will be so many, sorted."""
        return SpikeTrack(self.file.create_group(f"spikes/{population}"), count)

    def report(
        self,
        variable: str,
        population: str,
        report: Report,
        *,
        pull: Pull | None = None,
    ) -> Track:
        """Begin a report; `report.data` may hold the first rows (T, N).

        With `pull` the samples are got as they are written, see `lfpcli.io.tracks.PulledTrack`.
        """
        base = f"reports/{variable}/{population}"
        track = self._track(base, report, pull)
        track.dataset.attrs["variable"] = variable
        mapping = self.file.create_group(f"{base}/mapping")
        store(mapping, "node_ids", report.node_ids, dtype=np.uint64)
        mapping["node_ids"].attrs["sorted"] = np.uint8(1)
        store(mapping, "index_pointers", report.pointers, dtype=np.uint64)
        # the name that bmtk reads
        mapping["index_pointer"] = mapping["index_pointers"]
        store(mapping, "element_ids", report.element_ids, dtype=np.uint32)
        store(mapping, "element_pos", report.element_pos, dtype=float)
        if report.source_ids is not None:
            store(mapping, "source_ids", report.source_ids, dtype=np.int64)
        self._reports.append((base, report.t_start, report.dt))
        if variable == "imem" and self.dtype == np.float32:
            self.file[f"report/{population}"] = self.file[base]
        return track

    def dipole(self, group: str, sampled: Sampled, *, pull: Pull | None = None) -> Track:
        """Begin the current dipole moment of a group, (T, 3) nA um; `pull` as of a report."""
        track = self._track(f"dipole/{group}", sampled, pull)
        if sampled.share:
            track.dataset.attrs[SHARE] = sampled.share
        return track

    def signal(
        self, name: str, signal: Signal, *, pulls: Mapping[str, Pull] | None = None
    ) -> dict[str, Track]:
        """Begin a signal; returns the tracks of its groups and, as "", of the total.

        The samples of groups in `pulls` are got as they are written, see
        `lfpcli.io.tracks.PulledTrack`.
        """
        base = f"signals/{name}"
        track = self._track(base, signal)
        track.dataset.attrs["model"] = signal.model
        track.dataset.attrs[SHARE] = TOTAL
        for key, value in encode(signal.parameters).items():
            track.dataset.attrs[key] = value
        if signal.positions is not None:
            store(self.file, f"{base}/positions", signal.positions, dtype=float, units="um")
        if signal.names:
            store(self.file, f"{base}/names", np.array(signal.names, dtype=object))
        tracks = {"": track}
        for group, data in signal.groups.items():
            share = self._dataset(
                f"{base}/groups/{group}",
                data,
                signal.dt,
                share=signal.shares.get(group, ""),
                pull=(pulls or {}).get(group),
            )
            share.dataset.attrs["units"] = signal.units
            if group in signal.shares:
                share.dataset.attrs[SHARE] = signal.shares[group]
            tracks[group] = share
        return tracks

    def _track(self, base: str, sampled: Sampled, pull: Pull | None = None) -> Track:
        track = self._dataset(
            f"{base}/data", sampled.data, sampled.dt, share=sampled.share, pull=pull
        )
        track.dataset.attrs["units"] = sampled.units
        for holder in (track.dataset, self.file[base]):
            holder.attrs["dt"] = float(sampled.dt)
            holder.attrs["t_start"] = float(sampled.t_start)
        return track

    def _dataset(
        self, path: str, data: Any, dt: float, *, share: str = "", pull: Pull | None = None
    ) -> Track:
        """Create a dataset (T, C) and write the samples that are there already."""
        columns = data.shape[1]
        rows = chunk_rows(columns, self.dtype.itemsize, share=share)
        dataset = self.file.create_dataset(
            path,
            shape=(0, columns),
            maxshape=(None, columns or None),
            chunks=(rows, max(columns, 1)),
            dtype=self.dtype,
            fletcher32=True,
            dapl=without_cache(),
        )
        interval = float(dt)
        track = Track(dataset, interval) if pull is None else PulledTrack(dataset, interval, pull)
        self._tracks.append(track)
        for start in range(0, data.shape[0], rows):
            track.append(data[start : start + rows])
        return track


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
        link = source.get(name, getlink=True)
        if path in without:
            continue
        if isinstance(link, h5py.SoftLink):
            # it may lead nowhere, which is no fault of it
            target[name] = link
            continue
        node = source[name]
        inside = any(skipped.startswith(f"{path}/") for skipped in without)
        if inside and isinstance(node, h5py.Group):
            inner = target.create_group(name)
            for key, value in node.attrs.items():
                inner.attrs.create(key, value, dtype=node.attrs.get_id(key).dtype)
            _copy(node, inner, f"{path}/", without)
        else:
            # links to one dataset within what is copied stay links
            source.copy(node, target, name)
