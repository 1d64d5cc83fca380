"""Figures of how a network is wired, from the file that ``lfp sim --save-network`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.io.text import as_text
from lfpcli.plotting.figure import Size, scaled_size
from lfpcli.plotting.notes import add_note
from lfpcli.plotting.style import COLOURS, DASHES, palette, strengthen
from lfpcli.plotting.units import literal, pretty

_SIZE = (7.2, 4.3)
# in a column of a journal the histograms are below the matrix; inches, as the room below axes
_NARROW, _NARROW_SIZE, _LOW = 4.5, (3.35, 6.4), 0.47
# of the legend above the histograms, inches
_ABOVE_HEADING = 0.25
# blocks of cells across the matrix, and bins of a histogram
_BLOCKS, _BINS = 128, 24
_REMEDY = "write it again with lfp sim --save-network"


@dataclass(kw_only=True)
class Connection:
    """Synapses from one population to another.

    Attributes
    ----------
    source, target : str
        The populations.
    source_id, target_id : ndarray of int, shape (S,)
        Indices of the cells in them.
    weight, delay : ndarray, shape (S,), or None
        In the units of the file.
    """

    source: str
    target: str
    source_id: np.ndarray
    target_id: np.ndarray
    weight: np.ndarray | None
    delay: np.ndarray | None


@dataclass(kw_only=True)
class Wiring:
    """Populations with their numbers of cells, their connections, and units of attributes."""

    sizes: dict[str, int]
    connections: list[Connection]
    units: dict[str, str]


def holds_network(path: Path) -> bool:
    """Whether a file is a network in SONATA's layout, of inputs alone even."""
    if not h5py.is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        has_synapses = "edges" in file or "inputs" in file
        return "nodes" in file and has_synapses and "format" not in file.attrs


def read_wiring(path: Path, name: str) -> Wiring:
    """Read populations and synapses.

    Raises
    ------
    InputError
        Where the file is not what it should be, or holds no synapses.
    """
    wiring = Wiring(sizes={}, connections=[], units={})
    with open_hdf5(path, name) as file:
        for population in sorted(file["nodes"]):
            data = numbers(file, f"/nodes/{population}/node_type_id", name, ndim=1, remedy=_REMEDY)
            wiring.sizes[population] = int(data.shape[0])
        for edges in sorted(file.get("edges", ())):
            wiring.connections.append(_connection(file, f"/edges/{edges}", name, wiring))
    if not any(len(connection.source_id) for connection in wiring.connections):
        raise InputError(
            "network has no synapses between its cells",
            source=name,
            remedy=f"those of inputs are marked on cells: lfp plot RECORDING --synapses {name}",
        )
    return wiring


def _connection(file: h5py.File, base: str, name: str, wiring: Wiring) -> Connection:
    ends = {}
    for end in ("source", "target"):
        dataset = numbers(file, f"{base}/{end}_node_id", name, ndim=1, remedy=_REMEDY)
        population = as_text(dataset.attrs.get("node_population", ""))
        ids = whole(dataset, np.int64)
        if len(ids) and not 0 <= ids.min() <= ids.max() < wiring.sizes.get(population, 0):
            raise InputError(
                f"names cells that population '{population}' has not",
                source=f"{name}:{base}/{end}_node_id",
                remedy=_REMEDY,
            )
        ends[end] = (population, ids)
    if len(ends["source"][1]) != len(ends["target"][1]):
        raise InputError(
            "ends of synapses differ in number",
            source=f"{name}:{base}",
            remedy="write the network again: lfp sim --save-network",
        )
    attributes: dict[str, np.ndarray | None] = {"syn_weight": None, "delay": None}
    for key in attributes:
        if f"{base}/0/{key}" in file:
            dataset = numbers(file, f"{base}/0/{key}", name, ndim=1, remedy=_REMEDY)
            attributes[key] = whole(dataset)
            wiring.units[key] = as_text(dataset.attrs.get("units", ""))
    return Connection(
        source=ends["source"][0],
        target=ends["target"][0],
        source_id=ends["source"][1],
        target_id=ends["target"][1],
        weight=attributes["syn_weight"],
        delay=attributes["delay"],
    )


def draw_network(
    path: Path, name: str, *, size: Size | None = None, title: str | None = None
) -> Figure:
    """Draw the matrix of a network, and how many partners, weights and delays there are.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in messages.
    size : tuple of two floats, optional
        Width and height, inches.
    title : str, optional
        Heading.
    """
    wiring = read_wiring(path, name)
    is_narrow = size is not None and size[0] < _NARROW
    width, height = scaled_size(size, _NARROW_SIZE if is_narrow else _SIZE)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    top = 1 - (0.55 if title is None else 0.8) / height
    if is_narrow:
        # the matrix above, the histograms below it
        matrix = (0.13, 0.5, 0.72, top - 0.5)
        across, corner, side, under = 0.5, 0.1, 0.36, 0.4
    else:
        matrix = (0.08, 0.11, 0.44, top - 0.11)
        across, corner, side, under = 0.19, 0.645, 0.145, top
    _draw_matrix(figure.add_axes(matrix), wiring)
    drawn = _drawn(wiring)
    columns: dict[str, tuple[str, Sequence[np.ndarray | None]]] = {
        "indegree": ("presynaptic cells", [indegrees(wiring, c) for c in drawn]),
        "outdegree": (
            "postsynaptic cells",
            [outdegrees(wiring, c) for c in drawn],
        ),
        "weight": (
            _label("weight", wiring.units.get("syn_weight")),
            [c.weight for c in drawn],
        ),
        "delay": (_label("delay", wiring.units.get("delay")), [c.delay for c in drawn]),
    }
    labels = [f"{literal(c.source)} → {literal(c.target)}" for c in drawn]
    for k, (heading, (label, series)) in enumerate(columns.items()):
        low = _LOW / height + (1 - k // 2) * 0.5 * under
        high = 0.5 * under - (_LOW + 0.25) / height
        ax = figure.add_axes((corner + across * (k % 2), low, side, high))
        _draw_histograms(ax, series, labels if k == 0 else [])
        ax.set_title(heading)
        ax.set_xlabel(label)
    if title is not None:
        figure.suptitle(literal(title), x=0.015, ha="left", fontsize=10)
    strengthen(figure)
    return figure


def _drawn(wiring: Wiring) -> list[Connection]:
    """As many connections as can be told apart by colour."""
    return wiring.connections[: len(COLOURS)]


def _label(noun: str, unit: str | None) -> str:
    return f"{noun} ({pretty(unit)})" if unit else noun


def _pairs(wiring: Wiring, connection: Connection) -> tuple[np.ndarray, np.ndarray]:
    """Connected pairs of cells: their source and target, once each."""
    width = wiring.sizes[connection.source]
    keys = np.unique(connection.target_id * width + connection.source_id)
    return keys % width, keys // width


def indegrees(wiring: Wiring, connection: Connection) -> np.ndarray:
    """Numbers of presynaptic cells of each cell of the target, shape (N,)."""
    return np.bincount(_pairs(wiring, connection)[1], minlength=wiring.sizes[connection.target])


def outdegrees(wiring: Wiring, connection: Connection) -> np.ndarray:
    """Numbers of postsynaptic cells of each cell of the source, shape (N,)."""
    return np.bincount(_pairs(wiring, connection)[0], minlength=wiring.sizes[connection.source])


def synapse_matrix(wiring: Wiring, blocks: int = _BLOCKS) -> tuple[np.ndarray, np.ndarray]:
    """Synapses between blocks of cells, all populations one after the other.

    Parameters
    ----------
    wiring : Wiring
        The network.
    blocks : int
        Most blocks across.

    Returns
    -------
    matrix : ndarray, shape (B, B)
        Mean number of synapses of a pair of cells; a row is a block of postsynaptic cells.
    edges : ndarray, shape (B + 1,)
        Numbers of the first cell of each block.
    """
    starts = np.concatenate([[0], np.cumsum(list(wiring.sizes.values()))])
    first = dict(zip(wiring.sizes, starts, strict=False))
    total = int(starts[-1])
    # whole cells to a block: else some blocks would hold more of them than others
    step = -(-total // blocks)
    edges = np.minimum(np.arange(0, total + step, step), total).astype(float)
    matrix = np.zeros((len(edges) - 1, len(edges) - 1))
    for connection in wiring.connections:
        post = connection.target_id + first[connection.target] + 0.5
        pre = connection.source_id + first[connection.source] + 0.5
        matrix += np.histogram2d(post, pre, bins=(edges, edges))[0]
    sides = np.diff(edges)
    return matrix / np.outer(sides, sides), edges


def _draw_matrix(ax: Axes, wiring: Wiring) -> None:
    matrix, edges = synapse_matrix(wiring)
    mesh = ax.pcolormesh(edges, edges, matrix, cmap=palette().sequential, vmin=0.0, rasterized=True)
    ax.set_ylim(edges[-1], 0)
    ax.set_aspect("equal", anchor="NW")
    start = 0
    ticks, names = [], []
    for name, size in wiring.sizes.items():
        if start:
            ax.axhline(start, color=palette().colours[0], linewidth=0.5)
            ax.axvline(start, color=palette().colours[0], linewidth=0.5)
        ticks.append(start + 0.5 * size)
        names.append(f"{literal(name)} ({size})")
        start += size
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names, rotation=90, va="center")
    ax.tick_params(length=0)
    ax.set_xlabel("presynaptic cell")
    ax.set_ylabel("postsynaptic cell")
    ax.set_title("synapses of a pair")
    bar = ax.figure.colorbar(mesh, cax=ax.inset_axes((1.02, 0.0, 0.03, 1.0)))
    bar.outline.set_visible(False)
    total = sum(len(connection.source_id) for connection in wiring.connections)
    remark = f"{total} synapses"
    if edges[1] > 1:
        remark += f"; means over blocks of {edges[1]:.3g} cells"
    drawn = len(_drawn(wiring))
    if drawn < len(wiring.connections):
        remark += f"; right: {drawn} of {len(wiring.connections)} connections"
    add_note(ax, remark)


def _draw_histograms(ax: Axes, series: Sequence[np.ndarray | None], labels: Sequence[str]) -> None:
    """Outlines of one histogram a connection, each as high as one."""
    drawn = [values for values in series if values is not None and len(values)]
    if not drawn:
        ax.set_axis_off()
        return
    low, high = min(map(np.min, drawn)), max(map(np.max, drawn))
    # one value alone has a bar of some width
    span = (low, high) if high > low else (low - 0.5 * abs(low) - 0.5, high + 0.5 * abs(high) + 0.5)
    for k, values in enumerate(series):
        if values is None or not len(values):
            continue
        counts, edges = np.histogram(values, bins=_BINS, range=span)
        label = labels[k] if labels else None
        ax.stairs(
            counts / counts.max(),
            edges,
            color=palette().colours[k],
            linestyle=DASHES[k],
            linewidth=0.9,
            label=label,
        )
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=3)
    if labels:
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(-0.1, 1.0),
            bbox_transform=ax.transAxes
            + ScaledTranslation(0.0, _ABOVE_HEADING, ax.figure.dpi_scale_trans),
            ncols=len(labels),
            handlelength=1.0,
            columnspacing=0.9,
            borderpad=0,
        )
