"""Cells in the colours of a recorded variable of all their segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording, Report
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.morphology import (
    Cones,
    cells_drawn_whole,
    cones_of,
    draw_sites,
    extent,
    frame,
    remark,
)
from lfpcli.plotting.painted import Paint, paint_cones
from lfpcli.plotting.reduce import rows_in
from lfpcli.plotting.units import literal
from lfpcli.tasks.figures.moving import Moving, frame_rows, row_at
from lfpcli.tasks.figures.panels import VARIABLES, View, chosen_gids, contact_sites

_WIDTH = 3.6
# share of the values that may lie beyond the colours at either end
_BEYOND = 0.0005
# of these the sign matters
_SIGNED = {"nA", "nA/um2", "mA/cm2"}
# where two positions along a section are one
_SAME = 1e-4


@dataclass(kw_only=True)
class Painted:
    """Segments of the cells of a recording and where their values are.

    Attributes
    ----------
    reports : list of Report
        One of each population.
    columns : list of ndarray of int
        Columns of the segments that are drawn, of each population.
    cones : Cones
        These segments, N in all.
    note : str
        What is left out.
    """

    reports: list[Report]
    columns: list[np.ndarray]
    cones: Cones
    note: str

    def values(self, row: int) -> np.ndarray:
        """Values (N,) at a row of the reports, in their unit."""
        rows = [
            np.asarray(report.data[row], dtype=float)[columns]
            for report, columns in zip(self.reports, self.columns, strict=True)
        ]
        return np.concatenate(rows)


def painted_cells(recording: Recording, variable: str, view: View) -> Painted:
    """The segments of the cells that are drawn, with their values.

    Raises
    ------
    InputError
        Where the recording does not hold the variable of all segments.
    UsageError
        Where it holds no such variable at all.
    """
    names = recording.reports.get(variable)
    if not names:
        raise UsageError(
            f"recording holds no '{variable}' to paint cells with",
            remedy=nearest(variable, recording.reports, "variable")
            if recording.reports
            else "record it of all segments: lfp sim --set record.vmem=all",
        )
    geometries = [recording.geometry(name) for name in names]
    reports = [recording.report(variable, name) for name in names]
    if len({(r.dt, r.t_start, r.data.shape[0], r.units) for r in reports}) > 1:
        raise InputError(
            "populations differ in their samples",
            source=recording.name,
            remedy="record them with one interval",
        )
    shown = cells_drawn_whole(geometries, view.max_cells, chosen_gids(recording, view))
    parts, columns = [], []
    for name, geometry, report, gids in zip(names, geometries, reports, shown, strict=True):
        source = recording.source_of(f"/reports/{variable}/{name}")
        mask = np.isin(geometry.gid, gids)
        columns.append(segment_columns(geometry, report, source)[mask])
        parts.append(cones_of(geometry, mask))
    total = sum(len(np.unique(geometry.gid)) for geometry in geometries)
    drawn = sum(len(gids) for gids in shown)
    return Painted(
        reports=reports,
        columns=columns,
        cones=Cones(
            start=np.concatenate([part.start for part in parts]),
            end=np.concatenate([part.end for part in parts]),
            diam_start=np.concatenate([part.diam_start for part in parts]),
            diam_end=np.concatenate([part.diam_end for part in parts]),
        ),
        note=f"{drawn} of {total} cells" if drawn < total else "",
    )


def segment_columns(geometry: Geometry, report: Report, source: str) -> np.ndarray:
    """Column of the report of each segment, shape (N,).

    Raises
    ------
    InputError
        Where the report does not hold all segments.
    """
    cells = np.repeat(report.node_ids, np.diff(report.pointers))
    stored = np.lexsort((report.element_pos, report.element_ids, cells))
    wanted = np.lexsort((geometry.x, geometry.section, geometry.gid))
    matches = len(stored) == len(wanted) and (
        np.array_equal(cells[stored], geometry.gid[wanted])
        and np.array_equal(report.element_ids[stored], geometry.section[wanted])
        and np.allclose(report.element_pos[stored], geometry.x[wanted], rtol=0, atol=_SAME)
    )
    if not matches:
        variable = source.split("/")[-2]
        raise InputError(
            f"holds {len(stored)} columns, not one of each of {len(wanted)} segments",
            source=source,
            remedy=f"record it of all: lfp sim --set record.{variable}=all",
        )
    columns = np.empty(len(wanted), np.int64)
    columns[wanted] = stored
    return columns


def paint_of(values: np.ndarray, units: str) -> Paint:
    """Range of colours of values of any shape, in `units`."""
    low, high = float(values.min()), float(values.max())
    ends = np.quantile(values, (_BEYOND, 1 - _BEYOND))
    if units in _SIGNED:
        limit = float(np.abs(ends).max()) or 1.0
        return Paint(low=-limit, high=limit, peak=(low, high), signed=True)
    first, last = float(ends[0]), float(ends[1])
    if last <= first:
        first, last = first - 0.5, first + 0.5
    return Paint(low=first, high=last, peak=(low, high), signed=False)


def painted_panel(recording: Recording, variable: str, view: View) -> Panel:
    """Cells in the colours of a variable at a time."""
    return painted_scene(recording, variable, view, count=1).panel


def painted_scene(recording: Recording, variable: str, view: View, *, count: int) -> Moving:
    """Cells in the colours of a variable at `count` times; of one, that of `View.at`."""
    painted = painted_cells(recording, variable, view)
    report = painted.reports[0]
    source = recording.source_of(f"/reports/{variable}")
    if not report.data.shape[0]:
        raise InputError("holds no samples", source=source, remedy="run for longer")
    rows = _rows(painted, view, count)
    values = np.stack([painted.values(row) for row in rows])
    if not np.isfinite(values).all():
        raise InputError(
            "holds NaN or infinity", source=source, remedy="see what lfp check says of the file"
        )
    paint = paint_of(values, report.units)
    times = report.t_start + report.dt * rows
    sites = contact_sites(recording, view)
    points = np.concatenate([painted.cones.start, painted.cones.end])
    low, high = extent(points, sites, view=view.view)
    handles: dict[str, Any] = {}

    quantity = VARIABLES.get(variable, (literal(variable), ""))[0]

    def heading(k: int) -> str:
        return f"{quantity} at {times[k]:.6g} ms"

    def draw(ax: Axes) -> None:
        handles["title"] = ax.set_title(heading(0))
        for contacts in sites:
            draw_sites(ax, contacts, view=view.view)
        frame(ax, low, high, view=view.view)
        handles["cells"], handles["factor"] = paint_cones(
            ax, painted.cones, values[0], paint, units=report.units, view=view.view
        )
        if painted.note:
            remark(ax, painted.note)

    def show(k: int) -> None:
        handles["title"].set_text(heading(k))
        handles["cells"].set_array(handles["factor"] * values[k])

    aspect = float((high[1] - low[1]) / (high[0] - low[0]))
    height = _WIDTH * float(np.clip(aspect, 0.6, 1.6))
    panel = Panel(draw, height, timed=False, width=_WIDTH)
    return Moving(panel=panel, times=times, show=show)


def _rows(painted: Painted, view: View, count: int) -> np.ndarray:
    """Rows of the times that are shown; of one time, by default that of the largest spread."""
    report = painted.reports[0]
    if count > 1:
        return frame_rows(report, view.time, count)
    if view.at is not None:
        return np.array([row_at(report, view.at)])
    first, last = rows_in(report.data.shape[0], report.dt, report.t_start, view.time)
    candidates = np.unique(np.linspace(first, last - 1, 400).astype(int))
    spread = [float(np.ptp(painted.values(row))) for row in candidates]
    return candidates[[int(np.argmax(spread))]]
