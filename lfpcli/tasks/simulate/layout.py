"""Who is where: gids of populations, and the ranks that cells live on."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.model import Model, Population
from lfpcli.tasks.simulate.edge_pairs import nodes_as_cells
from lfpcli.tasks.simulate.somata import positions_of
from lfpcli.tasks.simulate.sources import train_count, train_ids
from lfpcli.tasks.simulate.standing import standing_place


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """The kinds of the cells of a population.

    Attributes
    ----------
    names : tuple of str
        Names of the ``[cell.NAME]``.
    index : ndarray of int, shape (size,)
        The kind of each cell, by its place in `names`; -1 of a cell without segments.
    """

    names: tuple[str, ...]
    index: np.ndarray

    def of(self, index: int) -> str:
        """Name of the kind of a cell; empty of one without segments."""
        number = int(self.index[index])
        return self.names[number] if number >= 0 else ""

    def per_cell(self, values: Mapping[str, float]) -> np.ndarray:
        """What is given for each kind, for each cell, shape (size,), in its unit.

        It is 0 of cells without segments.
        """
        of_kinds = np.array([*(values[name] for name in self.names), 0.0])
        of_cells: np.ndarray = of_kinds[self.index]
        return of_cells


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
    kinds : dict of str to Kinds
        Kinds of the cells of each population that has some with segments.
    rotations : dict of str to ndarray (size, 3, 3)
        Rotation matrices about the somata of populations that files of nodes tell.
    node_ids : dict of str to ndarray (size,)
        By what files of edges know the cells or trains of a population, where not by their indices.
    """

    cells: dict[str, range] = field(default_factory=dict)
    trains: dict[str, range] = field(default_factory=dict)
    positions: dict[str, np.ndarray] = field(default_factory=dict)
    kinds: dict[str, Kinds] = field(default_factory=dict)
    rotations: dict[str, np.ndarray] = field(default_factory=dict)
    node_ids: dict[str, np.ndarray] = field(default_factory=dict)

    def kind(self, population: str, gid: int) -> str:
        """Name of the ``[cell.NAME]`` of a cell."""
        return self.kinds[population].of(gid - self.cells[population].start)

    def ids(self, population: str) -> np.ndarray:
        """Numbers, without unit, by which files of edges know cells or trains, shape (size,)."""
        if population in self.node_ids:
            return self.node_ids[population]
        return np.arange(len(self.gids(population)))

    @property
    def kind_names(self) -> set[str]:
        """Names of all kinds of cells."""
        names: set[str] = set()
        for kinds in self.kinds.values():
            names.update(kinds.names)
        return names

    def gids(self, population: str) -> range:
        """Numbers of the cells or trains of a population."""
        return self.cells[population] if population in self.cells else self.trains[population]

    def cell_name_of(self, gid: int) -> str:
        """Name of the ``[cell.NAME]`` of a cell."""
        population = next(name for name, gids in self.cells.items() if gid in gids)
        return self.kind(population, gid)

    @property
    def count(self) -> int:
        """Number of cells."""
        return sum(map(len, self.cells.values()))


def is_finished_by_code(model: Model, layout: Layout, population: str | None) -> bool:
    """Whether final code sees the synapses of some cells of a population, or of any for None."""
    finished = {name for name, spec in model.cells.items() if spec.final_code}
    for each, kinds in layout.kinds.items():
        if population in (None, each) and not finished.isdisjoint(kinds.names):
            return True
    return False


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
        elif population.nodes is not None:
            _add_nodes(layout, population, seed, first)
        elif population.has_cells:
            # populations before this one are obstacles for those that keep apart from them
            positions = positions_of(population, seed, layout.positions)
            size = population.size or 1 if positions is None else len(positions)
            layout.kinds[name] = kinds_of(population, size, seed)
            if positions is None:
                places = [standing_place(model.cells[each]) for each in layout.kinds[name].names]
                positions = np.array(places)[layout.kinds[name].index]
            layout.positions[name] = positions
            layout.cells[name] = range(first, first + size)
        else:
            count = train_count(population)
            layout.trains[name] = range(first, first + count)
            layout.node_ids[name] = train_ids(population, count)
            of_size = replace(population, size=count)
            positions = positions_of(of_size, seed, layout.positions)
            if positions is not None:
                layout.positions[name] = positions
        first = layout.gids(name).stop
    return layout


def _add_nodes(layout: Layout, population: Population, seed: int, first: int) -> None:
    """Add a population whose cells are the nodes of a file."""
    name = population.name
    nodes = nodes_as_cells(population)
    layout.positions[name] = nodes.positions
    layout.rotations[name] = nodes.rotations
    layout.node_ids[name] = nodes.node_ids
    layout.cells[name] = range(first, first + len(nodes.node_ids))
    layout.kinds[name] = kinds_of(population, len(nodes.node_ids), seed)
    if nodes.kinds is not None:
        names = population.cell_names
        index = np.array([names.index(cell_name) for cell_name in nodes.kinds], np.int64)
        layout.kinds[name] = Kinds(names=names, index=index)


def kinds_of(population: Population, size: int, seed: int) -> Kinds:
    """The kinds of the cells of a population, the same on all processes.

    Parameters
    ----------
    population : Population
        The population.
    size : int
        Number of its cells.
    seed : int
        Seed of the run, by which kinds with shares are drawn.
    """
    names = population.cell_names
    if isinstance(population.cell, dict):
        shares = np.array([population.cell[name] for name in names])
        rng = seeds.generator(seed, f"kind {population.name}")
        index = np.searchsorted(np.cumsum(shares) / shares.sum(), rng.random(size), side="right")
        return Kinds(names=names, index=index)
    # a list may name a kind more than once
    cycle = [population.cell] if isinstance(population.cell, str) else population.cell or ()
    numbers = np.array([names.index(name) for name in cycle], np.int64)
    return Kinds(names=names, index=numbers[np.arange(size) % len(numbers)])


def only_kind(layout: Layout, population: str) -> str:
    """Name of the kind of all cells of a population.

    Raises
    ------
    InputError
        Where it has several.
    """
    names = layout.kinds[population].names
    if len(names) > 1:
        raise InputError(
            f"population '{population}' has cells of several kinds: {', '.join(names)}",
            remedy="give each kind a population of its own here",
        )
    return names[0]


def prototypes(layout: Layout) -> dict[str, int]:
    """Gid of the first cell of each ``[cell.NAME]`` that has some."""
    gid_of: dict[str, int] = {}
    # artificial cells have no kind
    for name, kinds in layout.kinds.items():
        for number, cell_name in enumerate(kinds.names):
            members = np.flatnonzero(kinds.index == number)
            if len(members):
                gid_of.setdefault(cell_name, layout.cells[name].start + int(members[0]))
    return gid_of


def assign(
    costs: Mapping[str, float | np.ndarray],
    cells: Mapping[str, range],
    size: int,
    fixed: Mapping[int, int],
    *,
    lead: float = 0.0,
) -> dict[str, np.ndarray]:
    """Deal cells out to ranks so that all have about the same work.

    Costly cells go first, each to the rank with the least work so far (Graham 1969, SIAM J Appl
    Math 17:416).

    Parameters
    ----------
    costs : mapping of str to float or ndarray (cells,)
        Work of a cell of each population, or of each of its cells.
    cells : mapping of str to range
        Populations of cells with their gids.
    size : int
        Number of ranks.
    fixed : mapping of int to int
        Ranks of cells that have one already, by gid.
    lead : float
        Work that rank 0 has beside its cells.

    Returns
    -------
    dict of str to ndarray of int, shape (cells,)
        The rank of each cell of each population.
    """
    ranks = {name: np.zeros(len(gids), np.int64) for name, gids in cells.items()}
    if size == 1:
        return ranks
    load = [lead, *([0.0] * (size - 1))]
    todo: list[tuple[float, int, str]] = []
    for name, gids in cells.items():
        work_of = np.broadcast_to(costs[name], len(gids)).tolist()
        for gid, work in zip(gids, work_of, strict=True):
            if gid in fixed:
                # what was built to learn its size stays where it is, and counts
                ranks[name][gid - gids.start] = fixed[gid]
                load[fixed[gid]] += work
            else:
                todo.append((-work, gid, name))
    # ties go to the lowest rank, so that all processes come to the same
    heap = sorted((work, rank) for rank, work in enumerate(load))
    for negative, gid, name in sorted(todo):
        work, rank = heapq.heappop(heap)
        ranks[name][gid - cells[name].start] = rank
        heapq.heappush(heap, (work - negative, rank))
    return ranks
