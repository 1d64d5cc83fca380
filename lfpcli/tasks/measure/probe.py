"""Measure a recording: signals from the membrane currents it holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError, located
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.treatment import UNTREATED, Treatment
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, Report, open_recording
from lfpcli.io.writer import RecordingWriter, copy_parts
from lfpcli.model.probe import Probe
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import plain, read_table
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.anchors import anchored
from lfpcli.tasks.measure.instruments import instrument_of
from lfpcli.tasks.measure.lfpykit_models import (
    Comparison,
    Difference,
    lfpykit_instrument,
    lfpykit_probe,
)
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.measure.streams import (
    Member,
    Stream,
    begin_signal,
    cells_of,
    contract_stored,
    group_names,
)
from lfpcli.tasks.measure.treatment import treat_signal


def probe_table(values: dict[str, Any]) -> Probe:
    """Return the probe of a tree of keys as ``[[probe]]`` has them, those that are None left out.

    Raises
    ------
    InputError
        Where a value is not what its key expects.
    """
    stated = {key: value for key, value in values.items() if value is not None}
    return read_table(Probe, stated, At(SourceText("command line")))


def probe(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    spec: Probe,
    *,
    force: bool = False,
    float32: bool = False,
    treatment: Treatment = UNTREATED,
    keep_currents: bool = False,
    other_model: str | None = None,
    anchor: str | None = None,
    command: Sequence[str] = ("lfp", "probe"),
    progress: Callable[[float], None] = lambda share: None,
    report: Callable[[str], None] = lambda note: None,
) -> Difference | None:
    """Add a signal to a recording.

    The numbers are those of a probe that measured while the run went.

    Parameters
    ----------
    source : path-like
        Recording with membrane currents, or ``-``.
    output : path-like
        Recording to write, or ``-``; it holds all that `source` does but the currents.
    spec : Probe
        What to measure.
    force, float32 : bool
        Whether an existing file is replaced, and samples are stored in single precision.
    treatment : Treatment
        Noise, filter and sampling interval.
    keep_currents : bool
        Whether the output holds the currents too.
    other_model : str, optional
        ``lfpykit:CLASS``, whose numbers are written in place of ours.
    anchor : str, optional
        The section that the shift of the probe counts from, see `anchored`.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.
    report : callable
        Told the error of a medium that is solved.

    Returns
    -------
    Difference or None
        How far the other model is from ours, where one was asked for; before noise and filters.

    Raises
    ------
    InputError
        Where the recording holds no currents of all segments, or has a signal of that name.
    """
    check_recording_output(output, force=force)
    difference: Difference | None = None
    if other_model is not None:
        spec = lfpykit_probe(other_model, spec)
    with stream.local_file(source) as (path, name), open_recording(path) as recording:
        recording.name = name
        if anchor is not None:
            spec = anchored(spec, recording, anchor)
        for note in solve_media([spec], Team()):
            report(note)
        instrument = ours = instrument_of(spec)
        treatment = replace(treatment, mixture=ours.mixture)
        if other_model is not None:
            instrument = lfpykit_instrument(other_model, spec, ours)
        signal, reports = _stream_of(recording, instrument)
        record = provenance(command, inputs={name: digest(path)}, history=recording.provenance)
        with (
            atomic_output(output, force=force) as target,
            RecordingWriter(target, record, float32=float32) as writer,
        ):
            # currents are most of a recording, and done with; report is their second name
            left_out = () if keep_currents else ("reports/imem", "report")
            copy_parts(recording, writer, without=left_out)
            tracks = begin_signal(writer, signal, reports[0].dt, reports[0].t_start)
            with located(recording.source_of("/reports/imem")):
                contract_stored(signal, reports, tracks, source=name, progress=progress)
                if other_model is not None:
                    comparison = Comparison(tracks[""], ours.units)
                    stream_of_ours, _ = _stream_of(recording, replace(ours, per="total"))
                    contract_stored(stream_of_ours, reports, {"": comparison}, source=name)
                    difference = comparison.difference
            if treatment:
                # filters read the signal in the file, where the last chunk must be
                writer.finish()
                treat_signal(writer.file[f"signals/{instrument.name}"], treatment)
    return difference


def currents_of(recording: Recording) -> tuple[list[Member], dict[str, Report]]:
    """Cells in the order of the currents' columns, and the report of each population.

    Raises
    ------
    InputError
        Where the recording holds no currents of all segments.
    """
    members: list[Member] = []
    reports: dict[str, Report] = {}
    for population in recording.reports.get("imem", []) or recording.populations:
        report = recording.report("imem", population)
        geometry = recording.geometry(population)
        reports[population] = report
        for k, gid in enumerate(report.node_ids):
            cell = cell_of(geometry, int(gid))
            columns = int(report.pointers[k + 1] - report.pointers[k])
            if columns != len(cell):
                raise InputError(
                    f"has {columns} currents of cell {gid}, which has {len(cell)} segments",
                    source=recording.source_of(f"/reports/imem/{population}"),
                    remedy="see what lfp check says of the file",
                )
            members.append(Member(int(gid), population, cell))
    if not members:
        raise InputError(
            "holds no cells",
            source=recording.name,
            remedy="record membrane currents: record.imem = true",
        )
    # their columns are multiplied side by side
    if len({(r.dt, r.t_start, r.data.shape[0]) for r in reports.values()}) > 1:
        raise InputError(
            "populations differ in their samples",
            source=recording.name,
            remedy="record them with one interval",
        )
    return members, reports


def cell_of(geometry: Geometry, gid: int) -> Geometry:
    """Segments of one cell of a population."""
    segments = np.flatnonzero(geometry.gid == gid)
    parts = ("start", "end", "diam", "area", "gid", "section", "x")
    parent = geometry.parent[segments]
    # in the file parents count within the population
    inner = np.where(parent < 0, -1, parent - (segments[0] if len(segments) else 0))
    return Geometry(
        **{name: getattr(geometry, name)[segments] for name in parts},
        parent=inner,
        section_names=geometry.section_names,
    )


def _stream_of(recording: Recording, instrument: Instrument) -> tuple[Stream, list[Report]]:
    """The signal of all cells, and the reports whose currents it takes side by side."""
    if instrument.name in recording.signals:
        raise InputError(
            f"has a signal '{instrument.name}' already",
            source=recording.name,
            remedy="give another --name",
        )
    members, reports = currents_of(recording)
    gids = [member.gid for member in members]
    stream = Stream(
        instrument,
        cells_of(instrument, members),
        groups=group_names(instrument.per, list(reports), gids),
        count=len(members),
        team=Team(),
    )
    return stream, list(reports.values())


def inline_table(text: str, option: str) -> dict[str, Any]:
    """Read the inside of an inline table of TOML, as in ``z=[-200,1000], dz=50, radius=150``.

    Raises
    ------
    UsageError
        Where the text is none.
    """
    from lfpcli.model.text import parse_value

    inside = text.strip()
    value = parse_value(inside if inside.startswith("{") else "{" + inside + "}")
    if not isinstance(value, dict):
        raise UsageError(
            f"{option} '{text}' is no table", remedy="write KEY=VALUE, KEY=VALUE as in TOML"
        )
    return value


def medium_value(text: str) -> Any:
    """Read a medium: a word, the inside of an inline table, or a .toml file of its keys.

    Raises
    ------
    UsageError, InputError
        Where the text is no table, or the file cannot be read.
    """
    if text.endswith(".toml"):
        return _medium_of_file(text)
    return inline_table(text, "--medium") if "=" in text else text


def _medium_of_file(name: str) -> Any:
    """Read a file of the keys of a medium, or of them in a table [medium]."""
    from lfpcli.model.media import MEDIA, MEDIUM
    from lfpcli.model.text import read_source

    tree, source = read_source(name)
    at = At(source)
    if list(tree) == ["medium"]:
        tree, at = tree["medium"], at / "medium"
    if not isinstance(tree, dict) or not set(MEDIA) & set(tree):
        raise at.table_error(
            f"is no medium: it has none of {', '.join(MEDIA)}", "see medium in lfp-model(5)"
        )
    # faults have their lines, and paths count from the folder of the file
    return plain(MEDIUM.read(tree, at), Path())
