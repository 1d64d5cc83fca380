"""Cells of a model are dealt out to processes and made."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lfpcli.model import Model
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.tasks.simulate.estimate import cell_costs, lead_work
from lfpcli.tasks.simulate.layout import Layout, assign, prototypes

# cells that are spread over all, between which others follow, where not all are made
_SPREAD_CELLS = 32


@dataclass(frozen=True)
class FreshCells:
    """The cells of this process, and what the first cell of each kind tells.

    Attributes
    ----------
    cells : list of Cell
        The cells, by gid.
    segments_of_kind : mapping of str to int
        Segments of a cell of each kind, on all processes.
    reading : float
        Seconds of the processor that the first cells took here, which read files.
    """

    cells: list[Cell]
    segments_of_kind: Mapping[str, int] = field(default_factory=dict)
    reading: float = 0.0


def make_cells(
    model: Model,
    layout: Layout,
    factories: Mapping[str, CellFactory],
    *,
    team: Team,
    patience: float = math.inf,
) -> FreshCells:
    """Make the cells of this process.

    The first cell of each kind tells all processes how many segments its kind has.

    Parameters
    ----------
    model : Model
        The model.
    layout : Layout
        Its populations.
    factories : mapping of str to CellFactory
        What makes cells, by kind.
    team : Team
        The processes.
    patience : float
        Seconds of the processor after which no more cells are made; those until then are spread
        evenly over all.
    """
    first = prototypes(layout)
    # each kind is built once before cells are dealt out, as its segments are its work
    fixed = {gid: k % team.size for k, gid in enumerate(first.values())}
    cells = {}
    begin = time.process_time()
    for name, gid in first.items():
        if team.owns(fixed[gid]):
            cells[gid] = factories[name].make(gid)
    reading = time.process_time() - begin
    sizes: dict[int, int] = {}
    for sizes_of_rank in team.exchange({cell.gid: len(cell.segments) for cell in cells.values()}):
        sizes |= sizes_of_rank
    segments = {name: sizes[gid] for name, gid in first.items()}
    gids = _dealt(model, layout, segments, team=team, fixed=fixed)
    if patience < math.inf:
        stride = max(1, len(gids) // _SPREAD_CELLS)
        gids = np.concatenate([gids[k::stride] for k in range(stride)])
    begin = time.process_time()
    for gid in gids.tolist():
        if time.process_time() - begin > patience:
            break
        if gid not in cells:
            cells[gid] = factories[layout.cell_name_of(gid)].make(gid)
    return FreshCells([cells[gid] for gid in sorted(cells)], segments, reading)


def _dealt(
    model: Model,
    layout: Layout,
    segments: Mapping[str, int],
    *,
    team: Team,
    fixed: Mapping[int, int],
) -> np.ndarray:
    """Gids of the cells of this process."""
    costs = cell_costs(model, layout, segments)
    with_segments = {name: layout.cells[name] for name in layout.kinds}
    total = sum(int(kinds.per_cell(segments).sum()) for kinds in layout.kinds.values())
    ranks = assign(costs, with_segments, team.size, fixed, lead=lead_work(model, total))
    parts = [np.empty(0, np.int64)]
    for name, gids in with_segments.items():
        parts.append(gids.start + np.flatnonzero(ranks[name] == team.rank))
    return np.concatenate(parts)
