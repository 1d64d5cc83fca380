"""What connections are in the mean: synapses a pair, delays, places."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.pair_table import read_pair_table
from lfpcli.model import Connection, Expression
from lfpcli.model.distribution import Distribution
from lfpcli.model.varied import Column


def synapses_per_pair(table: Connection, pre: int, post: int) -> float:
    """Mean number of synapses from one cell of a population to one of another.

    Parameters
    ----------
    table : Connection
        The rule.
    pre, post : int
        Sizes of the populations.

    Raises
    ------
    InputError
        Where the chance of a pair depends on its distance.
    """
    rule = table.rule
    same = table.pre == table.post and not table.self
    if isinstance(rule.probability, Expression):
        raise InputError(
            "a probability by distance has no one mean for all pairs",
            source=rule.source_line,
            remedy="give a number for kernels",
        )
    if table.is_gap:
        raise InputError(
            "kernels know no gap junctions", source=table.source_line, remedy="leave it out"
        )
    if rule.probability is not None:
        pairs = rule.probability * (pre - same) / pre
    elif rule.indegree is not None:
        pairs = rule.indegree / pre
    elif rule.outdegree is not None:
        pairs = rule.outdegree / post
    elif rule.total is not None:
        pairs = rule.total / (pre * post)
    elif rule.one_to_one:
        pairs = 1.0 / pre
    elif rule.density is not None:
        raise InputError(
            "kernels do not know synapses by membrane area",
            source=table.source_line,
            remedy="give rule.indegree with replace = true",
        )
    elif rule.edges is not None:
        raise InputError(
            "kernels do not read edges of files",
            source=table.source_line,
            remedy="give rule.pairs or rule.probability",
        )
    elif rule.pairs is not None:
        pairs = len(read_pair_table(rule.pairs, (pre, post)).pairs) / (pre * post)
    else:
        pairs = (pre - same) / pre
    return pairs * table.count.mean_count


def synapses_at_once(table: Connection, pre: int, post: int) -> int:
    """Synapses, at least 1, by which one spike reaches a cell that it reaches at all.

    Parameters
    ----------
    table : Connection
        The rule.
    pre, post : int
        Sizes of the populations.
    """
    synapses = table.count.mean_count
    # with many connections a pair, a spike comes by all of them
    return max(round(synapses), round(synapses_per_pair(table, pre, post)), 1)


def spread_places(shares: np.ndarray, count: int, part: float) -> np.ndarray:
    """Segments of synapses, spread evenly over their chances.

    Parameters
    ----------
    shares : ndarray, shape (N,)
        Chance of each segment; they add to 1.
    count : int
        Number of synapses.
    part : float
        Between 0 and 1: where in its even part of the chances each lies.

    Returns
    -------
    ndarray of int, shape (count,)
    """
    cumulated = np.cumsum(shares)
    chances = (np.arange(count) + part) / count * cumulated[-1]
    return np.asarray(np.searchsorted(cumulated, chances, side="right"))


def delay_weights(delay: Distribution | Expression | Column, dt: float) -> np.ndarray:
    """Chances of delays at multiples of a step, linear between them.

    Parameters
    ----------
    delay : Distribution
        ms.
    dt : float
        Step, ms.

    Returns
    -------
    ndarray, shape (n,)
        Chance of the delay k dt; they add to 1, and their mean is that of the delay.
    """
    if not isinstance(delay, Distribution):
        raise InputError(
            "a delay that differs from pair to pair has no one distribution",
            remedy="give a number or a distribution for kernels",
        )
    if delay.value is not None:
        whole, rest = divmod(delay.value / dt, 1.0)
        weights = np.zeros(int(whole) + 2)
        weights[int(whole)], weights[int(whole) + 1] = 1.0 - rest, rest
        return weights
    low, high = delay.support()
    reach = min(high, delay.mean + 40.0 * max(delay.mean, dt))
    # fine steps, each shared by the two multiples about it
    fine = dt / 16.0
    values = np.arange(max(low, 0.0) + fine / 2, reach, fine)
    chances = delay.density(values)
    total = chances.sum()
    if not total > 0:
        return delay_weights(Distribution.constant(delay.mean), dt)
    chances = chances / total
    places = values / dt
    first = places.astype(np.int64)
    weights = np.zeros(int(first.max()) + 2)
    np.add.at(weights, first, chances * (1.0 - (places - first)))
    np.add.at(weights, first + 1, chances * (places - first))
    last = np.flatnonzero(weights > 1e-12 * weights.max())[-1]
    return np.asarray(weights[: last + 1] / weights[: last + 1].sum())
