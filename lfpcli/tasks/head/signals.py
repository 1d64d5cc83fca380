"""From a recording to the signals of EEG or MEG channels, in another recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.far_field import far_field_ratio
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.head_model import place_of
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, Signal, open_recording
from lfpcli.io.writer import RecordingWriter, copy_parts
from lfpcli.tasks.head.models import Channels
from lfpcli.tasks.head.places import Places, one_place, read_placements
from lfpcli.tasks.head.sources import Drive, drives

# samples of one chunk, over all columns
CHUNK = 1 << 22
_FAR_FIELD_SAMPLES = 200
Progress = Callable[[float], None]


@dataclass
class Placement:
    """Where the dipoles are, as asked for.

    Attributes
    ----------
    position : sequence of float or str, optional
        x, y, z in um, or a named site of the head model.
    direction : sequence of float, optional
        Where the z axis of the cells points to.
    normal : bool
        Whether it points along the normal of the cortex.
    table : path-like, optional
        File with a place for each cell.
    """

    position: Sequence[float] | str | None = None
    direction: Sequence[float] | None = None
    normal: bool = False
    table: str | os.PathLike[str] | None = None


@dataclass
class Job:
    """What is read, and what is written.

    Attributes
    ----------
    source, target : str
        Recordings; ``-`` for standard input and output.
    name : str
        Name of the signal.
    model : str
        Name of the model, as stored.
    per : {'total', 'population', 'cell'}
        Groups that are kept apart.
    multi : bool
        Whether axial currents are used instead of one dipole.
    inputs : sequence of str
        Further files that were read.
    command : sequence of str
        The command line, for the provenance.
    force, float32 : bool
        Whether an existing file is replaced, and samples are kept in single precision.
    progress : callable, optional
        Called with the share that is done.
    """

    source: str
    target: str
    name: str
    model: str
    per: str = "total"
    multi: bool = False
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    force: bool = False
    float32: bool = False
    progress: Progress | None = None


def head_signals(
    job: Job, placement: Placement, parts: dict[str, Channels], *, check: bool = False
) -> dict[str, float]:
    """Compute the signals of channels and write them with all that came in.

    Parameters
    ----------
    job : Job
        Files and names.
    placement : Placement
        Where the dipoles are.
    parts : dict of str to Channels
        Channels of one unit each, by the name of their signal.
    check : bool
        Whether the far field of the cells is checked against their dipoles.

    Returns
    -------
    dict of str to float
        The ratio of both by population, see `far_field_ratio`; empty unless asked for and
        membrane currents are stored.

    Raises
    ------
    InputError
        Where the recording or a place is not what it should be.
    OutputError
        Where the target cannot be written.
    """
    check_output(job.target, force=job.force)
    with open_recording(job.source) as recording:
        made = {name: _drives(recording, job, placement, ch) for name, ch in parts.items()}
        ratios = far_field(recording) if check else {}
        facts = {
            "inputs": {Path(f).name: digest(Path(f)) for f in _files(job, placement)},
            "history": recording.provenance,
        }
        with (
            atomic_output(job.target, force=job.force) as path,
            RecordingWriter(path, provenance(job.command, **facts), float32=job.float32) as writer,
        ):
            copy_parts(recording, writer, without=[f"signals/{name}" for name in parts])
            for name, channels in parts.items():
                _write(writer, name, job, channels, made[name])
    return ratios


def _files(job: Job, placement: Placement) -> list[str]:
    files = [job.source, *job.inputs, str(placement.table or "")]
    return [f for f in files if f and f != "-" and Path(f).is_file()]


def _drives(
    recording: Recording, job: Job, placement: Placement, channels: Channels
) -> list[Drive]:
    places = find_places(placement, channels)
    channels.parameters |= {"per": job.per, "sources": "axial" if job.multi else "dipole"}
    if not places.by_cell:
        channels.parameters["position"] = places.positions[0].tolist()
        channels.parameters["direction"] = places.rotations[0][:, 2].tolist()
    found = drives(recording, channels.lead, places, job.per, job.multi)
    first = found[0].samples
    for drive in found[1:]:
        other = drive.samples
        if (len(other.data), other.dt, other.t_start) != (len(first.data), first.dt, first.t_start):
            raise InputError("groups differ in their samples in time", source=recording.name)
    return found


def find_places(placement: Placement, channels: Channels) -> Places:
    """Places and rotations in the axes of the head."""
    if placement.normal and placement.direction is not None:
        raise UsageError("give a direction or the normal, not both")
    if placement.normal and channels.normals is None:
        raise UsageError(
            "this model has no normals to turn the cells onto", remedy="give --direction X,Y,Z"
        )
    normals = channels.normals if placement.normal else None
    if placement.table is not None:
        if placement.position is not None or placement.direction is not None:
            raise UsageError("placements hold the positions and directions; give them alone")
        return read_placements(placement.table, normals)
    if placement.position is None:
        raise UsageError(
            "no position of the dipole in the head",
            remedy="give --position X,Y,Z in um, or --placements FILE",
        )
    where = place_of(placement.position, channels.sites)
    direction = None if placement.direction is None else np.asarray(placement.direction, float)
    return one_place(where, direction, normals)


def _write(
    writer: RecordingWriter, name: str, job: Job, channels: Channels, made: list[Drive]
) -> None:
    """Write the signals of one set of channels in chunks of time."""
    empty = np.empty((0, len(channels.names)))
    labels = [label for drive in made for label in drive.groups]
    first = made[0].samples
    tracks = writer.signal(
        name,
        Signal(
            data=empty,
            units=channels.units,
            dt=first.dt,
            t_start=first.t_start,
            positions=channels.positions,
            names=channels.names,
            model=job.model,
            parameters=channels.parameters,
            groups=dict.fromkeys(labels, empty),
        ),
    )
    total = len(first.data)
    for start, shares in _chunks(made, total):
        for label, values in shares.items():
            tracks[label].append(values)
        if job.progress:
            job.progress(start / max(total, 1))


def _chunks(made: list[Drive], total: int) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Signals of a span of time, "" for the whole and by group."""
    columns = max(len(drive.matrix) + drive.matrix.shape[1] for drive in made)
    step = max(1, CHUNK // columns)
    for start in range(0, total, step):
        shares: dict[str, Any] = {"": 0.0}
        for drive in made:
            data = np.asarray(drive.samples.data[start : start + step], dtype=float)
            if not np.all(np.isfinite(data)):
                raise InputError("dipole moments or currents hold NaN or infinity")
            if not drive.groups:
                shares[""] = shares[""] + data @ drive.matrix
            for group, columns_of in drive.groups.items():
                values = data[:, columns_of] @ drive.matrix[columns_of]
                shares[group] = shares.get(group, 0.0) + values
                shares[""] = shares[""] + values
        yield start + step, shares


def far_field(recording: Recording) -> dict[str, float]:
    """Ratio of the far field of all segments to that of the dipole, by population.

    Populations without stored membrane currents are left out; at most 200 samples are used.
    """
    ratios = {}
    for population in recording.reports.get("imem", []):
        report = recording.report("imem", population)
        every = max(1, len(report.data) // _FAR_FIELD_SAMPLES)
        geometry = recording.geometry(population)
        extent = np.ptp(geometry.middle, axis=0).max()
        # ten times the extent of the cells leaves about 1 % to the octupole
        imem = np.asarray(report.data[::every], dtype=float).T
        ratios[population] = far_field_ratio(geometry, imem, distance=max(10 * extent, 10000.0))
    return ratios
