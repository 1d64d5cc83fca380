"""Who is where: gids of populations, and the ranks that cells live on."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lfpcli.model import Model
from lfpcli.tasks.simulate.somata import positions_of
from lfpcli.tasks.simulate.sources import train_count


@dataclass
class Layout:
    """Populations with their numbers, the same on all processes.

    Attributes
    ----------
    cells : dict of str to range
        Populations of cells with their gids.
    trains : dict of str to range
        Populations of spike trains with their gids.
    positions : dict of str to ndarray (size, 3)
        Places of the somata, um.
    cell_names : dict of str to str
        Name of the ``[cell.NAME]`` of each population of cells.
    """

    cells: dict[str, range] = field(default_factory=dict)
    trains: dict[str, range] = field(default_factory=dict)
    positions: dict[str, np.ndarray] = field(default_factory=dict)
    cell_names: dict[str, str] = field(default_factory=dict)

    def gids(self, population: str) -> range:
        """Numbers of the cells or trains of a population."""
        return self.cells[population] if population in self.cells else self.trains[population]

    def cell_name_of(self, gid: int) -> str:
        """Name of the ``[cell.NAME]`` of a cell."""
        population = next(name for name, gids in self.cells.items() if gid in gids)
        return self.cell_names[population]

    @property
    def count(self) -> int:
        """Number of cells."""
        return sum(map(len, self.cells.values()))


def lay_out(model: Model, seed: int) -> Layout:
    """Number the cells and trains of a model, and place the somata.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        Seed of the run.
    """
    layout = Layout()
    first = 0
    for name, population in model.resolved_populations().items():
        if population.artificial is not None:
            layout.cells[name] = range(first, first + (population.size or 1))
        elif population.has_cells:
            cell_name = str(population.cell)
            layout.cell_names[name] = cell_name
            # populations before this one are obstacles for those that keep apart from them
            layout.positions[name] = positions_of(
                population, model.cells[cell_name], seed, layout.positions
            )
            layout.cells[name] = range(first, first + len(layout.positions[name]))
        else:
            layout.trains[name] = range(first, first + train_count(population))
        first = layout.gids(name).stop
    return layout


def prototypes(layout: Layout) -> dict[str, int]:
    """Gid of the first cell of each ``[cell.NAME]``."""
    gid_of: dict[str, int] = {}
    for name, gids in layout.cells.items():
        # artificial cells have no segments
        if len(gids) and name in layout.cell_names:
            gid_of.setdefault(layout.cell_names[name], gids.start)
    return gid_of


def assign(
    costs: Mapping[str, float], cells: Mapping[str, range], size: int, fixed: Mapping[int, int]
) -> dict[str, np.ndarray]:
    """Deal cells out to ranks so that all have about the same work.

    Costly cells go first, each to the rank with the least work so far (Graham 1969, SIAM J Appl
    Math 17:416).

    Parameters
    ----------
    costs : mapping of str to float
        Work of a cell of each population.
    cells : mapping of str to range
        Populations of cells with their gids.
    size : int
        Number of ranks.
    fixed : mapping of int to int
        Ranks of cells that have one already, by gid.

    Returns
    -------
    dict of str to ndarray of int, shape (cells,)
        The rank of each cell of each population.
    """
    ranks = {name: np.zeros(len(gids), np.int64) for name, gids in cells.items()}
    if size == 1:
        return ranks
    load = [0.0] * size
    for name, gids in cells.items():
        # what was built to learn its size stays where it is, and counts
        for gid in (gid for gid in fixed if gid in gids):
            ranks[name][gid - gids.start] = fixed[gid]
            load[fixed[gid]] += costs[name]
    # ties go to the lowest rank, so that all processes come to the same
    heap = sorted((work, rank) for rank, work in enumerate(load))
    for name in _by_cost(costs, cells):
        for gid in cells[name]:
            if gid in fixed:
                continue
            work, rank = heapq.heappop(heap)
            ranks[name][gid - cells[name].start] = rank
            heapq.heappush(heap, (work + costs[name], rank))
    return ranks


def _by_cost(costs: Mapping[str, float], cells: Mapping[str, range]) -> Sequence[str]:
    return sorted(cells, key=lambda name: (-costs[name], cells[name].start))
