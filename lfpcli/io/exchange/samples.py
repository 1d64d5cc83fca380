"""Samples that pass from file to file in blocks, so that they need not fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.filters import resample

BLOCK_VALUES = 1 << 22
"""Numbers that are held at a time while samples pass from file to file."""


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
        except OSError as error:
            raise InputError(
                "samples cannot be read", source=self._name(), remedy="make the file again"
            ) from error
        values = np.asarray(block, dtype=float)
        if self._columns is not None:
            values = values[:, self._columns]
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

        The result lies in a temporary file where it is large, since a filter along time needs
        whole channels and a recording may not fit into memory.
        """
        samples, channels = self.shape
        width = max(1, BLOCK_VALUES // max(samples, 1))
        target: np.ndarray | None = None
        for first in range(0, channels, width):
            columns = np.arange(first, min(first + width, channels))
            part = resample(self.narrowed(None, columns).array(), dt, to_dt)
            if target is None:
                target = _room((len(part), channels))
            target[:, columns] = part
        return Samples(np.empty((0, channels)) if target is None else target)

    def _name(self) -> str:
        return str(getattr(self._source, "name", "samples"))


def _room(shape: tuple[int, int]) -> np.ndarray:
    """An array in memory, or in an unnamed temporary file where it is large."""
    if shape[0] * shape[1] <= 4 * BLOCK_VALUES:
        return np.empty(shape)
    # the file has no name any more and goes with the array
    with tempfile.TemporaryFile(prefix="lfp-") as file:
        return np.memmap(file, dtype=float, mode="w+", shape=shape)


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
