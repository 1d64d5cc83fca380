"""Whether two arrays, or two texts of numbers, are the same, and where and how far they are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart: ``|a - b| <= atol + rtol * scale``.

    Attributes
    ----------
    rtol, atol : float
        Relative and absolute tolerance; the latter in the unit of the data.
    relative_to : {'peak', 'value'}
        The scale: the largest absolute value of the dataset (in text: of the column) in either
        file, or the larger absolute value of the two numbers.
    exact : bool
        Compare bits instead, types included: 0.0 and -0.0 differ, equal NaNs do not.
    """

    rtol: float = 1e-9
    atol: float = 0.0
    relative_to: str = "peak"
    exact: bool = False


@dataclass
class Difference:
    """A part in which two files differ.

    Attributes
    ----------
    path : str
        The part: a dataset, ``dataset@attribute``, or a line of text.
    aspect : {'only in A', 'only in B', 'kind', 'type', 'shape', 'number', 'values'}
        How they differ.
    a, b : object
        The two values at the first place, or the two types or shapes.
    index : tuple of int, optional
        The first place.
    count, size : int
        How many values differ, of how many.
    largest, relative : float, optional
        Largest absolute difference, and what it is of the peak of the dataset.
    largest_index : tuple of int, optional
        Where that is.
    """

    path: str
    aspect: str
    a: Any = None
    b: Any = None
    index: tuple[int, ...] | None = None
    count: int = 0
    size: int = 0
    largest: float | None = None
    relative: float | None = None
    largest_index: tuple[int, ...] | None = None

    def __str__(self) -> str:
        if self.aspect.startswith("only"):
            return f"{self.path}: {self.aspect}"
        if self.aspect != "values":
            return f"{self.path}: {self.aspect} {self.a} in A, {self.b} in B"
        position = f" at {list(self.index)}" if self.index else ""
        text = f"{self.path}: "
        if self.size > 1:
            text += f"{self.count} of {self.size} differ; first{position}: "
        text += f"{self.a} in A, {self.b} in B"
        if self.largest is not None and self.size == 1:
            text += f"; difference {self.largest:.3g}"
        elif self.largest is not None:
            far = f" at {list(self.largest_index)}" if self.largest_index else ""
            text += f"; largest difference {self.largest:.3g}{far}"
            text += f", {self.relative:.3g} of the peak" if self.relative is not None else ""
        return text


def compare_arrays(path: str, a: Any, b: Any, tolerance: Tolerance) -> list[Difference]:
    """Compare two arrays or datasets, in blocks of rows."""
    if a.shape != b.shape:
        return [Difference(path, "shape", _shape(a.shape), _shape(b.shape))]
    if a.dtype.names or b.dtype.names:
        return _compare_fields(path, a, b, tolerance)
    numeric = a.dtype.kind in "biufc" and b.dtype.kind in "biufc"
    # texts of other lengths are other types, which only an exact comparison minds
    strict = tolerance.exact or not numeric
    # single and double precision may hold the same numbers, truth values are none
    if a.dtype != b.dtype and (strict or "b" in (a.dtype.kind, b.dtype.kind)):
        return [Difference(path, "type", a.dtype, b.dtype)]
    if a.shape is None or 0 in a.shape:
        return []
    difference = _compare_values(path, a, b, tolerance, numeric=numeric)
    return [difference] if difference else []


def _shape(shape: Sequence[int] | None) -> str:
    return "empty" if shape is None else str(list(shape))


def _compare_fields(path: str, a: Any, b: Any, tolerance: Tolerance) -> list[Difference]:
    if a.dtype.names != b.dtype.names:
        return [Difference(path, "type", a.dtype, b.dtype)]
    whole_a, whole_b = np.asarray(a[()]), np.asarray(b[()])
    differences = []
    for name in a.dtype.names:
        field = f"{path}.{name}"
        differences += compare_arrays(field, whole_a[name], whole_b[name], tolerance)
    return differences


def _compare_values(
    path: str, a: Any, b: Any, tolerance: Tolerance, *, numeric: bool
) -> Difference | None:
    if not numeric:
        return _summary(path, a, b, None, numeric=False)
    peak, same = 0.0, True
    for _, part_a, part_b in _blocks(a, b):
        peak = max(peak, _peak(part_a), _peak(part_b))
        same = same and part_a.dtype == part_b.dtype and part_a.tobytes() == part_b.tobytes()
    return None if same else _summary(path, a, b, tolerance, numeric=True, peak=peak)


def _summary(
    path: str,
    a: Any,
    b: Any,
    tolerance: Tolerance | None,
    *,
    numeric: bool,
    peak: float = 0.0,
) -> Difference | None:
    difference: Difference | None = None
    shape = a.shape
    size = int(np.prod(shape))
    for offset, part_a, part_b in _blocks(a, b):
        differs = _unequal(part_a, part_b, tolerance, peak)
        places = np.flatnonzero(differs)
        if not len(places):
            continue
        at = places[0]
        if difference is None:
            difference = Difference(
                path=path,
                aspect="values",
                a=_show(part_a[at]),
                b=_show(part_b[at]),
                index=_index(offset + at, shape),
                size=size,
            )
        difference.count += len(places)
        if numeric:
            _note_largest(
                difference, part_a[places], part_b[places], positions=offset + places, shape=shape
            )
    if difference is not None and difference.largest is not None and peak > 0:
        difference.relative = difference.largest / peak
    return difference


def _note_largest(
    difference: Difference,
    a: np.ndarray,
    b: np.ndarray,
    *,
    positions: np.ndarray,
    shape: tuple[int, ...],
) -> None:
    apart = _apart(a, b)
    # NaN on one side alone is as far as can be
    apart[np.isnan(apart)] = np.inf
    k = int(np.argmax(apart))
    if difference.largest is None or apart[k] > difference.largest:
        difference.largest = float(apart[k])
        difference.largest_index = _index(int(positions[k]), shape)


def _blocks(a: Any, b: Any) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield flat pieces of both, and how many values went before."""
    if not a.shape:
        yield 0, np.asarray(a[()]).reshape(1), np.asarray(b[()]).reshape(1)
        return
    row = max(int(np.prod(a.shape[1:])), 1)
    step = max(_BLOCK_BYTES // (8 * row), 1)
    for start in range(0, a.shape[0], step):
        stop = start + step
        yield (
            start * row,
            np.asarray(a[start:stop]).reshape(-1),
            np.asarray(b[start:stop]).reshape(-1),
        )


def _unequal(a: np.ndarray, b: np.ndarray, tolerance: Tolerance | None, peak: float) -> np.ndarray:
    if tolerance is None:
        return np.array([not _same(x, y) for x, y in zip(a, b, strict=True)], bool)
    if tolerance.exact:
        # as bytes: NaN is itself, and 0 is not -0
        bits = [np.ascontiguousarray(x).view(np.uint8).reshape(len(x), -1) for x in (a, b)]
        return np.asarray(np.any(bits[0] != bits[1], axis=1))
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        return np.asarray(a != b)
    scale: Any = peak
    if tolerance.relative_to == "value":
        scale = np.maximum(np.abs(a), np.abs(b))
    with np.errstate(invalid="ignore", over="ignore"):
        near = _apart(a, b) <= tolerance.atol + tolerance.rtol * scale
    # an infinite scale would let everything pass
    finite = np.isfinite(a) & np.isfinite(b)
    return np.asarray(~((near & finite) | (a == b) | (np.isnan(a) & np.isnan(b))))


def _same(x: Any, y: Any) -> bool:
    return bool(np.array_equal(np.asarray(x), np.asarray(y)))


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    wide = complex if "c" in (a.dtype.kind, b.dtype.kind) else float
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.abs(a.astype(wide) - b.astype(wide)))


def _peak(values: np.ndarray) -> float:
    magnitude = np.abs(values.astype(complex if values.dtype.kind == "c" else float))
    finite = magnitude[np.isfinite(magnitude)]
    return float(finite.max()) if len(finite) else 0.0


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(flat, shape)) if shape else ()


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        return repr(value.decode("utf-8", "replace"))
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, str) else value


def compare_texts(
    a: Sequence[str], b: Sequence[str], tolerance: Tolerance
) -> tuple[list[Difference], int]:
    """Compare two texts line by line and word by word, numbers as numbers.

    Words are separated by white space, commas or semicolons. Blank lines and comments, which
    begin with ``#``, do not count, unless the comparison is exact.

    Returns
    -------
    differences : list of Difference
        One for the number of lines, and one for the words.
    count : int
        Number of lines compared.
    """
    lines_a, lines_b = (_lines(text, tolerance.exact) for text in (a, b))
    differences = []
    if len(lines_a) != len(lines_b):
        differences.append(Difference("lines", "number", len(lines_a), len(lines_b)))
    peaks = _column_peaks(lines_a, lines_b)
    words: Difference | None = None
    for (number, row_a), (_, row_b) in zip(lines_a, lines_b, strict=False):
        at = next(
            (
                k
                for k in range(max(len(row_a), len(row_b)))
                if not _same_word(_nth(row_a, k), _nth(row_b, k), peaks.get(k, 0.0), tolerance)
            ),
            None,
        )
        if at is None:
            continue
        if words is None:
            first, second = (_nth(row, at) or "nothing" for row in (row_a, row_b))
            words = Difference(f"line {number}, word {at + 1}", "values", first, second)
            words.size = min(len(lines_a), len(lines_b))
        words.count += 1
    return differences + ([words] if words else []), max(len(lines_a), len(lines_b))


def _lines(text: Sequence[str], exact: bool) -> list[tuple[int, list[str]]]:
    if exact:
        return [(k, [line]) for k, line in enumerate(text, 1)]
    # comments tell of the program that wrote them
    kept = ((k, line.strip()) for k, line in enumerate(text, 1))
    return [(k, re.split(r"[\s,;]+", s)) for k, s in kept if s and not s.startswith("#")]


def _column_peaks(*texts: list[tuple[int, list[str]]]) -> dict[int, float]:
    peaks: dict[int, float] = {}
    for lines in texts:
        for _, row in lines:
            for k, word in enumerate(row):
                value = _number(word)
                if value is not None and np.isfinite(value):
                    peaks[k] = max(peaks.get(k, 0.0), abs(value))
    return peaks


def _nth(row: list[str], k: int) -> str | None:
    return row[k] if k < len(row) else None


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _same_word(a: str | None, b: str | None, peak: float, tolerance: Tolerance) -> bool:
    if a == b:
        return True
    if a is None or b is None or tolerance.exact:
        return False
    x, y = _number(a), _number(b)
    if x is None or y is None:
        return False
    return not _unequal(np.array([x]), np.array([y]), tolerance, peak)[0]
