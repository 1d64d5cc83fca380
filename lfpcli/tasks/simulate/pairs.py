"""Which cells connect: the rules of connections, drawn per postsynaptic cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError, located
from lfpcli.io.pair_table import PairTable, read_pair_table
from lfpcli.model import Connection, Expression
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate.edge_pairs import PLACE, EdgeColumns, edge_pairs


@dataclass(frozen=True)
class Places:
    """Where the somata of two populations are.

    Attributes
    ----------
    pre, post : ndarray, shape (n, 3)
        um.
    """

    pre: np.ndarray
    post: np.ndarray

    def variables(self, sources: np.ndarray, index: int) -> dict[str, np.ndarray]:
        """What an expression may name of pairs with a postsynaptic cell.

        Parameters
        ----------
        sources : ndarray of int, shape (n,)
            Indices of the presynaptic cells.
        index : int
            Index of the postsynaptic cell.

        Returns
        -------
        dict of str to ndarray (n,)
            d, x, y, z and r, um.
        """
        away = self.pre[sources] - self.post[index]
        variables = dict(zip("xyz", away.T, strict=True))
        variables |= {
            "d": np.linalg.norm(away, axis=1),
            "r": np.linalg.norm(away[:, :2], axis=1),
        }
        return variables

    def probabilities(self, expression: Expression, index: int, source_line: str) -> np.ndarray:
        """Chances of pairs with a postsynaptic cell, shape (pre,).

        Parameters
        ----------
        expression : Expression
            Chance of a pair by where the presynaptic soma is from the postsynaptic one, um.
        index : int
            Index of the postsynaptic cell.
        source_line : str
            Where the expression is written, for messages.

        Raises
        ------
        InputError
            Where a value is not finite, or not from 0 to 1.
        """
        variables = self.variables(np.arange(len(self.pre)), index)
        distance = variables["d"]
        with located(source_line):
            chances = expression.evaluate(variables)
        wrong = np.flatnonzero((chances < 0) | (chances > 1))
        if len(wrong):
            raise InputError(
                f"probability is {chances[wrong[0]]:.4g} at a distance of "
                f"{distance[wrong[0]]:.4g} um",
                source=source_line,
                remedy="use min(1, ...) and max(0, ...) around it",
            )
        return chances


def places_of(table: Connection, positions: Mapping[str, np.ndarray]) -> Places | None:
    """Where the somata of both populations of a connection are; None where trains have no places.

    Parameters
    ----------
    table : Connection
        The connection.
    positions : mapping of str to ndarray (n, 3)
        Places of the somata of the populations of cells, um.
    """
    if table.pre not in positions or table.post not in positions:
        return None
    return Places(positions[table.pre], positions[table.post])


class Pairs:
    """The presynaptic cells of each postsynaptic cell of one connection table.

    What is drawn does not depend on the process that asks, and each process draws little more
    than what its own cells get.

    Parameters
    ----------
    table : Connection
        The table.
    number : int
        Its number in the model.
    pre, post : range
        Numbers of the cells or trains of both populations.
    seed : int
        Seed of the run.
    wanted : ndarray of int, shape (n,)
        Indices in the population of the postsynaptic cells that will be asked for.
    team : Team, optional
        The processes, all of which make this at the same time; a single one by default.
    places : Places, optional
        Where the somata are, which a probability by distance asks for.
    node_ids : (ndarray, ndarray), optional
        By what edges of files know the cells of both populations; by default their indices.

    Attributes
    ----------
    table_of_pairs : PairTable or None
        The table of a rule of pairs, with its further columns.

    Raises
    ------
    InputError
        Where a rule cannot be met, or cells whose distance counts have no places.
    """

    def __init__(
        self,
        table: Connection,
        number: int,
        *,
        pre: range,
        post: range,
        seed: int,
        wanted: np.ndarray,
        team: Team | None = None,
        places: Places | None = None,
        node_ids: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.table = table
        self._pre, self._post = len(pre), len(post)
        self._same = pre == post and not table.self
        self._seed, self._number = seed, number
        self._team = team or Team()
        self._wanted = np.sort(wanted)
        rule = table.rule
        self._places = places
        self.table_of_pairs: PairTable | None = None
        if isinstance(rule.probability, Expression) and places is None:
            raise InputError(
                f"a probability by distance needs cells, '{table.pre}' has none",
                source=rule.source_line,
                remedy="give a number, or pairs",
            )
        if rule.one_to_one:
            self._check_partners()
        if rule.outdegree is not None:
            self._list(self._outgoing(rule.outdegree))
        elif rule.pairs is not None:
            self.table_of_pairs = read_pair_table(rule.pairs, (self._pre, self._post))
            pairs = self.table_of_pairs.pairs
            here = np.flatnonzero(np.isin(pairs[:, 1], self._wanted))
            self._list(pairs[here], here)
        elif rule.edges_table is not None:
            ids = node_ids or (np.arange(self._pre), np.arange(self._post))
            self.table_of_pairs = edge_pairs(rule.edges_table, *ids, wanted=self._wanted)
            self._list(self.table_of_pairs.pairs)
        elif rule.total is not None:
            self._counts = self._shares(rule.total)

    def _list(self, pairs: np.ndarray, numbers: np.ndarray | None = None) -> None:
        """Sort pairs (pre, post) of cells that will be asked for, with their rows in a table."""
        order = np.lexsort(pairs.T)
        self._sources = pairs[order, 0]
        self._numbers = order if numbers is None else numbers[order]
        # pairs are sorted by their post: those of a cell lie side by side
        self._first = np.searchsorted(pairs[order, 1], np.arange(self._post + 1))

    def of(self, index: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of the cells that connect to a cell, ascending.

        Parameters
        ----------
        index : int
            Index of the postsynaptic cell in its population.
        rng : numpy.random.Generator
            Its source of randomness.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        rule = self.table.rule
        if rule.indegree is not None and rule.replace:
            self._check_enough(min(rule.indegree, 1), self._pre - self._same)
            return self._any(rule.indegree, index, rng)
        if rule.indegree is not None:
            return self._some(rule.indegree, self._pre, index, rng)
        if rule.total is not None:
            return self._any(self._counts[index], index, rng)
        if rule.outdegree is not None or rule.has_rows:
            sources: np.ndarray = self._sources[self._first[index] : self._first[index + 1]]
            return sources
        if rule.one_to_one:
            return np.array([index], np.int64)
        chosen = np.ones(self._pre, bool)
        if rule.probability is not None:
            chosen = rng.random(self._pre) < self._probability(index)
        if self._same:
            chosen[index] = False
        return np.flatnonzero(chosen)

    def rows_of(self, index: int) -> np.ndarray:
        """Rows of the table of pairs that `of` returns the sources of, shape (n,) int."""
        rows: np.ndarray = self._numbers[self._first[index] : self._first[index + 1]]
        return rows

    @property
    def place_column(self) -> str | None:
        """Column of the table of pairs that tells the places of synapses, if one does."""
        columns = None if self.table_of_pairs is None else self.table_of_pairs.columns
        if isinstance(columns, EdgeColumns) and "location" not in self.table.stated:
            return PLACE if columns.has_places else None
        return self.table.location.column

    def with_replacement(self, count: int, index: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of cells drawn with replacement, shape (count,), never that of the cell."""
        self._check_enough(min(count, 1), self._pre - self._same)
        return self._any(count, index, rng)

    def _probability(self, index: int) -> float | np.ndarray:
        """Chance of a pair, of all or of each presynaptic cell, shape (pre,)."""
        probability = self.table.rule.probability
        if not isinstance(probability, Expression):
            return float(probability or 0.0)
        assert self._places is not None
        return self._places.probabilities(probability, index, self.table.rule.source_line)

    def _some(self, count: int, size: int, without: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` of `size` cells without replacement, never the cell itself."""
        among = size - self._same
        self._check_enough(count, among)
        drawn = np.sort(rng.choice(among, count, replace=False, shuffle=False))
        # the cell itself is left out of the numbers, which close up behind it
        return drawn + (drawn >= without) if self._same else drawn

    def _check_partners(self) -> None:
        source = self.table.rule.source_line
        if self._pre != self._post:
            raise InputError(
                f"'{self.table.pre}' has {self._pre} members and '{self.table.post}' {self._post}",
                source=source,
                remedy="give both the same size, or rule = {pairs = FILE}",
            )
        if self._same:
            raise InputError(
                "one_to_one would connect each cell to itself", source=source, remedy="use another"
            )

    def _check_enough(self, count: int, among: int) -> None:
        if count > among:
            raise InputError(
                f"{count} cells are to be drawn without replacement from {among}",
                source=self.table.rule.source_line,
                remedy="use a smaller number",
            )

    def _any(self, count: int, index: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` presynaptic cells with replacement, never the cell itself."""
        drawn = np.sort(rng.integers(self._pre - self._same, size=count))
        return drawn + (drawn >= index) if self._same else drawn

    def _outgoing(self, count: int) -> np.ndarray:
        """Pairs of cells that each connect to `count` others.

        Each process draws for its share of the presynaptic cells, and hands the pairs to those
        that have the postsynaptic ones.
        """
        # before processes wait for each other
        self._check_enough(count, self._post - self._same)
        team = self._team
        streams = seeds.StreamTable(self._seed, "connection from", self._number)
        blocks = [np.empty((0, 2), np.int64)]
        # each process draws the targets of some sources, and deals them to where the targets are
        for index in range(team.rank, self._pre, team.size):
            targets = self._some(count, self._post, index, streams.at(index, 0))
            blocks.append(np.column_stack([np.full(count, index), targets]))
        pairs = np.concatenate(blocks)
        owner = np.full(self._post, -1)
        for rank, indices in enumerate(team.exchange(self._wanted)):
            owner[indices] = rank
        owner_of_pair = owner[pairs[:, 1]]
        parts = [pairs[owner_of_pair == rank] for rank in range(team.size)]
        return np.concatenate(team.deal(parts))

    def _shares(self, total: int) -> dict[int, int]:
        """How many of `total` pairs, drawn with replacement, the cells of this process get.

        The population is halved again and again, and the number of pairs dealt out by binomial
        draws keyed by the halves, so that a process follows its own cells alone.
        """
        if total and not self._pre - self._same:
            raise InputError(
                "there is no pair to draw",
                source=self.table.rule.source_line,
                remedy="use larger populations, or a total of 0",
            )
        streams = seeds.StreamTable(self._seed, "connection total", self._number)
        counts: dict[int, int] = {}
        # a binomial draw at each halving, keyed by the interval, so that a process needs those on
        # the way to its own cells alone and all agree on the counts
        halves = [(0, self._post, total)]
        while halves:
            first, last, count = halves.pop()
            inside = np.searchsorted(self._wanted, (first, last))
            if inside[0] == inside[1]:
                continue
            if last - first == 1:
                counts[first] = count
                continue
            middle = (first + last) // 2
            share = (middle - first) / (last - first)
            lower = int(streams.at(first, last).binomial(count, share))
            halves += [(first, middle, lower), (middle, last, count - lower)]
        return counts
