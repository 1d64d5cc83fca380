"""Arrays that stand beside a part of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfpcli.errors import UsageError, nearest
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording
from lfpcli.model.anchor import Anchor, parsed_anchor
from lfpcli.model.probe import Probe

_SOMA = "soma"


def anchored(probe: Probe, recording: Recording, anchor: str) -> Probe:
    """A probe whose shift counts from a section of a cell.

    Parameters
    ----------
    probe : Probe
        The probe.
    recording : Recording
        Where the cell is.
    anchor : str
        ``soma``, ``apic[3]``, ``apic[3](0.5)``; before it the gid where there are several cells,
        ``7:soma``.

    Raises
    ------
    UsageError
        Where there is no such section, or the probe has no contacts that could be shifted.
    """
    if probe.csd is not None or probe.lead_field is not None:
        raise UsageError(
            "--anchor goes with --array and --contacts", remedy="leave it out, or name an array"
        )
    parsed = parsed_anchor(anchor)
    cell, rows = _cell(recording, parsed.gid)
    return shifted(probe, anchor_point(cell, rows, parsed))


def shifted(probe: Probe, point: np.ndarray) -> Probe:
    """A probe whose shift counted from a point, shape (3,), um, and counts from the origin."""
    x, y, z = (point + np.asarray(probe.shift, float)).tolist()
    return replace(probe, shift=(x, y, z), anchor=None)


def anchor_point(cell: Geometry, rows: np.ndarray, anchor: Anchor) -> np.ndarray:
    """Where a section of a cell is, shape (3,), um: its middle, or a place along it.

    Parameters
    ----------
    cell : Geometry
        Segments of a population.
    rows : ndarray of int, shape (N,)
        Those of the cell.
    anchor : Anchor
        The section.

    Raises
    ------
    UsageError
        Where the cell has no such section, or several.
    """
    segments = rows[_segments(cell, rows, anchor.section)]
    start, end = cell.start[segments], cell.end[segments]
    if anchor.x is None:
        lengths = np.linalg.norm(end - start, axis=1)
        weights = lengths if lengths.any() else np.ones(len(lengths))
        return np.asarray(np.average(0.5 * (start + end), axis=0, weights=weights))
    # segments of a section are equally long
    along = min(anchor.x * len(segments), len(segments) - 1e-9)
    number = int(along)
    return np.asarray(start[number] + (along - number) * (end[number] - start[number]))


def _cell(recording: Recording, gid: int | None) -> tuple[Geometry, np.ndarray]:
    """The population of a cell, or of the only one, and the rows of its segments."""
    gids: dict[int, Geometry] = {}
    for population in recording.populations:
        geometry = recording.geometry(population)
        for number in np.unique(geometry.gid).tolist():
            gids[int(number)] = geometry
    if gid is None and len(gids) == 1:
        gid = next(iter(gids))
    if gid is None:
        raise UsageError(
            f"{recording.name} has {len(gids)} cells",
            remedy="name the cell, too: --anchor GID:SECTION",
        )
    if gid not in gids:
        known = [str(number) for number in gids]
        raise UsageError(
            f"{recording.name} has no cell {gid}", remedy=nearest(str(gid), known, "cell")
        )
    return gids[gid], np.flatnonzero(gids[gid].gid == gid)


def _segments(cell: Geometry, rows: np.ndarray, section: str) -> np.ndarray:
    """Which of some rows are segments of a section, by its name with or without its number."""
    sections = cell.section[rows]
    names: dict[int, str] = {}
    for number in np.unique(sections).tolist():
        names[int(number)] = cell.section_names[number].rpartition(".")[2]
    exact = [number for number, name in names.items() if name == section]
    of_type = [number for number, name in names.items() if name.partition("[")[0] == section]
    chosen = exact or of_type
    if not chosen:
        raise UsageError(
            f"the cell has no section '{section}'",
            remedy=nearest(section, list(names.values()), "section"),
        )
    if len(chosen) > 1 and section != _SOMA:
        raise UsageError(
            f"the cell has {len(chosen)} sections '{section}'",
            remedy=f"name one, such as {names[chosen[0]]}",
        )
    return np.flatnonzero(np.isin(sections, chosen))
