"""A recording or morphology as one page of HTML that is looked at in a browser."""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.recording import Recording, open_recording
from lfpcli.morphology.section import type_name
from lfpcli.morphology.tree import Morphology
from lfpcli.plotting.morphology import cells_drawn_whole, population_colours, type_colours
from lfpcli.plotting.units import pretty
from lfpcli.plotting.web import Blocks, folded, page_text, table
from lfpcli.runtime.morphology.reading import read_morphology
from lfpcli.tasks.figures.heeded import (
    NEVER_IN_PAGES,
    check_view,
    check_whole,
    contents_of,
)
from lfpcli.tasks.figures.kernels import draw_kernels
from lfpcli.tasks.figures.network_figure import draw_network
from lfpcli.tasks.figures.page_figures import drawn, figures_of
from lfpcli.tasks.figures.page_tracks import Tracks, tracks_of
from lfpcli.tasks.figures.panels import View, chosen_gids, within_recordings
from lfpcli.tasks.figures.parts import Part, chosen_parts
from lfpcli.tasks.figures.templates import draw_templates
from lfpcli.tasks.files.check import Finding, check
from lfpcli.tasks.files.info import info

# strokes that a browser turns without a pause
_MOST_SEGMENTS = 30_000
# from where the page first sees the cells: angles about z and of the height, rad
_ANGLES = {"xz": (0.0, 0.0), "yz": (math.pi / 2, 0.0), "xy": (0.0, -math.pi / 2)}
_MARKS = {"ok": "✓", "warning": "! warning", "error": "✗ error"}


def write_page(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    title: str | None = None,
    force: bool = False,
) -> None:
    """Write a page that shows a recording or a morphology, and needs nothing but a browser.

    Parameters
    ----------
    source : path-like
        The file, ``-`` for standard input.
    target : path-like
        File to write, ``-`` for standard output.
    parts : sequence of str, optional
        As of `plot`.
    view : View, optional
        Time span, channels, style, and from where the cells are seen.
    title : str, optional
        Heading; the name of the file by default.
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    UsageError
        Where the source cannot be shown in a page, or does not hold a part.
    """
    check_output(target, force=force, binary=False)
    view = view or View()
    with stream.local_file(source) as (path, name):
        blocks = Blocks()
        facts: dict[str, Any] = {"tracks": [], "start": 0.0, "stop": 1.0, "least": 1.0}
        pictures: list[str] = []
        contents = contents_of(path)
        if contents == "recording":
            with open_recording(path, name) as recording:
                chosen = chosen_parts(recording, parts, view.beside)
                check_view(view, chosen, noun="a page", never=NEVER_IN_PAGES)
                within = within_recordings(view, [recording])
                facts = _recording_facts(recording, chosen, within, blocks)
                pictures = figures_of(recording, chosen, within)
                tables = list(_recording_tables(recording, path))
        else:
            check_whole(contents, parts, view)
            tables = [_sanity(path)]
            if contents == "morphology":
                morphology = read_morphology(path, name=name)
                facts["cells"] = _morphology(morphology, view, blocks)
                tables.insert(0, table("File", _morphology_rows(morphology)))
            else:
                pictures = [drawn(partial(_whole, contents, path, name, view))]
        heading = title or Path(name).name
        with (
            atomic_output(target, force=force, binary=False) as output,
            output.open("w", encoding="utf-8") as file,
        ):
            file.writelines(page_text(heading, facts, blocks, tables, pictures))


def _whole(contents: str, path: Path, name: str, view: View) -> Figure:
    """Figure of a file that is drawn whole."""
    if contents == "templates":
        return draw_templates(path, name, placement=view.placement)
    if contents == "network":
        return draw_network(path, name)
    return draw_kernels(path, signals=view.beside)


def _recording_facts(
    recording: Recording, chosen: Sequence[Part], view: View, blocks: Blocks
) -> dict[str, Any]:
    tracks = tracks_of(recording, chosen, view, blocks)
    cells = _cells(recording, tracks, view, blocks) if Part("geometry") in chosen else None
    start, stop = tracks.span
    return {
        "tracks": tracks.facts,
        "start": start,
        "stop": stop,
        "least": tracks.least,
        "overview": tracks.overview,
        "cells": cells,
    }


def _cells(recording: Recording, tracks: Tracks, view: View, blocks: Blocks) -> dict[str, Any]:
    """Segments of the cells, coloured by population, and the contacts."""
    populations = [recording.geometry(name) for name in recording.populations]
    total = sum(len(np.unique(geometry.gid)) for geometry in populations)
    shown, masks = 0, []
    whole = cells_drawn_whole(populations, view.max_cells, chosen_gids(recording, view))
    for geometry, gids in zip(populations, whole, strict=True):
        shown += len(gids)
        masks.append(np.isin(geometry.gid, gids) | geometry.is_soma)
    rows, owners = [np.empty((0, 7))], [np.empty(0, int)]
    for k, (geometry, mask) in enumerate(zip(populations, masks, strict=True)):
        rows.append(_strokes(geometry, mask))
        owners.append(np.full(int(mask.sum()), k))
    note = f"{shown} of {total} cells whole, of the others the soma" if shown < total else ""
    colours: list[str | None] = [None]
    if total > 1:
        colours = [*population_colours(len(populations))]
    return _space(
        np.concatenate(rows),
        np.concatenate(owners),
        blocks,
        colours=colours,
        sites=tracks.sites,
        view=view,
        note=note,
    )


def _strokes(geometry: Geometry, mask: np.ndarray) -> np.ndarray:
    """Start, end and diameter of segments, shape (N, 7), um."""
    return np.hstack([geometry.start[mask], geometry.end[mask], geometry.diam[mask, None]])


def _morphology(morphology: Morphology, view: View, blocks: Blocks) -> dict[str, Any]:
    """Pieces of a traced cell, coloured by their types."""
    section_types = list(dict.fromkeys(type_name(s.type) for s in morphology.sections))
    rows, owners = [np.empty((0, 7))], [np.empty(0, int)]
    for section in morphology.sections:
        points = section.points
        diameters = 0.5 * (points[:-1, 3:4] + points[1:, 3:4])
        rows.append(np.hstack([points[:-1, :3], points[1:, :3], diameters]))
        owners.append(np.full(len(points) - 1, section_types.index(type_name(section.type))))
    colours = [type_colours().get(name) if name != "soma" else None for name in section_types]
    return _space(
        np.concatenate(rows),
        np.concatenate(owners),
        blocks,
        colours=colours,
        sites=[],
        view=view,
        note=", ".join(section_types),
    )


def _space(
    rows: np.ndarray,
    owners: np.ndarray,
    blocks: Blocks,
    *,
    colours: Sequence[str | None],
    sites: list[dict[str, Any]],
    view: View,
    note: str,
) -> dict[str, Any]:
    """Facts of cells in space from strokes (N, 7), um, and whose each is, (N,)."""
    if len(rows) > _MOST_SEGMENTS:
        # the thick ones: soma and trunks show where a cell is
        kept = np.sort(np.argsort(-rows[:, 6], kind="stable")[:_MOST_SEGMENTS])
        left_out = f"{len(kept)} of {len(rows)} segments, the thickest; fewer with --max-cells"
        note = "; ".join(filter(None, (note, left_out)))
        rows, owners = rows[kept], owners[kept]
    places = np.array([site["place"] for site in sites]).reshape(-1, 3)
    points = np.concatenate([rows[:, :3], rows[:, 3:6]]) if len(rows) else places
    if not len(points):
        points = np.zeros((1, 3))
    low, high = points.min(axis=0), points.max(axis=0)
    azimuth, elevation = _ANGLES[view.view]
    return {
        "segments": blocks.add(rows, "f4"),
        "owners": blocks.add(owners, "u1"),
        "colours": list(colours),
        "sites": sites,
        "centre": (0.5 * (low + high)).tolist(),
        "extent": max(float(np.max(high - low)), 10.0),
        "azimuth": azimuth,
        "elevation": elevation,
        "note": note,
    }


def _recording_tables(recording: Recording, path: Path) -> Iterator[str]:
    yield table("Run", list(_summary(info(path))))
    yield _sanity(path)
    record = recording.provenance
    if record:
        yield table("Provenance", list(_provenance(record)))
        yield folded("the whole record", json.dumps(record, indent=1, ensure_ascii=False))


def _summary(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a recording holds, a line each."""
    if "time" in facts:
        yield "time", f"{facts['time']['t_start']:g} to {facts['time']['t_stop']:g} ms"
    for name, cells in facts["populations"].items():
        yield name, f"cells: {cells['cells']}, segments: {cells['segments']}"
    for name, spikes in facts["spikes"].items():
        rate = f", {spikes['rate_hz']:.3g} Hz a cell" if "rate_hz" in spikes else ""
        yield f"spikes of {name}", f"{spikes['number']}{rate}"
    for variable, populations in facts["reports"].items():
        for name, report in populations.items():
            yield f"{variable} of {name}", _sampling(report)
    for name, signal in facts["signals"].items():
        yield name, ", ".join(filter(None, (_sampling(signal), signal["model"])))
    for name, moment in facts["dipoles"].items():
        yield f"dipole of {name}", _sampling(moment)
    yield "size", f"{facts['bytes'] / 1e6:.3g} MB"


def _sampling(facts: dict[str, Any]) -> str:
    rows, columns = facts["shape"]
    return f"{rows} × {columns}, {pretty(facts['units'])}, every {facts['dt_ms']:g} ms"


def _provenance(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for step in [*record.get("history", []), record]:
        yield "command", shlex.join(map(str, step.get("command", [])))
    for key in ("version", "python", "engine", "seed"):
        if key in record:
            yield key, str(record[key])
    libraries = record.get("libraries")
    if isinstance(libraries, dict):
        yield "libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())
    inputs = record.get("inputs")
    if isinstance(inputs, dict):
        for name, digest in inputs.items():
            yield "input", f"{name}, SHA-256 {digest}"


def _sanity(path: Path) -> str:
    findings = check(path).findings
    rows = [(_MARKS[finding.state], _sentence(finding)) for finding in findings]
    return table("Sanity", rows, [finding.state for finding in findings])


def _sentence(finding: Finding) -> str:
    place = f" [{finding.source}]" if finding.source.startswith("/") else ""
    return f"{finding.subject}: {finding.text}{place}"


def _morphology_rows(morphology: Morphology) -> list[tuple[str, str]]:
    points = morphology.points[:, :3]
    low, high = points.min(axis=0), points.max(axis=0)
    extent = " × ".join(f"{side:.4g}" for side in high - low)
    sections = f"{len(morphology.sections)} sections, {len(points)} points"
    return [("sections", sections), ("extent", f"{extent} µm")]
