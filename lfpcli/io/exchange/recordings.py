"""The recording as what other formats take of it, and back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.exchange.contents import Contents, Elements, Traces, Trains
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.frames import segment_names
from lfpcli.io.recording import GAIN, Recording, Report, Sampled, Signal, open_recording
from lfpcli.io.units import GROUP, read_units
from lfpcli.io.writer import RecordingWriter

AXES = ["x", "y", "z"]


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the contents of a recording, whose samples are read while the file is open."""
    with open_recording(source) as recording:
        yield contents_of(recording)


def contents_of(recording: Recording) -> Contents:
    """What a recording holds: signals, dipoles, reports, spikes and geometry."""
    geometries = {name: recording.geometry(name) for name in recording.populations}
    traces = [_signal(recording, name) for name in recording.signals]
    pose = _pose(traces)
    traces += [_dipole(recording, group, pose) for group in recording.dipole_groups]
    for variable, populations in recording.reports.items():
        for population in populations:
            report = recording.report(variable, population)
            traces.append(_report(variable, population, report, geometries.get(population)))
    trains = []
    for population in recording.spike_populations:
        times, node_ids = recording.spikes(population)
        trains.append(Trains(population=population, times=times, node_ids=node_ids))
    return Contents(
        traces=traces,
        trains=trains,
        geometries=geometries,
        provenance=recording.provenance,
        source=recording.name,
        units=read_units(recording.file, recording.name),
    )


def _signal(recording: Recording, name: str) -> Traces:
    signal = recording.signal(name)
    count = signal.data.shape[1]
    return Traces(
        name=name,
        samples=Samples(signal.data),
        units=signal.units,
        dt=signal.dt,
        t_start=signal.t_start,
        channels=signal.names or [str(k) for k in range(count)],
        positions=signal.positions,
        model=signal.model,
        parameters=signal.parameters,
        shares={label: Samples(data) for label, data in signal.groups.items()},
        share_types=dict(signal.shares),
    )


def _pose(signals: Sequence[Traces]) -> dict[str, Any]:
    """Where the cells are in the head, as the first EEG or MEG of a recording tells it."""
    for traces in signals:
        if "position" in traces.parameters:
            return {
                key: traces.parameters[key]
                for key in ("position", "direction")
                if key in traces.parameters
            }
    return {}


def _dipole(recording: Recording, group: str, pose: Mapping[str, Any]) -> Traces:
    moment = recording.dipole(group)
    return Traces(
        name=f"dipole/{group}",
        samples=Samples(moment.data),
        units=moment.units,
        dt=moment.dt,
        t_start=moment.t_start,
        channels=AXES,
        model="current dipole moment",
        parameters=pose,
        share=moment.share,
    )


def _report(variable: str, population: str, report: Report, geometry: Geometry | None) -> Traces:
    cells = np.repeat(report.node_ids, np.diff(report.pointers))
    rows = None if geometry is None else _rows(geometry, cells, report)
    section_names = None if geometry is None else geometry.section_names
    sections = report.element_ids
    if geometry is not None and rows is not None:
        sections = geometry.sections_in_cells(cells, sections)
    channels = segment_names(cells, report.element_ids, report.element_pos, section_names)
    return Traces(
        name=f"{variable}/{population}",
        samples=Samples(report.data),
        units=report.units,
        dt=report.dt,
        t_start=report.t_start,
        channels=channels,
        positions=None if geometry is None or rows is None else geometry.middle[rows],
        model="recorded variable",
        segments=rows,
        elements=Elements(cells=cells, sections=sections, places=report.element_pos),
    )


def _rows(geometry: Geometry, cells: np.ndarray, report: Report) -> np.ndarray | None:
    """The segment of each column of a report; None where one is not in the geometry."""
    segments = zip(geometry.gid.tolist(), geometry.section.tolist(), geometry.x, strict=True)
    numbers = {(gid, section, round(x, 9)): k for k, (gid, section, x) in enumerate(segments)}
    rows = []
    for gid, section, x in zip(cells, report.element_ids, report.element_pos, strict=True):
        row = numbers.get((int(gid), int(section), round(float(x), 9)))
        if row is None:
            return None
        rows.append(row)
    return np.array(rows, np.int64)


def write_recording(
    contents: Contents,
    path: str | os.PathLike[str],
    provenance: Mapping[str, Any],
    *,
    float32: bool = False,
) -> None:
    """Write contents as a recording.

    Traces called ``VARIABLE/POPULATION`` whose channels are segments become reports,
    ``dipole/GROUP`` dipole moments, all others signals.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : path-like
        The file.
    provenance : mapping
        How it came to be.
    float32 : bool
        Whether samples are stored in single precision.
    """
    with RecordingWriter(path, provenance, float32=float32) as writer:
        for population, geometry in contents.geometries.items():
            writer.geometry(population, geometry)
        for trains in contents.trains:
            writer.spikes(trains.population, trains.times, trains.node_ids)
        for traces in contents.traces:
            _write_traces(writer, traces, contents.geometries)
        if contents.units is not None:
            contents.units.write(writer.file.create_group(GROUP))


def _write_traces(
    writer: RecordingWriter, traces: Traces, geometries: Mapping[str, Geometry]
) -> None:
    nothing = np.empty((0, traces.samples.shape[1]))
    sampled = Sampled(nothing, traces.units, traces.dt, traces.t_start, share=traces.share)
    head, _, tail = traces.name.partition("/")
    geometry = geometries.get(tail)
    if head == "dipole" and tail:
        tracks = {"": writer.dipole(tail, sampled)}
    elif geometry is not None and _is_report(traces, geometry):
        tracks = {"": writer.report(head, tail, _report_of(traces, geometry))}
    else:
        # samples are stored as the numbers that integers stood for
        parameters = {key: value for key, value in traces.parameters.items() if key != GAIN}
        signal = Signal(
            data=nothing,
            units=traces.units,
            dt=traces.dt,
            t_start=traces.t_start,
            positions=traces.positions,
            names=traces.channels,
            model=traces.model,
            parameters=parameters,
            groups=dict.fromkeys(traces.shares, nothing),
            shares=dict(traces.share_types),
        )
        tracks = writer.signal(traces.name.replace("/", "."), signal)
    for label, samples in {"": traces.samples, **traces.shares}.items():
        for _, block in samples.blocks():
            tracks[label].append(block)


def _is_report(traces: Traces, geometry: Geometry) -> bool:
    """Whether channels are segments whose cells and sections come in the order of a report."""
    if traces.segments is None:
        return len(geometry) == traces.samples.shape[1]
    return bool(np.all(np.diff(geometry.gid[traces.segments]) >= 0))


def _report_of(traces: Traces, geometry: Geometry) -> Report:
    """A report of segments of a population, still without samples."""
    rows = np.arange(len(geometry)) if traces.segments is None else traces.segments
    node_ids, counts = np.unique(geometry.gid[rows], return_counts=True)
    return Report(
        data=np.empty((0, len(rows))),
        units=traces.units,
        dt=traces.dt,
        t_start=traces.t_start,
        node_ids=node_ids,
        pointers=np.concatenate([[0], np.cumsum(counts)]),
        element_ids=geometry.section[rows],
        element_pos=geometry.x[rows],
    )
