"""Comparing two files."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import CheckedDataset
from lfpcli.io import stream
from lfpcli.io.leaves import Contents, Leaf, open_contents, read_text
from lfpcli.io.npz import StoredArray
from lfpcli.io.provenance import read_provenance
from lfpcli.io.shares import SHARE
from lfpcli.io.text import as_text
from lfpcli.tasks.files.differences import Difference, Tolerance, compare_arrays, compare_texts

PROVENANCE = "/@provenance"


@dataclass
class Comparison:
    """What came out.

    Attributes
    ----------
    differences : list of Difference
        In the order of their paths; empty where the files are the same.
    compared : int
        Number of datasets and attributes, or of lines of text.
    """

    differences: list[Difference] = field(default_factory=list)
    compared: int = 0

    @property
    def same(self) -> bool:
        """Whether the files are the same."""
        return not self.differences


def diff(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    tolerance: Tolerance | None = None,
    *,
    ignore: Sequence[str] = (),
    provenance: bool = False,
) -> Comparison:
    """Compare two files of the same kind: HDF5, NumPy, or text of numbers.

    Parameters
    ----------
    a, b : path-like
        The files; one may be ``-``, standard input.
    tolerance : Tolerance, optional
        How far floating-point numbers may be apart. Whole numbers and text have to be equal.
    ignore : sequence of str
        Patterns of paths, ``dataset`` or ``dataset@attribute``, that are left out.
    provenance : bool
        Whether the provenance of recordings is compared.

    Raises
    ------
    InputError
        Where a file cannot be read.
    """
    if str(a) == stream.STDIN == str(b):
        raise UsageError("both files are standard input", remedy="name one of them")
    # two runs of one model differ in the command alone, which is no difference of results
    patterns = [*ignore, *(() if provenance else (PROVENANCE,))]
    with open_contents(a) as left, open_contents(b) as right:
        if left.format_name != right.format_name:
            return Comparison([Difference("file", "kind", left.format_name, right.format_name)], 1)
        if left.format_name == "text":
            texts = read_text(left), read_text(right)
            return Comparison(*compare_texts(*texts, tolerance or Tolerance()))
        if left.format_name == "binary":
            return _compare_bytes(left, right)
        return _compare_leaves(left, right, tolerance or Tolerance(), patterns)


def _compare_bytes(left: Contents, right: Contents) -> Comparison:
    whole = [np.memmap(c.path, np.uint8, "r") for c in (left, right)]
    return Comparison(compare_arrays("bytes", whole[0], whole[1], Tolerance(exact=True)), 1)


def _compare_leaves(
    left: Contents, right: Contents, tolerance: Tolerance, ignore: Sequence[str]
) -> Comparison:
    comparison = Comparison()
    parents = [_parents(contents) for contents in (left, right)]
    done: set[tuple[Any, Any]] = set()
    for path in sorted({*left.leaves, *right.leaves}):
        if _ignored(path, ignore):
            continue
        a, b = left.leaves.get(path), right.leaves.get(path)
        # a part with two names in both files is compared once
        pair = (_identity(a), _identity(b))
        if None not in pair:
            if pair in done:
                continue
            done.add(pair)
        comparison.compared += 1
        if a is None or b is None:
            # a group is named by what is in it, and axes follow from the samples
            if path not in parents[a is None] and not _is_axis(a or b):
                side = "B" if a is None else "A"
                comparison.differences.append(Difference(path, f"only in {side}"))
            continue
        with _named(path, left, right):
            comparison.differences += _compare_data(path, a, b, tolerance)
        _compare_attributes(path, a, b, comparison, tolerance=tolerance, ignore=ignore)
    return comparison


def _is_axis(leaf: Leaf | None) -> bool:
    return leaf is not None and as_text(leaf.attributes.get("CLASS", "")) == "DIMENSION_SCALE"


def _parents(contents: Contents) -> set[str]:
    """Groups that hold something."""
    return {path.rpartition("/")[0] for path in contents.leaves}


@contextlib.contextmanager
def _named(path: str, left: Contents, right: Contents) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            "dataset cannot be read",
            source=f"{left.name} or {right.name}:{path}",
            remedy="see what lfp check says of the file",
        ) from error


def _identity(leaf: Leaf | None) -> Any:
    if leaf is None or not isinstance(leaf.data, CheckedDataset):
        return None
    # names of one dataset have one address
    return h5py.h5o.get_info(leaf.data.dataset.id).addr


def _ignored(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def _compare_data(path: str, a: Leaf, b: Leaf, tolerance: Tolerance) -> list[Difference]:
    if a.is_array and b.is_array:
        if h5py.check_ref_dtype(a.data.dtype) and h5py.check_ref_dtype(b.data.dtype):
            return []  # an address means something in its own file only
        return compare_arrays(path, _sliceable(a.data), _sliceable(b.data), tolerance)
    kind_a, kind_b = _kind(a), _kind(b)
    return [] if kind_a == kind_b else [Difference(path, "kind", kind_a, kind_b)]


def _sliceable(data: Any) -> Any:
    """Data that are read block by block; a member of an archive is unpacked once."""
    return data.read() if isinstance(data, StoredArray) else data


def _kind(leaf: Leaf) -> str:
    if leaf.is_array:
        return "dataset"
    return "group" if leaf.data is None else str(leaf.data)


def _compare_attributes(
    path: str,
    a: Leaf,
    b: Leaf,
    comparison: Comparison,
    *,
    tolerance: Tolerance,
    ignore: Sequence[str],
) -> None:
    for key in sorted({*a.attributes, *b.attributes}):
        name = f"{path}@{key}"
        if _ignored(name, ignore):
            continue
        if key == SHARE and not (key in a.attributes and key in b.attributes):
            # files of before it was written hold the same shares
            continue
        comparison.compared += 1
        if key not in a.attributes or key not in b.attributes:
            comparison.differences.append(
                Difference(name, f"only in {'A' if key in a.attributes else 'B'}")
            )
            continue
        if name == PROVENANCE:
            comparison.differences += _compare_provenance(a, b, tolerance)
            continue
        values = [np.asarray(_plain(leaf.attributes[key])) for leaf in (a, b)]
        comparison.differences += compare_arrays(name, values[0], values[1], tolerance)


def _plain(value: Any) -> Any:
    """Return text as an object, so that its length is no part of its type."""
    if isinstance(value, (str, bytes)):
        return np.array(as_text(value), dtype=object)
    return value


def _compare_provenance(a: Leaf, b: Leaf, tolerance: Tolerance) -> list[Difference]:
    """Differences of the records of how two files came to be, key by key."""
    left, right = (_flat(read_provenance(leaf.attributes, PROVENANCE)) for leaf in (a, b))
    differences = []
    for name in sorted({*left, *right}):
        path = f"{PROVENANCE} {name}"
        if name not in left or name not in right:
            differences.append(Difference(path, f"only in {'A' if name in left else 'B'}"))
            continue
        # texts side by side have one type, of which their lengths are a part
        values = np.asarray([left[name], right[name]], dtype=_type_of(left[name], right[name]))
        differences += compare_arrays(path, values[:1], values[1:], tolerance)
    return differences


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Values of nested tables and lists by dotted keys; commands stay whole."""
    if isinstance(value, dict) and (value or not path):
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        items = list(enumerate(value))
    else:
        return {path: value if isinstance(value, (int, float, str)) else json.dumps(value)}
    flat: dict[str, Any] = {}
    for key, each in items:
        flat |= _flat(each, f"{path}.{key}" if path else str(key))
    return flat


def _type_of(a: object, b: object) -> Any:
    """Type of two values as one array: text where either is one."""
    return str if isinstance(a, str) or isinstance(b, str) else None
