"""Samples on their way from the simulator to the file, beside the run where there is a core for it.

A chunk is contracted in the background while the next one is computed; then the thread of the run,
to which MPI belongs, exchanges what other processes have made of the same chunk, and its result is
written in the background.
"""

from __future__ import annotations

from lfpcli.runtime.engine.background import Background
from lfpcli.runtime.engine.run import Chunk
from lfpcli.tasks.simulate.collect import Collection, Contracted


class Pipeline:
    """Takes the chunks of a run in their order; the same is called on all ranks.

    Parameters
    ----------
    collection : Collection
        What contracts and writes.
    background : Background
        Where it does so.
    """

    def __init__(self, collection: Collection, background: Background) -> None:
        self._collection, self._background = collection, background
        self._contracted: Contracted | None = None

    def take(self, chunk: Chunk) -> None:
        """Begin with a chunk; what is raised of it is raised at the next call."""
        gathered = self._gather()
        self._background.submit(self._work, chunk, gathered)

    def drain(self) -> None:
        """Write all that was taken."""
        gathered = self._gather()
        if gathered is not None:
            self._collection.write(gathered)

    def _gather(self) -> Contracted | None:
        """What all processes have made of the chunk before; None where there was none."""
        self._background.wait()
        contracted, self._contracted = self._contracted, None
        return None if contracted is None else self._collection.gather(contracted)

    def _work(self, chunk: Chunk, gathered: Contracted | None) -> None:
        # first what needs no interpreter, for which the simulator does not wait
        self._contracted = self._collection.contract(chunk)
        if gathered is not None:
            self._collection.write(gathered)
