"""Samples that pass from file to file in blocks, so that they need not fit into memory."""

from __future__ import annotations

import math
import mmap
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.filters import resample
from lfpcli.guarded.survey import FAILURES

BLOCK_VALUES = 1 << 22
"""Numbers that are held at a time while samples pass from file to file."""

LARGEST_IN_MEMORY = 1 << 28
"""Bytes of samples that formats take whose libraries want them whole."""


class Samples:
    """Rows and columns of an array (T, C), read block by block.

    Parameters
    ----------
    source : array-like, shape (T, C)
        An ndarray or an HDF5 dataset.
    factor : float or ndarray, shape (C,)
        What every sample is multiplied by, one number or one a channel.
    rows : range, optional
        The rows that are taken, all by default.
    columns : ndarray of int, optional
        The columns that are taken, all by default.
    count : callable, optional
        Told the number of values that are read, each time.
    """

    def __init__(
        self,
        source: Any,
        *,
        factor: float | np.ndarray = 1.0,
        rows: range | None = None,
        columns: np.ndarray | None = None,
        count: Callable[[int], None] | None = None,
    ) -> None:
        self._source = source
        self._count = count
        self._factor = factor
        self._rows = range(source.shape[0]) if rows is None else rows
        self._columns = columns

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and of channels."""
        width = self._source.shape[1] if self._columns is None else len(self._columns)
        return len(self._rows), int(width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored numbers."""
        stored: np.dtype[Any] = self._source.dtype
        return stored

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples from one row up to another, shape (n, C), float64."""
        rows = self._rows[start:stop]
        if not len(rows):
            return np.empty((0, self.shape[1]))
        try:
            block = self._source[rows.start : rows.stop]
        except FAILURES as error:
            raise InputError(
                "samples cannot be read", source=self._name(), remedy="make the file again"
            ) from error
        values = np.asarray(block, dtype=float)
        if self._columns is not None:
            values = values[:, self._columns]
        if not np.all(np.isfinite(values)):
            row = int(rows.start + np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
            raise InputError(
                f"sample {row} is NaN or infinite",
                source=self._name(),
                remedy="make the file again, or take a part without it: --time, --channels",
            )
        if self._count is not None:
            self._count(values.size)
        # multiplying by 1 would copy for nothing
        plain = np.ndim(self._factor) == 0 and self._factor == 1.0
        return values if plain else values * self._factor

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first row of each block, and its samples (n, C)."""
        samples, channels = self.shape
        rows = max(1, BLOCK_VALUES // max(channels, 1))
        for start in range(0, samples, rows):
            yield start, self.read(start, min(start + rows, samples))

    def array(self) -> np.ndarray:
        """All samples, shape (T, C), float64, in memory; unit of the source times the factor."""
        return self.read(0, self.shape[0])

    def narrowed(self, rows: range | None, columns: np.ndarray | None) -> Samples:
        """Some rows (counted in these samples) and columns, shape (n,), of these samples."""
        chosen = self._rows if rows is None else self._rows[rows.start : rows.stop]
        factor = self._factor
        if columns is not None and np.ndim(factor):
            factor = np.asarray(factor)[columns]
        if columns is not None and self._columns is not None:
            columns = self._columns[columns]
        return Samples(
            self._source,
            factor=factor,
            rows=chosen,
            columns=self._columns if columns is None else columns,
            count=self._count,
        )

    def scaled(self, factor: float | np.ndarray) -> Samples:
        """These samples times a factor, or times one a channel, shape (C,)."""
        return Samples(
            self._source,
            factor=self._factor * factor,
            rows=self._rows,
            columns=self._columns,
            count=self._count,
        )

    def watched(self, count: Callable[[int], None]) -> Samples:
        """These samples, telling how many values are read each time."""
        return Samples(
            self._source,
            factor=self._factor,
            rows=self._rows,
            columns=self._columns,
            count=count,
        )

    def resampled(self, dt: float, to_dt: float) -> Samples:
        """These samples at another interval (ms), filtered against aliases; see `resample`.

        The result lies in a temporary file, since a filter along time needs whole channels and a
        recording may not fit into memory.
        """
        samples, channels = self.shape
        width = max(1, BLOCK_VALUES // max(samples, 1))
        target: _Spool | None = None
        for first in range(0, channels, width):
            columns = np.arange(first, min(first + width, channels))
            part = resample(self.narrowed(None, columns).array(), dt, to_dt)
            if target is None:
                target = _Spool((len(part), channels))
            target.write(columns, part)
        return Samples(np.empty((0, channels)) if target is None else target)

    def _name(self) -> str:
        # a checked dataset knows its file
        name = getattr(self._source, "name", "samples")
        return str(getattr(self._source, "source", name))


class _Spool:
    """An array (T, C) in an unnamed temporary file, of which little is in memory at a time.

    Parameters
    ----------
    shape : tuple of int
        (T, C).
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(float)
        # the file has no name any more and goes with the map
        with tempfile.TemporaryFile(prefix="lfp-") as file:
            file.truncate(max(shape[0] * shape[1] * self.dtype.itemsize, 1))
            self._map = mmap.mmap(file.fileno(), 0)
        self._values = np.frombuffer(self._map, dtype=float).reshape(shape)

    def __getitem__(self, rows: slice) -> np.ndarray:
        block: np.ndarray = self._values[rows].copy()
        self._drop()
        return block

    def write(self, columns: np.ndarray, values: np.ndarray) -> None:
        """Fill some columns (n,) with samples (T, n)."""
        self._values[:, columns] = values
        self._map.flush()
        self._drop()

    def _drop(self) -> None:
        """Leave the pages to the file, where the system knows how."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


class Turned:
    """A dataset (C, T) seen as (T, C); not in memory.

    Parameters
    ----------
    source : array-like, shape (C, T)
        An ndarray or a dataset.

    Attributes
    ----------
    shape : tuple of int
        (T, C).
    dtype : dtype
        Type of the stored numbers.
    name : str
        Its path, for messages.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self.shape = (int(source.shape[1]), int(source.shape[0]))
        self.dtype: np.dtype[Any] = source.dtype
        self.name = str(getattr(source, "source", getattr(source, "name", "samples")))

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.ascontiguousarray(np.asarray(self._source[:, rows]).T)


def check_size(samples: Sequence[Samples], format_name: str) -> None:
    """Raise `UsageError` where a format that is made in memory would take too much of it.

    Parameters
    ----------
    samples : sequence of Samples
        All that is to be in memory at once.
    format_name : str
        What to call the format.
    """
    size = 8 * sum(math.prod(each.shape) for each in samples)
    if size > LARGEST_IN_MEMORY:
        raise UsageError(
            f"{format_name} is made in memory, up to {LARGEST_IN_MEMORY >> 20} MB of samples, "
            f"these are {size / (1 << 20):.0f} MB",
            remedy="choose less with --signal, --time or --channels, or write .nwb, .nc or .npz",
        )


class SumOfCells:
    """Columns of a report in which each cell has all contacts, added over cells; not in memory.

    Parameters
    ----------
    source : array-like, shape (T, cells * contacts)
        An ndarray or a dataset.
    contacts : int
        Number of contacts.

    Attributes
    ----------
    shape : tuple of int
        Numbers of samples and contacts.
    dtype : dtype
        Type of the stored numbers.
    """

    def __init__(self, source: Any, contacts: int) -> None:
        self._source = source
        self.shape = (int(source.shape[0]), contacts)
        self.dtype: np.dtype[Any] = source.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        block = np.asarray(self._source[rows], dtype=float)
        total: np.ndarray = block.reshape(len(block), -1, self.shape[1]).sum(axis=1)
        return total
