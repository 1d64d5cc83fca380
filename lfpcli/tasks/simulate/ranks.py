"""How many processes a run gets, and what starts them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from lfpcli.errors import UsageError
from lfpcli.model import Model
from lfpcli.runtime.mpi.job import launched
from lfpcli.runtime.mpi.launch import REASON, Launch, cores, launch
from lfpcli.vocabulary import AUTO_RANKS


@dataclass(frozen=True)
class Ranks:
    """A number of processes.

    Attributes
    ----------
    count : int
        How many.
    reason : str
        Why so many, for the plan of a run.
    """

    count: int
    reason: str


def cell_count(model: Model) -> int | None:
    """Number of cells of a model, where its tables tell without a look into other files."""
    if model.circuit is not None or model.run.attach is not None:
        return None
    sizes = [p.size for p in model.resolved_populations().values() if p.has_cells]
    return None if None in sizes else sum(size or 0 for size in sizes)


def chosen_ranks(option: int | str, cells: int | None) -> Ranks:
    """Choose the number of processes.

    Parameters
    ----------
    option : int or "auto"
        What the user asks for.
    cells : int or None
        Number of cells of the model, where it is known.
    """
    if option != AUTO_RANKS:
        return Ranks(int(option), "as asked for")
    available = cores()
    if cells is not None and cells < available:
        return Ranks(max(cells, 1), f"one for each cell, of {available} cores")
    return Ranks(available, "one for each core")


def start_of(ranks: Ranks, arguments: Sequence[str]) -> Launch | None:
    """Return what starts this program on so many processes; None where it goes on as it is.

    Parameters
    ----------
    ranks : Ranks
        The number of processes.
    arguments : sequence of str
        Arguments of the program, with the option that asks for processes.

    Raises
    ------
    UsageError
        Where a launcher has started another number of processes.
    MissingDependencyError
        Where there is no launcher.
    """
    running, _ = launched()
    if running > 1:
        if running != ranks.count:
            raise UsageError(
                f"a launcher has started {running} processes, --ranks asks for {ranks.count}",
                remedy="leave --ranks out under a launcher",
            )
        return None
    if ranks.count == 1:
        os.environ[REASON] = ranks.reason
        return None
    return launch(ranks.count, _without_option(arguments), ranks.reason)


def ranks_notes(count: int) -> list[str]:
    """Say in the plan of a run why it has so many processes, where an option chose them."""
    reason = os.environ.get(REASON)
    return [] if reason is None else [f"ranks {count}: {reason}"]


def _without_option(arguments: Sequence[str]) -> list[str]:
    """Leave out ``--ranks N`` and ``--ranks=N``: the processes are told by the launcher."""
    kept = []
    skips = False
    for argument in arguments:
        if skips:
            skips = False
        elif argument == "--ranks":
            skips = True
        elif not argument.startswith("--ranks="):
            kept.append(argument)
    return kept
