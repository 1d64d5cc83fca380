"""Connections onto artificial cells, which take events as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.model import Connection
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.artificial import ArtificialCell
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.pairs import Pairs
from lfpcli.tasks.simulate.varied import Scope, values_of


@dataclass(frozen=True, kw_only=True)
class EventRows:
    """Connections onto artificial cells of this process, one row each.

    Attributes
    ----------
    cell, source : ndarray of int, shape (S,)
        Index of the cell among the artificial ones; number of the presynaptic cell or train.
    weight, delay : ndarray, shape (S,)
        In what the cell counts in; ms.
    """

    cell: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray

    @classmethod
    def joined(cls, parts: list[EventRows]) -> EventRows:
        """Put rows one after the other."""
        whole, nothing = np.zeros(0, np.int64), np.zeros(0)
        return cls(
            cell=np.concatenate([whole, *(part.cell for part in parts)]),
            source=np.concatenate([whole, *(part.source for part in parts)]),
            weight=np.concatenate([nothing, *(part.weight for part in parts)]),
            delay=np.concatenate([nothing, *(part.delay for part in parts)]),
        )


def draw_events(
    table: Connection,
    number: int,
    artificial: list[ArtificialCell],
    *,
    layout: Layout,
    seed: int,
    team: Team,
    dt: float,
) -> list[EventRows]:
    """Draw the connections of a table onto the artificial cells of this process; called on all.

    Parameters
    ----------
    table : Connection
        The table.
    number : int
        Its number, which keys its draws with the gid.
    artificial : list of ArtificialCell
        The artificial cells of this process.
    layout : Layout
        The populations.
    seed : int
        Seed of the run.
    team : Team
        The processes.
    dt : float
        Time step, ms, the least delay.

    Raises
    ------
    InputError
        Where a rule cannot be met, or a delay is shorter than the step.
    """
    pre, post = layout.gids(table.pre), layout.gids(table.post)
    targets = [(k, cell.gid) for k, cell in enumerate(artificial) if cell.gid in post]
    pairs = Pairs(
        table,
        number,
        pre=pre,
        post=post,
        seed=seed,
        wanted=np.array([gid - post.start for _, gid in targets], np.int64),
        team=team,
        node_ids=(layout.ids(table.pre), layout.ids(table.post)),
    )
    parts = []
    for k, gid in targets:
        rng = seeds.generator(seed, "connection", number, gid)
        sources = pairs.of(gid - post.start, rng)
        counts = table.count.draw_counts(rng, len(sources))
        rows = np.zeros(0, np.int64)
        if table.rule.has_rows:
            rows = np.repeat(pairs.rows_of(gid - post.start), counts)
        sources = np.repeat(sources, counts)
        scope = Scope(
            count=len(sources),
            rng=rng,
            rows=rows,
            table=None if pairs.table_of_pairs is None else pairs.table_of_pairs.columns,
            source_line=table.source_line,
        )
        part = EventRows(
            cell=np.full(len(sources), k, np.int64),
            source=sources + pre.start,
            weight=values_of(table.weight, scope),
            delay=values_of(table.delay, scope),
        )
        check_delays(table, part.delay, dt)
        parts.append(part)
    return parts


def check_delays(table: Connection, delays: np.ndarray, dt: float) -> None:
    """Raise `InputError` where delays (n,), ms, are shorter than the time step, ms."""
    if np.any(delays < dt):
        raise InputError(
            f"a delay of {delays.min():.4g} ms was drawn, shorter than the time step, {dt:g} ms",
            source=getattr(table.delay, "source_line", "") or table.source_line or None,
            remedy=f"give the delay min = {dt:g}, or more",
        )
