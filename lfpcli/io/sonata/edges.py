"""Populations of edges, read by the index of their targets, so that a process reads its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, whole
from lfpcli.io.recording import open_hdf5
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.nodes import attribute_values, is_group_number
from lfpcli.io.sonata.types import read_types
from lfpcli.io.text import as_text

# edges of a file without an index that are looked through at a time
_BLOCK = 1 << 20
_INDICES = {"target": "indices/target_to_source", "source": "indices/source_to_target"}
_AGAIN = "write the file of edges again"


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Edges onto some nodes, or from some.

    Attributes
    ----------
    ids : ndarray of int, shape (n,)
        Numbers of the edges in their population.
    source, target : ndarray of int, shape (n,)
        Node ids.
    types : ndarray of int, shape (n,)
        Type of each edge.
    columns : mapping of str to ndarray of object (n,)
        Attributes of single edges; None where one has none.
    type_table : mapping of int to mapping
        Attributes of the types.
    """

    ids: np.ndarray
    source: np.ndarray
    target: np.ndarray
    types: np.ndarray
    columns: Mapping[str, np.ndarray]
    type_table: Mapping[int, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.source)

    def subset(self, chosen: np.ndarray) -> Edges:
        """Some of the edges, by their indices (m,), which may come more than once."""
        return Edges(
            ids=self.ids[chosen],
            source=self.source[chosen],
            target=self.target[chosen],
            types=self.types[chosen],
            columns={name: values[chosen] for name, values in self.columns.items()},
            type_table=self.type_table,
        )

    def of(self, name: str, default: Any = None) -> np.ndarray:
        """An attribute of every edge, from itself or its type, in its unit, shape (n,), object."""
        column = self.columns.get(name)
        values = np.full(len(self), None, object) if column is None else column.copy()
        missing = np.array([value is None for value in values], bool)
        for number in np.unique(self.types[missing]).tolist():
            value = self.type_table.get(number, {}).get(name)
            for index in np.flatnonzero(missing & (self.types == number)):
                values[index] = default if value is None else value
        return values


class EdgePopulation:
    """Edges of one population in an open file.

    Attributes
    ----------
    name : str
        Name of the population.
    source_nodes, target_nodes : str
        Populations of nodes that it connects.
    type_table : mapping of int to mapping
        Attributes of the types.
    """

    def __init__(
        self,
        name: str,
        group: h5py.Group,
        types: Mapping[int, Mapping[str, Any]],
        source: str,
    ) -> None:
        self.name = name
        self._group, self.type_table = group, types
        self._source = source
        self._label = source.rpartition(":/edges/")[0]
        self._ids: dict[str, CheckedDataset] = {}
        for part in ("source_node_id", "target_node_id", "edge_type_id"):
            self._ids[part] = self._numbers(part)
        for part in ("edge_group_id", "edge_group_index"):
            if part in group:
                self._ids[part] = self._numbers(part)
        for part, ids in self._ids.items():
            if len(ids) != len(self):
                raise InputError(
                    f"has {len(ids)} rows for {len(self)} edges",
                    source=f"{source}/{part}",
                    remedy=_AGAIN,
                )
        self.source_nodes = self._nodes("source_node_id")
        self.target_nodes = self._nodes("target_node_id")

    def __len__(self) -> int:
        return len(self._ids["target_node_id"])

    def _numbers(self, part: str, ndim: int = 1) -> CheckedDataset:
        return numbers(self._group, part, self._label, ndim=ndim, remedy="see lfp info")

    def _nodes(self, part: str) -> str:
        name = self._group[part].attrs.get("node_population")
        if name is None:
            raise InputError(
                "does not name its population of nodes",
                source=f"{self._source}/{part}",
                remedy="add the attribute node_population",
            )
        return as_text(name)

    def has_attribute(self, name: str) -> bool:
        """Whether single edges have an attribute, beside what their types say."""
        groups = [entry for number, entry in self._group.items() if is_group_number(number)]
        return any(isinstance(group, h5py.Group) and name in group for group in groups)

    def type_counts(self) -> dict[int, int]:
        """Number of edges of each type, by type."""
        counts: dict[int, int] = {}
        for start in range(0, len(self), _BLOCK):
            block = self._ids["edge_type_id"][start : start + _BLOCK].astype(np.int64)
            numbers, edges = np.unique(block, return_counts=True)
            for number, count in zip(numbers.tolist(), edges.tolist(), strict=True):
                counts[number] = counts.get(number, 0) + count
        return dict(sorted(counts.items()))

    def onto(self, targets: Sequence[int]) -> Edges:
        """The edges onto some nodes, node by node, in the order of the index.

        Parameters
        ----------
        targets : sequence of int
            Node ids.

        Raises
        ------
        InputError
            Where the index does not fit the edges.
        """
        edges = self._edges(self._rows(targets, "target"))
        others = np.flatnonzero(~np.isin(edges.target, targets))
        if len(others):
            raise InputError(
                f"says that edge {edges.ids[others[0]]} leads to another node than it does, "
                f"{edges.target[others[0]]}",
                source=f"{self._source}/indices",
                remedy=_AGAIN,
            )
        return edges

    def unknown_targets(self, node_ids: np.ndarray) -> np.ndarray:
        """Node ids, ascending (m,) no unit, that edges lead to and that are not among some (n,)."""
        ranges = self._ranges("target")
        if ranges is not None:
            pairs = self._pairs(ranges, limit=None)
            reached = np.flatnonzero(pairs[:, 0] < pairs[:, -1])
            return np.setdiff1d(reached, node_ids)
        unknown = np.empty(0, np.int64)
        for start in range(0, len(self), _BLOCK):
            block = self._ids["target_node_id"][start : start + _BLOCK].astype(np.int64)
            unknown = np.union1d(unknown, np.setdiff1d(block, node_ids))
        return unknown

    def leaving(self, sources: Sequence[int]) -> Edges:
        """The edges from some nodes, node by node, in the order of the index.

        Parameters
        ----------
        sources : sequence of int
            Node ids.
        """
        return self._edges(self._rows(sources, "source"))

    def _edges(self, rows: np.ndarray) -> Edges:
        type_ids = _taken(self._ids["edge_type_id"], rows)
        return Edges(
            ids=rows,
            source=_taken(self._ids["source_node_id"], rows).astype(np.int64),
            target=_taken(self._ids["target_node_id"], rows).astype(np.int64),
            types=type_ids.astype(np.int64),
            columns=self._columns(rows),
            type_table=self.type_table,
        )

    def _rows(self, nodes: Sequence[int], end: str) -> np.ndarray:
        """Numbers of the edges that have some nodes as their ``target`` or ``source``."""
        ranges = self._ranges(end)
        if ranges is None:
            return self._searched(nodes, end)
        first_last = self._pairs(ranges, limit=None)
        spans = self._pairs(f"{_INDICES[end]}/range_to_edge_id", limit=len(self))
        rows: list[np.ndarray] = [np.empty(0, np.int64)]
        for node in nodes:
            if not 0 <= node < len(first_last):
                continue
            first, last = first_last[node]
            if last > len(spans):
                raise InputError(
                    f"names span {last}, there are {len(spans)}",
                    source=f"{self._source}/{ranges}",
                    remedy=_AGAIN,
                )
            for start, stop in spans[first:last] if last > first >= 0 else ():
                rows.append(np.arange(start, stop))
        return np.concatenate(rows)

    def _ranges(self, end: str) -> str | None:
        """Where the index of the nodes at an end is; None where there is none."""
        index = _INDICES[end]
        # bmtk writes the singular, libsonata the plural
        plural = f"{index}/node_id_to_ranges"
        ranges = plural if plural in self._group else f"{index}/node_id_to_range"
        is_there = ranges in self._group and f"{index}/range_to_edge_id" in self._group
        return ranges if is_there else None

    def _pairs(self, path: str, *, limit: int | None) -> np.ndarray:
        """Begins and ends of an index, shape (n, 2), whose ends are at most `limit`."""
        pairs = whole(self._numbers(path, ndim=2), np.int64)
        # a node without edges has a pair that may be anything that holds nothing
        holds = pairs[:, 0] < pairs[:, -1]
        wrong = pairs.shape[1] != 2 or np.any(pairs[holds] < 0)
        if wrong or (limit is not None and np.any(pairs[holds] > limit)):
            raise InputError(
                "does not fit the edges", source=f"{self._source}/{path}", remedy=_AGAIN
            )
        return pairs

    def _searched(self, nodes: Sequence[int], end: str) -> np.ndarray:
        """The same for a file without an index, which is looked through whole."""
        node_ids = self._ids[f"{end}_node_id"]
        rows: dict[int, list[np.ndarray]] = {node: [] for node in nodes}
        for start in range(0, len(self), _BLOCK):
            block = node_ids[start : start + _BLOCK].astype(np.int64)
            wanted = np.flatnonzero(np.isin(block, list(rows)))
            for node in np.unique(block[wanted]).tolist():
                rows[node].append(start + wanted[block[wanted] == node])
        parts = [np.empty(0, np.int64)]
        for node in nodes:
            parts += rows[node]
        return np.concatenate(parts)

    def _columns(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        group = self._group
        group_of, row_of = np.zeros(len(rows), np.int64), rows
        if "edge_group_id" in self._ids:
            group_of = _taken(self._ids["edge_group_id"], rows)
        if "edge_group_index" in self._ids:
            row_of = _taken(self._ids["edge_group_index"], rows).astype(np.int64)
        columns: dict[str, np.ndarray] = {}
        for name, attributes in group.items():
            if not is_group_number(name) or not isinstance(attributes, h5py.Group):
                continue
            members = np.flatnonzero(group_of == int(name))
            for attribute, dataset in attributes.items():
                if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
                    continue
                column = columns.setdefault(attribute, np.full(len(rows), None, object))
                column[members] = self._attribute(dataset, row_of[members])
        return columns

    def _attribute(self, dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
        if h5py.check_string_dtype(dataset.dtype) is not None:
            # texts are few, and HDF5 reads them one by one
            return _checked_rows(attribute_values(dataset, self._label), rows, dataset.name)
        name = dataset.name.rpartition("/")[2]
        return _taken(numbers(dataset.parent, name, self._label, ndim=1), rows)


def _checked_rows(values: np.ndarray, rows: np.ndarray, source: str) -> np.ndarray:
    if rows.size and not 0 <= rows.min() <= rows.max() < len(values):
        raise InputError(
            f"has {len(values)} rows, others are asked for", source=source, remedy=_AGAIN
        )
    chosen: np.ndarray = values[rows]
    return chosen


def _taken(dataset: CheckedDataset, rows: np.ndarray) -> np.ndarray:
    """Rows of a dataset in any order; HDF5 wants them ascending."""
    if not len(rows):
        return np.empty(0, dataset.dtype)
    if rows.max() >= dataset.shape[0] or rows.min() < 0:
        raise InputError(
            f"has {dataset.shape[0]} rows, the index names rows {rows.min()} to {rows.max()}",
            source=dataset.source,
            remedy=_AGAIN,
        )
    low, high = int(rows.min()), int(rows.max()) + 1
    if high - low <= 4 * len(rows) + 1024:
        # one stretch that is read whole costs less than a list of rows
        stretch: np.ndarray = dataset[low:high]
        return np.asarray(stretch[rows - low])
    ordered, back = np.unique(rows, return_inverse=True)
    values: np.ndarray = dataset[ordered]
    return np.asarray(values[back])


@contextlib.contextmanager
def open_edges(pair: TablePair) -> Iterator[list[EdgePopulation]]:
    """Open a file of edges; yields its populations.

    Raises
    ------
    InputError
        Where a part is missing.
    """
    types = {} if pair.types is None else read_types(pair.types, "edge_type_id")
    with open_hdf5(pair.data) as (file, label):
        root = file.get("edges")
        if not isinstance(root, h5py.Group):
            raise InputError("has no group /edges", source=label, remedy="see lfp info")
        for name, group in root.items():
            if not isinstance(group, h5py.Group):
                raise InputError(
                    "is no population of edges", source=f"{label}:/edges/{name}", remedy=_AGAIN
                )
        yield [EdgePopulation(name, root[name], types, f"{label}:/edges/{name}") for name in root]
