"""Datasets that grow along time while a recording is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import h5py
import numpy as np

from lfpcli.guarded.writing import check_written

Pull = Callable[[int, int], np.ndarray]


@cache
def without_cache() -> h5py.h5p.PropDAID:
    """Access of datasets whose chunks go to the file as they are written."""
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(0, 0, 1.0)
    return access


class Track:
    """A dataset (T, C) that grows along time.

    Only whole chunks are written, so that where they lie in the file does not depend on how many
    samples come at a time.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset, with `maxshape` (None, C).
    dt : float
        Its sampling interval, ms.
    """

    def __init__(self, dataset: h5py.Dataset, dt: float) -> None:
        self._dataset, self.dt = dataset, dt
        # asked for often, and a look into the file each time
        self._chunk_rows, self._dtype = int(dataset.chunks[0]), dataset.dtype
        self._pending: list[np.ndarray] = []
        self._written = self._rows = int(dataset.shape[0])
        self._in_step = False

    def __len__(self) -> int:
        return self._rows

    @property
    def dataset(self) -> h5py.Dataset:
        """The dataset."""
        return self._dataset

    def append(self, rows: np.ndarray) -> None:
        """Append samples.

        Parameters
        ----------
        rows : ndarray, shape (n, C)
            In the unit of the dataset.
        """
        if not len(rows):
            return
        # a copy: rows may be a view of memory that the run fills again
        stored = np.array(rows, dtype=self._dtype, order="C")
        self._pending.append(stored)
        # counted here too, as what waits for a whole chunk is part of the samples
        self._rows += len(stored)
        if not self._in_step:
            self.write_chunks()

    def keep_in_step(self) -> None:
        """Leave it to the writer when chunks are written."""
        self._in_step = True

    @property
    def ends(self) -> list[int]:
        """Numbers of samples at which the chunks end that can be written."""
        size = self._chunk_rows
        first = self._written // size + 1
        return [size * k for k in range(first, self._rows // size + 1)]

    def write_chunks(self) -> None:
        """Write all chunks that are whole."""
        if self.ends:
            self.write(self.ends[-1])

    def write(self, stop: int) -> None:
        """Write samples up to a number of them."""
        if stop <= self._written:
            return
        check_written(self.dataset.file)
        rows = self._unwritten(self._written, stop)
        dataset, size = self.dataset, self._chunk_rows
        dataset.resize(stop, axis=0)
        # the cache of chunks is off: each is written once, and takes its room in the file now
        for first in range(0, len(rows), size):
            last = min(first + size, len(rows))
            dataset[self._written + first : self._written + last] = rows[first:last]
        self._forget(stop)
        self._written = stop

    def finish(self) -> None:
        """Write what is left."""
        self.write(self._rows)

    def samples(self, first: int, last: int) -> np.ndarray:
        """Some samples, written or not.

        Returns
        -------
        ndarray, shape (last - first, C)
            In the unit of the dataset.
        """
        written = self.dataset[first : min(last, self._written)]
        start = max(first, self._written)
        if start >= last:
            return np.asarray(written)
        return np.concatenate([written, self._unwritten(start, last)])

    def _unwritten(self, first: int, last: int) -> np.ndarray:
        """Samples that are not in the dataset, shape (last - first, C)."""
        self._pending = [np.concatenate([self.dataset[:0], *self._pending])]
        return self._pending[0][first - self._written : last - self._written]

    def _forget(self, stop: int) -> None:
        """Forget what was written."""
        self._pending = [rows[stop - self._written :] for rows in self._pending]


class PulledTrack(Track):
    """A dataset (T, C) whose samples lie elsewhere until they are written.

    There may be one for each cell of a network, so that the dataset is open only while it is used:
    HDF5 takes some 30 kB for an open one.

    Parameters
    ----------
    dataset : h5py.Dataset
        As of a `Track`.
    dt : float
        Its sampling interval, ms.
    pull : callable
        Returns the samples from one number to another, (last - first, C) in the unit of the
        dataset; never anew what was written.
    """

    def __init__(self, dataset: h5py.Dataset, dt: float, pull: Pull) -> None:
        super().__init__(dataset, dt)
        self.pull = pull
        self._file, self._path = dataset.file, str(dataset.name)
        del self._dataset

    @property
    def dataset(self) -> h5py.Dataset:
        """The dataset, opened anew."""
        return h5py.Dataset(h5py.h5d.open(self._file.id, self._path.encode(), without_cache()))

    @property
    def written(self) -> int:
        """How many samples are in the dataset."""
        return self._written

    def advance(self, count: int) -> None:
        """Say that there are so many samples more."""
        self._rows += count

    def _unwritten(self, first: int, last: int) -> np.ndarray:
        return np.asarray(self.pull(first, last), dtype=self._dtype)

    def _forget(self, stop: int) -> None:
        """Nothing is kept here."""
