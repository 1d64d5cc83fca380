"""From a recording to the signals of EEG or MEG channels, in another recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lfpcli.forward.far_field import far_field_ratio
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.head_model import head_model_file
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, open_recording
from lfpcli.io.writer import RecordingWriter, copy_parts
from lfpcli.model.head import Eeg, Meg
from lfpcli.tasks.head.instruments import head_instruments
from lfpcli.tasks.head.lfpykit_heads import LFPYKIT, lfpykit_model
from lfpcli.tasks.head.stored import stored_stream
from lfpcli.tasks.measure.lfpykit_models import Comparison
from lfpcli.tasks.measure.streams import begin_signal, contract_stored
from lfpcli.vocabulary import TOTAL

_FAR_FIELD_SAMPLES = 200


def _silent(share: float) -> None:
    """Progress that nobody is told of."""


def _unheard(text: str) -> None:
    """A note that nobody reads."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is read, and how the result is written.

    Attributes
    ----------
    source, target : str
        Recordings; ``-`` for standard input and output.
    command : sequence of str
        The command line, for the provenance.
    force, float32 : bool
        Whether an existing file is replaced, and samples are kept in single precision.
    progress : callable
        Called with the share that is done.
    note : callable
        Called with how far a model of LFPykit is from ours, where one measures.
    """

    source: str
    target: str
    command: Sequence[str] = ()
    force: bool = False
    float32: bool = False
    progress: Callable[[float], None] = _silent
    note: Callable[[str], None] = _unheard


def head_signals(table: Eeg | Meg, job: Job, *, check: bool = False) -> dict[str, float]:
    """Compute the EEG or the MEG of a recording and write it with all that came in.

    An EEG is one signal, in mV. The MEG of channels of more than one unit goes into signals of
    their own, NAME_mag in T and NAME_grad in T/m.

    Parameters
    ----------
    table : Eeg or Meg
        What is measured, and where in the head the cells are; its model may be one of LFPykit.
    job : Job
        Files.
    check : bool
        Whether the far field of the cells is checked against their dipoles.

    Returns
    -------
    dict of str to float
        The ratio of both by population, see `far_field_ratio`; empty unless asked for and
        membrane currents are stored.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where the recording, the head or a position is not what it should be.
    OutputError
        Where the target cannot be written.
    """
    check_recording_output(job.target, force=job.force)
    other_model, compared = "", []
    if table.model in LFPYKIT:
        other_model, table = table.model, replace(table, model=lfpykit_model(table.model))
        compared = [replace(each, per=TOTAL) for each in head_instruments(table)]
    instruments = head_instruments(table, other_model=other_model)
    with open_recording(job.source) as recording:
        by_cell = table.placements is not None
        # what no model can measure is told by ours, before LFPykit stumbles over it
        streams_of_ours = [stored_stream(recording, i, by_cell=by_cell) for i in compared]
        streams = [stored_stream(recording, i, by_cell=by_cell) for i in instruments]
        ratios = far_field(recording) if check else {}
        inputs = {Path(file).name: digest(Path(file)) for file in _files(table, job)}
        record = provenance(job.command, inputs=inputs, history=recording.provenance)
        with (
            atomic_output(job.target, force=job.force) as path,
            RecordingWriter(path, record, float32=job.float32) as writer,
        ):
            # a signal of the same name is of an earlier command
            replaced = [f"signals/{instrument.name}" for instrument in instruments]
            copy_parts(recording, writer, without=replaced)
            for stream, stored in streams:
                tracks = begin_signal(writer, stream, stored[0].dt, stored[0].t_start)
                contract_stored(
                    stream, stored, tracks, source=recording.name, progress=job.progress
                )
                if streams_of_ours:
                    comparison = Comparison(tracks[""], stream.instrument.units)
                    ours, moments = streams_of_ours.pop(0)
                    contract_stored(ours, moments, {"": comparison}, source=recording.name)
                    job.note(str(comparison.difference))
    return ratios


def _files(table: Eeg | Meg, job: Job) -> list[str]:
    """The files that were read."""
    named = [job.source, table.placements]
    named.append(table.montage if isinstance(table, Eeg) else table.sensors)
    if table.head_model is not None:
        named.append(head_model_file(table.head_model))
    return [str(f) for f in named if f is not None and str(f) != "-" and Path(f).is_file()]


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
