"""Which cells connect: the rules of connections, drawn per postsynaptic cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.io.npz import read_npy
from lfpcli.model import Connection

# pairs that are drawn at once
_BLOCK = 1 << 20


class Pairs:
    """The presynaptic cells of each postsynaptic cell of one connection table.

    What is drawn does not depend on the process that asks.

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
    wanted : ndarray of int
        Indices in the population of the postsynaptic cells that will be asked for.
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
    ) -> None:
        self.table = table
        self._pre, self._post = len(pre), len(post)
        self._same = pre == post and not table.self
        self._key = (seed, "connection", number)
        self._wanted = np.zeros(self._post, bool)
        self._wanted[wanted] = True
        listed = self._listed()
        if listed is not None:
            order = np.lexsort(listed.T)
            self._sources = listed[order, 0]
            ends = np.searchsorted(listed[order, 1], np.arange(self._post + 1))
            self._first = ends

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
        ndarray of int
        """
        rule = self.table.rule
        if rule.probability is not None:
            chosen = rng.random(self._pre) < rule.probability
        elif rule.all:
            chosen = np.ones(self._pre, bool)
        elif rule.indegree is not None:
            return self._some(rule.indegree, self._pre, index, rng)
        else:
            return self._sources[self._first[index] : self._first[index + 1]]
        if self._same:
            chosen[index] = False
        return np.flatnonzero(chosen)

    def _some(self, count: int, size: int, without: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` of `size` cells without replacement, never the cell itself."""
        among = size - self._same
        if count > among:
            raise InputError(
                f"{count} cells are to be drawn without replacement from {among}",
                source=self.table.rule.source_line,
                remedy="use a smaller number",
            )
        drawn = np.sort(rng.choice(among, count, replace=False, shuffle=False))
        return drawn + (drawn >= without) if self._same else drawn

    def _listed(self) -> np.ndarray | None:
        """Pairs (pre, post) of rules that are not drawn per postsynaptic cell."""
        rule = self.table.rule
        if rule.outdegree is not None:
            return self._outgoing(rule.outdegree)
        if rule.total is not None:
            return self._total(rule.total)
        if rule.pairs is not None:
            pairs = read_pairs(rule.pairs, (self._pre, self._post))
            return pairs[self._wanted[pairs[:, 1]]]
        return None

    def _outgoing(self, count: int) -> np.ndarray:
        blocks = [np.empty((0, 2), np.int64)]
        seed, purpose, number = self._key
        for index in range(self._pre):
            rng = seeds.generator(seed, f"{purpose} from", number, index)
            targets = self._some(count, self._post, index, rng)
            targets = targets[self._wanted[targets]]
            blocks.append(np.column_stack([np.full(len(targets), index), targets]))
        return np.concatenate(blocks)

    def _total(self, count: int) -> np.ndarray:
        seed, purpose, number = self._key
        rng = seeds.generator(seed, f"{purpose} total", number)
        if count and not self._pre * self._post - self._same * self._pre:
            raise InputError("there is no pair to draw", source=self.table.rule.source_line)
        blocks = [np.empty((0, 2), np.int64)]
        while count:
            block = min(count, _BLOCK)
            post = rng.integers(self._post, size=block)
            pre = rng.integers(self._pre - self._same, size=block)
            if self._same:
                # the cell itself is left out of those it may get a synapse from
                pre += pre >= post
            wanted = self._wanted[post]
            blocks.append(np.column_stack([pre[wanted], post[wanted]]))
            count -= block
        return np.concatenate(blocks)


def read_pairs(path: Path, sizes: tuple[int, int]) -> np.ndarray:
    """Read pairs of indices, one a row.

    Parameters
    ----------
    path : Path
        A .npy file, or text of two columns.
    sizes : (int, int)
        Sizes of the two populations.

    Returns
    -------
    ndarray of int, shape (n, 2)

    Raises
    ------
    InputError
        Where there are no such pairs in the file.
    """
    pairs = _read_table(path)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "fiu":
        raise InputError(
            f"has shape {pairs.shape}, expected (pairs, 2)",
            source=path,
            remedy="give the index in 'pre' and that in 'post', one pair a row",
        )
    whole = pairs.astype(np.int64, casting="unsafe") if np.all(np.isfinite(pairs)) else None
    if whole is None or np.any(whole != pairs):
        raise InputError("holds what is no whole number", source=path)
    for column, (name, size) in enumerate(zip(("pre", "post"), sizes, strict=True)):
        wrong = np.flatnonzero((whole[:, column] < 0) | (whole[:, column] >= size))
        if len(wrong):
            raise InputError(
                f"pair {wrong[0]} has index {whole[wrong[0], column]} in '{name}' of {size}",
                source=path,
                remedy=f"indices count from 0 to {size - 1}",
            )
    return whole


def _read_table(path: Path) -> np.ndarray:
    try:
        if path.suffix == ".npy":
            return read_npy(path)
        lines = path.read_text().splitlines()
        rows = [line.replace(",", " ") for line in lines if line.partition("#")[0].strip()]
        return np.loadtxt(rows, ndmin=2)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read as pairs: {error}",
            source=path,
            remedy="give the index in 'pre' and that in 'post', one pair a row",
        ) from error
