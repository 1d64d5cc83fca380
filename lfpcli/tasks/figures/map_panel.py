"""Potentials around the cells of a recording, computed from its membrane currents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lfpcli.errors import InputError, UsageError, located
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Recording, Report, Signal
from lfpcli.plotting.figure import Panel
from lfpcli.plotting.morphology import Sites, draw_cells, draw_sites, draw_synapses, extent
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.plane import Plane, plane_of
from lfpcli.plotting.potential_map import MapAxes, draw_map
from lfpcli.plotting.reduce import rows_in
from lfpcli.plotting.scale import Scale, settled_row
from lfpcli.plotting.style import palette
from lfpcli.plotting.units import literal
from lfpcli.tasks.figures.moving import Moving, frame_rows, row_at
from lfpcli.tasks.figures.panels import View, chosen_gids, shown_synapses
from lfpcli.tasks.figures.synapse_sites import SynapseSites
from lfpcli.vocabulary import SIGMA

# entries of one block of the matrix, and of all of it; points across the longer side
_BLOCK_ENTRIES = 4_000_000
_MOST_ENTRIES = 400_000_000
_MOST_POINTS, _OF_FILMS, _LEAST_POINTS = 240, 120, 48
# share of the points whose potentials may lie beyond the colours: those next to membranes
_BEYOND = 0.005
_BLOCK_ROWS = 1 << 22
# two lines of remarks, inches
_REMARKS = 0.25
_METHODS = {"line source": "line", "point source": "point", "soma as point": "soma-point"}


@dataclass(kw_only=True)
class CellCurrents:
    """Currents of the segments of one population.

    Attributes
    ----------
    geometry : Geometry
        Its segments, um.
    report : Report
        Their currents, nA, in the same order.
    """

    geometry: Geometry
    report: Report


@dataclass(kw_only=True)
class PotentialField:
    """How the currents of a recording make potentials at the points of a plane.

    Attributes
    ----------
    plane : Plane
        The plane.
    axes : MapAxes
        Where the points are in it.
    height : float
        Distance of the plane from the origin along its normal, um.
    populations : list of CellCurrents
        The sources.
    conductor : dict
        Method, sigma and medium of the forward model.
    label : str
        Whose parameters these are.
    sites : ndarray, shape (C, 3), or None
        Contacts to mark, um.
    chosen : ndarray of int, shape (K,), or None
        Gids of the cells to draw whole.
    synapses : list of SynapseSites
        Synapses to mark on these.
    """

    plane: Plane
    axes: MapAxes
    height: float
    populations: list[CellCurrents]
    conductor: dict[str, Any]
    label: str
    sites: np.ndarray | None
    chosen: np.ndarray | None
    synapses: list[SynapseSites]

    def points(self) -> np.ndarray:
        """Places of the points, shape (H W, 3), um."""
        right, up = np.meshgrid(self.axes.right, self.axes.up)
        seen = np.column_stack([right.ravel(), np.full(right.size, self.height), up.ravel()])
        return self.plane.placed(seen)

    def potentials(self, rows: np.ndarray) -> np.ndarray:
        """Potentials, shape (R, H, W), mV, at R rows of the reports."""
        points = self.points()
        values = np.zeros((len(points), len(rows)))
        for population in self.populations:
            currents = np.stack([np.asarray(population.report.data[row], float) for row in rows])
            step = max(_BLOCK_ENTRIES // max(len(population.geometry), 1), 1)
            for first in range(0, len(points), step):
                matrix = transfer_matrix(
                    population.geometry, points[first : first + step], **self.conductor
                )
                # not by BLAS, whose sums differ in the last bit with the number of threads
                values[first : first + step] += np.einsum("ps,rs->pr", matrix, currents)
        shape = (len(rows), len(self.axes.up), len(self.axes.right))
        grids: np.ndarray = values.T.reshape(shape)
        return grids


def potential_field(
    recording: Recording, view: View, *, most_points: int = _MOST_POINTS
) -> PotentialField:
    """Plan the map of a recording, with at most `most_points` points along its longer side.

    Raises
    ------
    InputError
        Where there are no membrane currents of all segments.
    UsageError
        Where the signal that is named has no contacts.
    """
    populations = _currents(recording)
    signal, name = _measured(recording, view.signal)
    plane = plane_of(view.map or "xz")
    sites = None if signal is None else signal.positions
    points = np.concatenate(
        [np.concatenate([p.geometry.start, p.geometry.end]) for p in populations]
    )
    if view.extent is not None:
        low, high = np.array(view.extent[::2]), np.array(view.extent[1::2])
    else:
        contacts = [] if sites is None else [Sites(plane.seen(sites))]
        low, high = extent(plane.seen(points), contacts)
        margin = 0.08 * (high - low).max()
        low, high = low - margin, high + margin
    segments = sum(len(p.geometry) for p in populations)
    longest = int(np.clip(np.sqrt(_MOST_ENTRIES / max(segments, 1)), _LEAST_POINTS, most_points))
    counts = np.maximum(np.round(longest * (high - low) / (high - low).max()), 2).astype(int)
    return PotentialField(
        plane=plane,
        axes=MapAxes(
            right=np.linspace(low[0], high[0], counts[0]),
            up=np.linspace(low[1], high[1], counts[1]),
            names=(plane.names[0], plane.names[2]),
        ),
        height=_middle(populations, plane) if view.plane is None else view.plane,
        populations=populations,
        conductor=_conductor(signal),
        label=f"as of {literal(name)}" if signal is not None else "line sources",
        sites=sites,
        chosen=chosen_gids(recording, view),
        synapses=shown_synapses(recording, view),
    )


def _middle(populations: list[CellCurrents], plane: Plane) -> float:
    """Mean distance along the normal of the somata, or of all segments without any, um."""
    places = [p.geometry.middle[p.geometry.is_soma] for p in populations]
    if not sum(map(len, places)):
        places = [p.geometry.middle for p in populations]
    return float(np.mean(plane.seen(np.concatenate(places))[:, 1]))


def _currents(recording: Recording) -> list[CellCurrents]:
    names = recording.reports.get("imem", [])
    if not names:
        raise InputError(
            "a map of potentials needs membrane currents of all segments",
            source=recording.name,
            remedy="record them: lfp sim --set record.imem=true",
        )
    populations = []
    for name in names:
        geometry, report = recording.geometry(name), recording.report("imem", name)
        if report.data.shape[1] != len(geometry):
            raise InputError(
                f"has {report.data.shape[1]} currents of {len(geometry)} segments",
                source=recording.source_of(f"/reports/imem/{name}/data"),
                remedy="see what lfp check says of the file",
            )
        populations.append(CellCurrents(geometry=geometry, report=report))
    if len({(p.report.dt, p.report.t_start, p.report.data.shape[0]) for p in populations}) > 1:
        raise InputError(
            "populations differ in their samples",
            source=recording.name,
            remedy="record them with one interval",
        )
    if not populations[0].report.data.shape[0]:
        raise InputError(
            "holds no samples", source=recording.source_of("/reports/imem"), remedy="run for longer"
        )
    return populations


def _measured(recording: Recording, name: str | None) -> tuple[Signal | None, str]:
    """The signal whose contacts and forward model are those of the map, and its name."""
    for candidate in recording.signals if name is None else [name]:
        signal = recording.signal(candidate)
        if signal.model in _METHODS and signal.positions is not None:
            return signal, candidate
    if name is not None:
        raise UsageError(
            f"signal '{name}' has no contacts in tissue", remedy="name one of a probe, or none"
        )
    return None, ""


def _conductor(signal: Signal | None) -> dict[str, Any]:
    if signal is None:
        return {"sigma": SIGMA}
    conductor = {"method": _METHODS[signal.model], "sigma": signal.parameters.get("sigma", SIGMA)}
    if "medium" in signal.parameters:
        conductor["medium"] = signal.parameters["medium"]
    return conductor


def row_of(field: PotentialField, view: View) -> int:
    """Row of the time that is shown, by default that of the strongest currents in the span."""
    report = field.populations[0].report
    if view.at is not None:
        return row_at(report, view.at)
    strength = _strengths(field.populations)
    first, last = rows_in(len(strength), report.dt, report.t_start, view.time)
    if view.time is None:
        first = settled_row(strength[:, None])
    return first + int(np.argmax(strength[first:last]))


def _strengths(populations: list[CellCurrents]) -> np.ndarray:
    """Sum of the magnitudes of all currents at each row, shape (T,), nA."""
    total = np.zeros(populations[0].report.data.shape[0])
    for population in populations:
        for first, block in _blocks(population.report):
            total[first : first + len(block)] += np.abs(block).sum(axis=1)
    return total


def _blocks(report: Report) -> Iterator[tuple[int, np.ndarray]]:
    rows, columns = report.data.shape
    step = max(_BLOCK_ROWS // max(columns, 1), 1)
    for first in range(0, rows, step):
        yield first, np.asarray(report.data[first : first + step], float)


def map_scale(values: np.ndarray) -> Scale:
    """Range of colours for potentials of any shape, mV; points next to membranes lie beyond."""
    magnitude = np.abs(values)
    return Scale(float(np.quantile(magnitude, 1 - _BEYOND)) or 1.0, float(magnitude.max()))


def map_panel(recording: Recording, view: View) -> Panel:
    """Potentials in a plane at a time, with the outlines of the cells and the contacts."""
    return map_scene(recording, view, count=1).panel


def map_scene(recording: Recording, view: View, *, count: int) -> Moving:
    """Potentials in a plane at `count` times; of one, that of `View.at`."""
    field = potential_field(recording, view, most_points=_MOST_POINTS if count == 1 else _OF_FILMS)
    report = field.populations[0].report
    rows = np.array([row_of(field, view)]) if count == 1 else frame_rows(report, view.time, count)
    with located(recording.name):
        values = field.potentials(rows)
    scale = map_scale(values)
    times = report.t_start + report.dt * rows
    axes = field.axes
    depth = field.plane.names[1]
    drawn: dict[str, Any] = {}

    def heading(k: int) -> str:
        return f"potential at {times[k]:.6g} ms, {depth} = {field.height:.4g} µm"

    def draw(ax: Axes) -> None:
        drawn["picture"] = draw_map(
            ax,
            axes,
            values[0],
            units="mV",
            scale=scale,
            logarithmic=view.scale == "log",
            title=heading(0),
        )
        draw_surroundings(ax, field, view)

    def show(k: int) -> None:
        drawn["picture"].change(values[k], heading(k))

    span = np.array([np.ptp(axes.right), np.ptp(axes.up)])
    width = 3.6
    height = float(np.clip(width * span[1] / span[0], 1.6, 6.5))
    panel = Panel(draw, height, timed=False, width=width, above=_REMARKS)
    return Moving(panel=panel, times=times, show=show)


def draw_surroundings(ax: Axes, field: PotentialField, view: View) -> None:
    """Draw the cells and contacts of a map, and say what the map is."""
    axes, plane = field.axes, field.plane
    draw_cells(
        ax,
        [plane.turned(p.geometry) for p in field.populations],
        max_cells=view.max_cells,
        chosen=field.chosen,
    )
    if field.sites is not None and len(field.sites):
        draw_sites(ax, Sites(plane.seen(field.sites), palette().ink))
    for group in field.synapses:
        draw_synapses(ax, plane.seen(group.positions), colour=palette().colours[4])
        add_note(ax, f"circles: {group.label}")
    ax.set_xlim(axes.right[0], axes.right[-1])
    ax.set_ylim(axes.up[0], axes.up[-1])
    ax.set_aspect("equal", anchor="W")
    sigma = field.conductor["sigma"]
    shown = sigma if isinstance(sigma, float) else ", ".join(f"{s:g}" for s in sigma)
    spacing = float(axes.right[1] - axes.right[0])
    add_note(ax, f"{field.label}, σ = {shown} S/m; a point every {spacing:.3g} µm")
