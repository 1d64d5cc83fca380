"""The processes of a run: what rank 0 gets from all, with or without MPI."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from lfpcli.errors import LfpWarning
from lfpcli.runtime.mpi.job import launched
from lfpcli.runtime.neuron import nrn


class Team:
    """All ranks of a run; a single process is a team of one and needs no MPI.

    Parameters
    ----------
    alone : bool
        Whether this process is a team of its own, among others that it does not talk with.

    Attributes
    ----------
    rank, size : int
        Number of this process, and of all.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self.size = 1 if alone else launched()[0]
        if self.size > 1:
            # NEURON joins the team on all ranks at once, also where there will be no cells
            nrn()
        self.rank = self._world.Get_rank() if self.size > 1 else 0

    @cached_property
    def _world(self) -> Any:
        from mpi4py import MPI

        return MPI.COMM_WORLD

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which reads standard input, writes the file and talks."""
        return self.rank == 0

    @contextlib.contextmanager
    def pooled_warnings(self) -> Iterator[None]:
        """Give the warnings of all ranks on rank 0, each text once."""
        if self.size == 1:
            yield
            return
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LfpWarning)
            yield
        texts = [str(w.message) for w in caught if issubclass(w.category, LfpWarning)]
        # a dictionary keeps the order, as a set would not
        for text in dict.fromkeys(itertools.chain(*self.collect(texts))):
            warnings.warn(text, LfpWarning, stacklevel=3)

    def owns(self, rank: int) -> bool:
        """Whether this process has a rank."""
        return rank == self.rank

    def exchange(self, value: Any) -> list[Any]:
        """Return on all ranks what every rank gave, in the order of ranks."""
        return [value] if self.size == 1 else list(self._world.allgather(value))

    def add(self, values: np.ndarray) -> np.ndarray:
        """Return on rank 0 the sum over all ranks of arrays of one shape; on others the array."""
        if self.size == 1:
            return values
        total = np.empty_like(values) if self.leads else None
        self._world.Reduce(np.ascontiguousarray(values), total, root=0)
        return values if total is None else total

    def largest(self, values: np.ndarray) -> np.ndarray:
        """Return on all ranks the element-wise maximum of arrays of one shape."""
        if self.size == 1:
            return values
        result = np.empty_like(values)
        from mpi4py import MPI

        self._world.Allreduce(np.ascontiguousarray(values), result, op=MPI.MAX)
        return result

    def deal(self, values: list[Any]) -> list[Any]:
        """Give each rank its one of some values; return what all ranks gave this one."""
        return values if self.size == 1 else list(self._world.alltoall(values))

    def collect(self, value: Any) -> list[Any]:
        """Return on rank 0 what every rank gave, in the order of ranks; on others an empty list."""
        if self.size == 1:
            return [value]
        return self._world.gather(value, root=0) or []

    def share(self, value: Any) -> Any:
        """Return rank 0's value on all ranks."""
        return value if self.size == 1 else self._world.bcast(value, root=0)
