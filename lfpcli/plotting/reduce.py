"""Long recordings brought down to what a figure can show, without holding them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError

_BLOCK_BYTES = 1 << 24
# what the arithmetic of axes still has room for
_LARGEST = 1e100


def rows_in(
    count: int, dt: float, t_start: float, time: tuple[float, float] | None
) -> tuple[int, int]:
    """First row and row past the last whose times, ``t_start + k dt``, lie in `time`.

    Raises
    ------
    UsageError
        Where none does.
    """
    if time is None:
        return 0, count
    slack = 1e-6
    first = int(np.ceil(np.clip((time[0] - t_start) / dt - slack, 0, count)))
    last = int(np.floor(np.clip((time[1] - t_start) / dt + slack, -1, count - 1)))
    if last < first:
        end = t_start + dt * (count - 1)
        raise UsageError(
            f"no sample lies between {time[0]:g} and {time[1]:g} ms",
            remedy=f"there are samples from {t_start:g} to {end:g} ms",
        )
    return first, last + 1


def envelope(
    data: Any,
    rows: tuple[int, int],
    columns: np.ndarray,
    *,
    points: int = 1500,
    source: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each of `points` stretches, so that no spike is lost.

    Parameters
    ----------
    data : array-like, shape (T, C)
        The samples; read in blocks.
    rows : tuple of two ints
        First row and row past the last.
    columns : ndarray of int, shape (K,)
        Columns to take.
    points : int
        Number of stretches; where there are no more samples than twice that, they come as they are.
    source : str
        What to call the data in errors.

    Returns
    -------
    index : ndarray, shape (M,)
        Rows that the values stand at; not whole where they were drawn together.
    values : ndarray, shape (M, K)
        The values.
    """
    step = _step(rows, 2 * points, points)
    if step == 1:
        blocks = list(_blocks(data, rows, columns, step=1, source=source))
        values = np.concatenate(blocks) if blocks else np.empty((0, len(columns)))
        return np.arange(rows[0], rows[0] + len(values), dtype=float), values
    low, high = _stretches(data, rows, columns, (np.min, np.max), step=step, source=source)
    values = np.stack([low, high], axis=1).reshape(-1, len(columns))
    start = rows[0] + step * np.arange(len(low))
    index = np.stack([start + 0.25 * step, start + 0.75 * step], axis=1).reshape(-1)
    # the axis of time ends where the samples do
    index[0], index[-1] = rows[0], rows[1] - 1
    return index, values


def extremes(
    data: Any,
    rows: tuple[int, int],
    columns: np.ndarray,
    *,
    points: int = 900,
    source: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """Value of largest magnitude in each of at most `points` stretches; see `envelope`.

    Returns
    -------
    edges : ndarray, shape (M + 1,)
        Rows where the stretches begin and end, less one half: the samples lie in the middle.
    values : ndarray, shape (M, K)
        The values, with their signs.
    """
    step = _step(rows, points, points)
    low, high = extrema(data, rows, columns, points=points, source=source)
    edges = np.minimum(rows[0] + step * np.arange(len(low) + 1), rows[1]) - 0.5
    return edges, np.where(-low > high, low, high)


def extrema(
    data: Any,
    rows: tuple[int, int],
    columns: np.ndarray,
    *,
    points: int,
    source: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value in each of at most `points` stretches; see `envelope`.

    Returns
    -------
    low, high : ndarray, shape (M, K)
        In the unit of the data.
    """
    step = _step(rows, points, points)
    low, high = _stretches(data, rows, columns, (np.min, np.max), step=step, source=source)
    return low, high


def _step(rows: tuple[int, int], enough: int, points: int) -> int:
    count = rows[1] - rows[0]
    return 1 if count <= enough else -(-count // points)


def _stretches(
    data: Any,
    rows: tuple[int, int],
    columns: np.ndarray,
    functions: tuple[Callable[..., np.ndarray], ...],
    *,
    step: int,
    source: str,
) -> list[np.ndarray]:
    """What each function makes of each stretch of `step` rows; the last may be shorter."""
    reduced: list[list[np.ndarray]] = [[] for _ in functions]
    # taking most of the columns out of each block costs more than reducing the others too
    width = int(data.shape[1])
    after = 2 * len(columns) >= width
    taken = np.arange(width) if after else columns
    for block in _blocks(data, rows, taken, step=step, source=source):
        whole = len(block) // step * step
        parts = [block[:whole].reshape(whole // step, step, len(taken))] if whole else []
        if whole < len(block):
            parts.append(block[None, whole:])
        for series, function in zip(reduced, functions, strict=True):
            series.extend(function(part, axis=1) for part in parts)
    nothing = np.empty((0, len(taken)))
    joined = [np.concatenate([nothing, *series]) for series in reduced]
    return [series[:, columns] for series in joined] if after else joined


def _blocks(
    data: Any, rows: tuple[int, int], columns: np.ndarray, *, step: int, source: str
) -> Iterator[np.ndarray]:
    """Yield the rows in blocks; all but the last have a multiple of `step` rows."""
    width = max(int(data.shape[1]), 1)
    size = max(_BLOCK_BYTES // (8 * width) // step, 1) * step
    for start in range(rows[0], rows[1], size):
        try:
            block = np.asarray(data[start : min(start + size, rows[1])], dtype=float)
        except OSError as error:
            raise InputError(
                "samples cannot be read",
                source=source,
                remedy="make it again, or get it again from where it came",
            ) from error
        if len(columns) < data.shape[1] or np.any(np.diff(columns) != 1):
            block = block[:, columns]
        if not np.isfinite(block).all():
            raise InputError(
                "holds NaN or infinity", source=source, remedy="see what lfp check says of the file"
            )
        if np.abs(block).max(initial=0.0) > _LARGEST:
            raise InputError(
                f"holds values beyond {_LARGEST:g}",
                source=source,
                remedy="see what lfp check says of the file",
            )
        yield block
